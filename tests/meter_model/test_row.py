"""Rows: what is stored of a moment is what was read at it, however its values look and whatever came before it."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.meter_model import Demand, Meter, VirtualClock
from meterwire.meter_model.plain import plain
from meterwire.meter_model.row import Row

ZONE = dt.timezone(dt.timedelta(hours=8))
NAMES = ("active_energy_import", "voltage_a", "demand_active_import_max", "date_time")
ordinary = st.builds(Fraction, st.integers(-(10**15), 10**15), st.sampled_from([1, 2, 1000, 1_000_000, 1200 << 32]))
huge = st.builds(Fraction, st.integers(-(1 << 70), 1 << 70), st.integers(1, 1 << 70))
fractions = ordinary | st.fractions() | huge
zones = st.sampled_from([ZONE, dt.UTC, dt.timezone(dt.timedelta(hours=8))])
times = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2099, 1, 1), timezones=zones)
minutes = times.map(lambda time: time.replace(second=0, microsecond=0))
demands = st.builds(Demand, fractions, st.none() | times | minutes)
values = st.none() | fractions | demands | times | times.map(dt.datetime.date) | times.map(dt.datetime.time) | st.text()


def stored(second: int, row: list[object]) -> list[object]:
    return [second, list(NAMES), [plain(value) for value in row]]


@given(st.lists(st.tuples(st.integers(-(1 << 40), 1 << 40), st.tuples(*[values] * len(NAMES))), max_size=6))
def test_every_value_comes_back(rows: list[tuple[int, tuple[object, ...]]]) -> None:
    """Rows of the same columns share a layout that grows with them; none of them is changed by those that follow."""
    made = [Row.of(stored(second, list(row)), ZONE) for second, row in rows]
    for row, (second, wanted) in zip(made, rows, strict=True):
        assert row.second == second
        assert row.values == {name: value for name, value in zip(NAMES, wanted, strict=True) if value is not None}
        assert row.state() == stored(second, list(wanted))


@pytest.mark.parametrize("state", [[0, ["voltage_a"], []], [1 << 63, [], []], [0, ["voltage_a"], [["fraction", "1"]]]])
def test_what_is_no_row_is_refused(state: list[object]) -> None:
    """Protects the start from a damaged state: only the errors that a restore knows."""
    with pytest.raises(ValueError, match="stored"):
        Row.of(state, ZONE)


def test_what_depends_on_the_living_meter_is_that_of_the_moment() -> None:
    """Protects trust in a number: temperature, hours on battery and name plate of a row do not follow the meter."""
    names = ["internal_temperature", "battery_running_time", "meter_number", "rate_count", "voltage_a"]

    def made() -> Meter:
        meter = Meter("three-phase", clock=VirtualClock(dt.datetime(2026, 1, 1), frozen=True))
        meter.freezes.choose("hourly", names)
        return meter

    ran, stopped = made(), made()
    ran.clock.step(3600)
    stopped.clock.step(3600)
    wanted = {name: stopped.read(name) for name in names}
    ran.advance()
    ran.parameters.set("rate_count", 2)
    ran.powered = False
    ran.clock.step(86_400)
    ran.powered = True
    ran.clock.step(7200)
    assert next(row for row in ran.freezes.rows("hourly") if row.second == stopped.second).values == wanted
