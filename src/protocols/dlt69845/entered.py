"""Values as people write them, by the type that the table of objects knows or that stands in front of them.

A scalar is written as it is read: `5`, `220.0`, `2026-01-31T12:00:00`, `00100200`, `0A0B`. A structure is written
`{5, 00100200}`, an array `[1, 2, 3]`. Where the table knows no type, or another one is meant, it is written in front:
`long-unsigned:2200`, `{unsigned:1, octet-string:0102}`; what has its type in front is raw, never scaled.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt69845.data import DATA_NAMES
from meterwire.protocols.dlt69845.dates import Date, DateTime, DateTimeS, Time
from meterwire.protocols.dlt69845.descriptors import Oad, Omd, Road
from meterwire.protocols.dlt69845.selecting import column, columns_of, every, tsa
from meterwire.protocols.wire.nodes import Variant

_TAGS: Final = {name: tag for tag, name in DATA_NAMES.items()}
_DEPTH: Final = 16
_ARRAY, _STRUCTURE = 1, 2
_INTEGERS: Final = {
    "double-long": (-(1 << 31), 1 << 31),
    "double-long-unsigned": (0, 1 << 32),
    "integer": (-128, 128),
    "long": (-(1 << 15), 1 << 15),
    "unsigned": (0, 256),
    "long-unsigned": (0, 1 << 16),
    "long64": (-(1 << 63), 1 << 63),
    "long64-unsigned": (0, 1 << 64),
    "enum": (0, 256),
    "OI": (0, 1 << 16),
}
_OPENING, _CLOSING = "{[(<", "}])>"


def entered(text: str, data_type: str = "", exponent: int = 0) -> Variant:
    """The Data that a text stands for.

    Args:
        text: as a person writes it.
        data_type: as the table of objects has it, such as `array<structure{OI,enum}>`; empty or `any` where unknown.
        exponent: power of ten of integers: with -1, `220.5` is 2205. Not for what has its type in front.

    Raises:
        LocalProtocolError: the text is no value of the type, or there is no type.
    """
    return _value(text.strip(), data_type, exponent, _DEPTH)


def _value(text: str, data_type: str, exponent: int, depth: int) -> Variant:
    if not depth:
        raise LocalProtocolError("the value is nested too deeply")
    name, colon, rest = text.partition(":")
    if colon and name.strip() in _TAGS and data_type != "visible-string":
        return _value_of(rest.strip(), name.strip(), "", 0, depth)
    outer, inner = _split(data_type)
    if outer in ("", "any"):
        if text[:1] in ("{", "["):
            return _value_of(text, "structure" if text[0] == "{" else "array", "", 0, depth)
        raise LocalProtocolError(f"the type of {text!r} is not known: write it in front, such as long-unsigned:{text}")
    return _value_of(text, outer, inner, exponent, depth)


def _value_of(text: str, outer: str, inner: str, exponent: int, depth: int) -> Variant:
    if outer in ("array", "structure"):
        return _list(text, outer, inner, exponent, depth)
    tag = _TAGS.get(outer)
    if tag is None:
        raise LocalProtocolError(f"there is no type {outer!r}; types are {', '.join(_TAGS)}")
    if outer in _INTEGERS:
        return Variant(tag, _integer(text, outer, exponent))
    read = _SCALARS.get(outer)
    if read is None:
        raise LocalProtocolError(f"a value of type {outer} cannot be written as text")
    try:
        return Variant(tag, read(text))
    except ValueError as error:
        raise LocalProtocolError(f"{text!r} is no {outer}: {error}") from error


def _list(text: str, outer: str, inner: str, exponent: int, depth: int) -> Variant:
    begin, end = ("{", "}") if outer == "structure" else ("[", "]")
    if not (text.startswith(begin) and text.endswith(end)):
        raise LocalProtocolError(f"{text!r} is no {outer}: write {begin}..., ...{end}")
    parts = list(_parts(text[1:-1]))
    types = list(_parts(inner)) if outer == "structure" else [inner] * len(parts)
    if not types:
        types = [""] * len(parts)
    if len(types) != len(parts):
        raise LocalProtocolError(f"{text!r} has {len(parts)} members, and the structure has {len(types)}: {inner}")
    made = tuple(_value(part, kind, exponent, depth - 1) for part, kind in zip(parts, types, strict=True))
    return Variant(_STRUCTURE if outer == "structure" else _ARRAY, made)


def _split(data_type: str) -> tuple[str, str]:
    """The outer type, and what is inside: of `octet-string(6)` nothing, as its size is not looked at."""
    for opening, closing in zip("<{", ">}", strict=True):
        outer, found, inner = data_type.partition(opening)
        if found and inner.endswith(closing) and outer in ("array", "structure"):
            return outer, inner[:-1]
    return data_type.partition("(")[0].strip(), ""


def _parts(text: str) -> Iterator[str]:
    """What stands between the commas, those inside brackets aside."""
    depth, begin = 0, 0
    for place, sign in enumerate(text):
        depth += (sign in _OPENING) - (sign in _CLOSING)
        if sign == "," and not depth:
            yield text[begin:place].strip()
            begin = place + 1
    if text.strip():
        yield text[begin:].strip()


def _integer(text: str, name: str, exponent: int) -> int:
    try:
        number = Decimal(int(text, 16)) if name == "OI" else Decimal(text).scaleb(-exponent)
    except (ArithmeticError, ValueError) as error:
        raise LocalProtocolError(f"{text!r} is no {name}: a number is needed") from error
    low, high = _INTEGERS[name]
    if not number.is_finite() or number != number.to_integral_value():
        raise LocalProtocolError(f"{text} does not fit: the meter counts in steps of {Decimal(1).scaleb(exponent)}")
    if not low <= number < high:
        raise LocalProtocolError(f"{text} does not fit {name}, {low} to {high - 1} in steps of the meter")
    return int(number)


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0", "yes", "no", "on", "off"):
        raise ValueError("true or false is needed")
    return text.lower() in ("true", "1", "yes", "on")


def _bits(text: str) -> str:
    if set(text) - {"0", "1"}:
        raise ValueError("bits are written 0101")
    return text


def _null(text: str) -> None:
    if text.upper() not in ("", "NULL"):
        raise ValueError("NULL has no value")


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _interval(text: str) -> Any:
    number, _, unit = text.partition(" ")
    return every(int(number), unit.strip() or "minute")


def _time(text: str) -> Time:
    found = dt.time.fromisoformat(text)
    return Time(found.hour, found.minute, found.second)


def _road(text: str) -> Road:
    found = column(text)
    if not isinstance(found, Road):
        raise ValueError("write TABLE(ATTRIBUTE, ...)")  # noqa: TRY004  the text is wrong, no type is
    return found


_SCALARS: Final[dict[str, Callable[[str], Any]]] = {
    "NULL": _null,
    "bool": _flag,
    "bit-string": _bits,
    "octet-string": bytes.fromhex,
    "visible-string": str,
    "UTF8-string": str,
    "float32": float,
    "float64": float,
    "date_time": lambda text: DateTime.of(_moment(text)),
    "date": lambda text: Date.of(dt.date.fromisoformat(text)),
    "time": _time,
    "date_time_s": lambda text: DateTimeS.of(_moment(text)),
    "OAD": Oad.of,
    "ROAD": _road,
    "OMD": Omd.of,
    "TI": _interval,
    "TSA": tsa,
    "MAC": bytes.fromhex,
    "RN": bytes.fromhex,
    "CSD": column,
    "RCSD": lambda text: columns_of(_parts(text)),
}
