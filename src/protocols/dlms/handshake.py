"""A client's way into a secured association: AARQ, AARE, and the two passes behind them (DLMS UA 1000-2, 9.2.7.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

import msgspec

from meterwire.errors import MalformedError, RemoteProtocolError, SecurityError
from meterwire.protocols.dlms.acse import (
    AUTHENTICATION_REQUIRED,
    Aare,
    Aarq,
    AuthenticationMechanism,
    AuthenticationValue,
    Rlrq,
    context_name,
    context_of,
    mechanism_name,
    mechanism_of,
)
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.association import Association, agreed, offered, refusal
from meterwire.protocols.dlms.enums import AcseServiceUserDiagnostic, AssociationResult, ReleaseRequestReason
from meterwire.protocols.dlms.security.certificates import Purpose, trusted_key
from meterwire.protocols.dlms.security.ciphering import Ciphering, check_titles, service_specific
from meterwire.protocols.dlms.security.counters import SendingCounter
from meterwire.protocols.dlms.security.gcm import AUTHENTICATED, ENCRYPTED, Gcm
from meterwire.protocols.dlms.security.keys import Keys
from meterwire.protocols.dlms.security.mechanisms import (
    HIGH,
    Parties,
    challenge_octets,
    check_challenge,
    check_proof,
    proof,
)
from meterwire.protocols.dlms.security.protection import PLAIN, Protection
from meterwire.protocols.dlms.security.settings import TITLED, Security
from meterwire.protocols.dlms.security.suites import curve_suite
from meterwire.protocols.dlms.xdlms.initiate import DLMS_VERSION, InitiateRequest
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

_DEDICATED_TRIES: Final = 8
_LEAST_ROOM: Final = 12


class Handshake:
    """One attempt to associate.

    Args:
        security: what the client brings; its counters move.
        max_pdu: longest APDU that the client takes, in octets.
        previous: the server's last challenge; one that comes again is refused.
    """

    def __init__(self, security: Security, max_pdu: int, previous: bytes = b"") -> None:
        self._security, self._max_pdu, self._previous = security, max_pdu, previous
        self._keys = security.keys
        self._own = b""
        self.challenge = b""
        self._peer = b""
        self._floor = security.received.expected
        self._dedicated = self._fresh_key() if security.dedicated else b""
        if security.mechanism in HIGH:
            self._own = self._random(challenge_octets(security.mechanism))

    # ------------------------------------------------------------ passes 1 and 2

    def aarq(self) -> bytes:
        """Pass 1. Every call makes one with a new invocation counter.

        Raises:
            SecurityError: there is no counter left, or a key is not there.
        """
        security = self._security
        named = security.mechanism is not AuthenticationMechanism.NONE
        value = self._own if security.mechanism in HIGH else security.secret
        titled = security.level is not None or security.mechanism in TITLED
        ecdsa = security.mechanism is AuthenticationMechanism.HIGH_ECDSA
        user = security.user_id
        aarq = Aarq(
            context=context_name(security.context),
            calling_title=security.title if titled else None,
            calling_qualifier=security.keys.certificate if ecdsa and security.keys.certificate else None,
            calling_ae_invocation=None if user is None else user.to_bytes(1 if user < 0x80 else 2, "big"),
            sender_requirements=AUTHENTICATION_REQUIRED if named else None,
            mechanism=mechanism_name(security.mechanism) if named else None,
            authentication=AuthenticationValue(characters=value) if named else None,
            user_information=self._initiate(),
        )
        return codec(APDU).build(Variant(ApduTag.AARQ, aarq))

    def _initiate(self) -> bytes:
        security = self._security
        request = InitiateRequest(
            self._dedicated or None, None, None, DLMS_VERSION, offered(security.context), self._max_pdu
        )
        apdu = codec(APDU).build(Variant(ApduTag.INITIATE_REQUEST, request))
        if security.level is None:
            return apdu
        control = security.suite | (security.level.sends & (AUTHENTICATED | ENCRYPTED))
        key = Gcm(security.keys.unicast, security.keys.authentication)
        return service_specific(key, security.title, self._sending.take(), control, apdu)

    def accepted(self, aare: Aare) -> Association:
        """Pass 2: what the server grants, with the protection of the association.

        Raises:
            Refused: the server does not associate; the code is its diagnostic.
            SecurityError: it answers otherwise than it must, or cannot be believed.
            RemoteProtocolError: the AARE does not say what it must.
        """
        security = self._security
        if aare.result != AssociationResult.ACCEPTED:
            raise refusal(aare)
        if context_of(aare.context) is not security.context:
            raise SecurityError("the meter answers with another application context than was asked for")
        if security.mechanism in HIGH:
            self._check_pending(aare)
        self._peer = aare.responding_title or security.peer_title
        if security.level is not None or security.mechanism in TITLED:
            check_titles(security.title, self._peer)
        if security.peer_title and self._peer and security.peer_title != self._peer:
            raise SecurityError("the meter shows another system title than it should")
        self._keys = self._with_certificate(aare)
        protection: Protection = PLAIN
        if security.level is not None:
            ciphering = self._ciphering()
            protection = ciphering
            text = ciphering.unprotect_initiate(aare.user_information or b"")
            aare = msgspec.structs.replace(cast("Any", aare), user_information=text)
        found = agreed(aare, security.mechanism, security.context)
        if found.max_pdu and found.max_pdu - protection.overhead < _LEAST_ROOM:
            raise RemoteProtocolError(f"the meter takes APDUs of {found.max_pdu} octets only, too few for ciphering")
        return msgspec.structs.replace(found, protection=protection)

    def _with_certificate(self, aare: Aare) -> Keys:
        """Our keys, with that of the certificate that the meter shows where its key of signatures is not known."""
        security, shown = self._security, aare.responding_qualifier
        wanted = security.mechanism is AuthenticationMechanism.HIGH_ECDSA and security.keys.peer_signing is None
        if not wanted or not shown or not security.authorities or security.now is None:
            return security.keys
        group = curve_suite(security.suite)
        key = trusted_key(shown, Purpose.SIGNING, group, self._peer, security.now(), security.authorities)
        found: Keys = msgspec.structs.replace(security.keys, peer_signing=key)
        return found

    def _check_pending(self, aare: Aare) -> None:
        security = self._security
        user = None if aare.diagnostic is None else aare.diagnostic.user
        if user != AcseServiceUserDiagnostic.AUTHENTICATION_REQUIRED or aare.authentication is None:
            raise SecurityError("the meter leaves out the authentication that was asked for")
        if mechanism_of(aare.mechanism) is not security.mechanism:
            raise SecurityError("the meter answers with another authentication mechanism than was asked for")
        self.challenge = aare.authentication.characters or b""
        check_challenge(security.mechanism, self.challenge, self._own)
        if self.challenge == self._previous:
            raise SecurityError("the meter's challenge is the one it sent before")

    def _ciphering(self) -> Ciphering:
        security = self._security
        assert security.level is not None
        return Ciphering(
            security.suite,
            security.title,
            self._peer,
            self._keys,
            sending=self._sending,
            received=security.received,
            level=security.level,
            dedicated=self._dedicated,
            random=security.random,
        )

    # ------------------------------------------------------------ passes 3 and 4

    @property
    def pending(self) -> bool:
        """Whether passes 3 and 4 are to follow: an action of the association object."""
        return self._security.mechanism in HIGH

    def answer(self) -> bytes:
        """Pass 3: what the association object is told, f(StoC). Every call uses a new invocation counter."""
        security = self._security
        parties = self._parties(security.title, self._peer, self.challenge, self._own)
        return proof(parties, security.sending)

    def conclude(self, given: bytes) -> None:
        """Pass 4: raises SecurityError unless f(CtoS) is right."""
        parties = self._parties(self._peer, self._security.title, self._own, self.challenge)
        check_proof(parties, given, self._security.received, self._floor)

    def _parties(self, prover: bytes, verifier: bytes, challenge: bytes, counter_challenge: bytes) -> Parties:
        security = self._security
        return Parties(
            security.mechanism,
            prover,
            verifier,
            security.secret,
            challenge,
            counter_challenge,
            security.suite,
            self._keys,
            security.algorithm,
        )

    # ------------------------------------------------------------ what chance gives

    def _fresh_key(self) -> bytes:
        for _ in range(_DEDICATED_TRIES):
            key = self._random(len(self._security.keys.unicast))
            if any(key) and len(key) == len(self._security.keys.unicast):
                return key
        raise SecurityError("the random source gives nothing but zeros, or too little")

    def _random(self, count: int) -> bytes:
        give: Callable[[int], bytes] | None = self._security.random
        if give is None:
            raise SecurityError("a random source is needed")
        return give(count)

    @property
    def _sending(self) -> SendingCounter:
        if self._security.sending is None:
            raise SecurityError("the invocation counter is not known")
        return self._security.sending


def release_request(association: Association, max_pdu: int) -> bytes:
    """The RLRQ; in an association with ciphering it bears an initiate request under the global key."""
    information = None
    protection = association.protection
    if isinstance(protection, Ciphering):
        request = InitiateRequest(None, None, None, DLMS_VERSION, offered(association.context), max_pdu)
        plain = codec(APDU).build(Variant(ApduTag.INITIATE_REQUEST, request))
        information = protection.protect_initiate(plain)
    rlrq = Rlrq(reason=ReleaseRequestReason.NORMAL, user_information=information)
    return codec(APDU).build(Variant(ApduTag.RLRQ, rlrq))


def returned_octets(data: Variant | None) -> bytes:
    """f(CtoS) as the action returns it; raises MalformedError if it is no octet string."""
    if data is None or not isinstance(data.value, bytes):
        raise MalformedError("an octet string in answer to our challenge", "returned")
    return data.value
