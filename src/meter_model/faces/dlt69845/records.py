"""Reading record tables: rows and columns that a request asks for, and answers cut into blocks as they are fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

from meterwire.meter_model.faces.dlt69845.selection import Entry, Rows, selected
from meterwire.meter_model.faces.dlt69845.stored import NULL
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.protocols.dlt69845.data import DATA
from meterwire.protocols.dlt69845.descriptors import Oad, Road
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.services.common import ResultRecord
from meterwire.protocols.dlt69845.services.get import GetRecord
from meterwire.protocols.wire.codec import Codec
from meterwire.protocols.wire.nodes import Variant

Column = Oad | Road
Row = tuple[Variant, ...]
_MOST_COLUMNS: Final = 128


class Table(Rows, Protocol):
    """A record table."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Its own columns, which an empty RCSD stands for."""

    def want(self, columns: Sequence[Column]) -> None:
        """The columns that are asked for, before any row is."""

    def cell(self, entry: Any, column: Column, asked: Oad) -> Variant:
        """What stands in a column of a row; `asked` is the table as it was asked for."""


class OwnCells:
    """Cells of a table whose rows come from itself alone, whatever is asked for."""

    def want(self, columns: Sequence[Column]) -> None:
        """All rows have all columns."""

    def cell(self, entry: Any, column: Column, asked: Oad) -> Variant:
        """The value of an attribute; attributes of the very table (ROAD) as a structure, NULL for another table."""
        if isinstance(column, Oad):
            found: Variant = entry.value(column)
            return found
        if (column.oad.oi, column.oad.number) != (asked.oi, asked.number):
            return NULL  # a row of another table is no part of this one
        return Variant(2, tuple(entry.value(one) for one in column.related))


class Reading:
    """The rows of one table that one request asked for.

    Args:
        table: where the rows are.
        oad: the record table as it was asked for.
        columns: of the answer.
        entries: the rows; their values are worked out when a block needs them.
    """

    def __init__(self, table: Table, oad: Oad, columns: tuple[Column, ...], entries: Sequence[Entry]) -> None:
        self._table = table
        self.oad, self.columns, self.entries = oad, columns, entries

    def row(self, at: int) -> Row:
        """The values of one row, one for each column."""
        entry = self.entries[at]
        return tuple(self._table.cell(entry, column, self.oad) for column in self.columns)


def reading_of(table: Table, asked: GetRecord, address: bytes) -> Reading:
    """What a request for a record table means.

    Args:
        table: the one that `asked.oad` names; its index, where it is not 0, means the n-th last row.
        asked: table, selector and columns.
        address: of the meter, as a TSA has it.

    Raises:
        Denied: the selector does not fit the table, or there are more columns than anybody needs.
    """
    columns = asked.columns or table.columns
    table.want(columns)
    if _width(columns) > _MOST_COLUMNS:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
    entries = selected(table, asked.rows, address)
    if asked.oad.index:
        place = len(table.entries()) - asked.oad.index
        wanted = table.entries()[place] if place >= 0 else None
        entries = [one for one in entries if one is wanted]
    return Reading(table, asked.oad, columns, entries)


def _width(columns: Sequence[Column]) -> int:
    return sum(1 if isinstance(column, Oad) else len(column.related) for column in columns)


Part = Reading | ResultRecord
"""A reading, or the answer of a table that cannot be read."""


class RecordBlocks:
    """An answer with record tables, cut into blocks when they are fetched; it keeps one block and the place behind it.

    Args:
        parts: in the order of the request; each is made when a block needs it.
        room: octets of a block, without what surrounds the records.
        codec_of: the codec of a layout in the edition of the connection.
    """

    def __init__(self, parts: Iterable[Part], room: int, codec_of: Callable[[Any], Codec[Any]]) -> None:
        self._parts, self._room = parts, room
        self._cells, self._heads = codec_of(DATA), codec_of(ResultRecord)
        self._ahead = self._cut()
        self._next: tuple[ResultRecord, ...] | None = next(self._ahead, ())
        self.number = 0
        self.block: tuple[ResultRecord, ...] = ()

    @property
    def last(self) -> bool:
        """Whether nothing follows the present block."""
        return self._next is None

    def advance(self) -> None:
        """Go to the next block, if there is one."""
        if self._next is not None:
            self.block, self._next = self._next, next(self._ahead, None)
            self.number += 1

    def _cut(self) -> Iterator[tuple[ResultRecord, ...]]:
        block: list[ResultRecord] = []
        used = 0
        for part in self._parts:
            pieces = iter([(part, len(self._heads.build(part)))]) if isinstance(part, ResultRecord) else None
            for record, size in pieces or self._pieces(part, self._room - used, bool(block)):
                if block and used + size > self._room:
                    yield tuple(block)
                    block, used = [], 0
                block.append(record)
                used += size
        if block:
            yield tuple(block)

    def _pieces(self, part: Any, room: int, shared: bool) -> Iterator[tuple[ResultRecord, int]]:
        """The rows of one table, as many in a piece as a block has room for, at least one."""
        head = len(self._heads.build(_record(part, ())))
        rows: list[Row] = []
        used = head
        room = room if shared and room > head else self._room
        for at in range(len(part.entries)):
            row = part.row(at)
            size = sum(len(self._cells.build(cell)) for cell in row)
            if rows and used + size > room:
                yield _record(part, tuple(rows)), used
                rows, used, room = [], head, self._room
            rows.append(row)
            used += size
        if rows or not part.entries:
            yield _record(part, tuple(rows)), used


def _record(part: Reading, rows: tuple[Row, ...]) -> ResultRecord:
    return ResultRecord(part.oad, len(part.columns), part.columns, Variant(1, rows))


def refused(asked: GetRecord, denied: Denied) -> ResultRecord:
    """The answer of a table that cannot be read, with its columns unless there were too many."""
    columns = asked.columns if _width(asked.columns) <= _MOST_COLUMNS else ()
    return ResultRecord(asked.oad, len(columns), columns, Variant(0, denied.dar))
