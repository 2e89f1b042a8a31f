"""Voltage qualification: for how long each phase's voltage was within its limits, by day and by month.

Time counts while the meter has power and the phase has any voltage at all; it is too high above the upper limit, too
low XX
and too high where any is. Days and months are those of the calendar. DL/T 645-2007 names the values (table A.4, 0310xx)
and DL/T 698.45 likewise (2130 to 2133); the rules of counting are recalled, those of all phases together an own choice.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from meterwire.meter_model.clock import local_time
from meterwire.meter_model.load import PHASES, Rows

if TYPE_CHECKING:
    from meterwire.meter_model.meter import Meter

Period = Literal["day", "month"]
LIMITS: Final = ("voltage_upper_limit", "voltage_lower_limit")
"""Parameters that say what qualified means, V."""
_DEPTHS: Final[Mapping[Period, int]] = {"day": 1, "month": 12}
_UNITS: Final[Mapping[Period, str]] = {"day": "datetime64[D]", "month": "datetime64[M]"}


class Extreme(msgspec.Struct):
    """A voltage, mV, and the minute since 1970 local in which it first was there."""

    voltage: int
    minute: int

    @property
    def time(self) -> dt.datetime:
        """When, by the meter's clock, naive."""
        return local_time(self.minute * 60)


class Tally(msgspec.Struct):
    """What was counted in one period, of one phase or of all.

    Attributes:
        monitored: seconds in all.
        above: seconds above the upper limit.
        below: seconds below the lower limit.
        highest: the highest voltage, None before there was any; likewise lowest.
    """

    monitored: int = 0
    above: int = 0
    below: int = 0
    highest: Extreme | None = None
    lowest: Extreme | None = None

    @property
    def qualified_rate(self) -> Fraction:
        """Per cent of the time within the limits; 0 where there was none."""
        return 100 - self.over_limit_rate if self.monitored else Fraction(0)

    @property
    def over_limit_rate(self) -> Fraction:
        """Per cent of the time beyond them; 0 where there was none."""
        return Fraction(100 * (self.above + self.below), self.monitored) if self.monitored else Fraction(0)

    def add(self, slots: _Slots, phase: int | None) -> None:
        """Count some slots, of one phase or of all."""
        there, above, below = slots.judged(phase)
        self.monitored += int(slots.seconds[there].sum())
        self.above += int(slots.seconds[above].sum())
        self.below += int(slots.seconds[below].sum())
        if there.any():
            volts = slots.volts if phase is None else slots.volts[:, phase : phase + 1]
            self._stretch(slots.first, volts.max(axis=1), np.where(volts > 0, volts, np.inf).min(axis=1))

    def _stretch(self, minute: int, high: NDArray[np.float64], low: NDArray[np.float64]) -> None:
        top, bottom = int(high.argmax()), int(low.argmin())
        if self.highest is None or high[top] > self.highest.voltage:
            self.highest = Extreme(int(high[top]), minute + top)
        if self.lowest is None or low[bottom] < self.lowest.voltage:
            self.lowest = Extreme(int(low[bottom]), minute + bottom)


class _Slots:
    """Some minutes of a circuit, each of as many seconds as passed of it."""

    def __init__(
        self, first: int, volts: NDArray[np.float64], seconds: NDArray[np.int64], limits: tuple[int, int]
    ) -> None:
        self.first, self.volts, self.seconds, self._limits = first, volts, seconds, limits

    def between(self, first: int, last: int) -> _Slots:
        return _Slots(self.first + first, self.volts[first:last], self.seconds[first:last], self._limits)

    def judged(self, phase: int | None) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """For each slot whether there was a voltage, one too high, one too low."""
        volts = self.volts if phase is None else self.volts[:, phase : phase + 1]
        upper, lower = self._limits
        there = (volts > 0).any(axis=1)
        above = (volts > upper).any(axis=1)
        below = ((volts > 0) & (volts < lower)).any(axis=1) & ~above
        return np.asarray(there), np.asarray(above), np.asarray(below)


