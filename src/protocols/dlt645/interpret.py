"""From the octets of an answer to a reading: the quantity's unit, the calendar, the time of a demand."""

from __future__ import annotations

import re
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from typing import Any, Final

from meterwire.errors import MalformedError
from meterwire.protocols.dlt645.identifiers import RECALLED, decode, identifier, moment
from meterwire.protocols.dlt645.names import Item
from meterwire.quantities import Quantity
from meterwire.quantities.reading import METER_ZONE, Reading, Value

DEMAND_FORMAT: Final = "XX.XXXX;YYMMDDhhmm"
"""A maximum demand and the time it was reached (DL/T 645-2007, annex A, table A.2)."""
_LOAD_RECORD: Final = 0x06


def interpret(item: Item, octets: bytes, zone: tzinfo = METER_ZONE) -> Reading:
    """The reading that the data of an answer make.

    A maximum demand becomes its value, with its time; dates and times become those of the calendar where they name
    a day that exists, and stay text where they hold wildcards; octets that no table describes become hex digits, and so
    do those that do not fit an identifier whose layout is recalled.

    Args:
        item: what was asked for.
        octets: the data, without data identifier and mask.
        zone: of the meter's clock; the protocol does not tell it.

    Raises:
        MalformedError: the octets do not have the form that the identifier declares.
    """
    found = identifier(item.di)
    name = item.quantity.name if item.quantity else None
    if not octets and item.di >> 24 == _LOAD_RECORD:
        return Reading(item.text, name)  # an answer without data: there is no such load record
    try:
        value: Any = decode(item.di, octets)
    except MalformedError:
        if found is None or found.table != RECALLED:
            raise
        return Reading(item.text, name, octets.hex().upper())
    layout, unit = (found.format, found.unit or None) if found else ("", None)
    when = None
    if layout == DEMAND_FORMAT:
        value, stamp = value
        when = _in_zone(moment(stamp), zone)
    elif layout.startswith(f"({DEMAND_FORMAT})"):
        value = [[number, _in_zone(moment(stamp), zone)] for number, stamp in value]
    elif isinstance(value, str):
        value = _calendar(layout, value, zone)
    if item.quantity is not None and isinstance(value, Decimal):
        value, unit = _scaled(item.quantity, value), item.quantity.unit or None
    return Reading(item.text, name, _plain(value), unit, when)


def _scaled(row: Quantity, value: Decimal) -> Decimal:
    """The number in the unit of the row."""
    declared = row.dlt645
    if declared is None or declared.exponent is None or declared.scaler is None:
        return value
    return value.scaleb(declared.exponent - declared.scaler)


def _in_zone(local: datetime | None, zone: tzinfo) -> datetime | None:
    return None if local is None else local.replace(tzinfo=zone)


_TIME: Final = re.compile("hhmm(ss)?")
_DATE: Final = re.compile("YYMMDD(WW)?")


def _calendar(layout: str, stamp: str, zone: tzinfo) -> str | date | time | datetime:
    """A stamp as a date, time or both, itself where it is none or not one of the calendar."""
    try:
        if _TIME.fullmatch(layout):
            return time.fromisoformat(stamp)
        if _DATE.fullmatch(layout):
            return date.fromisoformat(f"20{stamp[:8]}")
    except ValueError:
        return stamp
    return _in_zone(moment(stamp), zone) or stamp if layout.startswith("YYMMDD") else stamp


def _plain(value: Any) -> Value:
    if isinstance(value, bytes):
        return value.hex().upper()
    if isinstance(value, int):
        return Decimal(value)  # flags
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    found: Value = value
    return found
