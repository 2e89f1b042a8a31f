"""Moments that come again: every so many minutes, or wherever month, day, hour and minute are as they should be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.tariff import NO_MORE
from meterwire.meter_model.tariff_plan import DAY

_EPOCH = dt.date(1970, 1, 1).toordinal()
_LOOK_AHEAD = 8 * 366 + 1
"""Days within which every date of a calendar comes, the 29th of February over a year 2100 too."""


class Pattern:
    """A moment with parts that may be anything.

    Args:
        month: 1 to 12, or None for any; likewise day, hour and minute.

    Raises:
        LocalProtocolError: there is no such moment in any year.
    """

    def __init__(self, month: int | None, day: int | None, hour: int | None, minute: int | None) -> None:
        self.parts = month, day, hour, minute
        limits = ((1, 12), (1, 31), (0, 23), (0, 59))
        for part, (low, high) in zip(self.parts, limits, strict=True):
            if part is not None and not low <= part <= high:
                raise LocalProtocolError(f"{self} is no moment")
        if month is not None and day is not None and day > (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]:
            raise LocalProtocolError(f"{self} is no moment")
        hours = range(24) if hour is None else (hour,)
        minutes = range(60) if minute is None else (minute,)
        self._of_day = [60 * here + inside for here in hours for inside in minutes]

    @staticmethod
    def of(text: str) -> Pattern:
        """The pattern of `MM-DD hh:mm`, with `**` for any; raises LocalProtocolError."""
        parts = text.replace("-", " ").replace(":", " ").split(" ")
        if len(text) != 11 or [len(part) for part in parts] != [2, 2, 2, 2] or text[2::3] != "- :":
            raise LocalProtocolError(f"{text!r} is no moment such as **-01 00:00")
        if not all(part == "**" or (part.isascii() and part.isdigit()) for part in parts):
            raise LocalProtocolError(f"{text!r} is no moment such as **-01 00:00")
        return Pattern(*(None if part == "**" else int(part) for part in parts))

    def next_after(self, minute: int) -> int:
        """The first such moment later than a minute since 1970 local."""
        day, inside = divmod(minute, DAY)
        for ahead in range(_LOOK_AHEAD):
            if self._is_day(day + ahead):
                found = next((at for at in self._of_day if ahead or at > inside), None)
                if found is not None:
                    return (day + ahead) * DAY + found
        return NO_MORE

    def __str__(self) -> str:
        month, day, hour, minute = ("**" if part is None else f"{part:02}" for part in self.parts)
        return f"{month}-{day} {hour}:{minute}"

    def _is_day(self, day: int) -> bool:
        month, wanted = self.parts[:2]
        if month is None and wanted is None:
            return True
        date = dt.date.fromordinal(_EPOCH + day)
        return month in {None, date.month} and wanted in {None, date.day}


def every(interval: int, origin: int = 0, *, begins: bool = False) -> Callable[[int], int]:
    """Every so many minutes from an origin on, and before it too unless that is where it begins."""

    def next_after(minute: int) -> int:
        return following(minute, interval, origin, begins=begins)

    return next_after


def following(minute: int, interval: int, origin: int, *, begins: bool) -> int:
    """The next moment of `every` after a minute."""
    if begins and minute < origin:
        return origin
    return origin + ((minute - origin) // interval + 1) * interval
