"""Load models: deterministic, independent of how they are asked, and physically sound."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterwire.meter_model.circuit import Circuit, PhaseOverride, Spectrum
from meterwire.meter_model.load import MAX_APPARENT, Constant, Household, Industrial, Load, LoadModel, Rows, Site
from meterwire.meter_model.noise import uniform

LOADS = [Constant(), Household(), Household(peak=12_000, photovoltaic=12_000), Industrial(), Industrial(power=30_000)]
DAY = 20_454 * 1440  # 2026-01-01 in minutes of local time
seeds = st.integers(0, 2**64 - 1)
minutes = st.integers(15_778_080, 68_000_000)


def arrays(rows: Rows) -> list[np.ndarray]:
    return [rows.voltage, rows.active, rows.reactive, rows.frequency]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(LOADS), seeds, minutes, st.integers(1, 400), st.data())
def test_a_block_equals_its_pieces_bit_for_bit(load: LoadModel, seed: int, first: int, count: int, data) -> None:
    """How long a span is asked for, and where it is cut, changes no bit."""
    site = Site(seed, 3, 220.0, 50.0)
    whole = load.rows(site, first, count)
    cut = data.draw(st.integers(0, count))
    pieces = [load.rows(site, first, cut), load.rows(site, first + cut, count - cut)]
    for one, *parts in zip(arrays(whole), *map(arrays, pieces), strict=True):
        assert one.tobytes() == np.concatenate(parts).tobytes()
    alone = load.rows(site, first + count - 1, 1)
    for one, last in zip(arrays(whole), arrays(alone), strict=True):
        assert one[-1:].tobytes() == last.tobytes()


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("phases", [1, 3])
def test_weeks_of_whole_thousandths_within_limits(load: Load, phases: int) -> None:
    """Whole mV, mW and mvar, so that sums are exact; no phase beyond what every dialect can show."""
    for seed in (0, 77):
        rows = load.rows(Site(seed, phases, 220.0, 50.0), DAY, 45 * 1440)
        for array in arrays(rows):
            assert np.array_equal(array, np.rint(array))
        assert not np.signbit(rows.active[rows.active == 0]).any()
        assert (np.hypot(rows.active, rows.reactive) <= MAX_APPARENT * 1000).all()
        assert (rows.voltage[:, :phases] > 180_000).all()
        assert (rows.voltage[:, :phases] < 260_000).all()
        assert not rows.voltage[:, phases:].any()
        assert not rows.active[:, phases:].any()
        assert (np.abs(rows.frequency - 50_000) <= 50).all()


def test_seeds_and_streams_differ_and_are_uniform() -> None:
    """The noise is noise: mean and spread of a uniform distribution, no two streams alike."""
    index = np.arange(100_000, dtype=np.int64)
    one, other, stream = uniform(1, 1, index), uniform(2, 1, index), uniform(1, 2, index)
    for draws in (one, other, stream):
        assert abs(draws.mean() - 0.5) < 0.005
        assert abs(draws.var() - 1 / 12) < 0.002
        assert 0 <= draws.min() < draws.max() < 1
    for pair in ((one, other), (one, stream), (one[1:], one[:-1])):
        assert abs(np.corrcoef(*pair)[0, 1]) < 0.02


def splitmix(value: int) -> int:
    value = (value + 0x9E3779B97F4A7C15) % 2**64
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ value >> 27) * 0x94D049BB133111EB % 2**64
    return value ^ value >> 31


@given(seeds, st.integers(0, 1000), st.lists(st.integers(0, 2**62), min_size=1, max_size=5))
def test_noise_is_splitmix_in_plain_integers(seed: int, stream: int, index: list[int]) -> None:
    """The same seed gives the same numbers on every machine and in every later version."""
    key = splitmix((splitmix(seed) + stream) % 2**64)
    expected = [(splitmix((key + at * 0x9E3779B97F4A7C15) % 2**64) >> 11) / 2**53 for at in index]
    assert uniform(seed, stream, np.array(index, np.int64)).tolist() == expected


def test_household_has_its_peaks_and_panels_turn_the_flow() -> None:
    """Evenings above nights, and with panels energy flows out at noon but never at night."""
    site = Site(3, 3, 220.0, 50.0)
    total = Household().rows(site, DAY, 30 * 1440).active.sum(axis=1).reshape(30, 1440).mean(axis=0)
    assert total[18 * 60 : 20 * 60].mean() > 2 * total[2 * 60 : 4 * 60].mean()
    sunny = Household(photovoltaic=10_000).rows(site, DAY, 30 * 1440).active.sum(axis=1).reshape(30, 1440)
    assert (sunny[:, 12 * 60 : 13 * 60] < 0).any()
    assert (sunny[:, : 6 * 60] > 0).all()


def test_workshop_rests_on_sundays_and_overcompensates_then() -> None:
    """Two shifts on working days; at rest the capacitors make the load capacitive."""
    site = Site(3, 3, 220.0, 50.0)
    week = Industrial().rows(site, DAY + 4 * 1440, 7 * 1440)  # 2026-01-05 is a Monday
    active, reactive = week.active.sum(axis=1).reshape(7, 1440), week.reactive.sum(axis=1).reshape(7, 1440)
    noon = slice(9 * 60, 11 * 60)
    assert active[0, noon].mean() > 3 * active[6, noon].mean()
    assert reactive[0, noon].mean() > 0 > reactive[6, noon].mean()


powers = st.floats(-15_000, 15_000)


@settings(max_examples=100, deadline=None)
@given(st.tuples(powers, powers, powers), st.tuples(powers, powers, powers), st.floats(110, 400))
def test_invariants_of_an_instant(active: tuple[float, ...], reactive: tuple[float, ...], voltage: float) -> None:
    """P = U I cos(phi), Q = U I sin(phi), S^2 = P^2 + Q^2, PF = P / S, totals are sums."""
    circuit = Circuit(Site(1, 3, 220.0, 50.0), Constant(active, reactive, voltage), Spectrum())
    now = circuit.at(DAY)
    for phase in range(3):
        p, q, s = float(now.active(phase)), float(now.reactive(phase)), float(now.apparent(phase))
        size = float(now.voltage(phase)) * abs(float(now.current(phase)))
        phi = math.radians(float(now.angle(phase)))
        assert p == pytest.approx(active[phase], abs=0.0005)
        assert math.isclose(size, s, abs_tol=0.001)
        assert math.isclose(size * math.cos(phi), p, abs_tol=0.35)  # the angle is exact to a thousandth of a degree
        assert math.isclose(size * math.sin(phi), q, abs_tol=0.35)
        assert math.isclose(s, math.hypot(p, q), abs_tol=0.001)
        assert -1 <= now.power_factor(phase) <= 1
        assert math.isclose(float(now.power_factor(phase)) * s, p, abs_tol=0.002)
        assert (now.current(phase) < 0) == (p < 0 and now.current(phase) != 0)
        assert 0 <= now.angle(phase) < 360
    assert now.active() == sum(now.active(phase) for phase in range(3))
    assert now.reactive() == sum(now.reactive(phase) for phase in range(3))
    assert math.isclose(float(now.apparent()), math.hypot(float(now.active()), float(now.reactive())), abs_tol=0.001)


def test_neutral_current_of_balanced_and_single_loads() -> None:
    """Equal phases cancel in the neutral; one phase alone returns through it."""
    site = Site(1, 3, 220.0, 50.0)
    alone = Circuit(site, Constant((2200, 0, 0), 0), Spectrum()).at(DAY)
    assert alone.neutral_current() == 10 == alone.current(0)
    balanced = Circuit(site, Constant(2200, 0), Spectrum()).at(DAY)
    assert balanced.neutral_current() < 0.1  # the voltages stand a fifth of a degree off 120 at most


def test_a_cut_phase_is_dead_and_the_others_live_on() -> None:
    """Voltage, current, power, angle and distortion of a cut phase are zero; totals lose it."""
    circuit = Circuit(Site(1, 3, 220.0, 50.0), Constant((1000, 2000, 3000), 100), Spectrum())
    circuit.cut = frozenset("b")
    now = circuit.at(DAY)
    dead = (now.voltage, now.current, now.active, now.reactive, now.apparent, now.angle, now.voltage_angle)
    assert [value(1) for value in dead] == [0] * 7
    assert now.voltage_distortion(1) == now.current_distortion(1) == 0
    assert now.active() == 4000
    assert now.voltage(0) == 220
    circuit.supplied = False
    assert circuit.at(DAY).frequency() == 0


def test_override_of_a_phase_replaces_only_what_it_gives() -> None:
    """A phase override changes one value and leaves the load's others."""
    circuit = Circuit(Site(1, 3, 220.0, 50.0), Constant(1000, 100), Spectrum())
    circuit.override("c", PhaseOverride(active=-500.5))
    now = circuit.at(DAY)
    assert (now.active(2), now.reactive(2), now.voltage(2)) == (-500.5, 100, 220)
    circuit.override("c", None)
    assert circuit.at(DAY).active(2) == 1000


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "constant", "active": 26_001},
        {"kind": "constant", "active": [1, 2]},
        {"kind": "constant", "active": math.nan},
        {"kind": "constant", "active": 20_000, "voltage": 10},
        {"kind": "constant", "voltage": 501},
        {"kind": "constant", "frequency": 20},
        {"kind": "household", "peak": -1},
        {"kind": "household", "peak": math.nan},
        {"kind": "household", "peek": 1},
        {"kind": "industrial", "power_factor": 0},
        {"kind": "windmill"},
    ],
)
def test_impossible_loads_are_refused(given: dict[str, object]) -> None:
    """What no meter could show is refused where it is given, not found out by a face."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(given, Load)
