"""Sequence numbers of one end of a link: what is on its way, what was taken, and what must be sent again."""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

MODULUS: Final = 8


class Segment(msgspec.Struct, frozen=True):
    """One information field, and whether more of the same message follows."""

    information: bytes
    more: bool = False


class Numbers:
    """V(S), V(R) and the segments not yet acknowledged (ISO/IEC 13239, 5.3.1).

    The ends speak in turns. When one has the turn, whatever the other's N(R) has not acknowledged was lost: it goes out
    again from there. That is the recovery by the poll/final checkpoint (IEC 62056-46, 6.4.4.8); there is no REJ.

    Attributes:
        receive: V(R), the number expected next.
        base: the oldest number that has not been acknowledged.
        resent: how many segments have gone out more than once.
    """

    def __init__(self) -> None:
        self.receive = self.base = self.resent = 0
        self._waiting: deque[Segment] = deque()
        self._sent = 0  # of those waiting, how many have gone out

    @property
    def send(self) -> int:
        """V(S), the number of the next new segment."""
        return (self.base + self._sent) % MODULUS

    @property
    def waiting(self) -> int:
        """Segments that are not acknowledged, sent or not."""
        return len(self._waiting)

    @property
    def unsent(self) -> int:
        """Segments that have never gone out."""
        return len(self._waiting) - self._sent

    def add(self, segments: list[Segment]) -> None:
        """More to send."""
        self._waiting += segments

    def acknowledge(self, receive: int) -> bool:
        """Take the other end's N(R); False when it acknowledges what was never sent."""
        count = (receive - self.base) % MODULUS
        if count > self._sent:
            return False
        for _ in range(count):
            self._waiting.popleft()
        self._sent -= count
        self.base = receive
        return True

    def burst(self, window: int) -> list[tuple[int, Segment]]:
        """What goes out in this turn, numbered: from the oldest unacknowledged segment, a window of them at most."""
        lot = [self._waiting[place] for place in range(min(window, len(self._waiting)))]
        self.resent += min(self._sent, len(lot))
        self._sent = max(self._sent, len(lot))
        return [((self.base + place) % MODULUS, segment) for place, segment in enumerate(lot)]

    def take(self, number: int) -> bool:
        """Whether N(S) is the one expected; then it is counted."""
        if number != self.receive:
            return False
        self.receive = (self.receive + 1) % MODULUS
        return True


def segments(message: bytes, size: int) -> list[Segment]:
    """A message in information fields of at most `size` octets."""
    starts = range(0, max(len(message), 1), size)
    return [Segment(message[at : at + size], at + size < len(message)) for at in starts]
