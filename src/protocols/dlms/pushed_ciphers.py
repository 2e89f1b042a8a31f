"""Opening what is pushed ciphered, for a listener that has no association: whose title, which key, whether it fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec

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
from meterwire.protocols.dlms.decipher import CipherKeys, is_verifiable, observe
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


class Opened(msgspec.Struct, frozen=True):
    """A plain APDU, the system title of whoever ciphered or signed it (empty for nobody), and whether it is authentic.

    It is where its authentication tag verifies. A signature is looked behind and not verified: nobody here has the
    certificates of meters.
    """

    apdu: bytes
    title: bytes = b""
    verified: bool = False


def opened(octets: bytes, keys: Sequence[KnownKeys]) -> Opened:
    """The plain APDU inside an APDU.

    Raises:
        SecurityError: there are no keys for it, or they are not the right ones.
        MalformedError: it is no APDU.
    """
    found = Opened(octets)
    for _ in range(_LAYERS):
        value = codec(APDU).parse(found.apdu).value
        if isinstance(value, GeneralSigning):
            found = Opened(value.content, value.originator)
        elif isinstance(value, (Protected, GeneralCiphered, GeneralCiphering)):
            found = _deciphered(value, keys)
        else:
            return found
    raise SecurityError("too many layers of protection")


def _deciphered(value: Any, keys: Sequence[KnownKeys]) -> Opened:
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
            plain = observe(content, title, found, more)
            codec(APDU).parse(plain)
        except MalformedError:
            error = SecurityError("what was deciphered is no APDU: the key is wrong")
        except SecurityError as failed:
            error = failed
        else:
            return Opened(plain, title, is_verifiable(content, found))
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
