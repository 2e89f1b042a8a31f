"""Cutting a stream of octets into frames: a frame, garbage, or nothing yet are three different answers.

Lengths come from the declaration. After a false start the search goes on one octet behind it, so that a good frame
is found wherever it begins; what is no frame is reported as garbage, once, and survived.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar, cast

import msgspec

from meterwire.errors import ChecksumError, MalformedError
from meterwire.protocols.wire.codec import KEEP_CHECKS, WHOLE, Codec
from meterwire.protocols.wire.declare import info
from meterwire.protocols.wire.nodes import Check, Const
from meterwire.protocols.wire.remembering import remembering

T = TypeVar("T")

FRAME_LIMIT = 1 << 16
"""Longest frame a framer waits for, in octets, unless told otherwise."""


class Frame(msgspec.Struct, Generic[T], frozen=True, gc=False):
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


class Garbage(msgspec.Struct, frozen=True, gc=False):
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
        again: remember short frames, because the same ones come again and again; see `remembering`.
    """

    def __init__(
        self,
        codec: Codec[T],
        *,
        fill: bytes = b"",
        limit: int = FRAME_LIMIT,
        keep_checks: bool = False,
        again: bool = False,
    ) -> None:
        self._codec, self._fill, self._limit, self._keep = codec, fill, limit, keep_checks
        self._scan = codec.scanner
        self._attempt = (remembering(cast("Any", codec.layout), codec.edition) if again else codec).attempt
        self._looks_ahead = _only_checked_at_end(codec.layout)
        self._last = _last_octet(codec.layout)
        self._fresh = 0  # where the octets of the last reception begin
        self._buffer = bytearray()
        self._offset = 0  # of the head of the buffer, in the stream
        self._taken = 0  # octets at the head already given as pieces
        self._bad = 0  # octets at the head known to be garbage, those taken included
        self._looked = 0
        self._reason = ""

    def receive(self, data: bytes) -> list[Frame[T] | Garbage]:
        """Take octets; give the frames and the garbage that are now complete."""
        if not self._buffer and len(data) <= _NEAR:
            whole = self._whole(bytes(data))
            if whole is not None:
                return [whole]
        self._fresh = len(self._buffer)
        self._buffer += data
        pieces = self._pieces(final=False)
        self._forget()
        return pieces

    def idle(self) -> list[Frame[T] | Garbage]:
        """The line fell silent: what is incomplete will not be completed."""
        size = len(self._buffer)
        if size and self._scan(self._buffer, self._bad, size, 0, self._limit)[0] < size:
            self._reason = self._reason or "a frame that does not end"
        pieces = self._pieces(final=True)
        self._condemn(pieces, len(self._buffer), "")
        self._flush(pieces)
        self._forget()
        return pieces

    @property
    def pending(self) -> int:
        """Octets held back because they may still become a frame."""
        return len(self._buffer)

    def _whole(self, data: bytes) -> Frame[T] | None:
        """The one good frame that these octets are, with its fill, as nearly every reception is."""
        octets = data.lstrip(self._fill)
        if len(octets) > self._limit or not octets.endswith(self._last):
            return None
        found = self._attempt(octets)
        if isinstance(found, MalformedError):
            return None
        begin = len(data) - len(octets)
        frame = Frame(found, octets, self._offset + begin, data[:begin])
        self._offset += len(data)
        self._looked = 0
        return frame

    def _pieces(self, *, final: bool) -> list[Frame[T] | Garbage]:
        pieces: list[Frame[T] | Garbage] = []
        buffer, size, at = self._buffer, len(self._buffer), self._bad
        how = (KEEP_CHECKS if self._keep else 0) | (WHOLE if final else 0)
        while at < size:
            begin, length = self._scan(buffer, at, size, how, self._limit)
            if not length or begin + length > size:
                if begin < size and self._is_false(begin):
                    at = self._condemn(pieces, begin + 1, "a frame that does not end")
                    continue
                self._condemn(pieces, self._before_fill(begin), "")
                break
            octets = bytes(buffer[begin : begin + length])
            found = self._codec.attempt(octets)
            error = None
            if isinstance(found, MalformedError):
                kept = self._despite(found, octets)
                if kept is None:
                    at = self._condemn(pieces, begin + 1, found.expected)
                    continue
                found, error = kept
            start = self._before_fill(begin)
            self._condemn(pieces, start, "")
            self._flush(pieces)
            before = bytes(buffer[start:begin])
            pieces.append(Frame(found, octets, self._offset + begin, before, error))
            self._taken = self._bad = at = begin + length
            self._looked = 0
        return pieces

    def _despite(self, error: MalformedError, octets: bytes) -> tuple[T, ChecksumError] | None:
        """The message of a frame whose only fault is a check, if such frames are wanted."""
        if not self._keep or not isinstance(error, ChecksumError):
            return None
        trace = self._codec.trace(octets, spans=0, lenient=True)
        return None if trace.error is not None or trace.value is None else (trace.value, error)

    def _is_false(self, begin: int) -> bool:
        """Whether a whole good frame lies behind an incomplete start, so that the start was a false one.

        Near by it can only be one that the last reception completed. Beyond a short distance one is looked for when
        twice as many octets have come as the last time.
        """
        size = len(self._buffer)
        if not self._looks_ahead or (size - begin > _NEAR and size - begin < 2 * self._looked):
            return False
        if size - begin <= _NEAR and self._buffer.find(self._last, max(begin, self._fresh)) < 0:
            return False
        self._looked = size - begin
        at = begin + 1
        while at < size:
            start, length = self._scan(self._buffer, at, size, WHOLE, self._limit)
            if start < size:
                found = self._codec.attempt(bytes(self._buffer[start : start + length]))
                if not isinstance(found, MalformedError):
                    return True
            at = start + 1
        return False

    def _before_fill(self, begin: int) -> int:
        """Where the fill in front of a start begins."""
        while begin > self._bad and self._buffer[begin - 1] in self._fill:
            begin -= 1
        return begin

    def _condemn(self, pieces: list[Frame[T] | Garbage], end: int, reason: str) -> int:
        """Everything up to here is garbage; give it in lots of the limit, the rest when it has ended."""
        if end > self._bad:
            self._reason = self._reason or reason
            self._bad = end
            while self._bad - self._taken >= self._limit:
                self._give(pieces, self._limit)
        return end

    def _flush(self, pieces: list[Frame[T] | Garbage]) -> None:
        if self._bad > self._taken:
            self._give(pieces, self._bad - self._taken)
        self._reason = ""

    def _give(self, pieces: list[Frame[T] | Garbage], octets: int) -> None:
        lot = bytes(self._buffer[self._taken : self._taken + octets])
        pieces.append(Garbage(lot, self._offset + self._taken, self._reason or "no whole frame begins here"))
        self._taken += octets

    def _forget(self) -> None:
        """Drop what has been given."""
        if self._taken:
            del self._buffer[: self._taken]
            self._fresh = max(0, self._fresh - self._taken)
            self._offset += self._taken
            self._bad -= self._taken
            self._taken = 0


_NEAR = 512
"""So few octets are looked at once more than needed: behind an incomplete start at every reception, and in a reception
that may be one whole frame. The longest 645 frame has 271."""


def _last_octet(layout: Any) -> bytes:
    """The octet that every frame ends with, empty where there is none."""
    declared = info(layout)
    last = declared.fields[-1].node if declared else None
    return last.raw[-1:] if isinstance(last, Const) else b""


def _only_checked_at_end(layout: Any) -> bool:
    """Whether a frame is vouched for only by a check behind its content, so that a wrong length may go unnoticed."""
    declared = info(layout)
    if declared is None:
        return False
    places = [place for place, f in enumerate(declared.fields) if isinstance(f.node, Check)]
    bodies = [place for place, f in enumerate(declared.fields) if place not in places and not f.derived]
    return bool(places) and min(places) > max(bodies)
