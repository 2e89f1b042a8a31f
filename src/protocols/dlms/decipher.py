"""Taking the protection off an APDU, for those who hold the keys (DLMS UA 1000-2, 9.2.4.8; NIST SP 800-38D)."""

from __future__ import annotations

from typing import cast

import msgspec

from meterwire.errors import SecurityError
from meterwire.protocols.dlms.ciphering import Protected
from meterwire.protocols.dlms.security.gcm import COMPRESSED, KEY_OCTETS, TAG_OCTETS, TITLE_OCTETS, Gcm

__all__ = ["KEY_OCTETS", "TAG_OCTETS", "TITLE_OCTETS", "CipherKeys", "decipher"]


class CipherKeys(msgspec.Struct, frozen=True):
    """The symmetric keys of one association. They are secrets: never in a log, nor in a representation.

    Attributes:
        encryption: block cipher key (EK): global unicast, global broadcast or dedicated.
        authentication: authentication key (AK); empty where none is known.
    """

    encryption: bytes
    authentication: bytes = b""

    def __repr__(self) -> str:
        return "CipherKeys(...)"


def decipher(protected: Protected, title: bytes, keys: CipherKeys, more: bytes = b"") -> bytes:
    """The plain APDU inside a protected one.

    Args:
        protected: as it was received.
        title: system title of its sender, 8 octets; with the invocation counter it is the initialisation vector.
        keys: encryption key of 16 or 32 octets, and for authenticated APDUs the authentication key.
        more: what else is authenticated: the header of general-ciphering.

    Raises:
        SecurityError: the authentication tag does not verify, keys or title do not fit, or the content is compressed.
    """
    control = int(cast("int", protected.control))
    if control & COMPRESSED:
        raise SecurityError("compressed content cannot be opened")
    return Gcm(keys.encryption, keys.authentication).open(title, protected.counter, control, protected.content, more)
