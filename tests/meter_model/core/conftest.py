"""The oracle of the metering core: the same rules in Python integers, one power at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from meterwire.meter_model.core import _core

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Arrays = dict[int, NDArray[np.int64]]


def increment(power: float, factor: float) -> int:
    """Product rounded to double, then to the nearest integer, ties to even."""
    return round(abs(power) * factor)


def quadrant(p: float, q: float) -> int:
    """Row of the reactive register: QI is 2."""
    if p < 0:
        return 3 if q >= 0 else 4
    return 2 if q >= 0 else 5


def sums(p, q, active_factor, reactive_factor, starting_active, starting_reactive):
    """Expected phases [6][3][meters] (None for one element) and totals [6][meters] as lists of Python integers."""
    steps, meters = p.shape[0], p.shape[-1]
    three = p.ndim == 3
    phases = [[[0] * meters for _ in range(3)] for _ in range(6)]
    totals = [[0] * meters for _ in range(6)]

    def book(row, m, power, reactive):
        row[1 if power < 0 else 0][m] += increment(power, float(active_factor[m]))
        row[quadrant(power, reactive)][m] += increment(reactive, float(reactive_factor[m]))

    for k in range(steps):
        for m in range(meters):
            gated = []
            for f in range(3 if three else 1):
                power, reactive = (float(a[k, f, m] if three else a[k, m]) for a in (p, q))
                gated.append(
                    (
                        power if abs(power) >= starting_active[m] else 0.0,
                        reactive if abs(reactive) >= starting_reactive[m] else 0.0,
                    )
                )
                if three:
                    book([phases[r][f] for r in range(6)], m, *gated[-1])
            if three:
                (pa, qa), (pb, qb), (pc, qc) = gated
                book(totals, m, pa + pb + pc, qa + qb + qc)
            else:
                book(totals, m, *gated[0])
    return (phases if three else None), totals


@pytest.fixture(scope="session")
def oracle() -> Callable:
    return sums


@pytest.fixture(autouse=True, scope="module")
def same_isa_afterwards() -> Iterator[None]:
    isa = _core.isa
    yield
    _core.use_isa(isa)
