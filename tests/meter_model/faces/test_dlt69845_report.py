"""Reports of events through DL/T 698.45: unasked with receipt and repetition, in passing, and the hint that one waits."""

from __future__ import annotations

import datetime as dt
import itertools
import random

import msgspec
import pytest

from meterwire.errors import Refused
from meterwire.meter_model import Meter, VirtualClock
from meterwire.meter_model.esam69845 import CipherMachine69845Double
from meterwire.meter_model.faces.dlt69845.face import Face69845
from meterwire.meter_model.faces.dlt69845.record_objects import put, read, table_of
from meterwire.meter_model.faces.dlt69845.report import ATTEMPTS, REPEAT_AFTER
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.meter_model.inputs import Inputs
from meterwire.meter_model.saved import parts_of, restore
from meterwire.protocols.dialogue import IGNORED
from meterwire.protocols.dlt69845.address import ANY
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.client import Meter69845
from meterwire.protocols.dlt69845.descriptors import Oad, Omd
from meterwire.protocols.dlt69845.link import FrameLength, Link, LinkControl
from meterwire.protocols.dlt69845.security import Protection, Shield
from meterwire.protocols.dlt69845.services import get, report
from meterwire.protocols.dlt69845.services.action import ActionItem
from meterwire.protocols.dlt69845.services.common import Piid
from meterwire.protocols.dlt69845.services.connect import Mechanism
from meterwire.protocols.dlt69845.time_tags import tag_of
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant
from meterwire.transports.memory import ResponderLine

LINK, APDU = codec(Link, 2021), codec(Apdu, 2021)
START = dt.datetime(2026, 1, 30, 22, 10)
COVER, STATES = "301B", Oad.of("33000200")
CHANNEL = Oad.of("F2010201")


class Head:
    """A head-end on one connection, at a time of its own."""

    def __init__(self, meter):
        self.meter, self.now = meter, 0.0
        self.connection = Face69845(meter).connect()

    def send(self, body, started_by_client=1):
        flag, octets = ANY.wire(2021)
        user = APDU.build(Apdu.of(body))
        control = LinkControl(started_by_client=started_by_client)
        frame = LINK.build(Link(FrameLength(), control, flag, octets, 16, user))
        return [self.heard(answer) for answer in self.connection.receive(frame, self.now)]

    def heard(self, answer):
        link = LINK.parse(answer.octets)
        return link.control, APDU.parse(link.user).body

    def ask(self, number=1, oad="40010200"):
        ((_, body),) = self.send(get.GetRequest(get.GetRequestNormal(Piid(number=number), Oad.of(oad))))
        return body

    def wait(self, seconds):
        """Let time pass on the line and in the meter; what is said unasked, with when."""
        until, said = self.now + seconds, []
        while (due := self.connection.next()) <= until:
            self.pass_to(max(due, self.now))
            found = self.connection.run(self.now)
            said += [(self.now, *self.heard(answer)) for answer in found]
            if not found:
                self.pass_to(self.now + 0.05)
        self.pass_to(max(until, self.now))
        return said

    def pass_to(self, now):
        self.meter.clock.step(now - self.now)
        self.now = now

    def receipt(self, body, **changes):
        sent = body.report
        piid = Piid(number=changes.get("number", sent.piid.number))
        oads = tuple(one.oad for one in getattr(sent, "records", ()) or sent.results)
        kind = changes.get("kind") or (
            report.ReceiptRecordList if isinstance(sent, report.ReportRecordList) else report.ReceiptList
        )
        assert self.send(report.ReportResponse(kind(piid, oads)), started_by_client=0) == []


def meter_at():
    return Meter(clock=VirtualClock(START, frozen=True), seed=2)


@pytest.fixture
def meter():
    """A meter that may report, with both turns of its cover."""
    meter = meter_at()
    for name, value in (("active_report", 1), ("report_channel_count", 1)):
        meter.parameters.set(name, value)
    put(meter, Oad.of(f"{COVER}0800"), Variant(22, 3))
    return meter


