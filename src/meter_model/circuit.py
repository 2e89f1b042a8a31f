"""The circuit at the terminals: a load, what somebody does to its phases, and the electrical state that follows.

P and Q are given by the load in whole mW and mvar. From them S = sqrt(P^2 + Q^2) of a phase, I = S / U and
cos(phi) = P / S follow; the totals of P and Q are the sums of the phases, and the total S is sqrt(P^2 + Q^2) of those
sums (vector sum). A phase without voltage has no current and no power.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Final

import msgspec
import numpy as np

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.harmonics import Spectrum, contents
from meterwire.meter_model.load import PHASES, Floats, LoadModel, Rows, Site, refuse_overload
from meterwire.meter_model.noise import uniform_at

_ANGLES: Final = (0.0, 120.0, 240.0)
_VOLTAGE_THD, _CURRENT_THD, _DISPLACEMENT = 60, 70, 80
_HARMONICS: Final = {"voltage": 1000, "current": 2000}
_STREAMS_OF_PHASE: Final = 100


class PhaseOverride(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What replaces the load's values in one phase: V, W, var; None leaves the load's."""

    voltage: float | None = None
    active: float | None = None
    reactive: float | None = None


class Circuit:
    """Load, supply and interventions at the meter's terminals.

    Attributes:
        load: the load model.
        cut: phases without voltage.
        overrides: replaced values by phase.
        supplied: whether the mains is there at all.
        connected: whether the meter's relay is closed.
        turned: phases whose current is connected the wrong way round.
        voltage_reversed: whether two voltages are exchanged, so that they follow each other the wrong way round.
        current_reversed: likewise the currents.
    """

    def __init__(self, site: Site, load: LoadModel, spectrum: Spectrum) -> None:
        self.site = site
        self.load = load
        self.spectrum = spectrum
        self.cut: frozenset[str] = frozenset()
        self.overrides: dict[str, PhaseOverride] = {}
        self.supplied = True
        self.connected = True
        self.turned: frozenset[str] = frozenset()
        self.voltage_reversed = False
        self.current_reversed = False

    @property
    def alive(self) -> bool:
        """Whether any phase can feed the meter: the mains is there, and the phase is neither cut nor set to 0 V."""
        dead = {phase for phase, values in self.overrides.items() if values.voltage == 0}
        return self.supplied and bool(set(self.phases) - self.cut - dead)

    @property
    def phases(self) -> tuple[str, ...]:
        """The phases that exist."""
        return PHASES[: self.site.phases]

    def refuse_unknown(self, phase: str) -> None:
        """Raise LocalProtocolError for a phase this site does not have."""
        if phase not in self.phases:
            raise LocalProtocolError(f"there is no phase {phase!r} here: {', '.join(self.phases)}")

    def override(self, phase: str, values: PhaseOverride | None) -> None:
        """Replace values of a phase, or give them back to the load."""
        self.refuse_unknown(phase)
        if values is None:
            self.overrides.pop(phase, None)
            return
        try:
            refuse_overload(values.active or 0.0, values.reactive or 0.0, values.voltage or 0.0)
        except ValueError as error:
            raise LocalProtocolError(str(error)) from error
        self.overrides[phase] = values

    def rows(self, first: int, count: int) -> Rows:
        """Minutes of the circuit as it is now connected; see `LoadModel.rows`."""
        rows = self.load.rows(self.site, first, count)
        for phase, values in self.overrides.items():
            _replace(rows, PHASES.index(phase), values)
        for phase in self.turned:
            for array in (rows.active, rows.reactive):
                array[:, PHASES.index(phase)] = 0.0 - array[:, PHASES.index(phase)]
        for phase in PHASES:
            if phase in self.cut or not self.supplied:
                _cut(rows, PHASES.index(phase))
        if not self.connected:
            rows.active[:] = 0
            rows.reactive[:] = 0
        dead = rows.voltage == 0
        rows.active[dead] = 0
        rows.reactive[dead] = 0
        return rows

    def at(self, minute: int) -> Instant:
        """The electrical state in that minute."""
        return Instant(self, minute)


def _replace(rows: Rows, column: int, values: PhaseOverride) -> None:
    for array, value in (
        (rows.voltage, values.voltage),
        (rows.active, values.active),
        (rows.reactive, values.reactive),
    ):
        if value is not None:
            array[:, column] = np.rint(value * 1000.0) + 0.0


def _cut(rows: Rows, column: int) -> None:
    for array in (rows.voltage, rows.active, rows.reactive):
        array[:, column] = 0


def apparent(active: Floats, reactive: Floats) -> Floats:
    """S in whole mVA of P in mW and Q in mvar."""
    return np.asarray(np.rint(np.sqrt(active * active + reactive * reactive)))


