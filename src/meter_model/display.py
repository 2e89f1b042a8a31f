"""What a person sees on the meter: screens that change by themselves, and others called by the key.

Parameters say which quantities the screens show (by their DL/T 645 identifiers, as every list of this kind is written),
for how long, and with how many decimals. Eight digits fit; what the meter does not have is shown as dashes. A screen
called by key stays for `display_stay_seconds`; a meter without power shows its screens while it is awake.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import msgspec

from meterwire.meter_model.values import Demand, NotServed, Value, truncated
from meterwire.quantities import Kind, Quantity, by_di

if TYPE_CHECKING:
    from meterwire.meter_model.meter import Meter

DIGITS: Final = 8
_NOTHING: Final = "-" * DIGITS
_DECIMALS: Final = {
    Kind.ENERGY: "display_energy_decimals",
    Kind.MAX_DEMAND: "display_power_decimals",
    Kind.DEMAND: "display_power_decimals",
    Kind.POWER: "display_power_decimals",
}


class Screen(msgspec.Struct, frozen=True):
    """One screen.

    Attributes:
        item: what was set for it, eight digits.
        quantity: its neutral name, empty where the identifier names none.
        text: the digits, or dashes.
        unit: empty where there is none.
        time: of a maximum demand: month, day, hour and minute.
    """

    item: str
    quantity: str
    text: str
    unit: str = ""
    time: str = ""

    @property
    def line(self) -> str:
        """What is read, in one line."""
        return " ".join(part for part in (self.text, self.unit, self.time) if part)


class Display:
    """The display of one meter.

    Args:
        meter: whose; its parameters and status exist already.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._called: int | None = None
        self._at = -1

    def cyclic(self) -> list[Screen]:
        """The screens that follow one another, all of them as they would show now."""
        return self._screens("auto")

    def by_key(self) -> list[Screen]:
        """The screens that the key calls."""
        return self._screens("key")

    def shown(self) -> Screen | None:
        """What is on the display now; None where it is dark."""
        meter = self._meter
        meter.advance()
        if not meter.answers:
            return None
        called = self.by_key() if self._is_called() else []
        if called:
            return called[self._at % len(called)]
        screens = self.cyclic()
        return screens[meter.second // int(meter.parameters["display_seconds"]) % len(screens)] if screens else None

    def press(self) -> None:
        """The key is pressed: the next of its screens, from the first on when the last one has gone out."""
        self._meter.advance()
        self._at = self._at + 1 if self._is_called() else 0
        self._called = self._meter.second

    def _is_called(self) -> bool:
        stay = int(self._meter.parameters["display_stay_seconds"])
        return self._called is not None and 0 <= self._meter.second - self._called < stay

    def _screens(self, which: str) -> list[Screen]:
        held = self._meter.parameters
        items = [held[f"display_{which}_{number}"] for number in range(1, int(held[f"display_{which}_count"]) + 1)]
        return [self._screen(str(item)) for item in items]

    def _screen(self, item: str) -> Screen:
        row = by_di(int(item, 16))
        if row is None:
            return Screen(item, "", _NOTHING)
        try:
            value = self._meter.read(row)
        except NotServed:
            return Screen(item, row.name, _NOTHING)
        time = ""
        if isinstance(value, Demand):
            time = "" if value.time is None else f"{value.time:%m-%d %H:%M}"
            value = value.value
        return Screen(item, row.name, self._text(row, value), row.unit or "", time)

    def _text(self, row: Quantity, value: Value) -> str:
        if isinstance(value, Fraction):
            name = _DECIMALS.get(row.kind)
            decimals = int(self._meter.parameters[name]) if name else row.decimals or 0
            return _digits(value, decimals)
        if isinstance(value, dt.datetime):
            return f"{value:%y-%m-%d %H:%M:%S}"
        if isinstance(value, dt.date):
            return f"{value:%y-%m-%d}"
        return f"{value:%H:%M:%S}" if isinstance(value, dt.time) else str(value)


def _digits(value: Fraction, decimals: int) -> str:
    """Cut towards zero to the decimals; fewer of them where eight digits do not hold more."""
    whole = len(str(int(abs(value))))
    decimals = min(decimals, max(0, DIGITS - whole))
    return f"{Decimal(truncated(value, -decimals)).scaleb(-decimals):f}"