class _Periods:
    """The tallies of days, or of months: of the present one, and of those before it."""

    def __init__(self, unit: Period, minute: int) -> None:
        self._unit: Period = unit
        self._key = self._key_of(minute)
        self.present: dict[str, Tally] = {}
        self.past: deque[dict[str, Tally]] = deque(maxlen=_DEPTHS[unit])

    def add(self, slots: _Slots, phases: int) -> None:
        minutes = np.arange(slots.first, slots.first + len(slots.seconds), dtype=np.int64)
        keys = minutes.astype("datetime64[m]").astype(_UNITS[self._unit]).astype(np.int64)
        cuts = [0, *(np.flatnonzero(np.diff(keys)) + 1).tolist(), len(keys)]
        for first, last in pairwise(cuts):
            self.roll(slots.first + first)
            part = slots.between(first, last)
            for scope, phase in (("", None), *((name, at) for at, name in enumerate(PHASES[:phases]))):
                self.present.setdefault(scope, Tally()).add(part, phase)

    def roll(self, minute: int) -> None:
        """The period of that minute goes on; a clock that was set back does not open an earlier one again."""
        key = self._key_of(minute)
        for _ in range(min(key - self._key, _DEPTHS[self._unit] + 1)):
            self.past.appendleft(self.present)
            self.present = {}
        self._key = max(key, self._key)

    def state(self) -> dict[str, Any]:
        periods = [msgspec.to_builtins(one) for one in (self.present, *self.past)]
        return {"key": self._key, "periods": periods}

    def restore(self, state: Mapping[str, Any]) -> None:
        present, *past = (msgspec.convert(one, dict[str, Tally]) for one in state["periods"])
        self._key, self.present = int(state["key"]), present
        self.past.clear()
        self.past.extend(past)

    def _key_of(self, minute: int) -> int:
        return int(np.datetime64(minute, "m").astype(_UNITS[self._unit]).astype(np.int64))


class VoltageQuality:
    """The voltage qualification of one meter.

    Args:
        meter: whose; its parameters exist already.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._seen = meter.second
        self._periods = {unit: _Periods(unit, meter.second // 60) for unit in _DEPTHS}
        self._limits = self._in_force()

    def tally(self, phase: str = "", back: int = 0, period: Period = "month") -> Tally:
        """What was counted.

        Args:
            phase: `a`, `b`, `c`, or empty for all together.
            back: 0 for the running period, 1 for the one before, up to twelve months or one day.
            period: of which length.

        Raises:
            IndexError: so far back nothing is kept.
            KeyError: this meter has no such phase.
        """
        if phase and phase not in PHASES[: self._meter.profile.phases]:
            raise KeyError(phase)
        if not 0 <= back <= _DEPTHS[period]:
            raise IndexError(back)
        self._meter.advance()
        periods = self._periods[period]
        every = (periods.present, *periods.past)
        return every[back].get(phase) or Tally() if back < len(every) else Tally()

    def see(self, minute: int, rows: Rows | None, begin: int, end: int) -> None:
        """Time passes; what has been seen already does not count again.

        Args:
            minute: of the first row.
            rows: the circuit, None without power.
            begin: seconds since 1970 local.
            end: likewise.
        """
        begin = max(begin, self._seen)
        if end <= begin:
            return
        self._seen = end
        if rows is not None:
            first, last = begin // 60, -(-end // 60)
            edges = np.arange(first, last + 1, dtype=np.int64) * 60
            edges[0], edges[-1] = begin, end
            volts = rows.voltage[first - minute : last - minute, : self._meter.profile.phases]
            slots = _Slots(first, volts, np.diff(edges), self._limits)
            for periods in self._periods.values():
                periods.add(slots, self._meter.profile.phases)
        for periods in self._periods.values():
            periods.roll(end // 60)

    def limits_changed(self) -> None:
        """A limit has been set; everything before is counted already."""
        self._limits = self._in_force()

    def clock_set(self) -> None:
        """The clock shows another time: nothing is counted for the difference."""
        self._seen = self._meter.second

    def clear(self) -> None:
        """Forget everything, as when the meter is cleared."""
        self._periods = {unit: _Periods(unit, self._seen // 60) for unit in _DEPTHS}

    def state(self) -> dict[str, Any]:
        """Everything, as builtins."""
        return {"seen": self._seen, "periods": {unit: one.state() for unit, one in self._periods.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over; raises ValueError, KeyError or TypeError for what is none."""
        for unit, one in self._periods.items():
            one.restore(state["periods"][unit])
        self._seen = int(state["seen"])
        self.limits_changed()

    def _in_force(self) -> tuple[int, int]:
        upper, lower = (int(Fraction(self._meter.parameters[name]) * 1000) for name in LIMITS)
        return upper, lower
