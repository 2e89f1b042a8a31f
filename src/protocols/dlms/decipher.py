"""Taking the protection off an APDU, for those who hold the keys (DLMS UA 1000-2, 9.2.4.8; NIST SP 800-38D)."""

from __future__ import annotations

from typing import Final, cast

import msgspec

from meterwire.errors import SecurityError
from meterwire.protocols.dlms.ciphering import Protected

TITLE_OCTETS: Final = 8
TAG_OCTETS: Final = 12
KEY_OCTETS: Final = (16, 32)
"""Suites 0 and 1 use AES-128, suite 2 AES-256."""


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


def decipher(protected: Protected, title: bytes, keys: CipherKeys) -> bytes:
    """The plain APDU inside a protected one.

    Args:
        protected: as it was received.
        title: system title of its sender, 8 octets; with the invocation counter it is the initialisation vector.
        keys: encryption key of 16 or 32 octets, and for authenticated APDUs the authentication key.

    Raises:
        SecurityError: the authentication tag does not verify, keys or title do not fit, or the content is compressed.
    """
    control = protected.control
    if control.compressed:
        raise SecurityError("compressed content cannot be opened")
    if len(title) != TITLE_OCTETS or len(keys.encryption) not in KEY_OCTETS:
        raise SecurityError("a system title of 8 octets and an encryption key of 16 or 32 octets are needed")
    if not control.authenticated:
        return _encrypted_only(protected, title, keys) if control.encrypted else protected.content
    if len(keys.authentication) not in KEY_OCTETS:
        raise SecurityError("an authentication key of 16 or 32 octets is needed")
    if len(protected.content) < TAG_OCTETS:
        raise SecurityError("the authentication tag is missing")
    return _authenticated(protected, title, keys)


def _authenticated(protected: Protected, title: bytes, keys: CipherKeys) -> bytes:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415  loaded by those who have keys, and no others
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415

    content, tag = protected.content[:-TAG_OCTETS], protected.content[-TAG_OCTETS:]
    mode = modes.GCM(_vector(protected, title), tag, min_tag_length=TAG_OCTETS)
    work = Cipher(algorithms.AES(keys.encryption), mode).decryptor()
    work.authenticate_additional_data(bytes([int(cast("int", protected.control))]) + keys.authentication)
    try:
        if protected.control.encrypted:
            return work.update(content) + work.finalize()
        work.authenticate_additional_data(content)
        work.finalize()
    except InvalidTag:
        raise SecurityError("the authentication tag does not verify") from None
    return content


def _encrypted_only(protected: Protected, title: bytes, keys: CipherKeys) -> bytes:
    """GCM without its tag is counter mode, so that what enciphers also deciphers. Nothing vouches for the result."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415

    work = Cipher(algorithms.AES(keys.encryption), modes.GCM(_vector(protected, title))).encryptor()
    return work.update(protected.content)


def _vector(protected: Protected, title: bytes) -> bytes:
    """Initialisation vector: system title and invocation counter."""
    return title + protected.counter.to_bytes(4, "big")
