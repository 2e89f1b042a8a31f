"""The C kernel against exact integers, on every instruction set of this machine, and what its door refuses."""

from __future__ import annotations

import itertools
import sys
import threading
import time

import numpy as np
import pytest

from meterwire.meter_model.core import _core

NAN, INF = float("nan"), float("inf")


def powers(rng, shape, dtype):
    """Powers of either sign with a good share of zeros of both signs and of values at and just below 2.0."""
    values = rng.normal(300, 400, shape)
    odd = rng.random(shape)
    for at, value in enumerate((0.0, -0.0, 2.0, -2.0, np.nextafter(2.0, 0), -1.5)):
        values[(odd > at * 0.05) & (odd < at * 0.05 + 0.05)] = value
    return values.astype(dtype)


class Case:
    """Arguments of `integrate` for random powers."""

    def __init__(self, meters, steps=3, phases=3, dtype="f8", seed=0, quiet=False):
        rng = np.random.default_rng(seed)
        shape = (steps, 3, meters) if phases == 3 else (steps, meters)
        self.p, self.q = powers(rng, shape, dtype), powers(rng, shape, dtype)
        if quiet:
            self.p, self.q = abs(self.p) + 3, abs(self.q) + 3
        self.constants = [rng.uniform(1e3, 1e7, meters), rng.uniform(1e3, 1e7, meters)]
        self.constants += [np.full(meters, 2.0), np.full(meters, 2.0)]
        self.phases = np.zeros((6, 3, meters), np.int64) if phases == 3 else None
        self.totals = np.zeros((6, meters), np.int64)

    def run(self, *more):
        _core.integrate(self.p, self.q, *self.constants, self.phases, self.totals, *more)

    def state(self):
        return (None if self.phases is None else self.phases.tolist()), self.totals.tolist()


@pytest.mark.parametrize("isa", _core.isas)
@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("phases", [1, 3])
@pytest.mark.parametrize(("meters", "steps"), [(1, 1), (2, 9), (3, 4), (7, 5), (8, 8), (9, 2), (33, 6), (521, 1)])
def test_equals_exact_integers(oracle, isa, dtype, phases, meters, steps):
    """Every register of every meter is the sum of the increments, bit for bit, at any length."""
    _core.use_isa(isa)
    case = Case(meters, steps, phases, dtype, seed=meters)
    case.run()
    assert case.state() == oracle(case.p, case.q, *case.constants)


@pytest.mark.parametrize("isa", _core.isas)
def test_import_in_the_first_quadrant_takes_the_short_path_to_the_same_sums(oracle, isa):
    """The path for the usual case, with and without powers below the threshold among them, has no rounding of its own."""
    _core.use_isa(isa)
    for below in (False, True):
        case = Case(40, 9, 1, quiet=True)
        if below:
            case.p[3, 5] = case.q[4, 17] = 1.0
        case.run()
        assert case.state() == oracle(case.p, case.q, *case.constants)
        assert not case.totals[[1, 3, 4, 5]].any()


@pytest.mark.parametrize("isa", _core.isas)
def test_a_block_far_larger_than_the_caches(isa):
    """The path that asks for memory ahead of time adds the same sums (NumPy rounds the same products the same way)."""
    _core.use_isa(isa)
    case = Case(4099, 70, 3)
    case.run()
    p, q = (np.where(abs(x) >= 2.0, x, 0.0) for x in (case.p, case.q))
    for row, (a, b) in enumerate([*((p[:, f], q[:, f]) for f in range(3)), (sum_rows(p), sum_rows(q))]):
        got = case.phases[:, row] if row < 3 else case.totals
        ip, iq = (np.rint(abs(x) * k).astype(np.int64) for x, k in zip((a, b), case.constants, strict=False))
        back, down = a < 0, b < 0
        wanted = [
            (ip * mask).sum(axis=0) if r < 2 else (iq * mask).sum(axis=0)
            for r, mask in enumerate([~back, back, ~back & ~down, back & ~down, back & down, ~back & down])
        ]
        assert np.array_equal(got, wanted)


def sum_rows(x):
    return x[:, 0] + x[:, 1] + x[:, 2]


@pytest.mark.parametrize("isa", _core.isas)
def test_arrays_that_start_anywhere(oracle, isa):
    """Vectors that straddle cache lines are read and written whole."""
    _core.use_isa(isa)
    case = Case(29, 3)

    def moved(array, by):
        room = np.zeros(array.size + by, array.dtype)
        room[by:] = array.ravel()
        return room[by:]

    expected = oracle(case.p, case.q, *case.constants)
    for by in (1, 3, 5):
        p, q, phases, totals = (moved(a, by) for a in (case.p, case.q, case.phases, case.totals))
        _core.integrate(p, q, *(moved(c, by) for c in case.constants), phases, totals)
        assert (phases.reshape(6, 3, 29).tolist(), totals.reshape(6, 29).tolist()) == expected


