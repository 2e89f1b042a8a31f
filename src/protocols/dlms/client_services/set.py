"""SET: normal, with list, and long values in blocks (DLMS UA 1000-2, 9.3.7). Nothing is sent twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from meterwire.errors import LocalProtocolError, Refused, SequenceError
from meterwire.protocols.dialogue import Steps
from meterwire.protocols.dlms.apdu import ApduTag
from meterwire.protocols.dlms.client_services import short_names
from meterwire.protocols.dlms.client_services.common import descriptor, request_blocks
from meterwire.protocols.dlms.data import DATA
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.dlms.items import Target
from meterwire.protocols.dlms.xdlms import set as set_
from meterwire.protocols.dlms.xdlms.action import PARAMETER_LIST
from meterwire.protocols.dlms.xdlms.common import SelectiveAccess
from meterwire.protocols.dlms.xdlms.get import SelectedAttribute
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    from meterwire.protocols.dlms.session import Session

_HEAD, _ONE, _EACH, _BLOCK = 3, 10, 10, 5
"""Octets of tag, choice and invoke id; of one attribute; of one of a list; of a block before the length of its data."""
_LIST_COUNT: Final = 3


def set_one(session: Session, target: Target, value: Variant, selection: SelectiveAccess | None = None) -> Steps[None]:
    """Set one attribute, in blocks where it is too long for one APDU.

    Raises:
        Refused: the code is a `DataAccessResult`.
        OutcomeUnknown: the answer was lost.
        LocalProtocolError: the value is too long for what was agreed on.
    """
    if session.short_names:
        return (yield from short_names.write(session, [(target, value)]))
    request = set_.SetRequestNormal(session.next_invoke(), descriptor(target), selection, value)
    octets = codec(DATA).build(value)
    if session.fits(Variant(ApduTag.SET_REQUEST, request), "block_transfer_with_set"):
        answer = yield from _send(session, request, set_.SetResponseNormal)
        return _judge([answer.result])
    begin = _HEAD + _ONE + (0 if selection is None else len(codec(SelectiveAccess).build(selection)))
    last: Any = None
    for block in request_blocks(octets, session.room, begin + _BLOCK, _HEAD + _BLOCK):
        message: Any = set_.SetRequestWithDatablock(request.invoke, block)
        if block.number == 1:
            message = set_.SetRequestWithFirstDatablock(request.invoke, request.descriptor, selection, block)
        last = yield from _send_block(session, message, block.number, last=block.last)
    return _judge([last.result])


def set_list(session: Session, items: Sequence[tuple[Target, Variant]]) -> Steps[list[DataAccessResult | int]]:
    """Set several attributes in one request; what came of each, in order.

    Raises:
        LocalProtocolError: the meter did not agree to lists.
        OutcomeUnknown: the answer was lost.
    """
    if not session.agreed_on("multiple_references"):
        raise LocalProtocolError("the meter takes no lists: set one attribute at a time")
    attributes = tuple(SelectedAttribute(descriptor(target)) for target, _ in items)
    values = tuple(value for _, value in items)
    request = set_.SetRequestWithList(session.next_invoke(), attributes, values)
    if session.fits(Variant(ApduTag.SET_REQUEST, request), "block_transfer_with_set"):
        answer = yield from _send(session, request, set_.SetResponseWithList)
        return _results(answer.results, items)
    begin = _HEAD + _LIST_COUNT + _EACH * len(attributes)
    last: Any = None
    octets = codec(PARAMETER_LIST).build(values)
    for block in request_blocks(octets, session.room, begin + _BLOCK, _HEAD + _BLOCK):
        message: Any = set_.SetRequestWithDatablock(request.invoke, block)
        if block.number == 1:
            message = set_.SetRequestWithListAndFirstDatablock(request.invoke, attributes, block)
        last = yield from _send_block(session, message, block.number, last=block.last)
    return _results(getattr(last, "results", (getattr(last, "result", 0),)), items)


def _send(session: Session, request: Any, kind: type) -> Steps[Any]:
    return (yield from session.request(ApduTag.SET_REQUEST, request, (kind,), repeatable=False))


def _send_block(session: Session, message: Any, number: int, *, last: bool) -> Steps[Any]:
    """A block; until the last has been sent nothing is set, and its loss leaves nothing unknown."""
    kinds = (set_.SetResponseDatablock, set_.SetResponseLastDatablock, set_.SetResponseLastDatablockWithList)
    answer = yield from session.request(ApduTag.SET_REQUEST, message, kinds, repeatable=False, changes=last)
    if not last and not isinstance(answer, set_.SetResponseDatablock):
        _judge([getattr(answer, "result", DataAccessResult.LONG_SET_ABORTED)])
        raise SequenceError("the meter ended a transfer before its last block")
    if last and isinstance(answer, set_.SetResponseDatablock):
        raise SequenceError("the meter waits for more blocks than there are")
    if answer.block != number:
        raise SequenceError(f"block {answer.block} is acknowledged, {number} was sent")
    return answer


def _results(results: Sequence[int], items: Sequence[Any]) -> list[DataAccessResult | int]:
    if len(results) != len(items):
        raise SequenceError(f"{len(results)} results came for {len(items)} attributes")
    return list(results)


def _judge(results: Sequence[int]) -> None:
    for result in results:
        if result != DataAccessResult.SUCCESS:
            raise Refused(result)
