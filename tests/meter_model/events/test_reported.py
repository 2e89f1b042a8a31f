"""Events that somebody causes: covers, magnets, settings, writings, clearings, loss of power; and the status bits."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest
from msgspec.structs import replace

from meterwire.errors import LocalProtocolError
from meterwire.meter_model import Constant, Meter, VirtualClock
from meterwire.meter_model.circuit import PhaseOverride
from meterwire.meter_model.parameters import Author
from meterwire.meter_model.status import EVERYTHING, READING
from meterwire.quantities import QUANTITIES

START = dt.datetime(2026, 1, 5, 12, 0, 30)
SOMEBODY = Author("12345678", "04000302")


def fresh(profile: str = "three-phase") -> Meter:
    return Meter(profile, clock=VirtualClock(START, frozen=True), load=Constant(1000, 200))


def at(meter: Meter, seconds: int) -> dt.datetime:
    return START.replace(tzinfo=meter.clock.zone) + dt.timedelta(seconds=seconds)


def case(meter: Meter, **inputs) -> None:
    meter.change_inputs(replace(meter.inputs, **inputs))


def test_every_kind_is_whole() -> None:
    """Protects the tables: columns are quantities, limits exist, and each kind has a way to happen."""
    for profile in ("three-phase", "single-phase"):
        meter = fresh(profile)
        commanded = {"programming", "purchase"}
        for kind in meter.events.kinds.values():
            assert set(kind.before) | set(kind.after) <= set(QUANTITIES), kind.name
            assert set(kind.during) - {"charge", "peak", "demand"} <= set(kind.before) & set(kind.after), kind.name
            assert kind.when or kind.begins or kind.writes or kind.name in commanded, kind.name
            used = {kind.delay, kind.release} | {term.limit for part in kind.when + kind.until for term in part}
            assert used - {""} <= set(meter.events.limits), kind.name
    assert "under_voltage_b" not in meter.events.kinds
    with pytest.raises(LocalProtocolError):
        meter.events.count("under_voltage_b")


def test_a_cover_that_is_opened_and_closed() -> None:
    """Protects tamper records: seen at once, also at a standing clock, with registers before and after."""
    meter = fresh()
    case(meter, cover_open=True)
    assert meter.events.active("cover_open")
    assert meter.events.record("cover_open").end is None
    meter.clock.step(3600)
    case(meter, cover_open=False)
    record = meter.events.record("cover_open")
    assert (record.start, record.end) == (at(meter, 0), at(meter, 3600))
    grown = record.after["active_energy_import"] - record.before["active_energy_import"]
    assert abs(grown - 3) < Fraction(1, 10**6)
    assert meter.events.total("cover_open") == 3600
    case(meter, cover_open=True)
    case(meter, cover_open=False)
    assert meter.events.count("cover_open") == 2
    assert meter.reports.waiting(["cover_open"]) == {"cover_open": 2}


def test_a_cover_is_watched_without_power_and_voltages_are_not() -> None:
    """Protects outages: they end what only a fed meter measures, and not what a battery watches."""
    meter = fresh()
    meter.override_phase("a", PhaseOverride(voltage=150.0))
    meter.clock.step(100)
    assert meter.events.active("under_voltage_a")
    meter.powered = False
    meter.clock.step(500)
    case(meter, cover_open=True)
    meter.clock.step(500)
    assert meter.events.record("under_voltage_a").end == at(meter, 100)
    assert meter.events.record("cover_open").start == at(meter, 600)
    assert meter.events.going_on() == {"power_loss", "cover_open"}
    meter.powered = True
    meter.clock.step(59)
    assert not meter.events.active("under_voltage_a")
    meter.clock.step(1)
    assert meter.events.record("under_voltage_a").start == at(meter, 1160)
    record = meter.events.record("power_loss")
    assert (record.start, record.end) == (at(meter, 100), at(meter, 1100))


def test_losing_every_phase_is_losing_power_unless_an_auxiliary_supply_feeds_the_meter() -> None:
    """Protects the supply: three lost phases are an outage; with another supply they are three lost phases."""
    meter = fresh()
    for phase in "abc":
        meter.cut_phase(phase)
    assert not meter.powered
    meter.restore_phase("b")
    assert meter.powered
    assert meter.power_losses == meter.events.count("power_loss") == 1
    case(meter, auxiliary_supply=True)
    meter.cut_phase("b")
    assert meter.powered
    assert "supply_auxiliary" in meter.status.bits()
    meter.clock.step(60)
    assert {"phase_failure_a", "phase_failure_b", "phase_failure_c"} <= meter.events.going_on()
    case(meter, auxiliary_supply=False)
    assert not meter.powered
    assert "auxiliary_loss" not in meter.events.going_on()
    meter.restore_phase("a")
    assert "auxiliary_loss" in meter.events.going_on()


def test_a_magnet_must_stay_and_go_for_its_delay() -> None:
    """Protects the magnetic record from contact bounce: five seconds each way."""
    meter = fresh()
    for _ in range(4):
        case(meter, magnetic_field=True)
        meter.clock.step(4)
        case(meter, magnetic_field=False)
        meter.clock.step(1)
    assert meter.events.count("magnetic_field") == 0
    case(meter, magnetic_field=True)
    meter.clock.step(100)
    case(meter, magnetic_field=False)
    meter.clock.step(4)
    case(meter, magnetic_field=True)
    meter.clock.step(1)
    case(meter, magnetic_field=False)
    meter.clock.step(10)
    record = meter.events.record("magnetic_field")
    assert meter.events.count("magnetic_field") == 1
    assert (record.start, record.end) == (at(meter, 25), at(meter, 130))


def test_the_order_of_the_phases() -> None:
    """Protects the sequence events: exchanged voltages and currents, each by itself."""
    meter = fresh()
    meter.exchange_phases(voltage=True)
    meter.clock.step(60)
    assert meter.events.going_on() == {"voltage_reverse_sequence"}
    assert 235 < meter.read("voltage_angle_b") < 245
    meter.exchange_phases(voltage=False, current=True)
    meter.clock.step(60)
    assert meter.events.going_on() == {"current_reverse_sequence"}


def test_a_setting_of_the_clock() -> None:
    """Protects the record of settings, and durations and delays across them; a broadcast leaves none."""
    meter = fresh()
    meter.override_phase("a", PhaseOverride(voltage=150.0))
    case(meter, cover_open=True)
    meter.clock.step(30)
    meter.set_clock(START + dt.timedelta(days=3))
    record = meter.events.record("clock_set")
    assert record.before["date_time"] == at(meter, 30)
    assert record.after["time"] == at(meter, 3 * 86_400)
    meter.set_clock(START, recorded=False)
    meter.clock.step(30)
    assert meter.events.count("clock_set") == 1
    assert meter.events.record("under_voltage_a").start == at(meter, 30)
    case(meter, cover_open=False)
    assert meter.events.total("cover_open") == 60


def test_writings_of_a_session_are_one_record() -> None:
    """Protects programming records: who, what, ten items each; nothing that is written goes without."""
    meter = fresh()
    for number in range(12):
        meter.parameters.set("display_seconds", 5 + number, Author("12345678", f"0400030{number:X}"))
    last, first = meter.events.records("programming")
    assert first.before["items"] == tuple(f"0400030{number:X}" for number in range(10))
    assert last.before["items"] == ("0400030A", "0400030B")
    assert {first.source, last.source} == {"12345678"}
    meter.parameters.set("display_seconds", 6, Author("00000001", "04000302"))
    assert meter.events.record("programming").source == "00000001"
    meter.clock.step(300)
    meter.parameters.set("display_seconds", 7, Author("00000001", "04000302"))
    assert meter.events.count("programming") == 4
    meter.parameters.set("display_seconds", 8)
    assert meter.events.record("programming").before["items"] == ("display_seconds",)


def test_tables_keep_what_they_were() -> None:
    """Protects records of tables: all old tables of the kind, not the new one."""
    meter = fresh()
    old = {name: meter.parameters[name] for name in (f"day_schedule_{a}_{b}" for a in (1, 2) for b in range(1, 9))}
    meter.parameters.set("day_schedule_1_1", ((0, 1), (720, 2)), SOMEBODY)
    record = meter.events.record("day_schedule_programming")
    assert {name: record.before[name] for name in old} == old
    assert record.source == SOMEBODY.operator


def test_clearing_events_leaves_its_own_record_and_the_meters() -> None:
    """Protects evidence: neither a clearing of events nor one of the meter hides that there was one."""
    meter = fresh()
    meter.clear()
    meter.clear_demand()
    case(meter, cover_open=True)
    meter.override_phase("a", PhaseOverride(voltage=150.0))
    meter.clock.step(70)
    meter.events.clear(source="12345678", item="FFFFFFFF")
    counts = {name: meter.events.count(name) for name in meter.events.kinds if meter.events.count(name)}
    assert counts == {"event_clear": 1, "meter_clear": 1, "cover_open": 1}  # it is still open
    record = meter.events.record("event_clear")
    assert (record.source, record.before["items"]) == ("12345678", ("FFFFFFFF",))
    meter.clock.step(60)
    assert meter.events.count("under_voltage_a") == 1  # and the voltage is still low
    meter.events.clear(["under_voltage_a"], source="12345678", item="0302FFFF")
    assert meter.events.count("event_clear") == 2
    assert meter.events.count("cover_open") == 1
    meter.clear()
    assert meter.events.count("meter_clear") == 2
    assert meter.events.count("event_clear") == 0


def test_the_clearing_of_the_meter_keeps_its_registers() -> None:
    """Protects evidence: what was registered before the clearing is in its record."""
    meter = fresh()
    meter.clock.step(3600)
    before = meter.read("active_energy_import")
    meter.clear()
    assert meter.read("active_energy_import") == 0
    assert meter.events.record("meter_clear").before["active_energy_import"] == before


def test_status_bits() -> None:
    """Protects the names that status words are made of."""
    meter = fresh()
    assert meter.status.bits() == set()
    meter.turn_current("b", turned=True)
    meter.access.programming = True
    case(meter, clock_battery=2.5)
    meter.relay.warn(on=True)
    assert meter.status.bits() == {
        "active_reverse_b",
        "reactive_reverse_b",
        "programming_permitted",
        "clock_battery_low",
        "pre_trip_alarm",
    }
    assert meter.read("clock_battery_voltage") == Fraction("2.5")
    meter.relay.trip()
    assert {"relay_open", "relay_commanded_open"} <= meter.status.bits()
    assert meter.events.count("relay_trip") == 1
    meter.clock.step(120)
    assert not {name for name in meter.events.going_on() if name.startswith("current_cut")}


def test_a_meter_without_power_is_read_after_its_button() -> None:
    """Protects reading in an outage: for a minute, by a good battery, and nothing else is done."""
    meter = fresh()
    assert meter.status.functions() == EVERYTHING
    assert not meter.status.wake()
    meter.powered = False
    assert meter.status.functions() == frozenset()
    assert meter.status.wake()
    assert meter.status.functions() == READING
    meter.clock.step(60)
    assert meter.status.awake
    meter.clock.step(1)
    assert not meter.status.awake
    case(meter, outage_battery=1.0)
    meter.powered = True
    meter.clock.step(1)
    assert "outage_battery_low" in meter.status.bits()
    meter.powered = False
    assert not meter.status.wake()
