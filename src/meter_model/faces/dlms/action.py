"""ACTION: normal, with list, long parameters and long return parameters in blocks (DLMS UA 1000-2, 9.3.8).

What the blocks of an answer hold together is uncertain; here it is what an answer without blocks has behind its invoke
id: the result and the return parameters, or the list of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from meterwire.errors import MalformedError
from meterwire.meter_model.faces.dlms.answers import LongAnswer, LongRequest, Response
from meterwire.meter_model.faces.dlms.cosem_model import Denied
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.block_transfer import Source
from meterwire.protocols.dlms.data import DATA, NULL
from meterwire.protocols.dlms.enums import ActionResult
from meterwire.protocols.dlms.xdlms import action
from meterwire.protocols.dlms.xdlms.action import OUTCOME_LIST, PARAMETER_LIST
from meterwire.protocols.dlms.xdlms.common import DATA_CHOSEN, Invoke, MethodDescriptor, RequestBlock
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    from meterwire.meter_model.faces.dlms.client import ClientDlms

ACTION: Final = "action"
_BLOCK_HEAD: Final = 8
_NORMAL, _WITH_LIST = 1, 3


def outcome(client: ClientDlms, method: MethodDescriptor, parameters: Variant | None) -> action.ActionOutcome:
    """What comes of a method."""
    try:
        returned = client.act(method, NULL if parameters is None else parameters)
    except Denied as denied:
        return action.ActionOutcome(ActionResult(int(denied.result)))
    if returned is None:
        return action.ActionOutcome(ActionResult.SUCCESS)
    return action.ActionOutcome(ActionResult.SUCCESS, Variant(DATA_CHOSEN, returned))


def normal(client: ClientDlms, request: action.ActionRequestNormal) -> Response:
    """ACTION of one method."""
    return _one(client, request.invoke, outcome(client, request.descriptor, request.parameters))


def with_list(client: ClientDlms, request: action.ActionRequestWithList) -> Response:
    """ACTION of several methods."""
    return _several(client, request.invoke, _all(client, request.methods, request.parameters))


def _one(client: ClientDlms, invoke: Invoke, found: action.ActionOutcome) -> Response:
    return _answer(client, invoke, _NORMAL, codec(action.ActionOutcome).build(found))


def _several(client: ClientDlms, invoke: Invoke, found: tuple[action.ActionOutcome, ...]) -> Response:
    return _answer(client, invoke, _WITH_LIST, codec(OUTCOME_LIST).build(found))


def _answer(client: ClientDlms, invoke: Invoke, form: int, body: bytes) -> Response:
    head = bytes((ApduTag.ACTION_RESPONSE, form, int(invoke)))  # type: ignore[call-overload]
    return Response(head, (body,), _long(client, invoke))


def _all(
    client: ClientDlms, methods: Sequence[MethodDescriptor], parameters: Sequence[Variant]
) -> tuple[action.ActionOutcome, ...]:
    if len(methods) != len(parameters):
        return (action.ActionOutcome(ActionResult.OTHER_REASON),) * len(methods)
    return tuple(outcome(client, one, given) for one, given in zip(methods, parameters, strict=True))


# ---------------------------------------------------------------- long return parameters


def _long(client: ClientDlms, invoke: Invoke) -> Callable[[Source, int], bytes] | None:
    if not client.agreed_on("block_transfer_with_action"):
        return None

    def first(source: Source, room: int) -> bytes:
        client.sending = LongAnswer(source, room, _BLOCK_HEAD, invoke.number, ACTION)
        return _block(client, invoke, 0)

    return first


def _block(client: ClientDlms, invoke: Invoke, received: int) -> bytes:
    long = client.sending
    answer: Any
    if long is None or long.service != ACTION or long.invoke != invoke.number:
        answer = _failed(invoke, ActionResult.NO_LONG_ACTION_IN_PROGRESS)
    elif (found := long.after(received)) is None:
        client.sending = None
        answer = _failed(invoke, ActionResult.LONG_ACTION_ABORTED)
    else:
        number, last, octets = found
        answer = action.ActionResponseWithPblock(invoke, RequestBlock(last, number, octets))
    return codec(APDU).build(Variant(ApduTag.ACTION_RESPONSE, answer))


def _failed(invoke: Invoke, result: ActionResult) -> action.ActionResponseNormal:
    return action.ActionResponseNormal(invoke, action.ActionOutcome(result))


def following(client: ClientDlms, request: action.ActionRequestNextPblock) -> Response:
    """The next block of long return parameters."""
    return Response(_block(client, request.invoke, request.block), ())


# ---------------------------------------------------------------- long parameters


def first_block(
    client: ClientDlms, request: action.ActionRequestWithFirstPblock | action.ActionRequestWithListAndFirstPblock
) -> Response:
    """Parameters in blocks: the first of them."""
    client.receiving = LongRequest(request, request.invoke.number, ACTION)
    return _take(client, request, request.block)


def next_block(client: ClientDlms, request: action.ActionRequestWithPblock) -> Response:
    """A further block."""
    return _take(client, request, request.block)


def _take(client: ClientDlms, request: Any, block: RequestBlock) -> Response:
    long = client.receiving
    if long is None or long.service != ACTION or long.invoke != request.invoke.number:
        return _response(_failed(request.invoke, ActionResult.NO_LONG_ACTION_IN_PROGRESS))
    if not long.add(block.number, block.raw):
        client.receiving = None
        return _response(_failed(request.invoke, ActionResult.LONG_ACTION_ABORTED))
    if not block.last:
        return _response(action.ActionResponseNextPblock(request.invoke, block.number))
    client.receiving = None
    what: Any = long.what
    try:
        if isinstance(what, action.ActionRequestWithFirstPblock):
            given = codec(DATA).parse(bytes(long.octets))
            return _one(client, request.invoke, outcome(client, what.descriptor, given))
        return _several(
            client, request.invoke, _all(client, what.methods, codec(PARAMETER_LIST).parse(bytes(long.octets)))
        )
    except MalformedError:
        return _response(_failed(request.invoke, ActionResult.LONG_ACTION_ABORTED))


def _response(message: Any) -> Response:
    return Response(codec(APDU).build(Variant(ApduTag.ACTION_RESPONSE, message)), ())
