"""What is asked for by name or descriptor, and what an answer means: values with unit and time."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.protocols.axdr.plain import pretty
from meterwire.protocols.dlt69845.data import DATA_NAMES, PortSettings
from meterwire.protocols.dlt69845.dates import Date, DateTime, DateTimeS, Interval, Time
from meterwire.protocols.dlt69845.descriptors import Oad, Omd, Road, ScalerUnit
from meterwire.protocols.dlt69845.objects import scaler_unit
from meterwire.protocols.dlt69845.refusals import words
from meterwire.protocols.wire.nodes import Variant
from meterwire.protocols.wire.texts import readable
from meterwire.quantities import QUANTITIES, Kind, Quantity, by_oad, quantity
from meterwire.quantities.reading import METER_ZONE, Reading, ReadingError

if TYPE_CHECKING:
    from meterwire.protocols.dlt69845.services.common import ResultNormal

_DESCRIPTOR: Final = re.compile(r"[0-9A-Fa-f]{8}")
_INTEGERS: Final = frozenset({5, 6, 15, 16, 17, 18, 20, 21})
_STRUCTURE: Final = 2
_LISTS: Final = frozenset({1, _STRUCTURE})
_STRINGS: Final = frozenset({10, 12})
_OI: Final = 80


class Item(msgspec.Struct, frozen=True):
    """What somebody asks for: as it was written, its attribute, and its row of the table if it has one."""

    text: str
    oad: Oad
    quantity: Quantity | None


def item(text: str) -> Item:
    """The item that a neutral name or eight hexadecimal digits stand for; raises LocalProtocolError for other text."""
    if text not in QUANTITIES and _DESCRIPTOR.fullmatch(text):
        oad = Oad.of(text)
        return Item(text, oad, by_oad(oad.packed))
    found = quantity(text)
    if found.oad is None:
        raise LocalProtocolError(f"{text} has no object in DL/T 698.45")
    return Item(text, Oad.of(found.oad), found)


def reading(asked: Item, result: ResultNormal, zone: dt.tzinfo = METER_ZONE) -> Reading:
    """What an answer says about an item; times become aware in this zone."""
    name = asked.quantity.name if asked.quantity else None
    if result.result.tag == 0:
        return Reading(asked.text, name, error=_error(result.result.value))
    data: Variant = result.result.value
    scale = Scale(asked.oad, asked.quantity, zone)
    if asked.quantity is not None and asked.quantity.kind == Kind.MAX_DEMAND:
        peak = _peak(data)
        if peak is not None:
            return Reading(asked.text, name, scale.value(peak[0]), scale.unit, peak[1].datetime(zone))
    value = scale.value(data)
    numeric = isinstance(value, (Decimal, list))
    return Reading(asked.text, name, value, scale.unit if numeric else None)


def _error(dar: int) -> ReadingError:
    return ReadingError(int(dar), words(dar))


def _peak(data: Variant) -> tuple[Variant, DateTimeS] | None:
    if data.tag == 2 and len(data.value) == 2 and isinstance(data.value[1].value, DateTimeS):
        return data.value[0], data.value[1].value
    return None


class Scale:
    """Turns raw values of one attribute into numbers in the unit of its quantity, else in its declared unit.

    Args:
        oad: the attribute.
        row: its row of the table of quantities, None where it has none.
        zone: of the meter's clock; times stay naive without one.

    Attributes:
        exponent: power of ten of the integers.
        unit: of the numbers, None where there is none.
    """

    def __init__(self, oad: Oad, row: Quantity | None, zone: dt.tzinfo | None) -> None:
        if row is None and oad.index == 0:  # the whole of an array: its elements are in the unit of the first one
            row = by_oad(oad.packed | 1)
        self._zone, self._oad = zone, oad
        declared = scaler_unit(oad.packed)
        self._differ = row is None and declared is None and scaler_unit(oad.packed | 1) is not None
        self.exponent = 0
        self.unit: str | None = None
        if row is not None and row.dlt69845 is not None and row.dlt69845.exponent is not None:
            self.unit = row.unit or None
            self.exponent = row.dlt69845.exponent
        elif row is None and declared is not None:
            self.exponent, self.unit = declared[0], declared[1] or None

    def value(self, data: Variant) -> Any:
        """One value, or a list of them."""
        if data.tag == _STRUCTURE and self._differ:
            members = (Oad(self._oad.oi, self._oad.number, index) for index in range(1, len(data.value) + 1))
            return [Scale(one, None, self._zone).value(each) for one, each in zip(members, data.value, strict=True)]
        if data.tag in _LISTS:
            return [self.value(element) for element in data.value]
        if data.tag in _INTEGERS:
            return self._number(data.value)
        return meaning(data, self._zone)

    def _number(self, raw: int) -> Decimal:
        exponent = self.exponent
        return Decimal(f"{raw}E{exponent}") if exponent < 0 else Decimal(raw * 10**exponent)


def meaning(data: Variant, zone: dt.tzinfo | None = None) -> Any:
    """A value that is no list and has no scaler, as plainly as its type allows."""
    value = data.value
    if value is None:
        return None
    if isinstance(value, (DateTimeS, DateTime)):
        return value.datetime(zone) or str(value)
    if isinstance(value, (Date, Time)):
        return _calendar(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if data.tag == _OI:
        return f"{value:04X}"
    if isinstance(value, (int, float)):
        return Decimal(str(value)) if isinstance(value, float) else Decimal(int(value))
    if isinstance(value, str):
        return value.rstrip("\0 ")
    if isinstance(value, bytes):
        return (readable(value) if data.tag in _STRINGS else None) or value.hex().upper()
    if isinstance(value, (Oad, Omd, Road, ScalerUnit, Interval, PortSettings)):
        return str(value)
    return pretty(data, DATA_NAMES)


def _calendar(value: Date | Time) -> dt.date | dt.time | str:
    try:
        if isinstance(value, Date):
            return dt.date(value.year, value.month, value.day)
        return dt.time(value.hour, value.minute, value.second)
    except ValueError:
        return str(value)
