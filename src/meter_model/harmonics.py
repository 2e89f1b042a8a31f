"""The declared distortion of a load as a spectrum: how much of each order there is, in per cent of the fundamental.

Contents are so shared out that the root of the sum of their squares is the total distortion. Orders that nobody has
declared follow what rectifiers in a three-phase supply give: the n-th order has 1/n, a third of it where the supply
lets little through (multiples of three), a tenth where half-waves are alike (even orders).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from typing import Annotated, Final

import msgspec

HIGHEST_ORDER: Final = 41
"""The highest order that parameters and device files can name."""
ORDERS: Final = range(2, HIGHEST_ORDER + 1)
_Content = Annotated[float, msgspec.Meta(ge=0, le=100)]
_Order = Annotated[int, msgspec.Meta(ge=2, le=HIGHEST_ORDER)]


class Spectrum(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The declared distortion of the load, until a waveform is measured.

    Attributes:
        voltage: typical total harmonic distortion of the voltage, per cent of the fundamental.
        current: likewise of the current.
        voltage_orders: typical content of the voltage by order, per cent; where given the total follows from it.
        current_orders: likewise of the current.
    """

    voltage: float = 1.8
    current: float = 6.5
    voltage_orders: dict[_Order, _Content] = {}
    current_orders: dict[_Order, _Content] = {}

    def typical(self, signal: str) -> float:
        """Total distortion of `voltage` or `current`, per cent."""
        orders = self.orders(signal)
        total: float = math.hypot(*orders.values()) if orders else getattr(self, signal)
        return total

    def orders(self, signal: str) -> Mapping[int, float]:
        """What is declared of single orders."""
        found: Mapping[int, float] = getattr(self, f"{signal}_orders")
        return found


def contents(
    distortion: Fraction, declared: Mapping[int, float], noise: Callable[[int], float]
) -> Mapping[int, Fraction]:
    """Content of each order, per cent of the fundamental, exact to a thousandth.

    Args:
        distortion: the total, per cent.
        declared: weights of single orders; without any the usual ones hold, each with its noise.
        noise: a number in [0, 1) for an order.
    """
    weights = {order: declared.get(order, 0.0) for order in ORDERS}
    if not declared:
        weights = {order: _usual()[order] * (0.8 + 0.4 * noise(order)) for order in ORDERS}
    whole = math.hypot(*weights.values())
    share = float(distortion) / whole if whole else 0.0
    return {order: Fraction(round(weight * share * 1000), 1000) for order, weight in weights.items()}


@cache
def _usual() -> Mapping[int, float]:
    return {order: (1.0 if order % 2 else 0.1) * (1.0 if order % 3 else 1 / 3) / order for order in ORDERS}
