"""Voltage qualification (DL/T 645-2007, table A.4, 0310xx): of all phases and of each, this month and twelve before."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from meterwire.meter_model.faces.dlt645.numbers import cut
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.voltage_quality import Extreme, Tally
from meterwire.protocols.dlt645.formats import format_of
from meterwire.protocols.dlt645.identifiers import identifier

_GROUP: Final = 0x0310
_MONTHS: Final = 12
_PHASES: Final = ("", "a", "b", "c")


class VoltageItems:
    """The voltage qualification of one meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def octets(self, di: int) -> bytes | None:
        """The statistics of a month, None for other identifiers and for phases the meter does not have."""
        place, month, found = di >> 8 & 0xFF, di & 0xFF, identifier(di)
        if di >> 16 != _GROUP or place >= len(_PHASES) or month > _MONTHS or found is None:
            return None
        try:
            values = _values(self._meter.voltage_quality.tally(_PHASES[place], month))
        except KeyError:
            return None
        parts = []
        for column, value in zip(found.columns, values, strict=True):
            layout = format_of(column.format)
            parts.append(bytes(layout.size or 0) if value is None else layout.encode(cut(value, column.format)))
        return b"".join(parts)


def _values(tally: Tally) -> list[Any]:
    """In the order of the columns: minutes, per cent twice, minutes twice, the highest and the lowest voltage in V."""
    minutes = [tally.monitored // 60, tally.above // 60, tally.below // 60]
    rates = [tally.qualified_rate, tally.over_limit_rate]
    return [minutes[0], *rates, *minutes[1:], *_extreme(tally.highest), *_extreme(tally.lowest)]


def _extreme(found: Extreme | None) -> list[Any]:
    return [None, None] if found is None else [Fraction(found.voltage, 1000), f"{found.time:%m-%d %H:%M}"]
