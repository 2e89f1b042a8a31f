"""Tables of data identifiers: rows that stand for one identifier or for all those of a range.

A row's identifier is hex digits, the highest octet first; ``[01-3F]`` stands for every octet of that range,
``{90,94,98}`` for each of these. In its names ``<2>`` is the number in the second range and
``<2:current|settlement day #>`` picks by it, the last choice for all that follow, with ``#`` for the number.
`layout` names the columns of a record or list (`layouts`); with ``#2`` behind it the second range picks one of them,
and the row stands for that item alone; ``word:`` names the flags of a word (`words`).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import Final

import msgspec

from meterwire.protocols.dlt645.formats import format_of
from meterwire.protocols.dlt645.layouts import Column, format_of_layout, layout
from meterwire.protocols.dlt645.values import Format


class Identifier(msgspec.Struct, frozen=True):
    """One data identifier.

    Attributes:
        di: the identifier, 32 bits (16 in 1997), the highest octet highest.
        format: how the octets are to be read, in the notation of `formats`.
        octets: length of the data; None where it depends on the meter.
        unit: unit of a number; several are joined by a semicolon; `times` for counts.
        access: `r`, `w`, `rw`, or `03H` for identifiers of the security function.
        signed: every number carries a sign in the top bit of its highest octet; some may where the format says so.
        table: the table of the standard, or how else the row is known.
        columns: what the items of a record or list are, where they are known.
        word: name of the flags that the item holds.
        quantity: the neutral name, where the table has one (1997; that of 2007 is in `meterwire.quantities`).
    """

    di: int
    name: str
    name_zh: str
    format: str
    octets: int | None
    unit: str
    access: str
    signed: bool
    table: str
    columns: tuple[Column, ...] = ()
    word: str = ""
    quantity: str = ""

    @property
    def codec(self) -> Format:
        """Reader and writer of the data."""
        return format_of(self.format, self.signed)


class Row(msgspec.Struct, frozen=True):
    """A row of a table: an identifier, or all those of a range."""

    ranges: tuple[Sequence[int], ...]
    name: str
    name_zh: str
    layout: str
    format: str
    octets: int | None
    unit: str
    access: str
    signed: bool
    table: str
    quantity: str
    digits: int
    """Mask of the part of an octet that counts: a whole one, or in 1997 its low digit."""

    def holds(self, octets: bytes) -> bool:
        """Whether the identifier, or the beginning of one, is one of this row."""
        return all(octet in values for octet, values in zip(octets, self.ranges, strict=False))

    def identifier(self, octets: bytes) -> Identifier:
        """The identifier (highest octet first) spelled out."""
        pairs = zip(octets, self.ranges, strict=True)
        chosen = [(octet & self.digits, values.index(octet)) for octet, values in pairs if len(values) > 1]
        names = [_spelled(text, chosen) for text in (self.name, self.name_zh, self.quantity)]
        word = self.layout.removeprefix("word:") if self.layout.startswith("word:") else ""
        reference, _, place = self.layout.partition("#")
        columns = () if word else layout(reference)
        if place:
            return self._item(octets, names, columns[chosen[int(place) - 1][1]])
        return Identifier(
            di=int.from_bytes(octets, "big"),
            name=names[0],
            name_zh=names[1],
            format=self.format or format_of_layout(columns),
            octets=self.octets,
            unit=self.unit,
            access=self.access,
            signed=self.signed,
            table=self.table,
            columns=columns,
            word=word,
            quantity=names[2],
        )

    def _item(self, octets: bytes, names: list[str], column: Column) -> Identifier:
        return Identifier(
            di=int.from_bytes(octets, "big"),
            name=f"{names[0]}: {column.name}",
            name_zh=f"{names[1]}{column.name_zh}",
            format=column.format,
            octets=format_of(column.format, self.signed).size,
            unit=column.unit,
            access=self.access,
            signed=self.signed,
            table=self.table,
            word=column.word,
        )


_CHOICE: Final = re.compile(r"<(\d)(?::([^>]*))?>")
_OCTET: Final = re.compile(r"\[(..)-(..)\]|\{([^}]*)\}|(..)")


def _spelled(name: str, chosen: list[tuple[int, int]]) -> str:
    def spell(found: re.Match[str]) -> str:
        number, index = chosen[int(found[1]) - 1]
        if found[2] is None:
            return str(number)
        choices = found[2].split("|")
        return choices[min(index, len(choices) - 1)].replace("#", str(number))

    return _CHOICE.sub(spell, name) if "<" in name else name


def _values(found: tuple[str, ...]) -> Sequence[int]:
    low, high, several, one = found
    if several:
        return tuple(int(octet, 16) for octet in several.split(","))
    return range(int(low or one, 16), int(high or one, 16) + 1)


def _row(row: dict[str, str], digits: int) -> Row:
    return Row(
        ranges=tuple(map(_values, _OCTET.findall(row["di"]))),
        name=row["name_en"],
        name_zh=row["name_zh"],
        layout=row["layout"],
        format=row["format"],
        octets=int(row["octets"]) if row["octets"] else None,
        unit=row["unit"],
        access=row["access"],
        signed=row["signed"] == "1",
        table=row["table"],
        quantity=row.get("quantity", ""),
        digits=digits,
    )


class Table:
    """The rows of one edition, found by the first two octets of an identifier.

    Args:
        name: of the file beside this module.
        octets: of an identifier.
        digits: see `Row`.
    """

    def __init__(self, name: str, octets: int, digits: int = 0xFF) -> None:
        self._name, self.octets, self._digits = name, octets, digits
        self._rows: dict[tuple[int, int], list[Row]] = {}

    @property
    def rows(self) -> dict[tuple[int, int], list[Row]]:
        """All rows, by the first two octets."""
        if not self._rows:
            from importlib.resources import files  # noqa: PLC0415  costly, and needed only once the table is read

            found: dict[tuple[int, int], list[Row]] = {}
            text = files(__package__).joinpath(self._name).read_text("utf-8")
            for line in csv.DictReader(text.splitlines()):
                row = _row(line, self._digits)
                for key in ((first, second) for first in row.ranges[0] for second in row.ranges[1]):
                    found.setdefault(key, []).append(row)
            self._rows = found
        return self._rows

    def find(self, di: int) -> Identifier | None:
        """The identifier that a row describes."""
        if not 0 <= di < 1 << 8 * self.octets:
            return None
        octets = di.to_bytes(self.octets, "big")
        for row in self.rows.get((octets[0], octets[1]), ()):
            if row.holds(octets):
                return row.identifier(octets)
        return None

    def numbers(self, di: int, shift: int, step: int) -> list[int]:
        """What can stand in one place of an identifier, of `step` bits, so that a row describes it; lowest first."""
        octets = di.to_bytes(self.octets, "big")
        place = self.octets - 1 - shift // 8
        found: set[int] = set()
        for row in self._of(octets, place):
            others = (octet in row.ranges[at] for at, octet in enumerate(octets) if at != place)
            if all(others):
                high = octets[place] & ~((1 << step) - 1)
                found |= {value - high for value in row.ranges[place] if 0 <= value - high < 1 << step}
        return sorted(found)

    def _of(self, octets: bytes, place: int) -> list[Row]:
        """The rows that can have an identifier, whatever stands in one place."""
        if place > 1:
            return self.rows.get((octets[0], octets[1]), [])
        rows = {id(row): row for second in range(0x100) for row in self.rows.get((octets[0], second), ())}
        return list(rows.values())
