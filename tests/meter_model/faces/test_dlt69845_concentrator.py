"""The concentrator through its face: archive, schemes, tasks, collected rows, PROXY, reports, and what it keeps."""

import datetime as dt
from decimal import Decimal

import msgspec
import pytest

from meterwire.emulate_concentrator import EmulatedConcentrator
from meterwire.errors import LocalProtocolError, Refused
from meterwire.meter_model.area import Area, Meters
from meterwire.meter_model.faces.dlt69845.face import Face69845
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.storage import Storage
from meterwire.protocols.dialogue import Patience
from meterwire.protocols.dlt645.frame import Frame as Frame645
from meterwire.protocols.dlt69845 import acquisition as a
from meterwire.protocols.dlt69845.client import Meter69845
from meterwire.protocols.dlt69845.dates import DateTimeS
from meterwire.protocols.dlt69845.descriptors import Oad, Omd
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.selecting import (
    all_rows,
    archives,
    equal,
    every,
    meters_at,
    meters_between,
    newest,
    nth_last,
    started_at,
    stored,
    stored_at,
    succeeded,
)
from meterwire.protocols.dlt69845.services.action import ActionItem, ActionThenGetItem
from meterwire.protocols.dlt69845.services.connect import ErrorKind
from meterwire.protocols.dlt69845.services.get import GetRecord
from meterwire.protocols.dlt69845.services.set import SetItem, SetThenGetItem
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant
from meterwire.transports.memory import ResponderLine

OF_698, OF_645 = "000000000001", "000000000101"
START = dt.datetime(2026, 1, 1)
HEADS = ["202A0200", "60400200", "60410200", "60420200"]


class Site:
    """A concentrator with two meters of each dialect, its master, and the time of them all."""

    def __init__(self, *, port="rs485", archived=True, clock="x1:2026-01-01T23:50:00", count=2):
        self.time = 0.0
        meters = [
            Meters(profile="three-phase", protocol="dlt69845", first=OF_698, count=count),
            Meters(profile="three-phase", protocol="dlt645", first=OF_645, count=count),
        ]
        self.area = Area.of(meters, concentrator={"port": port, "archived": archived}, network={"loss": 0.0})
        self.made = EmulatedConcentrator(self.area, clock=clock, base=lambda: self.time, wall=lambda: 0.0)
        self.own, self.meter = self.made.concentrator, self.made.meter
        self.master = self.connected()

    def connected(self, password="00000000"):
        """A master that has proven who it is."""
        line = ResponderLine(Face69845(self.meter).connect())
        master = Meter69845(line, address="000000008001", patience=Patience(tries=1, timeout=200.0))
        if password is not None:
            master.connect(password)
        return master

    def live(self, minutes):
        """Let so many minutes pass."""
        for _ in range(minutes):
            self.time += 60.0
            self.own.run()

    def behind(self, address):
        """The meter itself."""
        return self.made.area.meter(address)

    def collect(self, *shapes):
        """Enter schemes and tasks."""
        self.master.enter(*shapes)


def energy(meter, kind="daily", number=1):
    """The energies of a freeze as they are collected, kWh."""
    values = meter.freezes.row(kind, number).values
    names = ["active_energy_import", *(f"active_energy_import_rate_{rate}" for rate in range(1, 5))]
    return tuple(Decimal(int(values[name] * 100)) / 100 for name in names)


# ---------------------------------------------------------------- what it is told


def test_meters_are_entered_counted_read_and_taken_away():
    """Protects the archive: batches, counts, reading by number, deletion in every way, clearing."""
    site = Site(archived=False)
    master = site.master
    units = [a.archived(number, f"{number:012d}", user_type=number % 3) for number in range(1, 41)]
    master.enter(*units)
    assert master.archive() == units
    assert master.read("60000300").value == 40
    (record,) = master.get_records(
        [GetRecord(Oad.of("60000200"), equal("60010201", Variant(18, 7)), (Oad.of("60010200"),))]
    )
    assert a.Archived.of(record.result.value[0][0]) == units[6]

    def run(omd, data):
        master.act(ActionItem(Omd.of(omd), data))

    run("60008300", Variant(18, 1))
    run("60008400", units[1].basic.data())
    run("60008500", Variant(2, (Variant(85, units[2].basic.address), Variant(81, a.RS485))))
    run("60008100", a.NewBasic(4, msgspec.structs.replace(units[3].basic, user_type=9)).data())
    run("60008200", a.NewExtended(5, msgspec.structs.replace(units[4].extended, voltage_ratio=100), ()).data())
    left = master.archive()
    assert [unit.number for unit in left] == list(range(4, 41))
    assert left[0].basic.user_type == 9
    assert left[1].extended.voltage_ratio == 100
    with pytest.raises(Refused) as gone:
        run("60008300", Variant(18, 1))
    assert gone.value.code == Dar.OBJECT_UNAVAILABLE
    master.wipe(a.Archived)
    assert master.archive() == []


