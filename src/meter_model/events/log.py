"""Notes of what has happened to a meter: the last ones, with their time."""

from __future__ import annotations

import datetime as dt
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any, Final

import msgspec

KEPT: Final = 1000


class Event(msgspec.Struct, frozen=True):
    """One event: when, by the meter's clock, and what."""

    time: dt.datetime
    name: str


class EventLog:
    """A ring of the last events, and how often each has happened.

    Attributes:
        counts: occurrences by name, of all time.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._ring: deque[Event] = deque(maxlen=kept)
        self.counts: Counter[str] = Counter()

    def note(self, time: dt.datetime, name: str) -> None:
        """Something has happened."""
        self._ring.append(Event(time, name))
        self.counts[name] += 1

    def last(self, count: int = 10) -> list[Event]:
        """The last events, the latest first."""
        return list(self._ring)[::-1][:count]

    def state(self) -> dict[str, Any]:
        """As builtins."""
        return {
            "counts": dict(self.counts),
            "events": [[event.time.isoformat(), event.name] for event in self._ring],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved log over; raises ValueError, KeyError or TypeError for what is none."""
        events = [Event(dt.datetime.fromisoformat(time), str(name)) for time, name in state["events"]]
        counts = {str(name): int(count) for name, count in state["counts"].items()}
        self._ring = deque(events, maxlen=self._ring.maxlen)
        self.counts = Counter(counts)
