"""Cutting a line into HDLC frames: one flag may close a frame and open the next, and flags alone mean nothing."""

from __future__ import annotations

from typing import Final

from meterwire.errors import MalformedError
from meterwire.protocols.hdlc.frame import Frame
from meterwire.protocols.wire import framing
from meterwire.protocols.wire.checks import crc_x25
from meterwire.protocols.wire.codec import WHOLE, codec

LONGEST: Final = 2 + 2047
FLAG: Final = b"\x7e"

Piece = framing.Frame[Frame] | framing.Garbage


class HdlcFramer:
    """Finds frames in a stream of octets, given in any pieces.

    A header whose check is wrong is no beginning, so that a damaged frame costs no more than itself.
    """

    def __init__(self) -> None:
        self._codec = codec(Frame)
        self._scan = self._codec.scanner
        self._buffer = bytearray()
        self._offset = 0
        self._reason = ""

    def receive(self, data: bytes) -> list[Piece]:
        """Take octets; give the frames and the garbage that are now complete."""
        self._buffer += data
        return self._pieces(0)

    def idle(self) -> list[Piece]:
        """The line fell silent: what is incomplete will not be completed."""
        if self._buffer.strip(FLAG):
            self._reason = self._reason or "a frame that does not end"
        return self._pieces(WHOLE)

    def _pieces(self, how: int) -> list[Piece]:
        pieces: list[Piece] = []
        buffer, size, at, done = self._buffer, len(self._buffer), 0, 0
        while at < size:
            begin, length = self._scan(buffer, at, size, how, LONGEST)
            if not length or begin + length > size:
                if begin < size and not _vouched(buffer, begin, size, length):
                    at = begin + 1
                    continue
                at = begin
                break
            octets = bytes(buffer[begin : begin + length])
            found = self._codec.attempt(octets)
            if isinstance(found, MalformedError):
                self._reason = self._reason or found.expected
                at = begin + 1
                continue
            self._give(pieces, begin, done)
            pieces.append(framing.Frame(found, octets, self._offset + begin))
            at = done = begin + length - 1  # its last flag may be the first one of the next
        at = size if how else at
        self._give(pieces, at, done)
        del buffer[:at]
        self._offset += at
        return pieces

    def _give(self, pieces: list[Piece], end: int, begin: int) -> None:
        """What lies between frames is garbage, flags apart."""
        octets = bytes(self._buffer[begin:end])
        if bare := octets.strip(FLAG):
            reason = self._reason or "no whole frame begins here"
            pieces.append(framing.Garbage(bare, self._offset + begin + octets.index(bare), reason))
        if end > begin:
            self._reason = ""


def _vouched(buffer: bytearray, begin: int, size: int, length: int) -> bool:
    """Whether the header of an incomplete frame may be right, as far as it is there: addresses, then its check."""
    at = begin + _HEAD
    for _ in range(2):
        end = next((place for place in range(at, min(at + 4, size)) if buffer[place] & 1), None)
        if end is None:
            return size < at + 4
        at = end + 1
    check = at + 1
    if not length or begin + length <= check + 2 + 1 or size < check + 2:
        return True  # without information there is one check, at the end
    return crc_x25(bytes(buffer[begin + 1 : check])) == int.from_bytes(buffer[check : check + 2], "little")


_HEAD: Final = 3
"""The flag and the format field in front of the addresses."""
