"""How one client secures its association: the mechanism, its secrets, and the protection of APDUs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from meterwire.errors import LocalProtocolError, SecurityError
from meterwire.protocols.dlms.acse import ApplicationContext, AuthenticationMechanism
from meterwire.protocols.dlms.security.ciphering import Level
from meterwire.protocols.dlms.security.counters import ReceivedCounter, SendingCounter
from meterwire.protocols.dlms.security.keys import Keys
from meterwire.protocols.dlms.security.mechanisms import HIGH, Algorithm
from meterwire.protocols.dlms.security.suites import curve_suite

COUNTER_OBJECT: Final = bytes((0, 0, 43, 1, 0, 255))
"""Invocation counter of the unicast key (IEC 62056-6-1, 0-0:43.1.e.255)."""


class Security(msgspec.Struct, kw_only=True):
    """What a client brings into an association.

    Attributes:
        mechanism: of authentication.
        secret: password, or shared secret of mechanisms 2, 3, 4 and 6.
        title: own system title, 8 octets; needed with ciphering and with mechanisms 5, 6 and 7.
        peer_title: the server's; empty takes what the server says.
        suite: security suite of ciphering, GMAC and ECDSA.
        keys: symmetric keys, and the key pairs of suites 1 and 2.
        level: protection of APDUs; None associates without ciphering.
        dedicated: whether each association gets a key of its own.
        short_names: whether objects are referenced by short names.
        user_id: of the client's user, 0 to 255; None sends none.
        algorithm: of mechanism 2; None is AES-128 of the challenge.
        sending: counter of what is sent; None finds it out at first contact.
        counter_from: makes that counter from its first number, so that it is kept.
        received: counter of what has been taken of the server.
        remember: keeps the next counter expected of the server.
        counter_object: where the server tells the counter.
        random: gives as many unpredictable octets.
        authorities: certificates of those who certify meters, DER or PEM: with ECDSA a meter whose key is not known may
            show its certificate.
        now: gives an aware time, for certificates.
    """

    mechanism: AuthenticationMechanism = AuthenticationMechanism.NONE
    secret: bytes = b""
    title: bytes = b""
    peer_title: bytes = b""
    suite: int = 0
    keys: Keys = Keys()
    level: Level | None = None
    dedicated: bool = False
    short_names: bool = False
    user_id: int | None = None
    algorithm: Algorithm | None = None
    sending: SendingCounter | None = None
    counter_from: Callable[[int], SendingCounter] = SendingCounter
    received: ReceivedCounter = msgspec.field(default_factory=ReceivedCounter)
    remember: Callable[[int], None] | None = None
    counter_object: bytes = COUNTER_OBJECT
    random: Callable[[int], bytes] | None = None
    authorities: tuple[bytes, ...] = ()
    now: Callable[[], datetime] | None = None

    def __post_init__(self) -> None:
        """Raises LocalProtocolError where something is missing or does not fit."""
        mechanism = self.mechanism
        try:
            if mechanism is AuthenticationMechanism.HIGH_ECDSA:
                curve_suite(self.suite)
            self.keys.check(self.suite)
        except SecurityError as error:
            raise LocalProtocolError(str(error)) from None
        if (self.level is not None or mechanism in TITLED) and len(self.title) != 8:
            raise LocalProtocolError("a client system title of 8 octets is needed")
        if mechanism in HIGH and self.random is None:
            raise LocalProtocolError("high-level security needs a random source")
        if self.counted and not (self.keys.unicast and self.keys.authentication):
            raise LocalProtocolError("ciphering and GMAC need an encryption key and an authentication key")
        if self.user_id is not None and not 0 <= self.user_id <= 0xFF:
            raise LocalProtocolError("a user id lies between 0 and 255")

    def __repr__(self) -> str:
        return f"Security(mechanism={self.mechanism.name}, suite={self.suite}, ...)"

    @property
    def counted(self) -> bool:
        """Whether it takes an invocation counter to associate."""
        return self.level is not None or self.mechanism is AuthenticationMechanism.HIGH_GMAC

    @property
    def context(self) -> ApplicationContext:
        """The application context asked for."""
        return ApplicationContext(1 + self.short_names + 2 * (self.level is not None))


TITLED: Final = frozenset(
    {AuthenticationMechanism.HIGH_GMAC, AuthenticationMechanism.HIGH_SHA256, AuthenticationMechanism.HIGH_ECDSA}
)
"""Mechanisms whose answers depend on the system titles."""


def of_secret(secret: bytes) -> Security:
    """Low-level security with this password; no security without one."""
    mechanism = AuthenticationMechanism.LOW if secret else AuthenticationMechanism.NONE
    return Security(mechanism=mechanism, secret=secret)
