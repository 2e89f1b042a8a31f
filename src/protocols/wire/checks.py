"""Check sums and masks that several layouts share; none of them is secret or keyed."""

from __future__ import annotations

import binascii
from collections.abc import Callable
from typing import Final

UP33: Final = bytes((octet + 0x33) & 0xFF for octet in range(256))
"""What is added to every octet of a masked data field when it is sent (DL/T 645-2007, 5.2.7; DL/T 698.45, SC)."""


def sum8(octets: bytes) -> int:
    """The sum of all octets modulo 256 (DL/T 645-2007, 5.2.6; Q/GDW 10376.2)."""
    return sum(octets) & 0xFF


_MIRRORED: Final = bytes(int(f"{octet:08b}"[::-1], 2) for octet in range(256))


def crc_x25_table(octets: bytes) -> int:
    """CRC-16/X-25 from the standard library alone: the CCITT polynomial over mirrored octets, mirrored back."""
    crc = binascii.crc_hqx(octets.translate(_MIRRORED), 0xFFFF)
    return (_MIRRORED[crc & 0xFF] << 8 | _MIRRORED[crc >> 8]) ^ 0xFFFF


def _fastest_crc_x25() -> Callable[[bytes], int]:
    try:
        from fastcrc import crc16  # noqa: PLC0415  an extra: thrice as fast on long frames where it is installed
    except ImportError:
        return crc_x25_table
    found: Callable[[bytes], int] = crc16.ibm_sdlc
    return found


crc_x25: Final[Callable[[bytes], int]] = _fastest_crc_x25()
"""CRC-16/X-25, the frame check sequence of HDLC (ISO/IEC 13239) and of DL/T 698.45; `123456789` gives 906EH."""
