"""Energy registers as their callers see them: rules of registration, rates, presets, saved states, head-room."""

from __future__ import annotations

import zlib
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from meterwire.meter_model.core import EnergyRegisters, Register

A_IN, A_OUT, Q1, Q2, Q3, Q4 = Register


def registers(meters=1, **changes):
    constants = {"pulse_constant_active": 1000, "pulse_constant_reactive": 1000, "rates": 4, "phases": 3}
    return EnergyRegisters(meters, **(constants | changes))


def readings(r, meter=0, **where):
    return [r.energy(each, meter, **where) for each in Register]


@pytest.mark.parametrize(
    ("p", "q", "active", "reactive"),
    [
        (1000.0, 500.0, A_IN, Q1),
        (-1000.0, 500.0, A_OUT, Q2),
        (-1000.0, -500.0, A_OUT, Q3),
        (1000.0, -500.0, A_IN, Q4),
        (0.0, 500.0, None, Q1),
        (-0.0, 500.0, None, Q1),
        (0.0, -500.0, None, Q4),
        (-0.0, -500.0, None, Q4),
        (1000.0, 0.0, A_IN, None),
        (-1000.0, -0.0, A_OUT, None),
    ],
)
def test_quadrants(p, q, active, reactive):
    """One hour in each quadrant and on its borders: a zero of either sign is not negative."""
    for phases in (1, 3):
        r = registers(phases=phases, pulse_constant_active=3600, pulse_constant_reactive=7200)
        r.integrate([p, 0.0, -0.0] if phases == 3 else [p], [q, -0.0, 0.0] if phases == 3 else [q], 3600)
        expected = [Fraction(1) if x == active else Fraction(1, 2) if x == reactive else Fraction(0) for x in Register]
        assert readings(r) == expected
        if phases == 3:
            assert readings(r, phase="a") == expected
            assert readings(r, phase="b") == readings(r, phase="c") == [0] * 6


def test_the_total_is_the_vector_sum():
    """Phases of opposite sign: the total follows the sum, the phase registers each their own sign."""
    r = registers()
    r.integrate([3000, -1000, 500], [100, -400, 0], 3600)
    assert readings(r) == [Fraction(5, 2), 0, 0, 0, 0, Fraction(3, 10)]
    assert readings(r, phase="a") == [3, 0, Fraction(1, 10), 0, 0, 0]
    assert readings(r, phase="b") == [0, 1, 0, 0, Fraction(4, 10), 0]
    assert readings(r, phase="c") == [Fraction(1, 2), 0, 0, 0, 0, 0]


def test_below_the_starting_threshold_nothing_registers():
    """Below it a power is zero, also in the sum and for the quadrant; at it the meter registers."""
    r = registers(starting_active=10.0, starting_reactive=4.0)
    below = np.nextafter(10.0, 0)
    r.integrate([below, -below, below], [np.nextafter(4.0, 0), -3.9, 0], 3600)
    assert readings(r) == readings(r, phase="a") == [0] * 6
    r.integrate([10.0, -below, below], [0, 0, 4.0], 3600)
    assert readings(r) == [Fraction(1, 100), 0, Fraction(4, 1000), 0, 0, 0]
    r = registers(starting_active=10.0)
    r.integrate([-below, -below, -below], [200.0, 200.0, -50.0], 3600)
    assert readings(r) == [0, 0, Fraction(350, 1000), 0, 0, 0]


def test_constants_and_thresholds_belong_to_each_meter():
    """A fleet may mix meter types."""
    r = EnergyRegisters(
        3,
        pulse_constant_active=[100, 1000, 6400],
        pulse_constant_reactive=[1, 2, 0.5],
        starting_active=[0, 500, 501],
        starting_reactive=0,
        phases=1,
    )
    r.integrate([500.0] * 3, [-500.0] * 3, 7200)
    assert [r.energy(A_IN, m) for m in range(3)] == [1, 1, 0]
    assert [r.energy(Q4, m) for m in range(3)] == [1, 1, 1]
    assert [r.pulses(A_IN, m) for m in range(3)] == [100, 1000, 0]
    assert r.fleet_pulses(Q4).tolist() == [1, 2, 0]


def test_the_oracle_agrees_through_the_public_door(oracle):
    """Factors, blocks longer than the kernel takes at once, and float32: the same integers."""
    rng = np.random.default_rng(4)
    for dtype, steps in (("f8", 7), ("f4", 7), ("f8", 2100)):
        p, q = (rng.normal(200, 300, (steps, 3, 2)).astype(dtype) for _ in "pq")
        r = registers(2, starting_active=20, starting_reactive=20)
        r.integrate_block(p, q, 0.7)
        k = np.full(2, 1000 * 0.7 / 3.6e6 * 2**32)
        phases, totals = oracle(p, q, k, k, np.full(2, 20.0), np.full(2, 20.0))
        for each in Register:
            for m in range(2):
                assert r.fixed(each, m) == totals[each][m]
                for f in range(3):
                    assert r.fixed(each, m, "abc"[f]) == phases[each][f][m]


