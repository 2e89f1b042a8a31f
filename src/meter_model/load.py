"""Load models: voltage, active and reactive power of each phase as a function of seed and meter time.

A load is constant within a minute of meter time and given in whole millivolts, milliwatts and millivars, so that every
sum of energy and demand is an exact integer. The curves use the four operations and the square root alone, which IEEE
754 rounds correctly: the same seed gives the same bits on every machine, and for every way of asking.
"""

from __future__ import annotations

import math
from typing import Annotated, Final, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from meterwire.meter_model.noise import drift, uniform

Floats = NDArray[np.float64]

PHASES: Final = ("a", "b", "c")
MAX_APPARENT: Final = 26_000.0
"""VA of one phase: the sum of three stays below the 79.9999 that DL/T 645 can say with a sign."""
MAX_CURRENT: Final = 240.0
"""A of one phase: a neutral current of all three stays below the 799.999 that DL/T 645 can say with a sign."""
MAX_VOLTAGE: Final = 500.0


class Rows(msgspec.Struct):
    """Some minutes of a load: whole numbers held as float64.

    Attributes:
        voltage: mV, [minutes][3].
        active: mW, positive when the customer takes energy, [minutes][3].
        reactive: mvar, positive when the current lags, [minutes][3].
        frequency: mHz, [minutes].
    """

    voltage: Floats
    active: Floats
    reactive: Floats
    frequency: Floats

    def between(self, first: int, last: int) -> Rows:
        """A copy of some of these minutes."""
        parts = (self.voltage, self.active, self.reactive, self.frequency)
        return Rows(*(part[first:last].copy() for part in parts))


class Site(msgspec.Struct, frozen=True):
    """Where a load is connected.

    Attributes:
        seed: of every noise at this place.
        phases: 1 or 3.
        voltage: nominal phase voltage, V.
        frequency: nominal frequency, Hz.
    """

    seed: int
    phases: int
    voltage: float
    frequency: float


class LoadModel(Protocol):
    """A load: a value without state."""

    def rows(self, site: Site, first: int, count: int) -> Rows:
        """`count` minutes from minute `first` of local time since 1970; absent phases are zero."""


PerPhase = float | tuple[float, ...]


class Constant(msgspec.Struct, frozen=True, tag="constant", tag_field="kind", forbid_unknown_fields=True):
    """The same powers for ever.

    Attributes:
        active: W of every phase, or one number per phase.
        reactive: var likewise.
        voltage: V likewise; the nominal voltage when left out.
        frequency: Hz; nominal when left out.
    """

    active: PerPhase = 1000.0
    reactive: PerPhase = 200.0
    voltage: PerPhase | None = None
    frequency: float | None = None

    def __post_init__(self) -> None:
        for name in ("active", "reactive", "voltage"):
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) not in {1, 3}:
                raise ValueError(f"{name}: one number, or one for each of 1 or 3 phases")
        if self.frequency is not None and not 40 <= self.frequency <= 70:
            raise ValueError("frequency: 40 to 70 Hz")
        voltages = _three(self.voltage, 3) if self.voltage is not None else (220.0,) * 3
        for active, reactive, voltage in zip(_three(self.active, 3), _three(self.reactive, 3), voltages, strict=True):
            refuse_overload(active, reactive, voltage)

    def rows(self, site: Site, first: int, count: int) -> Rows:  # noqa: ARG002  every minute is the same
        """The given powers."""
        voltage = _three(site.voltage if self.voltage is None else self.voltage, site.phases)
        frequency = site.frequency if self.frequency is None else self.frequency
        return Rows(
            _repeat(voltage, count),
            _repeat(_three(self.active, site.phases), count),
            _repeat(_three(self.reactive, site.phases), count),
            np.full(count, _milli(np.float64(frequency))),
        )


