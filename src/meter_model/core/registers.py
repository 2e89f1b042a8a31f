"""Energy registers of many meters at once: exact integers, whatever the order or the grouping of the steps.

How powers become energy
------------------------
*Starting threshold* (starting current and no-load condition of IEC 62053-21/-22/-23/-24; clause 7.6 and 7.7 of the 2020
editions): a phase whose abs(P) is below its active threshold counts as P = 0 W, one whose abs(Q) is below the reactive
threshold as Q = 0 var, each by itself; at the threshold it registers.
*Total*: the vector sum of the phases, P = Pa + Pb + Pc and Q likewise, in this order and after the thresholds. Import,
export and quadrant of the totals follow the signs of the sums, so the total is not the sum of the phase registers
when phases differ in sign.
*Quadrants* (IEC 62053-23, annex C, by recollection): I is P >= 0, Q >= 0; II is P < 0, Q >= 0; III is P < 0, Q < 0;
IV is P >= 0, Q < 0. A zero of either sign, and a power below its threshold, is not negative.
*Increment* of one step: `rint(abs(P) * k)` in 2**-32 pulse with `k = constant * seconds / 3.6e6 * 2**32`; each
operation is rounded to double, `rint` ties to even. Everything after that is integer addition.
"""

from __future__ import annotations

import enum
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from meterwire.meter_model.core import _core, snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from numpy.typing import ArrayLike, NDArray

Phase: TypeAlias = Literal["a", "b", "c"]

PULSE = 1 << 32
"""One pulse in units of an accumulator."""

MAX_RATES = 64
_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)
MAX_PULSES = 1 << 62
"""No register is preset or restored to this or more, so that 2**62 pulses can still be counted."""


class Register(enum.IntEnum):
    """The six energy registers; kWh for the active ones, kvarh for the quadrants."""

    ACTIVE_IMPORT = 0
    ACTIVE_EXPORT = 1
    REACTIVE_Q1 = 2
    REACTIVE_Q2 = 3
    REACTIVE_Q3 = 4
    REACTIVE_Q4 = 5

    @property
    def is_active(self) -> bool:
        """Whether it counts kWh."""
        return self <= Register.ACTIVE_EXPORT


