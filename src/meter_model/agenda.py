"""What a meter has to do at a moment to come: a delayed trip, the end of a lock-out."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from itertools import count


class Appointment:
    """Something to be done at a moment, unless it is cancelled before."""

    def __init__(self, second: int, action: Callable[[], None]) -> None:
        self.second = second
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """It shall not be done; more than once, or afterwards, is harmless."""
        self.action = None


class Agenda:
    """Appointments in the order of their moments, in whole seconds of the meter's local time.

    Attributes:
        earliest: nothing is to be done before this moment, for those who ask often.
    """

    def __init__(self) -> None:
        self.earliest = math.inf
        self._heap: list[tuple[int, int, Appointment]] = []
        self._order = count()

    def at(self, second: int, action: Callable[[], None]) -> Appointment:
        """Have something done."""
        appointment = Appointment(second, action)
        heapq.heappush(self._heap, (second, next(self._order), appointment))
        self.earliest = self._heap[0][0]
        return appointment

    def next(self) -> int | None:
        """The moment of the first appointment, None while there is none."""
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
        self.earliest = self._heap[0][0] if self._heap else math.inf
        return self._heap[0][0] if self._heap else None

    def run(self) -> None:
        """Do the first appointment."""
        appointment = heapq.heappop(self._heap)[2]
        self.earliest = self._heap[0][0] if self._heap else math.inf
        action, appointment.action = appointment.action, None
        if action is not None:
            action()

    def clear(self) -> None:
        """Cancel everything."""
        for _, _, appointment in self._heap:
            appointment.cancel()
        self._heap.clear()
        self.earliest = math.inf

    def shift(self, seconds: int) -> None:
        """The clock has been set by so many seconds: what was to happen in a while still happens in that while."""
        for _, _, appointment in self._heap:
            appointment.second += seconds
        self._heap = [(second + seconds, order, appointment) for second, order, appointment in self._heap]
        self.earliest += seconds
