"""HDLC addresses of DLMS/COSEM: 1, 2 or 4 octets, upper (logical device) and lower (physical device) half."""

from __future__ import annotations

from typing import Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.protocols.hdlc.frame import address_parts

NO_STATION: Final = 0
"""Nobody: a frame to it is dropped (IEC 62056-46, 6.4.2.3)."""
ALL_STATION: Final = {1: 0x7F, 2: 0x3FFF}
"""Everybody, by the octets of the half that says so; nobody answers it (IEC 62056-46, 6.4.2.4)."""
CALLING: Final = {1: 0x7E, 2: 0x3FFE}
"""As lower address: whichever physical device has placed the call (IEC 62056-46, 6.4.2.5)."""


class Address(msgspec.Struct, frozen=True):
    """A server's address.

    Attributes:
        upper: logical device.
        lower: physical device; None in an address of one octet.
        size: octets, 1, 2 or 4.
    """

    upper: int
    lower: int | None = None
    size: int = 1

    @property
    def octets(self) -> bytes:
        """As in the frame: seven bits in each octet, the lowest bit of the last one set."""
        half = self.size // 2 or 1
        halves = [self.upper] if self.size == 1 else [self.upper, self.lower or 0]
        octets = bytearray()
        for value in halves:
            octets += bytes((value >> 7 * place & 0x7F) << 1 for place in reversed(range(half)))
        octets[-1] |= 1
        return bytes(octets)

    @property
    def is_broadcast(self) -> bool:
        """Whether either half says everybody."""
        everybody = ALL_STATION[self.size // 2 or 1]
        return everybody in (self.upper, self.lower)

    def __str__(self) -> str:
        return f"{self.upper}" if self.lower is None else f"{self.upper}/{self.lower}"


def server_address(upper: int, lower: int | None = None, size: int | None = None) -> Address:
    """An address in as few octets as it needs, or in `size`; raises `LocalProtocolError` if it does not fit."""
    if size is None:
        size = 1 if lower is None else 2 if max(upper, lower) <= 0x7F else 4
    if size not in (1, 2, 4):
        raise LocalProtocolError(f"an HDLC address has 1, 2 or 4 octets, not {size}")
    if size == 1 and lower is not None:
        raise LocalProtocolError("an HDLC address of one octet has no room for the physical device")
    most = 0x3FFF if size == 4 else 0x7F
    if not (0 <= upper <= most and 0 <= (lower or 0) <= most):
        raise LocalProtocolError(f"HDLC address {upper}/{lower} does not fit into {size} octets")
    return Address(upper, lower if size == 1 else lower or 0, size)


def client_address(number: int) -> bytes:
    """A client's address, always one octet; raises `LocalProtocolError` if it does not fit."""
    if not 0 <= number <= 0x7F:
        raise LocalProtocolError(f"an HDLC client address is 0 to 127, not {number}")
    return bytes((number << 1 | 1,))


def parsed(octets: bytes) -> Address | None:
    """The address in a frame, None for a form that does not exist, such as three octets."""
    if len(octets) not in (1, 2, 4):
        return None
    upper, lower = address_parts(octets)
    return Address(upper, lower, len(octets))
