"""The record tables of a concentrator: what it has been told entry by entry, and what its tasks have collected.

Collected rows come task by task, those of one meter in the order of their times. A request is answered from the tasks
whose schemes have the columns that it names; a task that has but some of them gives NULL for the others. How real
concentrators choose among tasks that collect the same is not in the facts at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from meterwire.meter_model.concentrator.archive import test_of
from meterwire.meter_model.concentrator.concentrator import Concentrator
from meterwire.meter_model.concentrator.gathered import Column, Gathered, cell_of, covers, element
from meterwire.meter_model.faces.dlt69845.selection import Entry
from meterwire.meter_model.faces.dlt69845.stored import NULL, time_data
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.protocols.dlt69845.acquisition import METER, STARTED, STORED, SUCCEEDED, Archived
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.shapes import Shape
from meterwire.protocols.wire.nodes import Variant

_NUMBER: Final = Oad(0x4001, 2, 0)
"""The meter's number, which some masters ask for in place of its address."""
_TIMES: Final = {4: STARTED, 5: STORED, 6: STARTED, 7: STORED, 8: SUCCEEDED}
"""The time that each selector is about."""
STANDARD: Final = (METER, STARTED, SUCCEEDED, STORED)
"""Columns that every row has."""


class SettingsTable:
    """Shapes as rows of one column.

    Args:
        entries: in order.
        oi: object identifier of one of them, such as 6001 for a meter of the archive.
    """

    def __init__(self, entries: Sequence[Shape], oi: int) -> None:
        self._oi = oi
        self._entries = [_Setting(entry, oi) for entry in entries]
        self.columns: tuple[Column, ...] = (Oad(oi, 2, 0),)

    def want(self, columns: Sequence[Column]) -> None:
        """All rows have all columns."""

    def time_for(self, selector: int) -> Oad:
        """There is none; raises `Denied`."""
        del selector
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)

    def meant(self, meters: Variant, address: bytes) -> Callable[[Any], bool]:
        """Meters of the archive by their set; other settings are nobody's own."""
        del address
        test = test_of(meters)
        return lambda entry: not isinstance(entry.shape, Archived) or test(entry.shape)

    def newest(self, count: int) -> Sequence[int]:
        """The last ones."""
        return range(max(0, len(self._entries) - count), len(self._entries))

    def knows(self, oad: Oad) -> bool:
        """Whether it has such a column: the whole, or a member of it."""
        return (oad.oi, oad.number) == (self._oi, 2)

    def entries(self) -> Sequence[Entry]:
        """All of them."""
        return self._entries

    def cell(self, entry: Any, column: Column, asked: Oad) -> Variant:
        """A column of an entry."""
        del asked
        found: Variant = entry.value(column) if isinstance(column, Oad) else NULL
        return found


class _Setting:
    def __init__(self, shape: Shape, oi: int) -> None:
        self.shape, self._oi = shape, oi

    def value(self, oad: Oad) -> Variant:
        """The whole, or a member of it."""
        if (oad.oi, oad.number) != (self._oi, 2):
            return NULL
        return element(self.shape.data(), oad.index) if oad.index else self.shape.data()


class CollectedTable:
    """What all tasks of a concentrator have collected.

    Args:
        own: the concentrator.
    """

    def __init__(self, own: Concentrator) -> None:
        self._own = own
        self._rows: list[CollectedRow] | None = None
        self._wanted: tuple[Column, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """Meter and times, then every column of every scheme."""
        schemes = (column for rows in self._own.collecting.rows.values() for column in rows.columns)
        return (*STANDARD, *dict.fromkeys(schemes))

    def want(self, columns: Sequence[Column]) -> None:
        """The columns that a request names: rows come from tasks that have all of them, else from those with some."""
        self._wanted = tuple(column for column in columns if column not in {*STANDARD, _NUMBER})

    def time_for(self, selector: int) -> Oad:
        """Start, storage or success."""
        return _TIMES[selector]

    def meant(self, meters: Variant, address: bytes) -> Callable[[Any], bool]:
        """Rows of the meters that the archive has of a set."""
        del address
        addresses = {unit.basic.address for unit in self._own.archive.meant(meters)}
        return lambda entry: entry.row.meter in addresses

    def newest(self, count: int) -> Sequence[int]:
        """So many of each meter, by the time they are stored under."""
        left: dict[bytes, int] = {}
        chosen = []
        rows = self._found()
        for at in sorted(range(len(rows)), key=lambda at: rows[at].row.stored, reverse=True):
            meter = rows[at].row.meter
            left[meter] = left.get(meter, count) - 1
            if left[meter] >= 0:
                chosen.append(at)
        return sorted(chosen)

    def knows(self, oad: Oad) -> bool:
        """Whether some task has such a column."""
        return oad in {*STANDARD, _NUMBER} or any(covers(rows.columns, oad) for rows in self._tasks())

    def entries(self) -> Sequence[Entry]:
        """All rows."""
        return self._found()

    def cell(self, entry: Any, column: Column, asked: Oad) -> Variant:
        """A column of a row."""
        del asked
        found: Variant = entry.cell(column)
        return found

    def _tasks(self) -> list[Any]:
        return list(self._own.collecting.rows.values())

    def _found(self) -> list[CollectedRow]:
        if self._rows is None:
            self._rows = list(self._gather())
        return self._rows

    def _gather(self) -> Iterator[CollectedRow]:
        tasks = self._tasks()
        whole = [rows for rows in tasks if all(covers(rows.columns, one) for one in self._wanted)]
        some = [rows for rows in tasks if any(covers(rows.columns, one) for one in self._wanted)]
        for rows in whole or some:
            for row in sorted(rows, key=lambda row: (row.meter, row.moment)):
                yield CollectedRow(row, rows.columns)


class CollectedRow:
    """One collected row, with the columns of its scheme."""

    def __init__(self, row: Gathered, columns: tuple[Column, ...]) -> None:
        self.row, self._columns = row, columns

    def value(self, oad: Oad) -> Variant:
        """An attribute."""
        row = self.row
        if oad == METER:
            return Variant(85, row.meter)
        if oad == _NUMBER:
            return Variant(9, row.meter[1:])
        if oad in {STARTED, SUCCEEDED, STORED}:
            return time_data({STARTED: row.started, SUCCEEDED: row.succeeded, STORED: row.stored}[oad])
        return cell_of(self._columns, row.cells, oad)

    def cell(self, column: Column) -> Variant:
        """An attribute, or attributes of a record table."""
        return self.value(column) if isinstance(column, Oad) else cell_of(self._columns, self.row.cells, column)
