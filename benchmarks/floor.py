"""The floor: what somebody writes by hand for these very frames, with the same checks and the same records.

It reads nothing else, leaves times as octets, says of a bad frame only that it is bad, and has no trace, edition or
limit: what a declared codec costs on top of it is the price of all that.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from fastcrc import crc16

from benchmarks.samples import COLUMNS, ROW_OCTETS, ROWS
from meterwire.protocols.wire.nodes import Variant

_UP33 = bytes((octet + 0x33) & 0xFF for octet in range(256))
_DOWN33 = bytes((octet - 0x33) & 0xFF for octet in range(256))


class Frame645(msgspec.Struct, frozen=True, gc=False):
    address: str
    control: int
    data: bytes


def parse_645(octets: bytes) -> Frame645:
    if len(octets) < 12 or octets[0] != 0x68 or octets[7] != 0x68:
        raise ValueError
    end = 10 + octets[9]
    if len(octets) != end + 2 or octets[end + 1] != 0x16 or sum(octets[:end]) & 0xFF != octets[end]:
        raise ValueError
    return Frame645(octets[6:0:-1].hex(), octets[8], octets[10:end].translate(_DOWN33))


def build_645(frame: Frame645) -> bytes:
    data = frame.data.translate(_UP33)
    head = b"\x68" + bytes.fromhex(frame.address)[::-1] + bytes((0x68, frame.control, len(data))) + data
    return head + bytes((sum(head) & 0xFF, 0x16))


class Oad(msgspec.Struct, frozen=True, gc=False):
    oi: int
    attribute: int
    index: int


class Result(msgspec.Struct, frozen=True, gc=False):
    oad: Oad
    result: Variant


class List698(msgspec.Struct, frozen=True, gc=False):
    length: int
    control: int
    flag: int
    server: bytes
    client: int
    piid: int
    results: tuple[Result, ...]


_head = struct.Struct("<HBB").unpack_from
_check = struct.Struct("<H").unpack_from
_oad = struct.Struct(">HBB").unpack_from
_fixed = {
    tag: (struct.Struct(code).unpack_from, struct.calcsize(code))
    for tag, code in {
        3: "B",
        5: ">i",
        6: ">I",
        13: "B",
        15: "b",
        16: ">h",
        17: "B",
        18: ">H",
        20: ">q",
        21: ">Q",
        22: "B",
        23: ">f",
        24: ">d",
    }.items()
}
_RAW_698 = {25: 10, 26: 5, 27: 3, 28: 7}
_RAW_DLMS = {25: 12, 26: 5, 27: 4}


def parse_698(octets: bytes) -> List698:
    if octets[0] != 0x68 or octets[-1] != 0x16:
        raise ValueError
    length, control, flag = _head(octets, 1)
    if len(octets) != length + 2:
        raise ValueError
    p = 6 + (flag & 0x0F)
    server, client = octets[5:p], octets[p]
    p += 1
    if _check(octets, p)[0] != crc16.ibm_sdlc(octets[1:p]):
        raise ValueError
    if _check(octets, length - 1)[0] != crc16.ibm_sdlc(octets[1 : length - 1]):
        raise ValueError
    p += 2
    if octets[p : p + 2] != b"\x85\x02":
        raise ValueError
    piid, count, p = octets[p + 2], octets[p + 3], p + 4
    results = []
    for _ in range(count):
        oad = Oad(*_oad(octets, p))
        chosen, p = octets[p + 4], p + 5
        if chosen:
            value, p = parse_data(octets, p, _RAW_698)
        else:
            value, p = octets[p], p + 1
        results.append(Result(oad, Variant(chosen, value)))
    if octets[p : p + 2] != b"\x00\x00":
        raise ValueError
    return List698(length, control, flag, server, client, piid, tuple(results))


def parse_profile(apdu: bytes) -> Variant:
    if apdu[:2] != b"\xc4\x01" or apdu[3]:
        raise ValueError
    value, p = parse_data(apdu, 4, _RAW_DLMS)
    if p != len(apdu):
        raise ValueError
    return value


def parse_data(octets: bytes, p: int, raw: Mapping[int, int]) -> tuple[Variant, int]:
    tag = octets[p]
    p += 1
    fixed = _fixed.get(tag)
    if fixed is not None:
        return Variant(tag, fixed[0](octets, p)[0]), p + fixed[1]
    if tag == 0:
        return Variant(0, None), p
    size = raw.get(tag)
    if size is None:
        size, p = _length(octets, p)
        if tag in (1, 2):
            items = []
            for _ in range(size):
                item, p = parse_data(octets, p, raw)
                items.append(item)
            return Variant(tag, tuple(items)), p
        if tag not in (9, 10, 12):
            raise ValueError
    value = octets[p : p + size]
    if len(value) != size:
        raise ValueError
    return Variant(tag, value if tag not in (10, 12) else value.decode()), p + size


def _length(octets: bytes, p: int) -> tuple[int, int]:
    size, p = octets[p], p + 1
    if size > 127:
        more = size & 127
        size, p = int.from_bytes(octets[p : p + more], "big"), p + more
    return size, p


def plain(octets: bytes, p: int = 4) -> tuple[Any, int]:
    """Data as plain lists and values: what a program that knows its meter writes."""
    tag = octets[p]
    p += 1
    fixed = _fixed.get(tag)
    if fixed is not None:
        return fixed[0](octets, p)[0], p + fixed[1]
    size, p = _length(octets, p)
    if tag in (1, 2):
        items = []
        for _ in range(size):
            item, p = plain(octets, p)
            items.append(item)
        return items, p
    if tag != 9:
        raise ValueError
    return octets[p : p + size], p + size


_ROW = np.dtype(
    {
        "names": [f"c{column}" for column in range(COLUMNS)],
        "formats": ["S12", *[">u4"] * 5],
        "offsets": [4, 17, 22, 27, 32, 37],
        "itemsize": ROW_OCTETS,
    }
)


def columns(apdu: bytes, start: int = 8) -> dict[str, np.ndarray]:
    """Six columns of a profile whose layout is taken on trust: not one tag is looked at, times stay octets."""
    table = np.frombuffer(apdu, _ROW, ROWS, start)
    times, *numbers = _ROW.names or ()
    return {times: table[times].copy(), **{name: table[name].astype("u4") for name in numbers}}
