"""LINK: a server that dials in says that it is there. These APDUs have no tail."""

from enum import IntEnum

from meterwire.protocols.dlt69845.dates import DateTime
from meterwire.protocols.dlt69845.services.common import Piid, PiidAcd
from meterwire.protocols.wire.declare import bits, field, message, part
from meterwire.protocols.wire.nodes import U8, U16, Enum


class LinkKind(IntEnum):
    """What a server says of its connection."""

    LOGIN = 0
    HEARTBEAT = 1
    LOGOUT = 2


class LinkOutcome(IntEnum):
    """What the client thinks of a login."""

    OK = 0
    ADDRESS_DUPLICATE = 1
    ILLEGAL_DEVICE = 2
    CAPACITY = 3


@bits(U8)
class LinkResult:
    """Result of a LINK-Request."""

    clock_trusted: int = part(1, "D7: 1 where the client's clock may be trusted", default=0)
    reserved: int = part(4, "D6 to D3: reserved", default=0)
    outcome: int = part(3, "D2 to D0: result", names=LinkOutcome, default=0)


@message(cite="DL/T 698.45-2017, LINK-Request")
class LinkRequest:
    """Login, heartbeat or logout of a server."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    kind: LinkKind | int = field(Enum(U8, LinkKind), "what it says")
    heartbeat: int = field(U16, "heartbeat period, seconds")
    time: DateTime = field(DateTime, "time of the request")


@message(cite="DL/T 698.45-2017, LINK-Response")
class LinkResponse:
    """The client's answer, with the times from which the server may set its clock."""

    piid: Piid = field(Piid, "PIID")
    result: LinkResult = field(LinkResult, "result")
    requested: DateTime = field(DateTime, "time of the request, as the server gave it")
    received: DateTime = field(DateTime, "time the request came in")
    responded: DateTime = field(DateTime, "time of this response")
