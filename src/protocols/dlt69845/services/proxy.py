"""PROXY, asked: a concentrator reads, writes and runs on meters behind it, or passes octets through a port."""

from meterwire.protocols.dlt69845.data import OCTET_STRING, PortSettings
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.selection import TSA
from meterwire.protocols.dlt69845.services.action import ActionItem, ActionThenGetItem
from meterwire.protocols.dlt69845.services.common import TIME_TAG, Piid, TimeTag
from meterwire.protocols.dlt69845.services.get import GetRecord
from meterwire.protocols.dlt69845.services.set import SetItem, SetThenGetItem
from meterwire.protocols.wire.declare import field, message
from meterwire.protocols.wire.nodes import AXDR_LENGTH, U8, U16, Choice, Many


@message(cite="DL/T 698.45-2017, PROXY-Request: ProxyGetRequestList")
class ProxyGet:
    """Attributes to read from one meter."""

    server: bytes = field(TSA, "meter (TSA)")
    timeout: int = field(U16, "time allowed for it, seconds; 0 as the proxy likes")
    oads: tuple[Oad, ...] = field(Many(AXDR_LENGTH, Oad), "attributes (OAD)")


@message(cite="DL/T 698.45-2017, PROXY-Request: ProxyGetRequestList")
class ProxyGetRequestList:
    """Read attributes from several meters."""

    piid: Piid = field(Piid, "PIID")
    timeout: int = field(U16, "time allowed for all, seconds")
    servers: tuple[ProxyGet, ...] = field(Many(AXDR_LENGTH, ProxyGet), "meters and attributes")


@message(cite="DL/T 698.45-2017, PROXY-Request: ProxyGetRequestRecord")
class ProxyGetRequestRecord:
    """Read rows of a record table from one meter."""

    piid: Piid = field(Piid, "PIID")
    timeout: int = field(U16, "time allowed, seconds")
    server: bytes = field(TSA, "meter (TSA)")
    record: GetRecord = field(GetRecord, "what is read")


@message(cite="DL/T 698.45-2017, PROXY-Request: ProxySetRequestList")
class ProxySet:
    """Attributes to write to one meter."""

    server: bytes = field(TSA, "meter (TSA)")
    timeout: int = field(U16, "time allowed for it, seconds; 0 as the proxy likes")
    items: tuple[SetItem, ...] = field(Many(AXDR_LENGTH, SetItem), "attributes and values")


@message(cite="DL/T 698.45-2017, PROXY-Request: ProxySetRequestList")
class ProxySetRequestList:
    """Write attributes to several meters."""

    piid: Piid = field(Piid, "PIID")
    timeout: int = field(U16, "time allowed for all, seconds")
    servers: tuple[ProxySet, ...] = field(Many(AXDR_LENGTH, ProxySet), "meters and values")


@message(cite="DL/T 698.45-2017, PROXY-Request: ProxySetThenGetRequestList")
class ProxySetThenGet:
    """Attributes to write to one meter, and to read then."""

    server: bytes = field(TSA, "meter (TSA)")
    timeout: int = field(U16, "time allowed for it, seconds; 0 as the proxy likes")
    items: tuple[SetThenGetItem, ...] = field(Many(AXDR_LENGTH, SetThenGetItem), "what is written and read")


@message(cite="DL/T 698.45-2017, PROXY-Request: ProxySetThenGetRequestList")
class ProxySetThenGetRequestList:
    """Write to several meters, and then read."""

    piid: Piid = field(Piid, "PIID")
    timeout: int = field(U16, "time allowed for all, seconds")
    servers: tuple[ProxySetThenGet, ...] = field(Many(AXDR_LENGTH, ProxySetThenGet), "meters and items")


@message(cite="DL/T 698.45-2017, PROXY-Request: ProxyActionRequestList")
class ProxyAction:
    """Methods to run on one meter."""

    server: bytes = field(TSA, "meter (TSA)")
    timeout: int = field(U16, "time allowed for it, seconds; 0 as the proxy likes")
    items: tuple[ActionItem, ...] = field(Many(AXDR_LENGTH, ActionItem), "methods and parameters")


@message(cite="DL/T 698.45-2017, PROXY-Request: ProxyActionRequestList")
class ProxyActionRequestList:
    """Run methods on several meters."""

    piid: Piid = field(Piid, "PIID")
    timeout: int = field(U16, "time allowed for all, seconds")
    servers: tuple[ProxyAction, ...] = field(Many(AXDR_LENGTH, ProxyAction), "meters and methods")


@message(cite="DL/T 698.45-2017, PROXY-Request: ProxyActionThenGetRequestList")
class ProxyActionThenGet:
    """Methods to run on one meter, and attributes to read then."""

    server: bytes = field(TSA, "meter (TSA)")
    timeout: int = field(U16, "time allowed for it, seconds; 0 as the proxy likes")
    items: tuple[ActionThenGetItem, ...] = field(Many(AXDR_LENGTH, ActionThenGetItem), "what is run and read")


@message(cite="DL/T 698.45-2017, PROXY-Request: ProxyActionThenGetRequestList")
class ProxyActionThenGetRequestList:
    """Run methods on several meters, and then read."""

    piid: Piid = field(Piid, "PIID")
    timeout: int = field(U16, "time allowed for all, seconds")
    servers: tuple[ProxyActionThenGet, ...] = field(Many(AXDR_LENGTH, ProxyActionThenGet), "meters and items")


@message(cite="DL/T 698.45-2017, PROXY-Request: ProxyTransCommandRequest")
class ProxyTransparent:
    """Send octets through a port as they are, and give back what comes."""

    piid: Piid = field(Piid, "PIID")
    port: Oad = field(Oad, "port (OAD)")
    settings: PortSettings = field(PortSettings, "settings of the port (COMDCB)")
    timeout: int = field(U16, "time to wait for the answer, seconds")
    gap: int = field(U16, "silence that ends the answer, milliseconds")
    octets: bytes = field(OCTET_STRING, "octets to send")


@message(cite="DL/T 698.45, revision of 2021, PROXY-Request: ProxyInnerTransCommand")
class InnerCommand:
    """Octets for one logical device (2021)."""

    device: int = field(U8, "logical device")
    timeout: int = field(U16, "time to wait for the answer, seconds")
    gap: int = field(U16, "silence that ends the answer, milliseconds")
    octets: bytes = field(OCTET_STRING, "octets to send")


@message(cite="DL/T 698.45, revision of 2021, PROXY-Request: ProxyInnerTransCommand")
class ProxyInner:
    """Pass octets to logical devices of the same meter (2021)."""

    piid: Piid = field(Piid, "PIID")
    commands: tuple[InnerCommand, ...] = field(Many(AXDR_LENGTH, InnerCommand), "devices and octets")


@message(cite="DL/T 698.45-2017, PROXY-Request")
class ProxyRequest:
    """The PROXY service, asked."""

    request: (
        ProxyGetRequestList
        | ProxyGetRequestRecord
        | ProxySetRequestList
        | ProxySetThenGetRequestList
        | ProxyActionRequestList
        | ProxyActionThenGetRequestList
        | ProxyTransparent
        | ProxyInner
    ) = field(
        Choice(
            U8,
            {
                1: ProxyGetRequestList,
                2: ProxyGetRequestRecord,
                3: ProxySetRequestList,
                4: ProxySetThenGetRequestList,
                5: ProxyActionRequestList,
                6: ProxyActionThenGetRequestList,
                7: ProxyTransparent,
                8: ProxyInner,
            },
        ),
        "what is asked",
    )
    time_tag: TimeTag | None = field(TIME_TAG, "time tag", default=None)