def cover(meter, on):
    meter.change_inputs(Inputs(cover_open=on))


def states(meter):
    (row,) = table_of(meter, Oad.of(f"{COVER}0200")).entries()
    return {one.value[0].value: one.value[1].value for one in row.value(STATES).value}


def test_an_event_is_reported_and_confirmed(meter):
    """Begin and end are told once each, with the record and PRM 0; the receipt is stored with the event."""
    head = Head(meter)
    head.ask()
    cover(meter, True)
    ((_, control, body),) = head.wait(5)
    assert (control.direction, control.started_by_client) == (1, 0)
    (record,) = body.report.records
    (row,) = table_of(meter, Oad.of(f"{COVER}0200")).entries()
    assert record.oad == Oad.of(f"{COVER}0200")
    place = record.columns.index(Oad.of("201E0200"))
    assert record.result.value[0][place] == row.value(Oad.of("201E0200"))
    assert states(meter) == {CHANNEL: 0b0001}
    head.receipt(body)
    assert states(meter) == {CHANNEL: 0b0011}
    assert head.wait(100) == []
    cover(meter, False)
    ((_, _, body),) = head.wait(5)
    assert body.report.records[0].result.value[0][record.columns.index(Oad.of("20200200"))].tag == 28
    head.receipt(body)
    assert states(meter) == {CHANNEL: 0b1111}
    assert head.wait(100) == []


def test_a_report_is_repeated_until_its_receipt(meter):
    """The same octets come again at equal times, three times in all; a receipt ends that, a wrong one does not."""
    head = Head(meter)
    head.ask()
    cover(meter, True)
    said = head.wait(200)
    assert len(said) == ATTEMPTS
    assert [round(later[0] - earlier[0]) for earlier, later in itertools.pairwise(said)] == [round(REPEAT_AFTER)] * 2
    assert said[0][2] == said[1][2] == said[2][2]
    assert states(meter) == {CHANNEL: 0b0001}
    cover(meter, False)
    ((_, _, body),) = head.wait(5)
    head.receipt(body, number=body.report.piid.number ^ 1)
    head.receipt(body, kind=report.ReceiptList)
    assert len(head.wait(REPEAT_AFTER)) == 1
    head.receipt(body)
    assert head.wait(100) == []
    assert states(meter) == {CHANNEL: 0b1101}


@pytest.mark.parametrize("what", ["active_report", "report_channel_count", "flag", "client"])
def test_nothing_is_said_unasked_where_it_may_not_be(meter, what):
    """Not allowed, no channel, no flag, or nobody there: silence."""
    head = Head(meter)
    if what == "flag":
        put(meter, Oad.of(f"{COVER}0800"), Variant(22, 0))
    elif what != "client":
        meter.parameters.set(what, 0)
    if what != "client":
        head.ask()
    cover(meter, True)
    assert head.wait(100) == []


@pytest.mark.parametrize(("flag", "turns"), [(1, [True]), (2, [False]), (3, [True, False])])
def test_the_flag_says_which_turns_are_told(meter, flag, turns):
    """On occurrence, on restoration, or both."""
    put(meter, Oad.of(f"{COVER}0800"), Variant(22, flag))
    head, told = Head(meter), []
    head.ask()
    for on in (True, False):
        cover(meter, on)
        for _, _, body in head.wait(3):
            told.append(on)
            head.receipt(body)
    assert told == turns


def test_several_reports_go_one_after_another(meter):
    """The next one waits for the receipt of the first, and has another number."""
    put(meter, Oad.of("30150800"), Variant(22, 1))
    head = Head(meter)
    head.ask()
    cover(meter, True)
    meter.clear_events(["programming"])
    ((_, _, first),) = head.wait(5)
    head.receipt(first)
    ((_, _, second),) = head.wait(5)
    assert second.report.records[0].oad == Oad.of("30150200")
    assert second.report.piid.number != first.report.piid.number


