"""What a person asks for: a quantity's name, or a logical name with or without class and attribute."""

from __future__ import annotations

from functools import cache
from typing import Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlms.obis import Obis
from meterwire.quantities import QUANTITIES, Quantity, by_obis, quantity

VALUE: Final = 2
"""The attribute that is meant where none is named."""


class Target(msgspec.Struct, frozen=True):
    """One attribute of one object: `3/1-0:1.8.0/2`."""

    class_id: int
    instance: bytes
    attribute: int

    def __str__(self) -> str:
        return f"{self.class_id}/{Obis(self.instance)}/{self.attribute}"


class Item(msgspec.Struct, frozen=True):
    """What was asked for. Without a class the object list of the meter must tell it."""

    text: str
    instance: bytes
    class_id: int | None
    attribute: int
    quantity: Quantity | None


def item(text: str) -> Item:
    """The item that a text names; raises LocalProtocolError when it names none.

    Besides the names of quantities: `1-0:1.8.0`, `3/1-0:1.8.0`, `1-0:1.8.0/2`, `3/1-0:1.8.0/2`.
    """
    named = QUANTITIES.get(text)
    if named is not None:
        return _of_quantity(text, named)
    parts = text.strip().split("/")
    code = parts[1] if len(parts) > 1 and parts[0].isdecimal() else parts[0]
    if "." not in code and len(code) != 12:
        return _of_quantity(text, quantity(text))  # says which names are near
    instance = Obis.parse(code)
    before, after = (parts[0], parts[2:]) if code != parts[0] else ("", parts[1:])
    if len(after) > 1 or not all(part.removeprefix("-").isdecimal() for part in after):
        raise LocalProtocolError(f"{text!r} is no logical name with class and attribute, such as 3/1-0:1.8.0/2")
    attribute = int(after[0]) if after else VALUE
    class_id = int(before) if before else _class_of(instance, attribute)
    if not -128 <= attribute <= 127 or (class_id or 0) > 0xFFFF:
        raise LocalProtocolError(f"{text!r}: a class has at most 16 bits, an attribute is -128 to 127")
    known = by_obis(class_id, instance, attribute) if class_id is not None else None
    return Item(text, bytes(instance), class_id, attribute, known)


def method_item(text: str) -> Target:
    """The method that a text names: class, logical name, method; raises LocalProtocolError when it names none."""
    parts = text.strip().split("/")
    if len(parts) != 3 or not (parts[0].isdecimal() and parts[2].isdecimal()):
        raise LocalProtocolError(f"{text!r} is no method: class, logical name and number, such as 7/1-0:99.1.4/2")
    class_id, method = int(parts[0]), int(parts[2])
    if class_id > 0xFFFF or not 1 <= method <= 127:
        raise LocalProtocolError(f"{text!r}: a class has at most 16 bits, a method is 1 to 127")
    return Target(class_id, bytes(Obis.parse(parts[1])), method)


def _of_quantity(text: str, row: Quantity) -> Item:
    if row.obis is None or row.attribute is None:
        raise LocalProtocolError(f"DLMS/COSEM has no object for {row.name}")
    return Item(text, row.obis, row.class_id, row.attribute, row)


def _class_of(instance: Obis, attribute: int) -> int | None:
    """The class an object usually has: from the table of quantities, else from that of logical names."""
    found = _classes().get((instance, attribute)) or _classes().get((instance, VALUE))
    return found or instance.class_id


@cache
def _classes() -> dict[tuple[bytes, int], int]:
    """The class of each object that the table of quantities names."""
    rows = (q for q in QUANTITIES.values() if q.obis is not None)
    return {(q.obis, q.attribute): q.class_id for q in rows if q.obis and q.attribute and q.class_id}
