"""Notification bodies that are no Data: lists of attributes with bare descriptors, as Sagemcom meters push them.

Seen in pushes of real meters only (EGD, Czechia); no clause describes it.
"""

from meterwire.protocols.dlms.data import DATA
from meterwire.protocols.dlms.xdlms.common import AttributeDescriptor
from meterwire.protocols.wire.declare import field, hidden, message
from meterwire.protocols.wire.nodes import AXDR_LENGTH, U8, Const, Many, Variant


@message(cite="DLMS UA 1000-2, 9.5, Cosem-Attribute-Descriptor; without tags, as pushes of real meters have it")
class PushedAttribute:
    """An attribute and its value."""

    start = hidden(Const(b"\x02\x02"), "structure of two")
    descriptor: AttributeDescriptor = field(AttributeDescriptor, "attribute descriptor, without tags")
    value: Variant = field(DATA, "value")


@message(cite="DLMS UA 1000-2, 9.5, notification-body; as pushes of real meters have it")
class PushedList:
    """What is pushed: a number, and attributes with their values."""

    start = hidden(Const(b"\x02\x02\x16"), "structure of two, the first an enumeration")
    kind: int = field(U8, "a number that the meter chose")
    listed = hidden(Const(b"\x01"), "array")
    attributes: tuple[PushedAttribute, ...] = field(Many(AXDR_LENGTH, PushedAttribute), "attributes")
