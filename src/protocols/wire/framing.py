"""Cutting a stream of octets into frames: a frame, garbage, or nothing yet are three different answers.

Lengths come from the declaration. After a false start the search goes on one octet behind it, so that a good frame
is found wherever it begins; what is no frame is reported as garbage, once, and survived.
"""

from __future__ import annotations

import re
from typing import Any, Generic, TypeVar

import msgspec

from meterwire.errors import ChecksumError, MalformedError
from meterwire.protocols.wire.codec import Codec
from meterwire.protocols.wire.declare import info
from meterwire.protocols.wire.facts import width
from meterwire.protocols.wire.nodes import ByEdition, Check, Const

T = TypeVar("T")

FRAME_LIMIT = 1 << 16
"""Longest frame a framer waits for, in octets, unless told otherwise."""


class Frame(msgspec.Struct, Generic[T], frozen=True):
    """A frame found in the stream.

    Attributes:
        message: what it says.
        octets: its octets, without the wake-up octets.
        offset: where it begins, counted from the first octet the framer was given.
        preamble: the wake-up octets in front of it.
        error: set when the framer keeps frames whose only fault is a check.
    """

    message: T
    octets: bytes
    offset: int
    preamble: bytes = b""
    error: ChecksumError | None = None


class Garbage(msgspec.Struct, frozen=True):
    """Octets that form no frame: where they begin, and what was wrong with the first start in them."""

    octets: bytes
    offset: int
    reason: str


