"""When tasks are due, by examples and by properties."""

import datetime as dt

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.meter_model.concentrator import schedule
from meterwire.protocols.dlt69845.acquisition import Clocks, Periods, TaskState, task
from meterwire.protocols.dlt69845.dates import Interval, IntervalUnit
from meterwire.protocols.dlt69845.selecting import every

START = dt.datetime(2026, 1, 31, 0, 0)


@pytest.mark.parametrize(
    ("interval", "now", "due"),
    [
        (every(15), dt.datetime(2026, 1, 31, 0, 14, 59), dt.datetime(2026, 1, 31, 0, 0)),
        (every(15), dt.datetime(2026, 1, 31, 0, 15), dt.datetime(2026, 1, 31, 0, 15)),
        (every(1, "day"), dt.datetime(2026, 2, 3, 12), dt.datetime(2026, 2, 3)),
        (every(1, "month"), dt.datetime(2026, 2, 28, 12), dt.datetime(2026, 1, 31)),
        (every(1, "month"), dt.datetime(2026, 3, 31, 12), dt.datetime(2026, 3, 31)),
        (every(1, "year"), dt.datetime(2028, 1, 1), dt.datetime(2027, 1, 31)),
        (every(15), dt.datetime(2026, 1, 30), None),
        (every(0), dt.datetime(2026, 2, 1), None),
        (Interval(99, 1), dt.datetime(2026, 2, 1), None),
    ],
)
def test_the_last_run(interval, now, due):
    """Protects the moments of runs: counted from the start, months by their day, nothing without an interval."""
    assert schedule.last_due(task(1, 1, interval, START), now) == due


def test_delay_end_and_state():
    """Protects tasks that are late on purpose, over, or stopped."""
    one = task(1, 1, every(1, "hour"), START, delay=every(10))
    assert schedule.last_due(one, START + dt.timedelta(minutes=9)) is None
    assert schedule.last_due(one, START + dt.timedelta(minutes=10)) == START
    stopped = msgspec.structs.replace(one, state=TaskState.STOPPED)
    assert schedule.last_due(stopped, START + dt.timedelta(hours=3)) is None
    over = msgspec.structs.replace(one, end=msgspec.structs.replace(one.end, year=2026, month=1, day=31, hour=2))
    assert schedule.last_due(over, START + dt.timedelta(days=3)) == START + dt.timedelta(hours=2)


@pytest.mark.parametrize(
    ("bounds", "at_begin", "at_end"), [(0, True, False), (1, False, True), (2, True, True), (3, False, False)]
)
def test_times_of_the_day(bounds, at_begin, at_end):
    """Protects which ends belong to the times of the day."""
    periods = Periods(bounds, (Clocks(8, 0, 12, 0),))
    assert schedule.within(periods, dt.datetime(2026, 1, 1, 8)) is at_begin
    assert schedule.within(periods, dt.datetime(2026, 1, 1, 12)) is at_end
    assert schedule.within(periods, dt.datetime(2026, 1, 1, 9))
    assert not schedule.within(periods, dt.datetime(2026, 1, 1, 13))
    assert schedule.within(Periods(bounds, ()), dt.datetime(2026, 1, 1, 3))


times = st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2030, 1, 1)).map(lambda one: one.replace(microsecond=0))
intervals = st.builds(Interval, st.sampled_from(list(IntervalUnit)), st.integers(1, 500))


@given(interval=intervals, origin=times, moment=times)
def test_the_floor_is_the_last_one(interval, origin, moment):
    """Protects the arithmetic of intervals: the floor is not behind the moment, and the next one is."""
    found = schedule.floor(interval, moment, origin)
    if moment < origin:
        assert found is None
    elif interval.unit <= IntervalUnit.DAY:
        length = schedule.lasting(interval)
        assert origin <= found <= moment < found + length
        assert (found - origin) % length == dt.timedelta()
    elif found is not None:
        assert origin <= found <= moment
        assert (found.day, found.time()) == (origin.day, origin.time())


@given(interval=st.builds(Interval, st.sampled_from([1, 2, 3]), st.integers(1, 60)), end=times, most=st.integers(1, 50))
def test_moments_are_ordered_and_few(interval, end, most):
    """Protects concentrators from asking for ever: no more moments than wanted, in order, up to the end."""
    found = schedule.moments(interval, end - dt.timedelta(days=20), end, most)
    assert len(found) <= most
    assert found == sorted(set(found))
    assert all(end - dt.timedelta(days=20) <= moment <= end for moment in found)
