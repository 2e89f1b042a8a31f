"""The objects of the DL/T 698.45 face: every row of the table read, written, refused and recorded."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.access import Authority
from meterwire.meter_model.faces.dlt69845.attributes import read, rows, served_objects
from meterwire.meter_model.faces.dlt69845.face import Face69845
from meterwire.meter_model.faces.dlt69845.holds import held_of
from meterwire.meter_model.faces.dlt69845.types import Denied, type_of
from meterwire.meter_model.inputs import Inputs
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.parameters import parameters
from meterwire.protocols.dlt69845.address import ANY, address
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.client import Meter69845
from meterwire.protocols.dlt69845.data import PortSettings
from meterwire.protocols.dlt69845.dates import Date, DateTimeS
from meterwire.protocols.dlt69845.descriptors import Oad, Omd, ScalerUnit
from meterwire.protocols.dlt69845.enums import Dar, Unit698
from meterwire.protocols.dlt69845.link import FrameLength, Link, LinkControl
from meterwire.protocols.dlt69845.objects import object_of
from meterwire.protocols.dlt69845.services import action, get
from meterwire.protocols.dlt69845.services import set as setting
from meterwire.protocols.dlt69845.services.common import Piid
from meterwire.protocols.dlt69845.services.connect import ConnectRequest, ConnectResult, ReleaseRequest
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant
from meterwire.transports.memory import ResponderLine

LINK, APDU = codec(Link, 2021), codec(Apdu, 2021)
PASSWORD = "00000000"
NOW = dt.datetime(2026, 1, 1)
ROWS = [row for own in rows().values() for row in own.values()]
WRITTEN = [row for row in ROWS if row.access == "w"]
NULL = Variant(0, None)
RELAY = Variant(81, Oad.of("F2050201"))


class Head:
    """A client that knows nothing but APDUs."""

    def __init__(self, meter, password=None):
        self.meter = meter
        self.connection = Face69845(meter).connect()
        if password is not None:
            assert self.connect(Variant(1, password)).result == ConnectResult.OK

    def send(self, body, to=ANY):
        flag, octets = to.wire(2021)
        user = APDU.build(Apdu.of(body))
        frame = Link(FrameLength(), LinkControl(started_by_client=1), flag, octets, 16, user)
        return self.connection.receive(LINK.build(frame), 0.0)

    def ask(self, body):
        (answer,) = self.send(body)
        self.durable = answer.durable
        return APDU.parse(LINK.parse(answer.octets).user).body

    def connect(self, mechanism):
        return self.ask(ConnectRequest(Piid(), 22, b"\xff" * 8, b"\xff" * 16, 1024, 1024, 1, 1024, 100, mechanism))

    def get(self, oad):
        return self.ask(get.GetRequest(get.GetRequestNormal(Piid(), Oad.of(oad)))).response.result.result.value

    def set(self, oad, value):
        item = setting.SetItem(Oad.of(oad), value)
        found = self.ask(setting.SetRequest(setting.SetRequestNormal(Piid(number=5), item))).response
        assert (found.piid.number, found.result.oad) == (5, Oad.of(oad))
        return found.result.result

    def act(self, omd, value=NULL):
        item = action.ActionItem(Omd.of(omd), value)
        found = self.ask(action.ActionRequest(action.ActionRequestNormal(Piid(number=6), item))).response
        assert (found.piid.number, found.result.omd) == (6, Omd.of(omd))
        return found.result.result


@pytest.fixture
def meter():
    return Meter()


@pytest.fixture
def head(meter):
    return Head(meter, PASSWORD)


def u8(value):
    return Variant(17, value)


def u16(value):
    return Variant(18, value)


def u32(value):
    return Variant(6, value)


def array(*values):
    return Variant(1, values)


def structure(*values):
    return Variant(2, values)


def moment(*fields):
    return Variant(28, DateTimeS(*fields))


# ---------------------------------------------------------------- the table


def test_the_table_names_what_the_standard_has():
    """Protects the rows: each is of an object of the standard's table, of a type, and holds what there is."""
    for row in ROWS:
        assert object_of(row.oi) is not None, hex(row.oi)
        type_of(row.type)
        held_of(row.holds)
    for text in ("array<date", "structure{date", "dates", "unsigned>", ""):
        with pytest.raises(LocalProtocolError):
            type_of(text)
    for text in ("{a,b", "[a_#]", "", "a}", "@"):
        with pytest.raises(LocalProtocolError):
            held_of(text)


