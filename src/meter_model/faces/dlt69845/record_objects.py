"""The objects of DL/T 698.45 that keep records or files - freezes, events, files - as attributes, settings, methods."""

from __future__ import annotations

from meterwire.meter_model.faces.dlt69845 import collection, files, freezes
from meterwire.meter_model.faces.dlt69845 import event_attributes as events
from meterwire.meter_model.faces.dlt69845.event_kinds import event_objects
from meterwire.meter_model.faces.dlt69845.events import EventTable
from meterwire.meter_model.faces.dlt69845.records import Table
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.parameters import Author
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.wire.nodes import Variant

_MOST_ROWS = 64
"""Rows that the whole attribute may have where it is read as a value."""
_EVENT_METHODS = frozenset({1, 4, 5})
_LOGICAL_NAME, _FREEZE_ROWS, _FREEZE_COLUMNS = 1, 2, 3


def keeps_records(oi: int, meter: Meter | None = None) -> bool:
    """Whether an OI is that of an object that keeps records, or takes files, in any meter or in this device."""
    own = freezes.is_freeze(oi) or oi in event_objects() or oi in files.OBJECTS
    return own or oi in collection.objects_of(meter)


def table_of(meter: Meter, oad: Oad) -> Table:
    """The record table that an OAD names; raises `Denied`."""
    if oad.oi in collection.objects_of(meter):
        return collection.table_of(meter, oad)
    if freezes.is_freeze(oad.oi):
        if oad.number != _FREEZE_ROWS:
            raise Denied(Dar.OBJECT_UNAVAILABLE)
        return freezes.FreezeTable(meter, oad.oi)
    if oad.oi not in event_objects():
        raise Denied(Dar.OBJECT_UNDEFINED)
    kinds = events.event_object(meter, oad.oi).table(oad.number)
    if not kinds:
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    return EventTable(meter, kinds)


def read(meter: Meter, oad: Oad) -> Variant:
    """An attribute, or an element of it; of a record table the n-th last record; raises `Denied`."""
    if oad.oi in collection.objects_of(meter):
        return collection.read(meter, oad)
    if oad.oi in files.OBJECTS:
        named = oad.number == _LOGICAL_NAME
        whole = Variant(9, oad.oi.to_bytes(2, "big")) if named else files.read(meter, oad.oi, oad.number)
    elif oad.number == _LOGICAL_NAME:
        table_of(meter, Oad(oad.oi, 2, 0)) if freezes.is_freeze(oad.oi) else events.event_object(meter, oad.oi)
        whole = Variant(9, oad.oi.to_bytes(2, "big"))
    elif freezes.is_freeze(oad.oi) and oad.number == _FREEZE_COLUMNS:
        whole = freezes.associations(meter, oad.oi)
    else:
        found = None if freezes.is_freeze(oad.oi) else events.event_object(meter, oad.oi)
        value = None if found is None else events.value(meter, found, oad.number)
        if value is None:
            return _records(table_of(meter, oad), oad)
        whole = value
    return whole if not oad.index else _element(whole, oad.index)


def _element(whole: Variant, index: int) -> Variant:
    if whole.tag not in {1, 2} or index > len(whole.value):
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    element: Variant = whole.value[index - 1]
    return element


def _records(table: Table, oad: Oad) -> Variant:
    """All records as an array, the oldest first, or the n-th last of them; long tables are read as records only."""
    entries, index = table.entries(), oad.index
    if not index and len(entries) > _MOST_ROWS:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
    if index > len(entries):
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    chosen = [entries[-index]] if index else entries
    rows = tuple(Variant(2, tuple(table.cell(entry, column, oad) for column in table.columns)) for entry in chosen)
    return rows[0] if index else Variant(1, rows)


def put(meter: Meter, oad: Oad, data: Variant, by: Author | None = None) -> None:
    """Set an attribute; raises `Denied`."""
    if oad.oi in collection.objects_of(meter):
        collection.put(meter, oad, data)
        return
    if freezes.is_freeze(oad.oi) or oad.index:
        raise Denied(Dar.READ_WRITE_DENIED)
    if oad.oi in files.OBJECTS:
        files.put(meter, oad.oi, oad.number, data)
        return
    events.put(meter, events.event_object(meter, oad.oi), oad.number, data, by)


def methods_of(oi: int) -> frozenset[int]:
    """The methods that an object with records or files has, or one of a concentrator; none of another one."""
    if oi in files.OBJECTS:
        return files.methods_of(oi)
    if freezes.is_freeze(oi):
        return freezes.METHODS
    return _EVENT_METHODS if oi in event_objects() else frozenset(collection.methods_of(oi))


def act(meter: Meter, oi: int, method: int, parameter: Variant, by: Author | None = None) -> Variant | None:
    """Run a method and give what it answers, None for nothing; raises `Denied`."""
    if oi in collection.objects_of(meter):
        return collection.act(meter, oi, method, parameter)
    if oi in files.OBJECTS:
        return files.act(meter, oi, method, parameter)
    if freezes.is_freeze(oi):
        freezes.act(meter, oi, method, parameter)
    elif oi not in event_objects():
        raise Denied(Dar.OBJECT_UNDEFINED)
    elif method == 1:
        events.clear(meter, events.event_object(meter, oi), by)
    elif method == 4:
        events.add(meter, events.event_object(meter, oi), parameter)
    elif method == 5:
        events.delete(meter, events.event_object(meter, oi), parameter)
    else:
        raise Denied(Dar.READ_WRITE_DENIED)
    return None
