"""What a person asks for in the edition of 1997: a quantity's name, or a data identifier of four hex digits."""

from __future__ import annotations

import re
from datetime import date, time, tzinfo
from decimal import Decimal
from typing import Any, Final

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt645.identifiers import identifiers_for
from meterwire.protocols.dlt645.names import Item
from meterwire.quantities import QUANTITIES, quantity
from meterwire.quantities.reading import METER_ZONE, Reading, Value

_IDENTIFIER: Final = re.compile("[0-9A-Fa-f]{4}")


def item(text: str) -> Item:
    """The item that a text names.

    Raises:
        LocalProtocolError: the edition has no such item.
    """
    stripped = text.strip()
    of_1997 = identifiers_for("1997")
    if _IDENTIFIER.fullmatch(stripped) and stripped not in QUANTITIES:
        di = int(stripped, 16)
        known = of_1997.identifier(di)
        return Item(text, di, QUANTITIES.get(known.quantity) if known else None)
    named = quantity(stripped)
    number = of_1997.of_quantity(named.name)
    if number is None:
        raise LocalProtocolError(f"DL/T 645-1997 has no data identifier for {named.name}")
    return Item(text, number, named)


def interpret(wanted: Item, octets: bytes, zone: tzinfo = METER_ZONE) -> Reading:
    """The reading that the data of an answer make; octets of an identifier that no table has become hex digits.

    Raises:
        MalformedError: they do not have the form that the identifier declares.
    """
    del zone
    of_1997 = identifiers_for("1997")
    known = of_1997.identifier(wanted.di)
    value = of_1997.decode(wanted.di, octets)
    name = wanted.quantity.name if wanted.quantity else None
    if known is None:
        return Reading(wanted.text, name, octets.hex().upper())
    return Reading(wanted.text, name, _calendar(known.format, value), known.unit or None)


def encode(di: int, value: Any) -> bytes:
    """The octets of a value; octets as they are where no table has the identifier. Raises LocalProtocolError."""
    return identifiers_for("1997").encode(di, value)


def _calendar(layout: str, value: Any) -> Value:
    try:
        if layout == "hhmmss" and value:
            return time.fromisoformat(value)
        if layout == "YYMMDDWW" and value:
            return date.fromisoformat(f"20{value[:8]}")
    except ValueError:
        return str(value)
    return _plain(value)


def _plain(value: Any) -> Value:
    if isinstance(value, bytes):
        return value.hex().upper()
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    found: Value = Decimal(value) if isinstance(value, int) else value
    return found
