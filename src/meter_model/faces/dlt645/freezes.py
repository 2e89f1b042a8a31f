"""Frozen data of class 05 (DL/T 645-2007, annex A, table A.6): columns of a freeze, or all of them as a block."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

from meterwire.meter_model.faces.dlt645.items import NO_TIME
from meterwire.meter_model.faces.dlt645.numbers import cut
from meterwire.meter_model.freezes import COLUMN_SETS
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.values import Demand, NotServed
from meterwire.protocols.dlt645.formats import format_of

KINDS: Final = {
    0x00: "timed",
    0x01: "instant",
    0x02: "season_switch",
    0x03: "schedule_switch",
    0x04: "hourly",
    0x05: "price_switch",
    0x06: "daily",
    0x07: "step_switch",
}
"""By DI2; from 04H on of later filings."""
_CLASS: Final = 0x05
_TIME, _POWERS, _BLOCK = 0x00, 0x10, 0xFF
_END: Final = b"\xaa"
_COLUMNS: Final = {
    0x01: ("active_import", "XXXXXX.XX"),
    0x02: ("active_export", "XXXXXX.XX"),
    0x03: ("reactive_combined_1", "±XXXXXX.XX"),
    0x04: ("reactive_combined_2", "±XXXXXX.XX"),
    **{4 + number: (f"quadrant_{number}", "XXXXXX.XX") for number in range(1, 5)},
    0x09: ("demand_import", "XX.XXXX"),
    0x0A: ("demand_export", "XX.XXXX"),
    _POWERS: ("powers", "±XX.XXXX"),
}
"""By DI1: a set of columns of the meter model, and the format of its numbers."""
_HOURLY: Final = (0x01, 0x02)
_MOST_RATES: Final = 63


@cache
def stored_names() -> Mapping[int, tuple[str, ...]]:
    """The quantities of each column by DI1, in the order in which they are sent; a meter has those of its rates."""
    return {
        di1: COLUMN_SETS["powers"] if name == "powers" else _with_rates(_quantity(name))
        for di1, (name, _) in _COLUMNS.items()
    }


def _with_rates(base: str) -> tuple[str, ...]:
    return base, *(f"{base}_rate_{rate}" for rate in range(1, _MOST_RATES + 1))


class FreezeItems:
    """The frozen data of one meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def octets(self, di: int) -> bytes | None:
        """The data of an item; None where there is no such freeze yet, or it did not store that."""
        di3, di2, di1, number = di.to_bytes(4, "big")
        if di3 != _CLASS or di2 not in KINDS:
            return None
        kind = KINDS[di2]
        try:
            row = self._meter.freezes.row(kind, number)
        except (NotServed, IndexError):
            return None
        time = format_of("YYMMDDhhmm").encode(row.time)
        if di1 == _TIME:
            return time
        if di1 == _BLOCK:
            columns = _HOURLY if kind == "hourly" else tuple(_COLUMNS)
            return time + b"".join(_END + (self._column(row.values, one) or b"") for one in columns) + _END
        return self._column(row.values, di1) if di1 in _COLUMNS else None

    def _column(self, values: Any, di1: int) -> bytes | None:
        name, layout = _COLUMNS[di1]
        rates = self._meter.rate_count
        if name == "powers":
            wanted = list(COLUMN_SETS["powers"])
        else:
            base = _quantity(name)
            wanted = [base, *(f"{base}_rate_{rate}" for rate in range(1, rates + 1))]
        found = [values[one] for one in wanted if one in values]
        if name == "powers" and found:
            found = [values.get(one, 0) for one in wanted]
        return b"".join(_encoded(value, layout) for value in found) or None


def _quantity(name: str) -> str:
    if name.startswith("quadrant_"):
        return COLUMN_SETS["quadrants"][int(name[-1]) - 1]
    return COLUMN_SETS[name][0]


def _encoded(value: Any, layout: str) -> bytes:
    number = value.value if isinstance(value, Demand) else value
    octets = format_of(layout).encode(cut(number, layout))
    if not isinstance(value, Demand):
        return octets
    when: datetime | str = value.time or NO_TIME
    return octets + format_of("YYMMDDhhmm").encode(when)
