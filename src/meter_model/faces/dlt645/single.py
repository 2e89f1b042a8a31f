"""Event records of classes 10H to 20H (later filings; seen in public programs): counts, minutes, and single columns.

What class 03 has in one record is read here item by item: DI1 is the column, DI0 which of the last ten records.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from meterwire.meter_model.faces.dlt645.kinds import kinds_of_single
from meterwire.meter_model.faces.dlt645.records import column_octets
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlt645.formats import format_of
from meterwire.protocols.dlt645.identifiers import Column, Identifier, identifier

DEPTH: Final = 10
_COUNT, _MINUTES = 1, 2
_MOST: Final = 999_999
_START, _END = 1, 2
_STAMP: Final = "YYMMDDhhmmss"
_NO_TIME: Final = bytes(6)
_TITLE: Final = re.compile(r".*: ")


class SingleItems:
    """The event records of one meter, column by column."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def octets(self, di: int) -> bytes | None:
        """An item of a record, a count or minutes; None where the meter does not have the kind or the column."""
        found, column, number = identifier(di), di >> 8 & 0xFF, di & 0xFF
        kinds = [kind for kind in kinds_of_single(di) if kind in self._meter.events.kinds]
        if found is None or not kinds or number > DEPTH:
            return None
        if not column:
            return self._total(kinds, number)
        if ": " in found.name:
            return self._item(kinds[0], found, number)
        return self._latest(kinds, column)

    def _total(self, kinds: Sequence[str], number: int) -> bytes | None:
        """Of all phases it is the sum (recalled)."""
        events = self._meter.events
        if number == _COUNT:
            value = sum(events.count(kind) for kind in kinds)
        elif number == _MINUTES:
            value = sum(events.total(kind) // 60 for kind in kinds)
        else:
            return None
        return format_of("XXXXXX").encode(min(value, _MOST))

    def _item(self, kind: str, found: Identifier, number: int) -> bytes | None:
        record = self._meter.events.record(kind, number)
        if record is None:
            return bytes(found.octets or 0) or None
        column = Column(_TITLE.sub("", found.name), found.name_zh, found.format, found.unit, found.word)
        return column_octets(column, record, signed=found.signed)

    def _latest(self, kinds: Sequence[str], column: int) -> bytes | None:
        """When any phase last began or ended; zeros for never."""
        records = [one for one in map(self._meter.events.record, kinds) if one is not None]
        moments: dict[int, list[datetime]] = {
            _START: [one.start for one in records],
            _END: [one.end for one in records if one.end is not None],
        }
        if column not in moments:
            return None
        return format_of(_STAMP).encode(max(moments[column])) if moments[column] else _NO_TIME
