"""The objects of DL/T 698.45: what an object identifier, an attribute and a method stand for.

Two tables: ``dlt69845_oi.csv`` has the 698 object identifiers with their class and, where known, what the value
attribute holds; ``dlt69845_classes.csv`` has the attributes and methods of the 29 interface classes, and those that
single objects add. The mark of an object says how sure its row is: `standard` (2017 text), `2021` (added by the
consolidated text of 2021), `seen` in public programs, `unverified`.
"""

from __future__ import annotations

import csv
from functools import cache
from typing import Final, Literal

import msgspec


class ObjectRow(msgspec.Struct, frozen=True):
    """One object.

    Attributes:
        oi: object identifier, 16 bits.
        name_zh: Chinese name, empty where none is known.
        class_id: interface class.
        data_type: type of attribute 2, such as ``array<long-unsigned>``; empty where unknown.
        scale: power of ten of its integers, the scaler a meter answers in its Scaler_Unit attribute; None where none.
        unit: unit of its integers; empty where there is none.
        mark: how sure the row is.
    """

    oi: int
    name: str
    name_zh: str
    class_id: int
    data_type: str
    scale: int | None
    unit: str
    mark: str

    @property
    def element_type(self) -> str:
        """Type of one element of attribute 2 where that is an array, else its type."""
        inner = self.data_type.removeprefix("array<")
        return inner.removesuffix(">") if inner != self.data_type else inner


class Member(msgspec.Struct, frozen=True):
    """An attribute or a method of an interface class or of one object.

    Attributes:
        number: 1 to 31 for attributes, 1 to 255 for methods.
        data_type: type of the value or of the parameter; empty or `any` where it depends on the object.
    """

    number: int
    name: str
    data_type: str


_Side = Literal["attribute", "method"]

_COMMON: Final[dict[tuple[_Side, int], Member]] = {
    ("attribute", 0): Member(0, "all attributes", "structure"),
    ("attribute", 1): Member(1, "logical name", "octet-string(2)"),
    ("method", 1): Member(1, "reset", "integer"),
    ("method", 2): Member(2, "execute", "any"),
}
"""What every class has."""


def _lines(name: str) -> csv.DictReader[str]:
    from importlib.resources import files  # noqa: PLC0415  costly, and needed only once a table is read

    return csv.DictReader(files(__package__).joinpath(name).read_text("utf-8").splitlines())


@cache
def _objects() -> dict[int, ObjectRow]:
    rows = (
        ObjectRow(
            oi=int(line["oi"], 16),
            name=line["name"],
            name_zh=line["name_zh"],
            class_id=int(line["class_id"]),
            data_type=line["type"],
            scale=int(line["scale"]) if line["scale"] else None,
            unit=line["unit"],
            mark=line["mark"],
        )
        for line in _lines("dlt69845_oi.csv")
    )
    return {row.oi: row for row in rows}


@cache
def _members() -> dict[tuple[int, int | None, str, int], Member]:
    members: dict[tuple[int, int | None, str, int], Member] = {}
    for line in _lines("dlt69845_classes.csv"):
        number = int(line["number"])
        oi = int(line["oi"], 16) if line["oi"] else None
        members[int(line["class_id"]), oi, line["kind"], number] = Member(number, line["name"], line["type"])
    return members


def object_of(oi: int) -> ObjectRow | None:
    """The object with that identifier (16 bits), or None when no table has it."""
    return _objects().get(oi)


def objects() -> tuple[ObjectRow, ...]:
    """All objects of the table, by identifier."""
    return tuple(_objects().values())


def class_name(class_id: int) -> str:
    """Name of an interface class, such as ``energy`` for 1; empty for an unknown one."""
    found = _members().get((class_id, None, "class", 0))
    return found.name if found else ""


def _member(oi: int, side: _Side, number: int) -> Member | None:
    row = _objects().get(oi)
    if row is None:
        return _COMMON.get((side, number))
    table = _members()
    own = table.get((row.class_id, oi, side, number))
    return own or table.get((row.class_id, None, side, number)) or _COMMON.get((side, number))


def attribute_of(oad: int) -> Member | None:
    """The attribute that an OAD (32 bits) points at; its index and feature bits do not matter. None when unknown."""
    return _member(oad >> 16 & 0xFFFF, "attribute", oad >> 8 & 0x1F)


def method_of(omd: int) -> Member | None:
    """The method that an OMD (32 bits: OI, method, mode) calls; None when unknown."""
    return _member(omd >> 16 & 0xFFFF, "method", omd >> 8 & 0xFF)


def scaler_unit(oad: int) -> tuple[int, str] | None:
    """Declared power of ten and unit of the integers that an OAD (32 bits) reads; None where none is declared.

    A meter's own answer in the Scaler_Unit attribute has precedence over this table.
    """
    row, attribute = _objects().get(oad >> 16 & 0xFFFF), oad >> 8 & 0x1F
    if row is None or row.scale is None:
        return None
    if attribute == 2 or (row.class_id == 5 and attribute in {3, 4}):
        return row.scale, row.unit
    if row.class_id == 1 and attribute == 4:
        return -4, row.unit  # high precision: two digits more than attribute 2
    if row.oi == 0x2001 and attribute in {4, 5}:
        return row.scale, row.unit  # neutral and residual current
    return None


_PHASES: Final = ("phase A", "phase B", "phase C")


def _element(row: ObjectRow | None, attribute: int, index: int) -> str:
    """What the n-th element (n from 1) of an attribute is, where the class says so."""
    class_id = row.class_id if row else 0
    if class_id in {1, 2} and attribute in {2, 4}:
        return "total" if index == 1 else f"rate {index - 1}"
    if class_id == 3 and attribute == 2:
        return _PHASES[index - 1] if index <= 3 else ""
    if class_id == 4 and attribute == 2:
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
    row, member = _objects().get(oi), attribute_of(oad)
    words = [f"{oad & 0xFFFFFFFF:08X} {row.name if row else 'unknown object'}"]
    words.append(f"attribute {attribute}" + (f" ({member.name})" if member else ""))
    if feature:
        words.append(f"feature {feature}")
    if index:
        element = _element(row, attribute, index)
        words.append(f"element {index}" + (f" ({element})" if element else ""))
    declared = scaler_unit(oad)
    if declared and (declared[0] or declared[1]):
        words.append(f"{declared[1]} 10^{declared[0]}".strip())
    return ", ".join(words)


def describe_omd(omd: int) -> str:
    """An OMD (32 bits: OI, method, mode) in words: `80008100 remote control (trip/close), method 129 (trip)`."""
    row, member, number = _objects().get(omd >> 16 & 0xFFFF), method_of(omd), omd >> 8 & 0xFF
    name = row.name if row else "unknown object"
    return f"{omd & 0xFFFFFFFF:08X} {name}, method {number}" + (f" ({member.name})" if member else "")