def test_the_hint_and_the_report_in_passing(meter):
    """ACD is set while something waits; a report in passing counts as received at the next request, not a repeated one."""
    meter.parameters.set("active_report", 0)
    head = Head(meter)
    assert head.ask().response.piid.access == 0
    cover(meter, True)
    found = head.ask(number=2)
    assert (found.response.piid.access, found.follow_report) == (1, None)
    meter.parameters.set("follow_report", 1)
    found = head.ask(number=3)
    assert found.follow_report.tag == 2
    assert found.follow_report.value[0].oad == Oad.of(f"{COVER}0200")
    assert states(meter) == {CHANNEL: 0b0001}
    again = head.ask(number=3)
    assert again.follow_report.tag == 2
    last = head.ask(number=4)
    assert (last.response.piid.access, last.follow_report) == (0, None)
    assert states(meter) == {CHANNEL: 0b0011}


def test_what_a_client_reads_by_itself_is_told(meter):
    """Reading the record takes the hint away, and nothing is reported; reading another table does not."""
    meter.parameters.set("active_report", 0)
    head = Head(meter)
    cover(meter, True)
    for number, (table, waits) in enumerate((("301C0200", 1), (f"{COVER}0200", 0)), 1):
        wanted = get.GetRecord(Oad.of(table), Variant(9, 1), (STATES,))
        head.send(get.GetRequest(get.GetRequestRecord(Piid(number=number), wanted)))
        assert head.ask(number=number + 10).response.piid.access == waits


def test_what_waits_survives_a_restart(meter):
    """Flags, waiting reports and states of reports are there again; a connection made afterwards tells them."""
    cover(meter, True)
    later = meter_at()
    restore(
        later, msgspec.msgpack.decode(msgspec.msgpack.encode({name: one() for name, one in parts_of(meter).items()}))
    )
    head = Head(later)
    head.ask()
    ((_, _, body),) = head.wait(5)
    head.receipt(body)
    assert states(later) == {CHANNEL: 0b0011}


def test_a_record_that_is_forgotten_is_told_as_a_count(meter):
    """An event whose record was overwritten before it could be told: how often there were such events (list form)."""
    head = Head(meter)
    for _ in range(11):
        cover(meter, True)
        meter.clock.step(60)
        cover(meter, False)
        meter.clock.step(60)
    head.ask()
    ((_, _, body),) = head.wait(3)
    assert isinstance(body.report, report.ReportList)
    assert body.report.results[0].oad == Oad.of(f"{COVER}0700")
    head.receipt(body)
    assert len(head.wait(3)) == 1


def test_waiting_reports_are_bounded(meter):
    """Events that nobody fetches do not pile up."""
    for _ in range(40):
        cover(meter, True)
        meter.clock.step(10)
        cover(meter, False)
        meter.clock.step(10)
    assert len(meter.reports.notices) == 64


def test_our_own_client_listens(meter):
    """Report and receipt over a line: the client has the record as columns, the meter has it confirmed."""
    client = Meter69845(ResponderLine(Face69845(meter).connect()), address=meter.identity.address)
    client.read("voltage_a")
    cover(meter, True)
    (told,) = client.listen(5.0, most=1)
    (table,) = told.tables
    assert table.oad == Oad.of(f"{COVER}0200")
    assert client.listen(60.0) == []
    assert states(meter) == {CHANNEL: 0b0011}


