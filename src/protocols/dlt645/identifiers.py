"""The data identifiers of DL/T 645-2007: what a meter can be asked for, and what the octets of the answer mean.

The table (``dlt645_di.csv``) holds some 670 rows; those of the standard's annex A alone spell out to 21,547
identifiers. A row's identifier is eight hex digits, DI3 first; ``[01-3F]`` stands for every octet of that range. In
its names ``<2>`` is the number in the second range and ``<2:current|settlement day #>`` picks by it, the last choice
for all that follow, with ``#`` for the number.
Column `table` says how sure a row is: A.1 to A.7 are the standard's tables, EXT-14 the 2014 notice, EXT is seen in
public programs, ``EXT?`` is recalled only. The formats are described in `formats`.
"""

from __future__ import annotations

import csv
import re
from functools import cache, lru_cache
from typing import Any, Final

import msgspec

from meterwire.protocols.dlt645.formats import Repeat, format_of
from meterwire.protocols.dlt645.values import Format, Value, moment

__all__ = ["Identifier", "Value", "decode", "encode", "identifier", "members", "moment"]


class Identifier(msgspec.Struct, frozen=True):
    """One data identifier.

    Attributes:
        di: the identifier, 32 bits, DI3 highest.
        format: how the octets are to be read, in the notation of `formats`.
        octets: length of the data; None where it depends on the meter.
        unit: unit of a number; several are joined by a semicolon; `times` for counts.
        access: `r`, `w`, `rw`, or `03H` for identifiers of the security function.
        signed: numbers carry a sign in the top bit of their highest octet.
        table: the table of the standard, or how else the row is known.
        fields: the Chinese names of a record's items, where they are known.
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
    fields: tuple[str, ...] = ()

    @property
    def codec(self) -> Format:
        """Reader and writer of the data."""
        return format_of(self.format, self.signed)


class _Row(msgspec.Struct, frozen=True):
    """A row of the table: an identifier, or all those of a range."""

    ranges: tuple[tuple[int, int], ...]
    name: str
    name_zh: str
    format: str
    octets: int | None
    unit: str
    access: str
    signed: bool
    table: str
    fields: tuple[str, ...]

    def holds(self, octets: bytes) -> bool:
        """Whether the identifier, or the beginning of one (DI3 first), is one of this row."""
        return all(low <= octet <= high for octet, (low, high) in zip(octets, self.ranges, strict=False))

    def identifier(self, octets: bytes) -> Identifier:
        """The identifier (DI3 first) spelled out."""
        chosen = [(octet, low) for octet, (low, high) in zip(octets, self.ranges, strict=True) if low != high]
        return Identifier(
            di=int.from_bytes(octets, "big"),
            name=_spelled(self.name, chosen),
            name_zh=_spelled(self.name_zh, chosen),
            format=self.format,
            octets=self.octets,
            unit=self.unit,
            access=self.access,
            signed=self.signed,
            table=self.table,
            fields=self.fields,
        )


_CHOICE: Final = re.compile(r"<(\d)(?::([^>]*))?>")
_OCTET: Final = re.compile(r"\[(..)-(..)\]|(..)")


def _spelled(name: str, chosen: list[tuple[int, int]]) -> str:
    def spell(found: re.Match[str]) -> str:
        octet, low = chosen[int(found[1]) - 1]
        if found[2] is None:
            return str(octet)
        choices = found[2].split("|")
        return choices[min(octet - low, len(choices) - 1)].replace("#", str(octet))

    return _CHOICE.sub(spell, name)


def _row(row: dict[str, str]) -> _Row:
    parts = _OCTET.findall(row["di"])
    return _Row(
        ranges=tuple((int(low or one, 16), int(high or one, 16)) for low, high, one in parts),
        name=row["name_en"],
        name_zh=row["name_zh"],
        format=row["format"],
        octets=int(row["octets"]) if row["octets"] else None,
        unit=row["unit"],
        access=row["access"],
        signed=row["signed"] == "1",
        table=row["table"],
        fields=tuple(row["fields"].split(";")) if row["fields"] else (),
    )


@cache
def _rows() -> dict[tuple[int, int], list[_Row]]:
    from importlib.resources import files  # noqa: PLC0415  costly, and needed only once the table is read

    text = files(__package__).joinpath("dlt645_di.csv").read_text("utf-8")
    rows: dict[tuple[int, int], list[_Row]] = {}
    for row in map(_row, csv.DictReader(text.splitlines())):
        (di3, _), (low, high) = row.ranges[:2]
        for di2 in range(low, high + 1):
            rows.setdefault((di3, di2), []).append(row)
    return rows


@lru_cache(maxsize=4096)
def identifier(di: int) -> Identifier | None:
    """The data identifier (32 bits, DI3 highest), or None when no table has it.

    A block that no row describes (DI0 = FFH) is the record of the identifiers it covers, where their sizes are known.
    """
    if not 0 <= di <= 0xFFFFFFFF:
        return None
    octets = di.to_bytes(4, "big")
    for row in _rows().get((octets[0], octets[1]), ()):
        if row.holds(octets):
            return row.identifier(octets)
    return _block(di) if octets[3] == 0xFF else None


def _block(di: int) -> Identifier | None:
    octets = di.to_bytes(4, "big")
    rows = [row for row in _rows().get((octets[0], octets[1]), ()) if row.holds(octets[:3])]
    candidates = (octets[:3] + bytes([low]) for low in range(0xFF))
    items = [row.identifier(one) for one in candidates for row in rows if row.holds(one)]
    if not items or len({(item.signed, item.table) for item in items}) != 1 or None in {item.octets for item in items}:
        return None
    first = items[0]
    return Identifier(
        di=di,
        name=f"block of {len(items)}: {first.name} to {items[-1].name}",
        name_zh=f"数据块: {first.name_zh}..{items[-1].name_zh}",
        format=";".join(item.format for item in items),
        octets=sum(item.octets or 0 for item in items),
        unit=first.unit,
        access=first.access,
        signed=first.signed,
        table=first.table,
        fields=tuple(item.name_zh for item in items),
    )


@lru_cache(maxsize=512)
def members(di: int) -> tuple[int, ...]:
    """The identifiers that a block (one of DI2 to DI0 is FFH) is made of, in the order of its data.

    A block of energies or demands names all 63 rates: a meter answers with the total and the rates it has.
    Empty where `di` is not a block of single items.
    """
    block = identifier(di)
    places = [shift for shift in (0, 8, 16) if di >> shift & 0xFF == 0xFF]
    if block is None or len(places) != 1:
        return ()
    base = di & ~(0xFF << places[0])
    every = (base | octet << places[0] for octet in range(0xFF))
    found = tuple(one for one in every if identifier(one) is not None)
    codec = block.codec
    return found[: codec.count] if isinstance(codec, Repeat) else found


def decode(di: int, octets: bytes) -> Value:
    """The value that the data of an answer carries (without DI, after -33H); raw octets where no table has `di`.

    Raises MalformedError when the octets do not have the declared length or form.
    """
    found = identifier(di)
    return bytes(octets) if found is None else found.codec.decode(bytes(octets))


def encode(di: int, value: Any) -> bytes:
    """The data (before +33H) that carries a value; octets are passed as they are where no table has `di`.

    Raises LocalProtocolError when the value does not fit the declared form.
    """
    found = identifier(di)
    return format_of("RAW" if found is None else found.format, found is not None and found.signed).encode(value)
