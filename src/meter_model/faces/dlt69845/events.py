"""Event objects of DL/T 698.45 (classes 7 and 24, objects 3000 to 302E): record tables and everything beside them.

A record has the standard columns (number, start, end, source, report states), what its kind adds, and snapshots: an
OAD whose feature is 1 is the value before the event began, 4 that after it ended (001 and 100 of the attribute's high
bits; seen in displays of real meters as 00102201 and 00108201). The columns of purchases (3028) are assumed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from meterwire.meter_model.events import EventRecord
from meterwire.meter_model.faces.dlt69845.records import OwnCells
from meterwire.meter_model.faces.dlt69845.selection import OwnRows
from meterwire.meter_model.faces.dlt69845.stored import (
    NULL,
    Stored,
    oads_of,
    quantities_of,
    stored,
    time_data,
)
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.values import Demand, truncated
from meterwire.protocols.dlt69845.descriptors import Oad, Omd
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.objects import object_of
from meterwire.protocols.wire.nodes import Variant

BEFORE, AFTER = 1, 4
NUMBER: Final = Oad(0x2022, 2, 0)
START: Final = Oad(0x201E, 2, 0)
END: Final = Oad(0x2020, 2, 0)
SOURCE: Final = Oad(0x2024, 2, 0)
STATES: Final = Oad(0x3300, 2, 0)
_STANDARD: Final = (NUMBER, START, END, SOURCE, STATES)
_OVER, _OVER_TIME = Oad(0x3308, 2, 6), Oad(0x3308, 2, 7)
_PROGRAMMED, _CLEARED = Oad(0x3302, 2, 6), Oad(0x330C, 2, 6)
_VOLTAGE_PEAK, _CURRENT_PEAK, _CHARGE = Oad(0x2026, 2, 0), Oad(0x2027, 2, 0), Oad(0x2029, 2, 0)
_CLOCK_BEFORE, _CLOCK_AFTER = Oad(0x4000, 0x22, 0), Oad(0x4000, 0x82, 0)
_LEFT_BEFORE, _LEFT_AFTER, _BOUGHT = Oad(0x202C, 0x22, 1), Oad(0x202C, 0x82, 1), Oad(0x202E, 0x82, 0)
_PURCHASES: Final = Oad(0x202C, 0x82, 2)
_MOST: Final = {18: 0xFFFF, 6: 0xFFFF_FFFF}


class EventRow:
    """One event."""

    def __init__(self, meter: Meter, record: EventRecord, number: int) -> None:
        self._meter, self.record, self._number = meter, record, number
        self._readable = {BEFORE: Stored(record.before), AFTER: Stored(record.after)}

    def value(self, oad: Oad) -> Variant:
        """A column."""
        own = _OWN.get(oad)
        if own is not None:
            return own(self.record)
        if oad == NUMBER:
            return Variant(6, self._number)
        if oad == STATES:
            return report_states(self._meter, self.record)
        values = self._readable.get(oad.attribute >> 5)
        return NULL if values is None else stored(values, oad)


class EventTable(OwnRows, OwnCells):
    """The records of one table of an event object; raises `Denied` where this meter knows none of its kinds."""

    time = START

    def __init__(self, meter: Meter, kinds: Sequence[str]) -> None:
        self._meter = meter
        self._kinds = [kind for kind in kinds if kind in meter.events.kinds]
        if not self._kinds:
            raise Denied(Dar.OBJECT_UNDEFINED)
        self._rows: Sequence[EventRow] | None = None
        self.associated = associated(meter, self._kinds)

    @property
    def columns(self) -> tuple[Oad, ...]:
        """The standard ones, then what the kinds add."""
        return (*_STANDARD, *self.associated)

    def knows(self, oad: Oad) -> bool:
        """Whether it can have such a column."""
        return oad in _STANDARD or oad in _OWN or bool(quantities_of(oad))

    def entries(self) -> Sequence[EventRow]:
        """All records, the oldest first; those of several kinds are numbered together."""
        if self._rows is None:
            self._rows = self._entries()
        return self._rows

    def _entries(self) -> list[EventRow]:
        events = self._meter.events
        records = [record for kind in self._kinds for record in reversed(events.records(kind))]
        if len(self._kinds) == 1:
            return [EventRow(self._meter, record, record.number) for record in records]
        records.sort(key=lambda record: record.start)
        first = sum(events.count(kind) for kind in self._kinds) - len(records) + 1
        return [EventRow(self._meter, record, first + at) for at, record in enumerate(records)]


def associated(meter: Meter, kinds: Iterable[str]) -> tuple[Oad, ...]:
    """What records of some kinds keep beside the standard columns."""
    found: dict[Oad, None] = {}
    for name in kinds:
        kind = meter.events.kinds.get(name)
        if kind is not None:
            found |= dict.fromkeys(_special(name, kind.during))
            for names, feature in zip(meter.events.columns(name), (BEFORE, AFTER), strict=True):
                found |= dict.fromkeys(oads_of(meter, names, feature))
    return tuple(found)


def _special(kind: str, during: tuple[str, ...]) -> tuple[Oad, ...]:
    if kind.startswith("demand_over_"):
        return _OVER, _OVER_TIME
    own: Mapping[str, tuple[Oad, ...]] = {
        "programming": (_PROGRAMMED,),
        "event_clear": (_CLEARED,),
        "clock_set": (_CLOCK_BEFORE, _CLOCK_AFTER),
        "purchase": (_LEFT_BEFORE, _LEFT_AFTER, _PURCHASES, _BOUGHT),
        "voltage_unbalance": (_VOLTAGE_PEAK,),
        "current_unbalance": (_CURRENT_PEAK,),
        "current_severe_unbalance": (_CURRENT_PEAK,),
    }
    return own.get(kind, (_CHARGE,) if "charge" in during else ())


# ---------------------------------------------------------------- columns that are no snapshots


def report_states(meter: Meter, record: EventRecord) -> Variant:
    """For each channel that the event was or shall be reported through, how far that has come."""
    states = meter.reports.states(record.kind, record.number)
    return Variant(1, tuple(Variant(2, (Variant(81, Oad.of(to)), Variant(17, bits))) for to, bits in states.items()))


def _over(record: EventRecord) -> Variant:
    demand = record.during.get("demand")
    return _counted(demand.value, -4, 6) if isinstance(demand, Demand) else NULL


def _over_time(record: EventRecord) -> Variant:
    demand = record.during.get("demand")
    return time_data(demand.time) if isinstance(demand, Demand) else NULL


def _peak(record: EventRecord) -> Variant:
    peak = record.during.get("peak")
    return _counted(peak, -2, 18) if isinstance(peak, Fraction) else NULL


def _charge(record: EventRecord) -> Variant:
    """Ampere-hours, the total and each phase."""
    names = ("charge_total", "charge_a", "charge_b", "charge_c")
    found = [record.during[name] for name in names if isinstance(record.during.get(name), Fraction)]
    return Variant(1, tuple(_counted(value, -2, 6) for value in found)) if found else NULL


def _money(name: str) -> Callable[[EventRecord], Variant]:
    """What a record of a purchase has of money; an account in overdraft has none, as 202C says it."""

    def told(record: EventRecord) -> Variant:
        money = record.before.get(name)
        return _counted(max(money, Fraction(0)), -2, 6) if isinstance(money, Fraction) else NULL

    return told


def _purchases(record: EventRecord) -> Variant:
    count = record.before.get("count")
    return Variant(6, count) if isinstance(count, int) else NULL


def _items(record: EventRecord) -> Variant:
    """The attributes that were written, as far as they are objects of this dialect."""
    oads = [Oad.of(item) for item in record.before.get("items", ()) if _is_descriptor(item)]
    return Variant(1, tuple(Variant(81, oad) for oad in oads if object_of(oad.oi) is not None))


def _cleared(record: EventRecord) -> Variant:
    """The methods that cleared: array of OMD."""
    found = [Omd.of(item) for item in record.before.get("items", ()) if _is_descriptor(item)]
    return Variant(1, tuple(Variant(83, omd) for omd in found if object_of(omd.oi) is not None))


def _is_descriptor(item: Any) -> bool:
    return isinstance(item, str) and len(item) == 8 and all(digit in "0123456789ABCDEF" for digit in item)


def _counted(value: Fraction, exponent: int, tag: int) -> Variant:
    raw = truncated(value, exponent)
    return Variant(tag, raw) if 0 <= raw <= _MOST[tag] else NULL


_OWN: Final[Mapping[Oad, Callable[[EventRecord], Variant]]] = {
    START: lambda record: time_data(record.start),
    END: lambda record: time_data(record.end),
    SOURCE: lambda _: NULL,
    _OVER: _over,
    _OVER_TIME: _over_time,
    _PROGRAMMED: _items,
    _CLEARED: _cleared,
    _LEFT_BEFORE: _money("before"),
    _LEFT_AFTER: _money("after"),
    _PURCHASES: _purchases,
    _BOUGHT: _money("cumulative"),
    _VOLTAGE_PEAK: _peak,
    _CURRENT_PEAK: _peak,
    _CHARGE: _charge,
    _CLOCK_BEFORE: lambda record: time_data(record.before.get("date_time")),
    _CLOCK_AFTER: lambda record: time_data(record.after.get("time")),
}