@pytest.mark.parametrize("isa", _core.isas)
def test_a_range_touches_no_other_meter(oracle, isa):
    """Threads that share a fleet can each take their own range."""
    _core.use_isa(isa)
    case = Case(50, 5)
    phases, totals = oracle(case.p, case.q, *case.constants)
    case.run(11, 38)
    assert not case.totals[:, :11].any()
    assert not case.totals[:, 38:].any()
    assert case.totals[:, 11:38].tolist() == [row[11:38] for row in totals]
    case.run(0, 11)
    case.run(38)
    assert case.state() == (phases, totals)
    case.run(50, 50)
    assert case.state() == (phases, totals)


@pytest.mark.parametrize("isa", _core.isas)
def test_ties_go_to_even_and_the_product_is_rounded_first(isa):
    """The increment is rint(product), the product being a double already."""
    _core.use_isa(isa)
    p = np.array([1.0, 3.0, 5.0, 7.0, -1.0, -3.0, 0.1, 2.0**50 + 1])
    factor = np.array([0.5] * 6 + [15.0, 1.5])
    totals = np.zeros((6, 8), np.int64)
    _core.integrate(p, p, factor, factor, np.zeros(8), np.zeros(8), None, totals)
    assert totals[0].tolist() == [0, 2, 2, 4, 0, 0, 2, round((2.0**50 + 1) * 1.5)]
    assert totals[1].tolist() == [0, 0, 0, 0, 0, 2, 0, 0]


@pytest.mark.parametrize("isa", _core.isas)
@pytest.mark.parametrize("meters", [1, 8, 21])
def test_the_largest_increment(isa, meters):
    """2**51 - 1 is counted; what rounds to 2**51 is refused wherever it stands."""
    _core.use_isa(isa)
    ones, none = np.ones(meters), np.zeros(meters)
    for sign in (1, -1):
        for at in range(meters):
            for value, fine in ((2.0**51 - 1, True), (2.0**51 - 0.5, False), (2.0**51, False), (2.0**1000, False)):
                p = np.ones(meters)
                p[at] = sign * value
                for active in (True, False):
                    totals = np.zeros((6, meters), np.int64)
                    arguments = ((p, none) if active else (none, p)) + (ones, ones, none, none, None, totals)
                    if fine:
                        _core.integrate(*arguments)
                        assert totals.max() == 2**51 - 1
                    else:
                        with pytest.raises(ValueError, match=f"meter {at}, the power"):
                            _core.integrate(*arguments)
                        assert not totals.any()


@pytest.mark.parametrize("isa", _core.isas)
@pytest.mark.parametrize("bad", [NAN, -NAN, INF, -INF])
def test_what_is_no_number_is_refused_and_nothing_has_changed(isa, bad):
    """In any phase of any meter at any step, in P or in Q, and with everything before it taken back."""
    _core.use_isa(isa)
    rng = np.random.default_rng(1)
    for meters, quiet in ((5, True), (9, False), (700, False)):
        for _ in range(6):
            case = Case(meters, 6, quiet=quiet)
            case.run()
            before = case.state()
            step, phase, meter = rng.integers(6), rng.integers(3), rng.integers(meters)
            (case.p if rng.random() < 0.5 else case.q)[step, phase, meter] = bad
            for check in (False, True):
                with pytest.raises(ValueError, match=f"meter {meter}, phase {'abc'[phase]}"):
                    case.run(0, None, check)
            assert case.state() == before


@pytest.mark.parametrize("isa", _core.isas)
def test_a_sum_of_phases_can_be_out_of_range_alone(isa):
    """Three phases that each are in range, and a total that is not: all of them are refused."""
    _core.use_isa(isa)
    p = np.full((1, 3, 300), 2.0**50)
    p[:, :, :290] = 1
    ones, none = np.ones(300), np.zeros(300)
    phases, totals = np.zeros((6, 3, 300), np.int64), np.zeros((6, 300), np.int64)
    with pytest.raises(ValueError, match="meter 290, the sum of the phases"):
        _core.integrate(p, p, ones, ones, none, none, phases, totals)
    assert not phases.any()
    assert not totals.any()


