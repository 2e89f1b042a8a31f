"""Reading record tables: freezes, events, acquisitions; raw as they come, or as columns with names, units and times."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from meterwire.errors import LocalProtocolError, MeterwireError, Refused
from meterwire.protocols.dialogue import Steps, procedure
from meterwire.protocols.dlt69845.blocks import attributes, md5, records
from meterwire.protocols.dlt69845.descriptors import Oad, Road
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.objects import ObjectTable, object_of, using
from meterwire.protocols.dlt69845.refusals import words
from meterwire.protocols.dlt69845.selecting import all_rows, between, columns_of, newest, nth_last
from meterwire.protocols.dlt69845.services.common import ResultRecord
from meterwire.protocols.dlt69845.services.get import GetRecord
from meterwire.protocols.dlt69845.stored_rows import RecordTable, table_of
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    from meterwire.protocols.dlt69845.session import Session

FREEZES: Final = {
    "instant": 0x5000,
    "second": 0x5001,
    "minute": 0x5002,
    "hour": 0x5003,
    "day": 0x5004,
    "settlement": 0x5005,
    "month": 0x5006,
    "year": 0x5007,
    "season-switch": 0x5008,
    "schedule-switch": 0x5009,
    "price-switch": 0x500A,
    "step-switch": 0x500B,
    "step-settlement": 0x5011,
}
"""Freeze objects by the words people use; those of DL/T 645 are called the same."""

FREEZE_NUMBER, FREEZE_TIME = Oad(0x2023, 2, 0), Oad(0x2021, 2, 0)
EVENT_NUMBER, EVENT_START, EVENT_END, EVENT_SOURCE = (Oad(oi, 2, 0) for oi in (0x2022, 0x201E, 0x2020, 0x2024))
_EVENT: Final = (EVENT_NUMBER, EVENT_START, EVENT_END, EVENT_SOURCE)
_EVENTS, _FREEZES, _PHASE_EVENTS = 7, 9, 24
_ALL_PHASES: Final = 6
_MOST_NEWEST: Final = 255
_SECOND: Final = dt.timedelta(seconds=1)
_FAR: Final = dt.datetime(2099, 12, 31, 23, 59, 59)  # noqa: DTZ001  the meter's own time
_NEAR: Final = dt.datetime(2000, 1, 1)  # noqa: DTZ001  see above
_UNKNOWN_SELECTOR: Final = frozenset(
    {Dar.READ_WRITE_DENIED, Dar.OBJECT_UNAVAILABLE, Dar.TYPE_UNMATCHED, Dar.SCOPE_OF_ACCESS_VIOLATED, Dar.OTHER}
)


class RecordProcedures:
    """GET record, record list and MD5."""

    session: Session
    zone: dt.tzinfo
    objects: ObjectTable

    @procedure
    def get_records(self, wanted: Sequence[GetRecord]) -> Steps[tuple[ResultRecord, ...]]:
        """Read rows of record tables as they come (GET record, record list and next); one result for each table.

        What is refused alone has a `Dar` in its result.

        Raises:
            LocalProtocolError: nothing is asked, or one table twice.
            Refused: the request as a whole.
            SequenceError: the blocks of a long answer do not follow each other, or it answers what was not asked.
            NoAnswer: nothing usable came after all tries.
        """
        return (yield from records(self.session, wanted))

    @procedure
    def get_md5(self, oad: Oad) -> Steps[bytes]:
        """MD5 of an attribute (GET MD5), 16 octets.

        Raises:
            Refused: with the `Dar`.
            NoAnswer: nothing usable came after all tries.
        """
        return (yield from md5(self.session, oad))

    @procedure
    def records(
        self,
        table: str | Oad,
        columns: Sequence[str | Oad | Road] | None = None,
        *,
        last: int | None = None,
        start: dt.datetime | None = None,
        end: dt.datetime | None = None,
        rows: Variant | None = None,
    ) -> Steps[RecordTable]:
        """Read a record table as columns with names, units, scaled numbers and aware times; the oldest row first.

        Args:
            table: an object (`5004`, `50040200`), or a word of `FREEZES`.
            columns: attributes as eight digits, or `TABLE(ATTRIBUTE,...)`; by default what the object stores, as its
                own table of associated attributes says, with number and time in front.
            last: so many of the newest rows.
            start: of freezes or events, no rows before; naive is the meter's local time.
            end: no rows behind.
            rows: any selection of `selecting`, in place of these three.

        Raises:
            LocalProtocolError: the table, a column or the selection cannot be.
            Refused: the table, with the `Dar` in words.
            SequenceError, NoAnswer: before the first rows; later the table has the rows until then, and `error`.
        """
        oad = table_oad(table)
        _refuse_wrong_selection(last, start, end, rows)
        asked = columns_of(columns) if columns is not None else (yield from self._stored_columns(oad))
        begin, until = _local(start, self.zone), _local(end, self.zone)
        if rows is None and (begin is not None or until is not None):
            inclusive = until + _SECOND if until is not None else _FAR
            rows = between(_time_column(oad), begin or _NEAR, inclusive)
        cut: list[MeterwireError] = []
        if rows is None and last is not None:
            record = yield from self._last(oad, asked, last)
        else:
            record = yield from self._record(GetRecord(oad, rows or all_rows(), asked), cut)
        with using(self.objects):
            return table_of(record, self.zone, cut[0] if cut else None)

    def _record(self, wanted: GetRecord, cut: list[MeterwireError] | None = None) -> Steps[ResultRecord]:
        (record,) = yield from records(self.session, [wanted], cut)
        if record.result.tag == 0:
            raise Refused(record.result.value, words(record.result.value))
        return record

    def _last(self, oad: Oad, columns: tuple[Oad | Road, ...], count: int) -> Steps[ResultRecord]:
        """The newest rows: by selector 9 for one, else by selector 10, or one by one where the meter knows none."""
        if count > 1:
            try:
                return (yield from self._record(GetRecord(oad, newest(count), columns)))
            except Refused as error:
                if error.code not in _UNKNOWN_SELECTOR:
                    raise
        found: list[ResultRecord] = []
        for number in range(1, count + 1):
            record = yield from self._record(GetRecord(oad, nth_last(number), columns))
            if not record.result.value:
                break
            found.append(record)
        head = found[0] if found else record
        rows = tuple(row for one in reversed(found) for row in one.result.value)
        return ResultRecord(head.oad, head.width, head.columns, Variant(1, rows))

    def _stored_columns(self, oad: Oad) -> Steps[tuple[Oad | Road, ...]]:
        """What an object stores beside number and time; of one that does not tell, all columns are asked for."""
        with using(self.objects):
            row = object_of(oad.oi)
        class_id = row.class_id if row else 0
        if class_id not in {_EVENTS, _FREEZES, _PHASE_EVENTS}:
            return ()
        told = Oad(oad.oi, 2 if class_id == _PHASE_EVENTS else 3, 0)
        (result,) = yield from attributes(self.session, [told])
        if result.result.tag == 0:
            return ()
        related = _oads_in(result.result.value)
        standard = (FREEZE_NUMBER, FREEZE_TIME) if class_id == _FREEZES else _EVENT
        return columns_of((*standard, *(one for one in related if one not in standard)))


def table_oad(table: str | Oad) -> Oad:
    """The record table that an OAD, an object identifier, or a word of `FREEZES` means; raises LocalProtocolError."""
    if isinstance(table, Oad):
        return table
    if table in FREEZES:
        return Oad(FREEZES[table], 2, 0)
    digits = table if len(table) == 8 else f"{table}00" if len(table) == 6 else table + _table_of(table)
    try:
        return Oad.of(digits)
    except LocalProtocolError as error:
        known = ", ".join(FREEZES)
        raise LocalProtocolError(f"{table!r} is no record table: an object such as 5004, or {known}") from error


def _table_of(oi: str) -> str:
    """Attribute and index of the records of an object."""
    try:
        row = object_of(int(oi, 16))
    except ValueError:
        return ""
    return f"{_ALL_PHASES:02X}00" if row is not None and row.class_id == _PHASE_EVENTS else "0200"


def _time_column(oad: Oad) -> Oad:
    row = object_of(oad.oi)
    return EVENT_START if row is not None and row.class_id in {_EVENTS, _PHASE_EVENTS} else FREEZE_TIME


def _oads_in(data: Variant) -> tuple[Oad, ...]:
    """The attributes of a table of associated ones: of events they stand alone, of freezes among period and depth."""
    found: list[Oad] = []
    for one in data.value if isinstance(data.value, tuple) else ():
        parts = one.value if isinstance(one.value, tuple) else (one,)
        found += [part.value for part in parts if isinstance(part, Variant) and isinstance(part.value, Oad)]
    return tuple(dict.fromkeys(found))


def _local(moment: dt.datetime | None, zone: dt.tzinfo) -> dt.datetime | None:
    if moment is None or moment.tzinfo is None:
        return moment
    return moment.astimezone(zone).replace(tzinfo=None)


def _refuse_wrong_selection(
    last: int | None, start: dt.datetime | None, end: dt.datetime | None, rows: Variant | None
) -> None:
    if sum((last is not None, start is not None or end is not None, rows is not None)) > 1:
        raise LocalProtocolError("select rows in one way: the last ones, a time, or a selection of your own")
    if last is not None and not 1 <= last <= _MOST_NEWEST:
        raise LocalProtocolError(f"1 to {_MOST_NEWEST} of the newest rows can be asked for, not {last}")
