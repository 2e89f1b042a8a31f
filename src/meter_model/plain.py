"""Values of the model as builtins and back, so that they can be stored; the way there and back changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from meterwire.meter_model.values import Demand


def plain(value: Any) -> Any:
    """A value as None, bool, int, str, bytes, or a list that begins with the name of its type.

    Raises:
        TypeError: no value of the model is of that type.
    """
    if value is None or isinstance(value, bool | int | str | bytes):
        return value
    for name, (kind, write, _) in _TYPES.items():
        if isinstance(value, kind):
            return [name, *write(value)]
    raise TypeError(f"{type(value).__name__} cannot be stored")


def revived(stored: Any) -> Any:
    """The value again; raises ValueError for what `plain` did not make."""
    if not isinstance(stored, list | tuple):
        return stored
    name, *parts = stored
    if name not in _TYPES:
        raise ValueError(f"a stored value of an unknown type {name!r}")
    try:
        return _TYPES[name][2](*parts)
    except (TypeError, ArithmeticError) as error:
        raise ValueError(f"no stored {name}: {error}") from error


def plain_dict(values: Mapping[str, Any]) -> dict[str, Any]:
    """`plain` for each value."""
    return {name: plain(value) for name, value in values.items()}


def revived_dict(stored: Mapping[str, Any]) -> dict[str, Any]:
    """`revived` for each value."""
    return {name: revived(value) for name, value in stored.items()}


def _fraction(above: str, below: str) -> Fraction:
    return Fraction(int(above), int(below))


def _demand(value: Any, time: Any) -> Demand:
    return Demand(revived(value), revived(time))


def _dict(*parts: Any) -> dict[str, Any]:
    return {key: revived(one) for key, one in zip(parts[::2], parts[1::2], strict=True)}


_TYPES: Final[dict[str, tuple[type, Any, Any]]] = {
    "fraction": (Fraction, lambda value: (str(value.numerator), str(value.denominator)), _fraction),
    "decimal": (Decimal, lambda value: (str(value),), Decimal),
    "demand": (Demand, lambda value: (plain(value.value), plain(value.time)), _demand),
    "datetime": (dt.datetime, lambda value: (value.isoformat(),), dt.datetime.fromisoformat),
    "date": (dt.date, lambda value: (value.isoformat(),), dt.date.fromisoformat),
    "time": (dt.time, lambda value: (value.isoformat(),), dt.time.fromisoformat),
    "float": (float, lambda value: (value.hex(),), float.fromhex),
    "tuple": (tuple, lambda value: [plain(one) for one in value], lambda *parts: tuple(map(revived, parts))),
    "list": (list, lambda value: [plain(one) for one in value], lambda *parts: list(map(revived, parts))),
    "dict": (dict, lambda value: [part for key, one in value.items() for part in (key, plain(one))], _dict),
}
"""Type, how it is written, how it is read; a datetime is a date too and therefore stands before it."""
