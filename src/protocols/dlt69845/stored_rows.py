"""Rows of record tables as columns: names, units, scaled numbers and aware times.

An attribute that is an array, such as an energy with its rates, becomes one column for each element; a maximum demand
becomes its value and its time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from meterwire.errors import MeterwireError
from meterwire.protocols.dlt69845.dates import DateTime, DateTimeS
from meterwire.protocols.dlt69845.descriptors import Oad, Road
from meterwire.protocols.dlt69845.items import Scale
from meterwire.protocols.dlt69845.objects import attribute_of, element_name, object_of
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities import by_oad

if TYPE_CHECKING:
    from meterwire.protocols.dlt69845.services.common import ResultRecord

TIMES: Final = frozenset({0x2021, 0x201E, 0x6042})
"""Objects whose value is the time of a row: of a freeze, of the start of an event, of storage of an acquisition."""
_ARRAY, _STRUCTURE = 1, 2
_INTEGERS: Final = frozenset({5, 6, 15, 16, 17, 18, 20, 21})
_PAIR: Final = 2
_UNSPECIFIED: Final = frozenset("*-: ")
_WIDEST: Final = 256
"""Elements of one attribute that become columns of their own."""
_SNAPSHOTS: Final = {1: "before", 4: "after"}
"""Attribute features of the related columns of an event: the value before it began and after it ended (seen on meters,
not in the text at hand). 0 is the value as it is."""


class Heading(msgspec.Struct, frozen=True):
    """What a column is.

    Attributes:
        name: the quantity where the table of quantities has it, else the object and the element in words.
        unit: of the numbers; empty where there is none.
        oad: what it was taken from, with the index of the element.
        quantity: name of the row of the table of quantities, None where it is none.
    """

    name: str
    unit: str
    oad: Oad
    quantity: str | None = None

    @property
    def column(self) -> str:
        """Name and unit, as a table is headed."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


class RecordTable(msgspec.Struct, frozen=True):
    """What was read of one record table.

    Attributes:
        oad: the record table.
        headings: one for each column, the times of rows among them.
        columns: values of each column, one for each row, None where the meter has none; the oldest row first.
        error: why it is not complete; None where it is.
    """

    oad: Oad
    headings: tuple[Heading, ...]
    columns: tuple[tuple[Any, ...], ...]
    error: MeterwireError | None = None

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    @property
    def rows(self) -> tuple[tuple[Any, ...], ...]:
        """The same row by row."""
        return tuple(zip(*self.columns, strict=True))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(heading.name for heading in self.headings)

    @property
    def units(self) -> tuple[str, ...]:
        """Units of the columns."""
        return tuple(heading.unit for heading in self.headings)

    @property
    def times(self) -> tuple[Any, ...]:
        """The time of each row, none where no column tells it."""
        for heading, values in zip(self.headings, self.columns, strict=True):
            if heading.oad.oi in TIMES:
                return values
        return (None,) * len(self)

    def __getitem__(self, name: str) -> tuple[Any, ...]:
        """The values of a column by name; raises KeyError."""
        try:
            return self.columns[self.names.index(name)]
        except ValueError:
            raise KeyError(name) from None


def table_of(record: ResultRecord, zone: dt.tzinfo, error: MeterwireError | None = None) -> RecordTable:
    """The columns that the rows of an answer make; one that was refused has none.

    Args:
        record: table, columns and rows as they came.
        zone: of the meter's clock.
        error: what cut the reading short.
    """
    rows = record.result.value if record.result.tag else ()
    headings: list[Heading] = []
    columns: list[tuple[Any, ...]] = []
    for heading, values in _columns(record.columns, rows, zone):
        headings.append(heading)
        columns.append(values)
    return RecordTable(record.oad, _told_apart(headings), tuple(columns), error)


Column = tuple[Heading, tuple[Any, ...]]


def _columns(asked: Sequence[Oad | Road], rows: Sequence[Sequence[Variant]], zone: dt.tzinfo) -> Iterator[Column]:
    for place, column in enumerate(asked):
        cells = [row[place] for row in rows]
        if isinstance(column, Oad):
            yield from _attribute(column, cells, zone)
            continue
        for inner, oad in enumerate(column.related):
            yield from _attribute(oad, [_related(cell, inner, len(column.related)) for cell in cells], zone)


_NOTHING: Final = Variant(0, None)


