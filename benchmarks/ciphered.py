"""Ciphered APDUs beside gurux-dlms and AES-GCM alone, and what ciphering costs the meter."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks import gurux
from benchmarks.codecs import ROUNDS, beside
from benchmarks.rows import Row
from benchmarks.timing import cpu_medians
from meterwire.meter_model.faces.dlms.client import ClientDlms
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.identity import Secrets
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlms.acse import AuthenticationMechanism
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.handshake import Handshake
from meterwire.protocols.dlms.security.ciphering import Ciphering, Level
from meterwire.protocols.dlms.security.counters import ReceivedCounter, SendingCounter
from meterwire.protocols.dlms.security.gcm import AUTHENTICATED, ENCRYPTED
from meterwire.protocols.dlms.security.keys import Keys
from meterwire.protocols.dlms.security.protection import Protection
from meterwire.protocols.dlms.security.settings import Security
from meterwire.protocols.dlms.xdlms.common import AttributeDescriptor, Invoke
from meterwire.protocols.dlms.xdlms.get import GetRequestNormal
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

_SECRETS = Secrets()
_KEYS = Keys(_SECRETS.unicast_key, _SECRETS.authentication_key)
_CLIENT, _METER = b"MMM\0\0\0\0\1", b"MWR\0\0\0\1\x61"
_FULL = Level(AUTHENTICATED | ENCRYPTED, AUTHENTICATED | ENCRYPTED)
_GET = codec(APDU).build(
    Variant(
        ApduTag.GET_REQUEST,
        GetRequestNormal(Invoke(number=1), AttributeDescriptor(3, bytes((1, 0, 1, 8, 0, 255)), 2)),
    )
)


def _ciphering(own: bytes, peer: bytes) -> Ciphering:
    return Ciphering(0, own, peer, _KEYS, sending=SendingCounter(1), received=ReceivedCounter(), level=_FULL)


def rows_apdu() -> list[Row]:
    """About 1 kB of GET-response, authenticated and encrypted, suite 0."""
    plain = bytes.fromhex("c401c100098203e8") + os.urandom(1000)
    meter, client = _ciphering(_METER, _CLIENT), _ciphering(_CLIENT, _METER)
    octets = meter.protect(plain)
    assert client.unprotect(octets) == plain

    def opened() -> bytes:
        client.received.expected = 0  # the same APDU again and again
        return client.unprotect(octets)

    def sealed() -> bytes:
        meter.sending.next = 1
        return meter.protect(plain)

    alone = AESGCM(_KEYS.unicast)
    nonce, head = _METER + bytes(4), bytes(17)
    gcm = {"AES-GCM alone": lambda: alone.encrypt(nonce, plain, head)}
    what = f"ciphered APDU, {len(octets)} octets, suite 0"
    return [
        *beside(f"{what}: open", opened, {**_gurux(octets, plain), **gcm}, 15e-6),
        *beside(f"{what}: seal", sealed, gcm, 15e-6),
    ]


def _gurux(octets: bytes, plain: bytes) -> dict[str, Callable[[], Any]]:
    if gurux.version() is None:
        return {}
    read = gurux.decipherer(octets, _METER, _KEYS.unicast, _KEYS.authentication)
    assert bytes(read()) == plain
    return {"gurux-dlms": read}


def rows_served() -> list[Row]:
    """A GET answered by the whole object model, without a socket: ciphered beside plain."""
    meter = Meter()
    face = FaceDlms(meter)
    ciphered = ClientDlms(face, 17, 1)
    security = Security(
        mechanism=AuthenticationMechanism.LOW,
        secret=b"12345678",
        title=_CLIENT,
        keys=_KEYS,
        level=_FULL,
        sending=SendingCounter(1),
    )
    protection = _associated(ciphered, security)
    plain = ClientDlms(face, 17, 1)
    _associated(plain, Security(mechanism=AuthenticationMechanism.LOW, secret=b"12345678"))

    def ask() -> bytes:
        return ciphered.serve(protection.protect(_GET)).apdus[0]

    def prepare() -> bytes:
        return protection.protect(_GET)

    assert protection.unprotect(ask())[:1] == b"\xc4"
    assert plain.serve(_GET).apdus[0][:1] == b"\xc4"
    whole, request, clear = cpu_medians(ROUNDS, ask, prepare, lambda: plain.serve(_GET))
    return [
        Row(
            what="DLMS GET of 1.0.1.8.0.255 answered ciphered, suite 0, without the socket",
            ours=1 / (whole - request),
            peer="the same answered plain",
            theirs=1 / clear,
            unit="reads/s",
            note="the time of making the request is taken off",
        )
    ]


def _associated(client: ClientDlms, security: Security) -> Protection:
    handshake = Handshake(security, 0xFFFF)
    return handshake.accepted(codec(APDU).parse(client.serve(handshake.aarq()).apdus[0]).value).protection


def run() -> list[Row]:
    """All rows of this file."""
    return [*rows_apdu(), *rows_served()]
