"""From Data to a reading: the meter's own scaler and unit, normalised to the unit of the quantity, digits kept."""

from __future__ import annotations

from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from typing import Any, Final

import msgspec

from meterwire.errors import MalformedError
from meterwire.protocols.dlms.data import Tag, elements, integer, number
from meterwire.protocols.dlms.date_time import CosemDateTime
from meterwire.protocols.dlms.items import Item
from meterwire.protocols.dlms.units import Unit
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities import Kind

CLOCK_CLASS: Final = 8
SCALER_ATTRIBUTE: Final = {3: 3, 4: 3, 5: 4}
"""Where the classes keep scaler and unit: register, extended register, demand register (IEC 62056-6-2, 4.3)."""
SCALED: Final = {3: (2,), 4: (2,), 5: (2, 3)}
"""Attributes whose value the scaler applies to."""
CAPTURE_TIME: Final = {4: 5, 5: 6}
"""Where the classes keep the time of their value."""

_SHIFTS: Final = {("1/Wh", "imp/kWh"): 3, ("1/varh", "imp/kvarh"): 3}


_SYMBOLS: Final = {int(unit): unit.symbol for unit in Unit}


class ScalerUnit(msgspec.Struct, frozen=True):
    """Attribute scaler_unit: the value counts in 10^scaler of the unit."""

    scaler: int
    unit: str


def scaler_unit(data: Any) -> ScalerUnit:
    """A scaler_unit structure; raises MalformedError for anything else."""
    members = elements(data)
    if members is None or len(members) != 2:
        raise MalformedError("a structure of scaler and unit", "scaler_unit")
    scaler, unit = (integer(member) for member in members)
    if scaler is None or unit is None or not -128 <= scaler <= 127:
        raise MalformedError("an integer scaler and the code of a unit", "scaler_unit")
    return ScalerUnit(scaler, unit_symbol(unit))


def unit_symbol(code: int) -> str:
    """How the unit with this code is written; a code without a name is shown as it is."""
    return _SYMBOLS.get(code, f"unit {code}")


def scaled(raw: Decimal, by: int) -> Decimal:
    """The number times a power of ten, exactly, with the digits it was sent with."""
    sign, digits, exponent = raw.as_tuple()
    if not isinstance(exponent, int):
        return raw
    exponent += by
    if exponent > 0:
        return Decimal((sign, digits + (0,) * exponent, 0)) if any(digits) else Decimal(0)
    return Decimal((sign, digits, exponent))


def normalised(raw: Decimal, declared: ScalerUnit, wanted: str | None) -> tuple[Decimal, str]:
    """The value in the wanted unit, or in the declared one where there is no way from one to the other."""
    shift = shift_between(declared.unit, wanted)
    if shift is None:
        return scaled(raw, declared.scaler), declared.unit
    return scaled(raw, declared.scaler + shift), declared.unit if wanted is None else wanted


def shift_between(declared: str, wanted: str | None) -> int | None:
    """The power of ten from the declared unit to the wanted one; None where there is no way."""
    return 0 if wanted is None else _shift(declared, wanted)


def _shift(declared: str, wanted: str) -> int | None:
    if declared == wanted:
        return 0
    if wanted == "k" + declared:
        return -3
    return _SHIFTS.get((declared, wanted))


def value_of(data: Any, item: Item, zone: tzinfo) -> Any:
    """What an attribute says, by the kind of the quantity; without one as plainly as its type allows.

    Raises:
        MalformedError: the Data cannot be what the quantity is, such as a date with wildcards.
    """
    kind = item.quantity.kind if item.quantity else None
    if kind in (Kind.DATE, Kind.TIME, Kind.DATE_TIME) or (item.class_id == CLOCK_CLASS and item.attribute == 2):
        return _calendar(data, kind, zone)
    found = number(data)
    if found is not None:
        return found
    if isinstance(data, Variant) and data.tag in (Tag.OCTET_STRING, Tag.VISIBLE_STRING, Tag.UTF8_STRING):
        return text(data.value)
    if isinstance(data, Variant) and data.tag in (Tag.DATE_TIME, Tag.DATE, Tag.TIME):
        return str(CosemDateTime.of_octets(data.value))
    return _plainly(data)


def _plainly(data: Any) -> Any:
    members = elements(data)
    if members is not None:
        return [_plainly(member) for member in members]
    held = number(data)
    if held is not None:
        return held
    value = data.value if isinstance(data, Variant) else data
    if isinstance(value, bytes):
        return text(value)
    return value if value is None or isinstance(value, str) else str(value)


def _calendar(data: Any, kind: Kind | None, zone: tzinfo) -> datetime | date | time:
    if not isinstance(data, Variant) or not isinstance(data.value, bytes):
        raise MalformedError("a date or time", "value")
    fields = CosemDateTime.of_octets(data.value)
    if kind is Kind.DATE:
        return fields.calendar_date()
    if kind is Kind.TIME:
        return fields.clock_time()
    return fields.calendar(zone)


def text(octets: bytes | str) -> str:
    """Octets as the text they are, without the zeros that fill it up, or as hexadecimal digits where they are none."""
    if isinstance(octets, str):
        return octets
    try:
        found = (octets.rstrip(b"\0") or octets).decode("ascii")
    except UnicodeDecodeError:
        return octets.hex().upper()
    return found if found.isprintable() else octets.hex().upper()


def moment(data: Any, zone: tzinfo) -> datetime | None:
    """A time that a meter gives beside a value; None where it gives none that can be placed in a calendar."""
    try:
        found = _calendar(data, Kind.DATE_TIME, zone)
    except MalformedError:
        return None
    return found if isinstance(found, datetime) else None