def _related(cell: Variant, place: int, count: int) -> Variant:
    """One of the `count` attributes of a ROAD column: a member of a structure.

    Concentrators also send an array of these members, one list for each record of the table, and a single attribute
    without a list around it (seen on their lines, not in the text at hand). NULL where there is none.
    """
    if cell.tag not in {_ARRAY, _STRUCTURE}:
        return cell if count == 1 else _NOTHING
    found: tuple[Variant, ...] = cell.value
    records = cell.tag == _ARRAY and found and all(_is_record(one, count) for one in found)
    if records and not (len(found) == count and _ARRAY in {one.tag for one in found}):
        inner = tuple(one.value[place] for one in found)
        return inner[0] if len(inner) == 1 else Variant(_ARRAY, inner)
    if cell.tag == _ARRAY and count == 1 and len(found) != 1:
        return cell
    return found[place] if place < len(found) else _NOTHING


def _is_record(cell: Variant, count: int) -> bool:
    return cell.tag in {_ARRAY, _STRUCTURE} and len(cell.value) == count


def _attribute(oad: Oad, cells: list[Variant], zone: dt.tzinfo) -> Iterator[Column]:
    """One column, or one for each element where the attribute is a list."""
    lists = [cell.value for cell in cells if cell.tag == _ARRAY]
    width = max(map(len, lists), default=0)
    if oad.index or not 0 < width <= _WIDEST:
        yield from _values(oad, cells, zone)
        return
    for index in range(1, width + 1):
        element = Oad(oad.oi, oad.attribute, index)
        yield from _values(element, [_element(cell, index) for cell in cells], zone)


def _element(cell: Variant, index: int) -> Variant:
    if cell.tag == _ARRAY and index <= len(cell.value):
        found: Variant = cell.value[index - 1]
        return found
    return cell if index == 1 and cell.tag != _ARRAY else _NOTHING


def _values(oad: Oad, cells: list[Variant], zone: dt.tzinfo) -> Iterator[Column]:
    heading, scale = heading_of(oad), Scale(oad, by_oad(_bare(oad)), zone)
    if any(_is_peak(cell) for cell in cells):
        yield heading, tuple(scale.value(cell.value[0]) if _is_peak(cell) else scale.value(cell) for cell in cells)
        when = msgspec.structs.replace(heading, name=f"{heading.name}, time", unit="")
        yield when, tuple(_time(cell.value[1].value, zone) if _is_peak(cell) else None for cell in cells)
        return
    yield heading, _scaled(cells, scale, zone)


def _is_peak(cell: Variant) -> bool:
    """A value with the time at which it was reached."""
    found = cell.value
    return cell.tag == _STRUCTURE and len(found) == _PAIR and isinstance(found[1].value, (DateTimeS, DateTime))


def _scaled(cells: list[Variant], scale: Scale, zone: dt.tzinfo) -> tuple[Any, ...]:
    exponent = scale.exponent
    if exponent < 0 and all(cell.tag in _INTEGERS for cell in cells):  # nearly always, and long
        point: Callable[[Any], Decimal] = Decimal
        tail = f"E{exponent}"
        return tuple(point(f"{cell.value}{tail}") for cell in cells)
    return tuple(_one(cell, scale, zone) for cell in cells)


def _one(cell: Variant, scale: Scale, zone: dt.tzinfo) -> Any:
    if isinstance(cell.value, (DateTimeS, DateTime)):
        return _time(cell.value, zone)
    return scale.value(cell)


def _time(value: DateTimeS | DateTime, zone: dt.tzinfo) -> dt.datetime | str | None:
    """A time; None for none at all, and as it was sent where it is none of the calendar."""
    return value.datetime(zone) or (None if set(str(value)) <= _UNSPECIFIED else str(value))


# ---------------------------------------------------------------- names


def _bare(oad: Oad) -> int:
    """The OAD without its feature, as the table of quantities has it."""
    return oad.oi << 16 | oad.number << 8 | oad.index


def heading_of(oad: Oad) -> Heading:
    """What the column of an attribute, or of one element, is called, and its unit."""
    row = by_oad(_bare(oad))
    feature = _feature(oad)
    scale = Scale(oad, row, None)
    if row is not None:
        return Heading(row.name + feature, scale.unit or "", oad, row.name if not feature else None)
    known, member = object_of(oad.oi), attribute_of(oad.packed)
    name = known.name if known else str(oad)
    if member is not None and (known is None or oad.number not in {0, 2}):
        name += f", {member.name}"
    if oad.index:
        name += f", {element_name(known, oad.number, oad.index) or f'element {oad.index}'}"
    return Heading(name + feature, scale.unit or "", oad)


def _feature(oad: Oad) -> str:
    number = oad.attribute >> 5
    return f", {_SNAPSHOTS.get(number, f'feature {number}')}" if number else ""


def _told_apart(headings: list[Heading]) -> tuple[Heading, ...]:
    """Columns of one name get the descriptor behind it."""
    names = [heading.name for heading in headings]
    return tuple(
        heading
        if names.count(heading.name) == 1
        else msgspec.structs.replace(heading, name=f"{heading.name} [{heading.oad}]")
        for heading in headings
    )
