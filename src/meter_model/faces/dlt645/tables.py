"""What tables held before they were programmed, in the columns of their records (DL/T 645-2007, table A.4, 033005 on).

A table is laid out with all the entries that the record has room for: those beyond its last repeat it, as when a table
is read, and a table that was never set consists of zeros. Records of prices and steps are recalled: of four
rates, and of six steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from meterwire.meter_model.events.record import EventRecord
from meterwire.meter_model.faces.dlt645.values import packed
from meterwire.meter_model.parameters import Parameters, parameters

_ENTRIES: Final = 14
_DAY_SCHEDULES: Final = 8
_SETS: Final = 2


def _before(record: EventRecord, name: str) -> Any:
    """The value that a parameter had; what the record does not name had its default."""
    return record.before[name] if name in record.before else _DEFAULTS[name]


def _entry(record: EventRecord, name: str, place: int) -> Any:
    kind = parameters()[name].kind
    entries = packed(kind, _before(record, name), _ENTRIES)
    return entries[place] if entries else None


def _slot(record: EventRecord, number: int) -> Any:
    table, place = divmod(number, _ENTRIES)
    which, schedule = divmod(table, _DAY_SCHEDULES)
    return _entry(record, f"day_schedule_{which % _SETS + 1}_{schedule + 1}", place)


def _season(record: EventRecord, number: int) -> Any:
    table, place = divmod(number, _ENTRIES)
    return _entry(record, f"season_table_{table % _SETS + 1}", place)


def _single(record: EventRecord, name: str) -> Any:
    return packed(parameters()[name].kind, _before(record, name))


def _combination(record: EventRecord, _: int) -> Any:
    return _single(record, record.kind.removesuffix("_programming"))


def _numbered(name: str) -> Callable[[EventRecord, int], Any]:
    return lambda record, number: _single(record, f"{name}_{number + 1}")


_DEFAULTS: Final = Parameters()
TABLES: Final[Mapping[str, Callable[[EventRecord, int], Any]]] = {
    "schedules of both sets before, slot #: rate, start": _slot,
    "zones of both sets before, zone #: schedule, start": _season,
    "weekend day schedule before": lambda record, _: _single(record, "weekend_schedule"),
    "holiday # before: schedule, date": lambda record, number: _single(record, f"holiday_{number + 1}"),
    "combination word before": _combination,
    "settlement day # before": lambda record, number: _single(record, f"settlement_day_{number + 1}"),
    **{f"price of set {one} before, rate #": _numbered(f"rate_price_{one}") for one in (1, 2)},
    **{f"threshold # of set {one} before": _numbered(f"step_threshold_{one}") for one in (1, 2)},
    **{f"step price # of set {one} before": _numbered(f"step_price_{one}") for one in (1, 2)},
}
"""By the name of the column; its value in a record, as its format has it, by its number from 0."""
