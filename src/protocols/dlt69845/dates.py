"""Dates and times. A field that is all ones is not specified; the meter's own local time is meant everywhere."""

import datetime as dt
from enum import IntEnum

from meterwire.protocols.wire.declare import field, message
from meterwire.protocols.wire.nodes import U8, U16, Enum

UNSPECIFIED = 0xFF
UNSPECIFIED_WORD = 0xFFFF


def _weekday(day: dt.date) -> int:
    return day.isoweekday() % 7


def _part(value: int, digits: int) -> str:
    return "*" * digits if value == (1 << (8 * digits // 2)) - 1 else f"{value:0{digits}d}"


@message(cite="DL/T 698.45-2017, data types: date_time")
class DateTime:
    """date_time: date with day of the week, and time to the millisecond."""

    year: int = field(U16, "year")
    month: int = field(U8, "month")
    day: int = field(U8, "day of the month")
    weekday: int = field(U8, "day of the week, 0 Sunday to 6 Saturday")
    hour: int = field(U8, "hour")
    minute: int = field(U8, "minute")
    second: int = field(U8, "second")
    millisecond: int = field(U16, "millisecond")

    @classmethod
    def of(cls, when: dt.datetime) -> "DateTime":
        """From a local time; its zone, if it has one, is not sent."""
        return cls(
            when.year,
            when.month,
            when.day,
            _weekday(when),
            when.hour,
            when.minute,
            when.second,
            when.microsecond // 1000,
        )

    def datetime(self, zone: dt.tzinfo | None = None) -> dt.datetime | None:
        """As a datetime of this zone, None where it is not fully specified or no time at all."""
        ms = 0 if self.millisecond == UNSPECIFIED_WORD else self.millisecond
        fields = (self.year, self.month, self.day, self.hour, self.minute, self.second)
        return _datetime(*fields, ms * 1000, zone)

    def __str__(self) -> str:
        ms = "" if self.millisecond == UNSPECIFIED_WORD else f".{self.millisecond:03d}"
        return _text(self.year, self.month, self.day, self.hour, self.minute, self.second) + ms


@message(cite="DL/T 698.45-2017, data types: date")
class Date:
    """date: a day with its day of the week."""

    year: int = field(U16, "year")
    month: int = field(U8, "month")
    day: int = field(U8, "day of the month")
    weekday: int = field(U8, "day of the week, 0 Sunday to 6 Saturday")

    @classmethod
    def of(cls, day: dt.date) -> "Date":
        """From a date."""
        return cls(day.year, day.month, day.day, _weekday(day))

    def __str__(self) -> str:
        return f"{_part(self.year, 4)}-{_part(self.month, 2)}-{_part(self.day, 2)}"


@message(cite="DL/T 698.45-2017, data types: time")
class Time:
    """time: a time of the day."""

    hour: int = field(U8, "hour")
    minute: int = field(U8, "minute")
    second: int = field(U8, "second")

    def __str__(self) -> str:
        return f"{_part(self.hour, 2)}:{_part(self.minute, 2)}:{_part(self.second, 2)}"


@message(cite="DL/T 698.45-2017, data types: date_time_s")
class DateTimeS:
    """date_time_s: date and time to the second."""

    year: int = field(U16, "year")
    month: int = field(U8, "month")
    day: int = field(U8, "day of the month")
    hour: int = field(U8, "hour")
    minute: int = field(U8, "minute")
    second: int = field(U8, "second")

    @classmethod
    def of(cls, when: dt.datetime) -> "DateTimeS":
        """From a local time; its zone, if it has one, is not sent."""
        return cls(when.year, when.month, when.day, when.hour, when.minute, when.second)

    def datetime(self, zone: dt.tzinfo | None = None) -> dt.datetime | None:
        """As a datetime of this zone, None where it is not fully specified or no time at all."""
        return _datetime(self.year, self.month, self.day, self.hour, self.minute, self.second, 0, zone)

    def __str__(self) -> str:
        return _text(self.year, self.month, self.day, self.hour, self.minute, self.second)


NOT_SPECIFIED = DateTimeS(UNSPECIFIED_WORD, *(UNSPECIFIED,) * 5)
"""No time: what a register holds whose event never happened."""


def _text(year: int, month: int, day: int, hour: int, minute: int, second: int) -> str:
    return f"{_part(year, 4)}-{_part(month, 2)}-{_part(day, 2)} " + ":".join(
        _part(p, 2) for p in (hour, minute, second)
    )


def _datetime(
    year: int, month: int, day: int, hour: int, minute: int, second: int, microsecond: int, zone: dt.tzinfo | None
) -> dt.datetime | None:
    try:
        return dt.datetime(year, month, day, hour, minute, second, microsecond, tzinfo=zone)
    except ValueError:
        return None


class IntervalUnit(IntEnum):
    """Unit of a time interval."""

    SECOND = 0
    MINUTE = 1
    HOUR = 2
    DAY = 3
    MONTH = 4
    YEAR = 5


@message(cite="DL/T 698.45-2017, data types: TI")
class Interval:
    """TI: a time interval; 0 of any unit is none."""

    unit: IntervalUnit | int = field(Enum(U8, IntervalUnit), "unit")
    value: int = field(U16, "how many")

    def __str__(self) -> str:
        return f"{self.value} {getattr(self.unit, 'name', f'unit {self.unit}').lower()}"
