"""AES-GCM as DLMS/COSEM uses it: the vector is system title and counter, the tag has 12 octets.

DLMS UA 1000-2, 9.2.3.3.7; NIST SP 800-38D.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import Final

from meterwire.errors import SecurityError

TITLE_OCTETS: Final = 8
TAG_OCTETS: Final = 12
KEY_OCTETS: Final = (16, 32)
"""Suites 0 and 1 use AES-128, suite 2 AES-256."""

ENCRYPTED: Final = 0x20
AUTHENTICATED: Final = 0x10
COMPRESSED: Final = 0x80
BROADCAST: Final = 0x40
_FULL_TAG: Final = 16


class Gcm:
    """One encryption key with its authentication key.

    Args:
        encryption: block cipher key (EK), 16 or 32 octets.
        authentication: authentication key (AK) of as many octets; empty where none is known: nothing authenticated can
            be made or opened then.

    Raises:
        SecurityError: the keys are of another length.
    """

    __slots__ = ("_authentication", "_encrypt", "_heads")

    def __init__(self, encryption: bytes, authentication: bytes = b"") -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  loaded by those who have keys

        if len(encryption) not in KEY_OCTETS:
            raise SecurityError("an encryption key of 16 or 32 octets is needed")
        if authentication and len(authentication) not in KEY_OCTETS:
            raise SecurityError("an authentication key of 16 or 32 octets is needed")
        self._encrypt = AESGCM(encryption).encrypt
        self._authentication, self._heads = authentication, dict[int, bytes]()

    def __repr__(self) -> str:
        return "Gcm(...)"

    def seal(self, title: bytes, counter: int, control: int, text: bytes, more: bytes = b"") -> bytes:
        """Ciphertext or text, and the tag where the security control asks for one.

        Args:
            title: system title of the sender, 8 octets.
            counter: invocation counter; never the same twice under one key.
            control: security control octet; what it does not name is not done.
            text: what is protected.
            more: what else is authenticated: the header of general-ciphering.

        Raises:
            SecurityError: title or keys do not fit.
        """
        vector = _vector(title, counter)
        if not control & AUTHENTICATED:
            return self._encrypt(vector, text, None)[:-_FULL_TAG] if control & ENCRYPTED else text
        head = self._head(control) + more
        if control & ENCRYPTED:
            return self._encrypt(vector, text, head)[: TAG_OCTETS - _FULL_TAG]
        return text + self._encrypt(vector, b"", head + text)[:TAG_OCTETS]

    def open(self, title: bytes, counter: int, control: int, content: bytes, more: bytes = b"") -> bytes:
        """The text; where it is authenticated it is given only after its tag has verified.

        Raises:
            SecurityError: the tag does not verify or is not there, or title or keys do not fit.
        """
        vector = _vector(title, counter)
        if not control & AUTHENTICATED:
            return self._encrypt(vector, content, None)[:-_FULL_TAG] if control & ENCRYPTED else content
        head = self._head(control) + more
        if len(content) < TAG_OCTETS:
            raise SecurityError("the authentication tag is missing")
        text, tag = content[:-TAG_OCTETS], content[-TAG_OCTETS:]
        if control & ENCRYPTED:  # the counter mode inside GCM is its own inverse
            text = self._encrypt(vector, text, None)[:-_FULL_TAG]
            made = self._encrypt(vector, text, head)[-_FULL_TAG:]
        else:
            made = self._encrypt(vector, b"", head + text)
        if not compare_digest(made[:TAG_OCTETS], tag):
            raise SecurityError("the authentication tag does not verify")
        return text

    def _head(self, control: int) -> bytes:
        """What is authenticated beside the text: the security control, of which an association sees one or two."""
        head = self._heads.get(control)
        if head is None:
            if not self._authentication:
                raise SecurityError("an authentication key is needed")
            head = self._heads[control] = bytes((control,)) + self._authentication
        return head


def _vector(title: bytes, counter: int) -> bytes:
    """Initialisation vector: system title and invocation counter."""
    if len(title) != TITLE_OCTETS:
        raise SecurityError("a system title of 8 octets is needed")
    return title + counter.to_bytes(4, "big")