@pytest.mark.parametrize(
    ("omd", "data", "dar"),
    [
        ("60007F00", Variant(17, 1), Dar.TYPE_UNMATCHED),
        ("60008000", Variant(1, (a.archived(1, "1").data(), a.archived(2, "1").data())), Dar.SCOPE_OF_ACCESS_VIOLATED),
        ("60008100", a.NewBasic(9, a.archived(1, "1").basic).data(), Dar.SCOPE_OF_ACCESS_VIOLATED),
        ("60127F00", Variant(1, (Variant(2, ()),)), Dar.TYPE_UNMATCHED),
        ("60128200", Variant(2, (Variant(17, 1), Variant(22, 2))), Dar.OBJECT_UNAVAILABLE),
        ("60148200", Variant(2, (Variant(17, 1), Variant(1, ()))), Dar.OBJECT_UNAVAILABLE),
        ("6000FF00", Variant(0, None), Dar.OBJECT_UNAVAILABLE),
    ],
)
def test_what_cannot_be_is_refused(omd, data, dar):
    """Protects the concentrator from settings that cannot be, each with its reason, and that nothing has changed."""
    site = Site(archived=False)
    with pytest.raises(Refused) as refused:
        site.master.act(ActionItem(Omd.of(omd), data))
    assert refused.value.code == dar
    assert len(site.own.archive) == len(site.own.tasks) == 0


def test_nobody_changes_it_without_a_password():
    """Protects archive and meters from whoever can reach the port."""
    site = Site()
    stranger = site.connected(password=None)
    item = ActionItem(Omd.of("60008600"), Variant(0, None))
    with pytest.raises(Refused) as refused:
        stranger.act(item)
    assert refused.value.code == Dar.PASSWORD_WRONG_OR_UNAUTHORISED
    found = stranger.proxy_action({OF_698: [ActionItem(Omd.of("43000300"), Variant(15, 0))]})
    assert found[OF_698][0].result == Dar.PASSWORD_WRONG_OR_UNAUTHORISED
    assert len(site.own.archive) == 4


def test_a_meter_is_no_concentrator():
    """Protects people who ask a meter for what only concentrators have."""
    client = Meter69845(ResponderLine(Face69845(Meter()).connect()), address="000000000161")
    assert client.read("60000200").error.code == Dar.OBJECT_UNDEFINED
    with pytest.raises(Refused) as refused:
        client.proxy_get({OF_698: [Oad.of("00100200")]})
    assert refused.value.code == ErrorKind.UNSUPPORTED


def test_a_search_finds_who_is_there():
    """Protects installation: what a search has found is told with its protocol, until it is cleared."""
    site = Site(archived=False)
    site.master.act(ActionItem(Omd.of("60027F00"), Variant(0, None)))
    (record,) = site.master.get_records([GetRecord(Oad.of("60020200"), all_rows(), (Oad.of("60030200"),))])
    found = [a.Found.of(row[0]) for row in record.result.value]
    assert [one.address.hex() for one in found] == [f"05{one}" for one in site.own._ports["F2010201"]._meters]
    assert {one.protocol for one in found} == {2, 3}
    site.master.act(ActionItem(Omd.of("60028000"), Variant(0, None)))
    assert site.master.read("60020300").value == 0


# ---------------------------------------------------------------- what it collects


