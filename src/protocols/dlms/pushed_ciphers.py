"""Opening what is pushed ciphered, for a listener that has no association: whose title, which key, whether it fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from meterwire.errors import MalformedError, SecurityError
from meterwire.protocols.dlms.apdu import APDU
from meterwire.protocols.dlms.ciphering import (
    AgreedKey,
    GeneralCiphered,
    GeneralCiphering,
    GeneralSigning,
    Protected,
    WrappedKey,
    sender_of,
)
from meterwire.protocols.dlms.decipher import CipherKeys, decipher
from meterwire.protocols.dlms.security.general import header
from meterwire.protocols.dlms.security.wrapping import unwrap
from meterwire.protocols.wire.codec import codec

_LAYERS = 4
"""Signatures and ciphers that may lie in one another."""


class KnownKeys(Protocol):
    """The keys for what one system title sends; an empty title means whoever sends, or says none."""

    @property
    def title(self) -> bytes:
        """System title."""

    @property
    def keys(self) -> CipherKeys:
        """Its keys."""

    @property
    def master(self) -> bytes:
        """The key that wraps others; empty where none is known."""


def opened(octets: bytes, keys: Sequence[KnownKeys]) -> tuple[bytes, bytes]:
    """The plain APDU inside an APDU, and the system title of whoever ciphered or signed it, empty for nobody.

    A signature is looked behind and not verified: nobody here has the certificates of meters.

    Raises:
        SecurityError: there are no keys for it, or they are not the right ones.
        MalformedError: it is no APDU.
    """
    title = b""
    for _ in range(_LAYERS):
        value = codec(APDU).parse(octets).value
        if isinstance(value, GeneralSigning):
            octets, title = value.content, value.originator
        elif isinstance(value, (Protected, GeneralCiphered, GeneralCiphering)):
            octets, title = _deciphered(value, keys)
        else:
            return octets, title
    raise SecurityError("too many layers of protection")


def _deciphered(value: Any, keys: Sequence[KnownKeys]) -> tuple[bytes, bytes]:
    """What lies inside, with the title it was opened with; one that is not said is that of the keys."""
    said = _title(value)
    content, more = (value, b"") if isinstance(value, Protected) else (value.content, b"")
    if isinstance(value, GeneralCiphering):
        more = header(value)
        if isinstance(value.key, AgreedKey):
            raise SecurityError("the key was agreed upon with somebody else")
    error = SecurityError(f"no keys for the system title {said.hex().upper() or '(none)'}")
    for title, found in _attempts(value, said, keys):
        try:
            plain = decipher(content, title, found, more)
            codec(APDU).parse(plain)
        except MalformedError:
            error = SecurityError("what was deciphered is no APDU: the key is wrong")
        except SecurityError as failed:
            error = failed
        else:
            return plain, title
    raise error


def _title(value: Any) -> bytes:
    if isinstance(value, Protected):
        return b""
    title: bytes = value.originator if isinstance(value, GeneralCiphering) else sender_of(value.title)
    return title


def _attempts(value: Any, said: bytes, keys: Sequence[KnownKeys]) -> Iterator[tuple[bytes, CipherKeys]]:
    for known in keys:
        title = said or known.title
        if known.title not in (b"", title):
            continue
        wrapped = getattr(value, "key", None)
        if not isinstance(wrapped, WrappedKey):
            yield title, known.keys
        elif known.master and (key := _unwrapped(known.master, wrapped.key)):
            yield title, CipherKeys(key, known.keys.authentication)


def _unwrapped(master: bytes, key: bytes) -> bytes:
    try:
        return unwrap(master, key)
    except SecurityError:
        return b""
