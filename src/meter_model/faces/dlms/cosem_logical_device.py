"""Associations, logical devices and their names: classes 12, 15 and 17 (IEC 62056-6-2, 4.4).

A client sees its own association as 0-0:40.0.0, and those of all clients as 0-0:40.0.n.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from meterwire.meter_model.faces.dlms.cosem_model import (
    Attribute,
    CosemClass,
    CosemObject,
    Denied,
    Level,
    Method,
    View,
    level_of,
)
from meterwire.meter_model.faces.dlms.cosem_values import NAME, given, given_members
from meterwire.protocols.dlms.data import NULL, Tag, array, octet_string, structure
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.wire.nodes import Variant

CURRENT: Final = bytes((0, 0, 40, 0, 0, 255))
SECURITY_SETUP: Final = bytes((0, 0, 43, 0, 0, 255))
_MOST_SECRET: Final = 64
_NAME: Final = (Tag.OCTET_STRING,)


# ---------------------------------------------------------------- the association view


def _object_list(found: CosemObject, view: View) -> Variant:
    level = view.level if found.detail is None else level_of(found.detail)
    return array(listed(one, level) for one in view.objects())


def listed(one: CosemObject, level: Level) -> Variant:
    """An object of the association view, with what a level may do with it."""
    kind = one.kind
    return structure(
        Variant(Tag.LONG_UNSIGNED, kind.class_id),
        Variant(Tag.UNSIGNED, kind.version),
        octet_string(one.instance),
        access_rights(kind, level),
    )


def access_rights(kind: CosemClass, level: Level) -> Variant:
    """Attributes with their modes and selectors, and methods."""
    attributes = array(
        structure(Variant(Tag.INTEGER, number), Variant(Tag.ENUM, one.mode(level)), _selectors(one))
        for number, one in sorted(kind.attributes.items())
    )
    methods = array(
        structure(Variant(Tag.INTEGER, number), Variant(Tag.BOOLEAN, one.permitted(level)))
        for number, one in sorted(kind.methods.items())
    )
    return structure(attributes, methods)


def _selectors(one: Attribute) -> Variant:
    return array(Variant(Tag.INTEGER, selector) for selector in one.selectors) if one.selectors else NULL


# ---------------------------------------------------------------- class 15


def _agreed(attribute: int) -> Attribute:
    def get(found: CosemObject, view: View) -> Variant:
        if found.detail is None or found.detail == view.client:
            return view.agreed(attribute)
        return view.device.association_attribute(found.detail, attribute)  # type: ignore[no-any-return]

    return Attribute(get)


def _client_of(found: CosemObject, view: View) -> int:
    return view.client if found.detail is None else int(found.detail)


def _set_secret(found: CosemObject, view: View, data: Variant) -> None:
    _change_secret(found, view, data, 7)


def _change_secret(found: CosemObject, view: View, data: Variant, member: int) -> None:
    client = _client_of(found, view)
    if client != view.client and view.level < Level.MANAGEMENT:
        raise Denied(DataAccessResult.READ_WRITE_DENIED)
    secret = given(data, Tag.OCTET_STRING)
    if not 1 <= len(secret) <= _MOST_SECRET:
        raise Denied(DataAccessResult.OTHER_REASON)
    view.device.change_secret(client, bytes(secret))
    view.meter.programming.note(view.author(found.named(member)))


def _change_hls_secret(found: CosemObject, view: View, data: Variant) -> None:
    _change_secret(found, view, data, 2)


def _reply_to_hls(found: CosemObject, view: View, data: Variant) -> Variant:
    if found.detail not in (None, view.client):
        raise Denied(DataAccessResult.READ_WRITE_DENIED)
    return view.reply_to_hls(data)


def _listed_instance(data: Variant) -> bytes:
    """The logical name in an element of an object list; raises `Denied`."""
    members = given_members(data, (Tag.LONG_UNSIGNED,), (Tag.UNSIGNED,), _NAME, (Tag.STRUCTURE,))
    return bytes(members[2].value)


def _remove_object(found: CosemObject, view: View, data: Variant) -> None:
    """Objects that are needed to reach all others cannot be removed."""
    instance = _listed_instance(data)
    if instance == CURRENT or all(one.instance != instance for one in view.objects()):
        raise Denied(DataAccessResult.OBJECT_UNAVAILABLE)
    view.device.hidden.setdefault(_client_of(found, view), set()).add(instance)


def _add_object(found: CosemObject, view: View, data: Variant) -> None:
    """Only what has been removed can be added: a meter has no other objects."""
    instance = _listed_instance(data)
    hidden = view.device.hidden.get(_client_of(found, view), set())
    if instance not in hidden:
        raise Denied(DataAccessResult.OBJECT_UNAVAILABLE)
    hidden.discard(instance)


def _setup_reference(found: CosemObject, view: View) -> Variant:
    del found
    known = any(one.instance == SECURITY_SETUP for one in view.objects())
    return octet_string(SECURITY_SETUP if known else b"")


ASSOCIATION_LN: Final = CosemClass(
    15,
    1,
    {
        1: NAME,
        2: Attribute(_object_list),
        **{number: _agreed(number) for number in (3, 4, 5, 6)},
        7: Attribute(None, _set_secret),
        8: _agreed(8),
        9: Attribute(_setup_reference),
    },
    {
        1: Method(_reply_to_hls, Level.PUBLIC),
        2: Method(_change_hls_secret),
        3: Method(_add_object, Level.MANAGEMENT),
        4: Method(_remove_object, Level.MANAGEMENT),
    },
)


# ---------------------------------------------------------------- class 12


def _short_list(found: CosemObject, view: View) -> Variant:
    del found
    names = view.device.short_names
    return array(
        structure(
            Variant(Tag.LONG, _signed(names.base(one.instance))),
            Variant(Tag.LONG_UNSIGNED, one.kind.class_id),
            Variant(Tag.UNSIGNED, one.kind.version),
            octet_string(one.instance),
        )
        for one in view.objects()
    )


def _short_rights(found: CosemObject, view: View) -> Variant:
    del found
    names = view.device.short_names
    rows = []
    for one in view.objects():
        attributes, methods = access_rights(one.kind, view.level).value
        rows.append(structure(Variant(Tag.LONG, _signed(names.base(one.instance))), attributes, methods))
    return array(rows)


def _signed(name: int) -> int:
    return name - 0x10000 if name & 0x8000 else name


ASSOCIATION_SN: Final = CosemClass(
    12,
    2,
    {1: NAME, 2: Attribute(_short_list), 3: Attribute(_short_rights), 4: Attribute(_setup_reference)},
    {3: Method(), 5: Method(_change_hls_secret), 8: Method(_reply_to_hls, Level.PUBLIC)},
)


# ---------------------------------------------------------------- logical devices


def _device_name(found: CosemObject, view: View) -> Variant:
    del found
    return octet_string(view.meter.identity.logical_device_name)


def _devices(found: CosemObject, view: View) -> Variant:
    del found
    identity = view.meter.identity
    device = Variant(Tag.LONG_UNSIGNED, identity.logical_device)
    return array([structure(device, octet_string(identity.logical_device_name))])


SAP_ASSIGNMENT: Final = CosemClass(17, 0, {1: NAME, 2: Attribute(_devices)}, {1: Method()})
_DEVICE_NAME: Final = CosemClass(1, 0, {1: NAME, 2: Attribute(_device_name)})


def own_objects(clients: Iterable[int]) -> list[CosemObject]:
    """What every management logical device has: associations, SAP assignment and its name."""
    several = [
        CosemObject(ASSOCIATION_LN, bytes((0, 0, 40, 0, number, 255)), detail=client)
        for number, client in enumerate(sorted(clients), 1)
    ]
    return [
        CosemObject(ASSOCIATION_LN, CURRENT),
        *several,
        CosemObject(SAP_ASSIGNMENT, bytes((0, 0, 41, 0, 0, 255))),
        CosemObject(_DEVICE_NAME, bytes((0, 0, 42, 0, 0, 255))),
    ]


def short_association() -> CosemObject:
    """The association with short names, which stands where the other one does."""
    return CosemObject(ASSOCIATION_SN, CURRENT)


def hidden_from(objects: Iterable[CosemObject], hidden: Any) -> list[CosemObject]:
    """The objects without those that were removed from an association."""
    return [one for one in objects if one.instance not in hidden]
