"""What the meter has registered by a second of its time: energies, demand, settlements.

The grid. A load is constant within a minute, and every whole minute is one step of 60 s of the metering core and one
row of the demand. An intervention (a load set, a phase cut, power off, the clock set) closes a step at its second, and
the rest of the minute is another step. A reading between two grid points is worked out on a copy, as the step that
would be closed at that second: to read, however often and whenever, changes no bit. A year is 525,600 steps.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, Protocol

import numpy as np

from meterwire.meter_model.circuit import Circuit
from meterwire.meter_model.demand import (
    FLOWS,
    SCOPES,
    Counts,
    DemandSettings,
    Maxima,
    MaximumDemand,
    revived_counts,
    stored_counts,
)
from meterwire.meter_model.energy import Energies, Powers, Readings, powers
from meterwire.meter_model.load import Rows
from meterwire.meter_model.profiles import Profile
from meterwire.meter_model.tariff import BillingDays, plan_of
from meterwire.meter_model.tariff_plan import TariffPlan

MINUTE: Final = 60
SETTLEMENTS: Final = 12
_BLOCK: Final = 2880


class Settlement:
    """The registers and maxima of a billing period that has ended; few are ever asked for, and each is large.

    Args:
        minute: when it ended, minutes since 1970 local.
        work: gives both; asked whenever somebody wants to know and has not just known.
    """

    __slots__ = ("minute", "work")

    def __init__(self, minute: int, work: Callable[[], tuple[Readings, Maxima]]) -> None:
        self.minute, self.work = minute, work

    @staticmethod
    def of(minute: int, readings: Readings, maxima: Maxima) -> Settlement:
        """One whose registers and maxima are there."""
        return Settlement(minute, lambda: (readings, maxima))

    @staticmethod
    def ended(minute: int, energies: Energies, maxima: Maxima) -> Settlement:
        """The period that ends now, packed: what registers and maxima are later changes nothing of it."""
        constants, rates, maxima_shape = energies.constants, energies.rates, maxima.value.shape
        packed = zlib.compress(energies.save(), 1), zlib.compress(maxima.octets(), 1)

        def work() -> tuple[Readings, Maxima]:
            then = Energies(*constants, rates)
            then.restore(zlib.decompress(packed[0]))
            return then.readings(), Maxima.of_octets(maxima_shape, zlib.decompress(packed[1]))

        return Settlement(minute, work)

    @property
    def readings(self) -> Readings:
        """The registers."""
        return _worked_out(self)[0]

    @property
    def maxima(self) -> Maxima:
        """The maxima."""
        return _worked_out(self)[1]


@lru_cache(maxsize=64)
def _worked_out(settlement: Settlement) -> tuple[Readings, Maxima]:
    return settlement.work()


class Watcher(Protocol):
    """Somebody who wants to see what passes; it is told the seconds that it asked for, when they are registered."""

    def foresee(self, minute: int, rows: Rows | None, begin: int, end: int) -> list[int]:
        """Seconds from `begin` to `end` at which it wants to be told; rows begin with `minute`, None without power."""

    def happen(self, second: int) -> None:
        """A second that it asked for has come; `Ledger.readings_at` tells the registers of it."""

    def demand_windows(self, ends: Counts, windows: Counts) -> None:
        """Windows of the demand have closed: minutes, and mJ by [window][scope][demand]."""


class Observer(Protocol):
    """Somebody who counts what passes, and never asks to be told of a moment."""

    def see(self, minute: int, rows: Rows | None, begin: int, end: int) -> None:
        """Time passes from `begin` to `end`, seconds; what it has seen already it may be shown again."""


class Sampler(Protocol):
    """Somebody who stores what is registered at certain minutes.

    Attributes:
        next: the next of these minutes.
        next_full: the next of them at which the maxima of the demand are needed.
    """

    next: int
    next_full: int

    def pass_over(self, minute: int) -> None:
        """All minutes up to that one will now come, one after the other and with power."""

    def take(self, ledger: Ledger, minute: int, rows: Rows | None) -> None:
        """The minute has come; the rows are that one minute of the circuit, None without power."""


class Ledger:
    """The registering part of a meter.

    Args:
        profile: constants, tariff, demand window, settlement day.
        circuit: what is at the terminals.
        second: seconds since 1970 local at which it begins.

    Attributes:
        energies: as of the last grid point.
        demand: as of the last whole minute.
        settlements: the last twelve, the latest first.
        running: whether the meter has power.
        outages: how often it has lost it since this object was made.
        watcher: who sees what passes.
        observers: who count what passes.
    """

    def __init__(self, profile: Profile, circuit: Circuit, second: int) -> None:
        ratings, self._tariff = profile.ratings, plan_of(profile.tariff)
        self._starting, self._billing = ratings.starting, profile.settlement.days
        self._circuit = circuit
        self._at = second
        self.energies = Energies(ratings.active_constant, ratings.reactive_constant, profile.tariff.rates)
        self.demand = MaximumDemand(
            profile.demand, profile.tariff.rates, profile.combination.of_demands, -(-second // MINUTE)
        )
        self.settlements: deque[Settlement] = deque(maxlen=SETTLEMENTS)
        self.running = True
        self.outages = 0
        self._dark_seconds = 0
        self.watcher: Watcher | None = None
        self.observers: list[Observer] = []
        self.sampler: Sampler | None = None
        self._begun = _nothing()
        self._next_settlement = profile.settlement.after(-(-second // MINUTE) - 1)
        self._assume_past(-(-second // MINUTE), profile.demand.period)

    def advance(self, second: int) -> None:
        """Let time pass: register all minutes that are over by then."""
        target = second // MINUTE
        if second > self._at:
            self._settle_if_due(self._at // MINUTE)
        if self._at % MINUTE and target * MINUTE > self._at:
            self._part(-(-self._at // MINUTE) * MINUTE)
        if self._at < target * MINUTE and self.sampler is not None and self.running:
            self.sampler.pass_over(target)
        while self._at < target * MINUTE:
            minute = self._at // MINUTE
            self._minutes(minute, min(target - minute, _BLOCK))
        self.demand.forget_batch()
        self._watch_part(second)

    def close_step(self, second: int) -> None:
        """Let time pass up to an intervention at exactly that second."""
        self.advance(second)
        if second > self._at:
            self._part(second)
            self.demand.forget_batch()

    def readings_at(self, second: int) -> Energies:
        """The energies as they would stand at that second, less than a minute after the last grid point."""
        if second <= self._at or not self.running:
            return self.energies
        minute = self._at // MINUTE
        view = self.energies.copy()
        view.add(self._powers(minute, 1), self._tariff.rate_at(minute), second - self._at)
        return view

    def rate_at(self, second: int) -> int:
        """The rate in force at a second."""
        return self._tariff.rate_at(second // MINUTE)

    def dark_seconds_at(self, second: int) -> int:
        """How long the meter has been without power by that second, in all."""
        return self._dark_seconds + (0 if self.running else max(0, second - self._at))

    def set_clock(self, second: int) -> None:
        """Go on from another time, with nothing registered for the difference; demand windows begin anew."""
        self._at = second
        self._begun = _nothing()
        whole = -(-second // MINUTE)
        self.demand.restart(whole)
        self._next_settlement = self._billing.after(whole - 1 if second % MINUTE else whole)

    def power(self, *, on: bool) -> None:
        """Lose or regain power now; without it nothing is registered."""
        if on and not self.running:
            self.demand.restart(-(-self._at // MINUTE))
            self._begun = _nothing()
        self.outages += self.running and not on
        self.running = on

    def retariff(self, plan: TariffPlan) -> None:
        """Register under another plan from the last grid point on; more rates get registers of their own."""
        self._tariff = plan
        if plan.tables.rates > self.energies.rates:
            self.energies = self.energies.widened(plan.tables.rates)
            self.demand.widen(plan.tables.rates)

    def settle_on(self, billing: BillingDays) -> None:
        """End billing periods at other moments from now on."""
        self._billing = billing
        self._next_settlement = billing.after(self._at // MINUTE)

    def measure_demand(self, settings: DemandSettings) -> None:
        """Measure the demand over other windows from the next whole minute on."""
        self.demand.resize(settings, -(-self._at // MINUTE))

    def clear_demand(self) -> None:
        """Forget the maxima of the running period."""
        self.demand.clear(-(-self._at // MINUTE))

    def clear(self) -> None:
        """Forget everything that has been registered."""
        energies = self.energies
        self.energies = Energies(*energies.constants, energies.rates)
        self.settlements.clear()
        self.clear_demand()

    def state(self) -> dict[str, Any]:
        """Everything but the plans that parameters make, as builtins."""
        return {
            "at": self._at,
            "rates": self.energies.rates,
            "energies": self.energies.save(),
            "demand": self.demand.state(),
            "settlements": [[one.minute, one.readings.state(), one.maxima.state()] for one in self.settlements],
            "running": self.running,
            "dark_seconds": self._dark_seconds,
            "begun": stored_counts(self._begun),
            "next_settlement": self._next_settlement,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over; raises ValueError, KeyError or TypeError for what is none."""
        energies = Energies(*self.energies.constants, int(state["rates"]))
        energies.restore(state["energies"])
        self.demand.restore(state["demand"])
        self.energies, self._at, self.running = energies, int(state["at"]), bool(state["running"])
        self.settlements.clear()
        self.settlements.extend(
            Settlement.of(int(minute), Readings.of(readings), Maxima.of(maxima))
            for minute, readings, maxima in state["settlements"]
        )
        self._dark_seconds, self._begun = int(state["dark_seconds"]), revived_counts(state["begun"])
        self._next_settlement = int(state["next_settlement"])

    def _minutes(self, minute: int, count: int) -> None:
        """Whole minutes, cut where the rate switches and where a billing period ends."""
        rows = self._rows(minute, count)
        block = None if rows is None else powers(rows, self._starting)
        end = minute + count
        first = minute
        watched = self._foresee(minute, rows, end * MINUTE)
        while first < end:
            while watched and watched[0] // MINUTE == first:
                self._tell(watched.popleft())
            last = min(self._tariff.next_switch(first), self._next_settlement, end)
            if self.sampler is not None:
                last = min(last, max(self.sampler.next_full, first + 1))
            if watched:
                last = min(last, watched[0] // MINUTE)
            rate = self._tariff.rate_at(first)
            if block is not None:
                self._add_demand(first, block.flows[first - minute : last - minute] * MINUTE, rate)
            while first < last:
                until = last if self.sampler is None else min(last, max(self.sampler.next, first + 1))
                if block is None:
                    self._dark_seconds += (until - first) * MINUTE
                else:
                    self.energies.add(block.between(first - minute, until - minute), rate, MINUTE)
                self._at = until * MINUTE
                self._sample(until, rows if until < end else None, until - minute)
                first = until
            self._settle_if_due(last)
            first = last
        self._tell(*watched)

    def _part(self, second: int) -> None:
        """A step that ends within its minute, or with it."""
        self._watch_part(second - 1)
        minute, seconds = self._at // MINUTE, second - self._at
        last = self._foresee(minute, self._rows(minute, 1), second)
        rate = self._tariff.rate_at(minute)
        if self.running:
            row = self._powers(minute, 1)
            self.energies.add(row, rate, seconds)
            self._begun += row.flows[0] * seconds
        else:
            self._dark_seconds += seconds
        self._at = second
        if second % MINUTE == 0:
            if self.running:
                self._add_demand(minute, self._begun[np.newaxis], rate)
            self._begun = _nothing()
            self._sample(minute + 1)
            self._settle_if_due(minute + 1)
        self._tell(*last)

    def _add_demand(self, minute: int, energies: Counts, rate: int) -> None:
        ends, windows = self.demand.add(minute, energies, rate)
        if self.watcher is not None and len(ends):
            self.watcher.demand_windows(ends, windows)

    def _watch_part(self, second: int) -> None:
        """Let the watcher see what passes of a minute that is not registered yet."""
        if second > self._at and self.watcher is not None:
            minute = self._at // MINUTE
            self._tell(*self._foresee(minute, self._rows(minute, 1), second))

    def _foresee(self, minute: int, rows: Rows | None, end: int) -> deque[int]:
        for observer in self.observers:
            observer.see(minute, rows, self._at, end)
        return deque() if self.watcher is None else deque(self.watcher.foresee(minute, rows, self._at, end))

    def _tell(self, *seconds: int) -> None:
        for second in seconds:
            if self.watcher is not None:
                self.watcher.happen(second)

    def _sample(self, minute: int, rows: Rows | None = None, at: int = 0) -> None:
        """Have stored what is due at a minute; the rows may have it already."""
        if self.sampler is None or minute < self.sampler.next:
            return
        row = self._rows(minute, 1) if rows is None else rows.between(at, at + 1)
        self.sampler.take(self, minute, row)

    def _rows(self, minute: int, count: int) -> Rows | None:
        return self._circuit.rows(minute, count) if self.running else None

    def _powers(self, minute: int, count: int) -> Powers:
        return powers(self._circuit.rows(minute, count), self._starting)

    def _settle_if_due(self, minute: int) -> None:
        if minute < self._next_settlement:
            return
        closed = self.demand.clear(self._next_settlement)
        self.settlements.appendleft(Settlement.ended(self._next_settlement, self.energies, closed))
        self._next_settlement = self._billing.after(self._next_settlement)

    def _assume_past(self, minute: int, period: int) -> None:
        """Fill the demand window as if the load had been there before the meter was first met."""
        past = self._powers(minute - period, period).flows * MINUTE
        self.demand.assume(minute, past, self._tariff.rate_at(minute), self._tariff.since(minute))


def _nothing() -> Counts:
    return np.zeros((len(SCOPES), len(FLOWS)), np.int64)
