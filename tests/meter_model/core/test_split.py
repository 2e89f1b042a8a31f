"""However time, meters and drains are cut, every register holds the same bits, on every instruction set."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from meterwire.meter_model.core import EnergyRegisters, Register, _core

POWERS = st.one_of(
    st.floats(-2e4, 2e4),
    st.sampled_from([0.0, -0.0, 5.0, -5.0, 4.999, -4.999, 1e-300, 2.5, 1e5, -1e5]),
)


@st.composite
def loads(draw, max_steps=9, max_meters=19):
    """P and Q of some steps of some meters, with three phases or with one element."""
    meters, steps = draw(st.integers(1, max_meters)), draw(st.integers(1, max_steps))
    shape = (steps, 3, meters) if draw(st.booleans()) else (steps, meters)
    p, q = (draw(hnp.arrays(np.float64, shape, elements=POWERS, fill=st.floats(-2e4, 2e4))) for _ in "pq")
    return p, q


def registers(p, meters=None):
    """Registers for such a load; the constants differ from meter to meter and follow it when meters move."""
    meters = np.arange(p.shape[-1]) if meters is None else np.asarray(meters)
    return EnergyRegisters(
        len(meters),
        pulse_constant_active=1000 + 37.0 * meters,
        pulse_constant_reactive=300 + 11.5 * meters,
        starting_active=5.0 + meters % 3,
        starting_reactive=2.5,
        rates=3,
        phases=3 if p.ndim == 3 else 1,
    )


def fixed(r, meter, **where):
    return [r.fixed(each, meter, **where) for each in Register]


def all_fixed(r):
    places = [{}] + [{"rate": n} for n in range(1, r.rates + 1)]
    places += [{"phase": f} for f in "abc"] if r.phases == 3 else []
    return [[fixed(r, m, **where) for where in places] for m in range(r.meters)]


@settings(deadline=None, max_examples=60)
@given(loads(), st.floats(0.001, 3600), st.data())
def test_cutting_time_changes_no_bit(load, seconds, data):
    """Any sub-blocks of the same steps, drains at any moment, any instruction set."""
    p, q = load
    results = []
    for isa in _core.isas:
        _core.use_isa(isa)
        whole = registers(p)
        whole.integrate_block(p, q, seconds)
        results.append(all_fixed(whole))
    cut = registers(p)
    at = 0
    while at < len(p):
        n = data.draw(st.integers(1, len(p) - at))
        cut.integrate_block(p[at : at + n], q[at : at + n], seconds)
        at += n
        if data.draw(st.booleans()):
            cut.drain()
        if data.draw(st.booleans()):
            saved = cut.save()
            cut = registers(p)
            cut.restore(saved)
    results.append(all_fixed(cut))
    assert all(result == results[0] for result in results)


@settings(deadline=None, max_examples=40)
@given(loads(), st.data())
def test_meters_do_not_know_each_other(load, data):
    """Any permutation and any partition of the meters: each meter's registers are the same bits."""
    p, q = load
    meters = p.shape[-1]
    together = registers(p)
    together.integrate_block(p, q, 60)
    order = data.draw(st.permutations(range(meters)))
    cuts = sorted(data.draw(st.sets(st.integers(1, meters))) | {0, meters})
    for first, last in itertools.pairwise(cuts):
        group = order[first:last]
        _core.use_isa(data.draw(st.sampled_from(_core.isas)))
        alone = registers(p, group)
        alone.integrate_block(p[..., group], q[..., group], 60)
        expected = all_fixed(together)
        assert all_fixed(alone) == [expected[m] for m in group]


@settings(deadline=None, max_examples=60)
@given(loads(), st.data())
def test_the_total_is_the_sum_of_the_rates_and_nothing_runs_backwards(load, data):
    """Rates switched at any moment: the total is that of a meter without rates; no register ever falls."""
    p, q = load
    plain, rated = registers(p), registers(p)
    plain.integrate_block(p, q, 900)
    before = all_fixed(rated)
    for k in range(len(p)):
        if data.draw(st.booleans()):
            rate = data.draw(st.lists(st.integers(1, 3), min_size=rated.meters, max_size=rated.meters))
            rated.select_rate(rate)
            assert all_fixed(rated) == before
        rated.integrate(p[k], q[k], 900)
        after = all_fixed(rated)
        for old, new in zip(before, after, strict=True):
            for olds, news in zip(old, new, strict=True):
                assert all(a <= b for a, b in zip(olds, news, strict=True))
        before = after
    for m in range(rated.meters):
        rates = [fixed(rated, m, rate=n) for n in (1, 2, 3)]
        assert fixed(rated, m) == [sum(each) for each in zip(*rates, strict=True)] == fixed(plain, m)
        for each in Register:
            assert rated.fleet_pulses(each)[m] == rated.pulses(each, m) == plain.pulses(each, m)
            for n in (1, 2, 3):
                assert rated.fleet_pulses(each, rate=n)[m] == rated.pulses(each, m, rate=n)
            if rated.phases == 3:
                assert rated.fleet_pulses(each, phase="b")[m] == rated.pulses(each, m, "b")


@settings(deadline=None, max_examples=60)
@given(loads(), st.data())
def test_equals_the_oracle(oracle, load, data):
    """Random loads, not only random splits, agree with Python integers on a drawn instruction set."""
    p, q = load
    _core.use_isa(data.draw(st.sampled_from(_core.isas)))
    r = registers(p)
    r.integrate_block(p, q, 10)
    constants = (1000 + 37.0 * np.arange(r.meters), 300 + 11.5 * np.arange(r.meters))
    factors = [c * 10.0 / 3.6e6 * 2**32 for c in constants]
    phases, totals = oracle(p, q, *factors, 5.0 + np.arange(r.meters) % 3, np.full(r.meters, 2.5))
    for m in range(r.meters):
        assert fixed(r, m) == [row[m] for row in totals]
        if phases:
            for f in range(3):
                assert fixed(r, m, phase="abc"[f]) == [rows[f][m] for rows in phases]


def test_a_thousand_million_pulses_without_drift():
    """About 1e9 pulses in 2e6 unequal steps: the register differs from the exact energy by rounding alone."""
    rng = np.random.default_rng(2)
    r = EnergyRegisters(1, pulse_constant_active=3.6e6, pulse_constant_reactive=1, phases=1)
    exact, steps = 0, 0
    for _ in range(20):
        p = rng.uniform(300, 700, (100_000, 1))
        r.integrate_block(p, np.zeros_like(p), 1)
        fixed_point = (p * 2.0**44).astype(np.int64)  # exact: powers from 256 up have 44 fractional bits
        exact += (int((fixed_point >> 22).sum()) << 22) + int((fixed_point & (1 << 22) - 1).sum())
        steps += len(p)
    error = r.fixed(Register.ACTIVE_IMPORT) - exact / 2**12
    assert r.pulses(Register.ACTIVE_IMPORT) > 0.99e9
    assert abs(error) < steps**0.5 * 5
