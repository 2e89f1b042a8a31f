"""What event objects of DL/T 698.45 have beside their records: counts, limits, flags, times; and what changes them.

Class 7 and class 24 number the same things differently; a table for each says which attribute is what.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.events import EventRecord
from meterwire.meter_model.events.kinds import DEPTH, limit_table
from meterwire.meter_model.faces.dlt69845.event_kinds import EventObject, event_objects
from meterwire.meter_model.faces.dlt69845.events import AFTER, BEFORE, associated
from meterwire.meter_model.faces.dlt69845.stored import NULL, names_of, time_data
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.parameters import Author
from meterwire.meter_model.values import truncated
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.wire.nodes import Variant

_MODE: Final = 11
_MOST_SECONDS: Final = 0xFFFF_FFFF


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
    return Variant(2, tuple(Variant(6, min(number, _MOST_SECONDS)) for number in (count, seconds)))


def _flag(meter: Meter, found: EventObject) -> Variant:
    return Variant(22, max((meter.reports.flag(kind) for kind in found.all_kinds), default=0))


def _mode(meter: Meter, found: EventObject) -> Variant:
    """0 unasked, 1 in passing (2021)."""
    return Variant(22, int(all(map(meter.reports.only_in_passing, found.all_kinds))))


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
    11: _mode,
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
    """Set the configuration (6, of class 24: 5), report flag (8; 11) or report mode (11); raises `Denied`."""
    if number == (5 if found.phased else 6):
        _configure(meter, found, data, by)
    elif number == (11 if found.phased else 8):
        if data.tag != 22:
            raise Denied(Dar.TYPE_UNMATCHED)
        if data.value > 3:
            raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
        for kind in found.all_kinds:
            meter.reports.set_flag(kind, int(data.value))
    elif number == _MODE and not found.phased:
        if data.tag != 22:
            raise Denied(Dar.TYPE_UNMATCHED)
        if data.value > 1:
            raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
        for kind in found.all_kinds:
            meter.reports.set_only_in_passing(kind, on=bool(data.value))
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
