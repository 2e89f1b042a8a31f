"""GET: normal, with list, and the blocks of long answers (DLMS UA 1000-2, 9.3.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from meterwire.meter_model.faces.dlms.answers import LongAnswer, Response
from meterwire.meter_model.faces.dlms.cosem_model import Denied, counted, octets_of
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.block_transfer import Source
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.dlms.xdlms import get
from meterwire.protocols.dlms.xdlms.common import DATA_CHOSEN, ERROR_CHOSEN, Invoke, ResultBlock
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    from meterwire.meter_model.faces.dlms.client import ClientDlms

_BLOCK_HEAD: Final = 9
"""Octets of a block before the length of its data: tag, choice, invoke id, last, number, choice."""
GET: Final = "get"


def _head(form: int, invoke: Invoke) -> bytes:
    return bytes((ApduTag.GET_RESPONSE, form, int(invoke)))  # type: ignore[call-overload]


def result_octets(client: ClientDlms, one: get.SelectedAttribute | get.GetRequestNormal) -> Iterator[bytes]:
    """A Get-Data-Result piece by piece."""
    try:
        found = client.read(one.descriptor, one.selection)
        pieces = octets_of(found)
        first = next(pieces)
    except Denied as denied:
        yield bytes((ERROR_CHOSEN, denied.result))
        return
    yield bytes((DATA_CHOSEN,)) + first
    yield from pieces


def normal(client: ClientDlms, request: get.GetRequestNormal) -> Response:
    """GET of one attribute; the choice in front of the Data does not go into its blocks."""
    return Response(
        _head(1, request.invoke),
        result_octets(client, request),
        _long(client, request.invoke),
        _head(1, request.invoke) + bytes((ERROR_CHOSEN, DataAccessResult.OTHER_REASON)),
        skipped=1,
    )


def with_list(client: ClientDlms, request: get.GetRequestWithList) -> Response:
    """GET of several attributes."""

    def body() -> Iterator[bytes]:
        yield counted(len(request.attributes))
        for one in request.attributes:
            yield from result_octets(client, one)

    errors = bytes((ERROR_CHOSEN, DataAccessResult.OTHER_REASON)) * len(request.attributes)
    instead = _head(3, request.invoke) + counted(len(request.attributes)) + errors
    return Response(_head(3, request.invoke), body(), _long(client, request.invoke), instead)


def _long(client: ClientDlms, invoke: Invoke) -> Callable[[Source, int], bytes] | None:
    if not client.agreed_on("block_transfer_with_get"):
        return None

    def first(source: Source, room: int) -> bytes:
        client.sending = LongAnswer(source, room, _BLOCK_HEAD, invoke.number, GET)
        return _block(client, invoke, 0)

    return first


def _block(client: ClientDlms, invoke: Invoke, received: int) -> bytes:
    content = _content(client, invoke, received)
    answer = get.GetResponseWithDatablock(invoke, content)
    return codec(APDU).build(Variant(ApduTag.GET_RESPONSE, answer))


def _content(client: ClientDlms, invoke: Invoke, received: int) -> ResultBlock:
    long = client.sending
    if long is None or long.service != GET or long.invoke != invoke.number:
        return _failed(received, DataAccessResult.NO_LONG_GET_IN_PROGRESS)
    found = long.after(received)
    if found is None:
        client.sending = None
        return _failed(received, DataAccessResult.DATA_BLOCK_NUMBER_INVALID)
    number, last, octets = found
    return ResultBlock(last, number, Variant(DATA_CHOSEN, octets))


def _failed(number: int, why: DataAccessResult) -> ResultBlock:
    return ResultBlock(last=True, number=number, content=Variant(ERROR_CHOSEN, why))


def following(client: ClientDlms, request: get.GetRequestNext) -> Response:
    """GET of the next block of a long answer."""
    return Response(_block(client, request.invoke, request.block), ())
