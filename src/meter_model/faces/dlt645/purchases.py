"""The last purchase, item by item: 0332xx01 of a meter that keeps its account in kWh, 0333xx01 of one in yuan.

The identifiers are those of later filings, seen in public programs; before the first purchase all is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from meterwire.meter_model.credit import Purchase
from meterwire.meter_model.faces.dlt645.numbers import cut
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlt645.formats import format_of
from meterwire.protocols.dlt645.identifiers import identifier

_KINDS: Final = {0x0332: "energy", 0x0333: "money"}
_LATEST: Final = 1
_MOST: Final = 9999


def _not_negative(value: Fraction) -> Fraction:
    """What is left has no sign: in overdraft it is nothing."""
    return max(value, Fraction(0))


_COLUMNS: Final[Mapping[int, Callable[[Purchase], Any]]] = {
    1: lambda one: f"{one.time:%y-%m-%d %H:%M}",
    2: lambda one: Decimal(one.count % (_MOST + 1)),
    3: lambda one: one.amount,
    4: lambda one: _not_negative(one.before),
    5: lambda one: _not_negative(one.after),
    6: lambda one: one.cumulative,
}


class PurchaseItems:
    """The last purchase of one meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def octets(self, di: int) -> bytes | None:
        """An item of it, None for other identifiers and for meters that keep no such account."""
        column, found = _COLUMNS.get(di >> 8 & 0xFF), identifier(di)
        if _KINDS.get(di >> 16) != self._meter.credit.settings.kind or di & 0xFF != _LATEST:
            return None
        if column is None or found is None:
            return None
        purchases = self._meter.credit.purchases()
        if not purchases:
            return bytes(found.octets or 0)
        return format_of(found.format).encode(cut(column(purchases[0]), found.format))
