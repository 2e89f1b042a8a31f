"""CONNECT and RELEASE of the DL/T 698.45 face: what is agreed, and who the client proves to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from meterwire.errors import SecurityError
from meterwire.meter_model.access import Authority
from meterwire.meter_model.faces.dlt69845.conformance import FRAME_SIZE, TIMEOUT, VERSION, conformance_of
from meterwire.meter_model.faces.dlt69845.context import APDU_SIZE, Context, Handler, echo
from meterwire.meter_model.faces.dlt69845.get import result_of
from meterwire.meter_model.faces.dlt69845.link import LONGEST_REQUEST
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.services.common import ResultNormal
from meterwire.protocols.dlt69845.services.connect import (
    ConnectRequest,
    ConnectResponse,
    ConnectResult,
    FactoryVersion,
    Mechanism,
    ReleaseRequest,
    ReleaseResponse,
    ReleaseResult,
    ServerProof,
)
from meterwire.protocols.wire.nodes import Variant

LEAST_SIZE: Final = 128
"""A client that says it takes less than this is sent this much: no attribute of the meter fits in less."""
FRAME_COST: Final = 32
"""Octets that frame and address add to an APDU, at most."""
LONGEST_APDU: Final = 0x4000
"""Longest APDU the meter sends in pieces, octets."""
_SLICING: Final = 20
_SLICED: Final = 0x80 >> _SLICING % 8
_FAILED: Final = {
    Mechanism.SYMMETRY: ConnectResult.SYMMETRIC_DECRYPTION_FAILED,
    Mechanism.SIGNATURE: ConnectResult.ASYMMETRIC_DECRYPTION_FAILED,
}
_VERSIONS: Final = (Oad(0x4300, 3, 1), Oad(0x4300, 3, 2), Oad(0x4300, 3, 4))
"""Maker, software version and hardware version."""


def connect(context: Context, request: ConnectRequest) -> ConnectResponse:
    """CONNECT: without security, with the password, or with what the secure element checks."""
    context.forget()
    context.element.close()
    result, proof = _proven(context, request.mechanism)
    if result == ConnectResult.OK:
        context.mechanism = request.mechanism.tag
        context.authority = Authority.PASSWORD if context.mechanism == Mechanism.PASSWORD else Authority.PUBLIC
        context.changed = proof is not None  # its counter must never be taken again
        _agree(context, request)
    return ConnectResponse(
        echo(request.piid),
        _factory(context),
        VERSION,
        _both(conformance_of(context.meter).protocol, request.protocol),
        _both(conformance_of(context.meter).functions, request.functions),
        min(FRAME_SIZE, request.receive_size),  # never more than was asked for: some clients refuse that
        min(FRAME_SIZE, request.send_size),
        1,
        min(LONGEST_REQUEST, request.apdu_size),
        context.timeout,
        result,
        proof,
    )


def _agree(context: Context, request: ConnectRequest) -> None:
    """The sizes and the time-out that both can live with. Without slicing an APDU fits into a frame."""
    context.frame_size = max(min(FRAME_SIZE, request.receive_size), LEAST_SIZE + FRAME_COST)
    whole = min(request.apdu_size, request.receive_size - FRAME_COST)
    sliced = (
        request.apdu_size > request.receive_size
        and _both(conformance_of(context.meter).protocol, request.protocol)[_SLICING // 8] & _SLICED
    )
    mine = LONGEST_APDU if sliced else APDU_SIZE
    context.apdu_size = max(min(mine, request.apdu_size if sliced else whole), LEAST_SIZE)
    context.connected, context.timeout = context.now(), min(max(request.timeout, 1), TIMEOUT)


def release(context: Context, request: ReleaseRequest) -> ReleaseResponse:
    """RELEASE: back to what holds without a connection."""
    context.forget()
    return ReleaseResponse(echo(request.piid), ReleaseResult.OK)


def _proven(context: Context, mechanism: Variant) -> tuple[ConnectResult, ServerProof | None]:
    """Whether the client is who he says, and the meter's half of the proof where there is one."""
    if mechanism.tag == Mechanism.NULL:
        return ConnectResult.OK, None
    if mechanism.tag in _FAILED:
        try:
            return ConnectResult.OK, context.element.open(mechanism.value)
        except SecurityError:
            return _FAILED[Mechanism(mechanism.tag)], None
    given = mechanism.value if isinstance(mechanism.value, bytes) else mechanism.value.encode()
    return ConnectResult.OK if context.meter.access.prove(given) else ConnectResult.PASSWORD_WRONG, None


def _factory(context: Context) -> FactoryVersion:
    """Who made the meter; it does not say when."""
    maker, software, hardware = (_short(result_of(context, oad)) for oad in _VERSIONS)
    return FactoryVersion(maker, software, "000000", hardware, "000000", " " * 8)


def _short(result: ResultNormal) -> str:
    """Four characters of a text, spaces where the meter does not have it."""
    text = result.result.value.value if result.result.tag else ""
    return str(text)[:4].encode("ascii", "replace").decode().ljust(4)


def _both(mine: bytes, theirs: bytes) -> bytes:
    return bytes(a & b for a, b in zip(mine, theirs, strict=True))


SERVICES: Final[Mapping[type, Handler]] = {ConnectRequest: connect, ReleaseRequest: release}
