"""What a server sends unasked (DLMS UA 1000-2, 9.3.10 and 9.5)."""

from meterwire.protocols.dlms.data import DATA
from meterwire.protocols.dlms.xdlms.common import OCTETS, AttributeDescriptor
from meterwire.protocols.wire.declare import bits, field, message, part
from meterwire.protocols.wire.nodes import NOTHING, REST, U8, U32, Choice, Maybe, Octets, Variant


@bits(U32)
class LongInvoke:
    """Long invoke id and priority (DLMS UA 1000-2, 9.5, Long-Invoke-Id-And-Priority)."""

    priority: int = part(1, "priority: 1 high", default=0)
    service_class: int = part(1, "service class: 1 confirmed", default=0)
    processing: int = part(1, "processing option: 1 break on error", default=0)
    self_descriptive: int = part(1, "1 self-descriptive", default=0)
    reserved: int = part(4, "reserved", default=0)
    number: int = part(24, "long invoke id", default=0)


@message(cite="DLMS UA 1000-2, 9.5, Data-Notification")
class DataNotification:
    """A push. The body should be Data; real meters also send other things, so it is a layer of its own.

    The date-time is an octet string whose length is its tag here: 0 or 12 octets. Some meters (Kaifa) put the tag of an
    octet string, 09H, in front of that length; both are read and sent again as they came.
    """

    invoke: LongInvoke = field(LongInvoke, "long invoke id and priority")
    date_time: Variant = field(Choice(U8, {0: NOTHING, 12: Octets(12), 9: OCTETS}, into=Variant), "date-time")
    body: bytes = field(Octets(REST), "notification body")


@message(cite="DLMS UA 1000-2, 9.5, Data-Notification-Confirm")
class DataNotificationConfirm:
    """A push has arrived."""

    invoke: LongInvoke = field(LongInvoke, "long invoke id and priority")
    date_time: bytes = field(OCTETS, "date-time")


@message(cite="DLMS UA 1000-2, 9.5, Event-Notification-Request")
class EventNotification:
    """An attribute sent because something happened."""

    time: bytes | None = field(Maybe(OCTETS), "time")
    descriptor: AttributeDescriptor = field(AttributeDescriptor, "attribute descriptor")
    value: Variant = field(DATA, "attribute value")
