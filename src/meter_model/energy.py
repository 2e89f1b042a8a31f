"""The energy registers of one meter, on the metering core.

The core counts for three columns at once: the meter itself (P and Q of the phases), the apparent power of the phases
(S with the sign of P, so that import and export part), and the apparent power of the total.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final, Literal, cast

import msgspec
import numpy as np

from meterwire.meter_model.circuit import apparent
from meterwire.meter_model.core.registers import PULSE, EnergyRegisters, Register
from meterwire.meter_model.demand import FLOWS, SCOPES, Counts
from meterwire.meter_model.load import Floats, Rows

ROLL_OVER: Final = 1_000_000
"""kWh, kvarh, kVAh at which a register starts again from zero."""
SIGNED_ROLL_OVER: Final = 800_000
"""The same for combined registers: DL/T 645 gives the top bit of their eight digits to the sign (max. 799999.99)."""

_COLUMNS: Final = 3
_REAL, _APPARENT, _APPARENT_TOTAL = 0, 1, 2
_PLACES: Final = {
    "active_import": (Register.ACTIVE_IMPORT, _REAL, _REAL),
    "active_export": (Register.ACTIVE_EXPORT, _REAL, _REAL),
    "reactive_q1": (Register.REACTIVE_Q1, _REAL, _REAL),
    "reactive_q2": (Register.REACTIVE_Q2, _REAL, _REAL),
    "reactive_q3": (Register.REACTIVE_Q3, _REAL, _REAL),
    "reactive_q4": (Register.REACTIVE_Q4, _REAL, _REAL),
    "apparent_import": (Register.ACTIVE_IMPORT, _APPARENT, _APPARENT_TOTAL),
    "apparent_export": (Register.ACTIVE_EXPORT, _APPARENT, _APPARENT_TOTAL),
}
"""Where a register lies: its place in the core, and the column of its phases and of its total."""


class CombinationWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the combined registers are made of (DL/T 645-2007, annex C: 04000601 to 03).

    Attributes:
        active: bit 0 adds A+, bit 1 subtracts it, bit 2 adds A-, bit 3 subtracts it.
        reactive_1: pairs (add, subtract) for quadrants I to IV from bit 0.
        reactive_2: likewise.
    """

    active: int = 0x05
    reactive_1: int = 0x05
    reactive_2: int = 0x50

    def __post_init__(self) -> None:
        if not (0 <= self.active <= 0x0F and 0 <= self.reactive_1 <= 0xFF and 0 <= self.reactive_2 <= 0xFF):
            raise ValueError("active: 0 to 0FH; reactive_1 and reactive_2: 0 to FFH")

    @property
    def combined(self) -> dict[str, dict[str, int]]:
        """For each combined register, by how much each register counts in it."""
        quadrants = FLOWS[2:6]
        return {
            "active_combined": _weights(self.active, FLOWS[:2]),
            "reactive_combined_1": _weights(self.reactive_1, quadrants),
            "reactive_combined_2": _weights(self.reactive_2, quadrants),
        }

    @property
    def of_demands(self) -> Counts:
        """The same for the two combined reactive demands, [2][flow]."""
        return np.array(
            [
                [self.combined[name].get(flow, 0) for flow in FLOWS]
                for name in ("reactive_combined_1", "reactive_combined_2")
            ],
            np.int64,
        )


def _weights(word: int, registers: tuple[str, ...]) -> dict[str, int]:
    return {name: (word >> 2 * at & 1) - (word >> 2 * at + 1 & 1) for at, name in enumerate(registers)}


