"""When a task is due: from its start on, every so often, within its times of the day, later by its delay (6013).

Times are the concentrator's local time without a zone. Intervals of seconds to days are counted from the start; months
and years keep its day and time. A task is late by at most one interval: what was missed meanwhile is not made up for,
it is the gap that a later run fills.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final

from meterwire.protocols.dlt69845.acquisition import Periods, Task, TaskState
from meterwire.protocols.dlt69845.dates import DateTimeS, Interval, IntervalUnit
from meterwire.protocols.dlt69845.selection import Bounds

_SECONDS: Final = {
    IntervalUnit.SECOND: 1,
    IntervalUnit.MINUTE: 60,
    IntervalUnit.HOUR: 3600,
    IntervalUnit.DAY: 86_400,
}
_MONTHS: Final = {IntervalUnit.MONTH: 1, IntervalUnit.YEAR: 12}
_ZERO: Final = dt.timedelta(0)
_EPOCH: Final = dt.datetime(2000, 1, 1)  # noqa: DTZ001  the concentrator's own time
_ALWAYS: Final = dt.datetime(2099, 12, 31, 23, 59, 59)  # noqa: DTZ001  see above


def local(time: DateTimeS, otherwise: dt.datetime) -> dt.datetime:
    """A time; another one where it is not specified."""
    return time.datetime() or otherwise


def start_of(task: Task) -> dt.datetime:
    """When it may run first."""
    return local(task.start, _EPOCH)


def last_due(task: Task, now: dt.datetime) -> dt.datetime | None:
    """The last moment until now at which a task was to run, its delay left aside; None where there is none."""
    start, end = start_of(task), local(task.end, _ALWAYS)
    if task.state != TaskState.NORMAL:
        return None
    moment = floor(task.every, min(now - lasting(task.delay), end), start)
    return None if moment is None or moment < start or not within(task.periods, moment) else moment


def lasting(interval: Interval) -> dt.timedelta:
    """How long an interval is, months of 30 days where it is one of them."""
    unit = IntervalUnit(interval.unit) if interval.unit in _SECONDS or interval.unit in _MONTHS else IntervalUnit.SECOND
    days = 30 * _MONTHS.get(unit, 0)
    return dt.timedelta(days=days * interval.value, seconds=_SECONDS.get(unit, 0) * interval.value)


def floor(interval: Interval, moment: dt.datetime, origin: dt.datetime) -> dt.datetime | None:
    """The last moment, not behind one, that lies a whole number of intervals behind an origin; None for none."""
    if moment < origin or not interval.value or not (interval.unit in _SECONDS or interval.unit in _MONTHS):
        return None
    if interval.unit in _MONTHS:
        return _months_floor(interval.value * _MONTHS[IntervalUnit(interval.unit)], moment, origin)
    length = lasting(interval)
    return origin + (moment - origin) // length * length


def _months_floor(months: int, moment: dt.datetime, origin: dt.datetime) -> dt.datetime | None:
    passed = (moment.year - origin.year) * 12 + moment.month - origin.month
    for count in (passed // months * months, passed // months * months - months):
        found = _month_behind(origin, count)
        if found is not None and origin <= found <= moment:
            return found
    return None


def _month_behind(origin: dt.datetime, months: int) -> dt.datetime | None:
    year, month = divmod(origin.year * 12 + origin.month - 1 + months, 12)
    try:
        return origin.replace(year=year, month=month + 1)
    except ValueError:  # a month without that day has no run
        return None


def moments(interval: Interval, start: dt.datetime, end: dt.datetime, most: int) -> list[dt.datetime]:
    """The last moments from a start to an end, both included, that an interval has counted from midnight."""
    found: list[dt.datetime] = []
    for moment in _backwards(interval, end):
        if moment < start or len(found) == most:
            break
        found.append(moment)
    return found[::-1]


def _backwards(interval: Interval, end: dt.datetime) -> Iterator[dt.datetime]:
    moment = floor(interval, end, _EPOCH)
    while moment is not None:
        yield moment
        moment = floor(interval, moment - dt.timedelta(seconds=1), _EPOCH)


def within(periods: Periods, moment: dt.datetime) -> bool:
    """Whether a moment lies in the times of the day; without any of them always."""
    minute = moment.hour * 60 + moment.minute
    return not periods.clocks or any(
        _covers(periods.bounds, one.from_hour * 60 + one.from_minute, minute, one.to_hour * 60 + one.to_minute)
        for one in periods.clocks
    )


def _covers(bounds: int, begin: int, minute: int, end: int) -> bool:
    above = begin <= minute if bounds in {Bounds.FROM, Bounds.BOTH} else begin < minute
    below = minute <= end if bounds in {Bounds.TO, Bounds.BOTH} else minute < end
    return above and below
