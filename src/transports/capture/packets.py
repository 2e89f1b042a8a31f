"""Packets of pcap and pcapng files, one at a time; hostile files cost neither memory nor time.

pcapng: IETF draft-ietf-opsawg-pcapng. pcap: IETF draft-ietf-opsawg-pcap, in microseconds or nanoseconds and in both
orders of octets.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import BinaryIO, Final, Literal

import msgspec

from meterwire.errors import MalformedError

LARGEST: Final = 1 << 24  # octets of a block or packet; nobody writes larger ones
_INTERFACES: Final = 1 << 12  # of a section

SECTION, INTERFACE, OLD_PACKET, SIMPLE_PACKET, ENHANCED_PACKET = 0x0A0D0D0A, 1, 2, 3, 6
_ORDER: Final = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_PCAP: Final = {
    b"\xd4\xc3\xb2\xa1": ("<", 10**6),
    b"\xa1\xb2\xc3\xd4": (">", 10**6),
    b"\x4d\x3c\xb2\xa1": ("<", 10**9),
    b"\xa1\xb2\x3c\x4d": (">", 10**9),
}


class Packet(msgspec.Struct, frozen=True, kw_only=True):
    """A captured packet.

    Attributes:
        octets: as captured.
        link: link type (www.tcpdump.org/linktypes).
        time: seconds since 1970, or None.
        direction: where the file says so.
        interface: its name in the file, or its number.
        comment: said about the packet.
        cut: octets of the packet that were not captured.
    """

    octets: bytes
    link: int
    time: float | None = None
    direction: Literal["sent", "received"] | None = None
    interface: str = ""
    comment: str = ""
    cut: int = 0


def is_capture(start: bytes) -> bool:
    """Whether a file that begins so is a pcap or pcapng file."""
    return start[:4] in _PCAP or start[:4] == b"\x0a\x0d\x0d\x0a"


def packets(file: BinaryIO) -> Iterator[Packet]:
    """All packets of a file; raises `MalformedError` where it is broken, after what came before."""
    magic = file.read(4)
    if magic in _PCAP:
        yield from _pcap(file, *_PCAP[magic])
    elif magic == b"\x0a\x0d\x0d\x0a":
        yield from _Sections(file).packets()
    else:
        raise MalformedError("the start of a pcap or pcapng file")


def _pcap(file: BinaryIO, order: str, per_second: int) -> Iterator[Packet]:
    header = _exactly(file, 20, 4, "file header")
    (link,) = struct.unpack(order + "I", header[16:])
    link &= 0x0FFFFFFF  # above: length of a frame check sequence
    offset = 24
    while head := file.read(16):
        if len(head) < 16:
            raise MalformedError("a whole packet header", "packet", offset)
        seconds, part, captured, length = struct.unpack(order + "4I", head)
        if captured > LARGEST:
            raise MalformedError(f"a packet of at most {LARGEST} octets", "packet", offset)
        octets = _exactly(file, captured, offset + 16, "packet")
        time = float(seconds + Fraction(part, per_second))
        yield Packet(octets=octets, link=link & 0xFFFF, time=time, cut=max(0, length - captured))
        offset += 16 + captured


class _Interface(msgspec.Struct, frozen=True):
    link: int
    name: str
    unit: Fraction
    start: int

    def time(self, high: int, low: int) -> float:
        return float((high << 32 | low) * self.unit + self.start)


class _Sections:
    """Reads blocks; a section header begins a new order of octets and a new list of interfaces."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._order = "<"
        self._interfaces: list[_Interface] = []
        self._offset = 0

    def packets(self) -> Iterator[Packet]:
        kind: bytes = b"\x0a\x0d\x0d\x0a"
        while kind:
            if len(kind) < 4:
                raise self._broken("a whole block type")
            if kind == b"\x0a\x0d\x0d\x0a":
                self._section()
            else:
                (number,) = struct.unpack(self._order + "I", kind)
                body = self._body()
                try:
                    packet = self._block(number, body)
                except (struct.error, IndexError) as error:
                    raise self._broken(f"a whole block of type {number}") from error
                if packet is not None:
                    yield packet
            kind = self._file.read(4)

    def _section(self) -> None:
        head = _exactly(self._file, 8, self._offset + 4, "section")
        order = _ORDER.get(head[4:])
        if order is None:
            raise self._broken("the byte-order magic of a section")
        self._order, self._interfaces = order, []
        self._body(head[:4], already=4)

    def _body(self, size: bytes = b"", already: int = 0) -> bytes:
        """The rest of a block after its type, without its lengths."""
        (length,) = struct.unpack(self._order + "I", size or _exactly(self._file, 4, self._offset + 4, "block"))
        if length % 4 or not 12 + already <= length <= LARGEST:
            raise self._broken("a block length that is possible")
        rest = _exactly(self._file, length - 8 - already, self._offset + 8 + already, "block")
        if struct.unpack(self._order + "I", rest[-4:]) != (length,):
            raise self._broken("the block length repeated at its end")
        self._offset += length
        return rest[:-4]

    def _block(self, number: int, body: bytes) -> Packet | None:
        order = self._order
        if number == INTERFACE:
            if len(self._interfaces) >= _INTERFACES:
                raise self._broken(f"at most {_INTERFACES} interfaces")
            (link,) = struct.unpack_from(order + "H", body)
            self._interfaces.append(self._interface(link, self._options(body[8:])))
        elif number == ENHANCED_PACKET:
            index, high, low, captured, length = struct.unpack_from(order + "5I", body)
            return self._packet(index, (high, low), body[20:], captured, length)
        elif number == OLD_PACKET:
            index, _, high, low, captured, length = struct.unpack_from(order + "2H4I", body)
            return self._packet(index, (high, low), body[20:], captured, length)
        elif number == SIMPLE_PACKET:
            (length,) = struct.unpack_from(order + "I", body)
            return self._packet(0, None, body[4:], min(length, len(body) - 4), length)
        return None

    def _interface(self, link: int, options: dict[int, bytes]) -> _Interface:
        resolution = (options.get(9) or b"\x06")[0]
        unit = Fraction(1, (2 if resolution & 0x80 else 10) ** (resolution & 0x7F))
        (start,) = struct.unpack(self._order + "q", options[14]) if len(options.get(14, b"")) == 8 else (0,)
        name = _text(options.get(2, b"")) or str(len(self._interfaces))
        return _Interface(link, name, unit, start)

    def _packet(self, index: int, time: tuple[int, int] | None, rest: bytes, captured: int, length: int) -> Packet:
        if captured > len(rest):
            raise self._broken("a whole packet")
        interface = self._interfaces[index]
        options = self._options(rest[captured + -captured % 4 :])
        flags = struct.unpack(self._order + "I", options[2])[0] if len(options.get(2, b"")) == 4 else 0
        return Packet(
            octets=rest[:captured],
            link=interface.link,
            time=interface.time(*time) if time else None,
            direction={1: "received", 2: "sent"}.get(flags & 3),  # type: ignore[arg-type]
            interface=interface.name,
            comment=_text(options.get(1, b"")),
            cut=max(0, length - captured),
        )

    def _options(self, octets: bytes) -> dict[int, bytes]:
        """The first of each kind; a list that is broken off is as good as ended."""
        options: dict[int, bytes] = {}
        position = 0
        while position + 4 <= len(octets):
            code, length = struct.unpack_from(self._order + "HH", octets, position)
            position += 4
            if code == 0 or position + length > len(octets):
                break
            options.setdefault(code, octets[position : position + length])
            position += length + -length % 4
        return options

    def _broken(self, expected: str) -> MalformedError:
        return MalformedError(expected, "block", self._offset)


def _exactly(file: BinaryIO, size: int, offset: int, what: str) -> bytes:
    octets = file.read(size)
    if len(octets) < size:
        raise MalformedError(f"{size} octets, the file ends after {len(octets)}", what, offset)
    return octets


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace").rstrip("\0")
