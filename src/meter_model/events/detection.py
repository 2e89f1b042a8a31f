"""From a condition over time to the moments at which an event begins and ends: both must have held for their delay."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.int64]
Truth = NDArray[np.bool_]


class Turn(msgspec.Struct, frozen=True):
    """An event begins or ends at a second."""

    second: int
    begins: bool


class Detector(msgspec.Struct, gc=False):
    """Whether one event goes on, and since when what would change that has held.

    Time is given in slots, in each of which nothing changes; how time is cut into slots and calls changes no result. A
    moment at which a condition has held exactly as long as its delay counts as held.

    Attributes:
        active: whether the event goes on.
        since: the second since which the condition that would begin it (or end it) has held; None while it does not.
    """

    active: bool = False
    since: int | None = None

    def scan(self, edges: Seconds, on: Truth, off: Truth, delay: int, release: int) -> list[Turn]:
        """Let slots pass.

        Args:
            edges: seconds at which the slots begin, and at which the last one ends.
            on: whether the condition holds, by slot.
            off: whether it certainly does not; where neither is true everything stays as it is.
            delay: seconds for which `on` must have held.
            release: seconds for which `off` must have held.
        """
        relevant = off if self.active else on
        if not relevant.any():
            self.since = None
            return []
        runs = {
            True: _runs(edges, on, delay, None if self.active else self.since),
            False: _runs(edges, off, release, self.since if self.active else None),
        }
        turns: list[Turn] = []
        while True:
            begins, ready = runs[not self.active]
            at = int(np.searchsorted(begins, turns[-1].second)) if turns else 0
            if at == len(begins):
                break
            self.active = not self.active
            turns.append(Turn(int(ready[at]), self.active))
        self.since = self._open_run(edges, off if self.active else on, turns)
        return turns

    def look(self, second: int, on: bool, off: bool, delay: int, release: int, *, settled: bool = True) -> Turn | None:
        """Something has just changed: what holds from this second on, and what that changes at once.

        While it may still change at this second (it is not `settled`), nothing that has held is given up.
        """
        if not (off if self.active else on):
            if settled:
                self.since = None
            return None
        if self.since is None:
            self.since = second
        if second - self.since < (release if self.active else delay):
            return None
        self.active = not self.active
        self.since = second if (off if self.active else on) else None
        return Turn(second, self.active)

    def _open_run(self, edges: Seconds, condition: Truth, turns: list[Turn]) -> int | None:
        """Since when the condition holds that goes on at the end."""
        if not condition[-1]:
            return None
        false = np.flatnonzero(~condition)
        if len(false):
            return int(edges[false[-1] + 1])
        return self.since if self.since is not None and not turns else int(edges[0])

    def shift(self, seconds: int) -> None:
        """The clock has been set by so many seconds."""
        if self.since is not None:
            self.since += seconds

    def state(self) -> dict[str, Any]:
        """As builtins."""
        return {"active": self.active, "since": self.since}


def _runs(edges: Seconds, condition: Truth, delay: int, since: int | None) -> tuple[Seconds, Seconds]:
    """When the condition begins to hold, and when it has held for the delay, for each run that is long enough."""
    padded = np.concatenate([[False], condition, [False]])
    changes = np.flatnonzero(padded[1:] != padded[:-1])
    begins, ends = edges[changes[::2]].copy(), edges[changes[1::2]]
    if len(begins) and condition[0] and since is not None:
        begins[0] = since
    enough = ends - begins >= delay
    return begins[enough], (begins + delay)[enough]
