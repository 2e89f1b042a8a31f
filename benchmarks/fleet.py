"""The fleet step: powers of many meters to six energy registers each, beside what NumPy does at best.

Peers are the two obvious ways in NumPy: a float remainder with int64 pulses, and int64 fixed point. Everything is
measured in turn in the same run and given as medians; that the registers equal those of the int64 peer is asserted.
`read` is the rate at which NumPy reads the same powers once (`max`): the limit when they come from memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.rows import Row
from benchmarks.timing import medians
from meterwire.meter_model.core import EnergyRegisters, Register, _core

PULSE_CONSTANT = 1000.0
STARTING = 2.0
FACTOR = PULSE_CONSTANT * 1.0 / 3.6e6 * 2**32
FLOAT_PEER = "NumPy, float remainder and int64 pulses"
UNIT = "M meter-steps/s"
INT_PEER = "NumPy, int64 fixed point"

# label, meters, steps, share of meters that export at random, sample type, rounds, goal in M meter-steps/s
CASES = (
    ("cached", 1_000, 60, 0.0, "f8", 41, 2000),
    ("cached, 10 % export", 1_000, 60, 0.1, "f8", 41, None),
    ("8192 meters", 8_192, 60, 0.0, "f8", 21, None),
    ("8192 meters, float32", 8_192, 60, 0.0, "f4", 21, None),
    ("1 M meters", 1_000_000, 30, 0.0, "f8", 5, 800),
    ("1 M meters, float32", 1_000_000, 30, 0.0, "f4", 5, 800),
    ("1 M meters, 10 % export", 1_000_000, 30, 0.1, "f8", 5, None),
)


class FloatPeer:
    """A float64 remainder below one pulse and an int64 count of pulses for each register."""

    def __init__(self, meters: int) -> None:
        self.registers = [(np.zeros(meters), np.zeros(meters, np.int64)) for _ in Register]

    def step(self, power: np.ndarray, reactive: np.ndarray) -> None:
        p, q = power.astype("f8"), reactive.astype("f8")
        p[np.abs(p) < STARTING] = 0
        q[np.abs(q) < STARTING] = 0
        back, down = p < 0, q < 0
        ap, aq = np.abs(p) * (PULSE_CONSTANT / 3.6e6), np.abs(q) * (PULSE_CONSTANT / 3.6e6)
        for register, mask, value in zip(self.registers, masks(back, down), (ap, ap, aq, aq, aq, aq), strict=True):
            remainder, pulses = register
            remainder += np.where(mask, value, 0.0)
            whole = np.floor(remainder)
            remainder -= whole
            pulses += whole.astype("i8")


class IntPeer:
    """The same fixed point as the core, an int64 array for each register."""

    def __init__(self, meters: int) -> None:
        self.registers = [np.zeros(meters, np.int64) for _ in Register]

    def step(self, power: np.ndarray, reactive: np.ndarray) -> None:
        p, q = power.astype("f8"), reactive.astype("f8")
        p[np.abs(p) < STARTING] = 0
        q[np.abs(q) < STARTING] = 0
        back, down = p < 0, q < 0
        ip, iq = np.rint(np.abs(p) * FACTOR).astype("i8"), np.rint(np.abs(q) * FACTOR).astype("i8")
        for register, mask, value in zip(self.registers, masks(back, down), (ip, ip, iq, iq, iq, iq), strict=True):
            np.add(register, value, out=register, where=mask)


def masks(back: np.ndarray, down: np.ndarray) -> tuple[np.ndarray, ...]:
    return ~back, back, ~back & ~down, back & ~down, back & down, ~back & down


def powers(shape: tuple[int, ...], export: float, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Powers of meters that mostly import; the chosen share of meters exports active or reactive energy."""
    rng = np.random.default_rng(0)
    p, q = np.abs(rng.normal(800, 300, shape)) + STARTING, np.abs(rng.normal(200, 80, shape)) + STARTING
    p[..., rng.random(shape[-1]) < export] *= -1
    q[..., rng.random(shape[-1]) < export] *= -1
    return p.astype(dtype), q.astype(dtype)


def registers(meters: int, phases: Any) -> EnergyRegisters:
    return EnergyRegisters(
        meters,
        pulse_constant_active=PULSE_CONSTANT,
        pulse_constant_reactive=PULSE_CONSTANT,
        starting_active=STARTING,
        starting_reactive=STARTING,
        rates=1,
        phases=phases,
    )


