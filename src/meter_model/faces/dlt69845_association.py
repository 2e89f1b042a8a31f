"""CONNECT and RELEASE of the DL/T 698.45 face: what is agreed, and who the client proves to be."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final

from meterwire.meter_model.faces.dlt69845_context import APDU_SIZE, Context, Handler, echo
from meterwire.meter_model.faces.dlt69845_get import result_of
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
)
from meterwire.protocols.wire.nodes import Variant

VERSION: Final = 0x0016
FRAME_SIZE: Final = 2048
"""Longest frame the meter takes and sends, octets; what is longer is noise to it."""
LEAST_SIZE: Final = 128
"""A client that says it takes less than this is sent this much: no attribute of the meter fits in less."""
FRAME_COST: Final = 32
"""Octets that frame and address add to an APDU, at most."""
TIMEOUT: Final = 7200

PROTOCOL: Final = (1 << 63 | 1 << 62 | 1 << 61 | 1 << 57).to_bytes(8, "big")
"""Protocol conformance, first bit highest: association, GET normal, normal list and next."""
FUNCTIONS: Final = (0xFF << 120).to_bytes(16, "big")
"""Functional conformance: active, bidirectional, reactive and apparent energy; demand of these; rates."""
_VERSIONS: Final = (Oad(0x4300, 3, 1), Oad(0x4300, 3, 2), Oad(0x4300, 3, 4))
"""Maker, software version and hardware version."""


def connect(context: Context, request: ConnectRequest) -> ConnectResponse:
    """CONNECT: without security, or with the password; what needs a security chip is refused."""
    result = _proven(context, request.mechanism)
    if result == ConnectResult.OK:
        theirs = min(request.apdu_size, request.receive_size - FRAME_COST)
        context.forget()
        context.apdu_size = max(min(APDU_SIZE, theirs), LEAST_SIZE)
    return ConnectResponse(
        echo(request.piid),
        _factory(context),
        VERSION,
        _both(PROTOCOL, request.protocol),
        _both(FUNCTIONS, request.functions),
        FRAME_SIZE,
        FRAME_SIZE,
        1,
        APDU_SIZE,
        TIMEOUT,
        result,
    )


def release(context: Context, request: ReleaseRequest) -> ReleaseResponse:
    """RELEASE: back to what holds without a connection."""
    context.forget()
    return ReleaseResponse(echo(request.piid), ReleaseResult.OK)


def _proven(context: Context, mechanism: Variant) -> ConnectResult:
    if mechanism.tag == Mechanism.NULL:
        return ConnectResult.OK
    if mechanism.tag == Mechanism.SYMMETRY:
        return ConnectResult.SYMMETRIC_DECRYPTION_FAILED
    if mechanism.tag == Mechanism.SIGNATURE:
        return ConnectResult.ASYMMETRIC_DECRYPTION_FAILED
    given = mechanism.value if isinstance(mechanism.value, bytes) else mechanism.value.encode()
    right = hmac.compare_digest(given, context.meter.identity.secrets.dlt69845_password.encode())
    return ConnectResult.OK if right else ConnectResult.PASSWORD_WRONG


def _factory(context: Context) -> FactoryVersion:
    """Who made the meter; it does not say when."""
    maker, software, hardware = (_short(result_of(context.meter, oad)) for oad in _VERSIONS)
    return FactoryVersion(maker, software, "000000", hardware, "000000", " " * 8)


def _short(result: ResultNormal) -> str:
    """Four characters of a text, spaces where the meter does not have it."""
    text = result.result.value.value if result.result.tag else ""
    return str(text)[:4].encode("ascii", "replace").decode().ljust(4)


def _both(mine: bytes, theirs: bytes) -> bytes:
    return bytes(a & b for a, b in zip(mine, theirs, strict=True))


SERVICES: Final[Mapping[type, Handler]] = {ConnectRequest: connect, ReleaseRequest: release}
