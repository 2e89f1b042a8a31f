"""TCP streams of a capture put together again, each direction for itself.

Segments may come late, twice, or overlap; the capture may begin in the middle of a connection and may lack segments.
What was captured comes out in order, and what is missing is said.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import count
from typing import Final

from meterwire.transports.capture.layers import Segment
from meterwire.transports.capture.piece import Piece

_WAITING: Final = 1 << 20  # octets that may wait for an earlier segment before it counts as missing
_SEGMENTS: Final = 1 << 12  # segments that may
_FLOWS: Final = 1 << 14  # directions that are remembered


class Stream:
    """One direction of one connection."""

    def __init__(self, flow: str) -> None:
        self._flow = flow
        self._position: int | None = None  # of the next octet: its sequence number, counted on beyond 32 bits
        self._waiting: list[tuple[int, int, float | None, bytes]] = []  # a heap by position
        self._numbers = count()
        self._size = 0

    def take(self, segment: Segment, time: float | None) -> Iterator[Piece]:
        """A segment was captured: what is now in order."""
        sequence = segment.sequence
        if segment.opens:
            yield from self.flush()
            sequence += 1
            self._position = sequence
        if not segment.octets:
            return
        if self._position is None:
            self._position = sequence
        heapq.heappush(self._waiting, (_near(sequence, self._position), next(self._numbers), time, segment.octets))
        self._size += len(segment.octets)
        yield from self._ready()
        while self._size > _WAITING or len(self._waiting) > _SEGMENTS:
            yield from self._skip()

    def flush(self) -> Iterator[Piece]:
        """Nothing more will come: give what still waits."""
        while self._waiting:
            yield from self._skip()

    def _ready(self) -> Iterator[Piece]:
        """Whatever waits and is not ahead of the stream."""
        while self._waiting and self._waiting[0][0] <= (self._position or 0):
            piece = self._next()
            if piece is not None:
                yield piece

    def _skip(self) -> Iterator[Piece]:
        """Give up what is missing before the first that waits."""
        piece = self._next()
        if piece is not None:
            yield piece
        yield from self._ready()

    def _next(self) -> Piece | None:
        start, _, time, octets = heapq.heappop(self._waiting)
        self._size -= len(octets)
        position = self._position or 0
        missing = max(0, start - position)
        rest = octets[max(0, position - start) :]
        if not rest:
            return None
        self._position = position + missing + len(rest)
        remark = f"{missing} octets are missing before" if missing else ""
        return Piece(octets=rest, time=time, flow=self._flow, missing=missing, remark=remark)


class Streams:
    """All directions of all connections of a capture."""

    def __init__(self) -> None:
        self._streams: dict[tuple[str, str], Stream] = {}

    def take(self, segment: Segment, time: float | None) -> Iterator[Piece]:
        """A segment was captured: what is now in order."""
        key = segment.source, segment.destination
        stream = self._streams.pop(key, None) or Stream(f"{segment.source} > {segment.destination}")
        if len(self._streams) >= _FLOWS:
            yield from self._streams.pop(next(iter(self._streams))).flush()
        self._streams[key] = stream
        yield from stream.take(segment, time)

    def flush(self) -> Iterator[Piece]:
        """The capture ends."""
        for stream in self._streams.values():
            yield from stream.flush()


def _near(sequence: int, position: int) -> int:
    """The place with this sequence number, modulo 2^32, that is nearest to a position (RFC 9293, 3.4)."""
    return position + ((sequence - position + 0x80000000) & 0xFFFFFFFF) - 0x80000000
