"""The objects of DL/T 698.45: what an object identifier, an attribute and a method stand for.

Two tables: ``dlt69845_oi.csv`` has the 698 object identifiers with their class and, where known, what the value
attribute holds; ``dlt69845_classes.csv`` has the attributes and methods of the 29 interface classes, and those that
single objects add. The mark of an object says how sure its row is: `standard` (2017 text), `2021` (added by the
consolidated text of 2021), `seen` in public programs, `unverified`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from meterwire.protocols.dlt69845.object_table import Member, ObjectRow, ObjectTable

__all__ = [
    "Member",
    "ObjectRow",
    "ObjectTable",
    "attribute_of",
    "class_name",
    "describe_oad",
    "describe_omd",
    "method_of",
    "object_of",
    "objects",
    "scaler_unit",
    "table",
    "using",
]

_USED: Final[ContextVar[ObjectTable | None]] = ContextVar("objects of DL/T 698.45", default=None)


def table() -> ObjectTable:
    """The table in use: the standard's, or what `using` has put in its place."""
    return _USED.get() or ObjectTable.standard()


@contextmanager
def using(other: ObjectTable) -> Iterator[ObjectTable]:
    """Everything inside takes names, types and scalers from another table, such as that of a province."""
    token = _USED.set(other)
    try:
        yield other
    finally:
        _USED.reset(token)


def object_of(oi: int) -> ObjectRow | None:
    """The object with that identifier (16 bits), or None when no table has it."""
    return table().object_of(oi)


def objects() -> tuple[ObjectRow, ...]:
    """All objects of the table, by identifier."""
    return table().objects()


def class_name(class_id: int) -> str:
    """Name of an interface class, such as ``energy`` for 1; empty for an unknown one."""
    return table().class_name(class_id)


def attribute_of(oad: int) -> Member | None:
    """The attribute that an OAD (32 bits) points at; its index and feature bits do not matter. None when unknown."""
    return table().attribute_of(oad)


def method_of(omd: int) -> Member | None:
    """The method that an OMD (32 bits: OI, method, mode) calls; None when unknown."""
    return table().method_of(omd)


def scaler_unit(oad: int) -> tuple[int, str] | None:
    """Declared power of ten and unit of the integers that an OAD (32 bits) reads; None where none is declared.

    A meter's own answer in the Scaler_Unit attribute has precedence over this table.
    """
    return table().scaler_unit(oad)


_POWER: Final = 4
_CHARGE: Final = 0x2029
_SPECIAL: Final = {
    (0x3302, 6): "attributes written",
    (0x3308, 6): "highest demand",
    (0x3308, 7): "time of the highest demand",
    (0x330C, 6): "methods that cleared",
    (0x202C, 1): "money left",
    (0x202C, 2): "purchases",
}
"""Members of structures; what stands behind the five standard columns in records with a unit of their own."""
_PHASES: Final = ("phase A", "phase B", "phase C")


def element_name(row: ObjectRow | None, attribute: int, index: int) -> str:
    """What the n-th element (n from 1) of an attribute is, where the class says so."""
    class_id = row.class_id if row else 0
    if row is not None and attribute == 2 and (row.oi, index) in _SPECIAL:
        return _SPECIAL[row.oi, index]
    if row is not None and row.oi == _CHARGE:
        class_id = _POWER  # a total and three phases, as powers are
    if class_id in {1, 2} and attribute in {2, 4}:
        return "total" if index == 1 else f"rate {index - 1}"
    if class_id == 3 and attribute == 2:
        return _PHASES[index - 1] if index <= 3 else ""
    if class_id == _POWER and attribute == 2:
        return ("total", *_PHASES)[index - 1] if index <= 4 else ""
    if class_id == 5 and attribute in {2, 3, 4}:
        return "total" if index == 1 else f"harmonic {index}"
    if (class_id in {7, 9} and attribute == 2) or (class_id == 24 and attribute in {6, 7, 8, 9}):
        return "last record" if index == 1 else f"{index}. last record"
    return ""


def describe_oad(oad: int) -> str:
    """An OAD (32 bits: OI, attribute with its feature bits, index) in words, with the declared unit.

    `00100201 forward (import) active energy, attribute 2 (total and rates), element 1 (total), kWh 10^-2`
    """
    oi, attribute, feature, index = oad >> 16 & 0xFFFF, oad >> 8 & 0x1F, oad >> 13 & 0x07, oad & 0xFF
    row, member = object_of(oi), attribute_of(oad)
    words = [f"{oad & 0xFFFFFFFF:08X} {row.name if row else 'unknown object'}"]
    words.append(f"attribute {attribute}" + (f" ({member.name})" if member else ""))
    if feature:
        words.append(f"feature {feature}")
    if index:
        element = element_name(row, attribute, index)
        words.append(f"element {index}" + (f" ({element})" if element else ""))
    declared = scaler_unit(oad)
    if declared and (declared[0] or declared[1]):
        words.append(f"{declared[1]} 10^{declared[0]}".strip())
    return ", ".join(words)


def describe_omd(omd: int) -> str:
    """An OMD (32 bits: OI, method, mode) in words: `80008100 remote control (trip/close), method 129 (trip)`."""
    row, member, number = object_of(omd >> 16 & 0xFFFF), method_of(omd), omd >> 8 & 0xFF
    name = row.name if row else "unknown object"
    return f"{omd & 0xFFFFFFFF:08X} {name}, method {number}" + (f" ({member.name})" if member else "")
