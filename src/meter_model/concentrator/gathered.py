"""What tasks have collected: rows of cells by meter and moment, as deep as their scheme says (6012, attribute 3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from meterwire.meter_model.concentrator.kept import column_of, data_of, octets_of, octets_of_column
from meterwire.protocols.dlt69845.descriptors import Oad, Road
from meterwire.protocols.wire.nodes import Variant

Column = Oad | Road
NULL: Final = Variant(0, None)
_STRUCTURE: Final = 2


class Gathered(msgspec.Struct, frozen=True):
    """One row.

    Attributes:
        meter: as a TSA has it.
        moment: which of the wanted ones it is: that of the freeze, or at which its task ran.
        started, succeeded: when the acquisition began and was over.
        stored: the time it is stored under.
        cells: one for each column of the scheme.
    """

    meter: bytes
    moment: dt.datetime
    started: dt.datetime
    succeeded: dt.datetime
    stored: dt.datetime
    cells: tuple[Variant, ...]


class TaskRows:
    """The rows of one task.

    Args:
        columns: of its scheme.
        depth: rows that are kept of each meter, the newest.
    """

    def __init__(self, columns: Sequence[Column], depth: int) -> None:
        self.columns, self.depth = tuple(columns), max(1, depth)
        self._rows: dict[bytes, dict[dt.datetime, Gathered]] = {}
        self._absent: dict[bytes, set[dt.datetime]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._rows.values()))

    def __iter__(self) -> Iterator[Gathered]:
        for rows in self._rows.values():
            yield from rows.values()

    def knows(self, meter: bytes, moment: dt.datetime) -> bool:
        """Whether there is such a row, or the meter is known to have none."""
        return moment in self._rows.get(meter, ()) or moment in self._absent.get(meter, ())

    def mark_absent(self, meter: bytes, moment: dt.datetime) -> None:
        """The meter has no such row, and never will have."""
        absent = self._absent.setdefault(meter, set())
        absent.add(moment)
        if len(absent) > self.depth:
            absent.remove(min(absent))

    def newest(self, meter: bytes) -> dt.datetime | None:
        """The moment of the newest row of a meter, None where it has none."""
        return max(self._rows.get(meter, ()), default=None)

    def put(self, row: Gathered) -> None:
        """Add a row, in place of the one of the same moment; of too many the oldest goes."""
        rows = self._rows.setdefault(row.meter, {})
        rows[row.moment] = row
        if len(rows) > self.depth:
            del rows[min(rows)]

    def forget(self, meters: set[bytes]) -> None:
        """Keep the rows of these meters alone."""
        self._rows = {meter: rows for meter, rows in self._rows.items() if meter in meters}

    def state(self) -> dict[str, Any]:
        """Everything, as builtins."""
        return {
            "columns": [octets_of_column(one) for one in self.columns],
            "depth": self.depth,
            "rows": [
                [row.meter, row.moment, row.started, row.succeeded, row.stored, [octets_of(cell) for cell in row.cells]]
                for row in self
            ],
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> TaskRows:
        """From a saved state."""
        made = cls([column_of(one) for one in state["columns"]], int(state["depth"]))
        for meter, *times, cells in state["rows"]:
            moment, started, succeeded, stored = (_time(one) for one in times)
            made.put(Gathered(meter, moment, started, succeeded, stored, tuple(data_of(cell) for cell in cells)))
        return made


def _time(value: dt.datetime | str) -> dt.datetime:
    return dt.datetime.fromisoformat(value) if isinstance(value, str) else value


def cell_of(columns: Sequence[Column], cells: Sequence[Variant], wanted: Column) -> Variant:
    """What stands in a column that was asked for: the very one, an element of it, or some attributes of a ROAD."""
    for column, cell in zip(columns, cells, strict=True):
        if column == wanted:
            return cell
        if isinstance(wanted, Road) and isinstance(column, Road) and column.oad == wanted.oad:
            return Variant(_STRUCTURE, tuple(related(column, cell, one) for one in wanted.related))
        if isinstance(wanted, Oad) and isinstance(column, Oad) and _is_part(wanted, column):
            return element(cell, wanted.index)
    return NULL


def related(road: Road, cell: Variant, wanted: Oad) -> Variant:
    """One related attribute of a ROAD column, or an element of it; NULL where it is not there."""
    if cell.tag != _STRUCTURE:
        return NULL
    for oad, part in zip(road.related, cell.value, strict=False):
        if oad == wanted:
            found: Variant = part
            return found
        if _is_part(wanted, oad):
            return element(part, wanted.index)
    return NULL


def covers(columns: Sequence[Column], wanted: Column) -> bool:
    """Whether a column that is asked for can be answered from those that are kept."""
    for column in columns:
        if isinstance(wanted, Road) and isinstance(column, Road) and column.oad == wanted.oad:
            return any(one == mine or _is_part(one, mine) for one in wanted.related for mine in column.related)
        if column == wanted or (isinstance(wanted, Oad) and isinstance(column, Oad) and _is_part(wanted, column)):
            return True
    return False


def _is_part(wanted: Oad, whole: Oad) -> bool:
    return bool(wanted.index) and not whole.index and (wanted.oi, wanted.attribute) == (whole.oi, whole.attribute)


def element(cell: Variant, index: int) -> Variant:
    """An element of an array or structure, NULL where it is not there."""
    if cell.tag in {1, _STRUCTURE} and 0 < index <= len(cell.value):
        found: Variant = cell.value[index - 1]
        return found
    return NULL
