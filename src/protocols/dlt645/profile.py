"""Reading what a meter has stored row by row: freezes (class 05) and load records (class 06). Nothing is changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from meterwire.errors import LocalProtocolError, MalformedError, MeterwireError, Refused, SequenceError
from meterwire.protocols.dialogue import Steps, procedure
from meterwire.protocols.dlt645.conversation import L
from meterwire.protocols.dlt645.editions import EDITION_2007
from meterwire.protocols.dlt645.identifiers import decode, identifier
from meterwire.protocols.dlt645.profile_rows import (
    NEVER,
    Profile,
    ProfileRow,
    freeze_items,
    freeze_number,
    load_number,
    row_of,
)
from meterwire.protocols.dlt645.reading import ReadingProcedures

MOST_ROWS: Final = 100_000
"""Rows that are read at most, nearly three years of quarters of an hour: no meter keeps one busy for ever."""
_PAGE: Final = 10
_DEEPEST: Final = 0xFE
_EARLIEST, _FROM = 0, 1
_MINUTE: Final = timedelta(minutes=1)
_YEARS: Final = range(2000, 2100)

Seen = Callable[[int], None]
"""Is told how many rows have come."""


def nobody(rows: int) -> None:
    """Whoever does not want to know."""


class ProfileProcedures(ReadingProcedures[L]):
    """What reads many stored rows. What has been read is kept when the meter falls silent on the way."""

    @procedure
    def read_freezes(
        self,
        kind: str,
        start: datetime | None = None,
        end: datetime | None = None,
        count: int | None = None,
        seen: Seen = nobody,
    ) -> Steps[Profile]:
        """Freezes of a kind from the last one back, until the meter has no more (DL/T 645-2007, table A.6).

        A meter that does not know whole blocks is read item by item.

        Args:
            kind: one of `FREEZES`.
            start: no freezes before; the first older one ends the reading. Naive is the meter's local time.
            end: no freezes behind.
            count: how many of the latest in that time; None for all.
            seen: is told how many rows have come.

        Raises:
            LocalProtocolError: there is no such kind, or the meter is one of 1997.
            Refused, MalformedError, NoAnswer: before the first row; later ones are in the profile.
        """
        freeze_number(kind)
        begin, until, most = self._range(start, end, count)
        yield from self._known()
        self._only(2007, "read freezes like this")
        rows: list[ProfileRow] = []
        error = None
        whole = True
        for number in range(1, _DEEPEST + 1):
            try:
                row, whole = yield from self._freeze(kind, number, whole=whole)
            except MeterwireError as found:
                if not rows:
                    raise
                error = found
                break
            if row is None or (begin is not None and row.time is not None and row.time < begin):
                break
            if until is None or row.time is None or row.time <= until:
                rows.append(row)
                seen(len(rows))
            if len(rows) >= most:
                break
        return Profile(tuple(reversed(rows)), error)

    @procedure
    def read_records(
        self,
        kind: str = "load",
        start: datetime | None = None,
        end: datetime | None = None,
        count: int | None = None,
        seen: Seen = nobody,
    ) -> Steps[Profile]:
        """Load records of a class in the order of time (DL/T 645-2007, table A.7 and annex B).

        Args:
            kind: one of `LOADS`.
            start: of the first; None begins with the earliest. Naive is the meter's local time.
            end: of the last.
            count: how many from there on; None for all, up to `MOST_ROWS`.
            seen: is told how many rows have come.

        Raises:
            LocalProtocolError: there is no such class, or the meter is one of 1997.
            Refused, MalformedError, NoAnswer: before the first row; later ones are in the profile.
        """
        number = load_number(kind)
        begin, until, most = self._range(start, end, count)
        yield from self._known()
        self._only(2007, "read load records like this")
        rows: list[ProfileRow] = []
        error = None
        while len(rows) < most:
            try:
                page = yield from self._records(number, begin, min(_PAGE, most - len(rows)))
                rows += [row for row in page if _within(row, begin, until)]
                begin = _behind(page, begin)
            except MeterwireError as found:
                if not rows:
                    raise
                error = found
                break
            seen(len(rows))
            if begin is None or (until is not None and begin > until):
                break
        return Profile(tuple(rows[:most]), error)

    def _range(
        self, start: datetime | None, end: datetime | None, count: int | None
    ) -> tuple[datetime | None, datetime | None, int]:
        begin, until = self._local(start), self._local(end)
        if begin is not None and (begin.second or begin.microsecond):
            begin = begin.replace(second=0, microsecond=0) + _MINUTE
        if count is not None and not 1 <= count <= MOST_ROWS:
            raise LocalProtocolError(f"1 to {MOST_ROWS} rows are read, not {count}")
        if begin is not None and until is not None and until < begin:
            raise LocalProtocolError(f"{end} is before {start}")
        return begin, until, count or MOST_ROWS

    def _local(self, moment: datetime | None) -> datetime | None:
        if moment is None:
            return None
        if moment.year in _YEARS:
            local = moment.replace(tzinfo=self.zone) if moment.tzinfo is None else moment.astimezone(self.zone)
            if local.year in _YEARS:
                return local
        raise LocalProtocolError(f"a meter tells the years {_YEARS.start} to {_YEARS.stop - 1}, not {moment}")

    def _freeze(self, kind: str, number: int, *, whole: bool) -> Steps[tuple[ProfileRow | None, bool]]:
        """A freeze so many back, None where there is none; and whether the meter knows whole blocks."""
        block, items = freeze_items(kind, number)
        found = identifier(block)
        if found is None:
            return None, whole
        value: Any = None
        if whole:
            value = yield from self._stored(block)
        if isinstance(value, bytes) or (value is None and (not whole or number == 1)):
            parts = yield from self._by_items(items)
            if parts is not None:
                value, whole = parts, False
        if value is None or (isinstance(value, tuple) and value[0] in (None, NEVER)):
            return None, whole
        return row_of(found, value, self.zone), whole

    def _by_items(self, items: tuple[int, ...]) -> Steps[tuple[Any, ...] | None]:
        """The items of a freeze as its block has them; None where there is no such freeze."""
        time = yield from self._stored(items[0])
        if time is None:
            return None
        values = [time]
        for item in items[1:]:
            value = yield from self._stored(item)
            values.append(value)
        return tuple(values)

    def _stored(self, di: int) -> Steps[Any]:
        """The decoded data of an item; None where the meter has no such data."""
        try:
            octets = yield from self._data(EDITION_2007, di)
        except Refused as error:
            if getattr(error.code, "no_requested_data", 0):
                return None
            raise
        return decode(di, octets) if octets else None

    def _records(self, number: int, begin: datetime | None, count: int) -> Steps[list[ProfileRow]]:
        """A page of load records; none where the meter has no more."""
        di = 0x06000000 | number << 16 | (_EARLIEST if begin is None else _FROM)
        selection = bytes.fromhex(f"{count:02d}")
        if begin is not None:
            selection += bytes.fromhex(begin.strftime("%y%m%d%H%M"))[::-1]
        found = identifier(di)
        try:
            octets = yield from self._data(EDITION_2007, di, selection)
        except Refused as error:
            if getattr(error.code, "no_requested_data", 0):
                return []
            raise
        value = decode(di, octets)
        if found is None or not isinstance(value, list):
            raise MalformedError(f"load records in {di:08X}", offset=0)
        return [row_of(found, record, self.zone) for record in value]


def _within(row: ProfileRow, begin: datetime | None, until: datetime | None) -> bool:
    if row.time is None:
        return True
    return (begin is None or row.time >= begin) and (until is None or row.time <= until)


def _behind(page: list[ProfileRow], begin: datetime | None) -> datetime | None:
    """Where to go on: a minute behind the last record. None where there is nothing more.

    Raises:
        SequenceError: the records lie before the time that was asked for: the meter would send them for ever.
    """
    if not page:
        return None
    times = [row.time for row in page if row.time is not None]
    if not times or (begin is not None and max(times) < begin):
        raise SequenceError("the load records do not go on in time")
    following = max(times) + _MINUTE
    return following if following.year in _YEARS else None