class EnergyRegisters:
    """Energy registers of `meters` meters: phases a, b, c, the total, and the total by rate.

    Accumulators count 2**-32 pulse in int64 and are drained into int64 pulse registers. Between two drains an
    accumulator holds 2**31 pulses; `integrate` drains by itself when one would overflow, so a caller never has to.
    Cutting a block into other blocks of the same steps, a fleet into other fleets, or draining at any moment changes
    no bit of any reading.

    Rates are numbered as in OBIS value group E: 1 to `rates`; the total is the exact sum of the rates.
    One object belongs to one thread; give each thread its own meters.

    Args:
        meters: how many, at least 1.
        pulse_constant_active: imp/kWh, one number or one per meter.
        pulse_constant_reactive: imp/kvarh, likewise.
        starting_active: W per phase below which nothing registers, one number or one per meter.
        starting_reactive: var per phase, likewise.
        rates: rate registers of the totals, 1 to 64.
        phases: 3, or 1 for meters with one element, which have the total alone.

    Raises:
        ValueError: an argument out of range.
    """

    def __init__(
        self,
        meters: int,
        *,
        pulse_constant_active: ArrayLike,
        pulse_constant_reactive: ArrayLike,
        starting_active: ArrayLike = 0.0,
        starting_reactive: ArrayLike = 0.0,
        rates: int = 4,
        phases: Literal[1, 3] = 3,
    ) -> None:
        if meters < 1:
            raise ValueError("at least one meter is needed")
        if not 1 <= rates <= MAX_RATES:
            raise ValueError(f"1 to {MAX_RATES} rates are possible, not {rates}")
        if phases not in {1, 3}:
            raise ValueError(f"1 or 3 phases are possible, not {phases}")
        self.meters = meters
        self.rates = rates
        self.phases = phases
        self._active_constant = _per_meter(pulse_constant_active, meters, "pulse_constant_active")
        self._reactive_constant = _per_meter(pulse_constant_reactive, meters, "pulse_constant_reactive")
        if min(self._active_constant.min(), self._reactive_constant.min()) <= 0:
            raise ValueError("a pulse constant must be above zero")
        self._starting_active = _per_meter(starting_active, meters, "starting_active")
        self._starting_reactive = _per_meter(starting_reactive, meters, "starting_reactive")
        if min(self._starting_active.min(), self._starting_reactive.min()) < 0:
            raise ValueError("a starting threshold must not be negative")
        self._step = (3, meters) if phases == 3 else (meters,)
        six = len(Register)
        self._bank = np.zeros(meters, np.uint8)
        self._totals = np.zeros((six, meters), np.int64)
        self._rate_pulses = np.zeros((rates, six, meters), np.int64)
        self._rate_fractions = np.zeros((rates, six, meters), np.int64)  # of the rates not selected
        by_phase = (six, 3, meters if phases == 3 else 0)
        self._phase_accumulators = np.zeros(by_phase, np.int64)
        self._phase_pulses = np.zeros(by_phase, np.int64)
        self._factors_for = math.nan
        self._factors = (self._active_constant, self._reactive_constant)

    def integrate(self, p: ArrayLike, q: ArrayLike, seconds: float) -> None:
        """Register one step of constant power.

        Args:
            p: active power per phase, W, [3][meters]; [3] for one meter; [meters] for one-element meters.
            q: reactive power per phase, var, likewise.
            seconds: length of the step.

        Raises:
            ValueError: a wrong shape, a power that is not finite, or one of 2**19 pulses or more in the step.
                Nothing is registered then.
        """
        self.integrate_block(np.asarray(p)[np.newaxis], np.asarray(q)[np.newaxis], seconds)

    def integrate_block(self, p: ArrayLike, q: ArrayLike, seconds: float) -> None:
        """Register K steps of equal length, one row of powers each.

        Args:
            p: active power, W, [K][3][meters]; [K][3] for one meter; [K][meters] for one-element meters.
                float32 is taken as it is, everything else as float64.
            q: reactive power, var, likewise.
            seconds: length of each step.

        Raises:
            ValueError: as for `integrate`; nothing of the block is registered then.
        """
        active, reactive = self._blocks(p, q)
        factors = self._factors_of(seconds)
        pieces = [slice(at, at + _core.MAX_STEPS) for at in range(0, len(active), _core.MAX_STEPS)]
        if len(pieces) > 1:  # so that a fault in a later piece leaves nothing of the earlier ones
            for piece in pieces:
                self._add(active[piece], reactive[piece], factors, check=True)
        for piece in pieces:
            try:
                self._add(active[piece], reactive[piece], factors)
            except OverflowError:
                self.drain()
                self._add(active[piece], reactive[piece], factors)

    def drain(self) -> None:
        """Move whole pulses from the accumulators to the pulse registers; no reading changes."""
        _core.drain_banks(self._totals, self._bank, self._rate_pulses)
        if self.phases == 3:
            _core.drain(self._phase_accumulators, self._phase_pulses)

    def select_rate(self, rate: int | Sequence[int] | NDArray[np.integer]) -> None:
        """Register the totals under another rate from now on, in all meters or one number per meter; drains first.

        Raises:
            ValueError: a rate not in 1 to `rates`.
        """
        wanted = np.asarray(rate)
        if wanted.dtype.kind not in "iu" or wanted.shape not in {(), (self.meters,)}:
            raise ValueError(f"a rate number, or one for each of {self.meters} meters, is needed")
        if wanted.min() < 1 or wanted.max() > self.rates:
            raise ValueError(f"rates are numbered 1 to {self.rates}; the total has no number here")
        self.drain()
        bank = np.broadcast_to(wanted.astype(np.int64) - 1, (self.meters,)).astype(np.uint8)
        changed = np.flatnonzero(bank != self._bank)
        if changed.size == 0:
            return
        self._rate_fractions[self._bank[changed], :, changed] = self._totals[:, changed].T
        self._totals[:, changed] = self._rate_fractions[bank[changed], :, changed].T
        self._rate_fractions[bank[changed], :, changed] = 0
        self._bank[:] = bank

    @property
    def selected_rates(self) -> NDArray[np.int64]:
        """The rate number each meter registers under."""
        return self._bank.astype(np.int64) + 1

    def fixed(self, register: Register, meter: int = 0, phase: Phase | None = None, rate: int | None = None) -> int:
        """A reading as an exact whole number of 2**-32 pulse: of a phase, of a rate of the total, or of the total."""
        meter = self._meter(meter)
        if phase is not None:
            row = self._phase(phase, rate)
            return int(self._phase_pulses[register, row, meter]) * PULSE + int(
                self._phase_accumulators[register, row, meter]
            )
        if rate is None:
            return sum(self.fixed(register, meter, rate=number) for number in range(1, self.rates + 1))
        bank = self._bank_of(rate)
        fraction = self._totals[register] if self._bank[meter] == bank else self._rate_fractions[bank, register]
        return int(self._rate_pulses[bank, register, meter]) * PULSE + int(fraction[meter])

    def pulses(self, register: Register, meter: int = 0, phase: Phase | None = None, rate: int | None = None) -> int:
        """A reading in whole pulses."""
        return self.fixed(register, meter, phase, rate) // PULSE

    def energy(
        self, register: Register, meter: int = 0, phase: Phase | None = None, rate: int | None = None
    ) -> Fraction:
        """A reading in kWh or kvarh, exact."""
        return Fraction(self.fixed(register, meter, phase, rate), PULSE) / self._constant(register, meter)

    def fleet_pulses(
        self, register: Register, phase: Phase | None = None, rate: int | None = None
    ) -> NDArray[np.int64]:
        """A reading of every meter in whole pulses."""
        if phase is not None:
            row = self._phase(phase, rate)
            pulses = self._phase_pulses[register, row] + (self._phase_accumulators[register, row] >> 32)
        elif rate is not None:
            bank = self._bank_of(rate)
            current = np.where(self._bank == bank, self._totals[register] >> 32, 0)
            pulses = self._rate_pulses[bank, register] + current
        else:
            fractions = self._rate_fractions[:, register].sum(axis=0) + (self._totals[register] & (PULSE - 1))
            pulses = self._rate_pulses[:, register].sum(axis=0) + (self._totals[register] >> 32) + (fractions >> 32)
        return np.asarray(pulses, np.int64)

    def totals(self) -> NDArray[np.int64]:
        """All totals, copied: whole pulses and 2**-32 pulses (these without carry), [2][register][meter]."""
        self.drain()
        return np.stack([self._rate_pulses.sum(axis=0), self._rate_fractions.sum(axis=0) + self._totals])

    def preset(
        self,
        register: Register,
        meter: int,
        kwh: Fraction | Decimal | int,
        *,
        rate: int | None = None,
        phase: Phase | None = None,
    ) -> None:
        """Set a reading, rounded to the nearest 2**-32 pulse.

        Args:
            register: which one.
            meter: index of the meter.
            kwh: kWh, or kvarh for a quadrant; not negative.
            rate: set one rate of the total; without it (and without phase) the selected rate takes the whole
                reading and the other rates become zero, so that the total is their sum.
            phase: set a phase register.

        Raises:
            ValueError: a negative, infinite or far too large reading; no such meter, rate or phase.
        """
        meter = self._meter(meter)
        try:
            fixed = round(Fraction(kwh) * self._constant(register, meter) * PULSE)
        except (ArithmeticError, ValueError) as error:
            raise ValueError(f"{kwh} is no reading") from error
        pulses, fraction = divmod(fixed, PULSE)
        if not 0 <= pulses < MAX_PULSES:
            raise ValueError("a reading is 0 to 2**62 pulses")
        if phase is not None:
            row = self._phase(phase, rate)
            self._phase_pulses[register, row, meter] = pulses
            self._phase_accumulators[register, row, meter] = fraction
            return
        selected = int(self._bank[meter])
        bank = selected if rate is None else self._bank_of(rate)
        if rate is None:
            self._rate_pulses[:, register, meter] = 0
            self._rate_fractions[:, register, meter] = 0
        self._rate_pulses[bank, register, meter] = pulses
        if bank == selected:
            self._totals[register, meter] = fraction
        else:
            self._rate_fractions[bank, register, meter] = fraction

    def save(self) -> bytes:
        """The whole state of the registers, bit for bit; thresholds are not part of it."""
        return snapshot.pack(self.phases, self._constants(), self._bank, self._arrays())

    def restore(self, saved: bytes) -> None:
        """Take over a state made by `save` on registers of the same meters, phases, rates and pulse constants.

        Raises:
            ValueError: anything else; the registers keep their state then.
        """
        bank, arrays = snapshot.unpack(saved, self.phases, self._constants(), self._bank, self._arrays())
        _refuse_impossible(bank, *arrays)
        self._bank[:] = bank
        for own, stored in zip(self._arrays(), arrays, strict=True):
            own[:] = stored

    def take_over(self, other: EnergyRegisters) -> None:
        """Become a copy of registers of the same meters, phases and pulse constants that have no more rates.

        Raises:
            ValueError: they do not fit.
        """
        own, theirs = self._constants(), other._constants()
        same = all(np.array_equal(mine, given) for mine, given in zip(own, theirs, strict=True))
        if not same or other.phases != self.phases or other.rates > self.rates:
            raise ValueError("registers of the same meters with no more rates are needed")
        self._bank[:] = other._bank
        for mine, given in zip(self._arrays(), other._arrays(), strict=True):
            if mine.shape == given.shape:
                mine[:] = given
            else:
                mine[: other.rates], mine[other.rates :] = given, 0

    def _constants(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self._active_constant, self._reactive_constant

    def _arrays(self) -> tuple[NDArray[np.int64], ...]:
        return (
            self._totals,
            self._rate_pulses,
            self._rate_fractions,
            self._phase_accumulators,
            self._phase_pulses,
        )

    def _add(
        self,
        active: NDArray[np.floating],
        reactive: NDArray[np.floating],
        factors: tuple[NDArray[np.float64], NDArray[np.float64]],
        *,
        check: bool = False,
    ) -> None:
        _core.integrate(
            active,
            reactive,
            *factors,
            self._starting_active,
            self._starting_reactive,
            self._phase_accumulators if self.phases == 3 else None,
            self._totals,
            0,
            None,
            check,
        )

    def _blocks(self, p: ArrayLike, q: ArrayLike) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        active, reactive = np.asarray(p), np.asarray(q)
        dtype = _SINGLE if active.dtype is reactive.dtype is _SINGLE else _DOUBLE
        active, reactive = self._block(active, dtype, "p"), self._block(reactive, dtype, "q")
        if len(active) != len(reactive):
            raise ValueError("p and q: as many steps are needed in both")
        return active, reactive

    def _block(self, powers: NDArray[Any], dtype: np.dtype[Any], name: str) -> NDArray[np.floating]:
        if powers.dtype.kind not in "fiu":
            raise ValueError(f"{name}: real numbers are needed")
        if powers.shape[1:] != self._step:
            if self.meters > 1 or powers.shape[1:] != self._step[:-1] or powers.ndim == 0:
                raise ValueError(f"{name}: steps of shape {self._step} are needed, not {powers.shape[1:]}")
            powers = powers[..., np.newaxis]  # the axis of the one meter was left out
        block = np.ascontiguousarray(powers, dtype)
        return block if block.flags.aligned else block.copy()

    def _factors_of(self, seconds: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if seconds != self._factors_for:
            if not 0 <= seconds < math.inf:
                raise ValueError(f"a step has a length of zero or more seconds, not {seconds}")
            seconds = float(seconds)
            self._factors = (
                self._active_constant * seconds / 3.6e6 * PULSE,
                self._reactive_constant * seconds / 3.6e6 * PULSE,
            )
            self._factors_for = seconds
        return self._factors

    def _constant(self, register: Register, meter: int) -> Fraction:
        return Fraction(float((self._active_constant if register.is_active else self._reactive_constant)[meter]))

    def _meter(self, meter: int) -> int:
        if not 0 <= meter < self.meters:
            raise ValueError(f"there are {self.meters} meters, no number {meter}")
        return meter

    def _bank_of(self, rate: int) -> int:
        if not 1 <= rate <= self.rates:
            raise ValueError(f"rates are numbered 1 to {self.rates}, not {rate}")
        return rate - 1

    def _phase(self, phase: Phase, rate: int | None) -> int:
        if rate is not None:
            raise ValueError("rates are kept for the totals only")
        if self.phases != 3 or phase not in {"a", "b", "c"}:
            raise ValueError(f"these meters have no registers of a phase {phase!r}")
        return "abc".index(phase)


def _per_meter(value: ArrayLike, meters: int, name: str) -> NDArray[np.float64]:
    """One float64 for each meter, finite."""
    try:
        array = np.array(np.broadcast_to(np.asarray(value, np.float64), (meters,))) + 0.0  # no zero has a sign
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: one number, or one for each of {meters} meters, is needed") from error
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: finite numbers are needed")
    return array


def _refuse_impossible(
    bank: NDArray[np.uint8],
    totals: NDArray[np.int64],
    rate_pulses: NDArray[np.int64],
    rate_fractions: NDArray[np.int64],
    phase_accumulators: NDArray[np.int64],
    phase_pulses: NDArray[np.int64],
) -> None:
    """Hold a stored state, whose checksum may be right and its maker wrong, against what registers can contain."""
    rates, _, meters = rate_pulses.shape
    if bank.max() >= rates:
        raise ValueError("saved registers: no such rate")
    if min(totals.min(), phase_accumulators.min(initial=0)) < 0:
        raise ValueError("saved registers: a negative accumulator")
    for pulses in (rate_pulses, phase_pulses):
        if pulses.min(initial=0) < 0 or pulses.max(initial=0) >= MAX_PULSES:
            raise ValueError("saved registers: a reading is 0 to 2**62 pulses")
    if rate_fractions.min() < 0 or rate_fractions.max() >= PULSE:
        raise ValueError("saved registers: a fraction of a pulse is out of range")
    if rate_fractions[bank, :, np.arange(meters)].any():
        raise ValueError("saved registers: a second fraction of the selected rate")
