"""The one table of quantities: what a meter knows, under a neutral name and under its name in each dialect.

A row of ``quantities.csv`` is a quantity. Its neutral columns (kind, register, phase, rate, settlement) say what is
measured and are all that the meter model computes from; its unit and decimals are what a read by name gives; its data
identifier (DL/T 645), object attribute descriptor (DL/T 698.45) and logical name with attribute (COSEM) say where each
dialect keeps it, with the type, unit and scaler that the dialect declares. The table is read on first use.
"""

from __future__ import annotations

from meterwire.quantities.table import QUANTITIES, Kind, Quantity, Representation, by_di, by_oad, by_obis, quantity

__all__ = ["QUANTITIES", "Kind", "Quantity", "Representation", "by_di", "by_oad", "by_obis", "quantity"]
