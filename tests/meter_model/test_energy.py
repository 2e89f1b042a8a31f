"""Combination words, quadrants, thresholds and roll-over."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.meter_model.demand import FLOWS
from meterwire.meter_model.energy import CombinationWords, Energies, Starting, powers, rolled_over
from meterwire.meter_model.load import Rows


def minute(active: tuple[int, int, int], reactive: tuple[int, int, int]) -> Rows:
    """One minute of powers in mW and mvar."""
    shape = (1, 3)
    return Rows(
        np.full(shape, 220_000.0),
        np.array([active], float).reshape(shape),
        np.array([reactive], float).reshape(shape),
        np.array([50_000.0]),
    )


milli = st.integers(-20_000_000, 20_000_000)


@given(st.tuples(milli, milli, milli), st.tuples(milli, milli, milli))
def test_each_flow_takes_what_its_quadrant_says(active: tuple[int, ...], reactive: tuple[int, ...]) -> None:
    """I is P >= 0, Q >= 0; II P < 0, Q >= 0; III both negative; IV the rest; of phases and of their sum alike."""
    flows = powers(minute(active, reactive), Starting()).flows[0]
    for scope, (p, q) in enumerate([(sum(active), sum(reactive)), *zip(active, reactive, strict=True)]):
        quadrant = (0 if q >= 0 else 3) if p >= 0 else (1 if q >= 0 else 2)
        expected = [max(p, 0), max(-p, 0), 0, 0, 0, 0]
        expected[2 + quadrant] = abs(q)
        assert flows[scope, :6].tolist() == expected
        size = flows[scope, 6] + flows[scope, 7]
        assert flows[scope, 6 if p < 0 else 7] == 0
        assert abs(size * size - p * p - q * q) <= size + 1


def test_below_the_starting_power_nothing_is_registered() -> None:
    """Each phase has its own threshold; at the threshold it registers."""
    starting = Starting(4.4, 5.5)
    flows = powers(minute((4399, 4400, -4399), (5499, -5500, 0)), starting).flows[0]
    assert flows[0].tolist() == [4400, 0, 0, 0, 0, 5500, round((4400**2 + 5500**2) ** 0.5), 0]
    assert not flows[1].any()
    assert not flows[3].any()


def test_combination_words_by_bits() -> None:
    """Pairs (add, subtract) from bit 0: A+, A- and the quadrants I to IV."""
    words = CombinationWords(0x09, 0b10_01_00_01, 0x50).combined
    assert words["active_combined"] == {"active_import": 1, "active_export": -1}
    assert list(words["reactive_combined_1"].values()) == [1, 0, 1, -1]
    assert list(words["reactive_combined_2"].values()) == [0, 0, 1, 1]
    assert list(CombinationWords().combined["reactive_combined_1"].values()) == [1, 1, 0, 0]
    with pytest.raises(ValueError):
        CombinationWords(0x10)


@pytest.mark.parametrize(
    ("counted", "signed", "shown"),
    [
        ("999999.99", False, "999999.99"),
        ("1000000", False, "0"),
        ("2000000.01", False, "0.01"),
        ("799999.99", True, "799999.99"),
        ("800000", True, "0"),
        ("-799999.99", True, "-799999.99"),
        ("-800000.5", True, "-0.5"),
    ],
)
def test_roll_over(counted: str, signed: bool, shown: str) -> None:
    """Registers start again at a million; those with a sign at 800,000, the most their eight digits can say."""
    assert rolled_over(Fraction(counted), signed=signed) == Fraction(shown)


def test_presets_are_exact_in_hundredths_and_copies_are_independent() -> None:
    """A reading set in hundredths reads back exactly, and a copy lives its own life."""
    energies = Energies(400, 1200, 4)
    for at, flow in enumerate(FLOWS):
        for rate in range(1, 5):
            energies.preset(flow, Fraction(12_345 + at * 7 + rate, 100), rate=rate)
        energies.preset(flow, Fraction(999, 100), "b")
    for at, flow in enumerate(FLOWS):
        assert energies.reading(flow, rate=3) == Fraction(12_345 + at * 7 + 3, 100)
        assert energies.reading(flow) == sum(energies.reading(flow, rate=rate) for rate in range(1, 5))
        assert energies.reading(flow, "b") == Fraction(999, 100)
    before = energies.save()
    twin = energies.copy()
    twin.add(powers(minute((10**6,) * 3, (10**6,) * 3), Starting()), 2, 60)
    assert energies.save() == before != twin.save()
    assert energies.readings().reading("active_import", "total", 2) == energies.reading("active_import", rate=2)
