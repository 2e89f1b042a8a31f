"""Elliptic curve keys as DLMS/COSEM carries them: a public key is x || y, a signature r || s, without any tag.

DLMS UA 1000-2, 9.2.3.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meterwire.errors import SecurityError
from meterwire.protocols.dlms.security.suites import SUITES, Suite

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import HashAlgorithm


def curve_of(suite: Suite) -> ec.EllipticCurve:
    """The elliptic curve of a suite; raises SecurityError if it has none."""
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  loaded by those who have keys

    if suite.curve == "P-256":
        return ec.SECP256R1()
    if suite.curve == "P-384":
        return ec.SECP384R1()
    raise SecurityError(f"security suite {suite.number} has no elliptic curve")


def hash_of(suite: Suite) -> HashAlgorithm:
    """The hash of a suite."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  see above

    return hashes.SHA384() if suite.hash == "SHA-384" else hashes.SHA256()


def suite_of_curve(name: str) -> Suite | None:
    """The suite whose curve has this name (`secp256r1`, `secp384r1`)."""
    named = {"secp256r1": SUITES[1], "secp384r1": SUITES[2]}
    return named.get(name)


def private_key(suite: Suite, octets: bytes) -> ec.EllipticCurvePrivateKey:
    """A private key from its number, big-endian.

    Raises:
        SecurityError: it is 0 or not below the order of the curve, or of another length.
    """
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  see above

    if len(octets) != suite.coordinate_octets:
        raise SecurityError(f"a private key on {suite.curve or 'a curve'} has {suite.coordinate_octets} octets")
    try:
        return ec.derive_private_key(int.from_bytes(octets, "big"), curve_of(suite))
    except ValueError:
        raise SecurityError("the private key is no number of its curve") from None


def private_octets(suite: Suite, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The number of a private key, big-endian: a secret."""
    return key.private_numbers().private_value.to_bytes(suite.coordinate_octets, "big")


def public_key(suite: Suite, octets: bytes) -> ec.EllipticCurvePublicKey:
    """A public key from x || y.

    Raises:
        SecurityError: the point is not on the curve, or of another length.
    """
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  see above

    if len(octets) != 2 * suite.coordinate_octets:
        raise SecurityError(f"a public key on {suite.curve or 'a curve'} has {2 * suite.coordinate_octets} octets")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve_of(suite), b"\x04" + octets)
    except ValueError:
        raise SecurityError("the public key is no point of its curve") from None


def public_octets(key: ec.EllipticCurvePublicKey) -> bytes:
    """Coordinates x || y of a public key."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415  see above

    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]


def check_curve(suite: Suite, key: ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey) -> None:
    """Raises SecurityError if a key lies on another curve than its suite's."""
    if suite_of_curve(key.curve.name) is not SUITES.get(suite.number) or not suite.curve:
        raise SecurityError(f"the key lies on {key.curve.name}, not on the curve of security suite {suite.number}")
