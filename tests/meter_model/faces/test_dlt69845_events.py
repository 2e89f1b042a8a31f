"""Event objects through DL/T 698.45: records with their columns, counters, limits, flags, clearing."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import msgspec
import pytest

from meterwire.meter_model import Meter, VirtualClock
from meterwire.meter_model.events.kinds import kinds, limit_table
from meterwire.meter_model.faces.dlt69845.event_kinds import event_objects, objects_of_kind
from meterwire.meter_model.faces.dlt69845.record_objects import act, put, read, table_of
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.meter_model.inputs import Inputs
from meterwire.meter_model.parameters import Author
from meterwire.meter_model.saved import parts_of, restore
from meterwire.protocols.dlt69845.dates import DateTimeS
from meterwire.protocols.dlt69845.descriptors import Oad, Omd
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.wire.nodes import Variant

START = dt.datetime(2026, 1, 30, 22, 10)
NULL = Variant(0, None)


@pytest.fixture
def meter():
    meter = Meter(clock=VirtualClock(START, frozen=True), seed=3)
    for phase, seconds in (("a", 300), ("b", 200), ("a", 150)):
        meter.cut_phase(phase)
        step(meter, seconds)
        meter.restore_phase(phase)
        step(meter, 300)
    return meter


def step(meter, seconds):
    meter.clock.step(seconds)
    meter.advance()


def value(meter, oad):
    return read(meter, Oad.of(oad))


def refused(call, *parts):
    with pytest.raises(Denied) as caught:
        call(*parts)
    return caught.value.dar


def test_every_row_of_the_table_is_an_event_and_its_limits():
    """Kinds and limits that the table names are those of the model; no kind stands behind two objects."""
    known = kinds(Meter().profile)
    named = [kind for one in event_objects().values() for kind in one.all_kinds]
    assert len(named) == len(set(named)) == len(objects_of_kind())
    assert set(named) <= set(known)
    assert {member.name for one in event_objects().values() for member in one.limits} <= {"", *limit_table()}


def test_tables_of_phases(meter):
    """Attributes 7 to 9 have a phase each, 6 all of them by their time and numbered together; counts tell the same."""
    rows = {number: table_of(meter, Oad(0x3001, number, 0)).entries() for number in range(6, 10)}
    assert [len(rows[number]) for number in range(6, 10)] == [3, 2, 1, 0]
    kinds_in_order = [row.record.kind for row in rows[6]]
    assert kinds_in_order == ["under_voltage_a", "under_voltage_b", "under_voltage_a"]
    assert [row.value(Oad.of("20220200")).value for row in rows[6]] == [1, 2, 3]
    assert [row.value(Oad.of("20220200")).value for row in rows[7]] == [1, 2]
    assert [one.value for one in value(meter, "30010300").value] == [3, 2, 1, 0]
    assert value(meter, "30010302") == Variant(18, 2)
    totals = [tuple(one.value for one in each.value) for each in value(meter, "30010A00").value]
    seconds = [meter.events.total(f"under_voltage_{phase}") for phase in "abc"]
    assert totals == [(3, sum(seconds)), (2, seconds[0]), (1, seconds[1]), (0, 0)]


def test_a_record_has_its_columns(meter):
    """Standard columns, and snapshots of before and after under the features of their attributes."""
    record = meter.events.record("under_voltage_b")
    columns = table_of(meter, Oad.of("30010800")).columns
    (row,) = table_of(meter, Oad.of("30010800")).entries()
    assert [str(column) for column in columns[:5]] == ["20220200", "201E0200", "20200200", "20240200", "33000200"]
    assert row.value(columns[1]) == Variant(28, DateTimeS.of(record.start))
    assert row.value(columns[2]) == Variant(28, DateTimeS.of(record.end))
    assert row.value(columns[3]) == NULL
    assert row.value(columns[4]) == Variant(1, ())
    for oad, values in (("00102201", record.before), ("00108201", record.after)):
        assert Oad.of(oad) in columns
        assert row.value(Oad.of(oad)) == Variant(6, int(values["active_energy_import"] * 100))
    assert row.value(Oad.of("20002200")).value[1].value == int(record.before["voltage_b"] * 10)
    assert row.value(Oad.of("00100201")) == NULL
    charge = row.value(Oad.of("20290200"))
    assert charge.value[0].value == int(record.during["charge_total"] * 100)
    latest = value(meter, "30010801")
    assert latest.value[:3] == tuple(row.value(column) for column in columns[:3])


def test_an_event_that_goes_on_has_no_end(meter):
    """Its end is NULL, and the time state tells its start with the end of the one before."""
    meter.change_inputs(Inputs(cover_open=True))
    step(meter, 60)
    (row,) = table_of(meter, Oad.of("301B0200")).entries()
    assert row.value(Oad.of("20200200")) == NULL
    state = value(meter, "301B0A01")
    assert state.value[1].value == (row.value(Oad.of("201E0200")), NULL)
    counted = value(meter, "301B0701").value[1].value
    assert counted[0] == Variant(6, 1)


def test_what_kinds_add(meter):
    """The unbalance reached, the clock before and after its setting, and what was programmed."""
    peak = meter.events.record("voltage_unbalance").during["peak"]
    rows = table_of(meter, Oad.of("301D0200")).entries()
    assert rows[-1].value(Oad.of("20260200")) == Variant(18, int(peak * 100))
    before = meter.now()
    meter.set_clock(before + dt.timedelta(hours=5))
    (row,) = table_of(meter, Oad.of("30160200")).entries()
    assert row.value(Oad.of("40002200")) == Variant(28, DateTimeS.of(before))
    assert row.value(Oad.of("40008200")) == Variant(28, DateTimeS.of(before + dt.timedelta(hours=5)))
    meter.programming.note(Author("00000001", "40000200"))
    (row,) = table_of(meter, Oad.of("30120200")).entries()
    assert row.value(Oad.of("33020206")) == Variant(1, (Variant(81, Oad.of("40000200")),))


def test_limits_are_read_and_set(meter):
    """The configuration is the limits in force, in its units; setting them changes what is recognised."""
    limits = meter.events.limits
    config = value(meter, "30000500")
    assert [one.tag for one in config.value] == [18, 18, 5, 17]
    assert config.value[0].value == int(limits["voltage_loss_trigger"] * 10)
    assert config.value[2].value == int(limits["voltage_loss_current"] * 10_000)
    new = Variant(2, (Variant(18, 1500), Variant(18, 1600), Variant(5, 1000), Variant(17, 9)))
    put(meter, Oad.of("30000500"), new)
    assert value(meter, "30000500") == new
    assert meter.events.limits["voltage_loss_trigger"] == 150
    assert meter.parameters["voltage_loss_delay"] == 9
    put(meter, Oad.of("30080500"), Variant(2, (Variant(5, 70), Variant(17, 30))))
    assert meter.events.limits["overload_power"] == 7
    put(meter, Oad.of("300C0600"), Variant(2, (Variant(16, 450), Variant(17, 30))))
    assert meter.events.limits["power_factor_limit"] == Fraction(45, 100)


def test_what_cannot_be_set_or_run_is_refused(meter):
    """Wrong forms, attributes that are read only, kinds that this meter does not know."""
    assert refused(put, meter, Oad.of("30000500"), Variant(2, (Variant(18, 1),))) == Dar.TYPE_UNMATCHED
    assert refused(put, meter, Oad.of("30000B00"), Variant(22, 9)) == Dar.SCOPE_OF_ACCESS_VIOLATED
    assert refused(put, meter, Oad.of("30000B00"), Variant(17, 1)) == Dar.TYPE_UNMATCHED
    assert refused(put, meter, Oad.of("30000300"), Variant(18, 1)) == Dar.READ_WRITE_DENIED
    assert refused(put, meter, Oad.of("30080500"), Variant(2, (Variant(5, -1), Variant(17, 3)))) == 8
    assert refused(value, meter, "30000F00") == Dar.OBJECT_UNAVAILABLE
    assert refused(value, meter, "30000D05") == Dar.OBJECT_UNAVAILABLE
    assert refused(value, meter, "30990200") == Dar.OBJECT_UNDEFINED
    assert refused(table_of, meter, Oad.of("30000200")) == Dar.OBJECT_UNAVAILABLE
    assert refused(act, meter, 0x3000, 6, NULL) == Dar.READ_WRITE_DENIED
    assert refused(act, meter, 0x3000, 5, NULL) == Dar.TYPE_UNMATCHED
    assert refused(act, meter, 0x3000, 4, Variant(81, Oad.of("00100201"))) == Dar.OBJECT_UNDEFINED
    assert refused(act, meter, 0x3000, 5, Variant(81, Oad.of("200F2200"))) == Dar.OBJECT_UNAVAILABLE
    single = Meter("single-phase", clock=VirtualClock(START, frozen=True))
    assert refused(table_of, single, Oad.of("30030700")) == Dar.OBJECT_UNDEFINED


def test_clearing_forgets_one_object_and_is_recorded(meter):
    """Method 1 clears the records of its object alone; who did it, and what, stands in the record of clearing."""
    act(meter, 0x3001, 1, Variant(15, 0), Author("0000000A", ""))
    assert [one.value for one in value(meter, "30010300").value] == [0, 0, 0, 0]
    assert meter.events.count("phase_failure_a") == 2
    (row,) = table_of(meter, Oad.of("30150200")).entries()
    assert row.value(Oad.of("330C0206")) == Variant(1, (Variant(83, Omd.of("30010100")),))
    assert row.record.source == "0000000A"


def test_a_single_phase_meter_has_one_phase():
    """Tables of phases that a meter does not have are not there; what all have is."""
    single = Meter("single-phase", clock=VirtualClock(START, frozen=True))
    assert len(table_of(single, Oad.of("30010700")).entries()) == 0
    assert refused(table_of, single, Oad.of("30010800")) == Dar.OBJECT_UNDEFINED
    assert [one.value for one in value(single, "30010300").value] == [0, 0, 0, 0]


def test_associated_columns_of_events_are_chosen(meter):
    """What method 4 adds is in the next records, what 5 deletes is not; records that are there stay, over a restart too."""
    added, deleted = Oad.of("200F2200"), Oad.of("00102201")
    act(meter, 0x3001, 4, Variant(81, added))
    act(meter, 0x3001, 5, Variant(81, deleted))
    named = [one.value for one in value(meter, "30010200").value]
    assert added in named
    assert deleted not in named
    states = {name: part() for name, part in parts_of(meter).items()}
    later = Meter(clock=VirtualClock(START, frozen=True), seed=3)
    restore(later, msgspec.msgpack.decode(msgspec.msgpack.encode(states)))
    for one in (meter, later):
        one.cut_phase("c")
        step(one, 200)
        old, new = (table_of(one, Oad(0x3001, attribute, 0)).entries()[-1] for attribute in (7, 9))
        assert [row.value(added) == NULL for row in (old, new)] == [True, False]
        assert [row.value(deleted) == NULL for row in (old, new)] == [False, True]
        assert new.value(added) == Variant(18, int(one.events.record("under_voltage_c").before["frequency"] * 100))
