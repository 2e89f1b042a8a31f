"""Settled rows of one series where memory is dear: octets alone, from which a row is made again when somebody asks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from meterwire.meter_model.row import Layout, Row


class Shelf:
    """A ring of settled rows.

    Args:
        depth: rows that are kept.
    """

    def __init__(self, depth: int) -> None:
        self._octets: deque[bytes] = deque(maxlen=depth)
        self._end = 0
        self._eras: list[tuple[int, Layout]] = []
        """Layouts, each with the number of the first row that has it: they change when columns do, which is rare."""

    def append(self, row: Row) -> None:
        """Keep one more; the oldest makes room."""
        layout, octets = row.settle()
        if not self._eras or self._eras[-1][1] is not layout:
            self._eras.append((self._end, layout))
        self._octets.append(octets)
        self._end += 1
        while len(self._eras) > 1 and self._eras[1][0] <= self._end - len(self._octets):
            del self._eras[0]

    def extend(self, rows: Iterable[Row]) -> None:
        """Keep some more."""
        for row in rows:
            self.append(row)

    def __len__(self) -> int:
        return len(self._octets)

    def __iter__(self) -> Iterator[Row]:
        eras = [*self._eras, (self._end, None)]
        place = 0
        for number, octets in enumerate(self._octets, self._end - len(self._octets)):
            while eras[place + 1][0] <= number:
                place += 1
            layout = eras[place][1]
            if layout is not None:
                yield Row(layout, octets)
