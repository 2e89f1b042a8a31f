"""The quantities of the meter as attributes of DL/T 698.45: values as Data, scalers, high precision."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from functools import cache
from typing import Final, Protocol

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.faces.dlt69845.types import INTEGERS, Denied
from meterwire.meter_model.values import Demand, NotServed, Value, truncated
from meterwire.protocols.dlt69845.dates import NOT_SPECIFIED, DateTimeS
from meterwire.protocols.dlt69845.descriptors import Oad, ScalerUnit
from meterwire.protocols.dlt69845.enums import Dar, Unit698
from meterwire.protocols.dlt69845.objects import attribute_of, object_of
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities import QUANTITIES, Quantity, Representation

UNITS: Final = {unit.symbol: unit for unit in Unit698}
"""By the symbols that tables use."""
_STRUCTURES: Final = {(0x4300, 3): 6, (0x400C, 2): 5}
"""Attributes that are structures of so many elements; the others that have elements are arrays."""
_EMPTY: Final = Variant(10, "")
_HIGH_PRECISION: Final = -4
"""Scaler of attribute 4 of the energy objects."""


class Readable(Protocol):
    """What the face needs of a meter."""

    def read(self, quantity: Quantity) -> Value:
        """The value now; raises `NotServed`."""


@cache
def _rows() -> dict[tuple[int, int], dict[int, Quantity]]:
    """Quantities by OI and attribute, then by index."""
    rows: dict[tuple[int, int], dict[int, Quantity]] = {}
    for row in QUANTITIES.values():
        if row.oad is not None:
            oad = Oad.of(row.oad)
            rows.setdefault((oad.oi, oad.attribute), {})[oad.index] = row
    return rows


@cache
def _attributes() -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = {}
    for oi, number in _rows():
        found.setdefault(oi, set()).add(number)
    return {oi: frozenset(numbers) for oi, numbers in found.items()}


def has_quantities(oi: int) -> bool:
    """Whether an object has attributes that are quantities."""
    return oi in _attributes()


def quantity_attributes(oi: int) -> frozenset[int]:
    """The numbers of these attributes."""
    return _attributes().get(oi, frozenset())


def quantity_attribute(meter: Readable, oad: Oad) -> Variant | None:
    """The value of an attribute, or of one element of it, as Data; None where it is none of quantities.

    Raises:
        Denied: this meter does not have it.
    """
    rows = _rows().get((oad.oi, oad.attribute))
    if rows is not None:
        return _value(meter, oad, rows)
    energy = _rows().get((oad.oi, 2)) if _class_of(oad.oi) == 1 else None
    if energy and oad.attribute == 4:
        return _value(meter, oad, energy, precise=True)
    scaled = _scaled(oad)
    return None if scaled is None else Variant(89, scaled)


def registers_of(oi: int) -> list[tuple[str, str]]:
    """Registers and phases of the energies or demands that an object has."""
    return [(row.register, row.phase) for row in _rows().get((oi, 2), {}).values() if not row.rate]


def attribute(meter: Readable, oad: Oad) -> Variant:
    """As `quantity_attribute`, for those who want nothing else; raises `Denied`."""
    found = quantity_attribute(meter, oad)
    if found is None:
        raise Denied(Dar.OBJECT_UNAVAILABLE if has_quantities(oad.oi) else Dar.OBJECT_UNDEFINED)
    return found


def _class_of(oi: int) -> int:
    row = object_of(oi)
    return row.class_id if row else 0


def _scaled(oad: Oad) -> ScalerUnit | None:
    """Scaler and unit, where the attribute is the Scaler_Unit of its class and the values have one."""
    member = attribute_of(oad.packed)
    rows = _rows().get((oad.oi, 2))
    if member is None or member.data_type != "Scaler_Unit" or rows is None or oad.index:
        return None
    declared = next(iter(rows.values())).dlt69845
    if declared is None or declared.scaler is None:
        return None
    precise = _class_of(oad.oi) == 1 and oad.attribute == 5
    return ScalerUnit(_HIGH_PRECISION if precise else declared.scaler, UNITS.get(declared.unit, Unit698.NONE))


def _value(meter: Readable, oad: Oad, rows: dict[int, Quantity], *, precise: bool = False) -> Variant:
    if oad.index in rows:
        return _data(meter, rows[oad.index], precise=precise)
    if oad.index or 0 in rows:
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    members = _STRUCTURES.get((oad.oi, oad.attribute))
    if members is not None:
        found = (rows.get(index) for index in range(1, members + 1))
        return Variant(2, tuple(_EMPTY if row is None else _data(meter, row) for row in found))
    return Variant(1, tuple(_elements(meter, rows, precise=precise)))


def _elements(meter: Readable, rows: dict[int, Quantity], *, precise: bool) -> list[Variant]:
    """Elements from the first on, as many as the meter has: a single-phase meter ends where its phases end."""
    elements: list[Variant] = []
    for index in range(1, max(rows) + 1):
        try:
            elements.append(_data(meter, rows[index], precise=precise))
        except (KeyError, Denied):
            break
    if not elements:
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    return elements


def _data(meter: Readable, row: Quantity, *, precise: bool = False) -> Variant:
    declared = row.dlt69845
    if declared is None:
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    try:
        value = meter.read(row)
    except NotServed:
        raise Denied(Dar.OBJECT_UNAVAILABLE) from None
    except LocalProtocolError:  # a device file gave it a value of the wrong kind
        raise Denied(Dar.OTHER) from None
    if isinstance(value, Fraction) and precise:
        wide = "long64" if declared.data_type == "double-long" else "long64-unsigned"
        return _number(value, wide, _finer(declared))
    if isinstance(value, Fraction):
        return _number(value, declared.data_type, declared)
    if isinstance(value, Demand):
        return Variant(2, (_number(value.value, _element_type(declared), declared), _time(value.time)))
    if isinstance(value, dt.datetime):
        return _time(value)
    return _text(str(value), declared.data_type)


def _finer(declared: Representation) -> Representation:
    shift = _HIGH_PRECISION - (declared.scaler or 0)
    exponent = None if declared.exponent is None else declared.exponent + shift
    return Representation(declared.data_type, declared.unit, _HIGH_PRECISION, exponent)


def _element_type(declared: Representation) -> str:
    return declared.data_type.removeprefix("structure{").partition(",")[0]


def _number(value: Fraction, data_type: str, declared: Representation) -> Variant:
    """The integer that the declared resolution leaves of a value."""
    tag, width, signed = INTEGERS[data_type]
    raw = truncated(value, declared.exponent or 0)
    low = -(1 << (width - 1)) if signed else 0
    if not low <= raw < low + (1 << width):
        raise Denied(Dar.OTHER)
    return Variant(tag, raw)


def _time(value: dt.datetime | None) -> Variant:
    return Variant(28, NOT_SPECIFIED if value is None else DateTimeS.of(value))


def _text(text: str, data_type: str) -> Variant:
    if data_type != "octet-string":
        return Variant(10, text)
    digits = text if len(text) % 2 == 0 else "0" + text
    try:
        return Variant(9, bytes.fromhex(digits))
    except ValueError:
        return Variant(9, text.encode())


__all__ = [
    "UNITS",
    "Denied",
    "Readable",
    "attribute",
    "has_quantities",
    "quantity_attribute",
    "quantity_attributes",
    "registers_of",
]