def test_rates_keep_their_fractions():
    """A fraction of a pulse belongs to the rate it was counted under; the total is the sum of the rates."""
    r = registers(2, rates=3, phases=1)
    r.integrate([0.9, 1.9], [0.0, 0.0], 3600)
    assert [r.pulses(A_IN, 1, rate=n) for n in (1, 2, 3)] == [1, 0, 0]
    first = [r.fixed(A_IN, m, rate=1) for m in range(2)]
    r.select_rate([3, 2])
    assert r.selected_rates.tolist() == [3, 2]
    r.integrate([0.9, 0.9], [0.0, 0.0], 3600)
    assert [r.fixed(A_IN, m, rate=1) for m in range(2)] == first
    assert [r.pulses(A_IN, 0, rate=n) for n in (1, 2, 3)] == [0, 0, 0]
    assert r.pulses(A_IN, 0) == 1
    assert r.fleet_pulses(A_IN).tolist() == [1, 2]
    assert r.fleet_pulses(A_IN, rate=1).tolist() == [0, 1]
    r.select_rate(1)
    r.integrate([0.2, 0.2], [0.0, 0.0], 3600)
    assert [r.pulses(A_IN, m, rate=1) for m in range(2)] == [1, 2]
    for m in range(2):
        assert sum(r.fixed(A_IN, m, rate=n) for n in (1, 2, 3)) == r.fixed(A_IN, m)
        assert float(r.energy(A_IN, m)) == pytest.approx([2.0e-3, 3.0e-3][m], rel=1e-6)


@pytest.mark.parametrize("rate", [0, 5, -1, 1.0, "1", [1, 2], [1, 2, 9], None, [[1, 2, 3]], True])
def test_rates_that_do_not_exist(rate):
    """The total is no rate, and a wrong selection changes nothing."""
    r = registers(3)
    with pytest.raises(ValueError, match="rate"):
        r.select_rate(rate)
    assert r.selected_rates.tolist() == [1, 1, 1]


def test_all_the_banks():
    """64 rates are the most; the last one counts."""
    r = registers(rates=64, phases=1)
    r.select_rate(64)
    r.integrate([1000.0], [0.0], 3600)
    assert (r.energy(A_IN, rate=64), r.energy(A_IN, rate=63), r.energy(A_IN)) == (1, 0, 1)


@pytest.mark.parametrize("kwh", [Decimal("123456.78"), Fraction(1, 3), 5, 0, Decimal("0.0000001")])
def test_presets(kwh):
    """An initial reading stands in the register to 2**-33 pulse, and counting goes on from it."""
    r = registers(2)
    half = Fraction(1, 1000 * 2**33)
    r.preset(A_IN, 1, kwh)
    assert abs(r.energy(A_IN, 1) - Fraction(kwh)) <= half
    assert r.energy(A_IN, 0) == 0
    r.preset(Q3, 1, kwh, phase="b")
    assert abs(r.energy(Q3, 1, "b") - Fraction(kwh)) <= half
    assert r.energy(Q3, 1) == 0
    r.preset(A_IN, 1, 7, rate=2)
    assert r.energy(A_IN, 1, rate=2) == 7
    assert r.energy(A_IN, 1) == r.energy(A_IN, 1, rate=1) + 7
    r.integrate_block(np.full((1, 3, 2), 1000.0), np.zeros((1, 3, 2)), 3600)
    assert abs(r.energy(A_IN, 1, rate=1) - Fraction(kwh) - 3) <= half
    r.preset(A_IN, 1, 11)
    assert [r.energy(A_IN, 1, rate=n) for n in (1, 2, 3, 4)] == [11, 0, 0, 0]


@pytest.mark.parametrize("kwh", [-1, Decimal("NaN"), Decimal("Infinity"), 2**62, Fraction(-1, 10**9), float("inf")])
def test_presets_that_are_refused(kwh):
    """No reading is negative, infinite or beyond what a register can go on from."""
    r = registers()
    r.preset(A_IN, 0, 5)
    with pytest.raises(ValueError, match="reading"):
        r.preset(A_IN, 0, kwh)
    assert r.energy(A_IN) == 5


