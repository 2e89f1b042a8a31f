"""Event records of class 03 (DL/T 645-2007, annex A, table A.4): how often, how long, and the last ten of each kind.

The columns of a record come from the table of identifiers, by their names; what the meter model has stored is laid out
by them. A record that there is not yet consists of zeros, as meters send it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.events.record import EventRecord
from meterwire.meter_model.faces.dlt645.kinds import kinds_of
from meterwire.meter_model.faces.dlt645.numbers import cut
from meterwire.meter_model.faces.dlt645.tables import TABLES
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.values import Demand
from meterwire.protocols.dlt645.formats import format_of
from meterwire.protocols.dlt645.identifiers import Column, Identifier, identifier

DEPTH: Final = 10
_CLASS: Final = 0x03
_MINUTE: Final = 60
_MOST: Final = 999_999
_MOMENTS: Final = {"before": "before", "at start": "before", "after": "after", "at end": "after", "during": "during"}
_COLUMN: Final = re.compile(
    r"(?:phase (?P<phase>[ABC]) )?(?P<what>.+?)(?: (?P<moment>before|after|during|at start|at end))?(?P<time>, time)?"
)
_QUADRANTS: Final = {"I": "q1", "II": "q2", "III": "q3", "IV": "q4"}
_ENERGIES: Final = {
    "forward active energy": "active_energy_import",
    "reverse active energy": "active_energy_export",
    "combined reactive 1 energy": "reactive_energy_combined_1",
    "combined reactive 2 energy": "reactive_energy_combined_2",
    **{f"quadrant {roman} reactive energy": f"reactive_energy_{name}" for roman, name in _QUADRANTS.items()},
    "forward active maximum demand": "demand_active_import_max",
    "reverse active maximum demand": "demand_active_export_max",
    **{
        f"quadrant {roman} reactive maximum demand": f"demand_reactive_{name}_max" for roman, name in _QUADRANTS.items()
    },
}
_OTHERS: Final = {
    "voltage": "voltage",
    "current": "current",
    "active power": "active_power",
    "reactive power": "reactive_power",
    "power factor": "power_factor",
    "charge": "charge",
    "total charge": "charge_total",
}


class RecordItems:
    """The event records of one meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def octets(self, di: int) -> bytes | None:
        """A record or the totals of a kind, None where the meter does not have the kind or the layout is not known."""
        if di >> 24 != _CLASS:
            return None
        found, number = identifier(di), di & 0xFF
        kinds = [kind for kind in kinds_of(di | 0xFF) if kind in self._meter.events.kinds]
        if found is None or not kinds or number > DEPTH:
            return None
        if number == 0:
            return self._totals(di, found)
        if len(kinds) != 1:
            return None
        record = self._meter.events.record(kinds[0], number)
        if record is None:
            return None if found.octets is None else bytes(found.octets)
        return _laid_out(found, record)

    def _totals(self, di: int, found: Identifier) -> bytes | None:
        """Counts, and minutes where they are kept, of each kind that the identifier stands for."""
        group = di & 0xFFFF0000
        columns = found.columns
        if not columns:
            return self._total(kinds_of(di | 0xFF), "XXXXXX")
        named = [kinds_of(group | (at << 8) | 0xFF) for at in range(1, len(columns) + 1)]
        parts = [self._total(kinds, column.format) for kinds, column in zip(named, columns, strict=True)]
        if any(part is None for part in parts):
            whole = kinds_of(di | 0xFF)
            parts = [self._total(whole, "(XXXXXX;XXXXXX)")] if len(columns) <= 2 else parts
        joined = b"".join(part or b"" for part in parts)
        return joined if len(joined) == found.octets else None

    def _total(self, kinds: tuple[str, ...], layout: str) -> bytes | None:
        if len(kinds) != 1:
            return None
        known = kinds[0] in self._meter.events.kinds
        count = self._meter.events.count(kinds[0]) if known else 0
        minutes = self._meter.events.total(kinds[0]) // _MINUTE if known and ";" in layout else 0
        counted = format_of("XXXXXX").encode(min(count, _MOST))
        return counted + (format_of("XXXXXX").encode(min(minutes, _MOST)) if ";" in layout else b"")


def _laid_out(found: Identifier, record: EventRecord) -> bytes | None:
    parts = [column_octets(column, record, signed=found.signed) for column in found.columns]
    return b"".join(part for part in parts if part is not None) if parts and None not in parts else None


def column_octets(column: Column, record: EventRecord, *, signed: bool = False) -> bytes | None:
    """A column of a record as often as it stands there; zeros for what was not stored, None for a column not known."""
    layout = format_of(column.format, signed)
    parts: list[bytes] = []
    for number in range(column.count or 1):
        try:
            value = _value(column, number, record)
        except KeyError:
            return None
        try:
            parts.append(bytes(layout.size or 0) if value is None else layout.encode(cut(value, column.format)))
        except LocalProtocolError:
            parts.append(b"\xff" * (layout.size or 0))
    return b"".join(parts)


def _value(column: Column, number: int, record: EventRecord) -> Any:
    """What stands in a column, None for nothing; raises KeyError for a column that is not known."""
    special = _SPECIAL.get(column.name)
    if special is not None:
        return special(record, number)
    found = _COLUMN.fullmatch(column.name)
    if found is None:
        raise KeyError(column.name)
    phase = (found["phase"] or "").lower()
    moment = found["moment"] or "before"
    values: Mapping[str, Any] = getattr(record, _MOMENTS[moment])
    what = found["what"]
    if what in _ENERGIES:
        name = _ENERGIES[what] + (f"_phase_{phase}" if phase else "")
    else:
        name = _OTHERS[what] + (f"_{phase}" if phase else "")
    value = values.get(name, values.get(name.replace("_phase_", "_")))
    if isinstance(value, Demand):
        return value.time if found["time"] else value.value
    return value


def _items(record: EventRecord, number: int) -> str | None:
    items = record.before.get("items", ())
    text = str(items[number]) if number < len(items) else ""
    return text if re.fullmatch("[0-9A-F]{8}", text) else None


_SPECIAL: Final[Mapping[str, Any]] = {
    "start": lambda record, _: record.start,
    "time": lambda record, _: record.start,
    "end": lambda record, _: record.end,
    "operator": lambda record, _: record.source or None,
    "written identifier #": _items,
    "cleared identifier": _items,
    "time before": lambda record, _: record.before.get("time", record.start),
    "time after": lambda record, _: record.after.get("time", record.end or record.start),
    "maximum demand during": lambda record, _: _demand(record, Fraction),
    "time of maximum demand": lambda record, _: _demand(record, datetime),
    "highest unbalance rate": lambda record, _: record.during.get("peak"),
    "current": lambda record, _: _highest_current(record),
    **TABLES,
}


def _highest_current(record: EventRecord) -> Any:
    """Of all phases, with its sign: which of them is meant is not said (recalled)."""
    found = [value for name, value in record.before.items() if name.startswith("current_")]
    return max(found, key=abs, default=None)


def _demand(record: EventRecord, wanted: type) -> Any:
    value = record.during.get("demand")
    if isinstance(value, Demand):
        return value.value if wanted is Fraction else value.time
    return value if isinstance(value, wanted) else None
