"""The rate of any minute against a plain reading of the tables, and how a running meter changes over."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.meter_model import Constant, Meter, VirtualClock
from meterwire.meter_model.clock import local_time
from meterwire.meter_model.columns import column
from meterwire.meter_model.profiles import Profile, profile_table
from meterwire.meter_model.tariff import TariffSchedule
from meterwire.meter_model.tariff_plan import TariffPlan, TariffTables

NOON = dt.datetime(2026, 5, 4, 12)  # a Monday
minutes = st.integers(29_000_000, 30_000_000)
slots = st.dictionaries(st.integers(0, 1439), st.integers(1, 63), min_size=1, max_size=14)
schedules = st.dictionaries(st.integers(1, 8), slots.map(lambda one: tuple(one.items())), min_size=1)
days_of_year = st.dates(dt.date(2024, 1, 1), dt.date(2024, 12, 31)).map(lambda date: (date.month, date.day))
seasons = st.dictionaries(days_of_year, st.integers(1, 8), max_size=14).map(
    lambda one: tuple((*day, number) for day, number in one.items())
)


@st.composite
def tables(draw: st.DrawFn) -> TariffTables:
    holidays = st.dictionaries(st.dates(dt.date(2025, 1, 1), dt.date(2027, 12, 31)), st.integers(1, 8), max_size=20)
    return TariffTables(
        draw(st.integers(1, 63)),
        (draw(seasons), draw(seasons)),
        (draw(schedules), draw(schedules)),
        draw(st.integers(0, 127)),
        draw(st.integers(0, 8)),
        draw(holidays),
    )


def plain_rate(tables: TariffTables, season_set: int, day_set: int, time: dt.datetime) -> int:
    """The rules in the order in which people tell them."""
    number = tables.holidays.get(time.date())
    sunday_first = (time.weekday() + 1) % 7
    if number is None and tables.weekend and not tables.working_days & 1 << sunday_first:
        number = tables.weekend
    if number is None:
        ordered = sorted(tables.seasons[season_set])
        begun = [day for month, first, day in ordered if (month, first) <= (time.month, time.day)]
        number = (begun or [day for _, _, day in ordered] or [1])[-1]
    slots = sorted(tables.days[day_set].get(number, ()))
    begun = [rate for start, rate in slots if start <= time.hour * 60 + time.minute]
    return min((begun or [rate for _, rate in slots] or [1])[-1], tables.rates)


@given(tables(), st.integers(0, 1), st.integers(0, 1), minutes)
def test_the_rate_of_any_minute(tables: TariffTables, season_set: int, day_set: int, minute: int) -> None:
    """Holidays before weekends before seasons; and no rate begins between two switches."""
    plan = TariffPlan(tables, season_set, day_set)
    switch = plan.next_switch(minute)
    assert minute < switch <= minute + 1440
    for at in {minute, switch - 1, switch}:
        assert plan.rate_at(at) == plain_rate(tables, season_set, day_set, local_time(at * 60))
    assert {plan.rate_at(at) for at in range(minute, switch)} == {plan.rate_at(minute)}


def meter(start: dt.datetime = NOON, **tariff: object) -> Meter:
    table = profile_table("three-phase")
    table["tariff"] = {"rates": 4, "slots": [{"start": "00:00", "rate": 4}]} | tariff
    made = Meter(msgspec.convert(table, Profile), clock=VirtualClock(start, frozen=True))
    made.clear()
    made.set_load(Constant((9000, 0, 0), 0, 230))
    return made


def step(meter: Meter, **duration: int) -> None:
    meter.clock.step(dt.timedelta(**duration).total_seconds())
    meter.advance()


def rate_energies(meter: Meter) -> list[Fraction]:
    return [meter.read(column(f"active_energy_import_rate_{rate}")) for rate in range(1, meter.rate_count + 1)]


def test_sets_change_over_and_back() -> None:
    """Once for each moment that is written, at the minute; the other set can be written while it is not in force."""
    changing = meter()
    changing.parameters.set("day_schedule_2_1", ((0, 1),))
    changing.parameters.set("schedule_switch_time", NOON + dt.timedelta(hours=2))
    step(changing, hours=5)
    assert rate_energies(changing) == [27, 0, 0, 18]
    assert changing.tariff.sets["schedule"] == 1
    changing.parameters.set("day_schedule_1_1", ((0, 2),))
    changing.parameters.set("schedule_switch_time", NOON + dt.timedelta(hours=6))
    step(changing, hours=3)
    assert rate_energies(changing) == [36, 18, 0, 18]
    assert [row.time.hour for row in changing.freezes.rows("schedule_switch")] == [14, 18]


def test_a_switch_over_happens_in_the_dark_and_when_the_clock_passes_it() -> None:
    """A moment that is skipped by setting the clock, or written when it has passed, counts at once."""
    dark = meter(second={"days": {"1": [{"start": "00:00", "rate": 3}]}}, day_switch=NOON + dt.timedelta(hours=1))
    dark.powered = False
    step(dark, hours=2)
    dark.powered = True
    assert dark.tariff.sets["schedule"] == 1
    step(dark, hours=1)
    assert rate_energies(dark) == [0, 0, 9, 0]
    late = meter(days={"2": [{"start": "00:00", "rate": 1}]}, second={"seasons": [{"start": "01-01", "day": 2}]})
    late.parameters.set("season_switch_time", NOON - dt.timedelta(days=1))
    step(late, hours=1)
    assert (late.tariff.sets["season"], rate_energies(late)) == (1, [9, 0, 0, 0])
    jumped = meter()
    jumped.parameters.set("price_switch_time", NOON + dt.timedelta(days=3))
    jumped.clock.jump(NOON + dt.timedelta(days=4))
    step(jumped, minutes=1)
    assert jumped.tariff.sets["price"] == 1
    old = meter(day_switch=NOON - dt.timedelta(days=1))
    step(old, hours=1)
    assert old.tariff.sets["schedule"] == 0, "a moment before the meter was first met has been used up"


def test_tables_that_are_written_hold_from_the_next_second() -> None:
    """Holidays and weekends too; unused entries are not."""
    written = meter()
    written.parameters.set("holiday_1", (NOON.date(), 8))
    written.parameters.set("day_schedule_1_8", ((0, 1),))
    step(written, hours=1)
    assert rate_energies(written) == [0, 0, 0, 9]
    written.parameters.set("holiday_count", Decimal(1))
    step(written, hours=1)
    assert rate_energies(written) == [9, 0, 0, 9]
    written.parameters.set("holiday_count", Decimal(0))
    written.parameters.set("day_schedule_1_5", ((0, 2),))
    written.parameters.set("weekend_schedule", Decimal(5))
    written.parameters.set("working_days", 0b1111101)
    step(written, hours=1)
    assert rate_energies(written) == [9, 9, 0, 9]


def test_sixty_three_rates() -> None:
    """More rates get registers and maxima of their own; fewer hide theirs and lose nothing."""
    many = meter()
    step(many, hours=1)
    many.parameters.set("rate_count", Decimal(63))
    many.parameters.set("day_schedule_1_1", ((0, 63),))
    step(many, hours=1)
    found = rate_energies(many)
    assert (len(found), found[3], found[62], sum(found)) == (63, 9, 9, 18)
    assert many.read(column("demand_active_import_max_rate_63")).value == 9
    assert many.read("active_energy_import") == 18
    many.parameters.set("rate_count", Decimal(2))
    step(many, hours=1)
    assert rate_energies(many) == [0, 9]
    with pytest.raises(LookupError):
        many.read(column("active_energy_import_rate_3"))
    assert many.read("active_energy_import") == 27


def test_up_to_three_settlement_days_and_none() -> None:
    """As they are written."""
    billed = meter()
    before = billed.settlement(1).minute if billed._ledger.settlements else None
    assert before is None
    billed.parameters.set("settlement_day_2", (5, 7))
    billed.parameters.set("settlement_day_3", (5, 9))
    step(billed, days=1)
    times = [local_time(billed.settlement(number).minute * 60) for number in (1, 2)]
    assert [(time.day, time.hour) for time in times] == [(5, 9), (5, 7)]
    for number in (1, 2, 3):
        billed.parameters.set(f"settlement_day_{number}", None)
    step(billed, days=60)
    with pytest.raises(IndexError):
        billed.settlement(3)


def test_other_demand_windows() -> None:
    """A maximum that is there keeps its value; a sliding time that does not divide the window means blocks."""
    measured = meter()
    step(measured, hours=1)
    maximum = measured.read("demand_active_import_max")
    assert maximum.value == 9
    measured.parameters.set("demand_period", Decimal(30))
    measured.parameters.set("demand_sliding_time", Decimal(7))
    assert measured.demand.settings.slide == 30
    assert measured.read("demand_active_import_max") == maximum
    measured.set_load(Constant((9900, 0, 0), 0, 230))
    step(measured, minutes=29)
    assert measured.read("demand_active_import_max") == maximum
    step(measured, minutes=32)
    highest = measured.read("demand_active_import_max")
    assert (highest.value, highest.time.minute % 30) == (Fraction(99, 10), 0)
    assert measured.read("demand_active_import") == Fraction(99, 10)


@pytest.mark.parametrize(
    "fault",
    [
        {"slots": []},
        {"rates": 3},
        {"days": {"9": [{"start": "00:00", "rate": 1}]}},
        {"seasons": [{"start": "02-30", "day": 1}]},
        {"seasons": [{"start": "01-01", "day": 9}]},
        {"seasons": [{"start": f"01-{day:02}", "day": 1} for day in range(1, 16)]},
        {"weekend": {"days": ["holiday"], "day": 1}},
        {"holidays": [{"date": "2026-02-30", "day": 1}]},
        {"second": {"days": {"1": [{"start": "00:00", "rate": 5}]}}},
        {"day_switch": "tomorrow"},
    ],
)
def test_tariffs_that_cannot_be(fault: dict[str, object]) -> None:
    """Refused where they are written down."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"rates": 4, "slots": [{"start": "00:00", "rate": 4}]} | fault, TariffSchedule)


def test_a_switch_over_is_in_local_time() -> None:
    """A zone would say something else than the meter's clock shows."""
    with pytest.raises(msgspec.ValidationError, match="local time"):
        meter(day_switch="2026-05-05T00:00:00Z")
