"""What a person asks for: a quantity's name, or a data identifier of eight hex digits."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.quantities import QUANTITIES, Quantity, by_di, quantity

_IDENTIFIER: Final = re.compile(r"[0-9A-Fa-f]{8}")


class Item(msgspec.Struct, frozen=True):
    """What was asked for: its data identifier (32 bits, DI3 highest), and the row of the quantity if there is one."""

    text: str
    di: int
    quantity: Quantity | None


def item(text: str) -> Item:
    """The item that a text names; raises LocalProtocolError when it names none that DL/T 645 has."""
    stripped = text.strip()
    if stripped not in QUANTITIES and _IDENTIFIER.fullmatch(stripped):
        di = int(stripped, 16)
        return Item(text, di, by_di(di))
    row = quantity(stripped)
    if row.di is None:
        raise LocalProtocolError(f"DL/T 645 has no data identifier for {row.name}")
    return Item(text, row.di, row)
