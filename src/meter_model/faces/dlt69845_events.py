"""Event objects of DL/T 698.45 (classes 7 and 24, objects 3000 to 302E): record tables and everything beside them.

A record has the standard columns (number, start, end, source, report states), what its kind adds, and snapshots: an
OAD whose feature is 1 is the value before the event began, 4 that after it ended (001 and 100 of the attribute's high
bits; seen in displays of real meters as 00102201 and 00108201).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.events import EventRecord
from meterwire.meter_model.events.kinds import DEPTH, limit_table
from meterwire.meter_model.faces.dlt69845_event_kinds import EventObject, event_objects
from meterwire.meter_model.faces.dlt69845_stored import (
    NULL,
    Stored,
    names_of,
    oads_of,
    quantities_of,
    stored,
    time_data,
)
from meterwire.meter_model.faces.dlt69845_types import Denied
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.parameters import Author
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


class EventTable:
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
    _VOLTAGE_PEAK: _peak,
    _CURRENT_PEAK: _peak,
    _CHARGE: _charge,
    _CLOCK_BEFORE: lambda record: time_data(record.before.get("date_time")),
    _CLOCK_AFTER: lambda record: time_data(record.after.get("time")),
}


# ---------------------------------------------------------------- attributes beside the records


def event_object(meter: Meter, oi: int) -> EventObject:
    """The event object of that OI; raises `Denied` where this meter knows none of its kinds."""
    found = event_objects().get(oi)
    if found is None or not any(kind in meter.events.kinds for kind in found.all_kinds):
        raise Denied(Dar.OBJECT_UNDEFINED)
    return found


def value(meter: Meter, found: EventObject, number: int) -> Variant | None:
    """An attribute that is no record table, whole; None where the class has no such attribute."""
    serve = (_PHASED if found.phased else _PLAIN).get(number)
    return None if serve is None else serve(meter, found)


def _associations(meter: Meter, found: EventObject) -> Variant:
    return Variant(1, tuple(Variant(81, oad) for oad in associated(meter, found.all_kinds)))


def _counts(meter: Meter, found: EventObject) -> Variant:
    """How many records there are, of each table."""
    counts = [Variant(18, len(_records(meter, kinds))) for kinds in found.tables]
    return Variant(2, tuple(counts)) if found.phased else counts[0]


def _most(meter: Meter, found: EventObject) -> Variant:
    del meter
    return Variant(18, max(len(kinds) for kinds in found.tables) * DEPTH)


def _configuration(meter: Meter, found: EventObject) -> Variant:
    limits = meter.events.limits
    raw = ((one, truncated(limits[one.name], one.exponent) if one.name else 0) for one in found.limits)
    return Variant(2, tuple(Variant(one.tag, min(max(number, one.low), one.high)) for one, number in raw))


def _current(meter: Meter, found: EventObject) -> Variant:
    """How often, and seconds in all; a capture of class 24 has them without a source, in four structures."""
    totals = [_total(meter, kinds) for kinds in found.tables]
    return Variant(1, tuple(totals) if found.phased else (Variant(2, (NULL, totals[0])),))


def _total(meter: Meter, kinds: tuple[str, ...]) -> Variant:
    known = [kind for kind in kinds if kind in meter.events.kinds]
    count = sum(map(meter.events.count, known))
    seconds = sum(map(meter.events.total, known))
    return Variant(2, tuple(Variant(6, min(number, _MOST[6])) for number in (count, seconds)))


def _flag(meter: Meter, found: EventObject) -> Variant:
    return Variant(22, max((meter.reports.flag(kind) for kind in found.all_kinds), default=0))


def _valid(meter: Meter, found: EventObject) -> Variant:
    """All events that the meter knows it watches for."""
    del meter, found
    return Variant(3, True)


def _times(meter: Meter, found: EventObject) -> Variant:
    """The last start and end, of each table; class 24's form follows that of class 7 (assumed)."""
    times = [_last_times(meter, kinds) for kinds in found.tables]
    if found.phased:
        return Variant(1, tuple(Variant(2, pair) for pair in times))
    return Variant(1, (Variant(2, (NULL, Variant(2, times[0]))),))


def _last_times(meter: Meter, kinds: tuple[str, ...]) -> tuple[Variant, Variant]:
    records = _records(meter, kinds)
    ends = [record.end for record in records if record.end is not None]
    starts = [record.start for record in records]
    return time_data(max(starts, default=None)), time_data(max(ends, default=None))


