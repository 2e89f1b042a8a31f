"""What the meter has stored, as profiles: load profile, freezes, settlements' rows and logs of events.

Logical names: load profile class n is 1-0:99.1.n, daily freezes 1-0:98.2.0, monthly ones 1-0:98.1.0, hourly ones
1-0:99.2.0, and the log of a group of events 0-0:99.98.n; events have codes of the meter's own (0-0:96.11.n).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import msgspec

from meterwire.meter_model.clock import local_seconds
from meterwire.meter_model.faces.dlms.cosem_model import Attribute, CosemClass, CosemObject, Denied, View
from meterwire.meter_model.faces.dlms.cosem_profile import PROFILE_GENERIC, Column
from meterwire.meter_model.faces.dlms.cosem_values import ABSENT, NAME, data_of, set_parameter, time_data
from meterwire.meter_model.values import Demand
from meterwire.protocols.dlms.data import Tag, octet_string
from meterwire.protocols.dlms.date_time import CosemDateTime
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities import QUANTITIES, Quantity

CLOCK: Final = bytes((0, 0, 1, 0, 0, 255))
FREEZES: Final = {
    "monthly": bytes((1, 0, 98, 1, 0, 255)),
    "daily": bytes((1, 0, 98, 2, 0, 255)),
    "hourly": bytes((1, 0, 99, 2, 0, 255)),
}
"""Kinds of freezes that are profiles; the choice of logical names for the hourly ones is this meter's own."""
_HOUR: Final = {"hourly": "hourly_freeze_interval"}
_EXTENDED: Final = 4
_ENDED: Final = 0x8000
"""Added to the code of an event where it ends."""


def _time_cell(row: Any) -> Variant:
    return octet_string(CosemDateTime.of_datetime(row.time).octets)


CLOCK_COLUMN: Final = Column(8, CLOCK, 2, _time_cell)


@cache
def _columns_of(names: tuple[str, ...]) -> tuple[Column, ...]:
    columns = [CLOCK_COLUMN]
    for name in names:
        row = QUANTITIES.get(name)
        if row is not None and row.obis is not None and row.class_id is not None:
            columns += _columns_of_quantity(row)
    return tuple(columns)


def _columns_of_quantity(row: Quantity) -> list[Column]:
    """Its value, and behind it the time of a maximum."""
    assert row.obis is not None and row.class_id is not None  # noqa: PT018  the caller has looked

    def value(stored: Any) -> Variant:
        found = stored.values.get(row.name)
        if found is None or row.dlms is None:
            return ABSENT
        try:
            return data_of(found, row.dlms)
        except Denied:
            return ABSENT

    def time(stored: Any) -> Variant:
        found = stored.values.get(row.name)
        return time_data(found.time if isinstance(found, Demand) else None)

    columns = [Column(row.class_id, row.obis, row.attribute or 2, value)]
    if row.class_id == _EXTENDED:
        columns.append(Column(row.class_id, row.obis, 5, time))
    return columns


