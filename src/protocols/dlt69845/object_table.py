"""The table of objects as data: the standard's, and what a province or a maker adds to it in a file of its own."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final, Literal

import msgspec

from meterwire.errors import LocalProtocolError


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


Side = Literal["attribute", "method"]
MemberKey = tuple[int | None, int | None, str, int]
"""Class, object (None for all of the class), kind, number; of members of a single object the class does not matter."""

_COMMON: Final[dict[tuple[Side, int], Member]] = {
    ("attribute", 0): Member(0, "all attributes", "structure"),
    ("attribute", 1): Member(1, "logical name", "octet-string(2)"),
    ("method", 1): Member(1, "reset", "integer"),
    ("method", 2): Member(2, "execute", "any"),
}
"""What every class has."""
_MOST_ROWS: Final = 70_000
_ENERGY, _HARMONICS = 1, 5
_CURRENT: Final = 0x2001
_OF_ELEMENTS: Final = {(0x202C, 1): (-2, "CNY"), (0x202C, 2): (0, "")}
"""Power of ten and unit of members of structures, by object and place."""


class ObjectTable:
    """Objects by identifier, and the attributes and methods of classes and of single objects.

    Args:
        rows: objects.
        members: attributes and methods.
    """

    def __init__(self, rows: Mapping[int, ObjectRow], members: Mapping[MemberKey, Member]) -> None:
        self._rows, self._members = rows, members

    @classmethod
    def standard(cls) -> ObjectTable:
        """The 698 objects and 29 classes of the standard."""
        return _standard()

    def extended(self, text: str) -> ObjectTable:
        """This table with what another one adds or has otherwise.

        Args:
            text: CSV with a heading. `oi` (four hexadecimal digits) and `name` are needed; `name_zh`, `class_id`,
                `type`, `scale`, `unit` and `mark` may be there as in the standard's table. Where `kind` is `attribute`
                or `method`, the line describes that member of the object, with its `number`.

        Raises:
            LocalProtocolError: it is no such table, with the line.
        """
        rows, members = dict(self._rows), dict(self._members)
        lines = csv.DictReader(text.splitlines())
        for number, line in enumerate(lines, start=2):
            try:
                self._take(line, rows, members)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise LocalProtocolError(f"line {number} of the table of objects cannot be read: {error}") from error
            if len(rows) > _MOST_ROWS:
                raise LocalProtocolError("the table of objects has more rows than there are identifiers")
        return ObjectTable(rows, members)

    def _take(self, line: dict[str, str], rows: dict[int, ObjectRow], members: dict[MemberKey, Member]) -> None:
        oi = int(line["oi"], 16)
        if not 0 <= oi <= 0xFFFF:
            raise ValueError(f"{line['oi']} is no object identifier")
        kind = (line.get("kind") or "object").strip()
        if kind in ("attribute", "method"):
            number = int(line["number"])
            members[None, oi, kind, number] = Member(number, line["name"], line.get("type") or "any")
        elif kind == "object":
            known = rows.get(oi)
            rows[oi] = _row(line, known.class_id if known else 6)
        else:
            raise ValueError(f"{kind!r} is neither object, attribute nor method")

    def objects(self) -> tuple[ObjectRow, ...]:
        """All objects, by identifier."""
        return tuple(self._rows[oi] for oi in sorted(self._rows))

    def object_of(self, oi: int) -> ObjectRow | None:
        """The object with that identifier (16 bits), or None when the table has none."""
        return self._rows.get(oi)

    def class_name(self, class_id: int) -> str:
        """Name of an interface class, such as ``energy`` for 1; empty for an unknown one."""
        found = self._members.get((class_id, None, "class", 0))
        return found.name if found else ""

    def members_of(self, oi: int, side: Side) -> tuple[Member, ...]:
        """The attributes or the methods of an object, by number, as far as they are known."""
        row = self._rows.get(oi)
        found = {number: member for (kind, number), member in _COMMON.items() if kind == side and number}
        for (class_id, owner, kind, number), member in self._members.items():
            if kind == side and owner is None and row is not None and class_id == row.class_id:
                found[number] = member
        for (_, owner, kind, number), member in self._members.items():
            if kind == side and owner == oi:
                found[number] = member
        return tuple(found[number] for number in sorted(found))

    def _member(self, oi: int, side: Side, number: int) -> Member | None:
        row, table = self._rows.get(oi), self._members
        own = table.get((None, oi, side, number))
        if own is not None or row is None:
            return own or _COMMON.get((side, number))
        return (
            table.get((row.class_id, oi, side, number))
            or table.get((row.class_id, None, side, number))
            or _COMMON.get((side, number))
        )

    def attribute_of(self, oad: int) -> Member | None:
        """The attribute that an OAD (32 bits) points at; its index and feature bits do not matter. None if unknown."""
        return self._member(oad >> 16 & 0xFFFF, "attribute", oad >> 8 & 0x1F)

    def method_of(self, omd: int) -> Member | None:
        """The method that an OMD (32 bits: OI, method, mode) calls; None when unknown."""
        return self._member(omd >> 16 & 0xFFFF, "method", omd >> 8 & 0xFF)

    def type_of(self, oad: int) -> str:
        """Type of what an OAD reads or writes, element types for an index; empty where unknown."""
        row, number, index = self._rows.get(oad >> 16 & 0xFFFF), oad >> 8 & 0x1F, oad & 0xFF
        member = self.attribute_of(oad)
        known = member.data_type if member and member.data_type != "any" else ""
        if row is not None and number == 2 and row.data_type and known in ("", "array"):
            known = row.data_type
        if not index:
            return known
        return known[6:-1] if known.startswith("array<") else ""

    def scaler_unit(self, oad: int) -> tuple[int, str] | None:
        """Declared power of ten and unit of the integers that an OAD (32 bits) reads; None where none is declared.

        A meter's own answer in the Scaler_Unit attribute has precedence over this table.
        """
        row, attribute = self._rows.get(oad >> 16 & 0xFFFF), oad >> 8 & 0x1F
        if row is None or row.scale is None:
            return _OF_ELEMENTS.get((oad >> 16 & 0xFFFF, oad & 0xFF)) if attribute == 2 else None
        if attribute == 2 or (row.class_id == _HARMONICS and attribute in {3, 4}):
            return row.scale, row.unit
        if row.class_id == _ENERGY and attribute == 4:
            return -4, row.unit  # high precision: two digits more than attribute 2
        if row.oi == _CURRENT and attribute in {4, 5}:
            return row.scale, row.unit  # neutral and residual current
        return None


def _row(line: dict[str, Any], class_id: int) -> ObjectRow:
    return ObjectRow(
        oi=int(line["oi"], 16),
        name=line["name"],
        name_zh=line.get("name_zh") or "",
        class_id=int(line.get("class_id") or class_id),
        data_type=line.get("type") or "",
        scale=int(line["scale"]) if line.get("scale") else None,
        unit=line.get("unit") or "",
        mark=line.get("mark") or "added",
    )


def _lines(name: str) -> Iterable[dict[str, str]]:
    from importlib.resources import files  # noqa: PLC0415  costly, and needed only once a table is read

    return csv.DictReader(files(__package__).joinpath(name).read_text("utf-8").splitlines())


@cache
def _standard() -> ObjectTable:
    members: dict[MemberKey, Member] = {}
    for line in _lines("dlt69845_classes.csv"):
        number = int(line["number"])
        oi = int(line["oi"], 16) if line["oi"] else None
        members[int(line["class_id"]), oi, line["kind"], number] = Member(number, line["name"], line["type"])
    return ObjectTable({int(line["oi"], 16): _row(line, 0) for line in _lines("dlt69845_oi.csv")}, members)
