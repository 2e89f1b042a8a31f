"""The simple types of A-XDR Data that DLMS/COSEM and DL/T 698.45 write alike (IEC 61334-6).

DLMS: Data, IEC 62056-6-2. DL/T 698.45: Data, annex of data types. Arrays and structures hold the dialect's own Data,
so each dialect adds them, and its further tags, to these cases.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from meterwire.protocols.wire.nodes import (
    AXDR_LENGTH,
    I8,
    I16,
    I32,
    I64,
    NOTHING,
    REST,
    U8,
    U16,
    U32,
    U64,
    BitString,
    Bool,
    Float,
    Node,
    Octets,
    Sized,
    Text,
)

COMMON_CASES: Final[Mapping[int, Node[Any]]] = {
    0: NOTHING,
    3: Bool(),
    4: BitString(),
    5: I32,
    6: U32,
    9: Sized(AXDR_LENGTH, Octets(REST)),
    10: Sized(AXDR_LENGTH, Text(REST)),
    12: Sized(AXDR_LENGTH, Text(REST, "utf-8")),
    15: I8,
    16: I16,
    17: U8,
    18: U16,
    20: I64,
    21: U64,
    22: U8,
    23: Float(4),
    24: Float(8),
}
"""Layouts of the value behind a tag, by the tag; 1 (array) and 2 (structure) are left to the dialect."""

COMMON_NAMES: Final[Mapping[int, str]] = {
    0: "null-data",
    1: "array",
    2: "structure",
    3: "boolean",
    4: "bit-string",
    5: "double-long",
    6: "double-long-unsigned",
    9: "octet-string",
    10: "visible-string",
    12: "utf8-string",
    15: "integer",
    16: "long",
    17: "unsigned",
    18: "long-unsigned",
    20: "long64",
    21: "long64-unsigned",
    22: "enum",
    23: "float32",
    24: "float64",
}
"""Names of the tags that mean the same in both dialects."""
