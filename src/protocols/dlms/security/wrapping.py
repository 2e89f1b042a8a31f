"""Keys that travel wrapped under another key (RFC 3394; DLMS UA 1000-2, 9.2.3.3.8)."""

from __future__ import annotations

from meterwire.errors import SecurityError


def wrap(wrapping: bytes, key: bytes) -> bytes:
    """A key under a key encryption key; 8 octets longer than the key.

    Raises:
        SecurityError: a key is of no length that AES or the wrapping has.
    """
    from cryptography.hazmat.primitives.keywrap import aes_key_wrap  # noqa: PLC0415  loaded when it is wanted

    try:
        return aes_key_wrap(wrapping, key)
    except ValueError as error:
        raise SecurityError(f"the key cannot be wrapped: {error}") from None


def unwrap(wrapping: bytes, wrapped: bytes) -> bytes:
    """The key inside a wrapped one.

    Raises:
        SecurityError: its integrity check fails, or a length is wrong.
    """
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap  # noqa: PLC0415  see above

    try:
        return aes_key_unwrap(wrapping, wrapped)
    except (InvalidUnwrap, ValueError):
        raise SecurityError("the wrapped key does not unwrap") from None
