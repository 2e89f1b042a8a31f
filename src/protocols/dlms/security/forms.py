"""The APDUs in which protected ones travel (DLMS UA 1000-2, 9.2.7.2)."""

from __future__ import annotations

from enum import IntEnum


class Form(IntEnum):
    """In which APDU the protected ones travel."""

    SERVICE = 0
    """Service-specific (glo-, ded-), and general-glo or general-ded for services that have none."""
    GENERAL = 1
    """General-glo-ciphering, general-ded-ciphering."""
    IDENTIFIED = 2
    """General-ciphering that names a key both sides have."""
    WRAPPED = 3
    """General-ciphering with a fresh key under the master key."""
    ONE_PASS = 4
    """General-ciphering with a key agreed on by one-pass Diffie-Hellman."""
    STATIC = 5
    """General-ciphering with a key agreed on by the static keys of both."""