def test_places_that_do_not_exist():
    """Meters are counted from zero, rates from one, phases are a, b and c, and phases have no rates."""
    r, one = registers(2), registers(phases=1)
    for meter in (-1, 2):
        with pytest.raises(ValueError, match="meters"):
            r.energy(A_IN, meter)
        with pytest.raises(ValueError, match="meters"):
            r.preset(A_IN, meter, 1)
    for where in ({"rate": 0}, {"rate": 5}, {"phase": "d"}, {"phase": ""}, {"phase": "a", "rate": 1}):
        for read in (r.energy, r.fixed, r.pulses):
            with pytest.raises(ValueError, match=r"rate|phase"):
                read(A_IN, 0, **where)
        with pytest.raises(ValueError, match=r"rate|phase"):
            r.fleet_pulses(A_IN, **where)
        with pytest.raises(ValueError, match=r"rate|phase"):
            r.preset(A_IN, 0, 1, **where)
    with pytest.raises(ValueError, match="phase"):
        one.energy(A_IN, phase="a")


@pytest.mark.parametrize(
    "arguments",
    [
        {"meters": 0},
        {"meters": -1},
        {"rates": 0},
        {"rates": 65},
        {"phases": 2},
        {"pulse_constant_active": 0},
        {"pulse_constant_reactive": -5},
        {"pulse_constant_active": float("nan")},
        {"pulse_constant_active": float("inf")},
        {"pulse_constant_active": [1, 2, 3]},
        {"pulse_constant_active": "many"},
        {"starting_active": -1},
        {"starting_reactive": float("nan")},
        {"starting_reactive": [[1, 2]]},
    ],
)
def test_registers_that_cannot_be(arguments):
    """Geometry and constants are checked when they are given."""
    with pytest.raises(ValueError):
        registers(**({"meters": 2} | arguments))


def test_zeros_with_a_sign_are_zeros():
    """A threshold of -0.0 is none."""
    r = registers(starting_active=-0.0, starting_reactive=[-0.0])
    r.integrate([1000.0, 0, 0], [0, 0, 0], 3600)
    assert r.energy(A_IN) == 1


@pytest.mark.parametrize(
    ("p", "q", "seconds"),
    [
        ([1.0, 2.0], [1.0, 2.0, 3.0], 1),
        ([[1.0] * 3] * 3, [[1.0] * 3] * 3, 1),
        (1.0, 1.0, 1),
        ([1.0, 2.0, float("nan")], [0.0, 0.0, 0.0], 1),
        ([0.0, 0.0, 0.0], [0.0, 0.0, -float("inf")], 1),
        ([1.0, 2.0, 1e300], [0.0, 0.0, 0.0], 1),
        (["a", "b", "c"], [0.0, 0.0, 0.0], 1),
        ([1j, 0, 0], [0.0, 0.0, 0.0], 1),
        ([1.0, 2.0, 3.0], [0.0, 0.0, 0.0], -1),
        ([1.0, 2.0, 3.0], [0.0, 0.0, 0.0], float("nan")),
        ([1.0, 2.0, 3.0], [0.0, 0.0, 0.0], float("inf")),
    ],
)
def test_steps_that_are_refused(p, q, seconds):
    """Shapes, powers and lengths of time that mean nothing raise ValueError and register nothing."""
    r = registers()
    r.integrate([1.0, 1.0, 1.0], [1.0, 1.0, 1.0], 60)
    before = r.save()
    with pytest.raises(ValueError):
        r.integrate(p, q, seconds)
    assert r.save() == before


def test_a_fault_late_in_a_long_block_leaves_nothing_of_it():
    """Also when the block is longer than the kernel takes at once."""
    r = registers(phases=1)
    p, q = np.full((5000, 1), 100.0), np.zeros((5000, 1))
    p[4999, 0] = float("nan")
    with pytest.raises(ValueError, match="not a number"):
        r.integrate_block(p, q, 1)
    assert readings(r) == [0] * 6
    with pytest.raises(ValueError, match="as many steps"):
        r.integrate_block(p, q[:-1], 1)
    r.integrate_block(p[:0], q[:0], 1)
    r.integrate_block(p[:-1], q[:-1], 0)
    assert readings(r) == [0] * 6


def test_head_room_is_kept_by_draining():
    """Far more than 2**31 pulses at one go: the registers drain by themselves and lose nothing."""
    for phases in (1, 3):
        r = registers(phases=phases, pulse_constant_active=3.6e6, pulse_constant_reactive=3.6e6)
        shape = (10000, 3, 1) if phases == 3 else (10000, 1)
        power = 2.0**19 - 2.0**17 if phases == 1 else 2.0**17
        r.integrate_block(np.full(shape, power), np.full(shape, -power), 1)
        total = int(power) * (3 if phases == 3 else 1) * 10000
        assert total > 2**31
        assert [r.pulses(each) for each in Register] == [total, 0, 0, 0, 0, total]
        if phases == 3:
            assert r.pulses(Q4, phase="c") == int(power) * 10000