@pytest.mark.parametrize("port", ["rs485", "module"])
def test_meters_of_both_dialects_are_collected_alike(port):
    """Protects the main job: present values, daily freezes and quarters of 645 and 698.45 meters, on either port."""
    site = Site(port=port)
    site.collect(
        a.scheme(1, ["00100200", "20000200", "20040200"]),
        a.scheme(2, ["50040200(00100200)"], a.Collected.BY_FREEZE_TIME, storage=a.StorageTime.DAY_BEFORE_END),
        a.scheme(3, ["50020200(00100201,20000200)"], a.Collected.BY_INTERVAL, every(15), storage=a.StorageTime.FREEZE),
        a.task(1, 1, every(5), START),
        a.task(2, 2, every(1, "day"), START, delay=every(10)),
        a.task(3, 3, every(15), dt.datetime(2026, 1, 1, 23, 45)),
    )
    site.live(50)
    now = site.master.records(a.RECORDS, columns=[*HEADS, "00100200", "20000200"], rows=newest(1))
    assert len(now) == 4
    assert {row[0] for row in now.rows} == {f"05{place.address}" for place in site.area.places}
    daily = site.master.records(a.RECORDS, columns=["202A0200", "60420200", "50040200(00100200)"], rows=all_rows())
    assert len(daily) == 4
    for meter, when, *values in daily.rows:
        assert (when.hour, when.minute, when.day) == (23, 59, 1)
        assert tuple(values) == energy(site.behind(meter[2:]))
    quarters = site.master.records(a.RECORDS, columns=["202A0200", "60420200", "50020200(20000200)"], rows=newest(3))
    assert len(quarters) == 12
    for meter, when, *values in quarters.rows:
        row = site.behind(meter[2:]).load_profile.rows(1, when)[0]
        assert row.time == when
        assert values == [Decimal(int(row.values[f"voltage_{phase}"] * 10)) / 10 for phase in "abc"]


def test_rows_are_chosen_by_every_selector_and_set_of_meters():
    """Protects selectors 4 to 10 on collected rows, with sets of meters by address, number, region and none."""
    site = Site()
    site.collect(a.scheme(1, ["00100201"], depth=64), a.task(1, 1, every(5), START))
    site.live(31)
    quarter = dt.datetime(2026, 1, 2, 0, 5)
    columns = [*HEADS, "00100201"]

    def rows(which):
        return site.master.records(a.RECORDS, columns=columns, rows=which).rows

    assert len(rows(all_rows())) == 4 * 7
    assert len(rows(stored_at(quarter))) == 4
    assert len(rows(started_at(rows(stored_at(quarter))[0][1].replace(tzinfo=None)))) == 4
    assert len(rows(stored(quarter, dt.datetime(2026, 1, 2, 0, 15)))) == 8
    assert len(rows(stored(dt.datetime(2026, 1, 2), dt.datetime(2026, 1, 2, 1), every(10)))) == 12
    assert len(rows(succeeded(quarter, dt.datetime(2026, 1, 2, 0, 6)))) == 4
    assert len(rows(newest(2, meters_at(OF_645)))) == 2
    assert len(rows(newest(2, archives(1, 2)))) == 4
    assert len(rows(newest(1, meters_between((OF_698, OF_645))))) == 3
    assert len(rows(nth_last(1))) == 1
    assert len(rows(equal("202A0200", Variant(85, bytes.fromhex("05000000000002"))))) == 7
    assert {row[0] for row in rows(newest(1, meters_at(OF_645)))} == {f"05{OF_645}"}


def test_a_gap_is_filled_with_the_next_run():
    """Protects completeness: a meter that was dark and a concentrator that was off miss nothing that meters store."""
    site = Site(clock="x1:2026-01-01T11:59:00")
    site.collect(
        a.scheme(3, ["50020200(20000200)"], a.Collected.BY_INTERVAL, every(15), storage=a.StorageTime.FREEZE),
        a.task(3, 3, every(15), dt.datetime(2026, 1, 1, 12)),
    )
    site.live(20)
    responders = site.own._ports["F2010201"]._meters
    cut = responders.pop(OF_698)  # the branch to one meter is cut for an hour, the meter itself goes on
    site.live(60)
    states = {state.address.hex()[2:]: state for state in site.master.meter_states()}
    assert states[OF_698].failures > 0
    assert states[OF_645].failures == 0
    responders[OF_698] = cut
    site.meter.powered = False
    site.time += 3600.0
    site.own.run()
    site.meter.powered = True
    site.live(30)
    table = site.master.records(a.RECORDS, columns=["202A0200", "60420200", "50020200(20000200)"], rows=all_rows())
    for address in (OF_698, OF_645):
        times = [when.replace(tzinfo=None) for meter, when, *_ in table.rows if meter == f"05{address}"]
        assert times == [dt.datetime(2026, 1, 1, 12) + dt.timedelta(minutes=15) * at for at in range(len(times))]
        assert len(times) >= 11


def test_a_task_is_stopped_changed_and_taken_away():
    """Protects the states of tasks: stopped ones do nothing, and rows of those that are gone go with them."""
    site = Site()
    site.collect(a.scheme(1, ["00100201"]), a.task(1, 1, every(5), START))
    site.live(6)
    assert len(site.own.collecting.rows[1]) == 4 * 2
    site.master.act(ActionItem(Omd.of("60128200"), Variant(2, (Variant(17, 1), Variant(22, a.TaskState.STOPPED)))))
    site.live(20)
    assert len(site.own.collecting.rows[1]) == 4 * 2
    (told,) = site.master.monitoring()
    assert told.state == a.RunState.WAITING
    site.master.act(ActionItem(Omd.of("60128000"), Variant(1, (Variant(17, 1),))))
    assert site.own.collecting.rows == {}


