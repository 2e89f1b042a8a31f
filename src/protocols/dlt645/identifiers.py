"""The data identifiers of DL/T 645: what a meter can be asked for, and what the octets of the answer mean.

The table of 2007 (``dlt645_di.csv``) holds some 700 rows; those of the standard's annex A alone spell out to 21,547
identifiers. Column `table` says how sure a row is: A.1 to A.7 are the standard's tables, EXT-14 the 2014 notice, EXT is
seen in public programs, ``EXT?`` is recalled only. The notation of rows is described in `table`, that of formats in
`formats`. The functions of this module are those of 2007; `identifiers_for` has both editions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, Protocol

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.dlt645.blocks import block, items, places
from meterwire.protocols.dlt645.compounds import CLOSING, Repeat
from meterwire.protocols.dlt645.layouts import Column
from meterwire.protocols.dlt645.table import Identifier, Table
from meterwire.protocols.dlt645.values import Value, moment
from meterwire.quantities import quantity

__all__ = [
    "EDITIONS",
    "RECALLED",
    "Column",
    "Identifier",
    "Identifiers",
    "Value",
    "decode",
    "encode",
    "identifier",
    "identifiers_for",
    "members",
    "moment",
]

RECALLED: Final = "EXT?"
"""Column `table` of a row that no source at hand has."""


class Identifiers(Protocol):
    """The data identifiers of one edition.

    Attributes:
        edition: 1997 or 2007.
        octets: of an identifier in a frame, low octet first: 2 or 4.
    """

    edition: str
    octets: int

    @property
    def identifier(self) -> Callable[[int], Identifier | None]:
        """The data identifier, or None when no table has it."""

    @property
    def members(self) -> Callable[[int], tuple[int, ...]]:
        """The identifiers that a block is made of, in the order of its data."""

    def decode(self, di: int, octets: bytes) -> Value:
        """The value that the data of an answer carries; raises MalformedError."""

    def encode(self, di: int, value: Any) -> bytes:
        """The data that carries a value; raises LocalProtocolError."""

    def of_quantity(self, name: str) -> int | None:
        """The identifier of a neutral quantity, None where this edition has none."""


class _Edition:
    """One table, with its blocks."""

    def __init__(self, edition: str, table: Table, step: int) -> None:
        self.edition, self.octets = edition, table.octets
        self.table = table
        self._step = step
        self.identifier = lru_cache(maxsize=4096)(self._identifier)
        self.members = lru_cache(maxsize=512)(self._members)

    def _identifier(self, di: int) -> Identifier | None:
        return self.table.find(di) or self._block(di)

    def _block(self, di: int) -> Identifier | None:
        if not 0 <= di < 1 << 8 * self.octets:
            return None
        shifts = places(di, self.octets, self._step)
        if len(shifts) != 1:
            return None
        found = items(self.table, di, shifts[0], self._step)
        return block(di, [one for one in map(self.table.find, found) if one is not None])

    def _members(self, di: int) -> tuple[int, ...]:
        whole = self.identifier(di)
        shifts = places(di, self.octets, self._step)
        if whole is None or len(shifts) != 1:
            return ()
        found = tuple(items(self.table, di, shifts[0], self._step))
        codec = whole.codec
        return found[: codec.count] if isinstance(codec, Repeat) else found

    def decode(self, di: int, octets: bytes) -> Value:
        """The value that the data of an answer carries (without DI, after -33H); raw octets where no table has `di`.

        Raises MalformedError when the octets do not have the declared length or form.
        """
        found = self.identifier(di)
        return bytes(octets) if found is None else found.codec.decode(bytes(octets))

    def encode(self, di: int, value: Any) -> bytes:
        """The data (before +33H) that carries a value; octets are passed as they are where no table has `di`.

        Raises LocalProtocolError when the value does not fit the declared form.
        """
        found = self.identifier(di)
        if found is not None:
            return found.codec.encode(value)
        if not isinstance(value, (bytes, bytearray)):
            raise LocalProtocolError(f"{value!r} is not octets, and no table has {di:X}")
        return bytes(value)

    def of_quantity(self, name: str) -> int | None:
        """The identifier of a neutral quantity; raises LocalProtocolError where there is no such quantity."""
        return quantity(name).di


class _Edition1997(_Edition):
    """DL/T 645-1997: identifiers of two octets; a low digit F is a block."""

    def __init__(self) -> None:
        super().__init__("1997", Table("identifiers_1997.csv", 2, digits=0x0F), 4)
        self._by_quantity: dict[str, int] = {}

    def decode(self, di: int, octets: bytes) -> Value:
        """As in 2007; an octet AAH may close a block."""
        try:
            return super().decode(di, octets)
        except MalformedError:
            if di & 0xF != 0xF or octets[-1:] != CLOSING:
                raise
            return super().decode(di, octets[:-1])

    def of_quantity(self, name: str) -> int | None:
        """The identifier of a neutral quantity; raises LocalProtocolError where there is no such quantity."""
        if not self._by_quantity:
            rows = {id(row): row for rows in self.table.rows.values() for row in rows if row.quantity}
            for row in rows.values():
                for octets in (bytes((first, second)) for first in row.ranges[0] for second in row.ranges[1]):
                    found = row.identifier(octets)
                    self._by_quantity[found.quantity] = found.di
        return self._by_quantity.get(quantity(name).name)


_OF_2007: Final = _Edition("2007", Table("dlt645_di.csv", 4), 8)
EDITIONS: Final[dict[str, Identifiers]] = {"1997": _Edition1997(), "2007": _OF_2007}
"""The editions by the year of their standard."""


def identifiers_for(edition: str) -> Identifiers:
    """The identifiers of an edition, 1997 or 2007; raises LocalProtocolError for another."""
    found = EDITIONS.get(edition)
    if found is None:
        raise LocalProtocolError(f"DL/T 645 has the editions {' and '.join(EDITIONS)}, not {edition!r}")
    return found


identifier = _OF_2007.identifier
"""The data identifier (32 bits, DI3 highest), or None when no table has it.

A block that no row describes (one of DI2 to DI0 is FFH) is that of the items it covers, where their sizes are known.
"""
members = _OF_2007.members
"""The identifiers that a block (one of DI2 to DI0 is FFH) is made of, in the order of its data.

A block of energies or demands names all 63 rates: a meter answers with the total and the rates it has. Empty where it
is not a block of single items.
"""
decode = _OF_2007.decode
encode = _OF_2007.encode