class Starting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Powers of a phase below which nothing is registered: W and var."""

    active: float = 0.0
    reactive: float = 0.0


class Powers(msgspec.Struct):
    """Some minutes of what is registered, after the starting thresholds.

    Attributes:
        active: W, [minutes][3][3 columns] for the core.
        reactive: var, likewise.
        flows: mW, mvar or mVA of each minute, [minutes][scope][flow].
    """

    active: Floats
    reactive: Floats
    flows: Counts

    def between(self, first: int, last: int) -> Powers:
        """Some of these minutes."""
        return Powers(self.active[first:last], self.reactive[first:last], self.flows[first:last])


def powers(rows: Rows, starting: Starting) -> Powers:
    """Sort the powers of some minutes into the columns of the core and into flows."""
    p = np.where(np.abs(rows.active) < starting.active * 1000.0, 0.0, rows.active)
    q = np.where(np.abs(rows.reactive) < starting.reactive * 1000.0, 0.0, rows.reactive)
    by_scope_p = np.concatenate([p.sum(axis=1, keepdims=True), p], axis=1)
    by_scope_q = np.concatenate([q.sum(axis=1, keepdims=True), q], axis=1)
    size = apparent(by_scope_p, by_scope_q)
    signed = np.where(by_scope_p < 0, -size, size)
    active = np.zeros((*p.shape, _COLUMNS))
    reactive = np.zeros_like(active)
    active[:, :, _REAL], reactive[:, :, _REAL] = p / 1000.0, q / 1000.0
    active[:, :, _APPARENT] = signed[:, 1:] / 1000.0
    active[:, 0, _APPARENT_TOTAL] = signed[:, 0] / 1000.0
    return Powers(active, reactive, _flows(by_scope_p, by_scope_q, size))


def _flows(p: Floats, q: Floats, size: Floats) -> Counts:
    flows = np.zeros((*p.shape, len(FLOWS)), np.int64)
    out, lag = p < 0, q >= 0
    quadrant = np.where(lag, np.where(out, 1, 0), np.where(out, 2, 3))
    flows[..., 0], flows[..., 1] = np.where(out, 0, p), np.where(out, -p, 0)
    for number in range(4):
        flows[..., 2 + number] = np.where(quadrant == number, np.abs(q), 0)
    flows[..., 6], flows[..., 7] = np.where(out, 0, size), np.where(out, size, 0)
    return flows


class Energies:
    """The registers of one meter.

    Args:
        active_constant: imp/kWh, for apparent energy too.
        reactive_constant: imp/kvarh.
        rates: rate registers.

    Attributes:
        constants: both pulse constants.
    """

    def __init__(self, active_constant: int, reactive_constant: int, rates: int) -> None:
        self.rates = rates
        self.constants = (active_constant, reactive_constant)
        self._rate = 0
        self._core = EnergyRegisters(
            _COLUMNS, pulse_constant_active=active_constant, pulse_constant_reactive=reactive_constant, rates=rates
        )

    def add(self, powers: Powers, rate: int, seconds: int) -> None:
        """Register steps of equal length under a rate."""
        if rate != self._rate:
            self._core.select_rate(rate)
            self._rate = rate
        self._core.integrate_block(powers.active, powers.reactive, seconds)

    def copy(self) -> Energies:
        """Independent registers of the same readings."""
        twin = Energies(*self.constants, self.rates)
        twin._core.restore(self._core.save())
        return twin

    def totals(self) -> Totals:
        """A copy of the totals alone."""
        return Totals(self._core.totals(), self.constants)

    def widened(self, rates: int) -> Energies:
        """Registers of the same readings with more rates."""
        twin = Energies(*self.constants, rates)
        twin._core.take_over(self._core)
        return twin

    def reading(self, register: str, scope: str = "total", rate: int = 0) -> Fraction:
        """What a register has counted in all, exact, kWh, kvarh or kVAh, without roll-over.

        Args:
            register: one of `FLOWS`.
            scope: one of `SCOPES`.
            rate: of the total; 0 is all rates.
        """
        place, by_phase, total = _PLACES[register]
        if scope == "total":
            return self._core.energy(place, total, rate=rate or None)
        return self._core.energy(place, by_phase, cast("Literal['a', 'b', 'c']", scope))

    def preset(self, register: str, energy: Fraction, scope: str = "total", rate: int = 1) -> None:
        """Set a rate of the total, or a phase."""
        place, by_phase, total = _PLACES[register]
        if scope == "total":
            self._core.preset(place, total, energy, rate=rate)
        else:
            self._core.preset(place, by_phase, energy, phase=cast("Literal['a', 'b', 'c']", scope))

    def clear_one(self, register: str, scope: str = "total") -> None:
        """Let a register begin at zero, that of a total with all its rates."""
        for rate in range(1, self.rates + 1) if scope == "total" else (1,):
            self.preset(register, Fraction(0), scope, rate)

    def readings(self) -> Readings:
        """All registers as they stand."""
        return Readings(
            {
                (register, scope, rate): self.reading(register, scope, rate)
                for register in FLOWS
                for scope in SCOPES
                for rate in (range(self.rates + 1) if scope == "total" else (0,))
            }
        )

    def save(self) -> bytes:
        """The state, bit for bit."""
        return self._core.save()

    def restore(self, saved: bytes) -> None:
        """Take a saved state over; raises ValueError."""
        self._rate = 0
        self._core.restore(saved)


class Totals:
    """The totals at one moment, without phases and rates.

    Args:
        counts: whole pulses and 2**-32 pulses of the core, [2][register][column].
        constants: both pulse constants.
    """

    def __init__(self, counts: Counts, constants: tuple[int, int]) -> None:
        self._counts, self._constants = counts, constants

    def reading(self, register: str, scope: str = "total", rate: int = 0) -> Fraction:
        """As `Energies.reading`; raises KeyError for a phase or a rate."""
        if scope != "total" or rate:
            raise KeyError(scope)
        place, _, total = _PLACES[register]
        fixed = int(self._counts[0, place, total]) * PULSE + int(self._counts[1, place, total])
        return Fraction(fixed, PULSE * self._constants[0 if place.is_active else 1])


class Readings(msgspec.Struct, frozen=True):
    """Registers at one moment, without roll-over: kWh, kvarh or kVAh by (register, scope, rate)."""

    values: dict[tuple[str, str, int], Fraction]

    def state(self) -> list[list[Any]]:
        """As builtins."""
        return [[*place, str(value.numerator), str(value.denominator)] for place, value in self.values.items()]

    @staticmethod
    def of(state: list[list[Any]]) -> Readings:
        """From builtins; raises ValueError or TypeError."""
        return Readings({(name, scope, rate): Fraction(int(p), int(q)) for name, scope, rate, p, q in state})

    def reading(self, register: str, scope: str = "total", rate: int = 0) -> Fraction:
        """As `Energies.reading`."""
        if rate:
            return self.values.get((register, scope, rate), Fraction(0))  # of a rate that the meter did not have then
        return self.values[register, scope, rate]


def rolled_over(energy: Fraction, *, signed: bool) -> Fraction:
    """What the register shows that has counted so much; a sign stays."""
    if not signed:
        return energy % ROLL_OVER
    size = abs(energy) % SIGNED_ROLL_OVER
    return -size if energy < 0 else size
