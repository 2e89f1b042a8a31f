"""Blocks: an identifier one of whose places is all ones stands for all items that differ there alone."""

from __future__ import annotations

from typing import Final

from meterwire.protocols.dlt645.layouts import Column
from meterwire.protocols.dlt645.table import Identifier, Table


def places(di: int, octets: int, step: int) -> list[int]:
    """The shifts of the places that are all ones, of `step` bits each, behind the highest octet, lowest first."""
    ones = (1 << step) - 1
    shifts = range(0, 8 * (octets - 1), 8) if step == 8 else (0,)
    return [shift for shift in shifts if di >> shift & ones == ones]


_EVENTS: Final = 0x10000000


def items(table: Table, di: int, shift: int, step: int) -> list[int]:
    """The identifiers of the table that differ from a block in one place, lowest first.

    Item 0 of an event record of the later editions (class 10H and above) is the count of the event: no part of it.
    """
    ones = (1 << step) - 1
    base = di & ~(ones << shift)
    first = int(di >= _EVENTS and shift == 8)
    return [base | number << shift for number in table.numbers(base, shift, step) if first <= number < ones]


def block(di: int, found: list[Identifier]) -> Identifier | None:
    """The block of these items, None where it cannot be read: their sizes must be known.

    A meter may leave out items at the end: those it does not have.
    """
    sizes = [item.octets for item in found if item.octets is not None]
    if not found or len(sizes) != len(found):
        return None
    first, last = found[0], found[-1]
    formats, units = [_format(item) for item in found], [item.unit for item in found]
    same = len(set(formats)) == 1
    return Identifier(
        di=di,
        name=f"block of {len(found)}: {first.name} to {last.name}",
        name_zh=f"数据块: {first.name_zh}..{last.name_zh}",
        format=f"{formats[0]}*{len(found)}" if same else ";".join([*formats, "..."]),
        octets=sum(sizes),
        unit=first.unit if len(set(units)) == 1 else "",
        access=first.access if len({item.access for item in found}) == 1 else "r",
        signed=False,
        table=first.table,
        columns=tuple(Column(item.name, item.name_zh, unit=item.unit, word=item.word) for item in found),
    )


def _format(item: Identifier) -> str:
    """The format with its signs written, in brackets where it has several items."""
    text = item.format
    if item.signed and "±" not in text:
        text = ";".join(f"±{one}" if one.strip("()")[0] in "XN" else one for one in text.split(";"))
    return f"({text})" if ";" in text or "*" in text else text
