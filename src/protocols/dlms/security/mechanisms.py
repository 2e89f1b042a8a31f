"""High-level security: challenges, and the answers to them by mechanism (DLMS UA 1000-2, 9.2.2.2.2.4 and 9.2.7.4)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from hmac import compare_digest
from typing import Final

import msgspec

from meterwire.errors import SecurityError
from meterwire.protocols.dlms.acse import AuthenticationMechanism
from meterwire.protocols.dlms.security.counters import ReceivedCounter, SendingCounter
from meterwire.protocols.dlms.security.gcm import AUTHENTICATED, TAG_OCTETS, Gcm
from meterwire.protocols.dlms.security.keys import Keys
from meterwire.protocols.dlms.security.signing import sign, verify
from meterwire.protocols.dlms.security.suites import curve_suite

LEAST_CHALLENGE: Final = 8
LEAST_ECDSA_CHALLENGE: Final = 32
LARGEST_CHALLENGE: Final = 64
OWN_CHALLENGE: Final = 16
"""Octets of our own challenges but with ECDSA; some servers answer longer ones wrongly."""
_GMAC_OCTETS: Final = 1 + 4 + TAG_OCTETS
_BLOCK: Final = 16

HIGH: Final = frozenset(set(AuthenticationMechanism) - {AuthenticationMechanism.NONE, AuthenticationMechanism.LOW})
"""Mechanisms with four passes."""

Algorithm = Callable[[bytes, bytes], bytes]
"""Answers a challenge under a secret: the manufacturer's own of mechanism 2."""


class Parties(msgspec.Struct, frozen=True):
    """Who proves something to whom, and with what.

    Attributes:
        mechanism: how.
        prover: system title of who proves.
        verifier: system title of who is convinced.
        secret: what both know with mechanisms 2, 3, 4 and 6.
        challenge: the verifier's challenge, which is answered.
        counter_challenge: the prover's own challenge.
        suite: security suite, with GMAC and ECDSA.
        keys: of whoever computes: with GMAC the global keys, with ECDSA own and the peer's key of signatures.
        algorithm: of mechanism 2.
    """

    mechanism: AuthenticationMechanism
    prover: bytes
    verifier: bytes
    secret: bytes
    challenge: bytes
    counter_challenge: bytes
    suite: int = 0
    keys: Keys = Keys()
    algorithm: Algorithm | None = None

    def __repr__(self) -> str:
        return "Parties(...)"


def aes_of_challenge(secret: bytes, challenge: bytes) -> bytes:
    """Mechanism 2 as common meters have it: AES-128 of each block of the challenge, both filled with zeros to 16."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415  only when wanted

    key = secret[:_BLOCK].ljust(_BLOCK, b"\0")
    text = challenge.ljust(-(-len(challenge) // _BLOCK) * _BLOCK, b"\0")
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(text)  # noqa: S305  the mechanism is this


def check_challenge(mechanism: AuthenticationMechanism, challenge: bytes, own: bytes) -> None:
    """Raises SecurityError for a challenge that is too short or long, or our own one come back."""
    least = LEAST_ECDSA_CHALLENGE if mechanism is AuthenticationMechanism.HIGH_ECDSA else LEAST_CHALLENGE
    if not least <= len(challenge) <= LARGEST_CHALLENGE:
        raise SecurityError(f"a challenge of {len(challenge)} octets; {least} to {LARGEST_CHALLENGE} are allowed")
    if compare_digest(challenge, own):
        raise SecurityError("our own challenge came back")


def challenge_octets(mechanism: AuthenticationMechanism) -> int:
    """The length of a challenge of ours."""
    return LEAST_ECDSA_CHALLENGE if mechanism is AuthenticationMechanism.HIGH_ECDSA else OWN_CHALLENGE


def proof(parties: Parties, sending: SendingCounter | None = None) -> bytes:
    """The answer to the verifier's challenge.

    Args:
        parties: who proves what; the prover computes.
        sending: gives the invocation counter of GMAC, which is used up.

    Raises:
        SecurityError: a key that the mechanism needs is missing.
    """
    mechanism = parties.mechanism
    if mechanism is AuthenticationMechanism.HIGH_GMAC:
        if sending is None:
            raise SecurityError("GMAC needs an invocation counter")
        return _gmac(parties, AUTHENTICATED | parties.suite, sending.take())
    if mechanism is AuthenticationMechanism.HIGH_ECDSA:
        if parties.keys.signing is None:
            raise SecurityError("the signing key is needed")
        return sign(curve_suite(parties.suite), parties.keys.signing, _signed_text(parties))
    return _digest(parties)


def check_proof(parties: Parties, given: bytes, received: ReceivedCounter | None = None, floor: int = 0) -> None:
    """Raises SecurityError unless an answer is right; the verifier computes.

    Args:
        parties: who proves what.
        given: the answer.
        received: what was taken of the prover under the global key, with GMAC; moved once the answer is right.
        floor: the least counter that was expected when the challenge went out: the answer is made before the APDU that
            carries it, whose counter has been taken already.
    """
    mechanism = parties.mechanism
    if mechanism is AuthenticationMechanism.HIGH_GMAC:
        _check_gmac(parties, given, received, floor)
    elif mechanism is AuthenticationMechanism.HIGH_ECDSA:
        if parties.keys.peer_signing is None:
            raise SecurityError("the peer's signing key is needed")
        verify(curve_suite(parties.suite), parties.keys.peer_signing, _signed_text(parties), given)
    elif not compare_digest(_digest(parties), given):
        raise SecurityError("the answer to our challenge is wrong")


def _check_gmac(parties: Parties, given: bytes, received: ReceivedCounter | None, floor: int) -> None:
    control = AUTHENTICATED | parties.suite
    if len(given) != _GMAC_OCTETS or given[0] != control:
        raise SecurityError("the answer to our challenge is no GMAC of this security suite")
    counter = int.from_bytes(given[1:5], "big")
    if not compare_digest(_gmac(parties, control, counter), given):
        raise SecurityError("the answer to our challenge is wrong")
    if received is None:
        return
    ReceivedCounter(floor).check(counter)
    if floor < received.expected == counter + 1:
        raise SecurityError("the answer to our challenge bears the counter of the APDU that carries it")
    received.expected = max(received.expected, counter + 1)


def _gmac(parties: Parties, control: int, counter: int) -> bytes:
    gcm = Gcm(parties.keys.unicast, parties.keys.authentication)
    tag = gcm.seal(parties.prover, counter, control, parties.challenge)[-TAG_OCTETS:]
    return bytes((control,)) + counter.to_bytes(4, "big") + tag


def _signed_text(parties: Parties) -> bytes:
    return parties.prover + parties.verifier + parties.challenge + parties.counter_challenge


def _digest(parties: Parties) -> bytes:
    mechanism, secret, challenge = parties.mechanism, parties.secret, parties.challenge
    if mechanism is AuthenticationMechanism.HIGH:
        return (parties.algorithm or aes_of_challenge)(secret, challenge)
    if mechanism is AuthenticationMechanism.HIGH_MD5:
        return hashlib.md5(challenge + secret, usedforsecurity=False).digest()
    if mechanism is AuthenticationMechanism.HIGH_SHA1:
        return hashlib.sha1(challenge + secret, usedforsecurity=False).digest()
    if mechanism is AuthenticationMechanism.HIGH_SHA256:
        return hashlib.sha256(secret + _signed_text(parties)).digest()
    raise SecurityError(f"mechanism {mechanism} has no challenges")
