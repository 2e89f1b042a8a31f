"""Protected requests and answers (SECURITY): what is on the wire is here, what computes it is a back end.

The algorithms of real meters are inside a chip, the ESAM, and in the cipher machine of the head-end; neither is public.
So a client is given a `CipherMachine` and a server a `SecureElement`, and this module never sees a key.
DL/T 698.45-2017, SECURITY and CONNECT.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, Protocol

import msgspec

from meterwire.errors import SecurityError
from meterwire.protocols.dlt69845.data import IdentifiedMac, SecurityIdentifier
from meterwire.protocols.dlt69845.services.connect import (
    Mechanism,
    ServerProof,
    SignatureSecurity,
    SymmetrySecurity,
)
from meterwire.protocols.dlt69845.services.security import (
    CipherContent,
    PlainContent,
    RandomMac,
    RefusedContent,
    SecurityRequest,
    SecurityResponse,
)
from meterwire.protocols.wire.nodes import Variant


class Shield(IntEnum):
    """How a request is protected, the weakest first."""

    PLAIN_RANDOM = 0
    """Plain with RN: the request proves nothing, the answer has a MAC over the random number. Needs no session."""
    PLAIN_RANDOM_MAC = 1
    """Plain with RN_MAC."""
    PLAIN_MAC = 2
    """Plain with SID_MAC."""
    CIPHER_RANDOM = 3
    """Enciphered with RN."""
    CIPHER = 4
    """Enciphered with SID."""
    CIPHER_RANDOM_MAC = 5
    """Enciphered with RN_MAC."""
    CIPHER_MAC = 6
    """Enciphered with SID_MAC."""

    @property
    def enciphered(self) -> bool:
        """Whether the APDU is enciphered."""
        return self >= Shield.CIPHER_RANDOM

    @property
    def vouches(self) -> bool:
        """Whether the protection proves who asks."""
        return self not in (Shield.PLAIN_RANDOM, Shield.CIPHER_RANDOM)


_SHIELDS: Final = {
    (PlainContent, 0): Shield.PLAIN_MAC,
    (PlainContent, 1): Shield.PLAIN_RANDOM,
    (PlainContent, 2): Shield.PLAIN_RANDOM_MAC,
    (CipherContent, 0): Shield.CIPHER_MAC,
    (CipherContent, 1): Shield.CIPHER_RANDOM,
    (CipherContent, 2): Shield.CIPHER_RANDOM_MAC,
    (CipherContent, 3): Shield.CIPHER,
}


def shield_of(request: SecurityRequest) -> Shield:
    """How a request is protected; raises SecurityError where it is not: plain with SID alone."""
    found = _SHIELDS.get((type(request.content), request.proof.tag))
    if found is None:
        raise SecurityError("a plain request with an identifier (SID) alone is not protected")
    return found


class CipherMachine(Protocol):
    """What a head-end computes protection with. Each method raises SecurityError where it cannot."""

    def open(self, number: str, mechanism: Mechanism) -> SymmetrySecurity | SignatureSecurity:
        """What proves the client to the meter of this number, and begins a session."""

    def opened(self, proof: ServerProof | None) -> None:
        """The meter's half of the proof; from now on the session holds."""

    def close(self) -> None:
        """The session is over."""

    def protect(self, number: str, apdu: bytes, shield: Shield) -> SecurityRequest:
        """A request with its protection, never the same one twice."""

    def unprotect(self, content: bytes, mac: bytes | None, *, enciphered: bool) -> bytes:
        """The APDU inside the answer to the request protected last, checked where there is a MAC."""

    def overhear(self, content: bytes, mac: bytes | None, *, enciphered: bool) -> bytes:
        """The APDU inside what the meter says unasked; the last one may come again, older ones are refused."""

    def acknowledge(self, number: str, apdu: bytes, shield: Shield) -> SecurityRequest:
        """As `protect`, for the receipt of such an APDU: the answer that is waited for stays the same."""