class Household(msgspec.Struct, frozen=True, tag="household", tag_field="kind", forbid_unknown_fields=True):
    """A home: low at night, a morning and an evening peak, appliances that switch, and if wanted a roof of panels.

    Attributes:
        peak: W at the evening peak of an average day, all phases together.
        photovoltaic: W of the panels at noon, all phases together; what is not used flows out.
    """

    peak: Annotated[float, msgspec.Meta(ge=0, le=12_000)] = 5000.0
    photovoltaic: Annotated[float, msgspec.Meta(ge=0, le=12_000)] = 0.0

    def __post_init__(self) -> None:
        _refuse_nan(self.peak, self.photovoltaic)

    def rows(self, site: Site, first: int, count: int) -> Rows:
        """The curve with the noise of its seed."""
        minute = np.arange(first, first + count, dtype=np.int64)
        curve = _daily(_HOME, minute) * (0.8 + 0.4 * uniform(site.seed, _DAY, minute // 1440))
        shares = _shares(site)
        sun = self._sun(site, minute) / site.phases
        rows = _empty(site, minute)
        for phase in range(site.phases):
            wander = 0.85 + 0.3 * drift(site.seed, _WANDER + phase, minute, 15)
            flicker = 0.97 + 0.06 * uniform(site.seed, _FLICKER + phase, minute)
            running = uniform(site.seed, _APPLIANCE + phase, minute // 7) < 0.12 * curve
            used = self.peak * (curve * wander * flicker * shares[phase] + np.where(running, 0.25 / site.phases, 0.0))
            factor = 0.90 + 0.08 * drift(site.seed, _FACTOR + phase, minute, 60)
            rows.active[:, phase] = _milli(used - sun)
            rows.reactive[:, phase] = _milli(used * _tangent(factor))
        return _sagging(rows, site, minute)

    def _sun(self, site: Site, minute: NDArray[np.int64]) -> Floats:
        height = 1.0 - ((minute % 1440 - 750) / 360.0) ** 2  # from 06:30 to 18:30, highest at 12:30
        clouds = 0.3 + 0.7 * drift(site.seed, _CLOUDS, minute, 30)
        return np.asarray(self.photovoltaic * np.maximum(height, 0.0) * clouds)


class Industrial(msgspec.Struct, frozen=True, tag="industrial", tag_field="kind", forbid_unknown_fields=True):
    """A workshop: two shifts on working days, motors, and a fixed capacitor bank that overcompensates at night.

    Attributes:
        power: W at full work of three phases; a single-phase site gets one of them.
        power_factor: of the machines, before compensation.
        capacitors: var of the bank of three phases; by default 0.2 of the power.
    """

    power: Annotated[float, msgspec.Meta(ge=0, le=30_000)] = 15_000.0
    power_factor: Annotated[float, msgspec.Meta(ge=0.6, le=1)] = 0.85
    capacitors: Annotated[float, msgspec.Meta(ge=0, le=20_000)] | None = None

    def __post_init__(self) -> None:
        _refuse_nan(self.power, self.power_factor, self.capacitors or 0.0)

    def rows(self, site: Site, first: int, count: int) -> Rows:
        """The working week with the noise of its seed."""
        minute = np.arange(first, first + count, dtype=np.int64)
        weekday = (minute // 1440 + 3) % 7  # 1970-01-01 was a Thursday; 0 is Monday
        work = np.where(weekday < 5, 1.0, np.where(weekday == 5, 0.6, 0.25))
        curve = _daily(_WORKSHOP, minute) * work
        bank = (0.2 * self.power if self.capacitors is None else self.capacitors) / 3
        tangent = _tangent(np.float64(self.power_factor))
        rows = _empty(site, minute)
        for phase in range(site.phases):
            wander = 0.92 + 0.16 * drift(site.seed, _WANDER + phase, minute, 10)
            flicker = 0.98 + 0.04 * uniform(site.seed, _FLICKER + phase, minute)
            used = self.power / 3 * curve * wander * flicker
            rows.active[:, phase] = _milli(used)
            rows.reactive[:, phase] = _milli(used * tangent - bank)
        return _sagging(rows, site, minute)


Load = Constant | Household | Industrial
"""The load models that device files and the control surface name by `kind`."""

_HOME: Final[tuple[float, ...]] = (
    0.30,
    0.26,
    0.24,
    0.23,
    0.24,
    0.30,
    0.52,
    0.74,
    0.62,
    0.48,
    0.46,
    0.55,
    0.66,
    0.50,
    0.44,
    0.46,
    0.56,
    0.80,
    1.00,
    0.98,
    0.90,
    0.78,
    0.58,
    0.42,
)
_WORKSHOP: Final[tuple[float, ...]] = (
    0.30,
    0.26,
    0.22,
    0.22,
    0.22,
    0.24,
    0.38,
    0.72,
    0.96,
    1.00,
    1.00,
    0.92,
    0.62,
    0.90,
    1.00,
    0.98,
    0.94,
    0.86,
    0.74,
    0.70,
    0.68,
    0.66,
    0.50,
    0.36,
)

_DAY, _CLOUDS, _SHARE, _GRID = 1, 2, 3, 4
_WANDER, _FLICKER, _APPLIANCE, _FACTOR, _VOLTAGE = 10, 20, 30, 40, 50


def refuse_overload(active: float, reactive: float, voltage: float) -> None:
    """Raise ValueError for a phase that no meter here could show."""
    apparent = math.hypot(active, reactive)
    if voltage and not 1 <= voltage <= MAX_VOLTAGE:
        raise ValueError(f"voltage: 0, or 1 to {MAX_VOLTAGE:g} V")
    if not apparent <= MAX_APPARENT:
        raise ValueError(f"active and reactive: at most {MAX_APPARENT:g} VA in a phase")
    if voltage and apparent / voltage > MAX_CURRENT:
        raise ValueError(f"active and reactive: at most {MAX_CURRENT:g} A in a phase")


def _refuse_nan(*values: float) -> None:
    if any(math.isnan(value) for value in values):
        raise ValueError("a number is needed")


def _three(value: PerPhase, phases: int) -> tuple[float, float, float]:
    """One number for each of three phases; zero for those the site does not have."""
    given = value if isinstance(value, tuple) else (value,) * 3
    padded = (*given, 0.0, 0.0)[:3]
    return tuple(padded[:phases] + (0.0,) * (3 - phases))  # type: ignore[return-value]


def _milli(value: Floats | np.float64) -> Floats:
    return np.asarray(np.rint(value * 1000.0)) + 0.0  # no zero has a sign


def _repeat(values: tuple[float, ...], count: int) -> Floats:
    return np.repeat(_milli(np.array([values])), count, axis=0)


def _empty(site: Site, minute: NDArray[np.int64]) -> Rows:
    wander = drift(site.seed, _GRID, minute, 5) - 0.5
    shape = (len(minute), 3)
    return Rows(np.zeros(shape), np.zeros(shape), np.zeros(shape), _milli(site.frequency + 0.08 * wander))


def _daily(hourly: tuple[float, ...], minute: NDArray[np.int64]) -> Floats:
    """A curve of 24 hourly points, straight between them."""
    table = np.array(hourly)
    hour = minute % 1440 // 60
    return np.asarray(table[hour] + (table[(hour + 1) % 24] - table[hour]) * (minute % 60 / 60.0))


def _shares(site: Site) -> Floats:
    """How the phases share the load; they add up to 1."""
    weights = 0.8 + 0.4 * uniform(site.seed, _SHARE, np.arange(site.phases, dtype=np.int64))
    total = weights[0] if site.phases == 1 else weights[0] + weights[1] + weights[2]
    return np.asarray(weights / total)


def _tangent(factor: Floats | np.float64) -> Floats:
    return np.asarray(np.sqrt(1.0 - factor * factor) / factor)


def _sagging(rows: Rows, site: Site, minute: NDArray[np.int64]) -> Rows:
    """Give the phases a voltage that wanders by 1.5 % and falls with the load (0.3 ohm of line)."""
    for phase in range(site.phases):
        wander = 0.985 + 0.03 * drift(site.seed, _VOLTAGE + phase, minute, 12)
        drop = 0.3 * rows.active[:, phase] / (1000.0 * site.voltage)
        rows.voltage[:, phase] = _milli(site.voltage * wander - drop)
    return rows
