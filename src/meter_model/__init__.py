"""The emulated meter: identity, clock, load, registers and control; it knows no octets.

`Meter` is the whole of it; `faces` translate it into dialects.
"""

from __future__ import annotations

from meterwire.meter_model.clock import VirtualClock, parse_clock
from meterwire.meter_model.identity import Identity, Secrets
from meterwire.meter_model.load import Constant, Household, Industrial, LoadModel
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.values import Demand, NotServed, Value

__all__ = [
    "Constant",
    "Demand",
    "Household",
    "Identity",
    "Industrial",
    "LoadModel",
    "Meter",
    "NotServed",
    "Secrets",
    "Value",
    "VirtualClock",
    "parse_clock",
]
