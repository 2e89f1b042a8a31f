"""ACTION: running methods."""

from meterwire.protocols.dlt69845.data import DATA
from meterwire.protocols.dlt69845.descriptors import Oad, Omd
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
from meterwire.protocols.wire.nodes import AXDR_LENGTH, U8, Choice, Many, Maybe, Variant


@message(cite="DL/T 698.45-2017, ACTION-Request")
class ActionItem:
    """A method and its parameters."""

    omd: Omd = field(Omd, "method (OMD)")
    parameters: Variant = field(DATA, "parameters")


@message(cite="DL/T 698.45-2017, ACTION-Request: ActionRequest")
class ActionRequestNormal:
    """Run one method."""

    piid: Piid = field(Piid, "PIID")
    item: ActionItem = field(ActionItem, "method and parameters")


@message(cite="DL/T 698.45-2017, ACTION-Request: ActionRequestList")
class ActionRequestList:
    """Run several methods."""

    piid: Piid = field(Piid, "PIID")
    items: tuple[ActionItem, ...] = field(Many(AXDR_LENGTH, ActionItem), "methods and parameters")


@message(cite="DL/T 698.45-2017, ACTION-Request: ActionThenGetRequestNormalList")
class ActionThenGetItem:
    """Run a method, wait, read an attribute."""

    item: ActionItem = field(ActionItem, "method to run, and its parameters")
    get: Oad = field(Oad, "attribute to read then (OAD)")
    delay: int = field(U8, "seconds between, 0 as the server likes")


@message(cite="DL/T 698.45-2017, ACTION-Request: ActionThenGetRequestNormalList")
class ActionThenGetRequest:
    """Run and then read, several times."""

    piid: Piid = field(Piid, "PIID")
    items: tuple[ActionThenGetItem, ...] = field(Many(AXDR_LENGTH, ActionThenGetItem), "what is run and read")


@message(cite="DL/T 698.45-2017, ACTION-Request")
class ActionRequest:
    """The ACTION service, asked."""

    request: ActionRequestNormal | ActionRequestList | ActionThenGetRequest = field(
        Choice(U8, {1: ActionRequestNormal, 2: ActionRequestList, 3: ActionThenGetRequest}), "what is asked"
    )
    time_tag: TimeTag | None = field(TIME_TAG, "time tag", default=None)


@message(cite="DL/T 698.45-2017, ACTION-Response")
class ActionResult:
    """Whether a method ran, and what it gave."""

    omd: Omd = field(Omd, "method (OMD)")
    result: Dar | int = field(DAR, "result (DAR)")
    value: Variant | None = field(Maybe(DATA), "what the method gave", default=None)


@message(cite="DL/T 698.45-2017, ACTION-Response: ActionResponseNormal")
class ActionResponseNormal:
    """Whether one method ran."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    result: ActionResult = field(ActionResult, "result")


@message(cite="DL/T 698.45-2017, ACTION-Response: ActionResponseNormalList")
class ActionResponseList:
    """Whether several methods ran."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    results: tuple[ActionResult, ...] = field(Many(AXDR_LENGTH, ActionResult), "results")


@message(cite="DL/T 698.45-2017, ACTION-Response: ActionThenGetResponseNormalList")
class ActionThenGetResult:
    """Whether a method ran, and what was read then."""

    result: ActionResult = field(ActionResult, "result of the method")
    get: ResultNormal = field(ResultNormal, "what was read then")


@message(cite="DL/T 698.45-2017, ACTION-Response: ActionThenGetResponseNormalList")
class ActionThenGetResponse:
    """The results of running and reading."""

    piid: PiidAcd = field(PiidAcd, "PIID-ACD")
    results: tuple[ActionThenGetResult, ...] = field(Many(AXDR_LENGTH, ActionThenGetResult), "results")


@message(cite="DL/T 698.45-2017, ACTION-Response")
class ActionResponse:
    """The ACTION service, answered."""

    response: ActionResponseNormal | ActionResponseList | ActionThenGetResponse = field(
        Choice(U8, {1: ActionResponseNormal, 2: ActionResponseList, 3: ActionThenGetResponse}), "what is answered"
    )
    follow_report: Variant | None = field(FOLLOW_REPORT, "follow report", default=None)
    time_tag: TimeTag | None = field(TIME_TAG, "time tag", default=None)
