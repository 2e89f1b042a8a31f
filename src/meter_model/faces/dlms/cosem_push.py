"""Push setup (IEC 62056-6-2, class 40, version 2): what the meter pushes, to whom, and how it tries.

The numbers of attributes 8 to 13 and of the second method are recalled, and agree with those of a peer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from meterwire.errors import MalformedError
from meterwire.meter_model.dlms_push import CONFIRMED, SETUP, DlmsPush, Pushed
from meterwire.meter_model.faces.dlms.cosem_model import Attribute, CosemClass, CosemObject, Denied, Level, Method, View
from meterwire.meter_model.faces.dlms.cosem_values import NAME, NO_DATE_TIME, fixed, given, given_members
from meterwire.protocols.dlms.data import Tag, array, octet_string, structure
from meterwire.protocols.dlms.date_time import CosemDateTime
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.wire.nodes import Variant

MOST_OBJECTS: Final = 64
_MOST_WINDOWS: Final = 8
_LONGEST_DESTINATION: Final = 128
_MOST_RETRIES: Final = 20
_ENTRY: Final = ((Tag.LONG_UNSIGNED,), (Tag.OCTET_STRING,), (Tag.INTEGER,), (Tag.LONG_UNSIGNED,))
_NAME_OCTETS, _TIME_OCTETS = 6, 12


def _push(view: View) -> DlmsPush:
    found: DlmsPush = view.meter.dlms_push
    return found


def object_list(push: DlmsPush) -> Variant:
    """Attribute 2, also where it is pushed itself."""
    return array(
        structure(
            Variant(Tag.LONG_UNSIGNED, one.class_id),
            octet_string(one.instance),
            Variant(Tag.INTEGER, one.attribute),
            Variant(Tag.LONG_UNSIGNED, one.index),
        )
        for one in push.settings.objects
    )


def _set_objects(found: CosemObject, view: View, data: Variant) -> None:
    """Anything may be in the list; what the meter has not is pushed as null-data."""
    del found
    entries = given(data, Tag.ARRAY)
    if len(entries) > MOST_OBJECTS:
        raise Denied(DataAccessResult.OTHER_REASON)
    objects = []
    for entry in entries:
        class_id, name, attribute, index = (member.value for member in given_members(entry, *_ENTRY))
        if len(name) != _NAME_OCTETS:
            raise Denied(DataAccessResult.OTHER_REASON)
        objects.append(Pushed(class_id, name, attribute, index))
    _push(view).change(objects=tuple(objects))


def _destination(found: CosemObject, view: View) -> Variant:
    del found
    settings = _push(view).settings
    service, message = Variant(Tag.ENUM, settings.service), Variant(Tag.ENUM, settings.message)
    return structure(service, octet_string(settings.destination), message)


def _set_destination(found: CosemObject, view: View, data: Variant) -> None:
    del found
    service, place, message = given_members(data, (Tag.ENUM,), (Tag.OCTET_STRING,), (Tag.ENUM,))
    if len(place.value) > _LONGEST_DESTINATION or message.value != 0:
        raise Denied(DataAccessResult.OTHER_REASON)
    _push(view).change(service=service.value, destination=place.value, message=message.value)


def _windows(found: CosemObject, view: View) -> Variant:
    del found
    return array(structure(*map(octet_string, pair)) for pair in _push(view).settings.windows)


def _set_windows(found: CosemObject, view: View, data: Variant) -> None:
    del found
    entries = given(data, Tag.ARRAY)
    if len(entries) > _MOST_WINDOWS:
        raise Denied(DataAccessResult.OTHER_REASON)
    pairs = []
    for entry in entries:
        first, last = (member.value for member in given_members(entry, (Tag.OCTET_STRING,), (Tag.OCTET_STRING,)))
        for moment in (first, last):
            _check_time(moment)
        pairs.append((first, last))
    _push(view).change(windows=tuple(pairs))


def _check_time(octets: bytes) -> None:
    try:
        if len(octets) != _TIME_OCTETS:
            raise Denied(DataAccessResult.TYPE_UNMATCHED)
        CosemDateTime.of_octets(octets)
    except MalformedError:
        raise Denied(DataAccessResult.OTHER_REASON) from None


def _number(field: str, tag: Tag, most: int) -> Attribute:
    """An attribute that is a number within limits."""

    def get(found: CosemObject, view: View) -> Variant:
        del found
        return Variant(tag, getattr(_push(view).settings, field))

    def set_(found: CosemObject, view: View, data: Variant) -> None:
        del found
        value = given(data, tag)
        if not 0 <= value <= most:
            raise Denied(DataAccessResult.OTHER_REASON)
        _push(view).change(**{field: value})

    return _settable(get, set_)


def _settable(get: Callable[..., Any], set_: Callable[..., None]) -> Attribute:
    return Attribute(get, set_, write=Level.MANAGEMENT)


def _confirmation_time(found: CosemObject, view: View) -> Variant:
    del found
    confirmed = _push(view).confirmed
    return octet_string(confirmed) if confirmed else NO_DATE_TIME


def _run(found: CosemObject, view: View, data: Variant) -> None:
    """Push as soon as the answer has left, through every endpoint that pushes."""
    del found, data
    _push(view).asked += 1


_NEVER: Final = structure(NO_DATE_TIME, Variant(Tag.DOUBLE_LONG_UNSIGNED, 0))
PUSH_SETUP: Final = CosemClass(
    40,
    2,
    {
        1: NAME,
        2: _settable(lambda _found, view: object_list(_push(view)), _set_objects),
        3: _settable(_destination, _set_destination),
        4: _settable(_windows, _set_windows),
        5: _number("start_interval", Tag.LONG_UNSIGNED, 0xFFFF),
        6: _number("retries", Tag.UNSIGNED, _MOST_RETRIES),
        7: _number("delay", Tag.LONG_UNSIGNED, 0xFFFF),
        8: Attribute(fixed(octet_string(b""))),
        9: _number("client", Tag.INTEGER, 0x7F),
        10: Attribute(fixed(array(()))),
        11: _number("method", Tag.ENUM, CONFIRMED),
        12: Attribute(fixed(_NEVER)),
        13: Attribute(_confirmation_time),
    },
    {1: Method(_run), 2: Method()},
)


def push_objects(meter: Any) -> list[CosemObject]:
    """The push setup of a meter that has one."""
    return [CosemObject(PUSH_SETUP, SETUP)] if getattr(meter, "dlms_push", None) is not None else []
