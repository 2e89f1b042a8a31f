"""GET: normal, with list, and the blocks of long answers (DLMS UA 1000-2, 9.3.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Final

from meterwire.meter_model.faces.dlms.answers import LongAnswer, Response
from meterwire.meter_model.faces.dlms.cosem_model import Denied, counted, data_octets, octets_of
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


_RESPONSE: Final = bytes((ApduTag.GET_RESPONSE,))
_DATA: Final = bytes((DATA_CHOSEN,))
_FAILED: Final = bytes((ERROR_CHOSEN, DataAccessResult.OTHER_REASON))


def _head(form: int, invoke: Invoke) -> bytes:
    return _RESPONSE + bytes((form, invoke))  # type: ignore[arg-type]


def _result(client: ClientDlms, one: get.SelectedAttribute | get.GetRequestNormal) -> bytes | Iterator[bytes]:
    """A Get-Data-Result: whole, or a long array piece by piece."""
    try:
        found = client.read(one.descriptor, one.selection)
        if isinstance(found, Variant):
            return _DATA + data_octets(found)
        pieces = octets_of(found)
        return chain((_DATA + next(pieces),), pieces)
    except Denied as denied:
        return bytes((ERROR_CHOSEN, denied.result))


def normal(client: ClientDlms, request: get.GetRequestNormal) -> Response:
    """GET of one attribute; the choice in front of the Data does not go into its blocks."""
    head = _head(1, request.invoke)
    return Response(head, _result(client, request), _long(client, request.invoke), head + _FAILED, 1)


def with_list(client: ClientDlms, request: get.GetRequestWithList) -> Response:
    """GET of several attributes."""

    def body() -> Iterator[bytes]:
        yield counted(len(request.attributes))
        for one in request.attributes:
            result = _result(client, one)
            if isinstance(result, bytes):
                yield result
            else:
                yield from result

    errors = _FAILED * len(request.attributes)
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
