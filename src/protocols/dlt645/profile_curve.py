"""Reading load curves (State Grid supplement of 2014, 0610ggii): points at equal distances from a time on."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from meterwire.errors import LocalProtocolError, MalformedError, MeterwireError, Refused, SequenceError
from meterwire.protocols.dialogue import Steps, procedure
from meterwire.protocols.dlt645.cells import cells
from meterwire.protocols.dlt645.conversation import L
from meterwire.protocols.dlt645.curve import points
from meterwire.protocols.dlt645.editions import EDITION_2007
from meterwire.protocols.dlt645.identifiers import decode, identifier
from meterwire.protocols.dlt645.profile import ProfileProcedures, Seen, nobody
from meterwire.protocols.dlt645.profile_rows import Field, Profile, ProfileRow, curve_number

_CLASS_OF_GROUP: Final = {1: 1, 2: 1, 3: 2, 4: 2, 5: 3, 6: 4, 7: 5, 8: 6}
"""Class of the load records that store a group of curves."""
_INTERVAL: Final = 0x04000A01
_PAGE: Final = 24
_BLOCK: Final = 0xFF
_SINGLE: Final = range(0x10)
_YEARS: Final = range(2000, 2100)
_Points = dict[datetime, list[Field]]


class CurveProcedures(ProfileProcedures[L]):
    """What reads load curves."""

    @procedure
    def read_points(
        self,
        kind: str,
        start: datetime,
        end: datetime | None = None,
        count: int | None = None,
        seen: Seen = nobody,
    ) -> Steps[Profile]:
        """The points of a group of curves in the order of time; how far they are apart is read from the meter first.

        A meter without whole groups, as single-phase ones, is read curve by curve.

        Args:
            kind: one of `profile_rows.CURVES`.
            start: of the first point; naive is the meter's local time.
            end: of the last.
            count: how many points; None for all that there are.
            seen: is told how many points have come.

        Raises:
            LocalProtocolError: there is no such group, or the meter is one of 1997.
            Refused, MalformedError, NoAnswer: before the first point; later ones are in the profile.
        """
        group = curve_number(kind)
        begin, until, most = self._range(start, end, count)
        if begin is None:
            raise LocalProtocolError("load curves are read from a time on")
        yield from self._known()
        self._only(2007, "read load curves")
        step = yield from self._interval(group)
        rows: list[ProfileRow] = []
        items: list[int] = [_item(group, _BLOCK)]
        error = None
        while len(rows) < most:
            try:
                page = yield from self._page(items, begin, min(_PAGE, most - len(rows)), step)
                if not page and not rows and len(items) == 1:
                    items = [one for one in (_item(group, place) for place in _SINGLE) if identifier(one) is not None]
                    page = yield from self._page(items, begin, min(_PAGE, most), step)
            except MeterwireError as found:
                if not rows:
                    raise
                error = found
                break
            rows += [
                ProfileRow(f"{_item(group, _BLOCK):08X}", time, tuple(fields))
                for time, fields in sorted(page.items())
                if until is None or time <= until
            ]
            seen(len(rows))
            if not page or (until is not None and max(page) + step > until) or (max(page) + step).year not in _YEARS:
                break
            begin = max(page) + step
        return Profile(tuple(rows[:most]), error)

    def _interval(self, group: int) -> Steps[timedelta]:
        di = _INTERVAL + _CLASS_OF_GROUP[group]
        minutes = decode(di, (yield from self._data(EDITION_2007, di)))
        if not isinstance(minutes, Decimal) or minutes <= 0:
            raise MalformedError(f"the interval of the load records is {minutes!r} min", offset=0)
        return timedelta(minutes=int(minutes))

    def _page(self, items: list[int], begin: datetime, count: int, step: timedelta) -> Steps[_Points]:
        """Points by their time, of several curves together as far as all reach; none where there are no more."""
        selection = bytes.fromhex(f"{count:02d}") + bytes.fromhex(begin.strftime("%y%m%d%H%M"))[::-1]
        page: _Points = {}
        reach: list[datetime] = []
        for di in items:
            try:
                octets = yield from self._data(EDITION_2007, di, selection)
            except Refused as error:
                if getattr(error.code, "no_requested_data", 0):
                    continue
                raise
            found = self._points(di, octets, step) if octets else []
            if found and found[0][0] < begin:
                raise SequenceError("the points of the load curve lie before the time that was asked for")
            for time, fields in found:
                page.setdefault(time, []).extend(fields)
            reach += [time for time, _ in found[-1:]]
        return {time: fields for time, fields in page.items() if time <= min(reach)}

    def _points(self, di: int, octets: bytes, step: timedelta) -> list[tuple[datetime, list[Field]]]:
        value: Any = decode(di, octets)
        try:
            found = points(value, step)
        except LocalProtocolError as error:
            raise MalformedError(f"a load curve with a time: {error}", offset=0) from error
        return [(time.replace(tzinfo=self.zone), _fields(di, value[0], point)) for time, point in found]


def _item(group: int, place: int) -> int:
    return 0x06100000 | group << 8 | place


def _fields(di: int, stamp: Any, point: Any) -> list[Field]:
    """The values of one point, named by what the curve is of."""
    found = identifier(di)
    if found is None:
        return []
    curve = found.name.removeprefix("load curve block: ").removeprefix("load curve ")
    fields = []
    for cell in cells(found, (stamp, [point]))[1:]:
        _, inner, name = cell.name.partition(", ")
        fields.append(Field(f"{curve}, {name}" if inner else curve, cell.unit, cell.value))
    return fields
