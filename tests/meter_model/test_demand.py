"""Sliding demand against an oracle that adds up each window anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterwire.meter_model.demand import DEMANDS, FLOWS, NEVER, SCOPES, DemandSettings, MaximumDemand
from meterwire.meter_model.energy import CombinationWords

WORDS = CombinationWords(0x05, 0x25, 0x50)  # combined reactive 1 is QI - QIII + QII
START = 1_000_007


def rows(values: list[int]) -> np.ndarray:
    """Minutes in which every scope and flow has another multiple of a value."""
    factors = np.arange(1, 1 + len(SCOPES) * len(FLOWS), dtype=np.int64).reshape(len(SCOPES), len(FLOWS))
    return np.array(values, np.int64)[:, np.newaxis, np.newaxis] * factors


def windows(values: list[int], period: int) -> dict[int, np.ndarray]:
    """By end of the window: energies of the last `period` minutes, missing ones zero, combined registers included."""
    table = rows(values)
    found = {}
    for end in range(1, len(values) + 1):
        sums = [[0] * len(DEMANDS) for _ in SCOPES]
        for scope in range(len(SCOPES)):
            flows = [sum(int(row[scope][flow]) for row in table[max(0, end - period) : end]) for flow in range(8)]
            q1, q2, q3, q4 = flows[2:6]
            sums[scope] = [*flows, q1 + q2 - q3, q3 + q4]
        found[START + end] = np.array(sums)
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([(15, 1), (15, 5), (15, 15), (1, 1), (6, 2)]),
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 4)), min_size=1, max_size=8),
    st.data(),
)
def test_maxima_and_present_demand(window: tuple[int, int], spans: list[tuple[int, int]], data) -> None:
    """Highest window and its end, for total and rates, however the minutes are handed over."""
    period, slide = window
    demand = MaximumDemand(DemandSettings(period, slide), 4, WORDS.of_demands, START)
    values: list[int] = []
    rate_of: list[int] = []
    for length, rate in spans:
        piece = data.draw(st.lists(st.integers(0, 10**9), min_size=length, max_size=length))
        cut = data.draw(st.integers(0, length))
        for part in (piece[:cut], piece[cut:]):
            if part:
                demand.add(START + len(values), rows(part), rate)
                values += part
                rate_of += [rate] * len(part)
    best = {(rate, place): (0, NEVER) for rate in range(5) for place in np.ndindex(len(SCOPES), len(DEMANDS))}
    present = None
    for end, sums in windows(values, period).items():
        if end % slide:
            continue
        present = sums
        minutes = end - START
        if minutes < period:
            continue
        inside = set(rate_of[minutes - period : minutes])
        for place in np.ndindex(*sums.shape):
            for rate in {0} | (inside if len(inside) == 1 and place[0] == 0 else set()):
                if abs(sums[place]) > abs(best[rate, place][0]):
                    best[rate, place] = (int(sums[place]), end)
    for (rate, place), (value, time) in best.items():
        assert demand.maxima.value[rate][place] == value
        assert demand.maxima.time[rate][place] == time
    assert present is None or np.array_equal(demand.present, present)


def test_no_window_counts_that_began_before_a_restart_or_a_clearing() -> None:
    """After power-on and after a settlement the first maximum comes a whole period later."""
    demand = MaximumDemand(DemandSettings(), 4, WORDS.of_demands, 0)
    demand.add(0, rows([100] * 20), 1)
    demand.restart(20)
    demand.add(20, rows([1000] * 14), 1)
    assert demand.maxima.value[0, 0, 0] == 1500
    demand.add(34, rows([1000]), 1)
    assert (demand.maxima.value[0, 0, 0], demand.maxima.time[0, 0, 0]) == (15_000, 35)
    closed = demand.clear(40)
    assert closed.value[0, 0, 0] == 15_000
    demand.add(35, rows([1] * 19), 1)
    assert demand.maxima.time[0, 0, 0] == NEVER
    demand.add(54, rows([1]), 1)
    assert (demand.maxima.value[0, 0, 0], demand.maxima.time[0, 0, 0]) == (15, 55)


def test_the_first_of_equal_maxima_keeps_its_time() -> None:
    """A maximum is replaced by a larger one only."""
    demand = MaximumDemand(DemandSettings(), 4, WORDS.of_demands, 0)
    demand.add(0, rows([7] * 60), 2)
    assert demand.maxima.time[0, 0, 0] == demand.maxima.time[2, 0, 0] == 15


@pytest.mark.parametrize("period", [(15, 2), (1, 2)])
def test_a_slide_divides_its_period(period: tuple[int, int]) -> None:
    """Windows that do not end together with the period are no setting."""
    with pytest.raises(ValueError):
        DemandSettings(*period)
