"""GET: reading attributes and records."""

from meterwire.protocols.dlt69845.data import OCTET_STRING
from meterwire.protocols.dlt69845.descriptors import RCSD, Oad, Road
from meterwire.protocols.dlt69845.selection import ROWS
from meterwire.protocols.dlt69845.services.common import (
    DAR,
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
from meterwire.protocols.wire.nodes import AXDR_LENGTH, REST, U8, U16, Bool, Choice, Many, Octets, Variant


@message(cite="DL/T 698.45-2017, GET-Request: GetRequestNormal")
class GetRequestNormal:
    """Read one attribute."""

    piid: Piid = field(Piid, "PIID")
    oad: Oad = field(Oad, "attribute (OAD)")


@message(cite="DL/T 698.45-2017, GET-Request: GetRequestNormalList")
class GetRequestNormalList:
    """Read several attributes."""

    piid: Piid = field(Piid, "PIID")
    oads: tuple[Oad, ...] = field(Many(AXDR_LENGTH, Oad), "attributes (OAD)")


@message(cite="DL/T 698.45-2017, GET-Request: GetRecord")
class GetRecord:
    """A record table, its rows and its columns."""

    oad: Oad = field(Oad, "record table (OAD)")
    rows: Variant = field(ROWS, "rows (RSD)")
    columns: tuple[Oad | Road, ...] = field(RCSD, "columns (RCSD)")


@message(cite="DL/T 698.45-2017, GET-Request: GetRequestRecord")
class GetRequestRecord:
    """Read rows of a record table."""

    piid: Piid = field(Piid, "PIID")
    record: GetRecord = field(GetRecord, "what is read")


@message(cite="DL/T 698.45-2017, GET-Request: GetRequestRecordList")
class GetRequestRecordList:
    """Read rows of several record tables."""

    piid: Piid = field(Piid, "PIID")
    records: tuple[GetRecord, ...] = field(Many(AXDR_LENGTH, GetRecord), "what is read")


@message(cite="DL/T 698.45-2017, GET-Request: GetRequestNext")
class GetRequestNext:
    """Go on with an answer that comes in blocks."""

    piid: Piid = field(Piid, "PIID")
    block: int = field(U16, "number of the last block received")


@message(cite="DL/T 698.45-2017, GET-Request: GetRequestMD5")
class GetRequestMd5:
    """Read the MD5 of an attribute."""

    piid: Piid = field(Piid, "PIID")
    oad: Oad = field(Oad, "attribute (OAD)")


@message(cite="DL/T 698.45, revision of 2021, GET-Request: GetRequestSimplifyRecord")
class GetRequestSimplified:
    """Read records in simplified form (2021). Its layout is not known for certain, so its content is left as octets."""

    piid: Piid = field(Piid, "PIID")
    content: bytes = field(Octets(REST), "content")


@message(cite="DL/T 698.45-2017, GET-Request")
class GetRequest:
    """The GET service, asked."""

    request: (
        GetRequestNormal
        | GetRequestNormalList
        | GetRequestRecord
        | GetRequestRecordList
        | GetRequestNext
        | GetRequestMd5
        | GetRequestSimplified
    ) = field(
        Choice(
            U8,
            {
                1: GetRequestNormal,
                2: GetRequestNormalList,
                3: GetRequestRecord,
                4: GetRequestRecordList,
                5: GetRequestNext,
                6: GetRequestMd5,
                23: GetRequestSimplified,
            },
        ),
        "what is asked",
    )
    time_tag: TimeTag | None = field(TIME_TAG, "time tag", default=None)


@message(cite="DL/T 698.45-2017, GET-Response: GetResponseNormal")
class GetResponseNormal:
    """One attribute as it was read."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    result: ResultNormal = field(ResultNormal, "result")


@message(cite="DL/T 698.45-2017, GET-Response: GetResponseNormalList")
class GetResponseNormalList:
    """Several attributes as they were read."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    results: tuple[ResultNormal, ...] = field(RESULTS, "results")


@message(cite="DL/T 698.45-2017, GET-Response: GetResponseRecord")
class GetResponseRecord:
    """Rows of a record table."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    record: ResultRecord = field(ResultRecord, "rows")


@message(cite="DL/T 698.45-2017, GET-Response: GetResponseRecordList")
class GetResponseRecordList:
    """Rows of several record tables."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    records: tuple[ResultRecord, ...] = field(RECORDS, "rows of each table")


@message(cite="DL/T 698.45-2017, GET-Response: GetResponseNext")
class GetResponseNext:
    """One block of an answer that is too long for one."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    last: bool = field(Bool(), "whether this is the last block")
    block: int = field(U16, "number of this block, from 1")
    result: Variant = field(
        Choice(U8, {0: DAR, 1: RESULTS, 2: RECORDS}, into=Variant), "0: why not (DAR); 1: attributes; 2: records"
    )


@message(cite="DL/T 698.45-2017, GET-Response: GetResponseMD5")
class GetResponseMd5:
    """The MD5 of an attribute."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    oad: Oad = field(Oad, "attribute (OAD)")
    result: Variant = field(Choice(U8, {0: DAR, 1: OCTET_STRING}, into=Variant), "0: why not (DAR); 1: MD5")


@message(cite="DL/T 698.45, revision of 2021, GET-Response: GetResponseSimplifyRecord")
class GetResponseSimplified:
    """Records in simplified form (2021). Its layout is not known for certain, so its content is left as octets."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    content: bytes = field(Octets(REST), "content")


@message(cite="DL/T 698.45-2017, GET-Response")
class GetResponse:
    """The GET service, answered."""

    response: (
        GetResponseNormal
        | GetResponseNormalList
        | GetResponseRecord
        | GetResponseRecordList
        | GetResponseNext
        | GetResponseMd5
        | GetResponseSimplified
    ) = field(
        Choice(
            U8,
            {
                1: GetResponseNormal,
                2: GetResponseNormalList,
                3: GetResponseRecord,
                4: GetResponseRecordList,
                5: GetResponseNext,
                6: GetResponseMd5,
                23: GetResponseSimplified,
            },
        ),
        "what is answered",
    )
    follow_report: Variant | None = field(FOLLOW_REPORT, "follow report", default=None)
    time_tag: TimeTag | None = field(TIME_TAG, "time tag", default=None)
