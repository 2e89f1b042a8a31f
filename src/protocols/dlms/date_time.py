"""COSEM date-time, date and time: octets with wildcards, and the fallible step to a calendar time.

IEC 62056-6-2, 4.1.6.1. The deviation counts minutes from local time to UTC: -480 is +08:00.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone, tzinfo
from enum import IntFlag
from struct import Struct
from typing import Final

import msgspec

from meterwire.errors import MalformedError

UNSPECIFIED: Final = 0xFF
YEAR_UNSPECIFIED: Final = 0xFFFF
DEVIATION_UNSPECIFIED: Final = -0x8000
LAST_DAY: Final = 0xFE
SECOND_LAST_DAY: Final = 0xFD
DAYLIGHT_SAVING_END: Final = 0xFD
DAYLIGHT_SAVING_BEGIN: Final = 0xFE

_DATE_TIME, _DATE, _TIME = 12, 5, 4
_FIELDS: Final = Struct(">HBBBBBBBhB")
_NO_DATE: Final = b"\xff" * 5
_NO_TIME: Final = b"\xff" * 4 + b"\x80\x00\xff"


class ClockStatus(IntFlag):
    """Status octet of a date-time; FFH is not specified."""

    INVALID_VALUE = 0x01
    DOUBTFUL_VALUE = 0x02
    DIFFERENT_CLOCK_BASE = 0x04
    INVALID_CLOCK_STATUS = 0x08
    DAYLIGHT_SAVING = 0x80


class CosemDateTime(msgspec.Struct, frozen=True):
    """The fields as the meter sent them; FFH (FFFFH for the year, 8000H for the deviation) is not specified.

    Attributes:
        year: 0 to 65535.
        month: 1 to 12, FDH end and FEH begin of daylight saving.
        day: 1 to 31, FDH second last and FEH last day of the month.
        weekday: 1 Monday to 7 Sunday.
        deviation: minutes from local time to UTC.
        status: a `ClockStatus`, or FFH.
    """

    year: int = YEAR_UNSPECIFIED
    month: int = UNSPECIFIED
    day: int = UNSPECIFIED
    weekday: int = UNSPECIFIED
    hour: int = UNSPECIFIED
    minute: int = UNSPECIFIED
    second: int = UNSPECIFIED
    hundredths: int = UNSPECIFIED
    deviation: int = DEVIATION_UNSPECIFIED
    status: int = UNSPECIFIED

    @classmethod
    def of_octets(cls, octets: bytes) -> CosemDateTime:
        """A date-time of 12 octets, a date of 5 or a time of 4. Raises MalformedError for any other length."""
        if len(octets) == _DATE_TIME:
            return cls(*_FIELDS.unpack(octets))
        if len(octets) == _DATE:
            return cls(*_FIELDS.unpack(octets + _NO_TIME))
        if len(octets) == _TIME:
            return cls(*_FIELDS.unpack(_NO_DATE + octets + _NO_TIME[_TIME:]))
        raise MalformedError(f"12, 5 or 4 octets of a date-time, not {len(octets)}", "date-time")

    @classmethod
    def of_datetime(cls, when: datetime, status: int = 0) -> CosemDateTime:
        """The date-time of an aware or naive time, to hundredths of a second, cut off."""
        offset = when.utcoffset()
        deviation = DEVIATION_UNSPECIFIED if offset is None else -int(offset.total_seconds() // 60)
        return cls(
            when.year, when.month, when.day, when.isoweekday(),
            when.hour, when.minute, when.second, when.microsecond // 10_000, deviation, status,
        )  # fmt: skip

    @property
    def date_octets(self) -> bytes:
        """The 5 octets of a date."""
        return self.octets[:_DATE]

    @property
    def time_octets(self) -> bytes:
        """The 4 octets of a time."""
        return self.octets[_DATE : _DATE + _TIME]

    @property
    def octets(self) -> bytes:
        """The 12 octets of a date-time."""
        return _FIELDS.pack(*(getattr(self, name) for name in self.__struct_fields__))

    def calendar_date(self) -> date:
        """The date; raises MalformedError where a field is a wildcard or there is no such day."""
        year, month, day = self._fields("year", "month", "day")
        try:
            return date(year, month, day)
        except ValueError:
            raise self._impossible("date") from None

    def clock_time(self) -> time:
        """The time of day; seconds and hundredths that are not specified are 0. Raises MalformedError."""
        hour, minute = self._fields("hour", "minute")
        second, hundredths = _zero(self.second), _zero(self.hundredths)
        if hour > 23 or minute > 59 or second > 59 or hundredths > 99:
            raise self._impossible("time")
        return time(hour, minute, second, hundredths * 10_000)

    def calendar(self, zone: tzinfo | None = None) -> datetime:
        """The moment, aware where the deviation is known.

        Args:
            zone: of the meter, where the meter does not say its deviation.

        Raises:
            MalformedError: a field that is needed is a wildcard, or there is no such moment.
        """
        when = datetime.combine(self.calendar_date(), self.clock_time())
        if self.deviation == DEVIATION_UNSPECIFIED:
            return when.replace(tzinfo=zone)
        if not -24 * 60 < self.deviation < 24 * 60:
            raise MalformedError(f"a deviation of less than a day, not {self.deviation} minutes", "date-time")
        return when.replace(tzinfo=timezone(timedelta(minutes=-self.deviation)))

    def _fields(self, *names: str) -> list[int]:
        values = [getattr(self, name) for name in names]
        for name, value in zip(names, values, strict=True):
            if value == (YEAR_UNSPECIFIED if name == "year" else UNSPECIFIED):
                raise MalformedError(f"{name} is not specified", "date-time")
        return values

    def _impossible(self, what: str) -> MalformedError:
        return MalformedError(f"there is no such {what}: {self}", "date-time")

    def __str__(self) -> str:
        """The fields for people, `*` for what is not specified, words for the status and days that are no numbers."""
        month, day = _MONTHS.get(self.month) or _shown(self.month), _DAYS.get(self.day) or _shown(self.day)
        day = "-".join((_shown(self.year, 4, YEAR_UNSPECIFIED), month, day))
        clock = ":".join((_shown(self.hour), _shown(self.minute), _shown(self.second)))
        if self.hundredths != UNSPECIFIED:
            clock += f".{self.hundredths:02}"
        if self.deviation != DEVIATION_UNSPECIFIED:
            sign, minutes = "-" if self.deviation > 0 else "+", abs(self.deviation)
            clock += f"{sign}{minutes // 60:02}:{minutes % 60:02}"
        return f"{day} {clock}{_status(self.status)}"


_MONTHS: Final = {DAYLIGHT_SAVING_END: "daylight saving end", DAYLIGHT_SAVING_BEGIN: "daylight saving begin"}
_DAYS: Final = {LAST_DAY: "last day", SECOND_LAST_DAY: "second last day"}


def _status(octet: int) -> str:
    """The bits of a status by name; those that have none as digits."""
    if octet in (0, UNSPECIFIED):
        return ""
    names = [flag.name.lower().replace("_", " ") for flag in ClockStatus if octet & flag and flag.name]
    rest = octet & ~sum(ClockStatus)
    return " (" + ", ".join(names + ([f"status {rest:02X}H"] if rest else [])) + ")"


def _zero(value: int) -> int:
    return 0 if value == UNSPECIFIED else value


def _shown(value: int, width: int = 2, wildcard: int = UNSPECIFIED) -> str:
    return "*" if value == wildcard else f"{value:0{width}}"
