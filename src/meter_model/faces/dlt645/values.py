"""Parameters as DL/T 645 packs them: neutral values to the values of its formats and back.

Both directions by the kind of the parameter. A table of zones or slots has as many entries as the meter is set to;
those that are not needed repeat the last, as head-ends write them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt645.messages import BaudWord

_BAUDS: Final[dict[int, int]] = {int(word): int(word.name.removeprefix("BAUD_")) for word in BaudWord}
_NO_TIME: Final = "00-00-00 00:00"
_NO_DAY: Final = "00-00-00"


def packed(kind: str, value: Any, entries: int = 0) -> Any:
    """A neutral value as the format has it.

    Args:
        kind: of the parameter.
        value: of the parameter.
        entries: of a table.
    """
    convert = _PACKED.get(kind)
    if kind in _TABLES:
        rows = [convert(row) for row in value] if convert else []
        return rows + rows[-1:] * (entries - len(rows))
    return convert(value) if convert else value


def unpacked(kind: str, value: Any) -> Any:
    """The neutral value; raises LocalProtocolError where there is none."""
    convert = _UNPACKED.get(kind)
    try:
        if kind in _TABLES:
            rows = [convert(row) for row in value] if convert else []
            while len(rows) > 1 and rows[-1] == rows[-2]:
                rows.pop()
            return tuple(rows)
        return convert(value) if convert else value
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        raise LocalProtocolError(f"{value!r} is no {kind}") from error


def baud_of(word: int) -> int | None:
    """The rate that a communication rate word names, None where it names none."""
    return _BAUDS.get(word)


def _pack_baud(value: int) -> int:
    return next(word for word, baud in _BAUDS.items() if baud == value)


def _pack_date_time(value: dt.datetime | None) -> str:
    return _NO_TIME if value is None else f"{value:%y-%m-%d %H:%M}"


def _unpack_date_time(text: str | None) -> dt.datetime | None:
    if text is None or not text.strip("0-: ") or not text.strip("9-: "):
        return None
    return dt.datetime.strptime(text, "%y-%m-%d %H:%M")  # noqa: DTZ007  the meter's local time


def _unpack_time_of_day(text: str) -> int:
    hour, minute = map(int, text.split(":"))
    return hour * 60 + minute


def _pack_slot(row: tuple[int, int]) -> tuple[Decimal, str]:
    minute, rate = row
    return Decimal(rate), f"{minute // 60:02d}:{minute % 60:02d}"


def _unpack_slot(row: tuple[Decimal, str]) -> tuple[int, int]:
    return _unpack_time_of_day(row[1]), int(row[0])


def _pack_season(row: tuple[int, int, int]) -> tuple[Decimal, str]:
    month, day, plan = row
    return Decimal(plan), f"{month:02d}-{day:02d}"


def _unpack_season(row: tuple[Decimal, str]) -> tuple[int, int, int]:
    month, day = map(int, row[1].split("-"))
    return month, day, int(row[0])


def _pack_holiday(value: tuple[dt.date, int] | None) -> tuple[Decimal, str]:
    return (Decimal(0), _NO_DAY) if value is None else (Decimal(value[1]), f"{value[0]:%y-%m-%d}")


def _unpack_holiday(value: tuple[Decimal | None, str | None]) -> tuple[dt.date, int] | None:
    plan, day = value
    if plan is None or day is None or not day.strip("0-") or not day.strip("9-"):
        return None
    return dt.date.fromisoformat(f"20{day}"), int(plan)


def _unpack_moment_of_month(text: str | None) -> tuple[int, int] | None:
    if text is None or not text.strip("0 ") or not text.strip("9 "):
        return None
    day, hour = map(int, text.split())
    return day, hour


def _unpack_moment_of_year(text: str) -> tuple[int, ...]:
    return tuple(int(text[at : at + 2]) for at in (0, 3, 6, 9))


_TABLES: Final = frozenset({"seasons", "slots"})
_PACKED: Final[Mapping[str, Callable[[Any], Any]]] = {
    "baud": _pack_baud,
    "date_time": _pack_date_time,
    "time_of_day": lambda value: f"{value // 60:02d}:{value % 60:02d}",
    "moment_of_year": lambda value: "{:02d}-{:02d} {:02d}:{:02d}".format(*value),
    "moment_of_month": lambda value: "99 99" if value is None else "{:02d} {:02d}".format(*value),
    "seasons": _pack_season,
    "slots": _pack_slot,
    "holiday": _pack_holiday,
}
_UNPACKED: Final[Mapping[str, Callable[[Any], Any]]] = {
    "baud": lambda value: _BAUDS[value],
    "date_time": _unpack_date_time,
    "time_of_day": _unpack_time_of_day,
    "moment_of_year": _unpack_moment_of_year,
    "moment_of_month": _unpack_moment_of_month,
    "seasons": _unpack_season,
    "slots": _unpack_slot,
    "holiday": _unpack_holiday,
}
