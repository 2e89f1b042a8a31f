"""Which rate is in force in each minute of the meter's local time.

A public holiday has its own day schedule; else a day that is no working day has that of the weekend; else the day
schedule of its season holds. A season lasts from its day of the year to that of the next, and the last one over New
Year. Before the first slot of a day the rate of its last slot holds (recalled; tables as they are used start at 00:00).
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

DAY: Final = 1440
_EPOCH: Final = dt.date(1970, 1, 1).toordinal()
_KEPT: Final = 1000

DaySlots: TypeAlias = tuple[tuple[int, int], ...]
"""(minute of the day, rate) of each slot."""
SeasonRows: TypeAlias = tuple[tuple[int, int, int], ...]
"""(month, day, day schedule) of each season."""


class TariffTables(msgspec.Struct, frozen=True):
    """All tables of a tariff, both sets of those that have two.

    Attributes:
        rates: a slot of a rate beyond these counts under the last of them.
        seasons: by set.
        days: slots by number of the day schedule, by set.
        working_days: bit 0 Sunday to bit 6 Saturday.
        weekend: day schedule of the days that are no working days; 0 is none.
        holidays: day schedule by date.
    """

    rates: int
    seasons: tuple[SeasonRows, SeasonRows]
    days: tuple[Mapping[int, DaySlots], Mapping[int, DaySlots]]
    working_days: int = 0x7F
    weekend: int = 0
    holidays: Mapping[dt.date, int] = {}


class TariffPlan:
    """The tables of a tariff, with the sets that are in force.

    Args:
        tables: both sets.
        season_set: 0 or 1; which seasons are in force.
        day_set: 0 or 1; which day schedules.
    """

    def __init__(self, tables: TariffTables, season_set: int = 0, day_set: int = 0) -> None:
        self.tables = tables
        self._seasons = tuple(sorted(tables.seasons[season_set]))
        self._season_starts = [season[:2] for season in self._seasons]
        self._schedules = {number: _DayPlan(slots, tables.rates) for number, slots in tables.days[day_set].items()}
        self._always = _DayPlan((), tables.rates)
        self._days: dict[int, _DayPlan] = {}

    def schedule_of(self, date: dt.date) -> int:
        """The number of the day schedule that holds on a date."""
        tables = self.tables
        if date in tables.holidays:
            return tables.holidays[date]
        if tables.weekend and not tables.working_days >> date.isoweekday() % 7 & 1:
            return tables.weekend
        if not self._seasons:
            return 1
        return self._seasons[bisect_right(self._season_starts, (date.month, date.day)) - 1][2]

    def rate_at(self, minute: int) -> int:
        """The rate in force in that minute since 1970 local."""
        day, inside = divmod(minute, DAY)
        return self._day(day).rates[inside]

    def next_switch(self, minute: int) -> int:
        """The first minute after this one at which a slot or a day starts, whatever its rate."""
        day, inside = divmod(minute, DAY)
        starts = self._day(day).starts
        at = bisect_right(starts, inside)
        return day * DAY + (starts[at] if at < len(starts) else DAY)

    def since(self, minute: int) -> int:
        """The minute since which the rate in force has been in force, at most a day back."""
        rate, first = self.rate_at(minute), minute
        while first > minute - DAY and self.rate_at(first - 1) == rate:
            first -= 1
        return first

    def _day(self, day: int) -> _DayPlan:
        found = self._days.get(day)
        if found is None:
            if len(self._days) >= _KEPT:
                self._days.clear()
            number = self.schedule_of(dt.date.fromordinal(_EPOCH + day))
            found = self._days[day] = self._schedules.get(number, self._always)
        return found


class _DayPlan:
    """A day schedule as the rate of each minute; without slots the first rate holds all day."""

    def __init__(self, slots: DaySlots, rates: int) -> None:
        ordered = sorted(dict(slots).items())
        self.starts = [start for start, _ in ordered]
        self.rates = bytearray([min(ordered[-1][1], rates) if ordered else 1]) * DAY
        for start, rate in ordered:
            self.rates[start:] = bytes([min(rate, rates)]) * (DAY - start)
