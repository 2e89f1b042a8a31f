"""Freezes as DL/T 698.45 shows them (interface class 9, objects 5000 to 5011): rows, associated columns, methods.

The kinds of the meter model and their rows are the same that DL/T 645 reads. The minute freeze is the load profile:
its classes stay, other columns may be added. The settlement-day freeze is the billing periods, whose columns belong to
the type of meter. All columns of a kind have one depth, and those of the second freeze one period, in seconds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.clock import local_time
from meterwire.meter_model.faces.dlt69845.records import OwnCells
from meterwire.meter_model.faces.dlt69845.selection import OwnRows
from meterwire.meter_model.faces.dlt69845.stored import Stored, names_of, oads_of, quantities_of, stored, time_data
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.row import Row
from meterwire.meter_model.second_freezes import LONGEST
from meterwire.meter_model.values import NotServed, Value
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities import QUANTITIES, Kind, Quantity

SECOND, MINUTE, SETTLEMENT = 0x5001, 0x5002, 0x5005
KINDS: Final[Mapping[int, str]] = {
    0x5000: "instant",
    0x5001: "second",
    0x5003: "hourly",
    0x5004: "daily",
    0x5006: "monthly",
    0x5007: "yearly",
    0x5008: "season_switch",
    0x5009: "schedule_switch",
    0x500A: "price_switch",
    0x500B: "step_switch",
    0x5011: "step_settlement",
}
"""By OI, the kinds whose columns can be chosen."""
NUMBER: Final = Oad(0x2023, 2, 0)
TIME: Final = Oad(0x2021, 2, 0)
_SETTLEMENTS: Final = 12


class FreezeRow:
    """One freeze."""

    def __init__(self, number: int, time: dt.datetime, values: Any) -> None:
        self.number, self.time, self._values = number, time, values

    def value(self, oad: Oad) -> Variant:
        """A column."""
        if oad == NUMBER:
            return Variant(6, self.number)
        if oad == TIME:
            return time_data(self.time)
        return stored(self._readable(), oad)

    def _readable(self) -> Any:
        if not isinstance(self._values, Stored | _Settled):
            self._values = Stored(self._values())
        return self._values


class FreezeTable(OwnRows, OwnCells):
    """The rows of one freeze object; raises `Denied` for one that this meter does not have."""

    time = TIME

    def __init__(self, meter: Meter, oi: int) -> None:
        self._meter, self._oi = meter, oi
        self._rows: Sequence[FreezeRow] | None = None
        self.associated = associated(meter, oi)

    @property
    def columns(self) -> tuple[Oad, ...]:
        """Number and time, then the associated ones."""
        return NUMBER, TIME, *self.associated

    def knows(self, oad: Oad) -> bool:
        """Whether it can have such a column: one of a quantity that can be stored."""
        return oad in {NUMBER, TIME} or bool(quantities_of(oad))

    def entries(self) -> Sequence[FreezeRow]:
        """All rows, the oldest first."""
        if self._rows is None:
            self._rows = _rows(self._meter, self._oi)
        return self._rows


def is_freeze(oi: int) -> bool:
    """Whether an OI is one of the freeze objects that there are."""
    return oi in KINDS or oi in {MINUTE, SETTLEMENT}


def associated(meter: Meter, oi: int) -> tuple[Oad, ...]:
    """The associated columns of a freeze object, in the order in which they are stored; raises `Denied`."""
    try:
        return oads_of(meter, (row.name for row in _quantities(meter, oi)))
    except NotServed:
        raise Denied(Dar.OBJECT_UNDEFINED) from None


def _quantities(meter: Meter, oi: int) -> Sequence[Quantity]:
    if oi == MINUTE:
        profile = meter.load_profile
        return [row for number in profile.all_classes for row in profile.columns(number)]
    if oi == SETTLEMENT:
        return [row for row in QUANTITIES.values() if row.kind in {Kind.ENERGY, Kind.MAX_DEMAND}]
    return meter.freezes.columns(KINDS[oi])


# ---------------------------------------------------------------- rows


def _rows(meter: Meter, oi: int) -> list[FreezeRow]:
    if oi == MINUTE:
        return _minutes(meter)
    if oi == SETTLEMENT:
        return _settlements(meter)
    rows, count = meter.freezes.rows(KINDS[oi]), meter.freezes.count(KINDS[oi])
    first = count - len(rows) + 1
    return [FreezeRow(first + at, row.time, _values_of((row,))) for at, row in enumerate(rows)]


def _minutes(meter: Meter) -> list[FreezeRow]:
    """The load profile: the rows of all classes of one time are one, numbered by the class that stores most often."""
    profile = meter.load_profile
    meter.advance()
    numbers: dict[tuple[int, int], int] = {}
    for number, series in profile.series.items():
        rows = series.rows
        numbers |= {(number, row.second): series.count - len(rows) + 1 + at for at, row in enumerate(rows)}
    return [
        FreezeRow(
            max(numbers[number, row.second] for number, row in record.items()),
            next(iter(record.values())).time,
            _values_of(tuple(record.values())),
        )
        for record in profile.records(own=True)
    ]


def _values_of(rows: tuple[Row, ...]) -> Any:
    return lambda: rows[0].values if len(rows) == 1 else {name: one for row in rows for name, one in row.values.items()}


class _Settled:
    """The registers of a billing period that has ended."""

    def __init__(self, meter: Meter, number: int) -> None:
        self._meter, self._number = meter, number

    def read(self, quantity: Quantity) -> Value:
        """A register as it was; raises `NotServed`."""
        if quantity.kind not in {Kind.ENERGY, Kind.MAX_DEMAND}:  # of billing periods nothing else is kept
            raise NotServed(quantity.name)
        return self._meter.read(msgspec.structs.replace(quantity, settlement=self._number))


def _settlements(meter: Meter) -> list[FreezeRow]:
    """The billing periods that are kept, numbered from the oldest of them: the model does not count them."""
    meter.advance()
    found: list[FreezeRow] = []
    for number in range(_SETTLEMENTS, 0, -1):
        try:
            minute = meter.settlement(number).minute
        except IndexError:
            continue
        time = local_time(minute * 60).replace(tzinfo=meter.clock.zone)
        found.append(FreezeRow(len(found) + 1, time, _Settled(meter, number)))
    return found


# ---------------------------------------------------------------- attributes and methods


def associations(meter: Meter, oi: int) -> Variant:
    """Attribute 3: period, OAD and depth of each associated column; raises `Denied`."""
    rows = (
        Variant(2, (Variant(18, _period(meter, oi, oad)), Variant(81, oad), Variant(18, _depth(meter, oi))))
        for oad in associated(meter, oi)
    )
    return Variant(1, tuple(rows))


def _period(meter: Meter, oi: int, oad: Oad) -> int:
    """In minutes for the minute freeze, in its own unit for another; switches and orders have 0."""
    if oi == SECOND:
        return meter.freezes.seconds
    if oi == MINUTE:
        names = set(names_of(meter, oad))
        profile = meter.load_profile
        for number in profile.all_classes:
            if names & {row.name for row in profile.columns(number)}:
                return profile.interval(number)
    if oi == 0x5003:
        return max(1, int(meter.parameters["hourly_freeze_interval"]) // 60)
    return int(oi in {0x5004, SETTLEMENT, 0x5006, 0x5007})


def _depth(meter: Meter, oi: int) -> int:
    if oi == SETTLEMENT:
        return _SETTLEMENTS
    if oi == MINUTE:
        return min(0xFFFF, max(series.depth for series in meter.load_profile.series.values()))
    return min(0xFFFF, meter.freezes.depth(KINDS[oi]))


def act(meter: Meter, oi: int, method: int, parameter: Variant) -> None:
    """Run a method: 1 and 8 clear, 3 trigger, 4 add, 5 delete, 7 add several; raises `Denied`."""
    serve = _METHODS.get(method)
    if serve is None:
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    try:
        serve(meter, oi, parameter)
    except NotServed:
        raise Denied(Dar.OBJECT_UNDEFINED) from None
    except LocalProtocolError:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED) from None


def _clear(meter: Meter, oi: int, parameter: Variant) -> None:
    del parameter
    if oi == SETTLEMENT:
        raise Denied(Dar.READ_WRITE_DENIED)
    if oi == MINUTE:
        meter.advance()
        meter.load_profile.clear()
    else:
        meter.freezes.clear_kind(KINDS[oi])


def _trigger(meter: Meter, oi: int, parameter: Variant) -> None:
    """Freeze now, or so many seconds later."""
    if parameter.tag != 18:
        raise Denied(Dar.TYPE_UNMATCHED)
    if KINDS.get(oi) != "instant":
        raise Denied(Dar.READ_WRITE_DENIED)
    if parameter.value:
        meter.freezes.trigger_after(parameter.value)
    else:
        meter.freezes.freeze()


def _add(meter: Meter, oi: int, parameter: Variant) -> None:
    _choose(meter, oi, (_addition(parameter),), ())


def _add_several(meter: Meter, oi: int, parameter: Variant) -> None:
    if parameter.tag != 1:
        raise Denied(Dar.TYPE_UNMATCHED)
    _choose(meter, oi, tuple(map(_addition, parameter.value)), ())


def _delete(meter: Meter, oi: int, parameter: Variant) -> None:
    if parameter.tag != 81:
        raise Denied(Dar.TYPE_UNMATCHED)
    _choose(meter, oi, (), (parameter.value,))


def _addition(parameter: Variant) -> tuple[int, Oad, int]:
    """Period, OAD and depth."""
    if parameter.tag != 2 or tuple(one.tag for one in parameter.value) not in {(18, 81, 18), (18, 81, 6)}:
        raise Denied(Dar.TYPE_UNMATCHED)
    period, oad, depth = (one.value for one in parameter.value)
    return period, oad, depth


def _choose(meter: Meter, oi: int, added: Sequence[tuple[int, Oad, int]], deleted: Sequence[Oad]) -> None:
    if oi == MINUTE:
        _choose_minutes(meter, added, deleted)
    elif oi == SECOND:
        _choose_seconds(meter, added, deleted)
    elif oi in KINDS:
        meter.freezes.choose(KINDS[oi], _chosen(meter, oi, added, deleted, _period(meter, oi, NUMBER)))
    else:
        raise Denied(Dar.READ_WRITE_DENIED)


def _chosen(
    meter: Meter, oi: int, added: Sequence[tuple[int, Oad, int]], deleted: Sequence[Oad], present: int
) -> list[str]:
    """What is stored then, where the period at present is known; raises `Denied`."""
    names = [row.name for row in meter.freezes.columns(KINDS[oi])]
    for period, oad, depth in added:
        wanted = names_of(meter, oad)
        if not wanted:
            raise Denied(Dar.OBJECT_UNDEFINED)
        if depth > meter.freezes.depth(KINDS[oi]) or period not in {0, present}:
            raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
        names += [name for name in wanted if name not in names]
    for oad in deleted:
        gone = set(names_of(meter, oad)) & set(names)
        if not gone:
            raise Denied(Dar.OBJECT_UNAVAILABLE)
        names = [name for name in names if name not in gone]
    return names


def _choose_seconds(meter: Meter, added: Sequence[tuple[int, Oad, int]], deleted: Sequence[Oad]) -> None:
    """The first column that is added says how often; without columns nothing is stored."""
    seconds = meter.freezes.seconds or max((period for period, _, _ in added), default=0)
    if added and not 0 < seconds <= LONGEST:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
    names = _chosen(meter, SECOND, added, deleted, seconds)
    meter.freezes.choose(KINDS[SECOND], names)
    meter.freezes.freeze_every(seconds if names else 0)


def _choose_minutes(meter: Meter, added: Sequence[tuple[int, Oad, int]], deleted: Sequence[Oad]) -> None:
    """What the classes of the standard store has their intervals and stays; what is added can be deleted again."""
    profile = meter.load_profile
    standard = {row.name for number in profile.classes for row in profile.columns(number)}
    stored = {row.name for row in _quantities(meter, MINUTE)}
    for period, oad, depth in added:
        wanted = names_of(meter, oad)
        if not wanted:
            raise Denied(Dar.OBJECT_UNDEFINED)
        new = [name for name in wanted if name not in stored]
        if depth > _depth(meter, MINUTE) or (not new and period not in {0, _period(meter, MINUTE, oad)}):
            raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
        if new:
            profile.record(period, new)
    for oad in deleted:
        gone = set(names_of(meter, oad))
        if not gone & stored:
            raise Denied(Dar.OBJECT_UNAVAILABLE)
        if gone & standard:
            raise Denied(Dar.READ_WRITE_DENIED)
        profile.drop(gone)


_METHODS: Final[Mapping[int, Any]] = {1: _clear, 3: _trigger, 4: _add, 5: _delete, 7: _add_several, 8: _clear}
METHODS: Final = frozenset(_METHODS)
"""Their numbers; which of them an object refuses depends on its kind."""