def test_what_the_tasks_have_done_is_told():
    """Protects the monitoring of tasks: meters, successes and frames of the last run."""
    site = Site()
    del site.own._ports["F2010201"]._meters[OF_645]
    site.collect(a.scheme(1, ["00100201"]), a.task(1, 1, every(15), START))
    site.live(15)
    (told,) = site.master.monitoring()
    assert (told.task, told.meters, told.succeeded, told.state) == (1, 4, 3, a.RunState.DONE)
    assert told.sent > told.received >= 3


# ---------------------------------------------------------------- PROXY


def test_attributes_and_records_are_read_through_it():
    """Protects PROXY 1 and 2 for both dialects, and what is answered for meters that are not there."""
    site = Site()
    site.live(12)
    wanted = [Oad.of("00100200"), Oad.of("20000200"), Oad.of("40010200"), Oad.of("FF000200")]
    found = site.master.proxy_get({OF_698: wanted, OF_645: wanted, "000000000999": wanted[:1]}, timeout=100, each=20)
    for address in (OF_698, OF_645):
        direct = site.behind(address)
        total = int(direct.read("active_energy_import") * 100)
        assert found[address][0].result.value.value[0].value == total
        assert [one.result.tag for one in found[address]] == [1, 1, 1, 0]
        assert found[address][2].result.value == Variant(9, bytes.fromhex(address))
    assert found["000000000999"][0].result == Variant(0, Dar.OBJECT_UNAVAILABLE)
    columns = (Oad.of("20210200"), Oad.of("00100200"))
    for address in (OF_698, OF_645):
        record = site.master.proxy_record(address, GetRecord(Oad.of("50040200"), nth_last(1), columns))
        ((when, energies),) = record.result.value
        assert when.value.datetime() == dt.datetime(2026, 1, 2)
        assert tuple(Decimal(one.value) / 100 for one in energies.value) == energy(site.behind(address))


def test_meters_are_written_and_run_through_it():
    """Protects PROXY 3 to 6: the password of the archive opens a meter, and DL/T 645 is refused with its reason."""
    site = Site()
    unit = site.own.archive.at(b"\x05" + bytes.fromhex(OF_698))
    site.own.archive.put(msgspec.structs.replace(unit, basic=msgspec.structs.replace(unit.basic, password=b"00000000")))
    count = SetItem(Oad.of("40080200"), _later())
    trigger = ActionItem(Omd.of("50000300"), Variant(18, 0))
    for address, dar in ((OF_698, Dar.SUCCESS), (OF_645, Dar.READ_WRITE_DENIED)):
        assert site.master.proxy_set({address: [count]})[address][0].result == dar
        (done,) = site.master.proxy_set_then_get({address: [SetThenGetItem(count, count.oad, 0)]})[address]
        assert done.result.result == dar
        assert site.master.proxy_action({address: [trigger]})[address][0].result == dar
        then = ActionThenGetItem(trigger, Oad.of("00100201"), 0)
        (ran,) = site.master.proxy_action_then_get({address: [then]})[address]
        assert ran.result.result == dar
        assert ran.get.result.tag == 1
    assert site.behind(OF_698).freezes.count("instant") == 2


def _later():
    """A time to switch to the other table of time zones at."""
    return Variant(28, DateTimeS(2030, 1, 1, 0, 0, 0))


@pytest.mark.parametrize("port", ["rs485", "module"])
def test_frames_pass_through_a_port(port):
    """Protects PROXY 7: a frame of DL/T 645 reaches its meter and the answer comes back; silence has its reason."""
    site = Site(port=port)
    place = a.RS485 if port == "rs485" else a.MODULE
    asked = bytes.fromhex("68 01 01 00 00 00 00 68 11 04 33 33 34 33".replace(" ", ""))
    frame = asked + bytes([sum(asked) & 0xFF, 0x16])
    answer = site.master.pass_through(frame, place)
    parsed = codec(Frame645).parse(answer.lstrip(b"\xfe"))
    assert parsed.address == OF_645
    nobody = bytes.fromhex("68 99 09 00 00 00 00 68 11 04 33 33 34 33".replace(" ", ""))
    with pytest.raises(Refused) as silent:
        site.master.pass_through(nobody + bytes([sum(nobody) & 0xFF, 0x16]), place, timeout=3)
    assert silent.value.code == Dar.REQUEST_TIMEOUT
    with pytest.raises(Refused) as no_port:
        site.master.pass_through(frame, Oad.of("F2020201"))
    assert no_port.value.code == Dar.OBJECT_UNAVAILABLE