def row(what: str, value: float, peer: str, peer_value: float, goal: float | None, unit: str = UNIT) -> Row:
    return Row(what=what, ours=value, peer=peer, theirs=peer_value, unit=unit, goal=goal)


def check(p: np.ndarray, q: np.ndarray) -> None:
    """The core and the int64 peer agree bit for bit on these powers."""
    ours, peer = registers(p.shape[1], 1), IntPeer(p.shape[1])
    ours.integrate_block(p, q, 1.0)
    for power, reactive in zip(p, q, strict=True):
        peer.step(power, reactive)
    for meter in range(0, p.shape[1], max(1, p.shape[1] // 97)):
        for each in Register:
            assert ours.fixed(each, meter) == int(peer.registers[each][meter]), (each, meter)


def total_rows() -> list[Row]:
    rows = []
    for label, meters, steps, export, dtype, rounds, goal in CASES:
        p, q = powers((steps, meters), export, dtype)
        check(p[:7], q[:7])
        ours, float_peer, int_peer = registers(meters, 1), FloatPeer(meters), IntPeer(meters)
        own, as_float, as_int, read = medians(
            rounds,
            lambda: ours.integrate_block(p, q, 1.0),  # noqa: B023  called in this turn of the loop
            lambda: float_peer.step(p[0], q[0]),  # noqa: B023
            lambda: int_peer.step(p[0], q[0]),  # noqa: B023
            lambda: (p.max(), q.max()),  # noqa: B023
            repeat=max(1, 10_000 // meters),
        )
        speed = meters * steps / own / 1e6
        what = f"fleet step, {label} ({meters} x {steps} steps, {_core.isa})"
        rows += [
            row(what, speed, FLOAT_PEER, meters / as_float / 1e6, goal),
            row(what, speed, INT_PEER, meters / as_int / 1e6, goal),
            row(what, speed, "NumPy reading the powers once", meters * steps / read / 1e6, None),
        ]
    return rows


def three_phase_row() -> Row:
    """Six registers of three phases and of the total: 24 registers per meter and step, vector sum included."""
    meters, steps = 1_000, 20
    p, q = powers((steps, 3, meters), 0.0, "f8")
    ours, phase_peer, total_peer = registers(meters, 3), IntPeer(3 * meters), IntPeer(meters)

    def peer_step() -> None:
        phase_peer.step(p[0].ravel(), q[0].ravel())
        total_peer.step(p[0].sum(axis=0), q[0].sum(axis=0))

    own, as_int = medians(41, lambda: ours.integrate_block(p, q, 1.0), peer_step, repeat=10)
    what = f"three-phase fleet step ({meters} x {steps} steps, {_core.isa})"
    return row(what, meters * steps / own / 1e6, INT_PEER, meters / as_int / 1e6, None)


def isa_rows() -> list[Row]:
    """The other instruction sets of this machine, cached."""
    rows, best = [], _core.isa
    p, q = powers((60, 1_000), 0.0, "f8")
    ours, peer = registers(1_000, 1), FloatPeer(1_000)
    try:
        for isa in _core.isas[:-1]:
            _core.use_isa(isa)
            own, as_float = medians(
                41, lambda: ours.integrate_block(p, q, 1.0), lambda: peer.step(p[0], q[0]), repeat=10
            )
            rows.append(
                row(f"fleet step, cached (1000 x 60 steps, {isa})", 6e4 / own / 1e6, FLOAT_PEER, 1e-3 / as_float, None)
            )
    finally:
        _core.use_isa(best)
    return rows


def call_row() -> Row:
    """One step of one three-phase meter through the public method: what an emulated meter pays."""
    ours, peer = registers(1, 3), IntPeer(4)
    p, q = np.array([100.0, 200.0, 300.0]), np.array([10.0, 20.0, 30.0])
    p4, q4 = np.append(p, p.sum()), np.append(q, q.sum())
    own, as_int = medians(
        41, lambda: [ours.integrate(p, q, 1.0) for _ in range(100)], lambda: [peer.step(p4, q4) for _ in range(100)]
    )
    return row("one meter, one step: calls", 100 / own / 1e3, INT_PEER, 100 / as_int / 1e3, None, "k calls/s")


def run() -> list[Row]:
    """All rows of this file."""
    return [*total_rows(), three_phase_row(), *isa_rows(), call_row()]
