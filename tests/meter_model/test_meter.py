"""The meter as a whole, held against ledgers that are kept in plain fractions."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterwire.errors import LocalProtocolError
from meterwire.meter_model import Constant, Demand, Household, Industrial, Meter, NotServed, VirtualClock
from meterwire.meter_model.circuit import PhaseOverride
from meterwire.meter_model.demand import FLOWS
from meterwire.meter_model.load import Site
from meterwire.quantities import QUANTITIES, Kind

STEP_ERROR = Fraction(1, 2**32) * Fraction(51, 100) / 400
"""kWh: each step of the core is rounded to half a 2**-32 pulse."""
ENERGIES = [row.name for row in QUANTITIES.values() if row.kind == Kind.ENERGY]


def at(iso: str) -> dt.datetime:
    return dt.datetime.fromisoformat(iso)


def clock(text: str = "2026-01-01T00:00:00") -> VirtualClock:
    return VirtualClock(dt.datetime.fromisoformat(text), frozen=True)


def bits(meter: Meter) -> tuple[object, ...]:
    """Everything that is registered, bit for bit."""
    meter.advance()
    ledger = meter._ledger
    demand = ledger.demand
    return (
        ledger.energies.readings().values,
        demand.maxima.value.tobytes(),
        demand.maxima.time.tobytes(),
        demand.present.tobytes(),
        [(one.minute, one.readings.values, one.maxima.value.tobytes()) for one in ledger.settlements],
        ledger.dark_seconds_at(meter._second),
    )


# ---------------------------------------------------------------- what can be read


def test_every_quantity_of_the_table_is_served_and_typed() -> None:
    """Each row of the table has a value of the type that its kind promises, in whatever dialect it is named."""
    meter = Meter()
    kinds = {
        Kind.TEXT: str,
        Kind.DATE: dt.date,
        Kind.TIME: dt.time,
        Kind.DATE_TIME: dt.datetime,
        Kind.MAX_DEMAND: Demand,
    }
    for row in QUANTITIES.values():
        value = meter.read(row)
        assert type(value) is kinds.get(row.kind, Fraction), row.name
        assert meter.read(row.name) is value


def test_a_fresh_meter_looks_like_one_in_use() -> None:
    """No energy, maximum or settlement is zero; rates add up to totals, settlements lie behind."""
    for profile in ("three-phase", "single-phase"):
        meter = Meter(profile, seed=7)
        for row in QUANTITIES.values():
            if row.kind in {Kind.ENERGY, Kind.MAX_DEMAND} and row.phase not in {"b", "c"}:
                value = meter.read(row)
                assert (value.value if isinstance(value, Demand) else value) > 0, row.name
                if isinstance(value, Demand):
                    assert value.time is not None
                    assert value.time < meter.now()
    three = Meter()
    for row in [row for row in QUANTITIES.values() if row.kind == Kind.ENERGY and row.phase == "total"]:
        if f"{row.name}_rate_1" in QUANTITIES:
            assert three.read(row) == sum(three.read(f"{row.name}_rate_{rate}") for rate in range(1, 5))
        if f"{row.name}_settlement_1" in QUANTITIES:
            assert three.read(f"{row.name}_settlement_1") <= three.read(row)


def test_twelve_settlements_and_no_more() -> None:
    """The readings of the last twelve billing days are kept, the older the smaller."""
    from msgspec.structs import replace

    meter = Meter()
    row = QUANTITIES["active_energy_import_settlement_1"]
    history = [meter.read(replace(row, settlement=number)) for number in range(1, 13)]
    assert history == sorted(history, reverse=True)
    assert len(set(history)) == 12
    with pytest.raises(NotServed):
        meter.read(replace(row, settlement=13))


def test_what_a_single_phase_meter_lacks_is_not_served() -> None:
    """Phases b and c are refused, everything else is there."""
    meter = Meter("single-phase")
    for row in QUANTITIES.values():
        if row.phase in {"b", "c"}:
            with pytest.raises(NotServed):
                meter.read(row)
        else:
            meter.read(row)
    with pytest.raises(LocalProtocolError):
        meter.cut_phase("b")
    with pytest.raises(LocalProtocolError):
        meter.read("no_such_quantity")


def test_objects_replace_and_take_away() -> None:
    """A device file's own values win over the model's."""
    objects = {"voltage_a": Decimal("219.3"), "firmware_version": "V109", "frequency": None}
    meter = Meter(objects=objects)
    assert meter.read("voltage_a") == Fraction(2193, 10)
    assert meter.read("firmware_version") == "V109"
    with pytest.raises(NotServed):
        meter.read("frequency")


# ---------------------------------------------------------------- exact ledgers


def test_a_day_of_constant_load_to_the_last_fraction() -> None:
    """3 kW for a day: 6 kWh sharp, 18 peak, 24 flat, 24 valley, and the same in every other register."""
    load = Constant((1000, 1500, 500), (100, 200, 300), 230)
    meter = Meter(clock=clock(), load=load)
    before = {name: meter.read(name) for name in ENERGIES}
    meter.clock.step(86_400)
    for rate, hours in ((1, 2), (2, 6), (3, 8), (4, 8), (0, 24)):
        suffix = f"_rate_{rate}" if rate else ""
        for register, kilowatts in (
            ("active_energy_import", Fraction(3)),
            ("active_energy_combined", Fraction(3)),
            ("reactive_energy_q1", Fraction(6, 10)),
            ("reactive_energy_combined_1", Fraction(6, 10)),
            ("active_energy_export", Fraction(0)),
            ("reactive_energy_combined_2", Fraction(0)),
        ):
            name = register + suffix
            assert abs(meter.read(name) - before[name] - kilowatts * hours) <= hours * 60 * STEP_ERROR
    for phase, kilowatts in (("a", 1), ("b", Fraction(3, 2)), ("c", Fraction(1, 2))):
        name = f"active_energy_import_phase_{phase}"
        assert abs(meter.read(name) - before[name] - 24 * kilowatts) <= 1440 * STEP_ERROR


def oracle(load: Household | Industrial, seed: int, first: int, count: int) -> dict[tuple[str, int], Fraction]:
    """kWh by direction and rate of a load, minute by minute in fractions; default rates and threshold."""
    ledger: dict[tuple[str, int], Fraction] = {
        (way, rate): Fraction(0) for way in ("import", "export") for rate in range(5)
    }
    by_hour = [4] * 8 + [2] * 3 + [3] * 6 + [1] * 2 + [2] * 3 + [3] * 2
    site = Site(seed, 3, 220.0, 50.0)
    for minute in range(first, first + count):
        milliwatts = [int(p) for p in load.rows(site, minute, 1).active[0]]
        total = sum(p for p in milliwatts if abs(p) >= 4400)
        way = "import" if total >= 0 else "export"
        energy = Fraction(abs(total), 60 * 10**6)
        ledger[way, by_hour[minute % 1440 // 60]] += energy
        ledger[way, 0] += energy
    return ledger


@pytest.mark.parametrize("load", [Household(photovoltaic=9000), Industrial()])
def test_a_day_of_a_curve_against_a_ledger_in_fractions(load: Household | Industrial) -> None:
    """Curves with both directions land in the right rates, to the rounding of the core's steps."""
    meter = Meter(clock=clock("2026-03-10T05:00:00"), load=load, seed=5)
    names = {
        (way, rate): f"active_energy_{way}" + (f"_rate_{rate}" if rate else "")
        for way in ("import", "export")
        for rate in range(5)
    }
    before = {key: meter.read(name) for key, name in names.items()}
    expected = oracle(load, 5, meter.clock.seconds() // 60, 1440)
    meter.clock.step(86_400)
    for key, name in names.items():
        assert abs(meter.read(name) - before[key] - expected[key]) <= 1440 * STEP_ERROR
    assert expected["import", 0] > 0
    if isinstance(load, Household):
        assert expected["export", 0] > 0


watts = st.integers(-15_000, 15_000)
loads = st.builds(lambda a, b, c, q: Constant((a, b, c), q), watts, watts, watts, watts)
seconds = st.one_of(st.integers(0, 200), st.integers(0, 90_000))
operations = st.lists(
    st.one_of(
        st.tuples(st.just("step"), seconds),
        st.tuples(st.just("load"), loads),
        st.tuples(st.just("cut"), st.sampled_from("abc")),
        st.tuples(st.just("restore"), st.sampled_from("abc")),
        st.tuples(st.just("power"), st.booleans()),
        st.tuples(st.just("jump"), st.datetimes(at("2025-06-01T00:00"), at("2026-09-01T00:00"))),
    ),
    max_size=12,
)


def act(meter: Meter, operation: str, argument: object) -> None:
    if operation == "step":
        meter.clock.step(argument)
    elif operation == "load":
        meter.set_load(argument)
    elif operation == "cut":
        meter.cut_phase(argument)
    elif operation == "restore":
        meter.restore_phase(argument)
    elif operation == "power":
        meter.powered = argument
    else:
        meter.clock.jump(argument.replace(microsecond=0))


@settings(max_examples=40, deadline=None)
@given(operations)
def test_whatever_is_done_the_energy_is_power_times_time(ops: list[tuple[str, object]]) -> None:
    """Loads, cuts, outages and clock settings at any second: the registers equal the integral in fractions."""
    meter = Meter(clock=clock(), load=Constant(1000, 0))
    before = {way: meter._ledger.energies.reading(f"active_{way}") for way in ("import", "export")}
    joules = {"import": Fraction(0), "export": Fraction(0)}
    load, cut, on, steps = Constant(1000, 0), set(), True, 0
    for operation, argument in ops:
        act(meter, operation, argument)
        if operation == "load":
            load = argument
        elif operation == "cut":
            cut.add(argument)
        elif operation == "restore":
            cut.discard(argument)
        elif operation == "power":
            on = argument
        elif operation == "step" and on:
            steps += argument // 60 + 2
            parts = load.active if isinstance(load.active, tuple) else (load.active,) * 3
            total = sum(p for p, phase in zip(parts, "abc", strict=True) if phase not in cut and abs(p) >= 4.4)
            joules["import" if total >= 0 else "export"] += abs(Fraction(total)) * argument
        meter.advance()
        for way, energy in joules.items():
            counted = meter.energies.reading(f"active_{way}") - before[way]
            assert abs(counted - energy / 3_600_000) <= (steps + len(ops)) * STEP_ERROR


@settings(max_examples=25, deadline=None)
@given(operations, st.integers(0, 3), st.data())
def test_reading_changes_no_bit(ops: list[tuple[str, object]], seed: int, data) -> None:
    """The same history read at any moments, or cut into smaller steps, ends in the same bits."""
    quiet, asked = (Meter(clock=clock(), load=Household(photovoltaic=9000), seed=seed) for _ in range(2))
    for operation, argument in ops:
        act(quiet, operation, argument)
        if operation != "step":
            act(asked, operation, argument)
            continue
        cuts = data.draw(st.lists(st.integers(0, argument), max_size=4))
        for since, until in itertools.pairwise([0, *sorted(cuts), argument]):
            asked.clock.step(until - since)
            asked.read(data.draw(st.sampled_from(ENERGIES)))
            asked.read("demand_active_import_max")
    assert bits(quiet) == bits(asked)
    assert [quiet.read(name) for name in QUANTITIES] == [asked.read(name) for name in QUANTITIES]


def test_the_same_seed_gives_the_same_meter_and_another_seed_another() -> None:
    """A run is replayable from profile, seed and operations."""

    def run(seed: int) -> list[object]:
        meter = Meter(clock=clock(), seed=seed)
        meter.clock.step(100_000)
        return [meter.read(name) for name in QUANTITIES]

    assert run(3) == run(3) != run(4)


def test_frozen_reads_are_equal_and_energy_never_falls_within_a_minute() -> None:
    """Between grid points a reading is worked out for its second: it rises, and repeats when the clock stands."""
    meter = Meter(clock=clock("2026-01-05T09:59:30"))
    last = Fraction(0)
    for _ in range(200):
        now = meter.read("active_energy_import")
        assert now == meter.read("active_energy_import") > last
        last = now
        meter.clock.step(1)


def test_registers_roll_over_at_a_million() -> None:
    """From 999,999.99 kWh on the register starts again, and the sum with A- at 800,000."""
    given_readings = {"active_import": Decimal("999999.99"), "active_export": Decimal(0)}
    meter = Meter(clock=clock(), load=Constant(1000, 0), given=given_readings)
    assert meter.read("active_energy_import") == Fraction("999999.99")
    assert meter.read("active_energy_combined") == Fraction("199999.99")
    meter.clock.step(3600)
    assert abs(meter.read("active_energy_import") - Fraction("2.99")) <= 60 * STEP_ERROR
    assert abs(meter.read("active_energy_combined") - Fraction("200002.99")) <= 60 * STEP_ERROR


# ---------------------------------------------------------------- time


def test_a_settlement_freezes_the_registers_of_its_moment() -> None:
    """At the 1st, 00:00, the readings and maxima of the moment become settlement 1, and maxima begin anew."""
    meter = Meter(clock=clock("2026-01-31T23:00:00"), load=Constant(1000, 100))
    twin = Meter(clock=clock("2026-01-31T23:00:00"), load=Constant(1000, 100))
    twin.clock.step(3600 - 1)
    almost = twin.read("demand_active_import_max")
    meter.clock.step(5 * 3600)
    twin.clock.step(1)
    assert meter.read("active_energy_import_settlement_1") == twin.read("active_energy_import")
    assert meter.read("demand_active_import_max_settlement_1") == almost
    assert meter.read("demand_active_import_max") == Demand(Fraction(3), at("2026-02-01T00:15+08:00"))
    assert twin.read("demand_active_import_max") == Demand(Fraction(0), None)


def test_a_settlement_at_the_very_start_comes_with_the_first_second() -> None:
    """A meter met at a billing moment shows the old period until time moves."""
    meter = Meter(clock=clock("2026-01-01T00:00:00"))
    old = meter.read("active_energy_import_settlement_1")
    meter.clock.step(1)
    assert meter.read("active_energy_import_settlement_1") > old
    assert meter.read("demand_active_import_max").time is None


def test_demand_of_a_step_in_load() -> None:
    """A load of 3 kW that doubles raises the sliding demand by a fifteenth a minute, up to 6 kW."""
    meter = Meter(clock=clock("2026-01-05T12:00:00"), load=Constant(1000, 0))
    meter.clear_demand()
    meter.clock.step(1800)
    meter.set_load(Constant(2000, 0))
    for minute in range(1, 16):
        meter.clock.step(60)
        assert meter.read("demand_active_import") == 3 + Fraction(3 * minute, 15)
    meter.set_load(Constant(100, 0))
    meter.clock.step(3600)
    assert meter.read("demand_active_import_max") == Demand(Fraction(6), at("2026-01-05T12:45+08:00"))
    assert meter.read("demand_active_import_max_rate_3").value == 6
    assert meter.read("average_active_power") == Fraction(3, 10)


def test_setting_the_clock_registers_nothing_and_running_does() -> None:
    """A jump over a month adds no energy; the same month stepped through does."""
    meter = Meter(clock=clock("2026-01-05T12:00:00"), load=Constant(1000, 0))
    before = meter.read("active_energy_import")
    meter.clock.jump(at("2026-02-05T12:00"))
    assert meter.read("active_energy_import") == before
    assert meter.read("date") == dt.date(2026, 2, 5)
    meter.clock.jump(at("2026-01-05T13:00"))
    assert meter.read("active_energy_import") == before
    meter.clock.step(3600)
    assert meter.read("active_energy_import") > before


def test_a_year_takes_seconds() -> None:
    """365 days of settlements and rate switches, in one step; nothing here is timed, the suite would notice."""
    meter = Meter(clock=clock(), load=Constant(1000, 0))
    before = meter.read("active_energy_import")
    meter.clock.step(365 * 86_400)
    expected = 365 * 24 * 3
    assert abs(meter.read("active_energy_import") - before - expected) <= 525_600 * STEP_ERROR
    assert [one.minute for one in meter._ledger.settlements] == sorted(
        (one.minute for one in meter._ledger.settlements), reverse=True
    )


# ---------------------------------------------------------------- interventions


def test_without_power_nothing_is_registered_and_the_clock_goes_on() -> None:
    """An outage costs energy and demand windows, never time."""
    meter = Meter(clock=clock("2026-01-05T12:00:30"), load=Constant(1000, 0))
    meter.powered = False
    before = meter.read("active_energy_import")
    meter.clock.step(7200)
    assert meter.read("active_energy_import") == before
    assert meter.read("date_time").isoformat() == "2026-01-05T14:00:30+08:00"
    assert meter.read("battery_running_time") == 37 + 120
    assert meter.read("voltage_a") == 0
    meter.powered = True
    assert meter.read("voltage_a") == 220
    assert meter.read("demand_active_import") == 0
    meter.clock.step(15 * 60)
    assert meter.read("demand_active_import") < 3
    meter.clock.step(60)
    assert meter.read("demand_active_import") == 3
    assert meter.power_losses == 1


def test_phase_cut_and_override_between_two_reads() -> None:
    """A cut phase stops counting at its second; the total is what the others take."""
    meter = Meter(clock=clock("2026-01-05T12:00:07"), load=Constant(1000, 0))
    meter.cut_phase("b")
    before = {phase: meter.read(f"active_energy_import_phase_{phase}") for phase in "abc"}
    meter.override_phase("c", PhaseOverride(active=4000.0))
    meter.clock.step(900)
    gained = {phase: meter.read(f"active_energy_import_phase_{phase}") - before[phase] for phase in "abc"}
    assert gained["b"] == 0
    assert abs(gained["a"] - Fraction(1, 4)) <= 20 * STEP_ERROR
    assert abs(gained["c"] - 1) <= 20 * STEP_ERROR
    assert meter.read("active_power") == 5
    meter.restore_phase("b")
    assert meter.read("active_power") == 6
    assert [event.name for event in meter.events.last(2)] == ["phase-b-restored", "load-changed"]


@pytest.mark.parametrize("given_readings", [{flow: (Decimal("1.11"), Decimal("2.22")) for flow in FLOWS}])
def test_given_readings_are_taken_as_they_are(given_readings: dict[str, tuple[Decimal, ...]]) -> None:
    """Readings of a device file are exact, missing rates are zero."""
    meter = Meter(given=given_readings)
    assert meter.read("active_energy_import") == Fraction("3.33")
    assert [meter.read(f"active_energy_import_rate_{rate}") for rate in range(1, 5)] == [
        Fraction("1.11"),
        Fraction("2.22"),
        0,
        0,
    ]
    assert sum(meter.read(f"active_energy_import_phase_{phase}") for phase in "abc") == Fraction("3.33")
