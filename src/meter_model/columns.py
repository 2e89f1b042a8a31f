"""The columns of what a meter stores: quantities by name, those of rates that no table spells out among them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.load import PHASES
from meterwire.quantities import QUANTITIES, Kind, Quantity

_RATED: Final = frozenset({Kind.ENERGY, Kind.MAX_DEMAND})


@cache
def column(name: str) -> Quantity:
    """The quantity of that name, of any of 63 rates; raises LocalProtocolError."""
    if name in QUANTITIES:
        return QUANTITIES[name]
    base, _, rate = name.rpartition("_rate_")
    row = QUANTITIES.get(base)
    if row is None or row.kind not in _RATED or not (rate.isascii() and rate.isdigit() and 1 <= int(rate) <= 63):
        raise LocalProtocolError(f"no quantity is called {name!r}")
    return msgspec.structs.replace(row, name=f"{base}_rate_{int(rate)}", rate=int(rate))


@lru_cache(maxsize=4096)
def columns_named(names: tuple[str, ...]) -> tuple[Quantity, ...]:
    """The quantities of these names, one tuple for all meters that store them; raises LocalProtocolError."""
    return tuple(map(column, names))


def needs_everything(columns: Iterable[Quantity]) -> bool:
    """Whether the totals and the instantaneous values are not enough."""
    return any(
        row.kind == Kind.MAX_DEMAND or (row.kind == Kind.ENERGY and (row.rate or row.phase in PHASES))
        for row in columns
    )
