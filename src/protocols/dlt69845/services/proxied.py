"""PROXY, answered: what the meters behind a concentrator said."""

from meterwire.protocols.dlt69845.data import OCTET_STRING
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.selection import TSA
from meterwire.protocols.dlt69845.services.action import ActionResult, ActionThenGetResult
from meterwire.protocols.dlt69845.services.common import (
    DAR,
    FOLLOW_REPORT,
    RESULTS,
    TIME_TAG,
    PiidAcd,
    ResultNormal,
    ResultRecord,
    TimeTag,
)
from meterwire.protocols.dlt69845.services.set import SetResult, SetThenGetResult
from meterwire.protocols.wire.declare import field, message
from meterwire.protocols.wire.nodes import AXDR_LENGTH, U8, Choice, Many, Variant


@message(cite="DL/T 698.45-2017, PROXY-Response: ProxyGetResponseList")
class ProxiedGet:
    """Attributes read from one meter."""

    server: bytes = field(TSA, "meter (TSA)")
    results: tuple[ResultNormal, ...] = field(RESULTS, "results")


@message(cite="DL/T 698.45-2017, PROXY-Response: ProxyGetResponseList")
class ProxyGetResponseList:
    """Attributes read from several meters."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    servers: tuple[ProxiedGet, ...] = field(Many(AXDR_LENGTH, ProxiedGet), "meters and results")


@message(cite="DL/T 698.45-2017, PROXY-Response: ProxyGetResponseRecord")
class ProxyGetResponseRecord:
    """Rows of a record table read from one meter."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    server: bytes = field(TSA, "meter (TSA)")
    record: ResultRecord = field(ResultRecord, "rows")


@message(cite="DL/T 698.45-2017, PROXY-Response: ProxySetResponseList")
class ProxiedSet:
    """Attributes written to one meter."""

    server: bytes = field(TSA, "meter (TSA)")
    results: tuple[SetResult, ...] = field(Many(AXDR_LENGTH, SetResult), "results")


@message(cite="DL/T 698.45-2017, PROXY-Response: ProxySetResponseList")
class ProxySetResponseList:
    """Attributes written to several meters."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    servers: tuple[ProxiedSet, ...] = field(Many(AXDR_LENGTH, ProxiedSet), "meters and results")


@message(cite="DL/T 698.45-2017, PROXY-Response: ProxySetThenGetResponseList")
class ProxiedSetThenGet:
    """Attributes written to one meter, and read then."""

    server: bytes = field(TSA, "meter (TSA)")
    results: tuple[SetThenGetResult, ...] = field(Many(AXDR_LENGTH, SetThenGetResult), "results")


@message(cite="DL/T 698.45-2017, PROXY-Response: ProxySetThenGetResponseList")
class ProxySetThenGetResponseList:
    """Attributes written to several meters, and read then."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    servers: tuple[ProxiedSetThenGet, ...] = field(Many(AXDR_LENGTH, ProxiedSetThenGet), "meters and results")


@message(cite="DL/T 698.45-2017, PROXY-Response: ProxyActionResponseList")
class ProxiedAction:
    """Methods run on one meter."""

    server: bytes = field(TSA, "meter (TSA)")
    results: tuple[ActionResult, ...] = field(Many(AXDR_LENGTH, ActionResult), "results")


@message(cite="DL/T 698.45-2017, PROXY-Response: ProxyActionResponseList")
class ProxyActionResponseList:
    """Methods run on several meters."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    servers: tuple[ProxiedAction, ...] = field(Many(AXDR_LENGTH, ProxiedAction), "meters and results")


@message(cite="DL/T 698.45-2017, PROXY-Response: ProxyActionThenGetResponseList")
class ProxiedActionThenGet:
    """Methods run on one meter, and attributes read then."""

    server: bytes = field(TSA, "meter (TSA)")
    results: tuple[ActionThenGetResult, ...] = field(Many(AXDR_LENGTH, ActionThenGetResult), "results")


@message(cite="DL/T 698.45-2017, PROXY-Response: ProxyActionThenGetResponseList")
class ProxyActionThenGetResponseList:
    """Methods run on several meters, and attributes read then."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    servers: tuple[ProxiedActionThenGet, ...] = field(Many(AXDR_LENGTH, ProxiedActionThenGet), "meters and results")


@message(cite="DL/T 698.45-2017, PROXY-Response: ProxyTransCommandResponse")
class ProxyTransparentResponse:
    """What came back through a port."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    port: Oad = field(Oad, "port (OAD)")
    result: Variant = field(Choice(U8, {0: DAR, 1: OCTET_STRING}, into=Variant), "0: why not (DAR); 1: octets")


@message(cite="DL/T 698.45, revision of 2021, PROXY-Response: ProxyInnerTransCommand")
class InnerResult:
    """What one logical device answered (2021)."""

    device: int = field(U8, "logical device")
    result: Variant = field(Choice(U8, {0: DAR, 1: OCTET_STRING}, into=Variant), "0: why not (DAR); 1: octets")


@message(cite="DL/T 698.45, revision of 2021, PROXY-Response: ProxyInnerTransCommand")
class ProxyInnerResponse:
    """What logical devices of the same meter answered (2021)."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    results: tuple[InnerResult, ...] = field(Many(AXDR_LENGTH, InnerResult), "devices and answers")


@message(cite="DL/T 698.45-2017, PROXY-Response")
class ProxyResponse:
    """The PROXY service, answered."""

    response: (
        ProxyGetResponseList
        | ProxyGetResponseRecord
        | ProxySetResponseList
        | ProxySetThenGetResponseList
        | ProxyActionResponseList
        | ProxyActionThenGetResponseList
        | ProxyTransparentResponse
        | ProxyInnerResponse
    ) = field(
        Choice(
            U8,
            {
                1: ProxyGetResponseList,
                2: ProxyGetResponseRecord,
                3: ProxySetResponseList,
                4: ProxySetThenGetResponseList,
                5: ProxyActionResponseList,
                6: ProxyActionThenGetResponseList,
                7: ProxyTransparentResponse,
                8: ProxyInnerResponse,
            },
        ),
        "what is answered",
    )
    follow_report: Variant | None = field(FOLLOW_REPORT, "follow report", default=None)
    time_tag: TimeTag | None = field(TIME_TAG, "time tag", default=None)