@pytest.mark.parametrize("isa", _core.isas)
@pytest.mark.parametrize("row", range(4))
@pytest.mark.parametrize("register", [0, 1, 2, 5])
def test_a_full_accumulator_is_refused_and_nothing_has_changed(isa, row, register):
    """An accumulator never passes 2**63; the last count below it is still taken."""
    _core.use_isa(isa)
    meter = 277
    for quiet in (True, False) if register in {0, 2} else (False,):
        case, fresh = Case(300, 4, quiet=quiet), Case(300, 4, quiet=quiet)
        if not quiet:
            for each in (case, fresh):  # one step in each quadrant
                each.p[..., meter] = [[20.0], [-30.0], [-40.0], [50.0]]
                each.q[..., meter] = [[20.0], [30.0], [-40.0], [-50.0]]
        fresh.run()
        target, added = (
            (case.totals[register], fresh.totals[register])
            if row == 3
            else (case.phases[register, row], fresh.phases[register, row])
        )
        assert added[meter] > 0
        target[meter] = 2**63 - int(added[meter])
        before = case.state()
        with pytest.raises(OverflowError, match=f"meter {meter}, "):
            case.run()
        assert case.state() == before
        target[meter] -= 1
        case.run()
        assert target[meter] == 2**63 - 1


def test_check_adds_nothing():
    """A dry run looks at all powers and leaves the accumulators alone."""
    case = Case(10)
    case.run(0, None, True)
    assert not case.totals.any()
    assert not case.phases.any()


@pytest.mark.parametrize("at", [2, 3, 4, 5])
@pytest.mark.parametrize("value", [-1.0, -0.0, -INF, -NAN])
def test_negative_constants_are_refused(at, value):
    """A negative factor would count backwards."""
    case = Case(20)
    case.constants[at - 2][13] = np.copysign(value, -1)
    with pytest.raises(ValueError, match=r"meter 13: .* negative"):
        case.run()
    assert not case.totals.any()


@pytest.mark.parametrize("value", [NAN, INF])
def test_infinite_factors_are_refused(value):
    """A product that is not finite is no increment."""
    case = Case(20)
    case.constants[1][19] = value
    with pytest.raises(ValueError, match="meter 19"):
        case.run()
    assert not case.totals.any()


def unaligned(array):
    room = np.zeros(array.nbytes + 1, np.uint8)
    return room[1:].view(array.dtype).reshape(array.shape)


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


@pytest.mark.parametrize("at", range(8))
@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda a: a.tolist(), TypeError),
        (lambda a: object(), TypeError),
        (lambda a: a.astype("i4"), TypeError),
        (lambda a: a.astype("c16"), TypeError),
        (lambda a: a.astype(a.dtype.newbyteorder()), TypeError),
        (lambda a: np.zeros_like(a, "f2"), TypeError),
        (lambda a: a.astype([("x", "f8")]), TypeError),
        (lambda a: bytearray(a.tobytes()), TypeError),
        (lambda a: np.repeat(a, 2, axis=-1)[..., ::2], ValueError),
        (lambda a: np.asfortranarray(np.stack([a, a])), ValueError),
        (unaligned, ValueError),
        (lambda a: a[..., :-1].copy(), ValueError),
        (lambda a: a[..., :0].copy(), ValueError),
        (lambda a: np.concatenate([a.ravel(), a.ravel()[:1]]), ValueError),
    ],
)
def test_buffers_that_are_refused(at, spoil, error):
    """Format, layout, alignment and size of every buffer are checked before anything is read or written."""
    case = Case(5)
    arguments = [case.p, case.q, *case.constants, case.phases, case.totals]
    arguments[at] = spoil(arguments[at])
    with pytest.raises(error):
        _core.integrate(*arguments)
    assert not case.totals.any()
    assert not case.phases.any()


def test_outputs_must_be_writable_and_apart():
    """Constant memory is not written, and no output lies over an input or another output."""
    case = Case(5)
    good = [case.p, case.q, *case.constants, case.phases, case.totals]
    for at in (6, 7):
        with pytest.raises(ValueError, match="writable"):
            _core.integrate(*good[:at], read_only(good[at]), *good[at + 1 :])
    room = np.zeros(24 * 5 - 1, np.int64)
    with pytest.raises(ValueError, match="overlaps"):
        _core.integrate(*good[:6], room[: 18 * 5], room[18 * 5 - 1 :])
    with pytest.raises(ValueError, match="overlaps"):
        _core.integrate(case.phases.view("f8").ravel()[:45], *good[1:])
    with pytest.raises(TypeError):
        _core.integrate(case.p.astype("f4"), *good[1:])


@pytest.mark.parametrize("bounds", [(-1,), (6,), (3, 2), (0, 6), (0, -1), ("a",), (0, 1.5), (2**70,)])
def test_ranges_that_are_refused(bounds):
    """A range lies inside the fleet."""
    case = Case(5)
    with pytest.raises((ValueError, TypeError)):
        case.run(*bounds)
    assert not case.totals.any()


def test_step_counts_that_are_refused():
    """2048 steps cannot overflow a sum by themselves; one more could."""
    ones, none, totals = np.ones(1), np.zeros(1), np.zeros((6, 1), np.int64)
    full = np.full(2048, 2.0**51 - 1)
    _core.integrate(full, full, ones, ones, none, none, None, totals)
    assert totals[0, 0] == 2048 * (2**51 - 1)
    for steps in (0, 2049):
        p = np.ones(steps)
        with pytest.raises(ValueError, match="whole number of steps"):
            _core.integrate(p, p, ones, ones, none, none, None, totals)
    with pytest.raises(TypeError):
        _core.integrate(full, full)


