"""SET: writing attributes."""

from meterwire.protocols.dlt69845.data import DATA
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.services.common import (
    DAR,
    FOLLOW_REPORT,
    TIME_TAG,
    Piid,
    PiidAcd,
    ResultNormal,
    TimeTag,
)
from meterwire.protocols.wire.declare import field, message
from meterwire.protocols.wire.nodes import AXDR_LENGTH, U8, Choice, Many, Variant


@message(cite="DL/T 698.45-2017, SET-Request")
class SetItem:
    """An attribute and its new value."""

    oad: Oad = field(Oad, "attribute (OAD)")
    value: Variant = field(DATA, "new value")


@message(cite="DL/T 698.45-2017, SET-Request: SetRequestNormal")
class SetRequestNormal:
    """Write one attribute."""

    piid: Piid = field(Piid, "PIID")
    item: SetItem = field(SetItem, "attribute and value")


@message(cite="DL/T 698.45-2017, SET-Request: SetRequestNormalList")
class SetRequestNormalList:
    """Write several attributes."""

    piid: Piid = field(Piid, "PIID")
    items: tuple[SetItem, ...] = field(Many(AXDR_LENGTH, SetItem), "attributes and values")


@message(cite="DL/T 698.45-2017, SET-Request: SetThenGetRequestNormalList")
class SetThenGetItem:
    """Write an attribute, wait, read one."""

    item: SetItem = field(SetItem, "attribute to write, and its value")
    get: Oad = field(Oad, "attribute to read then (OAD)")
    delay: int = field(U8, "seconds between, 0 as the server likes")


@message(cite="DL/T 698.45-2017, SET-Request: SetThenGetRequestNormalList")
class SetThenGetRequest:
    """Write and then read, several times."""

    piid: Piid = field(Piid, "PIID")
    items: tuple[SetThenGetItem, ...] = field(Many(AXDR_LENGTH, SetThenGetItem), "what is written and read")


@message(cite="DL/T 698.45-2017, SET-Request")
class SetRequest:
    """The SET service, asked."""

    request: SetRequestNormal | SetRequestNormalList | SetThenGetRequest = field(
        Choice(U8, {1: SetRequestNormal, 2: SetRequestNormalList, 3: SetThenGetRequest}), "what is asked"
    )
    time_tag: TimeTag | None = field(TIME_TAG, "time tag", default=None)


@message(cite="DL/T 698.45-2017, SET-Response")
class SetResult:
    """Whether an attribute was written."""

    oad: Oad = field(Oad, "attribute (OAD)")
    result: Dar | int = field(DAR, "result (DAR)")


@message(cite="DL/T 698.45-2017, SET-Response: SetResponseNormal")
class SetResponseNormal:
    """Whether one attribute was written."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    result: SetResult = field(SetResult, "result")


@message(cite="DL/T 698.45-2017, SET-Response: SetResponseNormalList")
class SetResponseNormalList:
    """Whether several attributes were written."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    results: tuple[SetResult, ...] = field(Many(AXDR_LENGTH, SetResult), "results")


@message(cite="DL/T 698.45-2017, SET-Response: SetThenGetResponseNormalList")
class SetThenGetResult:
    """Whether an attribute was written, and what was read then."""

    result: SetResult = field(SetResult, "result of writing")
    get: ResultNormal = field(ResultNormal, "what was read then")


@message(cite="DL/T 698.45-2017, SET-Response: SetThenGetResponseNormalList")
class SetThenGetResponse:
    """The results of writing and reading."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    results: tuple[SetThenGetResult, ...] = field(Many(AXDR_LENGTH, SetThenGetResult), "results")


@message(cite="DL/T 698.45-2017, SET-Response")
class SetResponse:
    """The SET service, answered."""

    response: SetResponseNormal | SetResponseNormalList | SetThenGetResponse = field(
        Choice(U8, {1: SetResponseNormal, 2: SetResponseNormalList, 3: SetThenGetResponse}), "what is answered"
    )
    follow_report: Variant | None = field(FOLLOW_REPORT, "follow report", default=None)
    time_tag: TimeTag | None = field(TIME_TAG, "time tag", default=None)
