"""Profiles: what a meter has stored, to columns with units and times (IEC 62056-6-2, 4.3.6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from meterwire.errors import LocalProtocolError, MalformedError, MeterwireError, SequenceError
from meterwire.protocols.dialogue import Steps, procedure
from meterwire.protocols.dlms.client_changing import ChangingProcedures
from meterwire.protocols.dlms.client_reading import L, data_of
from meterwire.protocols.dlms.client_services.get import fetch, get, get_octets
from meterwire.protocols.dlms.data import DATA, Tag, array, elements, integer, number, octet_string, structure
from meterwire.protocols.dlms.date_time import CosemDateTime
from meterwire.protocols.dlms.interpret import SCALED, SCALER_ATTRIBUTE, moment, normalised, value_of
from meterwire.protocols.dlms.items import Item, Target, item
from meterwire.protocols.dlms.obis import Obis
from meterwire.protocols.dlms.xdlms.common import SelectiveAccess
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities import Quantity, by_obis

PROFILE_GENERIC: Final = 7
CLOCK_CLASS: Final = 8
RANGE, ENTRIES = 1, 2
MOST_COLUMNS: Final = 256
_BUFFER, _CAPTURE_OBJECTS = 2, 3


class ProfileColumn(msgspec.Struct, frozen=True):
    """One column.

    Attributes:
        item: class, logical name and attribute of the capture object.
        quantity: name of the row of the table of quantities, None where it is none of its rows.
        unit: of the values, None where they have none.
        values: one for each row; None where the meter stored nothing.
    """

    item: str
    quantity: str | None
    unit: str | None
    values: list[Any]


class ProfileTable(msgspec.Struct, frozen=True):
    """What was read of a profile.

    Attributes:
        item: the profile.
        times: of each row, None where the meter stored none.
        columns: without the clock that the times are from.
    """

    item: str
    times: list[datetime | None]
    columns: list[ProfileColumn]


class _Captured(msgspec.Struct, frozen=True):
    """A capture object."""

    target: Target
    index: int
    data: Variant


class ProfileProcedures(ChangingProcedures[L]):
    """What reads profiles."""

    @procedure
    def profile(
        self,
        profile: str,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        entries: tuple[int, int] | None = None,
        columns: Sequence[str] = (),
    ) -> Steps[ProfileTable]:
        """Rows of a profile, whole, from a time to another, or by entries; a part of the columns where they are named.

        Args:
            profile: logical name, such as `1-0:99.1.4`.
            start: no rows before; naive is the meter's local time.
            end: no rows behind.
            entries: first and last, counted from 1; 0 as last is the end.
            columns: items of the wanted columns, as for `read`; with times, the clock always is among them.

        Raises:
            LocalProtocolError: the profile has no such column, or time and entries are both given.
            Refused: the code is a `DataAccessResult`.
            MalformedError: the rows are none.
        """
        if entries is not None and (start is not None or end is not None):
            raise LocalProtocolError("rows are chosen by time or by entry, not by both")
        asked = item(profile if "/" in profile else f"{PROFILE_GENERIC}/{profile}")
        yield from self._session.ready()
        captured = yield from self._captured(asked)
        wanted = _wanted(captured, columns)
        selection = self._selection(captured, wanted, start, end, entries)
        octets = yield from get_octets(self._session, Target(PROFILE_GENERIC, asked.instance, _BUFFER), selection)
        if isinstance(octets, MeterwireError):
            raise octets
        scalers = yield from self._column_scalers(wanted)
        return self._table(profile, wanted, _arrays(octets, len(wanted)), scalers)

    def _captured(self, asked: Item) -> Steps[list[_Captured]]:
        target = Target(PROFILE_GENERIC, asked.instance, _CAPTURE_OBJECTS)
        listed = elements(data_of((yield from get(self._session, target)))) or ()
        if len(listed) > MOST_COLUMNS:
            raise SequenceError(f"{len(listed)} capture objects")
        return [_captured_of(entry) for entry in listed]

    def _selection(
        self,
        captured: list[_Captured],
        wanted: list[_Captured],
        start: datetime | None,
        end: datetime | None,
        entries: tuple[int, int] | None,
    ) -> SelectiveAccess | None:
        chosen = [one.data for one in wanted] if len(wanted) < len(captured) else []
        if entries is not None:
            return _by_entry(entries, [captured.index(one) for one in wanted] if chosen else [])
        if start is None and end is None and not chosen:
            return None
        clock = next((one for one in captured if one.target.class_id == CLOCK_CLASS), None)
        if clock is None:
            raise LocalProtocolError("the profile captures no clock: choose rows by entry")
        bounds = [self._bound(when) for when in (start, end)]
        return SelectiveAccess(RANGE, structure(clock.data, *bounds, array(chosen)))

    def _bound(self, when: datetime | None) -> Variant:
        if when is None:
            return octet_string(CosemDateTime().octets)
        local = when.replace(tzinfo=self.zone) if when.tzinfo is None else when.astimezone(self.zone)
        return octet_string(CosemDateTime.of_datetime(local).octets)

    def _column_scalers(self, wanted: list[_Captured]) -> Steps[dict[tuple[int, bytes], Any]]:
        targets = [
            Target(one.target.class_id, one.target.instance, SCALER_ATTRIBUTE[one.target.class_id])
            for one in wanted
            if one.target.attribute in SCALED.get(one.target.class_id, ())
            and (one.target.class_id, one.target.instance) not in self._scalers
        ]
        self._keep_scalers((yield from fetch(self._session, targets)))
        return dict(self._scalers)

    def _table(
        self, profile: str, wanted: list[_Captured], arrays: list[list[Any]], scalers: dict[tuple[int, bytes], Any]
    ) -> ProfileTable:
        times: list[datetime | None] = []
        columns = []
        for one, cells in zip(wanted, arrays, strict=True):
            if one.target.class_id == CLOCK_CLASS and one.target.attribute == 2 and not times:
                times = [moment(_as_data(cell), self.zone) for cell in cells]
                continue
            columns.append(self._column(one, cells, scalers))
        rows = len(arrays[0]) if arrays else 0
        return ProfileTable(profile, times or [None] * rows, columns)

    def _column(self, one: _Captured, cells: list[Any], scalers: dict[tuple[int, bytes], Any]) -> ProfileColumn:
        target = one.target
        row: Quantity | None = by_obis(target.class_id, target.instance, target.attribute)
        declared = scalers.get((target.class_id, target.instance))
        named = Item(str(target), target.instance, target.class_id, target.attribute, row)
        if declared is None or target.attribute not in SCALED.get(target.class_id, ()):
            values = [self._plain(cell, named) for cell in cells]
            return ProfileColumn(str(target), row.name if row else None, row.unit or None if row else None, values)
        wanted = row.unit if row else None
        unit = None
        scaled: list[Any] = []
        for cell in cells:
            raw = _number(cell)
            if raw is None:
                scaled.append(None)
                continue
            value, unit = normalised(raw, declared, wanted)
            scaled.append(value)
        return ProfileColumn(str(target), row.name if row else None, unit or wanted or declared.unit, scaled)

    def _plain(self, cell: Any, named: Item) -> Any:
        data = _as_data(cell)
        if data.tag == Tag.NULL_DATA:
            return None
        at = moment(data, self.zone) if data.tag in (Tag.OCTET_STRING, Tag.DATE_TIME) else None
        if at is not None:
            return at
        if _is_unset(data):
            return None
        return value_of(data, named, self.zone)


def _is_unset(data: Variant) -> bool:
    """A date-time in which nothing is specified, such as of a maximum that there has not been."""
    return isinstance(data.value, bytes) and len(data.value) == 12 and data.value[:5] == b"\xff" * 5


def _captured_of(entry: Any) -> _Captured:
    members = elements(entry) or ()
    if len(members) < 4:
        raise MalformedError("a capture object definition", "capture_objects")
    class_id, attribute, index = (integer(members[place]) for place in (0, 2, 3))
    instance = members[1].value if isinstance(members[1], Variant) else None
    if class_id is None or attribute is None or index is None or not isinstance(instance, bytes) or len(instance) != 6:
        raise MalformedError("class, logical name, attribute and index", "capture_objects")
    return _Captured(Target(class_id, instance, attribute), index, entry)


def _wanted(captured: list[_Captured], columns: Sequence[str]) -> list[_Captured]:
    """The columns that are asked for, in the order of the profile, with the clock."""
    if not columns:
        return captured
    chosen = {_place(captured, text) for text in columns}
    return [one for at, one in enumerate(captured) if at in chosen or one.target.class_id == CLOCK_CLASS]


def _place(captured: list[_Captured], text: str) -> int:
    asked = item(text)
    for at, one in enumerate(captured):
        if one.target.instance == asked.instance and one.target.attribute == asked.attribute:
            return at
    raise LocalProtocolError(f"the profile does not capture {text} ({Obis(asked.instance)})")


def _by_entry(entries: tuple[int, int], places: list[int]) -> SelectiveAccess:
    """Selective access by entry can only take columns that lie side by side: those from the first to the last."""
    first, last = entries
    if not (1 <= first <= 0xFFFFFFFF and 0 <= last <= 0xFFFFFFFF):
        raise LocalProtocolError(f"entries are counted from 1, not {first} to {last}")
    if places and places != list(range(places[0], places[-1] + 1)):
        raise LocalProtocolError("by entry only columns that lie side by side can be chosen")
    left, right = (places[0] + 1, places[-1] + 1) if places else (1, 0)
    bounds = [Variant(Tag.DOUBLE_LONG_UNSIGNED, value) for value in entries]
    sides = [Variant(Tag.LONG_UNSIGNED, value) for value in (left, right)]
    return SelectiveAccess(ENTRIES, structure(*bounds, *sides))


def _arrays(octets: bytes, width: int) -> list[list[Any]]:
    """The cells by column."""
    from meterwire.protocols.wire.columns import columns as columns_of  # noqa: PLC0415  NumPy, for profiles alone

    if octets[:1] == bytes((Tag.ARRAY,)) and octets[1:] in (b"\x00", b"\x81\x00"):
        return [[] for _ in range(width)]
    found = columns_of(DATA, octets)
    if len(found.arrays) != width:
        raise SequenceError(f"rows of {len(found.arrays)} columns came, {width} were due")
    return found.tolist()


def _as_data(cell: Any) -> Variant:
    if isinstance(cell, Variant):
        return cell
    if cell is None:
        return Variant(Tag.NULL_DATA, None)
    if isinstance(cell, bytes):
        return octet_string(cell)
    if isinstance(cell, str):
        return Variant(Tag.VISIBLE_STRING, cell)
    if isinstance(cell, bool):
        return Variant(Tag.BOOLEAN, cell)
    if isinstance(cell, float):
        return Variant(Tag.FLOAT64, cell)
    return Variant(Tag.LONG64 if isinstance(cell, int) else Tag.STRUCTURE, cell if isinstance(cell, int) else ())


def _number(cell: Any) -> Any:
    return number(_as_data(cell))