def test_an_answer_takes_as_long_as_the_meters_do():
    """Protects time-outs of masters: silent meters cost their time, and the time of all is kept to."""
    site = Site()
    meters = site.own._ports["F2010201"]._meters
    for address in list(meters):
        del meters[address]
    begun = site.master.line.now()
    wanted = {place.address: [Oad.of("00100200")] for place in site.area.places}
    found = site.master.proxy_get(wanted, timeout=12, each=5)
    assert {one[0].result.value for one in found.values()} == {Dar.REQUEST_TIMEOUT}
    assert 10.0 <= site.master.line.now() - begun <= 20.0


# ---------------------------------------------------------------- reports, restarts


def test_events_of_meters_are_collected_and_reported():
    """Protects event schemes: a new record of a meter is fetched once, kept, and told to the master."""
    site = Site()
    site.collect(
        a.event_scheme(1, ["30110200(20220200,201E0200)"]), a.task(1, 1, every(5), START, kind=a.SchemeKind.EVENT)
    )
    site.behind(OF_698).powered = False
    site.time += 120.0
    site.behind(OF_698).powered = True
    site.live(12)
    rows = list(site.own.collecting.rows[1])
    assert [row.meter.hex()[2:] for row in rows] == [OF_698]
    assert len(site.meter.reports.prepared) == 1
    site.live(12)
    assert len(site.meter.reports.prepared) == 1
    heard = site.master.listen(seconds=5.0)
    records = [report for report in heard if report.tables]
    assert records
    assert site.meter.reports.prepared == ()


def test_a_report_scheme_tells_what_was_collected():
    """Protects report schemes: an attribute of the concentrator, and the newest rows that it has collected."""
    site = Site()
    record = a.RecordReport(a.RECORDS, (a.METER, Oad.of("00100201")), newest(1))
    site.collect(
        a.scheme(1, ["00100201"]),
        a.ReportScheme(1, (), every(1), 3, a.ReportContent(1, record.data())),
        a.ReportScheme(2, (), every(1), 3, a.ReportContent(0, Variant(81, Oad.of("40010200")))),
        a.task(1, 1, every(5), START),
        a.task(2, 1, every(5), START, kind=a.SchemeKind.REPORT, delay=every(1)),
        a.task(3, 2, every(5), START, kind=a.SchemeKind.REPORT, delay=every(1)),
    )
    site.live(7)
    heard = site.master.listen(seconds=5.0)
    first, table = [table for report in heard for table in report.tables]
    assert len(first) == len(table) == 4
    assert any(reading.item == "40010200" for report in heard for reading in report.readings)


def test_everything_survives_a_restart(tmp_path):
    """Protects acknowledged settings and collected rows: both are there after the process has ended."""
    site = Site(archived=False)
    storage = Storage(tmp_path)
    storage.attach(site.meter)
    site.collect(
        a.archived(1, OF_698),
        a.scheme(1, ["00100201", "50040200(00100200)"]),
        a.event_scheme(2, ["30110200(20220200)"]),
        a.task(1, 1, every(5), START),
    )
    site.live(12)
    before = site.own.state(), site.own.rows_state()
    assert len(site.own.collecting.rows[1]) > 0
    storage.close()
    again = Site(archived=False)
    storage = Storage(tmp_path)
    storage.attach(again.meter)
    storage.close()
    assert (again.own.state(), again.own.rows_state()) == before


def test_the_association_tells_what_a_concentrator_is():
    """Protects masters that look what they are connected to: proxies, and the objects of acquisition."""
    site = Site()
    assert site.master.granted.protocol[0] & 0x0C == 0x0C
    meter = Meter69845(ResponderLine(Face69845(Meter()).connect()), address="000000000161")
    meter.connect("00000000")
    assert meter.granted.protocol[0] & 0x0C == 0
    first = site.master.read("44000201")
    assert first.value is not None


def test_an_area_says_what_its_concentrator_is():
    """Protects people from settings that are misspelt."""
    area = Area.of([Meters()], concentrator={"port": "pigeon"})
    with pytest.raises(LocalProtocolError, match="concentrator"):
        EmulatedConcentrator(area, clock="frozen:2026-01-01T00:00:00")
