"""Zones, day schedules and holidays entry by entry, as the edition of 1997 has them (C321 to C41D).

Which identifier is which entry is read in public programs; the rest is recalled or an own choice. There is one set of
tables: of the two that the meter has, the one in force. Entries beyond the last repeat it; to write one further on
fills the gap with the last. A holiday has no year: its next occurrence is meant.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from meterwire.meter_model.faces.dlt645.answers import denied, no_data
from meterwire.meter_model.faces.dlt645.values import packed, unpacked
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.parameters import Author

_ZONES: Final = 0xC32
_FIRST_SCHEDULE: Final = 0xC33
_SCHEDULES: Final = 8
_HOLIDAYS: Final = 0xC41
_MOST: Final = 14
_HOLIDAYS_MOST: Final = 13
_NO_HOLIDAY: Final = (Decimal(0), "00-00")


class Tables1997:
    """The tables of one meter.

    Args:
        meter: whose.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def has(self, di: int) -> bool:
        """Whether an identifier is an entry that the meter uses."""
        return self._reader(di) is not None

    def read(self, di: int) -> Any:
        """The value of an entry as its format has it, None where the meter does not use so many."""
        reader = self._reader(di)
        return None if reader is None else reader()

    def write(self, di: int, value: tuple[Decimal, str], by: Author) -> None:
        """Write an entry; raises Denied, or LocalProtocolError for what is none."""
        held, group, entry = self._meter.parameters, di >> 4, di & 0xF
        if not self.has(di):
            raise no_data()
        if group == _HOLIDAYS:
            held.set(f"holiday_{entry}", self._holiday(value), by)
            return
        kind = "seasons" if group == _ZONES else "slots"
        (new,) = unpacked(kind, [value])
        if kind == "slots" and new[1] > held["rate_count"]:
            raise denied(too_many_rates=1)
        if kind == "seasons" and new[2] > held["day_schedule_count"]:
            raise denied(too_many_day_slots=1)
        name = self._table(group)
        rows = list(held[name])
        rows += (rows[-1:] or [new]) * (entry - 1 - len(rows))
        rows[entry - 1 : entry] = [new]
        held.set(name, _without_repeats(rows), by)

    def _reader(self, di: int) -> Callable[[], Any] | None:
        held, group, entry = self._meter.parameters, di >> 4, di & 0xF
        if group == _HOLIDAYS:
            if not 1 <= entry <= min(_HOLIDAYS_MOST, held["holiday_count"]):
                return None
            return lambda: _day(held[f"holiday_{entry}"])
        count = held["season_count" if group == _ZONES else "day_slot_count"]
        known = group == _ZONES or 0 <= group - _FIRST_SCHEDULE < min(_SCHEDULES, held["day_schedule_count"])
        if not known or not 1 <= entry <= min(_MOST, count):
            return None
        kind = "seasons" if group == _ZONES else "slots"
        return lambda: (packed(kind, held[self._table(group)], _MOST) or [None] * _MOST)[entry - 1]

    def _table(self, group: int) -> str:
        sets = self._meter.tariff.sets
        if group == _ZONES:
            return f"season_table_{sets['season'] + 1}"
        return f"day_schedule_{sets['schedule'] + 1}_{group - _FIRST_SCHEDULE + 1}"

    def _holiday(self, value: tuple[Decimal, str]) -> tuple[dt.date, int] | None:
        plan, text = value
        if not plan or not text.strip("0-"):
            return None
        today = self._meter.now().date()
        month, day = map(int, text.split("-"))
        for year in range(today.year, today.year + 9):  # the 29th of February is up to eight years away
            try:
                found = dt.date(year, month, day)
            except ValueError:
                continue
            if found >= today:
                return found, int(plan)
        raise ValueError(f"{text} is no day")


def _day(value: tuple[dt.date, int] | None) -> tuple[Decimal, str]:
    return _NO_HOLIDAY if value is None else (Decimal(value[1]), f"{value[0]:%m-%d}")


def _without_repeats(rows: list[Any]) -> tuple[Any, ...]:
    """Entries that repeat the last at the end stand for none."""
    rows = list(rows)
    while len(rows) > 1 and rows[-1] == rows[-2]:
        rows.pop()
    return tuple(rows)