@pytest.mark.parametrize("profile", ["three-phase", "single-phase", "prepaid"])
def test_every_attribute_is_read_in_its_type(profile):
    """Protects layouts: what a row declares is what is sent, and what is sent can be built; attribute 0 has them all."""
    meter = Meter(profile) if profile != "prepaid" else prepaid("money")
    head, missing = Head(meter), set()
    for row in ROWS:
        found = head.get(f"{row.oi:04X}{row.number:02X}00")
        if isinstance(found, Dar):
            missing.add((f"{row.oi:04X}", found))
            continue
        whole = read(meter, Oad(row.oi, 0, 0))
        assert found.tag == {"a": 1, "s": 2}.get(row.type[0], found.tag)
        assert whole.value[row.number - 1] == found
        if not row.holds.startswith(("@", "=")):
            type_of(row.type).value(found)
        if found.tag in (1, 2):
            assert [head.get(f"{row.oi:04X}{row.number:02X}{at:02X}") for at in range(1, len(found.value) + 1)] == [
                *found.value
            ]
            beyond = f"{row.oi:04X}{row.number:02X}{len(found.value) + 1:02X}"
            assert head.get(beyond) == Dar.OBJECT_UNAVAILABLE
    account = {("202C", 6), ("202D", 6), ("202E", 6)}
    wanted = {("4020", 6), ("4021", 6), ("4401", 3)} | (account if profile != "prepaid" else set())
    assert missing - {(oi, 6) for oi in ("200D", "200E", "2026", "2027", "2132", "2133")} == wanted
    assert (("2026", 6) in missing) is (profile == "single-phase")


def prepaid(kind):
    import msgspec

    from meterwire.meter_model.credit import CreditSettings
    from meterwire.meter_model.profiles import load_profile

    settings = CreditSettings(kind=kind, balance=Decimal("123.45"))
    return Meter(msgspec.structs.replace(load_profile("three-phase"), credit=settings))


def test_an_account_in_energy_has_its_limits_in_kwh():
    """Protects units: one account, and its limits under the object of its unit."""
    head = Head(prepaid("energy"))
    assert head.get("40200200") == structure(u32(10000), u32(5000))
    assert head.get("401E0200") == Dar.OBJECT_UNAVAILABLE
    assert head.get("202C0200") == structure(u32(12345), u32(0))
    money = Head(prepaid("money"))
    assert money.get("401E0200") == structure(u32(10000), u32(5000))
    assert money.get("202E0300") == Variant(89, ScalerUnit(-2, Unit698.CURRENCY))


def test_scalers_of_states(head):
    """Protects units of what is no quantity: attribute 3 says what attribute 2 counts."""
    assert head.get("20260300") == Variant(89, ScalerUnit(-2, Unit698.PER_CENT))
    assert head.get("20080300") == Variant(89, ScalerUnit(-1, Unit698.VAR))
    assert head.get("201A0300") == Variant(89, ScalerUnit(-4, Unit698.CNY_PER_KILOWATT_HOUR))