def test_drain_keeps_the_fraction():
    """Whole pulses move, fractions stay; a negative accumulator borrows a pulse."""
    accumulators = np.array([0, 1, 2**32 - 1, 2**32, 2**63 - 1, -1, 5 * 2**32 + 7], np.int64)
    pulses = np.array([10, 10, 10, 10, 10, 10, -3], np.int64)
    _core.drain(accumulators, pulses)
    assert accumulators.tolist() == [0, 1, 2**32 - 1, 0, 2**32 - 1, 2**32 - 1, 7]
    assert pulses.tolist() == [10, 10, 10, 11, 10 + 2**31 - 1, 9, 2]


def test_a_full_pulse_register_is_refused():
    """Nothing moves when one register would overflow."""
    accumulators = np.array([2**33, 2**33], np.int64)
    pulses = np.array([5, 2**63 - 2], np.int64)
    with pytest.raises(OverflowError):
        _core.drain(accumulators, pulses)
    with pytest.raises(ValueError, match="items"):
        _core.drain(accumulators, pulses[:1].copy())
    with pytest.raises(ValueError, match="overlaps"):
        _core.drain(accumulators, accumulators)
    assert (accumulators.tolist(), pulses.tolist()) == ([2**33, 2**33], [5, 2**63 - 2])


def test_drain_goes_to_the_bank_of_each_meter():
    """Each meter has its own rate; banks that do not exist are refused before anything moves."""
    accumulators = (np.arange(18, dtype=np.int64).reshape(6, 3) + 1) * 2**32 + 5
    pulses = np.zeros((4, 6, 3), np.int64)
    before = accumulators.copy()
    with pytest.raises(ValueError, match="bank"):
        _core.drain_banks(accumulators, np.array([0, 1, 4], np.uint8), pulses)
    pulses[3, 5, 2] = 2**63 - 1
    with pytest.raises(OverflowError):
        _core.drain_banks(accumulators, np.array([0, 1, 3], np.uint8), pulses)
    assert np.array_equal(accumulators, before)
    pulses[3, 5, 2] = 0
    _core.drain_banks(accumulators, np.array([2, 0, 3], np.uint8), pulses)
    wanted = np.zeros((4, 6, 3), np.int64)
    for meter, bank in enumerate((2, 0, 3)):
        wanted[bank, :, meter] = np.arange(6) * 3 + meter + 1
    assert np.array_equal(pulses, wanted)
    assert (accumulators == 5).all()
    for bank, to in ((np.zeros(0, np.uint8), pulses), (np.zeros(2, np.uint8), pulses), (np.zeros(3, np.int8), pulses)):
        with pytest.raises((ValueError, TypeError)):
            _core.drain_banks(accumulators, bank, to)
    with pytest.raises(ValueError, match="banks"):
        _core.drain_banks(accumulators, np.zeros(3, np.uint8), pulses.ravel()[:-1].copy())


def test_only_known_instruction_sets():
    """The hook that tests use to take every path refuses what is not there."""
    assert _core.isas[0] == "base"
    with pytest.raises(ValueError, match="sse9"):
        _core.use_isa("sse9")
    with pytest.raises(TypeError):
        _core.use_isa(2)
    for isa in _core.isas:
        _core.use_isa(isa)
        assert _core.isa == isa


def test_threads_on_disjoint_ranges():
    """Two threads on their own ranges of one fleet give what one thread gives."""
    alone, shared = Case(5000, 8), Case(5000, 8)
    edges = [0, 1, 1250, 2503, 3333, 5000]
    rounds = 20

    def work(first, last):
        for _ in range(rounds):
            shared.run(first, last)

    threads = [threading.Thread(target=work, args=pair) for pair in itertools.pairwise(edges)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(rounds):
        alone.run()
    assert np.array_equal(alone.totals, shared.totals)
    assert np.array_equal(alone.phases, shared.phases)


def test_the_interpreter_lock_is_released():
    """Another thread runs during one call: with threads never switched by force, only the call itself can let it."""
    case = Case(20000, 8, quiet=True)
    turns, seen, stop = [0], [], threading.Event()

    def count():
        while not stop.is_set():
            turns[0] += 1
            time.sleep(0)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    counter = threading.Thread(target=count)
    try:
        counter.start()
        for _ in range(200):
            before = turns[0]
            case.run()
            seen.append(turns[0] - before)
            case.totals[:] = 0
            case.phases[:] = 0
            if max(seen) > 0:
                break
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        counter.join()
    assert max(seen) > 0