def _statistics(meter: Meter, found: EventObject) -> Variant:
    """Of voltage losses: how often, seconds in all, the last start and end (order as displays of meters have it)."""
    if found.oi != 0x3000:
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    total = _total(meter, found.kinds).value
    return Variant(2, (*total, *_last_times(meter, found.kinds)))


def _records(meter: Meter, kinds: tuple[str, ...]) -> list[EventRecord]:
    return [record for kind in kinds if kind in meter.events.kinds for record in meter.events.records(kind)]


_Serve = Callable[[Meter, EventObject], Variant]
_PLAIN: Final[Mapping[int, _Serve]] = {
    3: _associations,
    4: _counts,
    5: _most,
    6: _configuration,
    7: _current,
    8: _flag,
    9: _valid,
    10: _times,
}
_PHASED: Final[Mapping[int, _Serve]] = {
    2: _associations,
    3: _counts,
    4: _most,
    5: _configuration,
    10: _current,
    11: _flag,
    12: _valid,
    13: _statistics,
    14: _times,
}


# ---------------------------------------------------------------- changing


def put(meter: Meter, found: EventObject, number: int, data: Variant, by: Author | None = None) -> None:
    """Set the configuration (6, of class 24: 5) or the report flag (8; 11); raises `Denied`."""
    if number == (5 if found.phased else 6):
        _configure(meter, found, data, by)
    elif number == (11 if found.phased else 8):
        if data.tag != 22:
            raise Denied(Dar.TYPE_UNMATCHED)
        if data.value > 3:
            raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
        for kind in found.all_kinds:
            meter.reports.set_flag(kind, int(data.value))
    else:
        raise Denied(Dar.READ_WRITE_DENIED)


def _configure(meter: Meter, found: EventObject, data: Variant, by: Author | None) -> None:
    if data.tag != 2 or tuple(one.tag for one in data.value) != tuple(one.tag for one in found.limits):
        raise Denied(Dar.TYPE_UNMATCHED)
    table = limit_table()
    for member, given in zip(found.limits, data.value, strict=True):
        if not member.name:
            continue
        value = Fraction(given.value) * Fraction(10) ** member.exponent
        try:
            if table[member.name].parameter:
                meter.parameters.set(table[member.name].parameter, _decimal(value), by)
            else:
                meter.events.set_limit(member.name, value)
        except LocalProtocolError:
            raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED) from None


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def clear(meter: Meter, found: EventObject, by: Author | None = None) -> None:
    """Method 1: forget the events of this object; that is recorded."""
    kinds = [kind for kind in found.all_kinds if kind in meter.events.kinds]
    meter.events.clear(kinds, source="" if by is None else by.operator, item=f"{found.oi:04X}0100")


def add(meter: Meter, found: EventObject, parameter: Variant) -> None:
    """Method 4: keep one more attribute, before (feature 1) or after (feature 4), of all kinds; raises `Denied`."""
    _associate(meter, found, parameter, lambda kept, wanted: (*kept, *(name for name in wanted if name not in kept)))


def delete(meter: Meter, found: EventObject, parameter: Variant) -> None:
    """Method 5: keep an attribute no longer; raises `Denied`."""
    if parameter.tag == 81 and parameter.value not in associated(meter, found.all_kinds):
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    _associate(meter, found, parameter, lambda kept, wanted: tuple(name for name in kept if name not in wanted))


def _associate(
    meter: Meter,
    found: EventObject,
    parameter: Variant,
    change: Callable[[tuple[str, ...], tuple[str, ...]], tuple[str, ...]],
) -> None:
    if parameter.tag != 81:
        raise Denied(Dar.TYPE_UNMATCHED)
    oad: Oad = parameter.value
    feature, wanted = oad.attribute >> 5, names_of(meter, oad)
    if feature not in {BEFORE, AFTER} or not wanted:
        raise Denied(Dar.OBJECT_UNDEFINED)
    for kind in found.all_kinds:
        if kind in meter.events.kinds:
            before, after = meter.events.columns(kind)
            before, after = (change(before, wanted), after) if feature == BEFORE else (before, change(after, wanted))
            try:
                meter.events.choose(kind, before, after)
            except LocalProtocolError:
                raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED) from None
