"""SET: normal, with list, and long values in blocks (DLMS UA 1000-2, 9.3.7).

The items of a list are set one after the other, each with its own result; a list whose values do not match its
attributes is refused as a whole, and nothing is set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from meterwire.errors import MalformedError
from meterwire.meter_model.faces.dlms.answers import LongRequest, Response
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.data import DATA
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.dlms.xdlms import set as set_
from meterwire.protocols.dlms.xdlms.action import PARAMETER_LIST
from meterwire.protocols.dlms.xdlms.common import RequestBlock
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    from meterwire.meter_model.faces.dlms.client import ClientDlms

SET: Final = "set"


def _response(message: Any) -> Response:
    return Response(codec(APDU).build(Variant(ApduTag.SET_RESPONSE, message)), ())


def normal(client: ClientDlms, request: set_.SetRequestNormal) -> Response:
    """SET of one attribute."""
    result = client.write(request.descriptor, request.value, request.selection)
    return _response(set_.SetResponseNormal(request.invoke, result))


def with_list(client: ClientDlms, request: set_.SetRequestWithList) -> Response:
    """SET of several attributes."""
    results = _all(client, request.attributes, request.values)
    return _response(set_.SetResponseWithList(request.invoke, results))


def _all(client: ClientDlms, attributes: Sequence[Any], values: Sequence[Variant]) -> tuple[DataAccessResult, ...]:
    if len(attributes) != len(values):
        return (DataAccessResult.OTHER_REASON,) * len(attributes)
    pairs = zip(attributes, values, strict=True)
    return tuple(client.write(one.descriptor, value, one.selection) for one, value in pairs)


def first_block(
    client: ClientDlms, request: set_.SetRequestWithFirstDatablock | set_.SetRequestWithListAndFirstDatablock
) -> Response:
    """A value, or several, in blocks: the first of them."""
    client.receiving = LongRequest(request, request.invoke.number, SET)
    return _take(client, request, request.block)


def next_block(client: ClientDlms, request: set_.SetRequestWithDatablock) -> Response:
    """A further block."""
    return _take(client, request, request.block)


def _take(client: ClientDlms, request: Any, block: RequestBlock) -> Response:
    long = client.receiving
    if long is None or long.service != SET or long.invoke != request.invoke.number:
        return _ended(request, None, DataAccessResult.NO_LONG_SET_IN_PROGRESS, block.number)
    if not long.add(block.number, block.raw):
        client.receiving = None
        return _ended(request, long.what, DataAccessResult.DATA_BLOCK_NUMBER_INVALID, block.number)
    if not block.last:
        return _response(set_.SetResponseDatablock(request.invoke, block.number))
    client.receiving = None
    return _apply(client, request, long)


def _apply(client: ClientDlms, request: Any, long: LongRequest) -> Response:
    what: Any = long.what
    octets, number = bytes(long.octets), long.number
    try:
        if isinstance(what, set_.SetRequestWithFirstDatablock):
            result = client.write(what.descriptor, codec(DATA).parse(octets), what.selection)
            return _ended(request, what, result, number)
        results = _all(client, what.attributes, codec(PARAMETER_LIST).parse(octets))
    except MalformedError:
        return _ended(request, what, DataAccessResult.LONG_SET_ABORTED, number)
    return _response(set_.SetResponseLastDatablockWithList(request.invoke, results, number))


def _ended(request: Any, what: Any, result: DataAccessResult, number: int) -> Response:
    if isinstance(what, set_.SetRequestWithListAndFirstDatablock):
        results = (result,) * len(what.attributes)
        return _response(set_.SetResponseLastDatablockWithList(request.invoke, results, number))
    return _response(set_.SetResponseLastDatablock(request.invoke, result, number))
