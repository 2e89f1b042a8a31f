"""ACCESS: gets, sets and actions in one request, in order (DLMS UA 1000-2, 9.3.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meterwire.meter_model.faces.dlms.answers import LONGEST, Response
from meterwire.meter_model.faces.dlms.cosem_model import Denied, counted, octets_of
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.data import DATA, NULL
from meterwire.protocols.dlms.enums import ActionResult, DataAccessResult
from meterwire.protocols.dlms.xdlms import access
from meterwire.protocols.dlms.xdlms.access import ACTION_DONE, GET_DONE, SET_DONE
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    from meterwire.meter_model.faces.dlms.client import ClientDlms

_NULL = codec(DATA).build(NULL)


def serve(client: ClientDlms, request: access.AccessRequest) -> Response | None:
    """Everything that an ACCESS asks for; None where its lists do not match. It is answered whole, or by GBT."""
    if len(request.specifications) != len(request.values):
        return None
    values: list[bytes] = []
    results: list[Variant] = []
    left, failed = LONGEST, False
    for what, given in zip(request.specifications, request.values, strict=True):
        octets, result = _skipped(what) if failed else _done(client, what, given, left)
        left -= len(octets)
        values.append(octets)
        results.append(result)
        failed = bool(request.invoke.processing and result.value)
    sent_back = request.specifications if request.invoke.self_descriptive else None
    empty = access.AccessResponse(request.invoke, b"", sent_back, (), tuple(results))
    octets = codec(APDU).build(Variant(ApduTag.ACCESS_RESPONSE, empty))
    tail = len(counted(len(results))) + 2 * len(results)
    head = octets[: len(octets) - tail - 1]
    return Response(head, (counted(len(values)), *values, octets[len(octets) - tail :]))


def _done(client: ClientDlms, what: Any, given: Variant, left: int) -> tuple[bytes, Variant]:
    try:
        if isinstance(what, (access.AccessGet, access.AccessSelectedGet)):
            return _read(client, what, left), Variant(GET_DONE, DataAccessResult.SUCCESS)
        if isinstance(what, access.AccessAction):
            returned = client.act(what.descriptor, given)
            octets = _NULL if returned is None else codec(DATA).build(returned)
            return octets, Variant(ACTION_DONE, ActionResult.SUCCESS)
        return _NULL, Variant(SET_DONE, client.write(what.descriptor, given, getattr(what, "selection", None)))
    except Denied as denied:
        return _NULL, _failed(what, denied.result)


def _read(client: ClientDlms, what: Any, left: int) -> bytes:
    octets = bytearray()
    for piece in octets_of(client.read(what.descriptor, getattr(what, "selection", None))):
        octets += piece
        if len(octets) > left:
            raise Denied(DataAccessResult.OTHER_REASON)
    return bytes(octets)


def _failed(what: Any, result: DataAccessResult) -> Variant:
    if isinstance(what, (access.AccessGet, access.AccessSelectedGet)):
        return Variant(GET_DONE, result)
    if isinstance(what, access.AccessAction):
        return Variant(ACTION_DONE, ActionResult(int(result)))
    return Variant(SET_DONE, result)


def _skipped(what: Any) -> tuple[bytes, Variant]:
    """What is not done any more because something before it failed."""
    return _NULL, _failed(what, DataAccessResult.OTHER_REASON)
