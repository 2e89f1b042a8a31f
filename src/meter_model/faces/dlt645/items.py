"""What the meter keeps under a data identifier of DL/T 645, as octets without the mask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, time
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.values import Demand, NotServed, Value, truncated
from meterwire.protocols.dlt645.identifiers import encode, identifier, members
from meterwire.quantities import Quantity, Representation, by_di

NO_TIME: Final = "00-00-00 00:00"
"""Time of a demand that has not been reached since the last settlement."""


class Items:
    """The served items: every quantity that has a data identifier, blocks of them, and fixed octets.

    Args:
        meter: whose quantities they are.
        fixed: further items whose octets never change, by data identifier.
        sources: what else gives octets for a data identifier, or None; asked in turn.
    """

    def __init__(self, meter: Meter, fixed: Mapping[int, bytes], *sources: Callable[[int], bytes | None]) -> None:
        self._meter = meter
        self._fixed = dict(fixed)
        self._sources = sources

    def octets(self, di: int) -> bytes | None:
        """The data of an item, None where the meter does not have it."""
        meter = self._meter
        meter.advance()
        shown: bytes | None = meter.shown.get(di)
        return self._octets(di) if shown is None or di in self._fixed else shown

    def _octets(self, di: int) -> bytes | None:
        if di in self._fixed:
            return self._fixed[di]
        row = by_di(di)
        if row is None:
            return self._other(di)
        try:
            octets = quantity_octets(row, self._meter.read(row))
        except NotServed:
            return None
        self._meter.shown[di] = octets
        return octets

    def _other(self, di: int) -> bytes | None:
        for source in self._sources:
            octets = source(di)
            if octets is not None:
                return octets
        return self._block(di)

    def _block(self, di: int) -> bytes | None:
        """A block of the items that one of DI2 to DI0 = FFH stands for; one of rates ends with the meter's last."""
        found = identifier(di)
        if found is None:
            return None
        parts = []
        for member in members(di):
            part = self.octets(member)
            if part is None:
                if found.octets is not None:  # a block of a declared size has no holes
                    return None
                break
            parts.append(part)
        return b"".join(parts) or None


def quantity_octets(row: Quantity, value: Value) -> bytes:
    """The octets of a quantity's value, truncated towards zero to the digits that its identifier declares.

    What the declared digits cannot carry, such as 800,000 kWh in a field with a sign bit, is sent as FFH octets, by
    which meters say that there is no value: a wrong number is never sent.
    """
    if row.di is None or row.dlt645 is None:
        raise LocalProtocolError(f"DL/T 645 has no data identifier for {row.name}")
    if isinstance(value, Demand):
        when: Any = value.time or NO_TIME
        number = _number(row.dlt645, value.value)
        return _encoded(row.di, (number, when), (None, when))
    sent: Any = _number(row.dlt645, value) if isinstance(value, Fraction) else value
    if not isinstance(sent, (Decimal, str, date, time)):
        raise LocalProtocolError(f"{value!r} is no value of {row.name}")
    return _encoded(row.di, sent, None)


def _number(declared: Representation, value: Fraction) -> Decimal:
    return Decimal(truncated(value, declared.exponent or 0)).scaleb(declared.scaler or 0)


def _encoded(di: int, value: Any, instead: Any) -> bytes:
    try:
        return encode(di, value)
    except LocalProtocolError:
        return encode(di, instead)
