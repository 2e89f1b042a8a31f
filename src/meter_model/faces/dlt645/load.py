"""Load records of class 06 (DL/T 645-2007, annexes A, table A.7, and B): the earliest, from a time on, the latest."""

from __future__ import annotations

import re
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.faces.dlt645.answers import other_error
from meterwire.meter_model.faces.dlt645.numbers import cut
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.row import Row
from meterwire.protocols.dlt645.identifiers import identifier
from meterwire.protocols.dlt645.load_record import GROUPS, VALID

LOAD_CLASS: Final = 0x06
_EARLIEST, _FROM, _LATEST = 0, 1, 2
_ALL: Final = 0
_LONGEST: Final = 12
"""Records that one request brings at most: an item of this many still fits follow-up frames of any length."""
_MEMBER: Final = re.compile(r"([^*;]+)(?:\*(\d+))?")
_MOMENT: Final = 6


class LoadItems:
    """The load records of one meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def octets(self, di: int, selection: bytes) -> bytes | None:
        """Records one after another; empty where there is none, None where the meter has no such class.

        Args:
            di: data identifier.
            selection: how many, one octet BCD; behind it, for those from a time on, mm hh DD MM YY.

        Raises:
            Denied: the selection is none.
        """
        di3, number, di1, which = di.to_bytes(4, "big")
        if (
            di3 != LOAD_CLASS
            or di1
            or which > _LATEST
            or (number != _ALL and number not in self._meter.load_profile.classes)
        ):
            return None
        count, start = _selected(which, selection)
        if start is not None:
            start = start.replace(tzinfo=self._meter.clock.zone)
        rows = self._rows(number, start)
        chosen = rows[-count:] if which == _LATEST else rows[:count]
        found = identifier(di)
        return b"" if found is None else found.codec.encode([_record(one) for one in chosen])

    def _rows(self, number: int, start: datetime | None) -> list[dict[int, Row]]:
        self._meter.advance()
        profile = self._meter.load_profile
        if number == _ALL:
            return profile.records(start)
        return [{number: row} for row in profile.rows(number, start)]


def _selected(which: int, selection: bytes) -> tuple[int, datetime | None]:
    if which == _LATEST and not selection:
        return 1, None
    digits = selection[:1].hex()
    if not digits.isdecimal() or not int(digits) or len(selection) != (_MOMENT if which == _FROM else 1):
        raise other_error()
    start = None
    if which == _FROM:
        try:
            start = datetime.strptime(selection[:0:-1].hex(), "%y%m%d%H%M")  # noqa: DTZ007  the meter's local time
        except ValueError as error:
            raise other_error() from error
    return min(int(digits), _LONGEST), start


def _record(rows: dict[int, Row]) -> tuple[Any, ...]:
    time = next(iter(rows.values())).time
    groups = [_group(rows[number], layout) if number in rows else None for number, layout in enumerate(GROUPS, 1)]
    return VALID, time, *groups


def _group(row: Row, layout: str) -> list[Any]:
    """The values of a class in the order of the standard; what the meter lacks is 0, as single-phase meters send it."""
    formats = [one for one, times in _MEMBER.findall(layout) for _ in range(int(times or 1))]
    values = [row.values.get(name, Fraction(0)) for name in row.columns]
    if len(values) != len(formats):
        raise LocalProtocolError(f"a class of {len(values)} quantities has no place in a load record of {len(formats)}")
    return [cut(value, one) for value, one in zip(values, formats, strict=True)]
