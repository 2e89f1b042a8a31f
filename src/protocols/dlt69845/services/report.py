"""REPORT: what a server sends unasked, and the client's receipt for it."""

from meterwire.protocols.dlt69845.data import OCTET_STRING
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.services.common import (
    FOLLOW_REPORT,
    RECORDS,
    RESULTS,
    TIME_TAG,
    Piid,
    PiidAcd,
    ResultNormal,
    ResultRecord,
    TimeTag,
)
from meterwire.protocols.wire.declare import field, message
from meterwire.protocols.wire.nodes import AXDR_LENGTH, REST, U8, Choice, Many, Octets, Variant


@message(cite="DL/T 698.45-2017, REPORT-Notification: ReportNotificationList")
class ReportList:
    """Attributes, reported."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    results: tuple[ResultNormal, ...] = field(RESULTS, "attributes")


@message(cite="DL/T 698.45-2017, REPORT-Notification: ReportNotificationRecordList")
class ReportRecordList:
    """Rows of record tables, reported."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    records: tuple[ResultRecord, ...] = field(RECORDS, "rows of each table")


@message(cite="DL/T 698.45-2017, REPORT-Notification: ReportNotificationTransData")
class ReportTransparent:
    """What came in at a port, reported as it is."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    port: Oad = field(Oad, "port (OAD)")
    frames: tuple[bytes, ...] = field(Many(AXDR_LENGTH, OCTET_STRING), "frames")


@message(cite="DL/T 698.45, revision of 2021, REPORT-Notification: RequestClientService")
class ReportClientService:
    """A request that the server makes of the client (2021)."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    content: bytes = field(OCTET_STRING, "request")


@message(cite="DL/T 698.45, revision of 2021, REPORT-Notification: SimplifyRecord")
class ReportSimplified:
    """Records in simplified form (2021). Its layout is not known for certain, so its content is left as octets."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    content: bytes = field(Octets(REST), "content")


@message(cite="DL/T 698.45-2017, REPORT-Notification")
class ReportNotification:
    """The REPORT service, sent by a server of its own accord."""

    report: ReportList | ReportRecordList | ReportTransparent | ReportClientService | ReportSimplified = field(
        Choice(
            U8, {1: ReportList, 2: ReportRecordList, 3: ReportTransparent, 4: ReportClientService, 6: ReportSimplified}
        ),
        "what is reported",
    )
    follow_report: Variant | None = field(FOLLOW_REPORT, "follow report", default=None)
    time_tag: TimeTag | None = field(TIME_TAG, "time tag", default=None)


@message(cite="DL/T 698.45-2017, REPORT-Response: ReportResponseList")
class ReceiptList:
    """Receipt for attributes."""

    piid: Piid = field(Piid, "PIID, of the server's invocation")
    oads: tuple[Oad, ...] = field(Many(AXDR_LENGTH, Oad), "attributes received (OAD)")


@message(cite="DL/T 698.45-2017, REPORT-Response: ReportResponseRecordList")
class ReceiptRecordList:
    """Receipt for rows of record tables."""

    piid: Piid = field(Piid, "PIID, of the server's invocation")
    oads: tuple[Oad, ...] = field(Many(AXDR_LENGTH, Oad), "record tables received (OAD)")


@message(cite="DL/T 698.45-2017, REPORT-Response: ReportResponseTransData")
class ReceiptTransparent:
    """Receipt for what came in at a port."""

    piid: Piid = field(Piid, "PIID, of the server's invocation")


@message(cite="DL/T 698.45, revision of 2021, REPORT-Response: RequestClientService")
class ReceiptClientService:
    """Answer to a request that the server made of the client (2021)."""

    piid: Piid = field(Piid, "PIID, of the server's invocation")
    content: bytes = field(OCTET_STRING, "answer")


@message(cite="DL/T 698.45, revision of 2021, REPORT-Response: SimplifyRecord")
class ReceiptSimplified:
    """Receipt for simplified records (2021). Its layout is not known for certain: content left as octets."""

    piid: Piid = field(Piid, "PIID, of the server's invocation")
    content: bytes = field(Octets(REST), "content")


@message(cite="DL/T 698.45-2017, REPORT-Response")
class ReportResponse:
    """The client's receipt for a report."""

    receipt: ReceiptList | ReceiptRecordList | ReceiptTransparent | ReceiptClientService | ReceiptSimplified = field(
        Choice(
            U8,
            {
                1: ReceiptList,
                2: ReceiptRecordList,
                3: ReceiptTransparent,
                4: ReceiptClientService,
                6: ReceiptSimplified,
            },
        ),
        "what was received",
    )
    time_tag: TimeTag | None = field(TIME_TAG, "time tag", default=None)
