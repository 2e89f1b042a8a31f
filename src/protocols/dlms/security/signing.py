"""Digital signatures: ECDSA over P-256 with SHA-256 and over P-384 with SHA-384 (DLMS UA 1000-2, 9.2.3.4.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meterwire.errors import SecurityError
from meterwire.protocols.dlms.security.curves import check_curve, hash_of
from meterwire.protocols.dlms.security.suites import Suite

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec


def sign(suite: Suite, key: ec.EllipticCurvePrivateKey, text: bytes) -> bytes:
    """A signature r || s: 64 octets in suite 1, 96 in suite 2.

    Raises:
        SecurityError: the key lies on another curve than the suite's.
    """
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  loaded by those who have keys
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature  # noqa: PLC0415  see above

    check_curve(suite, key)
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(hash_of(suite))))
    size = suite.coordinate_octets
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def verify(suite: Suite, key: ec.EllipticCurvePublicKey, text: bytes, signature: bytes) -> None:
    """Raises SecurityError unless the signature is this key's over this text; r and s must lie in 1..n-1."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  see above
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  see above
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature  # noqa: PLC0415  see above

    check_curve(suite, key)
    size = suite.coordinate_octets
    if len(signature) != 2 * size:
        raise SecurityError(f"a signature on {suite.curve} has {2 * size} octets, not {len(signature)}")
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    try:
        key.verify(encode_dss_signature(r, s), text, ec.ECDSA(hash_of(suite)))
    except (InvalidSignature, ValueError):
        raise SecurityError("the signature does not verify") from None
