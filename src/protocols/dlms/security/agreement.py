"""Agreeing on a key by elliptic curve Diffie-Hellman, and the derivation behind it.

DLMS UA 1000-2, 9.2.3.4.6; NIST SP 800-56A, 5.8.1 (concatenation) and 6.1 to 6.3: C(2e,0s) in the security setup,
C(1e,1s) and C(0e,2s) in general-ciphering.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from meterwire.errors import SecurityError
from meterwire.protocols.dlms.security.curves import check_curve, hash_of, public_octets
from meterwire.protocols.dlms.security.signing import sign, verify
from meterwire.protocols.dlms.security.suites import Suite

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

ONE_PASS: Final = 1
"""Key parameters of general-ciphering: C(1e,1s), an ephemeral key of the originator."""
STATIC: Final = 2
"""Key parameters of general-ciphering: C(0e,2s), static keys of both."""
_COUNTER: Final = b"\0\0\0\1"


def shared_secret(suite: Suite, own: ec.EllipticCurvePrivateKey, peer: ec.EllipticCurvePublicKey) -> bytes:
    """Z: the x coordinate both sides come to.

    Raises:
        SecurityError: a key lies on another curve, or the two make nothing.
    """
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  loaded by those who have keys

    check_curve(suite, own)
    check_curve(suite, peer)
    try:
        return own.exchange(ec.ECDH(), peer)
    except ValueError:
        raise SecurityError("the keys agree on nothing") from None


def derived_key(suite: Suite, z: bytes, party_u: bytes, party_v: bytes, *, wrapping: bool = False) -> bytes:
    """A symmetric key of the suite from a shared secret: hash of 1, Z and the other information, cut to its length.

    Args:
        suite: whose key it becomes.
        z: the shared secret.
        party_u: information of the originator: its system title; with static keys its nonce behind it.
        party_v: information of the recipient: its system title.
        wrapping: whether the key is to wrap others.
    """
    return concatenated(suite, z, (suite.wrapping_id if wrapping else suite.algorithm_id) + party_u + party_v)


def concatenated(suite: Suite, z: bytes, information: bytes) -> bytes:
    """The derivation itself: one round of the concatenation function (NIST SP 800-56A, 5.8.1), cut to the key."""
    from cryptography.hazmat.primitives.hashes import Hash  # noqa: PLC0415  see above

    work = Hash(hash_of(suite))
    work.update(_COUNTER + z + information)
    return work.finalize()[: suite.key_octets]


def ephemeral(suite: Suite, number: bytes) -> ec.EllipticCurvePrivateKey:
    """An ephemeral private key from random octets; 8 more octets than a coordinate has make it unbiased.

    (NIST SP 800-56A, 5.6.1.2.1: key pair generation with extra random bits.)
    """
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  see above

    from meterwire.protocols.dlms.security.curves import curve_of  # noqa: PLC0415  see above

    curve = curve_of(suite)
    if len(number) < suite.coordinate_octets + 8:
        raise SecurityError("too few random octets for an ephemeral key")
    return ec.derive_private_key(int.from_bytes(number, "big") % (ORDERS[suite.curve] - 1) + 1, curve)


ORDERS: Final = {
    "P-256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "P-384": int(
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16
    ),
}
"""Order n of each curve's base point (FIPS 186-4, D.1.2.3 and D.1.2.4)."""


def signed_ephemeral(
    suite: Suite, key_id: int, own: ec.EllipticCurvePublicKey, signing: ec.EllipticCurvePrivateKey
) -> bytes:
    """Ephemeral public key and its signature, as key agreement of the security setup carries them."""
    public = public_octets(own)
    return public + sign(suite, signing, bytes((key_id,)) + public)


def verified_ephemeral(
    suite: Suite, key_id: int, octets: bytes, signer: ec.EllipticCurvePublicKey
) -> ec.EllipticCurvePublicKey:
    """The ephemeral public key of the peer.

    Raises:
        SecurityError: its signature does not verify, or it is no point of the curve.
    """
    from meterwire.protocols.dlms.security.curves import public_key  # noqa: PLC0415  see above

    size = 2 * suite.coordinate_octets
    if len(octets) != 2 * size:
        raise SecurityError(f"an ephemeral key with its signature has {2 * size} octets, not {len(octets)}")
    verify(suite, signer, bytes((key_id,)) + octets[:size], octets[size:])
    return public_key(suite, octets[:size])
