"""Maximum demand: averages over a sliding window of whole minutes, kept as exact integers.

Rules, by recollection of the Chinese meter specifications (uncertain in detail): the demand of the total goes on
without a break; that of a rate is measured within the time in which the rate is in force; after power-on, a time
setting or a clearing no window counts that began before. A maximum is replaced only by a larger one; its time is the
end of its window.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]

SCOPES: Final = ("total", "a", "b", "c")
FLOWS: Final = (
    "active_import",
    "active_export",
    "reactive_q1",
    "reactive_q2",
    "reactive_q3",
    "reactive_q4",
    "apparent_import",
    "apparent_export",
)
"""What the energy of a minute is counted as, by scope: mJ, [scope][flow]."""
DEMANDS: Final = (*FLOWS, "reactive_combined_1", "reactive_combined_2")
NEVER: Final = -1


class DemandSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Window and step of the demand, minutes."""

    period: Annotated[int, msgspec.Meta(ge=1, le=60)] = 15
    slide: Annotated[int, msgspec.Meta(ge=1, le=60)] = 1

    def __post_init__(self) -> None:
        if self.period % self.slide:
            raise ValueError("slide: must divide the period")


class Maxima(msgspec.Struct):
    """The maxima of one billing period.

    Attributes:
        value: mJ in a window, [rate][scope][demand]; rate 0 is the total.
        minutes: length of that window, likewise.
        time: end of the window in minutes since 1970 local, likewise; NEVER where there was none.
    """

    value: Counts
    minutes: Counts
    time: Counts

    def state(self) -> list[Any]:
        """As builtins."""
        return [stored_counts(one) for one in (self.value, self.minutes, self.time)]

    @staticmethod
    def of(state: list[Any]) -> Maxima:
        """From builtins; raises ValueError or TypeError."""
        return Maxima(*map(revived_counts, state))

    def octets(self) -> bytes:
        """All three one after the other, as they lie in this machine's memory."""
        return b"".join(one.tobytes() for one in (self.value, self.minutes, self.time))

    @staticmethod
    def of_octets(shape: tuple[int, ...], octets: bytes) -> Maxima:
        """From octets of arrays of that shape."""
        return Maxima(*np.frombuffer(octets, np.int64).reshape(3, *shape).copy())

    def copy(self) -> Maxima:
        """An independent copy."""
        return Maxima(self.value.copy(), self.minutes.copy(), self.time.copy())

    def widened(self, rates: int) -> Maxima:
        """The same with none for the rates that are new."""
        wider, own = no_maxima(rates), slice(0, len(self.value))
        wider.value[own], wider.minutes[own], wider.time[own] = self.value, self.minutes, self.time
        return wider


def stored_counts(counts: Counts) -> list[Any]:
    """An array as builtins: its shape and its octets, little-endian."""
    return [list(counts.shape), counts.astype("<i8").tobytes()]


def revived_counts(stored: list[Any]) -> Counts:
    """The array again; raises ValueError or TypeError."""
    shape, octets = stored
    return np.frombuffer(octets, "<i8").astype(np.int64).reshape(shape)


def no_maxima(rates: int, window: int = 1) -> Maxima:
    """The maxima of a period that has just begun."""
    shape = (rates + 1, len(SCOPES), len(DEMANDS))
    return Maxima(np.zeros(shape, np.int64), np.full(shape, window, np.int64), np.full(shape, NEVER, np.int64))


