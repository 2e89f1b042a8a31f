"""Object 4400: the association of whoever asks - the objects it can reach, what was agreed, who it is.

The list has an entry for each object: its attributes with their access (0 none, 1 read, 2 write, 3 both; recalled), and
its methods with whether they can be run. It is longer than most APDUs: ask for its elements, of which 255 have a
number, or agree on APDUs of 16 kB in pieces.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from meterwire.meter_model.faces.dlt69845 import record_objects as records
from meterwire.meter_model.faces.dlt69845.attributes import element, last_attribute, rows, served_objects
from meterwire.meter_model.faces.dlt69845.conformance import FRAME_SIZE, TIMEOUT, VERSION, conformance_of
from meterwire.meter_model.faces.dlt69845.context import APDU_SIZE, Context
from meterwire.meter_model.faces.dlt69845.methods import METHODS
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.objects import attribute_of, object_of
from meterwire.protocols.wire.nodes import Variant

_ACCESS: Final = {"r": 1, "x": 2, "w": 3}
_READ: Final = 1
_CLEARED: Final = 2
"""The class of which method 1 clears each object: demands."""
_LAST: Final = 5


def association(context: Context, oad: Oad) -> Variant:
    """An attribute of the association, or all; raises `Denied`."""
    if oad.attribute != oad.number or oad.number > _LAST:
        raise Denied(Dar.OBJECT_UNAVAILABLE if oad.number <= _LAST else Dar.OBJECT_CLASS_INCONSISTENT)
    if oad.number:
        return element(_attribute(context, oad), oad.index)
    every = (_attribute(context, Oad(oad.oi, number, 0)) for number in range(1, _LAST + 1))
    return element(Variant(2, tuple(every)), oad.index)


def _attribute(context: Context, oad: Oad) -> Variant:
    if oad.number == 1:
        return Variant(9, oad.oi.to_bytes(2, "big"))
    if oad.number == 2:
        return Variant(1, _objects(tuple(served_objects(context.meter))))
    if oad.number == 3:
        sizes = (VERSION, FRAME_SIZE, FRAME_SIZE, min(context.apdu_size, APDU_SIZE))
        conformance = conformance_of(context.meter)
        bits = (Variant(4, _bits(conformance.protocol)), Variant(4, _bits(conformance.functions)))
        return Variant(2, (*(Variant(18, size) for size in sizes), *bits, Variant(6, TIMEOUT)))
    return Variant(17, context.client) if oad.number == 4 else Variant(22, context.mechanism)


def _bits(octets: bytes) -> str:
    return "".join(f"{octet:08b}" for octet in octets)


@cache
def _objects(ois: tuple[int, ...]) -> tuple[Variant, ...]:
    return tuple(Variant(2, (Variant(80, oi), Variant(2, (_attributes(oi), _methods(oi))))) for oi in ois)


def _attributes(oi: int) -> Variant:
    """Those that the object's class has, or that meters serve."""
    own = rows().get(oi, {})
    declared = (number for number in range(1, last_attribute(oi) + 1) if attribute_of(oi << 16 | number << 8))
    numbers = sorted({*declared, *own})
    access = {number: _ACCESS[own[number].access] if number in own else _READ for number in numbers}
    return Variant(1, tuple(_pair(number, Variant(22, access[number])) for number in numbers))


def _methods(oi: int) -> Variant:
    numbers = {method for served, method in METHODS if served == oi} | records.methods_of(oi)
    row = object_of(oi)
    if row is not None and row.class_id == _CLEARED:
        numbers.add(1)
    return Variant(1, tuple(_pair(number, Variant(3, True)) for number in sorted(numbers)))


def _pair(number: int, what: Variant) -> Variant:
    return Variant(2, (Variant(17, number), what))
