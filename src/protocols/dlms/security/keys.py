"""The keys of one party: they are secrets, never in a log, nor in a representation (DLMS UA 1000-2, 9.2.5)."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import msgspec

from meterwire.errors import SecurityError
from meterwire.protocols.dlms.security.suites import suite


class KeyId(IntEnum):
    """Keys that key transfer and key agreement can change (class 64, key_transfer)."""

    UNICAST_ENCRYPTION = 0
    BROADCAST_ENCRYPTION = 1
    AUTHENTICATION = 2
    MASTER = 3


class Keys(msgspec.Struct, frozen=True):
    """What one side knows. What it does not need is empty.

    Attributes:
        unicast: global unicast encryption key (GUEK).
        authentication: global authentication key (GAK).
        broadcast: global broadcast encryption key (GBEK).
        master: key encryption key (KEK), which wraps the others.
        signing: own private key of signatures, of `cryptography`.
        agreement: own private key of key agreement.
        peer_signing: the peer's public key of signatures.
        peer_agreement: the peer's public key of key agreement.
        certificate: own certificate of signatures in DER, sent with an ECDSA association; empty sends none.
    """

    unicast: bytes = b""
    authentication: bytes = b""
    broadcast: bytes = b""
    master: bytes = b""
    signing: Any = None
    agreement: Any = None
    peer_signing: Any = None
    peer_agreement: Any = None
    certificate: bytes = b""

    def __repr__(self) -> str:
        return "Keys(...)"

    def replaced(self, key: KeyId, value: bytes) -> Keys:
        """These keys with another one in place of one of them."""
        return msgspec.structs.replace(self, **{FIELDS[key]: value})

    def of(self, key: KeyId) -> bytes:
        """One of the symmetric keys."""
        found: bytes = getattr(self, FIELDS[key])
        return found

    def check(self, number: int) -> None:
        """Raises SecurityError if a symmetric key that is given does not fit the security suite."""
        length = suite(number).key_octets
        for key, name in FIELDS.items():
            if self.of(key) and len(self.of(key)) != length:
                raise SecurityError(f"the {name} key of security suite {number} has {length} octets")


FIELDS = {
    KeyId.UNICAST_ENCRYPTION: "unicast",
    KeyId.BROADCAST_ENCRYPTION: "broadcast",
    KeyId.AUTHENTICATION: "authentication",
    KeyId.MASTER: "master",
}
"""Where each key is held."""