class Framer(Generic[T]):
    """Finds the frames of one kind in a stream of octets, given in any pieces.

    Args:
        codec: of the frame; its message is measurable.
        fill: octets that may stand in front of a frame any number of times, such as FEH.
        limit: longest frame to wait for, and most garbage to hold back, in octets.
        keep_checks: give frames whose only fault is a check, with the error, for people to look at.
    """

    def __init__(
        self, codec: Codec[T], *, fill: bytes = b"", limit: int = FRAME_LIMIT, keep_checks: bool = False
    ) -> None:
        self._codec, self._fill, self._limit, self._keep = codec, fill, limit, keep_checks
        self._measure = codec.measurer
        self._start, self._head, self._likely, self._end = _outline(codec.layout)
        self._looks_ahead = _only_checked_at_end(codec.layout)
        self._buffer = bytearray()
        self._offset = 0
        self._bad = 0  # octets at the head of the buffer already known to be garbage
        self._reason = ""

    def receive(self, data: bytes) -> list[Frame[T] | Garbage]:
        """Take octets; give the frames and the garbage that are now complete."""
        self._buffer += data
        return self._pieces(final=False)

    def idle(self) -> list[Frame[T] | Garbage]:
        """The line fell silent: what is incomplete will not be completed."""
        pieces = self._pieces(final=True)
        self._bad = len(self._buffer)
        self._flush(pieces, 0)
        return pieces

    @property
    def pending(self) -> int:
        """Octets held back because they may still become a frame."""
        return len(self._buffer)

    def _pieces(self, *, final: bool) -> list[Frame[T] | Garbage]:
        pieces: list[Frame[T] | Garbage] = []
        at = self._bad
        while at < len(self._buffer):
            begin = self._past_fill(at)
            found = self._try(begin, final=final)
            if found is None:
                break
            if isinstance(found, Frame):
                self._bad = at
                self._flush(pieces, 0)
                pieces.append(found)
                self._drop(begin - at + len(found.octets))
                at = 0
            else:
                at = self._next_start(begin)
                self._bad = at
                if at >= self._limit:
                    self._flush(pieces, at % self._limit)
                    at = self._bad
        return pieces

    def _try(self, begin: int, *, final: bool) -> Frame[T] | bool | None:
        """A frame that begins here, False where none does, None where it is too early to tell."""
        buffer = self._buffer
        if begin >= len(buffer):
            return False if final else None
        length = self._measure(buffer, begin, len(buffer), self._keep)
        if length < 0:
            return self._no("", begin)
        if length > self._limit:
            return self._no(f"a frame of {length} octets is longer than {self._limit}")
        if not length or begin + length > len(buffer):
            if final or (self._looks_ahead and self._frame_behind(begin)):
                return self._no("a frame that does not end")
            return None
        if self._end and not buffer.endswith(self._end, begin, begin + length):
            return self._no(f"a frame that ends with {self._end.hex().upper()}H")
        return self._whole(begin, bytes(buffer[begin : begin + length]))

    def _whole(self, begin: int, octets: bytes) -> Frame[T] | bool:
        found = self._codec.attempt(octets)
        if not isinstance(found, MalformedError):
            return Frame(found, octets, self._offset + begin, self._preamble(begin))
        if self._keep and isinstance(found, ChecksumError):
            trace = self._codec.trace(octets, spans=0, lenient=True)
            if trace.error is None and trace.value is not None:
                return Frame(trace.value, octets, self._offset + begin, self._preamble(begin), found)
        return self._no(found.expected)

    def _frame_behind(self, begin: int) -> bool:
        """Whether a whole good frame lies behind an incomplete start, so that the start was a false one."""
        at, end = self._next_start(begin), len(self._buffer)
        while at < end:
            begin = self._past_fill(at)
            length = self._measure(self._buffer, begin, end, False)
            if 0 < length <= self._limit and begin + length <= end:
                found = self._codec.attempt(bytes(self._buffer[begin : begin + length]))
                if not isinstance(found, MalformedError):
                    return True
            at = self._next_start(begin)
        return False

    def _no(self, reason: str, begin: int = 0) -> bool:
        if not self._reason:
            error = None if reason else self._codec.trace(bytes(self._buffer[begin : begin + 64]), spans=0).error
            self._reason = error.expected if error else reason
        return False

    def _past_fill(self, at: int) -> int:
        while self._fill and at < len(self._buffer) and self._buffer[at] in self._fill:
            at += 1
        return at

    def _preamble(self, begin: int) -> bytes:
        at = begin
        while at > self._bad and self._buffer[at - 1] in self._fill:
            at -= 1
        return bytes(self._buffer[at:begin])

    def _next_start(self, begin: int) -> int:
        """The next place where a frame could begin, its fill included."""
        if not self._start:
            return begin + 1
        found = self._likely.search(self._buffer, begin + 1)
        at = found.start() if found else self._buffer.find(self._start, max(begin + 1, len(self._buffer) - self._head))
        at = len(self._buffer) if at < 0 else at
        while self._fill and at > begin + 1 and self._buffer[at - 1] in self._fill:
            at -= 1
        return at

    def _flush(self, pieces: list[Frame[T] | Garbage], keep: int) -> None:
        """Report the garbage at the head of the buffer, in lots no longer than the limit, but for the last `keep`."""
        while self._bad > keep:
            lot = bytes(self._buffer[: min(self._bad - keep, self._limit)])
            pieces.append(Garbage(lot, self._offset, self._reason or "no frame begins here"))
            self._drop(len(lot))
            self._bad -= len(lot)
        if not self._bad:
            self._reason = ""

    def _drop(self, octets: int) -> None:
        del self._buffer[:octets]
        self._offset += octets


def _outline(layout: Any) -> tuple[bytes, int, re.Pattern[bytes], bytes]:
    """First octet, length and pattern of the constants at the beginning, and the constant at the end."""
    declared = info(layout)
    fields = declared.fields if declared else ()
    pattern, head = b"", 0
    for f in fields:
        octets = width(f.node) if not isinstance(f.node, ByEdition) else None
        if octets is None:
            break
        pattern += re.escape(f.node.raw) if isinstance(f.node, Const) else b".{%d}" % octets
        head += octets
    first = fields[0].node if fields else None
    last = fields[-1].node if fields else None
    start = first.raw[:1] if isinstance(first, Const) else b""
    return start, head, re.compile(pattern, re.DOTALL), last.raw if isinstance(last, Const) else b""


def _only_checked_at_end(layout: Any) -> bool:
    """Whether a frame is vouched for only by a check behind its content, so that a wrong length may go unnoticed."""
    declared = info(layout)
    if declared is None:
        return False
    places = [place for place, f in enumerate(declared.fields) if isinstance(f.node, Check)]
    bodies = [place for place, f in enumerate(declared.fields) if place not in places and not f.derived]
    return bool(places) and min(places) > max(bodies)