def test_what_came_in_at_a_port_is_passed_on(meter):
    """Octets of a port go as they are, after the events, and until their receipt; they are bounded."""
    head = Head(meter)
    head.ask()
    meter.reports.pass_on("F2010202", b"\x68\x01", b"\x16")
    cover(meter, True)
    ((_, _, first),) = head.wait(3)
    assert isinstance(first.report, report.ReportRecordList)
    head.receipt(first)
    said = head.wait(REPEAT_AFTER + 5)
    assert len(said) == 2
    found = said[0][2].report
    assert (found.port, found.frames) == (Oad.of("F2010202"), (b"\x68\x01", b"\x16"))
    assert head.send(report.ReportResponse(report.ReceiptTransparent(Piid(number=found.piid.number))), 0) == []
    assert head.wait(60) == []
    for _ in range(100):
        meter.reports.pass_on("F2010202", b"x")
    assert len(meter.reports.passed) == 16


class Tap:
    """A line that keeps what the meter says, and can lose what the client says."""

    def __init__(self, meter, **settings):
        self.connection = Face69845(meter, **settings).connect()
        self.line = ResponderLine(self.connection)
        self.heard, self.said, self.deaf = [], [], False

    def __getattr__(self, name):
        return getattr(self.line, name)

    def write(self, octets):
        if octets:
            self.said.append(octets)
        if not self.deaf:
            self.line.write(octets)

    def read(self, until):
        octets = self.line.read(until)
        if octets:
            self.heard.append(octets)
        return octets


def kinds(meter):
    """All three forms of a report wait: a record, values, octets of a port."""
    meter.reports.tell("20000200", "00100201")
    meter.reports.pass_on("F2010202", b"\x68\x16")
    cover(meter, True)


def nothing_waits(meter):
    return not meter.reports.notices and not meter.reports.passed


def test_every_form_is_answered_in_its_own(meter):
    """List, record list and octets of a port, each with the receipt of its form; then nothing is said any more."""
    tap = Tap(meter)
    client = Meter69845(tap, address=meter.identity.address)
    client.read("voltage_a")
    kinds(meter)
    record, values, octets = client.listen(20.0, most=3)
    assert record.tables[0].oad == Oad.of(f"{COVER}0200")
    assert [(one.item, one.unit) for one in values.readings] == [("20000200", "V"), ("00100201", "kWh")]
    assert (octets.port, octets.frames) == (Oad.of("F2010202"), (b"\x68\x16",))
    assert client.listen(60.0) == []
    assert nothing_waits(meter)
    receipts = [APDU.parse(LINK.parse(one).user).body.receipt for one in tap.said[-3:]]
    assert [type(one) for one in receipts] == [report.ReceiptRecordList, report.ReceiptList, report.ReceiptTransparent]
    assert receipts[1].oads == (Oad.of("20000200"), Oad.of("00100201"))


def protected_client(meter, mechanism=Mechanism.SYMMETRY, shield=Shield.CIPHER_MAC):
    tap = Tap(meter)
    machine = CipherMachine69845Double(bytes.fromhex("00112233445566778899AABBCCDDEEFF"), random.Random(3).randbytes)
    protection = Protection(machine, mechanism, shield)
    client = Meter69845(tap, address=meter.identity.address, protection=protection)
    client.connect()
    return client, tap


@pytest.mark.parametrize("mechanism", [Mechanism.SYMMETRY, Mechanism.SIGNATURE])
@pytest.mark.parametrize("shield", [Shield.CIPHER_MAC, Shield.PLAIN_MAC, Shield.CIPHER, Shield.PLAIN_RANDOM])
def test_a_protected_connection_has_protected_reports(meter, mechanism, shield):
    """Each report comes enciphered with a MAC, each receipt goes protected, and a request between them is answered."""
    client, tap = protected_client(meter, mechanism, shield)
    kinds(meter)
    meter.clock.step(2)
    assert client.read("address").value is not None
    found = client.listen(20.0, most=3)
    assert len(found) == 3
    assert client.listen(60.0) == []
    assert nothing_waits(meter)
    assert states(meter) == {CHANNEL: 0b0011}
    unasked = [LINK.parse(one) for one in tap.heard]
    unasked = [one for one in unasked if not one.control.started_by_client]
    assert {one.user[:2] for one in unasked} == {b"\x90\x01"}
    assert all(LINK.parse(one).user[:1] == b"\x10" for one in tap.said[-3:])