class LoadSource(msgspec.Struct, frozen=True):
    """A class of the load profile."""

    number: int

    def columns(self, meter: Any) -> tuple[Column, ...]:
        """The clock, and what the class stores."""
        return _columns_of(tuple(row.name for row in meter.load_profile.columns(self.number)))

    def rows(self, meter: Any) -> Sequence[Any]:
        """All rows, the oldest first."""
        rows: Sequence[Any] = meter.load_profile.rows(self.number)
        return rows

    def period(self, meter: Any) -> int:
        """Seconds between two rows."""
        return 60 * int(meter.load_profile.interval(self.number))

    def capacity(self, meter: Any) -> int:
        """Rows that are kept."""
        return int(meter.load_profile.series[self.number].depth)

    def set_period(self, view: View, seconds: int, item: str) -> None:
        """Whole minutes; the meter records from the next multiple on."""
        if seconds % 60:
            raise Denied(DataAccessResult.OTHER_REASON)
        set_parameter(view, f"load_profile_interval_{self.number}", seconds // 60, item)

    def reset(self, meter: Any) -> None:
        """Forget the rows of this class."""
        meter.advance()
        meter.load_profile.series[self.number].clear()

    def capture(self, meter: Any) -> None:
        """Store a row now."""
        meter.advance()
        profile = meter.load_profile
        profile.take(self.number, meter.sample(everything=profile.needs_everything(self.number)))


class FreezeSource(msgspec.Struct, frozen=True):
    """A kind of freeze."""

    kind: str

    def columns(self, meter: Any) -> tuple[Column, ...]:
        """The clock, and everything that the rows or the next one have."""
        names = dict.fromkeys(row.name for row in meter.freezes.columns(self.kind))
        return _columns_of(tuple(names))

    def rows(self, meter: Any) -> Sequence[Any]:
        """All rows, the oldest first."""
        rows: Sequence[Any] = meter.freezes.rows(self.kind)
        return rows

    def period(self, meter: Any) -> int:
        """Seconds, where freezes of the kind come at an interval; days and months are the meter's own schedule."""
        if self.kind in _HOUR:
            return 60 * int(meter.parameters[_HOUR[self.kind]])
        return 86_400 if self.kind == "daily" else 0

    def capacity(self, meter: Any) -> int:
        """Rows that are kept."""
        return int(meter.freezes.series[self.kind].depth)

    def set_period(self, view: View, seconds: int, item: str) -> None:
        """Only hourly freezes have an interval: 1 to 99 minutes."""
        if self.kind not in _HOUR:
            raise Denied(DataAccessResult.READ_WRITE_DENIED)
        if seconds % 60:
            raise Denied(DataAccessResult.OTHER_REASON)
        set_parameter(view, _HOUR[self.kind], seconds // 60, item)

    def reset(self, meter: Any) -> None:
        """Forget the rows of this kind."""
        meter.advance()
        meter.freezes.series[self.kind].clear()

    def capture(self, meter: Any) -> None:
        """Freeze now."""
        meter.freezes.trigger(self.kind)


def ended_code(code: int) -> int:
    """The code of the end of an event."""
    return code | _ENDED


class EventRow(msgspec.Struct, frozen=True):
    """An entry of a log."""

    time: Any
    code: int

    @property
    def second(self) -> int:
        """When, seconds since 1970 local."""
        return local_seconds(self.time.replace(tzinfo=None))


class EventSource(msgspec.Struct, frozen=True):
    """The log of a group of events: every beginning, and every end of what has a duration.

    Attributes:
        codes: of the kinds of the group, by name.
    """

    number: int
    codes: tuple[tuple[str, int], ...]

    @property
    def code_instance(self) -> bytes:
        """Logical name of the object that the code of an entry is of."""
        return bytes((0, 0, 96, 11, self.number, 255))

    def columns(self, meter: Any) -> tuple[Column, ...]:
        """Clock and code."""
        del meter
        code = Column(1, self.code_instance, 2, lambda row: Variant(Tag.LONG_UNSIGNED, row.code))
        return CLOCK_COLUMN, code

    def rows(self, meter: Any) -> Sequence[Any]:
        """All entries, the oldest first."""
        rows = []
        for kind, code in self.codes:
            for record in meter.events.records(kind):
                rows.append(EventRow(record.start, code))
                if record.end is not None:
                    rows.append(EventRow(record.end, ended_code(code)))
        return sorted(rows, key=lambda row: (row.second, row.code))

    def period(self, meter: Any) -> int:
        """None."""
        del meter
        return 0

    def capacity(self, meter: Any) -> int:
        """Beginnings and ends of the records that are kept of each kind."""
        from meterwire.meter_model.events.kinds import DEPTH  # noqa: PLC0415  tables are read when events are asked for

        del meter
        return 2 * DEPTH * len(self.codes)

    def set_period(self, view: View, seconds: int, item: str) -> None:
        """Events come when they come."""
        del view, seconds, item
        raise Denied(DataAccessResult.READ_WRITE_DENIED)

    def reset(self, meter: Any) -> None:
        """Forget the events of the group, except those that are always kept."""
        meter.clear_events([kind for kind, _ in self.codes])

    def capture(self, meter: Any) -> None:
        """Nothing but an event makes an entry."""
        del meter
        raise Denied(DataAccessResult.READ_WRITE_DENIED)


def _last_code(found: CosemObject, view: View) -> Variant:
    """The code of the last event of the group; 0 while there has been none."""
    rows = found.detail.rows(view.meter)
    return Variant(Tag.LONG_UNSIGNED, rows[-1].code if rows else 0)


EVENT_CODE: Final = CosemClass(1, 0, {1: NAME, 2: Attribute(_last_code)})


def profiles(meter: Any) -> list[CosemObject]:
    """The profiles of a meter that stores anything."""
    found = []
    if hasattr(meter, "load_profile"):
        for number in meter.load_profile.classes:
            found.append(CosemObject(PROFILE_GENERIC, bytes((1, 0, 99, 1, number, 255)), detail=LoadSource(number)))  # noqa: PERF401  one sort after the other
    if hasattr(meter, "freezes"):
        for kind, instance in FREEZES.items():
            if kind in meter.freezes.kinds:
                found.append(CosemObject(PROFILE_GENERIC, instance, detail=FreezeSource(kind)))
    if hasattr(meter, "events"):
        for source in event_sources(meter):
            found.append(CosemObject(PROFILE_GENERIC, bytes((0, 0, 99, 98, source.number, 255)), detail=source))
            found.append(CosemObject(EVENT_CODE, source.code_instance, detail=source))
    return found


def event_sources(meter: Any) -> list[EventSource]:
    """The logs of events, one for each group."""
    groups: dict[str, list[tuple[str, int]]] = {}
    for code, (name, kind) in enumerate(meter.events.kinds.items(), 1):
        groups.setdefault(kind.group, []).append((name, code))
    return [EventSource(number, tuple(codes)) for number, codes in enumerate(groups.values())]
