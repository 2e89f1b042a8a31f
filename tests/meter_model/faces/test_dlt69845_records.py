"""Record tables through DL/T 698.45: freezes, load profile, billing periods; blocks; columns; methods."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import msgspec
import pytest

from meterwire.meter_model import Meter, VirtualClock
from meterwire.meter_model.columns import column
from meterwire.meter_model.faces.dlt69845.face import Face69845
from meterwire.meter_model.faces.dlt69845.record_objects import act, read
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.meter_model.profiles import Profile, profile_table
from meterwire.meter_model.saved import parts_of, restore
from meterwire.meter_model.values import Demand
from meterwire.protocols.dlt69845.address import ANY
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.dates import DateTimeS, Interval
from meterwire.protocols.dlt69845.descriptors import Oad, Road
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.link import FrameLength, Link, LinkControl
from meterwire.protocols.dlt69845.selection import SelectorEqual, SelectorNewest, SelectorRange
from meterwire.protocols.dlt69845.services import get
from meterwire.protocols.dlt69845.services.common import Piid
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

LINK, APDU = codec(Link, 2021), codec(Apdu, 2021)
START = dt.datetime(2026, 1, 30, 22, 10)
ALL_ROWS, ALL, NULL = Variant(0, None), Variant(1, None), Variant(0, None)
NUMBER, TIME, ENERGY, VOLTAGE = map(Oad.of, ("20230200", "20210200", "00100200", "20000200"))


def meter_at(start=START, profile="three-phase", **tables):
    table = profile_table(profile) | tables
    return Meter(msgspec.convert(table, Profile), clock=VirtualClock(start, frozen=True), seed=5)


def step(meter, **duration):
    meter.clock.step(dt.timedelta(**duration).total_seconds())
    meter.advance()


def ask(connection, body):
    flag, octets = ANY.wire(2021)
    user = APDU.build(Apdu.of(body))
    frame = LINK.build(Link(FrameLength(), LinkControl(started_by_client=1), flag, octets, 16, user))
    (answer,) = connection.receive(frame, 0.0)
    assert len(answer.octets) <= 1100
    return APDU.parse(LINK.parse(answer.octets).user).body.response


def fetch(connection, *tables):
    """All records of an answer, in however many blocks; and how many these were."""
    asked = get.GetRequestRecord if len(tables) == 1 else get.GetRequestRecordList
    found = ask(connection, get.GetRequest(asked(Piid(number=7), tables[0] if len(tables) == 1 else tables)))
    blocks = 1
    if isinstance(found, get.GetResponseRecord):
        return [found.record], blocks
    if isinstance(found, get.GetResponseRecordList):
        return list(found.records), blocks
    records = []
    while True:
        assert (found.result.tag, found.block) == (2, blocks)
        records += found.result.value
        if found.last:
            return records, blocks
        again = ask(connection, get.GetRequest(get.GetRequestNext(Piid(number=7), found.block - 1)))
        assert blocks == 1 or again == found  # the block may be lost: it is given once more
        found = ask(connection, get.GetRequest(get.GetRequestNext(Piid(number=7), blocks)))
        blocks += 1


def rows_of(connection, oad, *columns, selector=ALL_ROWS):
    """Rows of one table, put together again."""
    records, _ = fetch(connection, get.GetRecord(Oad.of(oad), selector, tuple(columns)))
    assert all(record.oad == Oad.of(oad) for record in records)
    return [row for record in records for row in record.result.value]


def test_daily_freezes_are_the_rows_of_the_meter():
    """Numbers, times and registers of each row are what the freeze engine keeps, cut to the declared resolution."""
    meter = meter_at()
    step(meter, days=70)
    connection = Face69845(meter).connect()
    rows = rows_of(connection, "50040200", NUMBER, TIME, ENERGY, Oad.of("10100201"), Oad.of("40000200"))
    kept = meter.freezes.rows("daily")
    assert len(rows) == len(kept) == 62
    for at, (row, found) in enumerate(zip(kept, rows, strict=True)):
        number, time, energy, demand, absent = found
        assert number == Variant(6, 70 - 62 + 1 + at)
        assert time == Variant(28, DateTimeS.of(row.time))
        names = ["active_energy_import", *(f"active_energy_import_rate_{rate}" for rate in range(1, 5))]
        assert [one.value for one in energy.value] == [int(row.values[name] * 100) for name in names]
        highest = row.values["demand_active_import_max"]
        assert isinstance(highest, Demand)
        assert demand.value[0].value == int(highest.value * 10_000)
        assert absent == NULL


def test_a_table_without_columns_named_gives_its_own():
    """An empty RCSD stands for number, time and all associated columns, which the answer names."""
    meter = meter_at()
    step(meter, days=2)
    connection = Face69845(meter).connect()
    (record,), _ = fetch(connection, get.GetRecord(Oad.of("50040200"), Variant(10, SelectorNewest(1, ALL)), ()))
    associations = read(meter, Oad.of("50040300"))
    named = tuple(one.value[1].value for one in associations.value)
    assert record.columns == (NUMBER, TIME, *named)
    assert ENERGY in named
    assert all(one.tag for one in record.result.value[0])


def test_the_load_profile_is_the_minute_freeze():
    """Long answers come in blocks that repeat; classes recorded at other intervals leave NULL between."""
    meter = meter_at()
    meter.parameters.set("load_profile_interval_4", 60)
    step(meter, days=6)
    connection = Face69845(meter).connect()
    table = get.GetRecord(Oad.of("50020200"), ALL_ROWS, (NUMBER, TIME, VOLTAGE, Oad.of("00100201")))
    records, blocks = fetch(connection, table)
    rows = [row for record in records for row in record.result.value]
    assert blocks > 10
    profile = meter.load_profile
    assert len(rows) == len(profile.rows(1)) == 6 * 96
    energies = {row.time: row.values["active_energy_import"] for row in profile.rows(4)}
    assert len(energies) == 6 * 24
    for number, (found, row) in enumerate(zip(rows, profile.rows(1), strict=True), 1):
        assert found[0].value == number
        assert [one.value for one in found[2].value] == [int(row.values[f"voltage_{one}"] * 10) for one in "abc"]
        energy = energies.get(row.time)
        assert found[3] == (NULL if energy is None else Variant(6, int(energy * 100)))


def test_billing_periods_are_the_settlement_freeze():
    """Twelve periods, the oldest first, with registers and maxima of their ends."""
    meter = meter_at()
    connection = Face69845(meter).connect()
    rows = rows_of(connection, "50050200", TIME, Oad.of("00100201"), Oad.of("10100201"))
    assert len(rows) == 12
    for number, row in zip(range(12, 0, -1), rows, strict=True):
        register = msgspec.structs.replace(column("active_energy_import"), settlement=number)
        assert row[1].value == int(meter.read(register) * 100)
        assert row[0].value.datetime() == dt.datetime(1970, 1, 1) + dt.timedelta(
            minutes=meter.settlement(number).minute
        )
    assert [row[0].value.datetime() for row in rows] == sorted(row[0].value.datetime() for row in rows)


def test_selection_by_time_step_and_value():
    """Two days of quarters in steps of six hours, and the one row of an exact time."""
    meter = meter_at()
    step(meter, days=4)
    connection = Face69845(meter).connect()
    low, high = dt.datetime(2026, 1, 31), dt.datetime(2026, 2, 2)
    limits = (Variant(28, DateTimeS.of(low)), Variant(28, DateTimeS.of(high)))
    selector = Variant(2, SelectorRange(TIME, *limits, Variant(84, Interval(2, 6))))
    rows = rows_of(connection, "50020200", TIME, selector=selector)
    assert [row[0].value.datetime() for row in rows] == [low + dt.timedelta(hours=6 * n) for n in range(8)]
    (row,) = rows_of(connection, "50020200", TIME, selector=Variant(1, SelectorEqual(TIME, limits[0])))
    assert row[0].value.datetime() == low


def test_several_tables_and_one_that_is_not_there():
    """A list of tables comes in one answer, or in blocks that cut between rows; what is missing says why."""
    meter = meter_at()
    step(meter, days=40)
    connection = Face69845(meter).connect()
    daily, none = (get.GetRecord(Oad.of(oad), ALL_ROWS, (TIME, ENERGY)) for oad in ("50040200", "50100200"))
    records, blocks = fetch(connection, daily, none, daily)
    assert blocks > 1
    assert [record.result for record in records if record.result.tag == 0] == [Variant(0, Dar.OBJECT_UNDEFINED)]
    rows = [row for record in records if record.result.tag for row in record.result.value]
    assert len(rows) == 80
    assert rows[:40] == rows[40:]
    short = tuple(msgspec.structs.replace(one, rows=Variant(9, 1)) for one in (daily, none))
    found, blocks = fetch(connection, *short)
    assert (len(found), blocks) == (2, 1)


def test_columns_of_tables_within_tables():
    """A ROAD of the same table is a structure of its columns, of another table NULL."""
    meter = meter_at()
    step(meter, days=2)
    connection = Face69845(meter).connect()
    own, other = Road(Oad.of("50040200"), (TIME, Oad.of("00100201"))), Road(Oad.of("50060200"), (TIME,))
    (row,) = rows_of(connection, "50040200", own, other, TIME, selector=Variant(9, 1))
    assert row[0].value == (row[2], Variant(6, int(meter.freezes.row("daily").values["active_energy_import"] * 100)))
    assert row[1] == NULL


@pytest.mark.parametrize(
    ("oad", "selector", "dar"),
    [
        ("50100200", ALL_ROWS, Dar.OBJECT_UNDEFINED),
        ("50040300", ALL_ROWS, Dar.OBJECT_UNAVAILABLE),
        ("00100200", ALL_ROWS, Dar.OBJECT_UNDEFINED),
        ("50040200", Variant(1, SelectorEqual(Oad.of("43000300"), Variant(6, 0))), Dar.OBJECT_UNAVAILABLE),
        ("50040200", Variant(1, SelectorEqual(TIME, Variant(6, 0))), Dar.TYPE_UNMATCHED),
    ],
)
def test_what_cannot_be_read_says_why(oad, selector, dar):
    """No table, no such column, no fitting value: a record answer with its DAR."""
    meter = meter_at()
    step(meter, days=2)
    (record,), _ = fetch(Face69845(meter).connect(), get.GetRecord(Oad.of(oad), selector, (TIME,)))
    assert record.result == Variant(0, dar)


def test_blocks_that_were_not_sent_are_refused():
    """A number that is not the last or the one before gets a DAR; so does a next where nothing is fetched."""
    meter = meter_at()
    step(meter, days=60)
    connection = Face69845(meter).connect()
    table = get.GetRecord(Oad.of("50040200"), ALL_ROWS, (TIME, ENERGY))
    first = ask(connection, get.GetRequest(get.GetRequestRecord(Piid(number=1), table)))
    assert (first.block, first.last) == (1, False)
    for number in (2, 0xFFFF):
        wrong = ask(connection, get.GetRequest(get.GetRequestNext(Piid(number=1), number)))
        assert wrong.result == Variant(0, Dar.DATA_BLOCK_NUMBER_INVALID)
    ask(connection, get.GetRequest(get.GetRequestNormal(Piid(number=1), ENERGY)))
    nothing = ask(connection, get.GetRequest(get.GetRequestNext(Piid(number=1), 1)))
    assert nothing.result == Variant(0, Dar.NOT_IN_FRAMED_TRANSFER)


def test_associated_columns_are_added_and_taken_away():
    """What method 4 adds is stored from the next freeze on, what 5 deletes no longer; all of it survives a restart."""
    meter = meter_at()
    step(meter, days=1)
    oad = Oad.of("20000200")
    act(meter, 0x5004, 4, Variant(2, (Variant(18, 1), Variant(81, oad), Variant(18, 60))))
    act(meter, 0x5004, 5, Variant(81, ENERGY))
    named = [one.value[1].value for one in read(meter, Oad.of("50040300")).value]
    assert oad in named
    assert ENERGY not in named
    step(meter, days=1)
    rows = rows_of(Face69845(meter).connect(), "50040200", ENERGY, oad)
    assert [[cell == NULL for cell in row] for row in rows] == [[False, True], [True, False]]
    assert [one.value for one in rows[1][1].value] == [
        int(meter.freezes.row("daily").values[f"voltage_{phase}"] * 10) for phase in "abc"
    ]
    states = {name: part() for name, part in parts_of(meter).items()}
    later = meter_at()
    restore(later, msgspec.msgpack.decode(msgspec.msgpack.encode(states)))
    assert rows_of(Face69845(later).connect(), "50040200", TIME, ENERGY, oad) == rows_of(
        Face69845(meter).connect(), "50040200", TIME, ENERGY, oad
    )
    assert read(later, Oad.of("50040300")) == read(meter, Oad.of("50040300"))
    meter.parameters.set("freeze_mode_daily", 1)
    assert [one.value[1].value for one in read(meter, Oad.of("50040300")).value] == [ENERGY]


@pytest.mark.parametrize(
    ("oi", "method", "parameter", "dar"),
    [
        (0x5004, 4, Variant(2, (Variant(18, 1), Variant(81, Oad.of("F1000200")), Variant(18, 10))), 4),
        (0x5004, 4, Variant(2, (Variant(18, 7), Variant(81, ENERGY), Variant(18, 10))), 8),
        (0x5004, 4, Variant(2, (Variant(18, 1), Variant(81, ENERGY), Variant(18, 999))), 8),
        (0x5004, 4, Variant(6, 1), 7),
        (0x5004, 5, Variant(81, Oad.of("20000200")), 6),
        (0x5002, 5, Variant(81, VOLTAGE), 3),
        (0x5002, 4, Variant(2, (Variant(18, 7), Variant(81, VOLTAGE), Variant(18, 10))), 8),
        (0x5002, 4, Variant(2, (Variant(18, 0), Variant(81, Oad.of("10100200")), Variant(18, 10))), 8),
        (0x5002, 5, Variant(81, Oad.of("10100200")), 6),
        (0x5004, 3, Variant(18, 0), 3),
        (0x5000, 3, Variant(17, 0), 7),
        (0x5004, 9, NULL, 6),
        (0x5005, 8, NULL, 3),
        (0x5010, 8, NULL, 4),
        (0x5001, 4, Variant(2, (Variant(18, 0), Variant(81, ENERGY), Variant(18, 10))), 8),
        (0x5001, 4, Variant(2, (Variant(18, 3601), Variant(81, ENERGY), Variant(18, 10))), 8),
        (0x5001, 4, Variant(2, (Variant(18, 5), Variant(81, ENERGY), Variant(18, 256))), 8),
        (0x5011, 3, Variant(18, 0), 3),
    ],
)
def test_methods_that_cannot_be_run(oi, method, parameter, dar):
    """What is no column, too deep, of another period or form is refused with its DAR and changes nothing."""
    meter = meter_at()
    before = read(meter, Oad.of("50040300"))
    with pytest.raises(Denied) as caught:
        act(meter, oi, method, parameter)
    assert caught.value.dar == dar
    assert read(meter, Oad.of("50040300")) == before


def added(period, oad=ENERGY, depth=10):
    return Variant(2, (Variant(18, period), Variant(81, oad), Variant(18, depth)))


def times(meter, oad):
    return [row[0].value.datetime() for row in rows_of(Face69845(meter).connect(), oad, TIME)]


def test_a_second_freeze_stores_what_it_is_told_to():
    """5001 begins with the first column, at whole multiples of its period, and ends with the last one."""
    meter = meter_at()
    assert read(meter, Oad.of("50010300")) == Variant(1, ())
    act(meter, 0x5001, 4, added(5))
    act(meter, 0x5001, 7, Variant(1, (added(0, VOLTAGE), added(5, Oad.of("20010200")))))
    assert [one.value[0].value for one in read(meter, Oad.of("50010300")).value] == [5, 5, 5]
    with pytest.raises(Denied):
        act(meter, 0x5001, 4, added(6, Oad.of("200F0200")))
    step(meter, seconds=17)
    connection = Face69845(meter).connect()
    rows = rows_of(connection, "50010200", NUMBER, TIME, VOLTAGE)
    assert [row[1].value.datetime() for row in rows] == [START + dt.timedelta(seconds=at) for at in (5, 10, 15)]
    assert [row[0].value for row in rows] == [1, 2, 3]
    assert [one.value for one in rows[0][2].value] == [int(meter.read(f"voltage_{phase}") * 10) for phase in "abc"]
    for oad in (ENERGY, VOLTAGE, Oad.of("20010200")):
        act(meter, 0x5001, 5, Variant(81, oad))
    step(meter, seconds=60)
    assert len(times(meter, "50010200")) == 3


def test_second_freezes_cost_no_more_than_what_is_kept():
    """After a month at one a second there are the last 255, numbered as if all of them had been stored."""
    meter = meter_at()
    act(meter, 0x5001, 4, added(1))
    step(meter, days=31)
    rows = rows_of(Face69845(meter).connect(), "50010200", NUMBER, TIME)
    last = 31 * 86400
    assert [row[0].value for row in rows] == list(range(last - 254, last + 1))
    assert rows[-1][1].value.datetime() == START + dt.timedelta(days=31)


def test_second_freezes_follow_power_clock_and_restarts():
    """Nothing is stored without power; a clock that is set moves the moments; a saved state goes on."""
    meter = meter_at()
    act(meter, 0x5001, 4, added(10))
    step(meter, seconds=25)
    meter.powered = False
    step(meter, seconds=100)
    meter.powered = True
    step(meter, seconds=5)
    assert [moment.second for moment in times(meter, "50010200")] == [10, 20, 10]
    meter.set_clock((START + dt.timedelta(hours=1, seconds=7)).replace(tzinfo=meter.clock.zone))
    step(meter, seconds=4)
    assert times(meter, "50010200")[-1] == START + dt.timedelta(hours=1, seconds=10)
    states = {name: part() for name, part in parts_of(meter).items()}
    later = meter_at()
    restore(later, msgspec.msgpack.decode(msgspec.msgpack.encode(states)))
    before = times(later, "50010200")
    assert before == times(meter, "50010200")
    step(later, seconds=10)
    assert times(later, "50010200") == [*before, START + dt.timedelta(hours=1, seconds=20)]


def test_a_period_of_steps_ends_with_a_freeze():
    """5011 has the registers of the moment at which the steps begin anew, here each settlement day."""
    meter = meter_at()
    assert meter.credit.settings.steps == "month"
    step(meter, days=32)
    rows = rows_of(Face69845(meter).connect(), "50110200", TIME, ENERGY)
    assert [row[0].value.datetime() for row in rows] == [dt.datetime(2026, 2, 1), dt.datetime(2026, 3, 1)]
    settled = [meter.settlement(number).readings.reading("active_import", "total", 0) for number in (2, 1)]
    assert [row[1].value[0].value for row in rows] == [int(one * 100) for one in settled]
    assert [one.value[0].value for one in read(meter, Oad.of("50110300")).value] == [0, 0]


def test_an_instant_freeze_is_triggered_now_or_later():
    """Method 3 of 5000 freezes at once or after its seconds; method 8 forgets the rows."""
    meter = meter_at()
    act(meter, 0x5000, 3, Variant(18, 0))
    act(meter, 0x5000, 3, Variant(18, 90))
    step(meter, seconds=100)
    rows = rows_of(Face69845(meter).connect(), "50000200", TIME)
    assert [row[0].value.datetime() for row in rows] == [START, START + dt.timedelta(seconds=90)]
    last = read(meter, Oad.of("50000201"))
    assert last.value[1].value.datetime() == START + dt.timedelta(seconds=90)
    assert len(read(meter, Oad.of("50000200")).value) == 2
    act(meter, 0x5000, 8, NULL)
    assert rows_of(Face69845(meter).connect(), "50000200", TIME) == []


def test_orders_of_freezes_are_bounded():
    """Orders to freeze later do not pile up."""
    meter = meter_at()
    for _ in range(16):
        act(meter, 0x5000, 3, Variant(18, 0xFFFF))
    with pytest.raises(Denied) as caught:
        act(meter, 0x5000, 3, Variant(18, 0xFFFF))
    assert caught.value.dar == Dar.SCOPE_OF_ACCESS_VIOLATED


def test_a_single_phase_meter_ends_its_arrays():
    """Arrays of phases have the elements that the meter has, and the yearly freeze comes once a year."""
    meter = meter_at(dt.datetime(2025, 12, 31, 23, 30), profile="single-phase")
    step(meter, hours=1)
    connection = Face69845(meter).connect()
    rows = rows_of(connection, "50020200", TIME, VOLTAGE)
    assert rows
    assert all(len(row[1].value) == 1 for row in rows)
    (row,) = rows_of(connection, "50070200", TIME, Oad.of("00100401"))
    assert row[0].value.datetime() == dt.datetime(2026, 1, 1)
    energy = meter.freezes.row("yearly").values["active_energy_import"]
    assert row[1] == Variant(21, int(Fraction(energy) * 10_000))


def test_columns_and_whole_tables_are_bounded():
    """Thousands of columns, and a long table read as one value, are refused; the table is read as records."""
    meter = meter_at()
    step(meter, days=2)
    connection = Face69845(meter).connect()
    many = (Road(Oad.of("50040200"), (TIME,) * 100),) * 3
    (record,), _ = fetch(connection, get.GetRecord(Oad.of("50040200"), ALL_ROWS, many))
    assert record.result == Variant(0, Dar.SCOPE_OF_ACCESS_VIOLATED)
    with pytest.raises(Denied):
        read(meter, Oad.of("50020200"))
    assert read(meter, Oad.of("50020201")).tag == 2


def test_the_annex_example_is_answered_in_its_form():
    """The daily freeze of 2016-01-20 by its time (annex H.3.3): same record, columns and types, octet for octet around."""
    meter = meter_at(dt.datetime(2016, 1, 18, 12))
    step(meter, days=4)
    connection = Face69845(meter).connect()
    request = APDU.parse(bytes.fromhex("0503035004020001202102001C07E00114000000020020210200000010020000")).body
    expected = bytes.fromhex(
        "85030350040200020020210200000010020001011C07E0011400000001050600000000060000000006000000000600000000060000"
        "00000000"
    )
    answer = ask(connection, request)
    (row,) = answer.record.result.value
    energies = [one.value for one in row[1].value]
    zeroed = (row[0], Variant(1, tuple(Variant(6, 0) for _ in energies)))
    record = msgspec.structs.replace(answer.record, result=Variant(1, (zeroed,)))
    found = get.GetResponse(msgspec.structs.replace(answer, record=record))
    assert APDU.build(Apdu.of(found)) == expected
    assert all(energies)
    assert energies[0] == int(meter.freezes.row("daily", 3).values["active_energy_import"] * 100)


def test_columns_are_added_to_the_minute_freeze():
    """Every five minutes maxima of the demand, beside the classes, which DL/T 645 still reads as they were."""
    meter = meter_at()
    step(meter, hours=1)
    before = meter.load_profile.records()
    demand = Oad.of("10100200")
    act(meter, 0x5002, 4, Variant(2, (Variant(18, 5), Variant(81, demand), Variant(18, 100))))
    assert (5, demand) in [(one.value[0].value, one.value[1].value) for one in read(meter, Oad.of("50020300")).value]
    step(meter, hours=1)
    rows = rows_of(Face69845(meter).connect(), "50020200", TIME, demand, VOLTAGE)
    later = [row for row in rows if row[0].value.datetime() > START + dt.timedelta(hours=1)]
    assert len(later) == 12
    assert all(row[1].tag == 1 and len(row[1].value) == 5 for row in later)
    assert sum(row[2] != NULL for row in later) == 4
    assert all(number <= 6 for record in meter.load_profile.records() for number in record)
    assert len(meter.load_profile.records()) == len(before) + 4
    states = msgspec.msgpack.decode(msgspec.msgpack.encode({name: part() for name, part in parts_of(meter).items()}))
    again = meter_at()
    restore(again, states)
    step(again, minutes=5)
    assert len(rows_of(Face69845(again).connect(), "50020200", TIME, demand)) == len(rows) + 1
    act(again, 0x5002, 5, Variant(81, demand))
    step(again, hours=1)
    found = rows_of(Face69845(again).connect(), "50020200", TIME, demand)
    assert sum(row[1] != NULL for row in found) == 13


def test_what_is_chosen_is_stored_even_where_totals_were_enough():
    """An hourly freeze with rates and maxima stores them, though its mode word asks for totals alone."""
    meter = meter_at()
    for oad in ("00100200", "10100200"):
        act(meter, 0x5003, 4, Variant(2, (Variant(18, 1), Variant(81, Oad.of(oad)), Variant(18, 10))))
    step(meter, hours=2)
    for row in rows_of(Face69845(meter).connect(), "50030200", ENERGY, Oad.of("10100200")):
        assert [len(cell.value) for cell in row] == [5, 5]
