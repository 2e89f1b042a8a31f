"""What can be set at a meter: one table of names, types, limits and defaults; the values of one meter, with watchers.

The table (`parameters.csv`) is neutral: dates are dates and limits are numbers, however a dialect packs them. A name
with `<1>` stands for as many parameters as its columns `first` and `last` say: `rate_price_1_7`.

Kinds and their values: `number` is a Decimal with limits and decimals; `flags` an int of so many bits; `digits` and
`text` a str; `baud` an int; `date_time` a naive datetime in local time, or None where nothing is to happen;
`time_of_day` minutes after midnight; `moment_of_year` (month, day, hour, minute) and `moment_of_month` (day, hour) or
None; `seasons` up to 14 (month, day, day schedule), `slots` up to 14 (minute of the day, rate), `holiday` (date, day
schedule) or None. All are hashable and compare by value.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeAlias

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.clock import EARLIEST, LATEST

Setting: TypeAlias = "Decimal | int | str | dt.datetime | tuple[Any, ...] | None"
"""What a parameter can be."""

BAUDS: Final = (600, 1200, 2400, 4800, 9600, 19200)


class Author(msgspec.Struct, frozen=True):
    """Who changed a parameter, and by what name.

    Attributes:
        operator: code of the person, eight digits.
        item: what was written, in the terms of the dialect that wrote it.
    """

    operator: str
    item: str


class Change(msgspec.Struct, frozen=True):
    """A parameter that has been written; watchers get it when the new value holds."""

    name: str
    old: Setting
    new: Setting
    by: Author | None


class Parameter(msgspec.Struct, frozen=True):
    """A row of the table.

    Attributes:
        name: with `<1>` where there are several.
        first: lowest number of several, else 0; likewise `last`.
        low: smallest number; of digits and text the length, of flags the bits.
        high: largest number; of tables the most entries.
        decimals: that a number may have.
        default: None where it depends on the meter.
    """

    name: str
    kind: str
    first: int
    last: int
    low: Decimal
    high: Decimal
    decimals: int
    unit: str
    default: str | None
    note: str


@cache
def parameters() -> Mapping[str, Parameter]:
    """The table, every numbered parameter spelled out, by name."""
    from importlib.resources import files  # noqa: PLC0415  needed only once a parameter is asked for

    text = files(__package__).joinpath("parameters.csv").read_text("utf-8")
    table: dict[str, Parameter] = {}
    for row in csv.DictReader(text.splitlines()):
        parameter = Parameter(
            row["name"],
            row["kind"],
            int(row["first"] or 0),
            int(row["last"] or 0),
            Decimal(row["low"] or 0),
            Decimal(row["high"] or 0),
            int(row["decimals"] or 0),
            row["unit"],
            row["default"] or None,
            row["note"],
        )
        for number in range(parameter.first, parameter.last + 1):
            table[parameter.name.replace("<1>", str(number))] = parameter
    return table


class Parameters:
    """The parameters of one meter.

    Args:
        given: values that replace the defaults of the table.
    """

    def __init__(self, given: Mapping[str, Setting] | None = None) -> None:
        self._own: dict[str, Setting] = {}
        self._watchers: list[Callable[[Change], None]] = []
        for name, value in (given or {}).items():
            self._own[name] = checked(name, value)

    def __getitem__(self, name: str) -> Any:
        """The value that holds; raises LocalProtocolError for a name that is none."""
        return self._own[name] if name in self._own else _default(name)

    def __contains__(self, name: object) -> bool:
        return name in parameters()

    def set(self, name: str, value: Setting, by: Author | None = None) -> None:
        """Set a parameter and tell the watchers, also where the value was the same: it has been written.

        Raises:
            LocalProtocolError: no parameter is called so, or the value is none of its kind or out of its limits.
        """
        new = checked(name, value)
        old, self._own[name] = self[name], new
        for watcher in list(self._watchers):
            watcher(Change(name, old, new, by))

    def matching(self, beginnings: tuple[str, ...]) -> dict[str, Setting]:
        """Those whose names begin so, if they are not the table's."""
        return {name: value for name, value in self._own.items() if name.startswith(beginnings)}

    def watch(self, watcher: Callable[[Change], None]) -> None:
        """Be told of every change."""
        self._watchers.append(watcher)

    def state(self) -> dict[str, Any]:
        """The values that are not the table's, as builtins."""
        return {name: _plain(value) for name, value in self._own.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take saved values over; watchers are not told. Raises LocalProtocolError."""
        self._own = {name: checked(name, _revived(name, value)) for name, value in state.items()}


def checked(name: str, value: Any) -> Setting:
    """A value as the parameter keeps it; raises LocalProtocolError where it cannot."""
    parameter = _row(name)
    try:
        return _CHECKS[parameter.kind](parameter, value)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise LocalProtocolError(f"{name}: {error}") from None


def _row(name: str) -> Parameter:
    found = parameters().get(name)
    if found is None:
        raise LocalProtocolError(f"no parameter is called {name!r}")
    return found


@cache
def _default(name: str) -> Setting:
    parameter = _row(name)
    text = parameter.default
    if parameter.kind in {"seasons", "slots"}:
        return ()
    if text is None or text == "none":
        return None
    if parameter.kind == "time_of_day":
        return int(text[:2]) * 60 + int(text[3:])
    if parameter.kind == "moment_of_year":
        return tuple(map(int, re.split("[- :]", text)))
    if parameter.kind in {"flags", "baud"}:
        return int(text)
    return Decimal(text) if parameter.kind == "number" else text


def _number(parameter: Parameter, value: Any) -> Decimal:
    if isinstance(value, (bool, float)) or not isinstance(value, (int, Decimal)):
        raise TypeError(f"a decimal number is needed, not {value!r}")
    number = Decimal(value)
    if not number.is_finite() or not parameter.low <= number <= parameter.high:
        raise ValueError(f"{parameter.low} to {parameter.high} {parameter.unit}".rstrip() + f", not {number}")
    if number != round(number, parameter.decimals):
        raise ValueError(f"at most {parameter.decimals} decimals, not {number}")
    return round(number, parameter.decimals)


def _flags(parameter: Parameter, value: Any) -> int:
    return _whole(value, 0, (1 << int(parameter.low)) - 1)


def _digits(parameter: Parameter, value: Any) -> str:
    size = int(parameter.low)
    if not isinstance(value, str) or not re.fullmatch(
        f"[0-9A-F]{{{size}}}" if size == 8 else f"[0-9]{{{size}}}", value
    ):
        raise ValueError(f"{size} digits are needed, not {value!r}")
    return value


def _text(parameter: Parameter, value: Any) -> str:
    size = int(parameter.low)
    if not isinstance(value, str) or len(value) > size or not all(" " <= mark <= "~" for mark in value):
        raise ValueError(f"up to {size} printable ASCII characters are needed")
    return value


def _baud(parameter: Parameter, value: Any) -> int:
    del parameter
    if value not in BAUDS or isinstance(value, bool):
        raise ValueError(f"one of {', '.join(map(str, BAUDS))}, not {value!r}")
    return int(value)


def _date_time(parameter: Parameter, value: Any) -> dt.datetime | None:
    del parameter
    if value is None:
        return None
    if not isinstance(value, dt.datetime) or value.tzinfo is not None or not EARLIEST <= value <= LATEST:
        raise ValueError(f"a local time from {EARLIEST:%Y} to {LATEST:%Y}, not {value!r}")
    return value


def _time_of_day(parameter: Parameter, value: Any) -> int:
    del parameter
    return _whole(value, 0, 1439)


def _moment_of_year(parameter: Parameter, value: Any) -> tuple[int, ...]:
    del parameter
    month, day, hour, minute = value
    _day_of_year(month, day)
    return month, day, _whole(hour, 0, 23), _whole(minute, 0, 59)


def _moment_of_month(parameter: Parameter, value: Any) -> tuple[int, ...] | None:
    del parameter
    if value is None:
        return None
    day, hour = value
    return _whole(day, 1, 28), _whole(hour, 0, 23)


def _seasons(parameter: Parameter, value: Any) -> tuple[tuple[int, ...], ...]:
    return _entries(parameter, value, lambda month, day, plan: (*_day_of_year(month, day), _whole(plan, 1, 8)))


def _slots(parameter: Parameter, value: Any) -> tuple[tuple[int, ...], ...]:
    return _entries(parameter, value, lambda minute, rate: (_whole(minute, 0, 1439), _whole(rate, 1, 63)))


def _entries(parameter: Parameter, value: Any, check: Callable[..., tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    if not isinstance(value, (tuple, list)) or len(value) > parameter.high:
        raise ValueError(f"at most {parameter.high} entries")
    return tuple(check(*entry) for entry in value)


def _holiday(parameter: Parameter, value: Any) -> tuple[Any, ...] | None:
    del parameter
    if value is None:
        return None
    day, plan = value
    if isinstance(day, dt.datetime) or not isinstance(day, dt.date):
        raise TypeError(f"a date is needed, not {day!r}")
    return day, _whole(plan, 1, 8)


def _day_of_year(month: Any, day: Any) -> tuple[int, int]:
    dt.date(2000, _whole(month, 1, 12), _whole(day, 1, 31))
    return month, day


def _whole(value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{low} to {high}, not {value!r}")
    return value


_CHECKS: Final[Mapping[str, Callable[[Parameter, Any], Setting]]] = {
    "number": _number,
    "flags": _flags,
    "digits": _digits,
    "text": _text,
    "baud": _baud,
    "date_time": _date_time,
    "time_of_day": _time_of_day,
    "moment_of_year": _moment_of_year,
    "moment_of_month": _moment_of_month,
    "seasons": _seasons,
    "slots": _slots,
    "holiday": _holiday,
}


def _plain(value: Any) -> Any:
    if isinstance(value, (Decimal, dt.date)):
        return str(value) if isinstance(value, Decimal) else value.isoformat()
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _revived(name: str, value: Any) -> Any:
    kind = _row(name).kind
    if value is None:
        return None
    if kind == "number":
        return Decimal(value)
    if kind == "date_time":
        return dt.datetime.fromisoformat(value)
    return (dt.date.fromisoformat(value[0]), value[1]) if kind == "holiday" else value