def test_integers_and_lists_are_powers():
    """What NumPy makes of the arguments does not matter as long as they are real numbers."""
    r, other = registers(), registers()
    r.integrate([100, 200, 300], np.array([1, 2, 3], np.int16), 3600)
    other.integrate(np.array([[100.0], [200.0], [300.0]]), np.asfortranarray([[1.0], [2.0], [3.0]]), 3600.0)
    assert readings(r) == readings(other) == [Fraction(6, 10), 0, Fraction(6, 1000), 0, 0, 0]


def busy(meters=3, **changes):
    r = registers(meters, **changes)
    rng = np.random.default_rng(9)
    shape = (3, meters) if r.phases == 3 else (meters,)
    for rate in (2, 4, 1, 3):
        r.select_rate(rate)
        for _ in range(5):
            r.integrate(rng.normal(0, 4000, shape), rng.normal(0, 3000, shape), 977)
    return r


@pytest.mark.parametrize("phases", [1, 3])
def test_save_and_restore(phases):
    """A restored set of registers goes on as if nothing had happened."""
    r, other = busy(phases=phases), registers(3, phases=phases)
    other.restore(r.save())
    assert other.save() == r.save()
    assert other.selected_rates.tolist() == [3, 3, 3]
    for each in (r, other):
        each.integrate(np.full((3, 3) if phases == 3 else 3, 7.0), np.full((3, 3) if phases == 3 else 3, 7.0), 1)
        each.select_rate(2)
    assert r.save() == other.save()
    other.restore(bytearray(r.save()))
    for m in range(3):
        assert readings(r, m) == readings(other, m)
        assert [readings(r, m, rate=n) for n in range(1, 5)] == [readings(other, m, rate=n) for n in range(1, 5)]


def test_states_of_other_registers_are_refused():
    """Geometry and pulse constants belong to a state: it means nothing without them."""
    saved = busy().save()
    for other in (
        registers(2),
        registers(4),
        registers(3, rates=3),
        registers(3, phases=1),
        registers(3, pulse_constant_active=1001),
        registers(3, pulse_constant_reactive=[1000, 1000, 999]),
    ):
        with pytest.raises(ValueError, match="saved registers"):
            other.restore(saved)
    thresholds = registers(3, starting_active=5)
    thresholds.restore(saved)
    assert thresholds.save() == saved


@pytest.mark.parametrize("rubbish", [b"", b"\0" * 500, b"MWREGS", "text", None, 5, [1, 2]])
def test_rubbish_is_refused(rubbish):
    """Only ValueError leaves."""
    with pytest.raises(ValueError, match="saved registers"):
        registers().restore(rubbish)


def test_damage_is_refused_and_forgery_bounded():
    """Every cut and every flipped octet is seen; with a right checksum the content is still one registers can have."""
    r = busy(1)
    saved = r.save()
    for cut in range(len(saved)):
        with pytest.raises(ValueError, match="saved registers"):
            r.restore(saved[:cut])
    with pytest.raises(ValueError, match="saved registers"):
        r.restore(saved + b"\0")
    refused = 0
    for at in range(len(saved) - 4):
        forged = bytearray(saved)
        forged[at] ^= 0x80
        with pytest.raises(ValueError, match="saved registers"):
            r.restore(forged)
        forged[-4:] = zlib.crc32(forged[:-4]).to_bytes(4, "little")
        try:
            r.restore(forged)
        except ValueError:
            refused += 1
        else:
            assert all(r.energy(each, rate=n) >= 0 for each in Register for n in range(1, 5))
            assert all(r.energy(each, phase=f) >= 0 for each in Register for f in "abc")
            r.integrate([1.0, 1.0, 1.0], [1.0, 1.0, 1.0], 1)
            r.restore(saved)
        assert r.save() == saved
    assert refused > 100


def test_rates_of_a_forged_state_exist():
    """A selected rate beyond the banks would be an index out of bounds."""
    r = registers(1)
    first = r.save()
    r.select_rate(4)
    forged = bytearray(r.save())
    at = next(i for i, (a, b) in enumerate(zip(first, forged, strict=True)) if a != b)
    assert (first[at], forged[at]) == (0, 3)
    forged[at] = 4
    forged[-4:] = zlib.crc32(forged[:-4]).to_bytes(4, "little")
    with pytest.raises(ValueError, match="no such rate"):
        r.restore(forged)
