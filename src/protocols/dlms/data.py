"""Data: the tagged values that every COSEM attribute consists of (IEC 62056-6-2, 4.1.5; A-XDR IEC 61334-6)."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import IntEnum
from typing import Any, Final

from meterwire.protocols.axdr.simple import COMMON_CASES
from meterwire.protocols.wire.declare import named
from meterwire.protocols.wire.nodes import (
    AXDR_LENGTH,
    I8,
    I16,
    I32,
    NOTHING,
    U8,
    U16,
    U32,
    Choice,
    Compact,
    Described,
    Many,
    Node,
    Octets,
    Recur,
    Variant,
)


class Tag(IntEnum):
    """The tags of Data."""

    NULL_DATA = 0
    ARRAY = 1
    STRUCTURE = 2
    BOOLEAN = 3
    BIT_STRING = 4
    DOUBLE_LONG = 5
    DOUBLE_LONG_UNSIGNED = 6
    OCTET_STRING = 9
    VISIBLE_STRING = 10
    UTF8_STRING = 12
    BCD = 13
    INTEGER = 15
    LONG = 16
    UNSIGNED = 17
    LONG_UNSIGNED = 18
    COMPACT_ARRAY = 19
    LONG64 = 20
    LONG64_UNSIGNED = 21
    ENUM = 22
    FLOAT32 = 23
    FLOAT64 = 24
    DATE_TIME = 25
    DATE = 26
    TIME = 27
    DELTA_INTEGER = 28
    DELTA_LONG = 29
    DELTA_DOUBLE_LONG = 30
    DELTA_UNSIGNED = 31
    DELTA_LONG_UNSIGNED = 32
    DELTA_DOUBLE_LONG_UNSIGNED = 33
    DONT_CARE = 255


TAG_NAMES: Final[Mapping[int, str]] = {int(tag): tag.name.lower().replace("_", "-") for tag in Tag}
"""Names of the tags as the standard writes them."""

SIMPLE_CASES: Final[Mapping[int, Node[Any]]] = {
    **COMMON_CASES,
    Tag.BCD: U8,
    Tag.DATE_TIME: Octets(12),
    Tag.DATE: Octets(5),
    Tag.TIME: Octets(4),
    Tag.DELTA_INTEGER: I8,
    Tag.DELTA_LONG: I16,
    Tag.DELTA_DOUBLE_LONG: I32,
    Tag.DELTA_UNSIGNED: U8,
    Tag.DELTA_LONG_UNSIGNED: U16,
    Tag.DELTA_DOUBLE_LONG_UNSIGNED: U32,
    Tag.DONT_CARE: NOTHING,
}
"""Layouts of the types that hold no other Data. BCD is one octet of two digits and is kept as its number."""

_SEQUENCE: Final = Many(AXDR_LENGTH, Recur("dlms.Data"))

DATA: Final = named(
    "dlms.Data",
    Choice(
        U8,
        {
            Tag.ARRAY: _SEQUENCE,
            Tag.STRUCTURE: _SEQUENCE,
            **SIMPLE_CASES,
            Tag.COMPACT_ARRAY: Described(SIMPLE_CASES),
        },
        into=Variant,
    ),
    doc="Data: a tag and the value of that type",
    cite="IEC 62056-6-2, 4.1.5",
)

NULL: Final = Variant(Tag.NULL_DATA, None)

_RANGES: Final[Mapping[int, tuple[int, int]]] = {
    Tag.DOUBLE_LONG: (-(1 << 31), (1 << 31) - 1),
    Tag.DOUBLE_LONG_UNSIGNED: (0, (1 << 32) - 1),
    Tag.INTEGER: (-128, 127),
    Tag.LONG: (-(1 << 15), (1 << 15) - 1),
    Tag.UNSIGNED: (0, 255),
    Tag.LONG_UNSIGNED: (0, 65535),
    Tag.LONG64: (-(1 << 63), (1 << 63) - 1),
    Tag.LONG64_UNSIGNED: (0, (1 << 64) - 1),
}

INTEGER_TAGS: Final = frozenset(_RANGES) | {Tag.ENUM, Tag.BCD}
"""Tags whose value is an integer."""


def structure(*members: Variant) -> Variant:
    """A structure of these members."""
    return Variant(Tag.STRUCTURE, members)


def array(elements: Iterable[Variant]) -> Variant:
    """An array of these elements."""
    return Variant(Tag.ARRAY, tuple(elements))


def octet_string(octets: bytes) -> Variant:
    """An octet string."""
    return Variant(Tag.OCTET_STRING, octets)


def fits(tag: int, value: int) -> bool:
    """Whether an integer type can carry the number."""
    low, high = _RANGES[tag]
    return low <= value <= high


def number(data: Any) -> Decimal | None:
    """The number that a Data holds, whatever integer or float type the meter chose; None where it holds none."""
    if not isinstance(data, Variant):
        return None
    if data.tag in INTEGER_TAGS:
        return Decimal(data.value)
    if data.tag in (Tag.FLOAT32, Tag.FLOAT64):
        return _shortest(data.value, single=data.tag == Tag.FLOAT32)
    return None


def integer(data: Any) -> int | None:
    """The whole number that a Data holds, of whatever type; None where it holds none, NaN and infinity among them."""
    found = number(data)
    if found is None or not found.is_finite() or abs(found) >= _NO_INTEGER or found != int(found):
        return None
    return int(found)


_NO_INTEGER: Final = 1 << 64
"""No type of whole numbers reaches this; a float of 308 digits is not made into an int."""


def _shortest(value: float, *, single: bool) -> Decimal:
    """The shortest decimal that is this float: 8 digits always tell float32 apart, 17 float64."""
    if not single:
        return Decimal(repr(value))
    import struct  # noqa: PLC0415  only for meters that send floats

    for digits in range(6, 10):
        text = f"{value:.{digits}g}"
        if struct.pack(">f", float(text)) == struct.pack(">f", value):
            return Decimal(text)
    return Decimal(repr(value))


def elements(data: Any) -> tuple[Any, ...] | None:
    """The members of an array, structure or compact array; None for anything else."""
    if not isinstance(data, Variant):
        return None
    if isinstance(data.value, Compact):
        return data.value.elements
    return data.value if isinstance(data.value, tuple) else None
