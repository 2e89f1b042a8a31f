"""An independent ledger of what a meter registers, minute by minute in whole joules; it knows nothing of meterwire.

Everything is a plain reading of the rules: the rate of a minute from the tables, demand windows of whole minutes,
settlements, freezes and load profile at their moments, money by rate and step. Loads are chosen so that a real meter's
pulses are whole: every comparison is for equality.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from fractions import Fraction
from typing import Any

DAY = dt.timedelta(days=1)
MINUTE = dt.timedelta(minutes=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
QUADRANTS = ("reactive_q1", "reactive_q2", "reactive_q3", "reactive_q4")
FLOWS = ("active_import", "active_export", *QUADRANTS)
JOULES = 3_600_000


def rate_of(tariff: dict[str, Any], time: dt.datetime) -> int:
    """The rate in force at a moment, from the tables as they are written."""
    seasons = tariff["sets"][tariff["season_switch"] <= time]["seasons"]
    days = tariff["sets"][tariff["day_switch"] <= time]["days"]
    date = time.date()
    rest, weekend = tariff["weekend"]
    if date in tariff["holidays"]:
        number = tariff["holidays"][date]
    elif WEEKDAYS[date.weekday()] in rest:
        number = weekend
    else:
        begun = [day for month, first, day in seasons if (month, first) <= (date.month, date.day)]
        number = begun[-1] if begun else seasons[-1][2]
    minute = time.hour * 60 + time.minute
    started = [rate for start, rate in days[number] if start <= minute]
    return started[-1] if started else days[number][-1][1]


class Windows:
    """The demand of a few flows: sliding windows of whole minutes, and their maxima."""

    def __init__(self, period: int, slide: int, minute: int) -> None:
        self.period, self.slide = period, slide
        self.present = [0, 0, 0]
        self.restart(minute)
        self.maxima: dict[tuple[int, int], tuple[int, int | None]] = {}

    def restart(self, minute: int) -> None:
        self.begin = self.rate_since = minute
        self.rate = 0
        self.history = deque([(0, 0, 0)] * self.period, maxlen=self.period)
        self.sums = [0, 0, 0]
        self.present = [0, 0, 0]

    def add(self, end: int, flows: tuple[int, int, int], rate: int) -> None:
        """A minute has ended: joules of import, export and the first combined reactive."""
        if rate != self.rate:
            self.rate, self.rate_since = rate, end - 1
        oldest = self.history[0]
        self.history.append(flows)
        self.sums = [total + new - old for total, new, old in zip(self.sums, flows, oldest, strict=True)]
        if end % self.slide:
            return
        self.present = list(self.sums)
        if end - self.begin < self.period:
            return
        for flow in (0, 1):
            self._raise(flow, 0, end)
            if end - self.rate_since >= self.period:
                self._raise(flow, rate, end)

    def clear(self, minute: int) -> dict[tuple[int, int], tuple[int, int | None]]:
        closed, self.maxima = self.maxima, {}
        self.begin = max(self.begin, minute)
        return closed

    def _raise(self, flow: int, rate: int, end: int) -> None:
        if self.sums[flow] > self.maxima.get((flow, rate), (0, None))[0]:
            self.maxima[flow, rate] = self.sums[flow], end


class Ledger:
    """What one meter has registered since it was cleared at `start`."""

    def __init__(self, start: dt.datetime, tariff: dict[str, Any], books: dict[str, Any]) -> None:
        self.start, self.tariff, self.books = start, tariff, books
        self.second = 0
        self.load: tuple[tuple[int, ...], tuple[int, ...]] = ((0, 0, 0), (0, 0, 0))
        self.powered, self.connected = True, True
        self.energy = {(flow, rate): 0 for flow in FLOWS for rate in range(1, tariff["rates"] + 1)}
        self.phases = [0, 0, 0]
        self.windows = Windows(*books["demand"], 0)
        self.minute = [0, 0, 0]
        self.settlements: deque[Any] = deque(maxlen=12)
        self.rows: dict[str, list[Any]] = {kind: [] for kind in books["freezes"]}
        self.missed: dict[str, list[Any]] = {kind: [] for kind in books["freezes"]}
        self.profile: list[Any] = []
        self.cost = 0
        self.used = 0
        self.dark = 0
        self.rates = self._rates_of(self.start.date())
        self.voltages = (230_000, 230_000, 230_000)
        self.quality: dict[tuple[int, int], dict[int | None, list[Any]]] = {}

    # ------------------------------------------------------------ time

    def now(self) -> dt.datetime:
        return self.start + dt.timedelta(seconds=self.second)

    def pass_time(self, seconds: int) -> None:
        target = self.second + seconds
        while self.second < target:
            end = min(self.second // 60 * 60 + 60, target)
            self._register(end - self.second)
            self.second = end
            if end % 60 == 0:
                self._close_minute()

    def power(self, on: bool) -> None:
        if on and not self.powered:
            self.windows.restart(-(-self.second // 60))
            self.minute = [0, 0, 0]
        self.powered = on

    # ------------------------------------------------------------ what passes

    def flowing(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return self.load if self.powered and self.connected else ((0, 0, 0), (0, 0, 0))

    def _register(self, seconds: int) -> None:
        if not self.powered:
            self.dark += seconds
            return
        self._judge(seconds)
        active, reactive = self.flowing()
        p, q = sum(active), sum(reactive)
        rate = self.rates[self.now().hour * 60 + self.now().minute]
        flow, joules = ("active_import", p) if p >= 0 else ("active_export", -p)
        self.energy[flow, rate] += joules * seconds
        quadrant = (0 if q >= 0 else 3) if p >= 0 else (1 if q >= 0 else 2)
        self.energy[QUADRANTS[quadrant], rate] += abs(q) * seconds
        for phase in range(3):
            self.phases[phase] += max(active[phase], 0) * seconds
        self._charge(max(p, 0) * seconds, rate)
        self.minute[0] += max(p, 0) * seconds
        self.minute[1] += max(-p, 0) * seconds
        self.minute[2] += abs(q) * seconds if quadrant in {0, 1} else 0

    def _judge(self, seconds: int) -> None:
        """Seconds in all, too high, too low; highest and lowest voltage with their minutes; by month and phase."""
        now = self.now()
        upper, lower = self.books["voltage_limits"]
        month = self.quality.setdefault((now.year, now.month), {})
        minute = now.replace(second=0)
        for phase, volts in ((None, self.voltages), *((at, (one,)) for at, one in enumerate(self.voltages))):
            known = month.setdefault(phase, [0, 0, 0, (max(volts), minute), (min(volts), minute)])
            high, low = max(volts) > upper, min(volts) < lower
            known[0] += seconds
            known[1] += seconds if high else 0
            known[2] += seconds if low and not high else 0
            known[3] = known[3] if known[3][0] >= max(volts) else (max(volts), minute)
            known[4] = known[4] if known[4][0] <= min(volts) else (min(volts), minute)

    def _charge(self, joules: int, rate: int) -> None:
        """In units of 0.0001 yuan for 3,600,000 joules."""
        prices = self.books["prices"]
        now = self.now()
        self.cost += joules * prices["rates"][prices["price_switch"] <= now].get(rate, 0)
        steps = prices["steps"][prices["step_switch"] <= now]
        self.cost += _steps(steps, self.used + joules) - _steps(steps, self.used)
        self.used += joules

    def _close_minute(self) -> None:
        now, end = self.now(), self.second // 60
        if self.powered:
            before = now - MINUTE
            rate = self.rates[before.hour * 60 + before.minute]
            self.windows.add(end, tuple(self.minute), rate)  # type: ignore[arg-type]
        self.minute = [0, 0, 0]
        self._freeze(now)
        self._settle(now)
        if (now.hour, now.minute) == (0, 0) or now in {self.tariff["season_switch"], self.tariff["day_switch"]}:
            self.rates = self._rates_of(now.date())

    def _rates_of(self, date: dt.date) -> list[int]:
        midnight = dt.datetime.combine(date, dt.time())
        return [rate_of(self.tariff, midnight + minute * MINUTE) for minute in range(1440)]

    def _freeze(self, now: dt.datetime) -> None:
        for kind, (due, backfill) in self.books["freezes"].items():
            if due(now):
                row = self.row()
                if self.powered:
                    self.rows[kind] += self.missed[kind]
                    self.missed[kind] = []
                    self.rows[kind].append(row)
                elif backfill:
                    self.missed[kind] = [*self.missed[kind], row][-backfill:]
        origin, interval = self.books["load_profile"]
        if self.powered and now >= origin and (now - origin) % dt.timedelta(minutes=interval) == dt.timedelta(0):
            self.profile.append((now, self.totals(), self.flowing(), list(self.windows.present)))

    def _settle(self, now: dt.datetime) -> None:
        moment = (now.day, now.hour)
        if now.minute == 0 and moment in self.books["settlements"]:
            closed = self.windows.clear(self.second // 60)
            self.settlements.appendleft((now, dict(self.energy), closed))
            if moment == self.books["settlements"][0]:
                self.used = 0

    # ------------------------------------------------------------ reading

    def row(self) -> tuple[Any, ...]:
        return self.now(), dict(self.energy), dict(self.windows.maxima), self.flowing()

    def totals(self) -> dict[str, int]:
        rates = range(1, self.tariff["rates"] + 1)
        return {flow: sum(self.energy[flow, rate] for rate in rates) for flow in FLOWS}

    def money(self) -> Fraction:
        """What everything has cost, yuan."""
        return Fraction(self.cost, JOULES * 10_000)

    def all_rows(self, kind: str) -> list[Any]:
        return self.rows[kind] + self.missed[kind]


def _steps(steps: list[tuple[int, int]], joules: int) -> int:
    """What steps have cost: (above so many kWh, price) each."""
    total = 0
    for (above, price), upper in zip(steps, [*(one[0] for one in steps[1:]), None], strict=True):
        used = joules - above * JOULES if upper is None else min(joules, upper * JOULES) - above * JOULES
        total += price * max(0, used)
    return total


def kilowatt_hours(joules: int) -> Fraction:
    return Fraction(joules, JOULES)


def demand(joules: int, minutes: int) -> Fraction:
    return Fraction(joules, minutes * 60 * 1000)
