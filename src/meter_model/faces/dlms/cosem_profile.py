"""Profile generic: class 7 (IEC 62056-6-2, 4.3.6), whatever its rows are; they are encoded one by one.

An object's `detail` is its `Source`. Selectors: 1 a range of a column, 2 entries and columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final, Protocol

import msgspec

from meterwire.errors import MalformedError
from meterwire.meter_model.clock import local_seconds
from meterwire.meter_model.faces.dlms.cosem_model import (
    Attribute,
    CosemClass,
    CosemObject,
    Denied,
    Given,
    Level,
    Method,
    Rows,
    View,
)
from meterwire.meter_model.faces.dlms.cosem_values import NAME, fixed, given, given_members
from meterwire.protocols.dlms.data import INTEGER_TAGS, Tag, array, number, octet_string, structure
from meterwire.protocols.dlms.date_time import CosemDateTime
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.dlms.xdlms.common import SelectiveAccess
from meterwire.protocols.wire.nodes import Variant

RANGE, ENTRIES = 1, 2
CLOCK_CLASS: Final = 8
_FIFO: Final = 1
_UNSORTED: Final = structure(
    Variant(Tag.LONG_UNSIGNED, 0),
    octet_string(bytes(6)),
    Variant(Tag.INTEGER, 0),
    Variant(Tag.LONG_UNSIGNED, 0),
)
_COUNTS: Final = (Tag.DOUBLE_LONG_UNSIGNED,)
_LONG: Final = (Tag.LONG_UNSIGNED,)
_SELECTED_MOST: Final = 64


class Column(msgspec.Struct, frozen=True):
    """A capture object, and how its cell is found in a row."""

    class_id: int
    instance: bytes
    attribute: int
    cell: Callable[[Any], Variant]

    @property
    def data(self) -> Variant:
        """The capture object definition."""
        return structure(
            Variant(Tag.LONG_UNSIGNED, self.class_id),
            octet_string(self.instance),
            Variant(Tag.INTEGER, self.attribute),
            Variant(Tag.LONG_UNSIGNED, 0),
        )


class Source(Protocol):
    """The rows behind a profile. Each row has a `second`: seconds since 1970 local."""

    def columns(self, meter: Any) -> tuple[Column, ...]:
        """The capture objects, the clock among them."""

    def rows(self, meter: Any) -> Sequence[Any]:
        """All rows, the oldest first."""

    def period(self, meter: Any) -> int:
        """Capture period in seconds, 0 where nothing is captured at intervals."""

    def capacity(self, meter: Any) -> int:
        """Most rows."""

    def set_period(self, view: View, seconds: int, item: str) -> None:
        """Capture at another interval; raises `Denied`."""

    def reset(self, meter: Any) -> None:
        """Forget all rows; raises `Denied`."""

    def capture(self, meter: Any) -> None:
        """Store a row now; raises `Denied`."""


def _source(found: CosemObject) -> Source:
    source: Source = found.detail
    return source


def _encoded(rows: Sequence[Any], columns: Sequence[Column]) -> Rows:
    def elements() -> Iterator[Variant]:
        for row in rows:
            yield structure(*(column.cell(row) for column in columns))

    return Rows(len(rows), elements())


def _buffer(found: CosemObject, view: View) -> Given:
    source = _source(found)
    return _encoded(source.rows(view.meter), source.columns(view.meter))


def _selected(found: CosemObject, view: View, selection: SelectiveAccess) -> Given:
    source = _source(found)
    rows, columns = source.rows(view.meter), source.columns(view.meter)
    if selection.selector == ENTRIES:
        return _by_entry(rows, columns, selection.parameters)
    return _by_range(rows, columns, selection.parameters, view)


# ---------------------------------------------------------------- by entry


def _by_entry(rows: Sequence[Any], columns: Sequence[Column], asked: Variant) -> Given:
    first, last, left, right = (one.value for one in given_members(asked, _COUNTS, _COUNTS, _LONG, _LONG))
    chosen = _slice(columns, left, right)
    if first < 1 or 0 < last < first:
        raise Denied(DataAccessResult.OTHER_REASON)
    return _encoded(rows[first - 1 : last or None], chosen)


def _slice(columns: Sequence[Column], left: int, right: int) -> Sequence[Column]:
    if left < 1 or 0 < right < left or left > len(columns):
        raise Denied(DataAccessResult.OTHER_REASON)
    return columns[left - 1 : right or None]


# ---------------------------------------------------------------- by range


def _by_range(rows: Sequence[Any], columns: Sequence[Column], asked: Variant, view: View) -> Given:
    members = given(asked, Tag.STRUCTURE)
    if len(members) != 4:
        raise Denied(DataAccessResult.TYPE_UNMATCHED)
    restricting, low, high, wanted = members
    column = _column(restricting, columns)
    chosen = [_column(one, columns) for one in _bounded(given(wanted, Tag.ARRAY))] or columns
    if column.class_id == CLOCK_CLASS:
        begin, end = (_second(bound, view) for bound in (low, high))
        return _within(rows, chosen, begin, end, lambda row: row.second)
    begin_value, end_value = (_number(bound) for bound in (low, high))
    return _within(rows, chosen, begin_value, end_value, lambda row: number(column.cell(row)))


def _within(rows: Sequence[Any], chosen: Sequence[Column], begin: Any, end: Any, key: Callable[[Any], Any]) -> Given:
    if begin is not None and end is not None and end < begin:
        raise Denied(DataAccessResult.OTHER_REASON)

    def inside(row: Any) -> bool:
        value = key(row)
        return value is not None and (begin is None or value >= begin) and (end is None or value <= end)

    return _encoded([row for row in rows if inside(row)], chosen)


def _bounded(wanted: Sequence[Variant]) -> Sequence[Variant]:
    if len(wanted) > _SELECTED_MOST:
        raise Denied(DataAccessResult.OTHER_REASON)
    return wanted


def _column(definition: Variant, columns: Sequence[Column]) -> Column:
    """The column that a capture object definition means; raises `Denied`."""
    class_id, name, attribute, _ = (
        one.value for one in given_members(definition, _LONG, (Tag.OCTET_STRING,), (Tag.INTEGER,), _LONG)
    )
    for column in columns:
        if (column.class_id, column.instance, column.attribute) == (class_id, name, attribute):
            return column
    raise Denied(DataAccessResult.OBJECT_UNDEFINED)


def _second(bound: Variant, view: View) -> int | None:
    """Seconds since 1970 local of a bound; None for one that is wholly unspecified."""
    octets = given(bound, Tag.OCTET_STRING, Tag.DATE_TIME, Tag.DATE)
    if len(octets) not in (5, 12):
        raise Denied(DataAccessResult.TYPE_UNMATCHED)
    fields = CosemDateTime.of_octets(octets)
    if fields.octets[:5] == b"\xff" * 5:
        return None
    zone = view.meter.clock.zone
    if len(octets) == 5:
        fields = msgspec.structs.replace(fields, hour=0, minute=0)
    try:
        local = fields.calendar(zone).astimezone(zone)
        return local_seconds(local.replace(tzinfo=None))
    except (MalformedError, OverflowError, ValueError):
        raise Denied(DataAccessResult.OTHER_REASON) from None


def _number(bound: Variant) -> Decimal | None:
    if bound.tag == Tag.NULL_DATA:
        return None
    return Decimal(int(given(bound, *INTEGER_TAGS)))


# ---------------------------------------------------------------- the other attributes


def _capture_objects(found: CosemObject, view: View) -> Variant:
    return array(column.data for column in _source(found).columns(view.meter))


def _capture_period(found: CosemObject, view: View) -> Variant:
    return Variant(Tag.DOUBLE_LONG_UNSIGNED, _source(found).period(view.meter))


def _set_capture_period(found: CosemObject, view: View, data: Variant) -> None:
    _source(found).set_period(view, given(data, Tag.DOUBLE_LONG_UNSIGNED), found.named(4))


def _entries_in_use(found: CosemObject, view: View) -> Variant:
    return Variant(Tag.DOUBLE_LONG_UNSIGNED, len(_source(found).rows(view.meter)))


def _profile_entries(found: CosemObject, view: View) -> Variant:
    return Variant(Tag.DOUBLE_LONG_UNSIGNED, _source(found).capacity(view.meter))


def _reset(found: CosemObject, view: View, data: Variant) -> None:
    given(data, Tag.INTEGER, Tag.NULL_DATA)
    _source(found).reset(view.meter)
    view.meter.programming.note(view.author(found.named(1)))


def _capture(found: CosemObject, view: View, data: Variant) -> None:
    given(data, Tag.INTEGER, Tag.NULL_DATA)
    _source(found).capture(view.meter)


PROFILE_GENERIC: Final = CosemClass(
    7,
    1,
    {
        1: NAME,
        2: Attribute(_buffer, select=_selected, selectors=(RANGE, ENTRIES)),
        3: Attribute(_capture_objects),
        4: Attribute(_capture_period, _set_capture_period),
        5: Attribute(fixed(Variant(Tag.ENUM, _FIFO))),
        6: Attribute(fixed(_UNSORTED)),
        7: Attribute(_entries_in_use),
        8: Attribute(_profile_entries),
    },
    {1: Method(_reset, Level.READER), 2: Method(_capture, Level.READER)},
)
"""What is captured is part of the meter, so that capture_objects cannot be set."""