def test_states_are_those_of_the_model(meter, head):
    """Protects the translation: each state is the model's own value."""
    meter.set_load(meter.circuit.load)
    meter.relay.trip()
    bits = head.get("20140203").value
    assert bits[4] == bits[6] == "1"  # relay open, and ordered to be
    assert head.get("F2050200").value[0].value[1] == Variant(22, 1)
    assert head.get("80000300") == Variant(4, "10000000")
    voltages = [meter.instant.voltage(phase) for phase in range(3)]
    unbalance = (max(voltages) - min(voltages)) * 100 / max(voltages)
    assert head.get("20260200") == u16(int(unbalance * 100))
    meter.clock.step(7200)
    tally = meter.voltage_quality.tally("a", 0, "day")
    assert head.get("21310201").value == (
        *(u32(7200 // 60), u16(int(tally.qualified_rate * 100)), u16(int(tally.over_limit_rate * 100))),
        *(u32(tally.above // 60), u32(tally.below // 60)),
    )
    reactive = [one.value for one in head.get("20080200").value]
    assert abs(reactive[0] - sum(reactive[1:])) <= 3


# ---------------------------------------------------------------- writing


@pytest.mark.parametrize("row", WRITTEN, ids=lambda row: f"{row.oi:04X}{row.number:02X}")
def test_every_writable_attribute_takes_what_it_reads_and_is_recorded(row):
    """Protects both directions of each row: read and written back it is the same, with a record, and to be stored."""
    meter = prepaid("energy") if row.when == "energy" else Meter()
    head = Head(meter, PASSWORD)
    oad = f"{row.oi:04X}{row.number:02X}00"
    value, records = head.get(oad), meter.programming.count
    assert head.set(oad, value) == Dar.SUCCESS
    assert head.durable
    assert head.get(oad) == value
    last = meter.programming.last(1)[0]
    assert (meter.programming.count, last.operator) == (records + 1, "00000016")
    assert last.item == oad
    before = meter.parameters.state(), meter.programming.count
    assert head.set(oad, Variant(3, True) if value.tag != 3 else u8(1)) == Dar.TYPE_UNMATCHED
    assert (meter.parameters.state(), meter.programming.count) == before
    assert not head.durable


SLOTS = array(structure(u8(0), u8(0), u8(1)), structure(u8(8), u8(30), u8(2)))
WRITES = [
    ("40080200", moment(2026, 7, 1, 0, 0, 0), "season_switch_time", dt.datetime(2026, 7, 1)),
    ("400C0203", u8(9), "day_slot_count", 9),
    ("40110200", array(structure(Variant(26, Date(2026, 10, 1, 4)), u8(2))), "holiday_1", (dt.date(2026, 10, 1), 2)),
    ("40110202", structure(Variant(26, Date(2026, 5, 1, 5)), u8(1)), "holiday_2", (dt.date(2026, 5, 1), 1)),
    ("40120200", Variant(4, "01111100"), "working_days", 0b0111110),
    ("40140200", array(structure(u8(1), u8(1), u8(1)), structure(u8(7), u8(1), u8(1))), "season_table_1", None),
    ("40150200", array(structure(u8(2), u8(1), u8(1))), "season_table_2", ((2, 1, 1),)),
    ("40160201", SLOTS, "day_schedule_1_1", ((0, 1), (510, 2))),
    ("40170200", array(SLOTS), "day_schedule_2_1", ((0, 1), (510, 2))),
    ("40190202", u32(6789), "rate_price_2_2", Decimal("0.6789")),
    ("401E0202", u32(1234), "alarm_amount_2", Decimal("12.34")),
    ("41000200", u8(30), "demand_period", 30),
    ("41030200", Variant(10, "NEW-1"), "asset_number", "NEW-1"),
    ("410D0202", Variant(16, 1234), "transformer_loss_8", Decimal("1.234")),
    ("41130200", Variant(4, "10010000"), "reactive_combination_1", 0b1001),
    ("41160202", structure(u8(15), u8(12)), "settlement_day_2", (15, 12)),
    ("43000800", Variant(3, True), "active_report", 1),
    ("43000A00", array(Variant(81, Oad.of("45000200"))), "report_channel_1", "45000200"),
    ("4500020C", u16(360), "wan_heartbeat", 360),
    ("80000201", u32(50_000), "trip_current_limit", Decimal(5)),
    ("F3000300", u16(10), "display_seconds", 10),
]


@pytest.mark.parametrize(("oad", "value", "name", "wanted"), WRITES, ids=[one[0] for one in WRITES])
def test_what_is_written_holds_in_the_neutral_model(meter, oad, value, name, wanted):
    """Protects meanings: the parameter that other dialects name too has the value, and reads back as it was written."""
    for count in ("season_count", "holiday_count"):
        meter.parameters.set(count, Decimal(2))
    wanted = ((1, 1, 1), (7, 1, 1)) if wanted is None else wanted
    head = Head(meter, PASSWORD)
    assert head.set(oad, value) == Dar.SUCCESS
    assert meter.parameters[name] == wanted
    assert head.get(oad) == value


def test_tables_of_prices_by_steps(meter, head):
    """Protects steps: thresholds and prices are written together; the days at which they begin anew cannot be changed."""
    assert head.set("400D0200", u8(2)) == Dar.SUCCESS
    days = head.get("401A0203")
    good = structure(array(u32(20000), u32(40000)), array(u32(0), u32(500), u32(3000)), days)
    assert head.set("401A0200", good) == Dar.SUCCESS
    assert head.get("401A0200") == good
    assert meter.parameters["step_threshold_1_2"] == 400
    assert meter.parameters["step_price_1_3"] == Decimal("0.3")
    short = structure(array(u32(1)), *good.value[1:])
    assert head.set("401A0200", short) == Dar.SCOPE_OF_ACCESS_VIOLATED
    other = structure(*good.value[:2], array(structure(u8(3), u8(4), u8(5))))
    assert head.set("401A0200", other) == Dar.SCOPE_OF_ACCESS_VIOLATED
    assert head.get("401A0200") == good


def test_the_set_in_force_is_the_current_one(meter, head):
    """Protects switch-overs: after one, the object of the current set is that of the other tables."""
    other = array(structure(u8(2), u8(1), u8(1)))
    assert head.set("40150200", other) == Dar.SUCCESS
    assert head.get("40140200") != other
    assert head.set("40080200", moment(2026, 1, 1, 1, 0, 0)) == Dar.SUCCESS
    meter.clock.step(3601)
    assert head.get("40140200") == other


def test_the_clock_is_set_and_recorded(meter, head):
    """Protects the time: the meter shows what was written, and its event says who did it."""
    assert head.set("40000200", moment(2026, 3, 4, 5, 6, 7)) == Dar.SUCCESS
    assert meter.now().replace(tzinfo=None) == dt.datetime(2026, 3, 4, 5, 6, 7)
    assert meter.programming.last(1)[0].kind == "clock-set"
    assert meter.events.record("clock_set").source == "00000016"


def test_a_new_password_is_the_one_that_counts(meter, head):
    """Protects the association: the old password no longer opens it, also after a restart from a saved state."""
    assert head.set("44010200", Variant(10, "secret-1")) == Dar.SUCCESS
    assert head.get("44010200") == Dar.READ_WRITE_DENIED
    assert head.set("44010200", Variant(10, "")) == Dar.SCOPE_OF_ACCESS_VIOLATED
    twin = Meter()
    twin.access.restore(meter.access.state())
    assert Head(twin).connect(Variant(1, PASSWORD)).result == ConnectResult.PASSWORD_WRONG
    Head(twin, "secret-1")


def test_three_wrong_passwords_lock_the_meter(meter):
    """Protects against guessing: after three wrong ones the right one is refused for a day."""
    head = Head(meter)
    for guess in ("00000001", "00000002", "00000003"):
        assert head.connect(Variant(1, guess)).result == ConnectResult.PASSWORD_WRONG
    assert head.connect(Variant(1, PASSWORD)).result == ConnectResult.PASSWORD_WRONG
    meter.clock.step(86_401)
    assert head.connect(Variant(1, PASSWORD)).result == ConnectResult.OK


# ---------------------------------------------------------------- refusals


def test_who_may_write(meter):
    """Protects the meter: nobody writes without proof, and in security mode not with a password alone."""
    value = u8(30)
    head = Head(meter)
    assert head.set("41000200", value) == Dar.PASSWORD_WRONG_OR_UNAUTHORISED
    assert head.act("43000300") == Dar.PASSWORD_WRONG_OR_UNAUTHORISED
    head.connect(Variant(0, None))
    assert head.set("41000200", value) == Dar.PASSWORD_WRONG_OR_UNAUTHORISED
    head.connect(Variant(1, PASSWORD))
    assert head.set("F1010200", Variant(22, 1)) == Dar.SUCCESS
    assert head.set("41000200", value) == Dar.SECURITY_MISMATCH
    assert head.act("80008100", array()) == Dar.SECURITY_MISMATCH
    head.connection.context.authority = Authority.SECURED
    assert head.set("41000200", value) == Dar.SUCCESS
    head.ask(ReleaseRequest(Piid()))
    assert head.set("41000200", value) == Dar.PASSWORD_WRONG_OR_UNAUTHORISED
    assert meter.programming.count == 2


SEASON, SLOT = structure(u8(1), u8(1), u8(1)), structure(u8(0), u8(0), u8(1))
REFUSED = [
    ("99990200", u8(1), Dar.OBJECT_UNDEFINED),
    ("40100200", u8(1), Dar.READ_WRITE_DENIED),
    ("00100200", u8(1), Dar.READ_WRITE_DENIED),
    ("00100300", u8(1), Dar.READ_WRITE_DENIED),
    ("41000100", Variant(9, b"\0\0"), Dar.READ_WRITE_DENIED),
    ("41000000", structure(), Dar.READ_WRITE_DENIED),
    ("41000300", u8(1), Dar.OBJECT_UNAVAILABLE),
    ("41004200", u8(1), Dar.OBJECT_UNAVAILABLE),
    ("41000201", u8(15), Dar.OBJECT_UNAVAILABLE),
    ("40000201", moment(2026, 1, 1, 0, 0, 0), Dar.OBJECT_UNAVAILABLE),
    ("00101F00", u8(1), Dar.OBJECT_CLASS_INCONSISTENT),
    ("41000200", u8(61), Dar.SCOPE_OF_ACCESS_VIOLATED),
    ("41000200", u16(15), Dar.TYPE_UNMATCHED),
    ("400C0200", structure(u8(1)), Dar.TYPE_UNMATCHED),
    ("40120200", Variant(4, "1111111"), Dar.TYPE_UNMATCHED),
    ("40010200", Variant(9, b"\x12"), Dar.SCOPE_OF_ACCESS_VIOLATED),
    ("40010200", Variant(9, b"\xaa" * 6), Dar.SCOPE_OF_ACCESS_VIOLATED),
    ("40000200", moment(2026, 2, 30, 0, 0, 0), Dar.SCOPE_OF_ACCESS_VIOLATED),
    ("40000200", moment(0xFFFF, *[0xFF] * 5), Dar.SCOPE_OF_ACCESS_VIOLATED),
    ("40000200", moment(1999, 1, 1, 0, 0, 0), Dar.SCOPE_OF_ACCESS_VIOLATED),
    ("41030200", Variant(10, "x" * 33), Dar.SCOPE_OF_ACCESS_VIOLATED),
    ("41030200", Variant(10, b"\xff\xfe"), Dar.SCOPE_OF_ACCESS_VIOLATED),
    ("400C0201", u8(15), Dar.TOO_MANY_YEAR_SEASONS),
    ("40140200", array(SEASON, SEASON), Dar.TOO_MANY_YEAR_SEASONS),
    ("40140200", array(structure(u8(1), u8(1), u8(2))), Dar.TOO_MANY_DAY_PERIODS),
    ("40140200", array(structure(u8(13), u8(1), u8(1))), Dar.SCOPE_OF_ACCESS_VIOLATED),
    ("40160200", array(array(*[SLOT] * 7)), Dar.TOO_MANY_DAY_PERIODS),
    ("40160200", array(array(structure(u8(24), u8(0), u8(1)))), Dar.SCOPE_OF_ACCESS_VIOLATED),
    ("400C0204", u8(5), Dar.TOO_MANY_RATES),
    ("40160201", array(structure(u8(0), u8(0), u8(5))), Dar.TOO_MANY_RATES),
    ("40180200", array(*[u32(1)] * 5), Dar.TOO_MANY_RATES),
    ("40180200", array(u32(1)), Dar.SCOPE_OF_ACCESS_VIOLATED),
    ("40110200", array(structure(Variant(26, Date(2026, 1, 1, 4)), u8(1))), Dar.SCOPE_OF_ACCESS_VIOLATED),
    ("80000201", u32(12345), Dar.SCOPE_OF_ACCESS_VIOLATED),
    ("43000A00", array(*[Variant(81, Oad.of("45000200"))] * 5), Dar.SCOPE_OF_ACCESS_VIOLATED),
]


@pytest.mark.parametrize(("oad", "value", "dar"), REFUSED, ids=[f"{one[0]}-{one[2].name}" for one in REFUSED])
def test_what_is_refused_changes_nothing(meter, head, oad, value, dar):
    """Protects the DARs, and that a refused value leaves neither a change nor a record."""
    before = meter.parameters.state(), meter.programming.count, meter.now()
    assert head.set(oad, value) == dar
    assert (meter.parameters.state(), meter.programming.count, meter.now()) == before
    assert not head.durable


def test_nothing_is_written_in_part(meter, head):
    """Protects structures: one wrong member, and none of them is taken."""
    before = head.get("400C0200")
    wrong = structure(u8(2), u8(2), u8(9), u8(99), u16(3))
    assert head.set("400C0200", wrong) == Dar.TOO_MANY_RATES
    assert head.get("400C0200") == before
    assert head.set("400C0200", structure(u8(2), u8(2), u8(9), u8(3), u16(3))) == Dar.SUCCESS
    assert [meter.parameters[name] for name in ("season_count", "rate_count", "holiday_count")] == [2, 3, 3]


def test_a_meter_that_was_woken_is_read_and_not_changed(meter):
    """Protects a dark meter: the button lets it be read for a minute, and nothing else."""
    head = Head(meter, PASSWORD)
    meter.powered = False
    meter.status.wake()
    assert head.get("41000200") == u8(15)
    assert head.set("41000200", u8(30)) == Dar.TEMPORARY_FAILURE
    assert head.act("80008100", array()) == Dar.TEMPORARY_FAILURE


# ---------------------------------------------------------------- services


def test_lists_and_readings_behind(meter, head):
    """Protects order: each item has its own result, what is read behind it is the new value, and all of it is stored."""
    items = tuple(
        setting.SetItem(Oad.of(oad), value)
        for oad, value in (("41000200", u8(30)), ("41000200", u8(99)), ("41010200", u8(5)))
    )
    found = head.ask(setting.SetRequest(setting.SetRequestNormalList(Piid(), items))).response
    results = [one.result for one in found.results]
    assert results == [Dar.SUCCESS, Dar.SCOPE_OF_ACCESS_VIOLATED, Dar.SUCCESS]
    assert head.durable
    behind = tuple(setting.SetThenGetItem(item, Oad.of("41000200"), 0) for item in items[:2])
    found = head.ask(setting.SetRequest(setting.SetThenGetRequest(Piid(), behind))).response
    assert [one.result.result for one in found.results] == results[:2]
    assert [one.get.result for one in found.results] == [Variant(1, u8(30))] * 2
    assert meter.parameters["demand_sliding_time"] == 5


def test_the_standards_own_set_then_get(head):
    """Protects conformance: the heartbeat of the standard's annex (H.4.3) is written and read, octet by octet."""
    request = APDU.parse(bytes.fromhex("060304014500020C1201684500020C0300")).body
    assert APDU.build(Apdu.of(head.ask(request))).hex().upper() == "860304014500020C004500020C011201680000"


def test_actions_and_readings_behind(meter, head):
    """Protects ACTION in all three forms."""
    trip = action.ActionItem(Omd.of("80008100"), array(structure(RELAY, u8(0), u16(0), Variant(3, False))))
    then = action.ActionThenGetRequest(Piid(), (action.ActionThenGetItem(trip, Oad.of("80000300"), 3),))
    (one,) = head.ask(action.ActionRequest(then)).response.results
    assert (one.result.result, one.get.result) == (Dar.SUCCESS, Variant(1, Variant(4, "10000000")))
    several = action.ActionRequestList(Piid(), (trip, action.ActionItem(Omd.of("99990100"), NULL)))
    found = head.ask(action.ActionRequest(several)).response
    assert [one.result for one in found.results] == [Dar.SUCCESS, Dar.OBJECT_UNDEFINED]
    assert meter.relay.ordered_by == "00000016"


def test_md5_of_an_attribute(head):
    """Protects GET MD5: the digest of the Data as it is sent, or why there is none."""
    import hashlib

    for oad, wanted in (("40100200", Variant(1, hashlib.md5(b"\x11\x03").digest())), ("99990200", Variant(0, 4))):
        found = head.ask(get.GetRequest(get.GetRequestMd5(Piid(), Oad.of(oad)))).response
        assert found.result == wanted


# ---------------------------------------------------------------- methods


def trip(delay=0, minutes=0, by_itself=False, relay=RELAY):
    return array(structure(relay, u8(delay), u16(minutes), Variant(3, by_itself)))


def close(command, relay=RELAY):
    return array(structure(relay, Variant(22, command)))


def test_the_relay_obeys(meter, head):
    """Protects control: trip after its delay, back by itself or by permission, close, guard, alarm."""
    assert head.act("80008100", trip(delay=2, minutes=10, by_itself=True)) == Dar.SUCCESS
    assert head.durable
    assert meter.relay.position == "closed"
    meter.clock.step(121)
    assert head.get("80000300").value[0] == "1"
    meter.clock.step(600)
    assert head.get("80000300").value[0] == "0"
    assert head.act("80008100", trip(minutes=1)) == Dar.SUCCESS
    meter.clock.step(61)
    meter.advance()
    assert meter.relay.position == "permitted"
    assert head.act("80008100", trip(minutes=1)) == Dar.TEMPORARY_FAILURE  # open already: nothing to restore
    assert head.act("80008200", close(1)) == Dar.SUCCESS
    assert meter.relay.position == "closed"
    assert head.act("80017F00") == Dar.SUCCESS
    assert head.get("80010200") == Variant(22, 1)
    assert head.act("80008100", trip()) == Dar.TEMPORARY_FAILURE
    assert head.act("80018000") == Dar.SUCCESS
    assert head.act("80007F00") == Dar.SUCCESS
    assert head.get("80000400") == Variant(4, "10000000")
    assert head.act("80028000") == Dar.SUCCESS
    assert not meter.relay.alarm
    assert head.act("80008100", trip()) == Dar.SUCCESS
    assert head.act("80008200", close(0)) == Dar.SUCCESS
    assert meter.relay.position == "permitted"


@pytest.mark.parametrize(
    ("omd", "value", "dar"),
    [
        ("99990100", NULL, Dar.OBJECT_UNDEFINED),
        ("80008300", NULL, Dar.OBJECT_CLASS_INCONSISTENT),
        ("43000400", NULL, Dar.OBJECT_UNAVAILABLE),
        ("00000100", Variant(15, 0), Dar.READ_WRITE_DENIED),
        ("00100100", u8(0), Dar.TYPE_UNMATCHED),
        ("43000301", NULL, Dar.SCOPE_OF_ACCESS_VIOLATED),
        ("43000300", u8(1), Dar.TYPE_UNMATCHED),
        ("80008100", NULL, Dar.TYPE_UNMATCHED),
        ("80008100", array(u8(1)), Dar.TYPE_UNMATCHED),
        ("80008100", array(), Dar.SCOPE_OF_ACCESS_VIOLATED),
        ("80008100", trip(relay=Variant(81, Oad.of("F2050202"))), Dar.OBJECT_UNAVAILABLE),
        ("80008200", close(2), Dar.SCOPE_OF_ACCESS_VIOLATED),
        ("F2017F00", NULL, Dar.TYPE_UNMATCHED),
        ("F2017F00", structure(RELAY, Variant(95, PortSettings(6, 2, 8, 1, 0))), Dar.OBJECT_UNAVAILABLE),
        (
            "F2017F00",
            structure(Variant(81, Oad.of("F2010201")), Variant(95, PortSettings(6, 0, 8, 1, 0))),
            Dar.BAUD_RATE_NOT_CHANGEABLE,
        ),
        (
            "F2017F00",
            structure(Variant(81, Oad.of("F2010201")), Variant(95, PortSettings(10, 2, 8, 1, 0))),
            Dar.SCOPE_OF_ACCESS_VIOLATED,
        ),
    ],
)
def test_methods_that_are_refused(meter, head, omd, value, dar):
    """Protects the DARs of methods, and that nothing happens."""
    before = meter.parameters.state(), meter.programming.count, meter.relay.state()
    assert head.act(omd, value) == dar
    assert (meter.parameters.state(), meter.programming.count, meter.relay.state()) == before


def test_ports_are_configured_by_their_method(meter, head):
    """Protects ports: the parameter of the port changes, and is read back."""
    settings = PortSettings(6, 2, 8, 1, 0)
    port = structure(Variant(81, Oad.of("F2010201")), Variant(95, settings), Variant(22, 0))
    assert head.act("F2017F00", port) == Dar.SUCCESS
    assert meter.parameters["baud_port_1"] == 9600
    assert head.get("F2010201").value[1] == Variant(95, settings)
    assert head.act("F2077F00", structure(Variant(81, Oad.of("F2070201")), Variant(22, 2))) == Dar.SUCCESS
    assert head.get("F2070201") == Variant(22, 2)


def test_clearing_with_records(meter, head):
    """Protects clearing: what is gone, what is kept, and who did it."""
    assert head.act("10100100", Variant(15, 0)) == Dar.SUCCESS
    assert head.get("10100201").value[0] == u32(0)
    assert head.get("10200201").value[0] != u32(0)
    assert meter.programming.last(1)[0].kind == "demand-cleared"
    meter.clock.step(1)
    assert head.act("43000600") == Dar.SUCCESS
    assert head.get("10200201").value[0] == u32(0)
    assert meter.events.count("demand_clear") == 2
    assert head.act("43000500") == Dar.SUCCESS
    assert meter.events.record("event_clear").source == "00000016"
    assert head.act("43000300", Variant(15, 0)) == Dar.SUCCESS
    assert head.get("00100201") == u32(0)
    assert (meter.events.count("meter_clear"), meter.events.record("meter_clear").source) == (1, "00000016")
    assert head.act("43000100", Variant(15, 0)) == Dar.SUCCESS
    assert head.set("41000200", u8(30)) == Dar.PASSWORD_WRONG_OR_UNAUTHORISED  # nobody is connected any more


def test_one_energy_is_reset_as_in_the_standards_own_example():
    """Protects the annex (H.5.1): the register begins at zero with its rates, others and the account do not notice."""
    meter = prepaid("energy")
    head = Head(meter, PASSWORD)
    meter.clock.step(3600)
    balance, others = meter.credit.balance, [head.get(oad) for oad in ("00110201", "00200200", "00500200")]
    request = APDU.parse(bytes.fromhex("070105001001000F0000")).body
    assert APDU.build(Apdu.of(head.ask(request))).hex().upper() == "8701050010010000000000"
    assert head.durable
    assert head.get("00100200") == array(*[u32(0)] * 5)
    assert [head.get(oad) for oad in ("00110201", "00200200", "00500200")] == others
    assert meter.credit.balance == balance
    assert meter.events.record("meter_clear").source == "00000016"
    meter.clock.step(3600)
    used = meter.read("active_energy_import")
    assert used > 0
    assert balance - meter.credit.balance == used
    total = head.get("00100200").value
    assert abs(total[0].value - sum(rate.value for rate in total[1:])) <= 4


def test_screens_are_columns(meter, head):
    """Protects the display: what a screen shows is named by a column here and by an identifier in DL/T 645."""
    screens = array(*(structure(Variant(91, Oad.of(oad)), u8(0)) for oad in ("00100201", "20000202")))
    assert head.set("F3010200", screens) == Dar.SUCCESS
    assert [meter.parameters[f"display_key_{number}"] for number in (1, 2)] == ["00010000", "02010200"]
    assert meter.parameters["display_key_count"] == 2
    assert head.get("F3010200") == screens
    unknown = structure(Variant(91, Oad.of("99990201")), u8(0))
    assert head.set("F3010201", unknown) == Dar.SCOPE_OF_ACCESS_VIOLATED


def test_methods_of_objects_with_records(meter, head):
    """Protects the border: an instant freeze and a cleared event go to the objects that keep them."""
    assert head.act("50000300", u16(0)) == Dar.SUCCESS
    assert meter.freezes.count("instant") == 1
    meter.note_event("cover-opened")
    assert head.get("50000201").tag == 2


# ---------------------------------------------------------------- broadcast


def broadcast_time(head, *fields):
    item = action.ActionItem(Omd.of("40007F00"), moment(*fields))
    return head.send(action.ActionRequest(action.ActionRequestNormal(Piid(), item)), to=address("broadcast"))


def test_a_broadcast_time_is_obeyed_once_a_day_and_by_five_minutes(meter):
    """Protects the clock: a broadcast has no answer and no password, and can do no harm."""
    head = Head(meter)
    assert broadcast_time(head, 2026, 1, 1, 0, 6, 0) == []
    assert meter.now().replace(tzinfo=None) == NOW
    assert broadcast_time(head, 2026, 1, 1, 0, 4, 0) == []
    assert meter.now().replace(tzinfo=None) == dt.datetime(2026, 1, 1, 0, 4)
    assert broadcast_time(head, 2026, 1, 1, 0, 5, 0) == []
    assert meter.now().replace(tzinfo=None) == dt.datetime(2026, 1, 1, 0, 4)
    assert head.act("40007F00", moment(2026, 1, 1, 0, 5, 0)) == Dar.TEMPORARY_FAILURE
    assert head.act("40007F00", moment(2027, 1, 1, 0, 5, 0)) == Dar.SCOPE_OF_ACCESS_VIOLATED
    meter.clock.step(86_400)
    assert head.act("40007F00", moment(2026, 1, 2, 0, 5, 0)) == Dar.SUCCESS
    assert meter.events.count("clock_set") == 0


def test_a_broadcast_write_needs_what_any_write_needs(meter):
    """Protects against strangers: a broadcast is never answered, and changes nothing without an association."""
    request = setting.SetRequest(setting.SetRequestNormal(Piid(), setting.SetItem(Oad.of("41000200"), u8(30))))
    assert Head(meter).send(request, to=address("broadcast")) == []
    assert meter.parameters["demand_period"] == 15
    assert Head(meter, PASSWORD).send(request, to=address("broadcast")) == []
    assert meter.parameters["demand_period"] == 30


def test_a_group_that_is_written_is_heard(meter, head):
    """Protects group addresses: who belongs to a group obeys it and keeps silent."""
    request = setting.SetRequest(setting.SetRequestNormal(Piid(), setting.SetItem(Oad.of("41000200"), u8(30))))
    group = address("group 000000000777")
    head.send(request, to=group)
    assert meter.parameters["demand_period"] == 15
    assert head.set("40050200", array(Variant(9, bytes.fromhex("000000000777")))) == Dar.SUCCESS
    assert head.send(request, to=group) == []
    assert meter.parameters["demand_period"] == 30


# ---------------------------------------------------------------- the association, and all at once


def test_the_association_tells_what_it_is(head):
    """Protects object 4400: every object that can be read is listed, with its attributes and methods."""
    assert head.get("44000100") == Variant(9, b"\x44\x00")
    version, *sizes = head.get("44000300").value[:4]
    assert (version, sizes[-1].value <= 1024) == (u16(0x16), True)
    assert (head.get("44000400"), head.get("44000500")) == (u8(16), Variant(22, 1))
    by_place = [head.get(f"440002{at:02X}") for at in range(1, 256)]
    client = Meter69845(ResponderLine(Face69845(head.meter).connect()), frame_size=1024, apdu_size=0x4000)
    client.connect()
    (whole,) = client.get([Oad.of("44000200")])  # a place has one octet, and there are more objects
    listed = whole.result.value.value
    assert list(listed[:255]) == by_place
    assert [entry.value[0].value for entry in listed] == served_objects()
    by_oi = {entry.value[0].value: entry.value[1].value for entry in listed}
    attributes = {pair.value[0].value: pair.value[1].value for pair in by_oi[0x8000][0].value}
    assert attributes == {1: 1, 2: 3, 3: 1, 4: 1}
    assert [pair.value[0].value for pair in by_oi[0x8000][1].value] == [127, 128, 129, 130]
    assert head.get("44000600") == Dar.OBJECT_CLASS_INCONSISTENT
    assert head.get("44000200") == Dar.DATA_BLOCK_UNAVAILABLE


def test_all_attributes_at_once(head):
    """Protects attribute 0: the attributes in their order, NULL for those that the meter does not have."""
    energy = head.get("00100000")
    assert (energy.tag, len(energy.value)) == (2, 5)
    assert energy.value == tuple(head.get(f"0010{number:02X}00") for number in range(1, 6))
    assert head.get("00100002") == head.get("00100200")
    assert head.get("20170000").value[0] == Variant(9, b"\x20\x17")
    assert head.get("44010000").value == (Variant(9, b"\x44\x01"), NULL)


def test_every_object_is_there_for_a_reason():
    """Protects the list of what is served: attribute 0 of each object has at least one value beside its name."""
    meter = prepaid("money")
    bare = []
    for oi in served_objects():
        if oi == 0x4400:
            continue
        try:
            values = read(meter, Oad(oi, 0, 0)).value
        except Denied:
            bare.append(oi)
            continue
        if all(value == NULL for value in values[1:]):
            bare.append(oi)
    assert [f"{oi:04X}" for oi in bare if oi not in (0x4020, 0x4021, 0x4401)] == []
    assert len(served_objects()) > 200


def test_parameters_of_this_dialect_have_limits():
    """Protects the table of parameters: every name that a row holds is one of it."""
    names = parameters()
    assert {"wan_heartbeat", "trip_wait", "security_mode", "report_channel_4"} <= set(names)


def test_the_follow_report_status_word(meter, head):
    """Faults that nobody confirmed, as far as the mode word lets them be told, until method 127 names them."""
    assert set(head.get("20150200").value) == {"0"}
    meter.change_inputs(Inputs(cover_open=True))
    meter.advance()
    assert [bit for bit, on in enumerate(head.get("20150200").value) if on == "1"] == [10]
    assert head.set("20150400", Variant(4, "0" * 32)) == Dar.SUCCESS
    assert set(head.get("20150200").value) == {"0"}
    head.set("20150400", Variant(4, "1" * 32))
    assert head.act("20157F00", Variant(4, "0" * 32)) == Dar.SUCCESS
    assert head.get("20150200").value[10] == "1"
    assert Head(meter).act("20157F00", Variant(4, "0" * 10 + "1" + "0" * 21)) == Dar.SUCCESS
    assert set(head.get("20150200").value) == {"0"}
    assert head.act("20157F00", NULL) == Dar.TYPE_UNMATCHED