class SecureElement(Protocol):
    """What a meter keeps its keys in. Each method raises SecurityError for what is wrong, old, or seen before."""

    def session(self) -> ElementSession:
        """What the element does for one connection."""


class ElementSession(Protocol):
    """The element's side of one connection."""

    @property
    def is_open(self) -> bool:
        """Whether a client has proven itself."""

    def open(self, security: SymmetrySecurity | SignatureSecurity) -> ServerProof:
        """Check who connects; gives the meter's half of the proof."""

    def close(self) -> None:
        """The session is over."""

    def unprotect(self, request: SecurityRequest, shield: Shield) -> bytes:
        """The APDU inside a request."""

    def protect(self, apdu: bytes) -> SecurityResponse:
        """The answer to the request that was unprotected last, protected no less than that."""

    def volunteer(self, apdu: bytes) -> SecurityResponse:
        """What nobody has asked for, with all the protection of a session that is open."""

    def vouched(self, content: bytes, proof: IdentifiedMac) -> None:
        """Check the code (SID_MAC) that data inside a request carry themselves."""

    def end(self) -> None:
        """The session is over once the present request has been answered."""


class Protection(msgspec.Struct, frozen=True):
    """How a client protects what it says.

    Attributes:
        machine: computes it.
        mechanism: by which the application connection is made, SYMMETRY or SIGNATURE.
        shield: of each request; PLAIN_RANDOM alone needs no connection.
    """

    machine: CipherMachine
    mechanism: Mechanism = Mechanism.SYMMETRY
    shield: Shield = Shield.CIPHER_MAC


def unwrapped(machine: CipherMachine, response: SecurityResponse, shield: Shield) -> bytes:
    """The APDU inside the answer to a request with this protection.

    Raises:
        SecurityError: the answer is protected less than the request was, or its protection is wrong.
    """
    content = response.content
    if isinstance(content, RefusedContent):
        raise SecurityError("a refusal carries no APDU")
    enciphered = isinstance(content, CipherContent)
    if shield.enciphered and not enciphered:
        raise SecurityError("the answer to an enciphered request is plain")
    mac = None if response.proof is None else response.proof.value
    if mac is None and shield != Shield.CIPHER:
        raise SecurityError("the answer to a request with authentication has no authentication code")
    octets = content.cipher if isinstance(content, CipherContent) else content.apdu
    return machine.unprotect(octets, mac, enciphered=enciphered)


def overheard(machine: CipherMachine, response: SecurityResponse) -> bytes:
    """The APDU inside what a meter says unasked; raises SecurityError for what is not protected, wrong, or old."""
    content = response.content
    if isinstance(content, RefusedContent) or response.proof is None:
        raise SecurityError("what the meter says unasked has no authentication code")
    octets = content.cipher if isinstance(content, CipherContent) else content.apdu
    return machine.overhear(octets, response.proof.value, enciphered=isinstance(content, CipherContent))


def request_of(
    shield: Shield, content: bytes, random: bytes, identifier: SecurityIdentifier, mac: bytes
) -> SecurityRequest:
    """The SECURITY-Request of a protection from its parts; those that it does not need are left out."""
    body = CipherContent(content) if shield.enciphered else PlainContent(content)
    proof = {
        Shield.PLAIN_RANDOM: (1, random),
        Shield.CIPHER_RANDOM: (1, random),
        Shield.PLAIN_RANDOM_MAC: (2, RandomMac(random, mac)),
        Shield.CIPHER_RANDOM_MAC: (2, RandomMac(random, mac)),
        Shield.PLAIN_MAC: (0, IdentifiedMac(identifier, mac)),
        Shield.CIPHER_MAC: (0, IdentifiedMac(identifier, mac)),
        Shield.CIPHER: (3, identifier),
    }[shield]
    return SecurityRequest(body, Variant(*proof))


__all__ = [
    "CipherMachine",
    "ElementSession",
    "Protection",
    "SecureElement",
    "Shield",
    "overheard",
    "request_of",
    "shield_of",
    "unwrapped",
]
