"""A ring of rows that a meter stores at set moments: behind each kind of freeze and each class of load profile.

A row keeps the state of the meter, copied, and works its values out when somebody asks: storing is cheap, and a value
is exactly what a reading at that moment gave. Where many meters share one process, rows settle as soon as they are
stored: then each costs time once and little memory for ever.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from meterwire.meter_model.row import Layouts, Row, layouts_of
from meterwire.meter_model.shelf import Shelf
from meterwire.meter_model.tariff import NO_MORE

if TYPE_CHECKING:
    from meterwire.meter_model.sample import Sample
    from meterwire.quantities import Quantity

Schedule = Callable[[int], int]
"""The first moment later than a minute since 1970 local; NO_MORE where there is none."""
_NO_ROWS: Final = deque[Row](maxlen=0)
"""The ring of everything that has stored nothing yet: an empty one of its own would take half a kilobyte."""


class Series:
    """A ring of rows, and when the next one is due.

    Args:
        depth: rows that are kept.
        schedule: when rows are due.
        backfill: of the rows that became due without power, how many of the last are made up for afterwards.

    Attributes:
        next: the minute at which the next row is due.
        thrifty: whether rows settle as soon as they are stored.
        total: how many rows there have been since the last clearing.
        end: the number of the row to come, all that ever were being numbered from 0.
    """

    def __init__(self, depth: int, schedule: Schedule, backfill: int = 0) -> None:
        self.depth, self.schedule = depth, schedule
        self.thrifty = False
        self.next = NO_MORE
        self.total = self.end = 0
        self._clears = 0
        self._ring: deque[Row] | Shelf = _NO_ROWS
        self._backfill = backfill
        self._missed: list[Row] = []
        self._columns: tuple[Quantity, ...] = ()
        self._layouts: Layouts | None = None

    @property
    def rows(self) -> list[Row]:
        """All rows, the oldest first."""
        return [*self._ring, *self._missed][-self.depth :]

    @property
    def count(self) -> int:
        """How many rows there have been since the last clearing, those that are being made up for among them."""
        return self.total + len(self._missed)

    @property
    def mark(self) -> tuple[int, ...]:
        """Differs whenever the rows do."""
        return self._clears, self.total, len(self._ring), *(row.second for row in self._missed)

    def plan(self, minute: int) -> None:
        """Find the next moment after a minute."""
        self.next = self.schedule(minute)

    def skip(self, minute: int) -> None:
        """The meter will have power up to that minute: pass over the rows that others will have pushed out by then."""
        if minute - self.next < self.depth * self._gap():
            return
        due, count, moment = deque[int](maxlen=self.depth), 0, self.next
        while moment <= minute:
            due.append(moment)
            count, moment = count + 1, self.schedule(moment)
        if count > self.depth:
            passed = count - self.depth + len(self._missed)
            self.total, self.end, self.next = self.total + passed, self.end + passed, due[0]
            self._ring = _NO_ROWS
            self._missed.clear()

    def _gap(self) -> int:
        """Minutes from the next row to the one after it: where rows are not evenly spaced, fewer are passed over."""
        return max(1, self.schedule(self.next) - self.next) if self.next < NO_MORE else 1

    def take(self, zone: dt.timezone, columns: tuple[Quantity, ...], sample: Sample, *, powered: bool = True) -> Row:
        """Store a row of these columns; gives it."""
        if self._layouts is None or self._columns is not columns or self._layouts.zone is not zone:
            self._columns, self._layouts = columns, layouts_of(zone, columns)
        row = Row.taken(self._layouts, sample)
        if powered:
            self._add(row)
        else:
            self._missed = [*self._missed, row][-self._backfill :] if self._backfill else []
        return row

    def _add(self, row: Row) -> None:
        rows = [*self._missed, row] if self._missed else (row,)
        self.total += len(rows)
        self.end += len(rows)
        self._keep(rows)
        self._missed.clear()

    def _keep(self, rows: Sequence[Row]) -> None:
        if rows and not self._ring:
            self._ring = Shelf(self.depth) if self.thrifty else deque(maxlen=self.depth)
        self._ring.extend(rows)

    def be_thrifty(self) -> None:
        """Let rows settle as soon as they are stored."""
        self.thrifty = True
        rows, self._ring = list(self._ring), _NO_ROWS
        self._keep(rows)

    def clear(self) -> None:
        """Forget all rows."""
        self._ring = _NO_ROWS
        self._missed.clear()
        self.total = 0
        self._clears += 1

    @property
    def begin(self) -> int:
        """The number of the oldest row that is kept for good."""
        return self.end - len(self._ring)

    def numbered(self, begin: int) -> Iterator[tuple[int, list[Any]]]:
        """The rows that are kept for good, from a number on, each with its number and as builtins."""
        first = max(begin, self.begin)
        return ((first + at, row.state()) for at, row in enumerate(islice(self._ring, first - self.begin, None)))

    def state(self, *, rows: bool = True) -> dict[str, Any]:
        """Everything, or everything but the rows that `numbered` gives, as builtins."""
        kept = {"rows": [row.state() for row in self._ring]} if rows else {}
        return {"total": self.total, "end": self.end, "missed": [row.state() for row in self._missed], **kept}

    def restore(self, state: Mapping[str, Any], zone: dt.timezone) -> None:
        """Take a saved state over."""
        self.clear()
        self.total = state["total"]
        self.end = state.get("end", len(state["rows"]))
        self._keep([Row.of(row, zone) for row in state["rows"]])
        self._missed.extend(Row.of(row, zone) for row in state["missed"])
