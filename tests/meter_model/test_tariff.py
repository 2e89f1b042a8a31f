"""Tariff times and settlement days against a plain reading of the calendar."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.meter_model.clock import local_seconds, local_time
from meterwire.meter_model.profiles import load_profile
from meterwire.meter_model.tariff import SettlementDay, Slot, TariffSchedule, plan_of

minutes = st.integers(15_778_080, 68_000_000)


def at(iso: str) -> dt.datetime:
    return dt.datetime.fromisoformat(iso)


def test_the_default_rates_of_every_hour() -> None:
    """1 sharp 17-19; 2 peak 08-11 and 19-22; 3 flat 11-17 and 22-24; 4 valley 00-08."""
    plan = plan_of(load_profile("three-phase").tariff)
    by_hour = [4] * 8 + [2] * 3 + [3] * 6 + [1] * 2 + [2] * 3 + [3] * 2
    for minute in range(3 * 1440):
        assert plan.rate_at(minute) == by_hour[minute % 1440 // 60]


schedules = st.lists(st.integers(0, 1439), min_size=1, max_size=14, unique=True).flatmap(
    lambda starts: st.tuples(
        *[st.builds(Slot, st.just(f"{at // 60:02}:{at % 60:02}"), st.integers(1, 4)) for at in sorted(starts)]
    )
)


@given(schedules, minutes)
def test_switches_and_beginnings_agree_with_the_rate_of_each_minute(slots: tuple[Slot, ...], minute: int) -> None:
    """No switch is missed, whatever the schedule: the registers are cut at `next_switch`."""
    plan = plan_of(TariffSchedule(4, slots))
    switch = plan.next_switch(minute)
    assert minute < switch <= minute + 1440
    assert {plan.rate_at(at) for at in range(minute, switch)} == {plan.rate_at(minute)}
    since = plan.since(minute)
    assert {plan.rate_at(at) for at in range(since, minute + 1)} == {plan.rate_at(minute)}
    assert since == minute - 1440 or plan.rate_at(since - 1) != plan.rate_at(minute)


@given(st.integers(1, 28), st.integers(0, 23), minutes)
def test_settlements_before_and_after_a_minute(day: int, hour: int, minute: int) -> None:
    """The next and the last billing moment are strictly later and earlier, and none lies between."""
    settlement = SettlementDay(day, hour)
    after, before = settlement.after(minute), settlement.before(minute)
    assert before < minute < after
    for found in (before, after):
        moment = local_time(found * 60)
        assert (moment.day, moment.hour, moment.minute) == (day, hour, 0)
    between = [
        local_seconds(at(f"{year}-{month:02}-{day:02}T{hour:02}:00")) // 60
        for year in range(local_time(minute * 60).year - 1, local_time(minute * 60).year + 2)
        for month in range(1, 13)
    ]
    assert [at for at in between if before < at < after] in ([], [minute])


@pytest.mark.parametrize(
    ("rates", "slots"),
    [
        (4, []),
        (1, [("00:00", 2)]),
        (4, [("08:00", 1), ("08:00", 2)]),
        (4, [("09:00", 1), ("08:00", 2)]),
        (64, [("00:00", 1)]),
        (4, [("24:00", 1)]),
        (4, [("8:00", 1)]),
        (4, [("00:00", 0)]),
    ],
)
def test_impossible_schedules_are_refused(rates: int, slots: list[tuple[str, int]]) -> None:
    """A schedule that a meter could not follow is a ValueError, where a device file can blame it."""
    with pytest.raises(ValueError):
        TariffSchedule(rates, tuple(Slot(*slot) for slot in slots))
