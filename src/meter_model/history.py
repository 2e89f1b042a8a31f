"""The past of a meter that is met for the first time: readings, maxima and settlements that a meter in use would have.

Everything follows from profile, seed and the moment of the start. The past is a straight line: a settlement before the
start has the share of the reading that its time has of `AGE_DAYS`. All readings are whole hundredths, the total is the
sum of the rates.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Final

import numpy as np

from meterwire.meter_model.demand import DEMANDS, FLOWS, SCOPES, Maxima, no_maxima
from meterwire.meter_model.energy import Energies, Readings
from meterwire.meter_model.ledger import SETTLEMENTS, Ledger, Settlement
from meterwire.meter_model.noise import uniform, uniform_at
from meterwire.meter_model.profiles import Profile
from meterwire.meter_model.tariff import plan_of
from meterwire.meter_model.tariff_plan import TariffPlan

AGE_DAYS: Final = 900
_RATE_SHARES: Final = (0.11, 0.37, 0.31, 0.21)
_PHASE_SHARES: Final = (0.36, 0.33, 0.31)
_ENERGY, _SHARE, _DEMAND, _MOMENT = 80, 100, 120, 140
_TRIES: Final = 64

Given = Mapping[str, Decimal | tuple[Decimal, ...]]
"""Readings somebody wants at the start: the total, or one number per rate, by register."""


def give_past(ledger: Ledger, profile: Profile, seed: int, minute: int, given: Given) -> None:
    """Preset registers, maxima and settlements of a new ledger that begins at `minute`."""
    now = _readings(profile, seed, given)
    _preset(ledger.energies, now)
    begins = profile.settlement.before(minute)
    ledger.demand.maxima = _maxima(profile, seed, begins, minute)
    _no_less_than_present(ledger, minute)
    for number in range(SETTLEMENTS):
        ended, begins = begins, profile.settlement.before(begins)
        share = 1 - Fraction(minute - ended, AGE_DAYS * 1440)
        found = partial(_settled, profile, seed, given, share, number, begins, ended)
        ledger.settlements.append(Settlement(ended, found))


def _settled(
    profile: Profile, seed: int, given: Given, share: Fraction, number: int, begins: int, ended: int
) -> tuple[Readings, Maxima]:
    """A settlement of the past; most meters are never asked for it."""
    now = _readings(profile, seed, given)
    return _earlier(now, share, profile.tariff.rates), _maxima(profile, seed + number + 1, begins, ended)


def _readings(profile: Profile, seed: int, given: Given) -> Readings:
    values: dict[tuple[str, str, int], Fraction] = {}
    rates = profile.tariff.rates
    used = 0.8 + 0.4 * uniform_at(seed, _ENERGY, 0)
    for at, flow in enumerate(FLOWS):
        wanted = given.get(flow)
        typical = getattr(profile.history, flow) * used
        if isinstance(wanted, tuple):
            by_rate = [Fraction(value) for value in wanted] + [Fraction(0)] * (rates - len(wanted))
        else:
            total = _hundredths(typical) if wanted is None else Fraction(wanted)
            by_rate = _split(total, _varied(_shares(_RATE_SHARES, rates), seed, _SHARE + at))
        for rate, value in enumerate(by_rate, 1):
            values[flow, "total", rate] = value
        phases = _shares(_PHASE_SHARES, profile.phases)
        for scope, value in zip(SCOPES[1:], _split(sum(by_rate, Fraction(0)), phases), strict=False):
            values[flow, scope, 0] = value
    return _complete(values, rates)


def _complete(values: dict[tuple[str, str, int], Fraction], rates: int) -> Readings:
    for flow in FLOWS:
        values[flow, "total", 0] = sum((values[flow, "total", rate] for rate in range(1, rates + 1)), Fraction(0))
        for scope in SCOPES[1:]:
            values.setdefault((flow, scope, 0), Fraction(0))
    return Readings(values)


def _earlier(now: Readings, share: Fraction, rates: int) -> Readings:
    return _complete({place: _hundredths(value * share) for place, value in now.values.items()}, rates)


def _preset(energies: Energies, readings: Readings) -> None:
    for (flow, scope, rate), value in readings.values.items():
        if scope != "total" or rate:
            energies.preset(flow, value, scope, rate)


def _maxima(profile: Profile, seed: int, begins: int, ends: int) -> Maxima:
    """Maxima somewhere between two moments; none for a rate that the moments leave no room for."""
    rates, window, plan = profile.tariff.rates, profile.demand.period, plan_of(profile.tariff)
    maxima = no_maxima(rates, window)
    for at, demand in enumerate(DEMANDS):
        highest = 1000.0 * _typical(profile, demand) * (0.85 + 0.3 * uniform_at(seed, _DEMAND, at))
        best = 1 + int(uniform_at(seed, _DEMAND + 1, at) * min(rates, len(_RATE_SHARES)))
        for rate in range(rates + 1):
            time = _moment(profile, plan, seed, at, best if rate == 0 else rate, begins, ends)
            if time is not None:
                share = 1.0 if rate in {0, best} else 0.6 + 0.35 * uniform_at(seed, _DEMAND + 2, at * 64 + rate)
                maxima.value[rate, 0, at] = _minute_of_watts(highest * share) * window
                maxima.time[rate, 0, at] = time
        for phase in range(profile.phases):
            share = _shares(_PHASE_SHARES, profile.phases)[phase]
            maxima.value[0, 1 + phase, at] = _minute_of_watts(highest * share) * window
            maxima.time[0, 1 + phase, at] = maxima.time[0, 0, at]
    return maxima


def _typical(profile: Profile, demand: str) -> float:
    weights = profile.combination.combined.get(demand, {demand: 1})
    return max((getattr(profile.history_demand, flow) for flow, weight in weights.items() if weight > 0), default=0.0)


def _moment(
    profile: Profile, plan: TariffPlan, seed: int, demand: int, rate: int, begins: int, ends: int
) -> int | None:
    """The end of a demand window that lies within the moments and within the rate."""
    room = ends - begins - profile.demand.period
    if room <= 0:
        return None
    draws = uniform(seed, _MOMENT + demand, np.arange(_TRIES, dtype=np.int64) + 1000 * rate)
    for draw in draws:
        end = begins + profile.demand.period + int(draw * room)
        end -= end % profile.demand.slide
        first = end - profile.demand.period
        if first >= begins and all(plan.rate_at(minute) == rate for minute in range(first, end)):
            return end
    return None


def _no_less_than_present(ledger: Ledger, minute: int) -> None:
    """No maximum may be below the window that has just ended."""
    maxima, present = ledger.demand.maxima, ledger.demand.present
    higher = np.abs(present) > np.abs(maxima.value[0])
    maxima.value[0][higher] = present[higher]
    maxima.time[0][higher] = minute


def _shares(weights: tuple[float, ...], count: int) -> list[float]:
    if count == 1:
        return [1.0]
    used = [weights[at % len(weights)] for at in range(count)]
    return [weight / sum(used) for weight in used]


def _varied(shares: list[float], seed: int, stream: int) -> list[float]:
    noise = uniform(seed, stream, np.arange(len(shares), dtype=np.int64))
    weights = [share * (0.85 + 0.3 * float(draw)) for share, draw in zip(shares, noise, strict=True)]
    return [weight / sum(weights) for weight in weights]


def _split(total: Fraction, shares: list[float]) -> list[Fraction]:
    """Hundredths by share; the last takes what remains."""
    parts = [_hundredths(total * Fraction(share)) for share in shares[:-1]]
    return [*parts, total - sum(parts, Fraction(0))]


def _hundredths(value: float | Fraction) -> Fraction:
    return Fraction(int(Fraction(value) * 100), 100)


def _minute_of_watts(watts: float) -> int:
    """Millijoules in a minute of a power cut to a tenth of a watt."""
    return int(watts * 10) * 100 * 60
