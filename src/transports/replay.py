"""A line that plays a recorded conversation back: the same requests get the same answers."""

from __future__ import annotations

from collections.abc import Iterable

from meterwire.errors import Disconnected, TransportError
from meterwire.protocols.dialogue import LineSettings
from meterwire.transports.capture.piece import Piece
from meterwire.transports.clock import VirtualClock


class ReplayLine:
    """A blocking line on virtual time; `memory.Immediate` makes it one for asyncio.

    What was received comes when everything that was sent before it has been sent again, after the recorded delay. At
    the end of the recording the line is silent.

    Args:
        pieces: of one conversation, with directions; pieces without one are refused.
        strict: whether octets that differ from the recorded ones are refused; otherwise any octets of the same length
            do, for dialects whose requests carry counters or random numbers.
    """

    def __init__(self, pieces: Iterable[Piece], clock: VirtualClock | None = None, *, strict: bool = True) -> None:
        self.clock = clock or VirtualClock()
        self._strict = strict
        self._script: list[tuple[bool, float, bytearray]] = []  # sent?, seconds after what came before, octets
        self._inbox = bytearray()
        self._closed = False
        self._place = 0
        self._offset = 0
        before: float | None = None
        for piece in pieces:
            if piece.direction is None:
                raise TransportError("a recording without directions cannot be played back")
            delay = 0.0 if before is None or piece.time is None else max(0.0, piece.time - before)
            before = piece.time if piece.time is not None else before
            self._script.append((piece.direction == "sent", delay, bytearray(piece.octets)))
        self._due = self.clock.now()
        self._settle(self._due)

    @property
    def finished(self) -> bool:
        """Whether everything recorded has been played and read."""
        return self._place == len(self._script) and not self._inbox

    def now(self) -> float:
        """The time of the virtual clock."""
        return self.clock.now()

    def write(self, octets: bytes) -> None:
        """Send what was sent; raises `TransportError` when it is something else."""
        self._check()
        for octet in octets:
            self._deliver(float("inf"))  # who sends has stopped waiting for what was received before
            if self._place == len(self._script):
                raise TransportError(f"the recording has ended: nobody sent {octets.hex(' ')}")
            _, _, recorded = self._script[self._place]
            if self._strict and recorded[self._offset] != octet:
                raise TransportError(f"the recording has {recorded.hex(' ')} here, not {octets.hex(' ')}")
            self._offset += 1
            if self._offset == len(recorded):
                self._advance()

    def read(self, until: float) -> bytes:
        """What was received next, letting the recorded time pass, at most to `until`."""
        self._check()
        self._deliver(self.clock.now())
        if not self._inbox:
            self.clock.advance(min(until, self._due) if self._waiting() else until)
            self._deliver(self.clock.now())
        octets = bytes(self._inbox)
        self._inbox.clear()
        return octets

    def pause(self, until: float) -> None:
        """Let time pass."""
        self.clock.advance(until)

    def reconfigure(self, settings: LineSettings) -> None:
        """Nothing to set: a recording has no speed."""

    def close(self) -> None:
        """End."""
        self._closed = True

    def _check(self) -> None:
        if self._closed:
            raise Disconnected("the recording has been closed")

    def _waiting(self) -> bool:
        """Whether the next thing is to be received."""
        return self._place < len(self._script) and not self._script[self._place][0]

    def _deliver(self, by: float) -> None:
        while self._waiting() and self._due <= by:
            self._inbox += self._script[self._place][2]
            self._advance()

    def _advance(self) -> None:
        sent = self._script[self._place][0]
        self._place += 1
        self._offset = 0
        self._settle(self.clock.now() if sent else self._due)

    def _settle(self, since: float) -> None:
        while self._place < len(self._script) and not self._script[self._place][2]:
            self._place += 1
        if self._place < len(self._script):
            self._due = since + self._script[self._place][1]
