"""READ, WRITE and UNCONFIRMED WRITE with short names, in blocks too (DLMS UA 1000-2, 9.3.14 to 9.3.17)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from meterwire.errors import MalformedError
from meterwire.meter_model.faces.dlms.answers import LongAnswer, LongRequest, Response
from meterwire.meter_model.faces.dlms.cosem_handshake import REPLIES
from meterwire.meter_model.faces.dlms.cosem_model import Denied, Given, counted, octets_of
from meterwire.meter_model.faces.dlms.short_names import Place
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.block_transfer import Source
from meterwire.protocols.dlms.data import NULL, Tag
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.dlms.xdlms import short_names as names
from meterwire.protocols.dlms.xdlms.common import SelectiveAccess
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    from meterwire.meter_model.faces.dlms.client import ClientDlms

READ: Final = "read"
WRITE: Final = "write"
_BLOCK_HEAD: Final = 6
_NO_INVOKE: Final = 0


# ---------------------------------------------------------------- one variable


def _place(client: ClientDlms, name: int) -> Place:
    found = client.device.short_names.find(name)
    if found is None or not client.sees(found.found):
        raise Denied(DataAccessResult.OBJECT_UNDEFINED)
    place: Place = found
    if not (place.is_method and (place.found.kind.class_id, place.member) in REPLIES):
        client.check_proved()
    return place


def _read(client: ClientDlms, variable: Any) -> Given:
    place = _place(client, variable.name)
    if isinstance(variable, names.VariableName):
        if place.is_method:
            return place.found.act(place.member, client, NULL) or NULL
        return place.found.read(place.member, client)
    if not client.agreed_on("parameterized_access"):
        raise Denied(DataAccessResult.SCOPE_OF_ACCESS_VIOLATED)
    if place.is_method:
        client.changed()
        return place.found.act(place.member, client, variable.parameter) or NULL
    return place.found.read(place.member, client, SelectiveAccess(variable.selector, variable.parameter))


def _result(client: ClientDlms, variable: Any) -> Iterator[bytes]:
    try:
        if not isinstance(variable, (names.VariableName, names.ParameterizedAccess)):
            raise Denied(DataAccessResult.OTHER_REASON)
        pieces = octets_of(_read(client, variable))
        first = next(pieces)
    except Denied as denied:
        yield bytes((names.READ_ERROR, denied.result))
        return
    yield bytes((names.READ_DATA,)) + first
    yield from pieces


def _write(client: ClientDlms, variable: Any, value: Variant) -> Variant:
    try:
        if not isinstance(variable, names.VariableName):
            raise Denied(DataAccessResult.SCOPE_OF_ACCESS_VIOLATED)
        place = _place(client, variable.name)
        if place.is_method:
            place.found.act(place.member, client, value)
        else:
            place.found.write(place.member, client, value)
    except Denied as denied:
        return Variant(names.WRITE_ERROR, denied.result)
    client.changed()
    return Variant(names.WRITE_SUCCESS, None)


# ---------------------------------------------------------------- READ


def read(client: ClientDlms, request: names.ReadRequest) -> Response:
    """READ of any number of attributes, of the next block, or in blocks itself."""
    first = request.variables[0] if len(request.variables) == 1 else None
    if isinstance(first, names.BlockNumberAccess):
        return _next(client, first)
    if isinstance(first, names.ReadDataBlockAccess):
        return _long_read(client, first)
    return _several(client, request.variables)


def _several(client: ClientDlms, variables: Sequence[Any]) -> Response:
    if len(variables) > 1 and not client.agreed_on("multiple_references"):
        return _read_error(DataAccessResult.OTHER_REASON, len(variables))

    def body() -> Iterator[bytes]:
        yield counted(len(variables))
        for variable in variables:
            yield from _result(client, variable)

    errors = bytes((names.READ_ERROR, DataAccessResult.OTHER_REASON)) * len(variables)
    instead = bytes((ApduTag.READ_RESPONSE,)) + counted(len(variables)) + errors
    blocks = _first if client.agreed_on("block_transfer_with_get") else None

    def first(source: Source, room: int) -> bytes:
        return _first(client, source, room)

    return Response(bytes((ApduTag.READ_RESPONSE,)), body(), first if blocks else None, instead)


def _first(client: ClientDlms, source: Source, room: int) -> bytes:
    client.sending = LongAnswer(source, room, _BLOCK_HEAD, _NO_INVOKE, READ)
    return _block(client, 0)


def _next(client: ClientDlms, asked: names.BlockNumberAccess) -> Response:
    if client.sending is None or client.sending.service != READ:
        return _read_error(DataAccessResult.NO_LONG_GET_IN_PROGRESS)
    return Response(_block(client, asked.block), ())


def _block(client: ClientDlms, received: int) -> bytes:
    found = client.sending.after(received) if client.sending is not None else None
    if found is None or found[0] > 0xFFFF:
        client.sending = None
        result = Variant(names.READ_ERROR, DataAccessResult.DATA_BLOCK_NUMBER_INVALID)
    else:
        number, last, octets = found
        result = Variant(names.READ_BLOCK, names.DataBlockResult(last, number, octets))
    return codec(APDU).build(Variant(ApduTag.READ_RESPONSE, names.ReadResponse((result,))))


def _long_read(client: ClientDlms, block: names.ReadDataBlockAccess) -> Response:
    """The list of what is to be read arrives in blocks."""
    if block.block == 1:
        client.receiving = LongRequest(None, _NO_INVOKE, READ)
    long = client.receiving
    if long is None or long.service != READ:
        return _read_error(DataAccessResult.NO_LONG_GET_IN_PROGRESS)
    if not long.add(block.block, block.raw):
        client.receiving = None
        return _read_error(DataAccessResult.DATA_BLOCK_NUMBER_INVALID)
    if not block.last:
        answer = names.ReadResponse((Variant(names.READ_NEXT, block.block),))
        return Response(codec(APDU).build(Variant(ApduTag.READ_RESPONSE, answer)), ())
    client.receiving = None
    try:
        return _several(client, codec(names.VARIABLES).parse(bytes(long.octets)))
    except MalformedError:
        return _read_error(DataAccessResult.LONG_GET_ABORTED)


def _read_error(result: DataAccessResult, count: int = 1) -> Response:
    answer = names.ReadResponse((Variant(names.READ_ERROR, result),) * count)
    return Response(codec(APDU).build(Variant(ApduTag.READ_RESPONSE, answer)), ())


# ---------------------------------------------------------------- WRITE


def write(client: ClientDlms, request: names.WriteRequest) -> Response:
    """WRITE of any number of attributes and methods, or a block of a long one."""
    block = request.variables[0] if len(request.variables) == 1 else None
    if isinstance(block, names.WriteDataBlockAccess) and len(request.values) == 1:
        return _long_write(client, block, request.values[0])
    return _answer(_all(client, request.variables, request.values))


def unconfirmed_write(client: ClientDlms, request: names.UnconfirmedWriteRequest) -> None:
    """The same without an answer; there are no blocks."""
    _all(client, request.variables, request.values)


def _all(client: ClientDlms, variables: Sequence[Any], values: Sequence[Variant]) -> tuple[Variant, ...]:
    several = len(variables) > 1 and not client.agreed_on("multiple_references")
    if several or len(variables) != len(values):
        return (Variant(names.WRITE_ERROR, DataAccessResult.OTHER_REASON),) * len(variables)
    return tuple(_write(client, variable, value) for variable, value in zip(variables, values, strict=True))


def _answer(results: tuple[Variant, ...]) -> Response:
    message = names.WriteResponse(results)
    return Response(codec(APDU).build(Variant(ApduTag.WRITE_RESPONSE, message)), ())


def _refusal(result: DataAccessResult) -> Response:
    return _answer((Variant(names.WRITE_ERROR, result),))


def _long_write(client: ClientDlms, block: names.WriteDataBlockAccess, value: Variant) -> Response:
    """The whole of what a WRITE has behind its tag arrives in blocks, each an octet string."""
    if not client.agreed_on("block_transfer_with_set") or value.tag != Tag.OCTET_STRING:
        return _refusal(DataAccessResult.OTHER_REASON)
    if block.block == 1:
        client.receiving = LongRequest(None, _NO_INVOKE, WRITE)
    long = client.receiving
    if long is None or long.service != WRITE:
        return _refusal(DataAccessResult.NO_LONG_SET_IN_PROGRESS)
    if not long.add(block.block, value.value):
        client.receiving = None
        return _refusal(DataAccessResult.DATA_BLOCK_NUMBER_INVALID)
    if not block.last:
        return _answer((Variant(names.WRITE_NEXT, block.block),))
    client.receiving = None
    try:
        inner = codec(names.WriteRequest).parse(bytes(long.octets))
    except MalformedError:
        return _refusal(DataAccessResult.LONG_SET_ABORTED)
    return _answer(_all(client, inner.variables, inner.values))
