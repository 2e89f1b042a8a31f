"""The octets that the codec benchmarks read and build, made by hand so that no codec judges its own output."""

from __future__ import annotations

import struct

import fastcrc

METER = "000000000012"


def frame_645() -> bytes:
    """A meter's answer to the read of 00010000, 20 octets."""
    data = bytes((octet + 0x33) & 0xFF for octet in bytes.fromhex("0000010078563412"))
    body = b"\x68" + bytes.fromhex(METER)[::-1] + b"\x68\x91" + bytes((len(data),)) + data
    return body + bytes((sum(body) & 0xFF, 0x16))


def list_698() -> bytes:
    """A link frame with a GET-response of six attributes, 180 octets: energies by rate, voltages, the clock."""
    items = b""
    for number in range(4):
        energies = b"".join(_u32(123_456 + 100 * number + rate) for rate in range(5))
        items += struct.pack(">HBB", 0x0010 + 0x10 * number, 2, 0) + b"\x01\x01\x05" + energies
    voltages = b"".join(struct.pack(">BH", 18, 2200 + phase) for phase in range(3))
    items += bytes.fromhex("20000200 01 0103") + voltages
    items += bytes.fromhex("40000200 01 1C 07EA0A010C0000")
    apdu = b"\x85\x02\x05\x06" + items + b"\x00\x00"
    address = bytes.fromhex("120000000000")
    length = 2 + 1 + 1 + len(address) + 1 + 2 + len(apdu) + 2
    head = struct.pack("<HBB", length, 0xC3, 0x05) + address + b"\x10"
    head += struct.pack("<H", fastcrc.crc16.ibm_sdlc(head))
    return b"\x68" + head + apdu + struct.pack("<H", fastcrc.crc16.ibm_sdlc(head + apdu)) + b"\x16"


ROWS, COLUMNS, ROW_OCTETS = 1000, 6, 41


def profile() -> bytes:
    """Data of a load profile: 1000 rows of a time, a status and four energies, 41 octets each."""
    rows = b"".join(_profile_row(number) for number in range(ROWS))
    return b"\x01\x82" + ROWS.to_bytes(2, "big") + rows


def get_response(data: bytes) -> bytes:
    """The APDU of a GET-response-normal around Data."""
    return b"\xc4\x01\xc1\x00" + data


def wrapped(apdu: bytes) -> bytes:
    """An APDU from the management logical device to the public client, in the TCP wrapper."""
    return struct.pack(">HHHH", 1, 1, 16, len(apdu)) + apdu


def _profile_row(number: int) -> bytes:
    month, day, hour, minute = 1 + number // 2880, 1 + number // 96 % 28, number // 4 % 24, number % 4 * 15
    time = struct.pack(">HBBBBBBBhB", 2026, month, day, 0xFF, hour, minute, 0, 0, -480, 0)
    energies = b"".join(_u32(1_000_000 * (register + 1) + 7 * number) for register in range(4))
    return b"\x02\x06\x09\x0c" + time + _u32(0) + energies


def _u32(value: int) -> bytes:
    return struct.pack(">BI", 6, value)
