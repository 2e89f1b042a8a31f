"""Who has changed a meter, and what: one record for every change that took effect."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from meterwire.meter_model.parameters import Author

KEPT: Final = 10
PROGRAMMING: Final = "programming"


class Programmed(msgspec.Struct, frozen=True):
    """One change.

    Attributes:
        kind: `programming`, or what was done: `demand-cleared`, `meter-cleared`, `events-cleared`, `clock-set`.
        item: what was written or cleared, in the terms of the dialect that did it.
    """

    time: dt.datetime
    kind: str
    operator: str
    item: str


class Programming:
    """The records of one meter; `note` is the one way by which a change leaves one.

    Args:
        now: the meter's time.
        note_event: records the kind among the meter's events.

    Attributes:
        count: how many there have been in all.
    """

    def __init__(self, now: Callable[[], dt.datetime], note_event: Callable[[str], None]) -> None:
        self._now, self._note_event = now, note_event
        self._last: deque[Programmed] = deque(maxlen=KEPT)
        self._watchers: list[Callable[[Programmed], None]] = []
        self.count = 0

    def note(self, by: Author, kind: str = PROGRAMMING) -> None:
        """Something has been changed."""
        self.count += 1
        record = Programmed(self._now(), kind, by.operator, by.item)
        self._last.append(record)
        self._note_event(kind)
        for watcher in list(self._watchers):
            watcher(record)

    def last(self, count: int = KEPT) -> list[Programmed]:
        """The last records, the latest first."""
        return list(self._last)[::-1][:count]

    def state(self) -> dict[str, Any]:
        """Everything, as builtins."""
        last = [[one.time.isoformat(), one.kind, one.operator, one.item] for one in self._last]
        return {"count": self.count, "last": last}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over; watchers are not told."""
        self.count = int(state["count"])
        self._last.clear()
        self._last.extend(Programmed(dt.datetime.fromisoformat(time), *rest) for time, *rest in state["last"])

    def watch(self, watcher: Callable[[Programmed], None]) -> None:
        """Be told of every change, with who did it."""
        self._watchers.append(watcher)