class Instant:
    """Everything a meter shows of one minute; powers in W, var and VA, exact to a thousandth.

    Phases are numbered 0, 1, 2; None means the sum of the phases.
    """

    def __init__(
        self, circuit: Circuit, minute: int, rows: Rows | None = None, *, turned_round: bool | None = None
    ) -> None:
        rows = rows or circuit.rows(minute, 1)
        self._site, self._spectrum, self._minute = circuit.site, circuit.spectrum, minute
        self._reversed = circuit.voltage_reversed if turned_round is None else turned_round
        self._voltage = [int(value) for value in rows.voltage[0]]
        self._active = [int(value) for value in rows.active[0]]
        self._reactive = [int(value) for value in rows.reactive[0]]
        self._frequency = int(rows.frequency[0]) if any(self._voltage) else 0

    def voltage(self, phase: int) -> Fraction:
        """U, V."""
        return Fraction(self._voltage[phase], 1000)

    def current(self, phase: int) -> Fraction:
        """I, A, exact to a microampere; negative while the phase gives energy back, as DL/T 645 and 698.45 show it."""
        voltage = self._voltage[phase]
        if not voltage:
            return Fraction(0)
        amperes = Fraction(round(self.apparent(phase) * 1_000_000_000 / voltage), 1_000_000)
        return -amperes if self._active[phase] < 0 else amperes

    def neutral_current(self) -> Fraction:
        """Current in the neutral, A: the sum of the phase currents as vectors."""
        total = 0j
        for phase in range(self._site.phases):
            size = abs(float(self.current(phase)))
            turn = math.radians(-float(self.voltage_angle(phase)) - float(self.angle(phase)))
            total += complex(size * math.cos(turn), size * math.sin(turn))
        return Fraction(round(abs(total) * 1000), 1000)

    def active(self, phase: int | None = None) -> Fraction:
        """P, W."""
        return Fraction(sum(self._active) if phase is None else self._active[phase], 1000)

    def reactive(self, phase: int | None = None) -> Fraction:
        """Q, var."""
        return Fraction(sum(self._reactive) if phase is None else self._reactive[phase], 1000)

    def apparent(self, phase: int | None = None) -> Fraction:
        """S, VA."""
        active, reactive = self.active(phase) * 1000, self.reactive(phase) * 1000
        return Fraction(round(math.sqrt(active * active + reactive * reactive)), 1000)

    def power_factor(self, phase: int | None = None) -> Fraction:
        """P / S with the sign of P; 1 where nothing flows, as meters show it."""
        size = self.apparent(phase)
        if not size:
            return Fraction(1)
        return max(Fraction(-1), min(Fraction(1), self.active(phase) / size))

    def angle(self, phase: int) -> Fraction:
        """Degrees from voltage to current, 0 to 360, positive when the current lags; exact to a thousandth."""
        turn = math.degrees(math.atan2(self._reactive[phase], self._active[phase]))
        return Fraction(round(turn * 1000) % 360_000, 1000)

    def voltage_angle(self, phase: int) -> Fraction:
        """Degrees of the phase voltage behind that of phase A, 0 to 360; 0 without voltage."""
        if not self._voltage[phase]:
            return Fraction(0)
        shift = 0.0 if phase == 0 else 0.4 * self._noise(_DISPLACEMENT + phase) - 0.2
        angle = -_ANGLES[phase] if self._reversed else _ANGLES[phase]
        return Fraction(round((angle + shift) * 1000) % 360_000, 1000)

    def frequency(self) -> Fraction:
        """Hz; 0 when no phase has voltage."""
        return Fraction(self._frequency, 1000)

    def voltage_distortion(self, phase: int) -> Fraction:
        """Total harmonic distortion of the voltage, per cent."""
        return self._distortion("voltage", _VOLTAGE_THD + phase, present=self._voltage[phase] != 0)

    def current_distortion(self, phase: int) -> Fraction:
        """Total harmonic distortion of the current, per cent."""
        return self._distortion("current", _CURRENT_THD + phase, present=self.current(phase) != 0)

    def distortion(self, signal: str, phase: int) -> Fraction:
        """Total harmonic distortion of `voltage` or `current`, per cent."""
        return self.voltage_distortion(phase) if signal == "voltage" else self.current_distortion(phase)

    def harmonics(self, signal: str, phase: int) -> Mapping[int, Fraction]:
        """Content of `voltage` or `current` by order from 2 on, per cent of the fundamental."""
        total = self.distortion(signal, phase)
        stream = _HARMONICS[signal] + _STREAMS_OF_PHASE * phase
        return contents(total, self._spectrum.orders(signal), lambda order: self._noise(stream + order))

    def _distortion(self, signal: str, stream: int, *, present: bool) -> Fraction:
        if not present:
            return Fraction(0)
        typical = self._spectrum.typical(signal)
        return Fraction(round(typical * (0.85 + 0.3 * self._noise(stream)) * 1000), 1000)

    def _noise(self, stream: int) -> float:
        return uniform_at(self._site.seed, stream, self._minute)
