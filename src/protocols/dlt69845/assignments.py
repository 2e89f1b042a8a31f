"""What to write and what to run, from names and texts, by the table of objects in use."""

from __future__ import annotations

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt69845.descriptors import Omd
from meterwire.protocols.dlt69845.entered import entered
from meterwire.protocols.dlt69845.items import item as named
from meterwire.protocols.dlt69845.objects import method_of, scaler_unit, table
from meterwire.protocols.dlt69845.services.action import ActionItem
from meterwire.protocols.dlt69845.services.set import SetItem
from meterwire.protocols.wire.nodes import Variant

_NOTHING = ("", "any", "NULL", "integer")
"""Types of parameters of which a caller need not speak: NULL, and the integer 0 of a reset."""


def assignment(item: str, text: str) -> SetItem:
    """What to write, from a name and a text, by the table in use; raises LocalProtocolError."""
    asked = named(item)
    row = asked.quantity.dlt69845 if asked.quantity is not None else None
    declared = scaler_unit(asked.oad.packed)
    exponent = row.exponent if row is not None and row.exponent is not None else declared[0] if declared else 0
    kind = table().type_of(asked.oad.packed) or (row.data_type if row is not None else "")
    return SetItem(asked.oad, entered(text, kind, exponent))


def invocation(method: str, text: str) -> ActionItem:
    """What to run, from a name and a text, by the table in use; raises LocalProtocolError."""
    omd = method_named(method)
    known = method_of(omd.oi << 16 | omd.method << 8)
    kind = known.data_type if known is not None else ""
    if not text and kind in _NOTHING:
        return ActionItem(omd, Variant(15, 0) if kind == "integer" else Variant(0, None))
    return ActionItem(omd, entered(text, kind))


def method_named(text: str) -> Omd:
    """The method of an OMD, or of object and name (`8000.trip`, spaces written `-`); raises LocalProtocolError."""
    oi, dot, name = text.partition(".")
    if not dot:
        return Omd.of(text)
    try:
        number = int(oi, 16)
    except ValueError as error:
        raise LocalProtocolError(f"{oi!r} is no object: four hexadecimal digits such as 8000") from error
    methods = table().members_of(number, "method")
    names = {member.name.replace(" ", "-"): member.number for member in methods}
    if name not in names:
        raise LocalProtocolError(f"object {oi} has no method {name!r}, but {', '.join(names)}")
    return Omd(number, names[name])