def test_a_lost_receipt_makes_the_report_come_again_once(meter):
    """The same protected octets are acknowledged again and told once; a later report is understood all the same."""
    client, tap = protected_client(meter)
    cover(meter, True)
    tap.deaf = True
    assert len(client.listen(5.0)) == 1
    tap.deaf = False
    assert client.listen(60.0) == []
    assert states(meter) == {CHANNEL: 0b0011}
    cover(meter, False)
    assert len(client.listen(5.0)) == 1
    assert nothing_waits(meter)


def test_what_is_not_protected_is_not_believed(meter):
    """Plain, altered and old reports get no receipt and are not told; a plain receipt leaves the report waiting."""
    client, tap = protected_client(meter)
    cover(meter, True)
    (told,) = client.listen(5.0)
    protected = next(one for one in reversed(tap.heard) if LINK.parse(one).user[:1] == b"\x90")
    cover(meter, False)
    assert len(client.listen(5.0)) == 1
    link = LINK.parse(protected)
    plain = LINK.build(msgspec.structs.replace(link, user=APDU.build(Apdu.of(told.body))))
    altered = LINK.build(msgspec.structs.replace(link, user=link.user[:-1] + bytes([link.user[-1] ^ 1])))
    for octets in (plain, altered, protected):
        assert client.session.link.whole(LINK.parse(octets)) == (None, IGNORED)

    meter.reports.tell("40010200")
    head = Head(meter)
    head.connection, head.now = tap.connection, tap.line.now()
    ((_, _, body),) = head.wait(2)
    receipt = report.ReportResponse(report.ReceiptList(Piid(number=2), (Oad.of("40010200"),)))
    head.send(receipt, started_by_client=0)
    assert not nothing_waits(meter)
    assert body.proof is not None


def test_the_end_of_a_protected_connection_is_protected(meter):
    """After the agreed time without a request the notice comes protected, and the client believes it."""
    client, tap = protected_client(meter)
    tap.connection.context.timeout = 30
    found = client.listen(40.0)
    assert [one.released for one in found] == [True]
    assert client.granted is None
    assert LINK.parse(tap.heard[-1]).user[:1] == b"\x90"


def test_reports_carry_time_tags(meter):
    """With a tag each sending says when; a repetition has another one and is told once; receipts carry one too."""
    tap = Tap(meter, tag=30)
    now = lambda: meter.clock.now().replace(tzinfo=None)  # noqa: E731
    client = Meter69845(tap, address=meter.identity.address, clock=now, tag=30)
    client.read("voltage_a")
    cover(meter, True)
    tap.deaf = True
    (told,) = client.listen(5.0)
    assert told.sent.replace(tzinfo=None) == START
    meter.clock.step(20)
    tap.deaf = False
    assert client.listen(20.0) == []
    assert nothing_waits(meter)
    last = APDU.parse(LINK.parse(tap.said[-1]).user).body
    assert (last.time_tag.sent.datetime(), last.time_tag.delay.value) == (START + dt.timedelta(seconds=20), 30)


@pytest.mark.parametrize("off", [-40, 40])
def test_stale_reports_and_receipts_are_left_aside(meter, off):
    """Whose clock differs by more than the delay is not believed: no receipt for the report, none taken for itself."""
    tap = Tap(meter, tag=30)
    now = lambda: meter.clock.now().replace(tzinfo=None) + dt.timedelta(seconds=off)  # noqa: E731
    client = Meter69845(tap, address=meter.identity.address, clock=now, tag=30)
    with pytest.raises(Refused):
        client.act(ActionItem(Omd(0x4300, 1), Variant(0, None)))
    cover(meter, True)
    assert client.listen(10.0) == []
    head = Head(meter)
    head.connection = Face69845(meter).connect()
    head.ask()
    ((_, _, body),) = head.wait(3)
    tag = tag_of(now(), 30)
    oads = tuple(one.oad for one in body.report.records)
    stale = report.ReportResponse(report.ReceiptRecordList(Piid(number=body.report.piid.number), oads), time_tag=tag)
    head.send(stale, started_by_client=0)
    assert not nothing_waits(meter)
    head.receipt(body)
    assert nothing_waits(meter)


