"""Types of attributes as the tables write them, and Data of a type: `array<structure{date,unsigned}>`.

A number may count powers of ten: `long-unsigned^-1`. Strings of bits and octets may have a size: `bit-string(8)`.
`digits` is an octet-string of BCD digits, high digit first. Values are tuples for arrays and structures, Decimal or int
for numbers, int for strings of bits (bit 0 is the first), naive times, None for a time that is not specified.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any, Final, Protocol

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.values import truncated
from meterwire.protocols.dlt69845.data import Baud, FlowControl, Parity, PortSettings
from meterwire.protocols.dlt69845.dates import NOT_SPECIFIED, UNSPECIFIED, UNSPECIFIED_WORD, Date, DateTimeS
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities import by_di, by_oad

INTEGERS: Final = {
    "double-long": (5, 32, True),
    "double-long-unsigned": (6, 32, False),
    "integer": (15, 8, True),
    "long": (16, 16, True),
    "unsigned": (17, 8, False),
    "long-unsigned": (18, 16, False),
    "long64": (20, 64, True),
    "long64-unsigned": (21, 64, False),
    "enum": (22, 8, False),
}
"""Tag, bits and sign of the integers."""

_SCALAR: Final = re.compile(r"(?P<name>[A-Za-z0-9_-]+)(?:\((?P<size>\d+)\))?(?:\^(?P<scale>-?\d+))?")
_NO_DATE: Final = Date(UNSPECIFIED_WORD, UNSPECIFIED, UNSPECIFIED, UNSPECIFIED)


class Denied(Exception):  # noqa: N818  becomes a DAR before it leaves the face
    """An attribute cannot be read or written, a method cannot be run; `dar` says why."""

    def __init__(self, dar: Dar) -> None:
        super().__init__(dar.name)
        self.dar = dar


class Type(Protocol):
    """How a value is sent."""

    def data(self, value: Any) -> Variant:
        """The value as Data; raises `Denied` for one that does not fit."""

    def value(self, found: Variant) -> Any:
        """The value that Data has; raises `Denied` for another type, or content that is none."""


class Integer(msgspec.Struct, frozen=True):
    """A whole number, which may count powers of ten."""

    tag: int
    low: int
    high: int
    scale: int = 0

    def data(self, value: Any) -> Variant:
        """See `Type`."""
        raw = truncated(Fraction(value), self.scale)
        if not self.low <= raw <= self.high:
            raise Denied(Dar.OTHER)
        return Variant(self.tag, raw)

    def value(self, found: Variant) -> Any:
        """See `Type`."""
        raw = _content(found, self.tag)
        return Decimal(raw).scaleb(self.scale) if self.scale else int(raw)


class Bits(msgspec.Struct, frozen=True):
    """A string of so many bits as a number, bit 0 first."""

    size: int

    def data(self, value: Any) -> Variant:
        """See `Type`."""
        return Variant(4, "".join(str(value >> bit & 1) for bit in range(self.size)))

    def value(self, found: Variant) -> Any:
        """See `Type`."""
        bits = _content(found, 4)
        if len(bits) != self.size:
            raise Denied(Dar.TYPE_UNMATCHED)
        return int(bits[::-1], 2)


class Plain(msgspec.Struct, frozen=True):
    """What is in Data as it is here: texts, octets, truths, descriptors."""

    tag: int
    size: int = 0

    def data(self, value: Any) -> Variant:
        """See `Type`."""
        return Variant(self.tag, value)

    def value(self, found: Variant) -> Any:
        """See `Type`."""
        content = _content(found, self.tag)
        if self.size and len(content) > self.size:
            raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
        return content


class Digits(msgspec.Struct, frozen=True):
    """Digits, two in an octet."""

    def data(self, value: Any) -> Variant:
        """See `Type`."""
        return Variant(9, bytes.fromhex(value if len(value) % 2 == 0 else "0" + value))

    def value(self, found: Variant) -> Any:
        """See `Type`."""
        return _content(found, 9).hex().upper()


class Truth(msgspec.Struct, frozen=True):
    """A truth as 0 or 1."""

    def data(self, value: Any) -> Variant:
        """See `Type`."""
        return Variant(3, bool(value))

    def value(self, found: Variant) -> Any:
        """See `Type`."""
        return int(_content(found, 3))


class Descriptor(msgspec.Struct, frozen=True):
    """An OAD as eight hexadecimal digits."""

    def data(self, value: Any) -> Variant:
        """See `Type`."""
        return Variant(81, Oad.of(value))

    def value(self, found: Variant) -> Any:
        """See `Type`."""
        return str(_content(found, 81))


class Screen(msgspec.Struct, frozen=True):
    """What a screen shows: a column (CSD) here, a data identifier of DL/T 645 in the neutral lists of screens."""

    def data(self, value: Any) -> Variant:
        """See `Type`."""
        row = by_di(int(value, 16))
        if row is None or row.oad is None:
            raise Denied(Dar.OBJECT_UNAVAILABLE)
        return Variant(91, Oad.of(row.oad))

    def value(self, found: Variant) -> Any:
        """See `Type`."""
        column = _content(found, 91)
        row = by_oad(column.packed) if isinstance(column, Oad) else None
        if row is None or row.di is None:
            raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
        return f"{row.di:08X}"


class Port(msgspec.Struct, frozen=True):
    """The speed of a port in bits a second; its characters always have 8 bits, even parity and one stop bit."""

    def data(self, value: Any) -> Variant:
        """See `Type`."""
        return Variant(95, self._like(Baud[f"B{value}"]))

    def value(self, found: Variant) -> Any:
        """See `Type`."""
        sent = _content(found, 95)
        if not isinstance(sent.baud, Baud) or sent.baud == Baud.AUTOMATIC or sent != self._like(sent.baud):
            raise Denied(Dar.BAUD_RATE_NOT_CHANGEABLE)
        return int(sent.baud.name.removeprefix("B"))

    def _like(self, baud: Baud) -> PortSettings:
        return PortSettings(baud, Parity.EVEN, 8, 1, FlowControl.NONE)


class Moment(msgspec.Struct, frozen=True):
    """A date and time to the second."""

    def data(self, value: Any) -> Variant:
        """See `Type`."""
        return Variant(28, NOT_SPECIFIED if value is None else DateTimeS.of(value))

    def value(self, found: Variant) -> Any:
        """See `Type`."""
        sent = _content(found, 28)
        return None if sent == NOT_SPECIFIED else _specified(sent.datetime())


class Day(msgspec.Struct, frozen=True):
    """A date; the day of the week follows from it, so that a wrong one does not matter."""

    def data(self, value: Any) -> Variant:
        """See `Type`."""
        return Variant(26, _NO_DATE if value is None else Date.of(value))

    def value(self, found: Variant) -> Any:
        """See `Type`."""
        sent = _content(found, 26)
        if sent.year == UNSPECIFIED_WORD and sent.month == sent.day == UNSPECIFIED:
            return None
        try:
            return dt.date(sent.year, sent.month, sent.day)
        except ValueError:
            raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED) from None


class ArrayOf(msgspec.Struct, frozen=True):
    """Any number of values of one type."""

    of: Any

    def data(self, value: Any) -> Variant:
        """See `Type`."""
        return Variant(1, tuple(self.of.data(one) for one in value))

    def value(self, found: Variant) -> Any:
        """See `Type`."""
        return tuple(self.of.value(one) for one in _content(found, 1))


class StructureOf(msgspec.Struct, frozen=True):
    """One value of each type; None stands for an entry that is not used."""

    members: tuple[Any, ...]

    def data(self, value: Any) -> Variant:
        """See `Type`."""
        parts = nothing_of(self) if value is None else value
        return Variant(2, tuple(one.data(part) for one, part in zip(self.members, parts, strict=True)))

    def value(self, found: Variant) -> Any:
        """See `Type`."""
        parts = _content(found, 2)
        if len(parts) != len(self.members):
            raise Denied(Dar.TYPE_UNMATCHED)
        return tuple(one.value(part) for one, part in zip(self.members, parts, strict=True))


def nothing_of(kind: StructureOf) -> tuple[Any, ...]:
    """What stands in a structure for an entry that is not there: no time, 0."""
    return tuple(None if isinstance(one, (Day, Moment)) else 0 for one in kind.members)


def element_of(kind: Any, number: int) -> Any:
    """The type of an element (from 1) of an array or structure; raises `Denied` where there is none."""
    if isinstance(kind, ArrayOf):
        return kind.of
    if isinstance(kind, StructureOf) and number <= len(kind.members):
        return kind.members[number - 1]
    raise Denied(Dar.OBJECT_UNAVAILABLE)


def _content(found: Variant, tag: int) -> Any:
    if found.tag != tag:
        raise Denied(Dar.TYPE_UNMATCHED)
    return found.value


def _specified(moment: dt.datetime | None) -> dt.datetime:
    if moment is None:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
    return moment


_PLAIN: Final[Mapping[str, int]] = {
    "NULL": 0,
    "octet-string": 9,
    "visible-string": 10,
    "OI": 80,
    "TI": 84,
}
_OTHER: Final[Mapping[str, Callable[[int], Any]]] = {
    "bit-string": Bits,
    "digits": lambda size: Digits(),  # noqa: ARG005  its parameter says how many
    "date_time_s": lambda size: Moment(),  # noqa: ARG005  always of one size
    "bool": lambda size: Truth(),  # noqa: ARG005  likewise
    "OAD": lambda size: Descriptor(),  # noqa: ARG005  likewise
    "screen": lambda size: Screen(),  # noqa: ARG005  likewise
    "COMDCB": lambda size: Port(),  # noqa: ARG005  likewise
    "date": lambda size: Day(),  # noqa: ARG005  likewise
}


@cache
def type_of(text: str) -> Any:
    """The type that a text names; raises LocalProtocolError for a text that is none."""
    found, rest = _parsed(text)
    if rest:
        raise LocalProtocolError(f"{text!r} is no type: {rest!r} is left over")
    return found


def _parsed(text: str) -> tuple[Any, str]:
    if text.startswith("array<"):
        inner, rest = _parsed(text.removeprefix("array<"))
        return ArrayOf(inner), _behind(rest, ">")
    if text.startswith("structure{"):
        members, rest = listed(text.removeprefix("structure{"), _parsed)
        return StructureOf(tuple(members)), _behind(rest, "}")
    found = _SCALAR.match(text)
    name = found["name"] if found else ""
    size, scale = (int(found[part] or 0) if found else 0 for part in ("size", "scale"))
    rest = text[found.end() :] if found else text
    if name in INTEGERS:
        tag, width, signed = INTEGERS[name]
        low = -(1 << width - 1) if signed else 0
        return Integer(tag, low, low + (1 << width) - 1, scale), rest
    if name in _PLAIN:
        return Plain(_PLAIN[name], size), rest
    if name in _OTHER:
        return _OTHER[name](size), rest
    raise LocalProtocolError(f"{text!r} is no type")


def listed(text: str, parse: Callable[[str], tuple[Any, str]]) -> tuple[Sequence[Any], str]:
    """What is listed with commas, and the text behind it."""
    found = []
    while True:
        one, text = parse(text)
        found.append(one)
        if not text.startswith(","):
            return found, text
        text = text[1:]


def _behind(text: str, mark: str) -> str:
    if not text.startswith(mark):
        raise LocalProtocolError(f"{mark!r} is missing before {text!r}")
    return text[1:]


__all__ = [
    "INTEGERS",
    "ArrayOf",
    "Denied",
    "Integer",
    "StructureOf",
    "Type",
    "element_of",
    "listed",
    "nothing_of",
    "type_of",
]
