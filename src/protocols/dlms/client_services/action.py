"""ACTION: normal, with list, and blocks both ways (DLMS UA 1000-2, 9.3.8). Nothing is sent twice but "go on"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from meterwire.errors import LocalProtocolError, MalformedError, MeterwireError, Refused, SequenceError
from meterwire.protocols.dialogue import Steps
from meterwire.protocols.dlms.apdu import ApduTag
from meterwire.protocols.dlms.client_services import short_names
from meterwire.protocols.dlms.client_services.common import method, request_blocks
from meterwire.protocols.dlms.data import DATA, NULL
from meterwire.protocols.dlms.enums import ActionResult
from meterwire.protocols.dlms.items import Target
from meterwire.protocols.dlms.xdlms import action
from meterwire.protocols.dlms.xdlms.action import OUTCOME_LIST, PARAMETER_LIST
from meterwire.protocols.dlms.xdlms.common import DATA_CHOSEN
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    from meterwire.protocols.dlms.session import Session

_HEAD, _ONE, _EACH, _BLOCK = 3, 9, 9, 5
_LIST_COUNT: Final = 3
_ANSWERS: Final = (
    action.ActionResponseNormal,
    action.ActionResponseWithPblock,
    action.ActionResponseWithList,
    action.ActionResponseNextPblock,
)


def act(session: Session, target: Target, parameters: Variant | None = None) -> Steps[Variant | None]:
    """Invoke a method; gives what it returns, None for nothing.

    Raises:
        Refused: the code is an `ActionResult`, or a `DataAccessResult` of what it should have returned.
        OutcomeUnknown: the answer was lost.
    """
    if session.short_names:
        return (yield from short_names.act(session, target, parameters or NULL))
    request = action.ActionRequestNormal(session.next_invoke(), method(target), parameters)
    if session.fits(Variant(ApduTag.ACTION_REQUEST, request), "block_transfer_with_action"):
        answer = yield from _send(session, request, changes=True)
    else:
        octets, answer = codec(DATA).build(parameters or NULL), None
        for block in request_blocks(octets, session.room, _HEAD + _ONE + _BLOCK, _HEAD + _BLOCK):
            message: Any = action.ActionRequestWithPblock(request.invoke, block)
            if block.number == 1:
                message = action.ActionRequestWithFirstPblock(request.invoke, request.descriptor, block)
            answer = yield from _send_block(session, message, block.number, last=block.last)
    if isinstance(answer, action.ActionResponseWithPblock):
        return _returned(_single((yield from _collect(session, answer))))
    if not isinstance(answer, action.ActionResponseNormal):
        raise SequenceError("the answer is that of another form of ACTION")
    return _returned(answer.outcome)


def act_list(session: Session, items: Sequence[tuple[Target, Variant]]) -> Steps[list[Variant | MeterwireError | None]]:
    """Invoke several methods in one request; what each returned, or why not, in order.

    Raises:
        LocalProtocolError: the meter did not agree to lists.
        OutcomeUnknown: the answer was lost.
    """
    if not session.agreed_on("multiple_references"):
        raise LocalProtocolError("the meter takes no lists: invoke one method at a time")
    methods, parameters = tuple(method(target) for target, _ in items), tuple(value for _, value in items)
    request = action.ActionRequestWithList(session.next_invoke(), methods, parameters)
    answer: Any
    if session.fits(Variant(ApduTag.ACTION_REQUEST, request), "block_transfer_with_action"):
        answer = yield from _send(session, request, changes=True)
    else:
        octets, answer = codec(PARAMETER_LIST).build(parameters), None
        begin = _HEAD + _LIST_COUNT + _EACH * len(methods) + _BLOCK
        for block in request_blocks(octets, session.room, begin, _HEAD + _BLOCK):
            message: Any = action.ActionRequestWithPblock(request.invoke, block)
            if block.number == 1:
                message = action.ActionRequestWithListAndFirstPblock(request.invoke, methods, block)
            answer = yield from _send_block(session, message, block.number, last=block.last)
    outcomes = getattr(answer, "outcomes", None)
    if isinstance(answer, action.ActionResponseWithPblock):
        outcomes = codec(OUTCOME_LIST).parse((yield from _collect(session, answer)))
    if outcomes is None or len(outcomes) != len(items):
        raise SequenceError(f"no {len(items)} results came for {len(items)} methods")
    return [_tolerant(one) for one in outcomes]


def _send(session: Session, request: Any, *, changes: bool) -> Steps[Any]:
    return (yield from session.request(ApduTag.ACTION_REQUEST, request, _ANSWERS, repeatable=False, changes=changes))


def _send_block(session: Session, message: Any, number: int, *, last: bool) -> Steps[Any]:
    answer = yield from _send(session, message, changes=last)
    waits = isinstance(answer, action.ActionResponseNextPblock)
    if waits and answer.block != number:
        raise SequenceError(f"block {answer.block} is acknowledged, {number} was sent")
    if not last and isinstance(answer, action.ActionResponseNormal):
        _returned(answer.outcome)
    if waits is last:
        raise SequenceError("the meter counts other blocks than were sent")
    return answer


def _collect(session: Session, answer: action.ActionResponseWithPblock) -> Steps[bytes]:
    """Long return parameters: asking for the next block changes nothing."""
    octets, expected = bytearray(), 1
    while True:
        block = answer.block
        if block.number != expected:
            raise SequenceError(f"block {block.number} came, block {expected} was due")
        octets += block.raw
        if len(octets) > session.answer_limit or not (block.raw or block.last):
            raise SequenceError(f"blocks without end: {len(octets)} octets in {expected} blocks")
        if block.last:
            return bytes(octets)
        request = action.ActionRequestNextPblock(answer.invoke, expected)
        expected += 1
        kinds = (action.ActionResponseWithPblock, action.ActionResponseNormal)
        found = yield from session.request(ApduTag.ACTION_REQUEST, request, kinds)
        if isinstance(found, action.ActionResponseNormal):
            _returned(found.outcome)
            raise SequenceError("no block came")
        answer = found


def _single(octets: bytes) -> action.ActionOutcome:
    """What the blocks held: a whole outcome, or with some meters the Data alone (uncertain)."""
    try:
        return codec(action.ActionOutcome).parse(octets)
    except MalformedError:
        return action.ActionOutcome(ActionResult.SUCCESS, Variant(DATA_CHOSEN, codec(DATA).parse(octets)))


def _returned(outcome: action.ActionOutcome) -> Variant | None:
    if outcome.result != ActionResult.SUCCESS:
        raise Refused(outcome.result)
    if outcome.returned is None:
        return None
    if outcome.returned.tag != DATA_CHOSEN:
        raise Refused(outcome.returned.value)
    data: Variant = outcome.returned.value
    return data


def _tolerant(outcome: action.ActionOutcome) -> Variant | MeterwireError | None:
    try:
        return _returned(outcome)
    except Refused as refused:
        return refused
