"""Harmonic contents (DL/T 645-2007, table A.3, 020Axx and 020Bxx): of each phase, order by order.

What stands under order 1, which the digits have no room for as 100 %, no text says; it is the total distortion here,
as DL/T 698.45 has it in the first place (assumed).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final

from meterwire.meter_model.load import PHASES
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.values import truncated
from meterwire.protocols.dlt645.identifiers import encode, identifier

_SIGNALS: Final = {0x020A: "voltage", 0x020B: "current"}
_DECIMALS: Final = -2


class HarmonicItems:
    """The harmonics of one meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def octets(self, di: int) -> bytes | None:
        """A content, None for other identifiers, phases that are not there, and orders that are not analysed."""
        signal, phase, order = _SIGNALS.get(di >> 16), di >> 8 & 0xFF, di & 0xFF
        if signal is None or identifier(di) is None or not 1 <= phase <= len(self._meter.circuit.phases):
            return None
        if not 1 <= order <= self._meter.parameters["harmonic_order"]:
            return None
        self._meter.advance()
        total = self._meter.read(f"{signal}_distortion_{PHASES[phase - 1]}") if order == 1 else None
        content = total if isinstance(total, Fraction) else self._meter.instant.harmonics(signal, phase - 1)[order]
        return encode(di, Decimal(truncated(content, _DECIMALS)).scaleb(_DECIMALS))
