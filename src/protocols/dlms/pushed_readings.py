"""What the body of a push says, as readings: with or without an object list, whatever shape the meter gave it.

Shapes that real meters send: structures of logical name, value, and scaler and unit; logical names and values in turn;
a push object list with a value for each of its entries; bare descriptors with values; values alone, which are named by
their position.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import Any, Final, cast

from meterwire.errors import MalformedError
from meterwire.protocols.dlms.cosem.classes import attribute_name
from meterwire.protocols.dlms.data import DATA, Tag, elements, integer, number
from meterwire.protocols.dlms.interpret import (
    SCALED,
    SCALER_ATTRIBUTE,
    ScalerUnit,
    moment,
    normalised,
    scaler_unit,
    value_of,
)
from meterwire.protocols.dlms.items import Item
from meterwire.protocols.dlms.obis import Obis
from meterwire.protocols.dlms.xdlms.pushed import PushedList
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities import by_obis
from meterwire.quantities.reading import Reading

MOST_READINGS: Final = 4096
_NAME_OCTETS: Final = 6
_TIME_OCTETS: Final = 12
_VALUE: Final = 2
_PUSH_SETUP, _OBJECT_LIST, _ENTRY_MEMBERS = 40, 2, 4

Target = tuple[int, bytes, int]


def readings_of(body: bytes | Variant, zone: tzinfo, target: Target | None = None) -> list[Reading]:
    """The readings of a notification body.

    Args:
        body: encoded, or Data.
        zone: of times without deviation.
        target: class, logical name and attribute that the body is the value of, where that is known.

    Raises:
        MalformedError: the body has none of the known shapes.
    """
    data: Any = body
    if isinstance(body, bytes):
        try:
            data = codec(DATA).parse(body)
        except MalformedError:
            listed = codec(PushedList).parse(body).attributes
            return [
                _reading((one.descriptor.class_id, one.descriptor.instance, one.descriptor.attribute), one.value, zone)
                for one in listed
            ]
    if target is not None:
        return [_reading(target, data, zone)]
    members = elements(data) or ()
    named = [_reading(target, members[place], zone, scale) for place, target, scale in named_in(members)]
    if named:
        return named
    found = []
    for reading in _walk(data, zone):
        found.append(reading)
        if len(found) == MOST_READINGS:
            break
    if not any(reading.item.startswith("[") for reading in found):
        return found
    positions = iter(range(1, len(found) + 1))
    return [_placed(reading, next(positions)) for reading in found]


def named_in(members: Sequence[Any]) -> Iterator[tuple[int, Target, ScalerUnit | None]]:
    """The values in a list that begins with its push object list: the place of each, what it is of, and its scaler.

    Scalers and units that are among them apply to what they belong to, and are no values.
    """
    pairs = (_with_object_list(members) or [])[:MOST_READINGS]
    scalers = {}
    for (class_id, name, attribute), value in pairs:
        declared = _declared((value,)) if SCALER_ATTRIBUTE.get(class_id) == attribute else None
        if declared is not None:
            scalers[class_id, name] = declared
    for place, ((class_id, name, attribute), _) in enumerate(pairs, 1):
        declared = scalers.get((class_id, name))
        if declared is None or attribute != SCALER_ATTRIBUTE[class_id]:
            applies = attribute in SCALED.get(class_id, ())
            yield place, (class_id, name, attribute), declared if applies else None


def _with_object_list(members: Sequence[Any]) -> list[tuple[Target, Any]] | None:
    """What belongs to what, where a push begins with its push object list (class 40, attribute 2); else None.

    The list has an entry for each value behind it, and mostly a first one for itself.
    """
    entries = elements(members[0]) if len(members) > 1 else None
    if not entries or members[0].tag != Tag.ARRAY:
        return None
    targets = [_entry(entry) for entry in entries]
    if None in targets:
        return None
    named = cast("list[Target]", targets)
    if named[0][0] == _PUSH_SETUP and named[0][2] == _OBJECT_LIST:
        named = named[1:]
    return list(zip(named, members[1:], strict=True)) if len(named) == len(members) - 1 else None


def _entry(entry: Any) -> Target | None:
    """An entry of a push object list: class, logical name, attribute, what of it; restrictions in later versions."""
    members = elements(entry) or ()
    if len(members) < _ENTRY_MEMBERS or not isinstance(members[1], Variant):
        return None
    class_id, name, attribute = integer(members[0]), members[1].value, integer(members[2])
    if class_id is None or attribute is None or not isinstance(name, bytes) or len(name) != _NAME_OCTETS:
        return None
    return class_id, name, attribute


def _placed(reading: Reading, position: int) -> Reading:
    if not reading.item.startswith("["):
        return reading
    return Reading(f"[{position}]", None, reading.value, reading.unit, reading.time)


def _walk(data: Any, zone: tzinfo) -> Iterator[Reading]:
    members = elements(data)
    if members is None:
        yield _unnamed(data, zone)
        return
    place = 0
    while place < len(members):
        name = _name_in(members[place])
        if name is None or place + 1 == len(members) or elements(members[place + 1]) is not None:
            yield from _walk(members[place], zone)
            place += 1
            continue
        value, declared = members[place + 1], _declared(members[place + 2 : place + 3])
        yield _reading((0, name, _VALUE), value, zone, declared)
        place += 2 if declared is None else 3


def registers_in(members: Sequence[Any], zone: tzinfo) -> Iterator[tuple[int, str, Reading | None]]:
    """The values in a list whose meaning stands beside them: the place, the logical name, and the scaled number.

    They are written as logical name, number, scaler and unit (the name is empty then: it stands right above), or behind
    a push object list.
    """
    for place in range(1, len(members) - 1):
        name, declared = _name_in(members[place - 1]), _declared(members[place + 1 : place + 2])
        if name is not None and declared is not None and number(members[place]) is not None:
            yield place, "", _reading((0, name, _VALUE), members[place], zone, declared)
    for place, target, scale in named_in(members):
        code = Obis(target[1])
        attribute = (
            "" if target[2] == _VALUE else f" {attribute_name(target[0], target[2]) or f'attribute {target[2]}'}"
        )
        scaled = scale is not None and number(members[place]) is not None
        reading = _reading(target, members[place], zone, scale) if scaled else None
        yield place, f"{code} {code.name}".rstrip() + attribute, reading


def _name_in(data: Any) -> bytes | None:
    """The logical name that an octet string of six octets is; one that ends otherwise than in 255 mostly is text."""
    if not isinstance(data, Variant) or data.tag != Tag.OCTET_STRING or len(data.value) != _NAME_OCTETS:
        return None
    octets: bytes = data.value
    return None if octets.isdigit() or octets.isalpha() else octets


def _declared(rest: Sequence[Any]) -> ScalerUnit | None:
    try:
        return scaler_unit(rest[0]) if rest else None
    except MalformedError:
        return None


def _unnamed(data: Any, zone: tzinfo) -> Reading:
    return Reading("[]", None, _plain(data, Item("", b"", None, _VALUE, None), zone))


def _reading(target: Target, data: Any, zone: tzinfo, declared: ScalerUnit | None = None) -> Reading:
    class_id, name, attribute = target
    text = str(Obis(name)) if attribute == _VALUE else f"{class_id}/{Obis(name)}/{attribute}"
    row = by_obis(class_id, name, attribute) if class_id else _row_of(name)
    item = Item(text, name, class_id or None, attribute, None)
    raw = number(data)
    if raw is not None and declared is not None:
        value, unit = normalised(raw, declared, row.unit if row is not None else None)
        return Reading(text, row.name if row is not None else None, value, unit or None)
    return Reading(text, row.name if row is not None else None, _plain(data, item, zone))


def _row_of(name: bytes) -> Any:
    return next((row for kind in (3, 4, 5, 1, 8) if (row := by_obis(kind, name, _VALUE)) is not None), None)


def _plain(data: Any, item: Item, zone: tzinfo) -> Any:
    """A time where twelve octets are one, else as plainly as the type allows."""
    if isinstance(data, Variant) and isinstance(data.value, bytes) and len(data.value) == _TIME_OCTETS:
        when = moment(data, zone)
        if when is not None:
            return when
    return value_of(data, item, zone)
