"""How a meter secures an association: titles, ciphering of the initiate APDUs, challenge and proofs.

DLMS UA 1000-2, 9.2.7.4 (the four passes) and 9.4.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from meterwire.errors import SecurityError
from meterwire.meter_model.dlms_security import SIGNED, DlmsSecurity
from meterwire.protocols.dlms.acse import Aarq, AuthenticationMechanism
from meterwire.protocols.dlms.security.certificates import Purpose, trusted_key
from meterwire.protocols.dlms.security.ciphering import Ciphering, Level, check_titles
from meterwire.protocols.dlms.security.counters import ReceivedCounter
from meterwire.protocols.dlms.security.gcm import AUTHENTICATED, ENCRYPTED
from meterwire.protocols.dlms.security.keys import Keys
from meterwire.protocols.dlms.security.mechanisms import (
    HIGH,
    Algorithm,
    Parties,
    challenge_octets,
    check_challenge,
    check_proof,
    proof,
)
from meterwire.protocols.dlms.security.settings import TITLED
from meterwire.protocols.dlms.security.suites import curve_suite

ASSOCIATION_LN: Final = 15
REPLY: Final = 1
"""Method reply_to_HLS_authentication."""
REPLIES: Final = frozenset({(ASSOCIATION_LN, REPLY), (12, 8)})
"""The same as class and method, with logical names and with short ones."""
_CHALLENGE_TRIES: Final = 4


class Guard(msgspec.Struct, frozen=True):
    """What a meter needs to secure associations.

    Attributes:
        security: keys, counters and policy of the meter.
        title: its system title.
        client_titles: title that a client must show, by client; others may show any.
        random: gives as many unpredictable octets.
        algorithm: of mechanism 2; None is AES-128 of the challenge.
        now: the meter's time, aware, for certificates.
    """

    security: DlmsSecurity
    title: bytes
    client_titles: Mapping[int, bytes]
    random: Callable[[int], bytes]
    algorithm: Algorithm | None = None
    now: Callable[[], datetime] | None = None


def guard_of(meter: Any, random: Callable[[int], bytes]) -> Guard | None:
    """The guard of a meter; None for one that keeps no keys."""
    security: DlmsSecurity | None = getattr(meter, "dlms_security", None)
    if security is None:
        return None
    return Guard(security, meter.identity.system_title, meter.identity.client_titles, random, now=meter.clock.now)


class Pending:
    """An association whose client has not proved yet who it is; nothing else is served until then."""

    def __init__(
        self, guard: Guard, client: int, mechanism: AuthenticationMechanism, secret: bytes, aarq: Aarq, keys: Keys
    ) -> None:
        self._guard, self._client, self._mechanism, self._secret = guard, client, mechanism, secret
        self._title, self._keys = aarq.calling_title or b"", keys
        self._received = guard.security.received(self._title)
        self._floor = self._received.expected
        self._spent = False
        self._client_challenge = challenge_of(aarq)
        check_challenge(mechanism, self._client_challenge, b"")
        self.challenge = self._fresh_challenge()

    def _fresh_challenge(self) -> bytes:
        for _ in range(_CHALLENGE_TRIES):
            challenge = self._guard.random(challenge_octets(self._mechanism))
            if challenge != self._client_challenge:
                return challenge
        raise SecurityError("the random source gives what the client sent")

    def conclude(self, given: bytes) -> bytes:
        """Check the client's proof, f(StoC), and give the meter's, f(CtoS); raises SecurityError, and ever after."""
        guard, security = self._guard, self._guard.security
        if self._spent:
            raise SecurityError("the challenge has been answered once")
        self._spent = True
        try:
            theirs = self._parties(self._title, guard.title, self.challenge, self._client_challenge)
            check_proof(theirs, given, self._received, self._floor)
        except SecurityError:
            security.failed(self._client)
            raise
        security.proved(self._client)
        if self._mechanism is AuthenticationMechanism.HIGH_GMAC:
            security.keep(self._title, self._received)
        ours = self._parties(guard.title, self._title, self._client_challenge, self.challenge)
        return proof(ours, security.sending)

    def _parties(self, prover: bytes, verifier: bytes, challenge: bytes, counter_challenge: bytes) -> Parties:
        suite, algorithm = self._guard.security.suite, self._guard.algorithm
        return Parties(
            self._mechanism,
            prover,
            verifier,
            self._secret,
            challenge,
            counter_challenge,
            suite,
            self._keys,
            algorithm,
        )


def challenge_of(aarq: Aarq) -> bytes:
    """The client's challenge or password, empty where there is none."""
    given: Any = aarq.authentication.characters if aarq.authentication else None
    return given or b""


def keys_of(guard: Guard, client: int, mechanism: AuthenticationMechanism, aarq: Aarq) -> Keys:
    """The keys of an association; with ECDSA the client's is that of the certificate it shows.

    Where the meter trusts no certification authority a certificate says nothing, and the key must be known.

    Raises:
        SecurityError: the certificate is not to be believed.
    """
    keys, shown = guard.security.keys_for(client), aarq.calling_qualifier
    authorities = guard.security.authorities if shown and mechanism is AuthenticationMechanism.HIGH_ECDSA else []
    if not shown or not authorities or guard.now is None:
        return keys
    group, title = curve_suite(guard.security.suite), aarq.calling_title or b""
    key = trusted_key(shown, Purpose.SIGNING, group, title, guard.now(), authorities)
    found: Keys = msgspec.structs.replace(keys, peer_signing=key)
    return found


def pending(
    guard: Guard, client: int, mechanism: AuthenticationMechanism, secret: bytes, aarq: Aarq, keys: Keys
) -> Pending | None:
    """What is still to be proved; None where nothing is. Raises SecurityError where a key is missing."""
    if mechanism not in HIGH:
        return None
    if mechanism is AuthenticationMechanism.HIGH_ECDSA and (keys.peer_signing is None or keys.signing is None):
        raise SecurityError("the client's key of signatures is not known")
    return Pending(guard, client, mechanism, secret, aarq, keys)


def titled(guard: Guard, client: int, mechanism: AuthenticationMechanism, aarq: Aarq, *, ciphered: bool) -> bool:
    """Whether the client shows a system title it may show, where it needs one."""
    wanted, given = guard.client_titles.get(client), aarq.calling_title or b""
    if not (ciphered or mechanism in TITLED):
        return True
    try:
        check_titles(guard.title, given)
    except SecurityError:
        return False
    return wanted is None or wanted == given


def ciphering(guard: Guard, keys: Keys, title: bytes, requires: int) -> tuple[Ciphering, ReceivedCounter]:
    """The protection of an association with ciphering, and the counter of its client; raises SecurityError."""
    security = guard.security
    received = security.received(title)
    needed = requires | security.required
    level = Level(AUTHENTICATED | ENCRYPTED | needed & SIGNED, needed)
    made = Ciphering(
        security.suite,
        guard.title,
        title,
        keys,
        sending=security.sending,
        received=received,
        level=level,
        server=True,
        random=guard.random,
    )
    return made, received
