"""Lengths in front of protected content."""

from __future__ import annotations


def length_of(octets: int) -> bytes:
    """A length as A-XDR has it: one octet below 128, else the count of its octets in front."""
    if octets < 0x80:
        return bytes((octets,))
    size = (octets.bit_length() + 7) // 8
    return bytes((0x80 | size,)) + octets.to_bytes(size, "big")


def sized(octets: bytes) -> bytes:
    """Octets with their length."""
    return length_of(len(octets)) + octets
