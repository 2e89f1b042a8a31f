"""Cutting a stream into wrapped APDUs. They have no check, so what went wrong is noticed by what cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from meterwire.errors import MalformedError
from meterwire.protocols.dlms.apdu import APDU
from meterwire.protocols.dlms.wrapper import LARGEST_APDU, Wrapper
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Frame, Garbage
from meterwire.protocols.wire.remembering import remembering

VERSION: Final = b"\x00\x01"
_HEADER: Final = 8
_WORK: Final = 4
"""Octets that may be read to find out where frames begin, for each octet that is there."""
Piece = Frame[Wrapper] | Garbage


class WrapperFramer:
    """Finds wrapped APDUs in a stream of octets, given in any pieces.

    Where an APDU cannot be read, and another header between our own ports begins before its end, the first was cut
    short, or began in the middle of something. A frame of ours is never searched while its APDU can be read or has not
    come yet, so that nobody can hide a frame in its data.

    Args:
        ours: whether a frame from this source to this destination wPort is for us.
        limit: octets of the longest APDU that is waited for.
        again: remember short frames, because the same ones come again and again; see `remembering`.
    """

    def __init__(self, ours: Callable[[int, int], bool], limit: int = LARGEST_APDU, *, again: bool = False) -> None:
        self._ours, self._limit = ours, limit
        self._whole = (remembering(Wrapper) if again else codec(Wrapper)).parse
        self._buffer = bytearray()
        self._offset = 0
        self._sought = self._found = 0
        self._work = 0

    def receive(self, data: bytes) -> list[Piece]:
        """Take octets; give the frames and the garbage that are now complete."""
        if not self._buffer and self._is_one(data):
            data = bytes(data)
            found = self._whole(data)
            if self._ours(found.source, found.destination):
                frame = Frame(found, data, self._offset)
                self._offset += len(data)
                return [frame]
        self._buffer += data
        return self._pieces(final=False)

    def idle(self) -> list[Piece]:
        """The line fell silent: what is incomplete will not be completed."""
        return self._pieces(final=True)

    def _is_one(self, data: bytes) -> bool:
        """Whether these octets are one whole frame, as nearly every reception is."""
        return len(data) >= _HEADER and data[:2] == VERSION and len(data) - _HEADER == data[6] << 8 | data[7]

    def _pieces(self, *, final: bool) -> list[Piece]:
        pieces: list[Piece] = []
        buffer, at, done = self._buffer, 0, 0
        self._sought, self._found, self._work = 0, -1, _WORK * len(buffer)
        while True:
            begin = buffer.find(VERSION, at)
            if begin < 0 or len(buffer) - begin < _HEADER:
                at = len(buffer) if final else begin if begin >= 0 else len(buffer) - buffer.endswith(b"\0")
                break
            end = begin + _HEADER + int.from_bytes(buffer[begin + 6 : begin + 8], "big")
            following = self._false_start(begin, end, final=final)
            if following:
                at = following
                continue
            if end > len(buffer):
                at = begin
                break
            self._give(pieces, begin, done)
            octets = bytes(buffer[begin:end])
            pieces.append(Frame(codec(Wrapper).parse(octets), octets, self._offset + begin))
            at = done = end
        self._give(pieces, at, done)
        del buffer[:at]
        self._offset += at
        return pieces

    def _false_start(self, begin: int, end: int, *, final: bool) -> int:
        """Where to look on if no frame begins here, else 0."""
        buffer = self._buffer
        ours = self._for_us(begin)
        if end > len(buffer):
            if final or end - begin > self._limit + _HEADER:
                return begin + 1
            return 0 if ours else self._next_of_ours(begin + 1, len(buffer))
        if self._readable(begin, end):
            return self._overlapping(begin, end)
        return self._next_of_ours(begin + 1, end) or (0 if ours else begin + 1)

    def _readable(self, begin: int, end: int) -> bool:
        """Whether there is an APDU; where so much has been tried that it takes too long, a frame is taken as it is."""
        self._work -= end - begin
        if self._work < 0:
            return True
        return not isinstance(codec(APDU).attempt(bytes(self._buffer[begin + _HEADER : end])), MalformedError)

    def _overlapping(self, begin: int, end: int) -> int:
        """Where a frame of ours begins with the last octets of this one and goes on behind it, so that one was lost."""
        for at in range(max(begin + _HEADER, end - _HEADER + 1), end):
            if self._buffer.startswith(VERSION, at) and self._for_us(at):
                until = at + _HEADER + int.from_bytes(self._buffer[at + 6 : at + 8], "big")
                if until <= len(self._buffer) and self._readable(at, until):
                    return at
        return 0

    def _next_of_ours(self, at: int, end: int) -> int:
        """The next header between our own ports that begins before `end`, 0 if there is none.

        What has been found once is remembered, so that all searches together pass over the octets once.
        """
        if not self._sought <= at <= self._found:
            self._sought, self._found = at, self._search(at)
        return self._found if self._found < end else 0

    def _search(self, at: int) -> int:
        """Where the next header between our own ports begins, behind all octets if there is none."""
        while (found := self._buffer.find(VERSION, at)) >= 0:
            if self._for_us(found):
                return found
            at = found + 1
        return len(self._buffer) + 1

    def _for_us(self, begin: int) -> bool:
        head = self._buffer[begin + 2 : begin + 6]
        return len(head) == 4 and self._ours(int.from_bytes(head[:2], "big"), int.from_bytes(head[2:], "big"))

    def _give(self, pieces: list[Piece], end: int, begin: int) -> None:
        if end > begin:
            octets = bytes(self._buffer[begin:end])
            pieces.append(Garbage(octets, self._offset + begin, "no whole frame begins here"))
