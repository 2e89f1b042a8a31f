"""Energies and maximum demands of every rate and settlement (DL/T 645-2007, tables A.1 and A.2: 00ttrrdd, 01ttrrdd).

The table of quantities names the totals and the first rates; the others follow from the total of their kind.
"""

from __future__ import annotations

from typing import Final

import msgspec

from meterwire.meter_model.faces.dlt645.items import quantity_octets
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.values import NotServed
from meterwire.protocols.dlt645.identifiers import identifier
from meterwire.quantities import by_di

_CLASSES: Final = (0x00, 0x01)
_RATES: Final = 63
_SETTLEMENTS: Final = 12


class RegisterItems:
    """The registers of one meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def octets(self, di: int) -> bytes | None:
        """A register, None for other identifiers, for rates that are not in use and settlements that have not been."""
        rate, settlement = di >> 8 & 0xFF, di & 0xFF
        if di >> 24 not in _CLASSES or rate > _RATES or settlement > _SETTLEMENTS or identifier(di) is None:
            return None
        total = by_di(di & 0xFFFF0000)
        if total is None:
            return None
        row = msgspec.structs.replace(total, name=f"{total.name}_{di:08X}", di=di, rate=rate, settlement=settlement)
        try:
            return quantity_octets(row, self._meter.read(row))
        except NotServed:
            return None
