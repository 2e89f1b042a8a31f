"""Every attribute of the DL/T 698.45 face: who serves it, and what is refused with which DAR.

Quantities are those of their table (`dlt69845_objects.py`), records have their own modules; everything else is a row
of `attributes.csv`: type, what it holds (`dlt69845_holds.py`), whether it is read (r), written too (w) or
written alone (x), and for which kind of account it is there. What is sure of a row the object table says
(`protocols/dlt69845/dlt69845_oi.csv`); 4004, 4007, 401A, 4030, 8000 to 8002, F100 and 45 are laid out as recalled;
the secure element counts connections, neither reports nor broadcasts.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from typing import Final

import msgspec

from meterwire.meter_model.faces.dlt69845 import record_objects as records
from meterwire.meter_model.faces.dlt69845.holds import Changes, held_of
from meterwire.meter_model.faces.dlt69845.objects import UNITS, has_quantities, quantity_attribute, quantity_attributes
from meterwire.meter_model.faces.dlt69845.types import Denied, Integer, element_of, type_of
from meterwire.meter_model.faces.dlt69845.writers import WRITERS, store
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.parameters import Author
from meterwire.meter_model.values import NotServed
from meterwire.protocols.dlt69845.descriptors import Oad, ScalerUnit
from meterwire.protocols.dlt69845.enums import Dar, Unit698
from meterwire.protocols.dlt69845.objects import attribute_of, object_of, objects
from meterwire.protocols.wire.nodes import Variant

_ALL, _LOGICAL_NAME, _VALUE = 0, 1, 2
_PARAMETER_CLASS: Final = 8
"""Attributes of its objects are those of each object alone."""
_NULL: Final = Variant(0, None)
ASSOCIATION: Final = 0x4400


class Row(msgspec.Struct, frozen=True):
    """One attribute of one object."""

    oi: int
    number: int
    type: str
    unit: str
    holds: str
    access: str
    when: str

    def is_there(self, meter: Meter) -> bool:
        """Whether this meter has it."""
        kind = meter.credit.settings.kind
        return {"": True, "no energy": kind != "energy"}.get(self.when, kind == self.when)


@cache
def rows() -> Mapping[int, Mapping[int, Row]]:
    """The table, by OI and attribute."""
    from importlib.resources import files  # noqa: PLC0415  needed only once the table is read

    text = files(__package__).joinpath("attributes.csv").read_text("utf-8")
    found: dict[int, dict[int, Row]] = {}
    for line in csv.DictReader(text.splitlines()):
        row = Row(int(line["oi"], 16), int(line["attribute"]), *(line[name] for name in Row.__struct_fields__[2:]))
        found.setdefault(row.oi, {})[row.number] = row
    return found


def served_objects(meter: Meter | None = None) -> list[int]:
    """The objects that meters have, by OI, and those of this device; one meter may lack some of them."""
    return [one.oi for one in objects() if is_served(one.oi, meter)]


def is_served(oi: int, meter: Meter | None = None) -> bool:
    """Whether any meter has the object, or this device has it."""
    return oi in rows() or oi == ASSOCIATION or has_quantities(oi) or records.keeps_records(oi, meter)


def _is_record(meter: Meter, oad: Oad) -> bool:
    return records.keeps_records(oad.oi, meter) and oad.number not in rows().get(oad.oi, {})


def read(meter: Meter, oad: Oad) -> Variant:
    """An attribute, an element of it, or all attributes of an object (attribute 0); raises `Denied`."""
    meter.advance()
    shown: Variant | None = meter.shown.get(oad)
    return _read(meter, oad) if shown is None else shown


def _read(meter: Meter, oad: Oad) -> Variant:
    if not is_served(oad.oi, meter):
        raise Denied(Dar.OBJECT_UNDEFINED)
    if oad.attribute == _ALL:
        return _all(meter, oad)
    if _is_record(meter, oad):
        return records.read(meter, oad)
    if oad.attribute != oad.number:
        raise Denied(Dar.OBJECT_UNAVAILABLE)  # features are variants of values, of which these have none
    if oad.number == _LOGICAL_NAME:
        return element(Variant(9, oad.oi.to_bytes(2, "big")), oad.index)
    found = quantity_attribute(meter, oad)
    if found is not None:
        meter.shown[oad] = found
        return found
    return element(_whole(meter, oad), oad.index)


def write(meter: Meter, oad: Oad, data: Variant, by: Author) -> None:
    """Write an attribute or an element of it, all or nothing; who may do so is checked before. Raises `Denied`."""
    if not is_served(oad.oi, meter):
        raise Denied(Dar.OBJECT_UNDEFINED)
    meter.advance()
    if _is_record(meter, oad):
        records.put(meter, oad, data, by)
        return
    row = rows().get(oad.oi, {}).get(oad.attribute)
    if row is None or row.access == "r" or not row.is_there(meter):
        read(meter, oad)  # what is not there is refused as when it is read
        raise Denied(Dar.READ_WRITE_DENIED)
    writer = WRITERS.get(row.holds)
    if writer is not None:
        if oad.index:
            raise Denied(Dar.OBJECT_UNAVAILABLE)
        writer(meter, type_of(row.type).value(data), by)
        return
    store(meter, _changes(meter, row, oad.index, data), by)


def _changes(meter: Meter, row: Row, index: int, data: Variant) -> Changes:
    kind, held = type_of(row.type), held_of(row.holds)
    if not index:
        changes: Changes = held.changes(meter, kind.value(data))
        return changes
    part = element_of(kind, index).value(data)
    present = list(held.read(meter))
    present += [None] * (index - 1 - len(present))  # entries that are not used
    present[index - 1 :] = [part, *present[index:]]
    changes = held.changes(meter, tuple(present))
    return changes  # noqa: RET504  names the type of what is untyped


def _whole(meter: Meter, oad: Oad) -> Variant:
    own = rows().get(oad.oi, {})
    row = own.get(oad.number)
    if row is None:
        value = own.get(_VALUE)
        member = attribute_of(oad.packed)
        if member is not None and member.data_type == "Scaler_Unit" and value is not None:
            return Variant(89, _scaler_unit(value))
        raise _unknown(oad)
    if row.access == "x":
        raise Denied(Dar.READ_WRITE_DENIED)
    if not row.is_there(meter):
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    try:
        found: Variant = type_of(row.type).data(held_of(row.holds).read(meter))
    except NotServed:
        raise Denied(Dar.OBJECT_UNAVAILABLE) from None
    return found


def _scaler_unit(row: Row) -> ScalerUnit:
    kind = type_of(row.type.removeprefix("array<").removesuffix(">"))
    scale = kind.scale if isinstance(kind, Integer) else 0
    return ScalerUnit(scale, UNITS.get(row.unit, Unit698.NONE))


def element(whole: Variant, index: int) -> Variant:
    """The whole for index 0, else that element; raises `Denied`."""
    if not index:
        return whole
    if whole.tag not in {1, 2} or index > len(whole.value):
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    found: Variant = whole.value[index - 1]
    return found


def _all(meter: Meter, oad: Oad) -> Variant:
    """A structure of the attributes from the first on; NULL for what cannot be read (order recalled)."""
    parts = []
    for number in range(_LOGICAL_NAME, last_attribute(oad.oi) + 1):
        try:
            parts.append(read(meter, Oad(oad.oi, number, 0)))
        except Denied:
            parts.append(_NULL)
    return element(Variant(2, tuple(parts)), oad.index)


def last_attribute(oi: int) -> int:
    """The highest number of an attribute that the object has in the edition of 2017, or that meters serve."""
    declared = (attribute_of(oi << 16 | number << 8) for number in range(_VALUE, 32))
    numbers = [one.number for one in declared if one is not None and "2021+" not in one.name]
    return max(_LOGICAL_NAME, *rows().get(oi, {}), *quantity_attributes(oi), *numbers)


def _unknown(oad: Oad) -> Denied:
    """Why an attribute is not there: its class has none of this number, or this meter does not."""
    row = object_of(oad.oi)
    declared = row is None or row.class_id == _PARAMETER_CLASS or attribute_of(oad.packed) is not None
    return Denied(Dar.OBJECT_UNAVAILABLE if declared else Dar.OBJECT_CLASS_INCONSISTENT)
