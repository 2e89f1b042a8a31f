"""Short names: where each attribute and method of each object lies (IEC 62056-6-2, 4.2 and the tables of the classes).

The association is at FA00H. The other objects follow each other from 0100H on in the order of their logical names.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from meterwire.meter_model.faces.dlms.cosem_model import CosemClass, CosemObject
from meterwire.protocols.dlms.cosem.method_offsets import attribute_name, method_name

ASSOCIATION_NAME: Final = 0xFA00
_FIRST: Final = 0x0100


class Place(msgspec.Struct, frozen=True):
    """What a short name means: a member of an object, an attribute or a method."""

    found: CosemObject
    member: int
    is_method: bool


class ShortNames:
    """The short names of one logical device.

    Args:
        objects: those that have names; their order does not matter.
        association: the one at FA00H.
    """

    def __init__(self, objects: Iterable[CosemObject], association: CosemObject) -> None:
        self._bases = {association.instance: ASSOCIATION_NAME}
        self._places: dict[int, Place] = {}
        self._add(association, ASSOCIATION_NAME)
        base = _FIRST
        for one in sorted(objects, key=lambda one: one.instance):
            if one.instance in self._bases or base + _size(one.kind) > ASSOCIATION_NAME:
                continue
            self._bases[one.instance] = base
            self._add(one, base)
            base += _size(one.kind)

    def base(self, instance: bytes) -> int:
        """The base name of an object; 0 for one that has none."""
        return self._bases.get(instance, 0)

    def __contains__(self, instance: object) -> bool:
        return instance in self._bases

    def find(self, name: int) -> Place | None:
        """What a short name means; None for nothing."""
        return self._places.get(name)

    def _add(self, one: CosemObject, base: int) -> None:
        for number in one.kind.methods:
            name = method_name(base, one.kind.class_id, number)
            if name is not None:
                self._places[name] = Place(one, number, is_method=True)
        for number in one.kind.attributes:
            self._places[attribute_name(base, number)] = Place(one, number, is_method=False)


def _size(kind: CosemClass) -> int:
    """Octets of names that a class needs, in whole sixteenths."""
    ends = [attribute_name(0, max(kind.attributes) + 1)]
    if kind.methods:
        ends.append(method_name(0, kind.class_id, max(kind.methods) + 1) or 0)
    return (max(ends) + 15) // 16 * 16
