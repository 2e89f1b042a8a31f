"""The three security suites: which algorithms belong together (DLMS UA 1000-2, 9.2.3.7, table of security suites)."""

from __future__ import annotations

from typing import Final

import msgspec

from meterwire.errors import SecurityError


class Suite(msgspec.Struct, frozen=True):
    """One security suite.

    Attributes:
        number: security suite id, as in the security control octet.
        key_octets: of every symmetric key.
        curve: its elliptic curve, empty where it has none.
        hash: of signatures and of the key derivation, empty where it has none.
        coordinate_octets: of a coordinate of the curve; a public key and a signature have two of them.
        algorithm_id: object identifier of the ciphering, as the key derivation takes it.
        wrapping_id: the same for keys that wrap others.
    """

    number: int
    key_octets: int
    curve: str = ""
    hash: str = ""
    coordinate_octets: int = 0
    algorithm_id: bytes = b""
    wrapping_id: bytes = b""


SUITES: Final = {
    0: Suite(0, 16),
    1: Suite(1, 16, "P-256", "SHA-256", 32, bytes.fromhex("60857405080300"), bytes.fromhex("60857405080303")),
    2: Suite(2, 32, "P-384", "SHA-384", 48, bytes.fromhex("60857405080301"), bytes.fromhex("60857405080304")),
}
"""Suite by number. The identifiers of AES-128 in GCM are those of Green Book table C.2; the others are recalled."""


def suite(number: int) -> Suite:
    """The suite of this number.

    Raises:
        SecurityError: there is none.
    """
    found = SUITES.get(number)
    if found is None:
        raise SecurityError(f"there is no security suite {number}")
    return found


def curve_suite(number: int) -> Suite:
    """The suite of this number, which must have an elliptic curve; raises SecurityError."""
    found = suite(number)
    if not found.curve:
        raise SecurityError(f"security suite {number} has no elliptic curve")
    return found
