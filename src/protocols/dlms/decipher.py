"""Taking the protection off an APDU, for those who hold the keys (DLMS UA 1000-2, 9.2.4.8; NIST SP 800-38D)."""

from __future__ import annotations

from typing import cast

import msgspec

from meterwire.errors import SecurityError
from meterwire.protocols.dlms.ciphering import Protected
from meterwire.protocols.dlms.security.gcm import (
    AUTHENTICATED,
    COMPRESSED,
    KEY_OCTETS,
    TAG_OCTETS,
    TITLE_OCTETS,
    Gcm,
)

__all__ = ["KEY_OCTETS", "TAG_OCTETS", "TITLE_OCTETS", "CipherKeys", "decipher", "is_verifiable", "observe"]


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
    return Gcm(keys.encryption, keys.authentication).open(
        title, protected.counter, _control(protected), protected.content, more
    )


def is_verifiable(protected: Protected, keys: CipherKeys) -> bool:
    """Whether an APDU has an authentication tag, and there is a key to check it with."""
    return bool(protected.control.authenticated and keys.authentication)


def observe(protected: Protected, title: bytes, keys: CipherKeys, more: bytes = b"") -> bytes:
    """As `decipher`, for onlookers with the encryption key alone, which is all that many customers are given.

    Without an authentication key the tag of what is encrypted goes unchecked: whoever looks on must be told so, and
    nothing may be done because of what such an APDU says.

    Raises:
        SecurityError: as `decipher`, but for the missing authentication key.
    """
    if not (protected.control.authenticated and protected.control.encrypted) or keys.authentication:
        return decipher(protected, title, keys, more)
    if len(protected.content) < TAG_OCTETS:
        raise SecurityError("the authentication tag is missing")
    control, content = _control(protected) & ~AUTHENTICATED, protected.content[:-TAG_OCTETS]
    return Gcm(keys.encryption).open(title, protected.counter, control, content)


def _control(protected: Protected) -> int:
    control = int(cast("int", protected.control))
    if control & COMPRESSED:
        raise SecurityError("compressed content cannot be opened")
    return control
