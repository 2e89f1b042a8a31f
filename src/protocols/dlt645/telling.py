"""Identifiers and values in words: names of columns, meanings of bits, units."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from meterwire.protocols.dlt645.cells import Cell, cells
from meterwire.protocols.dlt645.formats import format_of
from meterwire.protocols.dlt645.identifiers import Identifiers, identifiers_for
from meterwire.protocols.dlt645.layouts import format_of_layout, layout
from meterwire.protocols.dlt645.table import Identifier

_SHOWN: Final = 40
"""Items of a list or record that are shown."""
_SECURITY: Final = 0x07
_DATE: Final = re.compile("[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")


def identifier_text(di: int, edition: Identifiers | None = None) -> str:
    """An identifier as people know it: `00010000 forward active energy, total, current (kWh)`."""
    of = edition or identifiers_for("2007")
    found = of.identifier(di)
    digits = f"{di:0{2 * of.octets}X}"
    if found is None:
        return f"{digits} (in no table)"
    return f"{digits} {found.name}" + (f" ({found.unit.replace(';', ', ')})" if found.unit else "")


def value_text(found: Identifier, value: Any) -> str:
    """A decoded value in words, such as `123456.78 kWh` or `start: 26-08-15 08:10:00; end: ..`."""
    shown = cells(found, value)
    if len(shown) == 1 and shown[0].name == found.name:
        return cell_text(shown[0])
    parts = [f"{cell.name}: {cell_text(cell)}" if cell.name else cell_text(cell) for cell in shown[:_SHOWN]]
    return "; ".join(parts + ["..."] * (len(shown) > _SHOWN)) or "none"


def cell_text(cell: Cell) -> str:
    """The value of one item in words."""
    if cell.word and isinstance(cell.value, int):
        return ", ".join(cell.flags) or "nothing set"
    if not isinstance(cell.value, (list, tuple)):
        return _with_unit(cell.value, cell.unit)
    units = cell.unit.split(";")
    units += [""] * (len(cell.value) - len(units))
    joint = " at " if len(cell.value) == 2 and isinstance(cell.value[1], str) else ", "
    return joint.join(_with_unit(one, unit) for one, unit in zip(cell.value, units, strict=False))


def _with_unit(value: Any, unit: str) -> str:
    if value is None:
        return "no value"
    if isinstance(value, (bytes, bytearray)):
        return value.hex(" ").upper() or "empty"
    if isinstance(value, Decimal):
        return f"{value:f} {unit}".rstrip()
    return f"20{value}" if isinstance(value, str) and _DATE.match(value) else str(value)


def security_text(di: int, octets: bytes, *, answer: bool) -> str | None:
    """What the data of a security command or its answer are made of; None where it is not known.

    Layouts by their lengths, as meter firmware has them.
    """
    columns = layout(f"security_{di >> 8:06x}_{'answer' if answer else 'request'}")
    text = format_of_layout(columns)
    if di >> 24 != _SECURITY or not text or format_of(text).size != len(octets):
        return None
    values: Any = format_of(text).decode(octets)
    values = values if isinstance(values, tuple) else (values,)
    return "; ".join(f"{column.name} {value}" for column, value in zip(columns, values, strict=True))