def test_events_that_wait_are_listed(meter):
    """3320 has the objects of what is still to be told, each once, until it is known."""
    head = Head(meter)
    cover(meter, True)
    cover(meter, False)
    listed = head.ask(number=1, oad="33200200").response.result.result.value
    assert listed == Variant(1, (Variant(80, 0x301B),))
    for notice in meter.reports.notices:
        meter.reports.settle(notice)
    assert head.ask(number=2, oad="33200200").response.result.result.value == Variant(1, ())


@pytest.mark.parametrize("secured", [False, True])
def test_our_own_client_keeps_what_comes_in_passing(meter, secured):
    """A record and values that come with answers are told by listen; a hint that something waits is there before."""
    meter.parameters.set("active_report", 0)
    client = protected_client(meter)[0] if secured else Meter69845(Tap(meter), address=meter.identity.address)
    client.read("address")
    assert not client.session.waits
    cover(meter, True)
    meter.reports.tell("20000201", "40010200")
    client.read("address")
    assert client.session.waits
    assert client.listen(0.1) == []
    meter.parameters.set("follow_report", 1)
    for _ in range(3):
        client.read("voltage_a")
    record, values = client.listen(0.1)
    assert record.in_passing
    assert values.in_passing
    assert record.tables[0].oad == Oad.of(f"{COVER}0200")
    assert [one.item for one in values.readings] == ["20000201", "40010200"]
    assert nothing_waits(meter)
    assert not client.session.waits
    assert states(meter) == {CHANNEL: 0b0011}


def test_a_protected_request_again_does_not_confirm_a_report_in_passing(meter):
    """Each try is protected anew; it is the request inside that says whether the client has gone on."""
    meter.parameters.set("active_report", 0)
    meter.parameters.set("follow_report", 1)
    client, tap = protected_client(meter)
    cover(meter, True)
    lost = []
    read = tap.read
    tap.read = lambda until: read(until) if lost else (read(until), lost.append(1), b"")[2]
    client.session.patience = msgspec.structs.replace(client.session.patience, timeout=1.0, tries=3)
    client.read("address")
    assert lost
    assert states(meter) == {CHANNEL: 0b0001}
    (told,) = client.listen(0.1)
    assert told.in_passing
    client.read("voltage_a")
    assert states(meter) == {CHANNEL: 0b0011}


def test_the_report_mode_says_unasked_or_in_passing(meter):
    """Attribute 11 (2021): 1 keeps an event back for the next answer; it survives a restart."""
    mode = Oad.of(f"{COVER}0B00")
    assert read(meter, mode) == Variant(22, 0)
    put(meter, mode, Variant(22, 1))
    for wrong, dar in ((Variant(22, 2), 8), (Variant(17, 1), 7)):
        with pytest.raises(Denied) as denied:
            put(meter, mode, wrong)
        assert denied.value.dar == dar
    meter.parameters.set("follow_report", 1)
    cover(meter, True)
    later = meter_at()
    restore(
        later, msgspec.msgpack.decode(msgspec.msgpack.encode({name: one() for name, one in parts_of(meter).items()}))
    )
    assert read(later, mode) == Variant(22, 1)
    head = Head(later)
    assert head.ask().follow_report is not None
    assert head.wait(5) == []
    assert head.ask(number=2).follow_report is None  # whoever asks on has received it
    put(later, mode, Variant(22, 0))
    cover(later, False)
    assert len(head.wait(3)) == 1