class MaximumDemand:
    """The demand of a meter.

    Args:
        settings: window and step.
        rates: how many rates have maxima of their own (of the totals only).
        combinations: for both combined reactive registers, by how much each of `FLOWS` counts, [2][flow].
        minute: the minute at which it begins.

    Attributes:
        maxima: those of the running period.
        present: mJ in the window that ended last, [scope][demand].
    """

    def __init__(self, settings: DemandSettings, rates: int, combinations: Counts, minute: int) -> None:
        self.settings = settings
        self.rates = rates
        self.maxima = no_maxima(rates)
        self._combine = np.vstack([np.eye(len(FLOWS), dtype=np.int64), combinations]).T
        self._history = np.zeros((settings.period, len(SCOPES), len(FLOWS)), np.int64)
        self.present = np.zeros((len(SCOPES), len(DEMANDS)), np.int64)
        self._begin = minute
        self._rate = 0
        self._rate_since = minute
        self._batch: tuple[int, Counts, Counts, Counts, Counts] | None = None

    @property
    def last_minute(self) -> Counts:
        """Millijoules of the last minute, [scope][flow]."""
        return np.asarray(self._history[-1])

    def at(self, minute: int) -> tuple[Counts, Counts]:
        """What `present` and `last_minute` were at a minute of those that were added last, copied."""
        if self._batch is None:
            return self.present.copy(), self.last_minute.copy()
        first, ends, windows, rows, before = self._batch
        closed = int(np.searchsorted(ends, minute, "right"))
        present = windows[closed - 1] if closed else before
        return present.copy(), rows[min(self.settings.period + minute - first, len(rows)) - 1].copy()

    def forget_batch(self) -> None:
        """Let go of the minutes that were added last: `at` knows the present one alone from now on."""
        self._batch = None

    def assume(self, minute: int, energies: Counts, rate: int, rate_since: int) -> None:
        """Take over the minutes before `minute` as if it had always been running."""
        self._begin, self._rate, self._rate_since = minute - self.settings.period, rate, rate_since
        self._history[:] = energies
        self.present = energies.sum(axis=0) @ self._combine

    def add(self, minute: int, energies: Counts, rate: int) -> tuple[Counts, Counts]:
        """Count whole minutes of one rate; give the ends of the whole windows that close with them, and the windows.

        Args:
            minute: the first of them.
            energies: mJ, [minutes][scope][flow].
            rate: in force during all of them.
        """
        if rate != self._rate:
            self._rate, self._rate_since = rate, minute
        period = self.settings.period
        rows = np.concatenate([self._history, energies])
        sums = np.cumsum(rows, axis=0)
        ends = minute + 1 + np.arange(len(energies), dtype=np.int64)
        closing = ends % self.settings.slide == 0
        windows = (sums[period:] - sums[:-period]) @ self._combine
        self._history = rows[-period:].copy()
        self._batch = minute, ends[closing], windows[closing], rows, self.present
        whole = closing & (ends - self._begin >= period)
        if closing.any():
            self.present = windows[closing][-1].copy()
            self._raise(0, slice(None), windows[whole], ends[whole])
            within = whole & (ends - self._rate_since >= period)
            self._raise(rate, slice(0, 1), windows[within][:, :1], ends[within])
        return ends[whole], windows[whole]

    def restart(self, minute: int) -> None:
        """After power-on or a time setting: nothing before this minute counts any more."""
        self._begin = self._rate_since = minute
        self._history = np.zeros_like(self._history)
        self.present = np.zeros_like(self.present)
        self._batch = None

    def resize(self, settings: DemandSettings, minute: int) -> None:
        """Measure over other windows from this minute on; maxima that are there stay."""
        self.settings = settings
        self._history = np.zeros((settings.period, len(SCOPES), len(FLOWS)), np.int64)
        self.restart(minute)

    def widen(self, rates: int) -> None:
        """Keep maxima of more rates."""
        self.rates = rates
        self.maxima = self.maxima.widened(rates)

    def recombine(self, combinations: Counts) -> None:
        """Make the combined reactive demands of other parts; maxima that are there stay, windows go on."""
        self._combine = np.vstack([np.eye(len(FLOWS), dtype=np.int64), combinations]).T
        self._batch = None

    def clear(self, minute: int) -> Maxima:
        """Begin a new billing period at this minute; gives the maxima of the old one."""
        closed, self.maxima = self.maxima, no_maxima(self.rates)
        self._begin = max(self._begin, minute)
        return closed

    def clear_one(self, demand: str, scope: str) -> None:
        """Forget the maxima of one demand, with those of the rates; windows go on."""
        place = (slice(None), SCOPES.index(scope), DEMANDS.index(demand))
        self.maxima.value[place], self.maxima.time[place] = 0, NEVER

    def state(self) -> dict[str, Any]:
        """Everything, as builtins."""
        return {
            "settings": [self.settings.period, self.settings.slide],
            "rates": self.rates,
            "maxima": self.maxima.state(),
            "combine": stored_counts(self._combine),
            "history": stored_counts(self._history),
            "present": stored_counts(self.present),
            "begin": self._begin,
            "rate": self._rate,
            "rate_since": self._rate_since,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over; raises ValueError, KeyError or TypeError for what is none."""
        self.settings, self.rates = DemandSettings(*state["settings"]), int(state["rates"])
        self.maxima, self._combine = Maxima.of(state["maxima"]), revived_counts(state["combine"])
        self._history, self.present = revived_counts(state["history"]), revived_counts(state["present"])
        self._begin, self._rate, self._rate_since = (int(state[name]) for name in ("begin", "rate", "rate_since"))
        self._batch = None

    def _raise(self, rate: int, scopes: slice, windows: Counts, ends: Counts) -> None:
        if not len(windows):
            return
        at = np.abs(windows).argmax(axis=0)
        highest = np.take_along_axis(windows, at[np.newaxis], axis=0)[0]
        value, time = self.maxima.value[rate, scopes], self.maxima.time[rate, scopes]
        minutes, period = self.maxima.minutes[rate, scopes], self.settings.period
        larger = np.abs(highest) * minutes > np.abs(value) * period
        value[larger], minutes[larger] = highest[larger], period
        time[larger] = ends[at][larger]
