"""A virtual clock with a calendar of what is to happen: for lines that exist in memory alone."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from itertools import count


class VirtualClock:
    """Time in seconds that passes only when somebody waits for it.

    Events are run in the order of their times; those of the same time in the order in which they were entered.
    """

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        self._numbers = count()
        self._calendar: list[tuple[float, int, Callable[[], None]]] = []

    def now(self) -> float:
        """The time, in seconds."""
        return self._now

    def at(self, time: float, event: Callable[[], None]) -> None:
        """Enter an event; one whose time has passed happens as soon as anybody waits."""
        heapq.heappush(self._calendar, (time, next(self._numbers), event))

    def next(self) -> float:
        """When the next event is due; infinite if there is none."""
        return self._calendar[0][0] if self._calendar else math.inf

    def step(self, until: float) -> bool:
        """Go to the next event and run it if it is due by then; otherwise go to `until` and say False."""
        if self.next() > until:
            self._now = max(self._now, until)
            return False
        time, _, event = heapq.heappop(self._calendar)
        self._now = max(self._now, time)
        event()
        return True

    def advance(self, until: float) -> None:
        """Let time pass, and everything happen that is due by then."""
        while self.step(until):
            pass
