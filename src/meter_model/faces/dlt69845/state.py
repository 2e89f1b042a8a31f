"""States of the meter that are no quantities of the table, by the names that `dlt69845_attributes.csv` gives them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from meterwire.meter_model.demand import FLOWS, SCOPES
from meterwire.meter_model.faces.dlt645.report import NAMES
from meterwire.meter_model.faces.dlt645.status import WORDS
from meterwire.meter_model.faces.dlt69845.event_kinds import objects_of_kind
from meterwire.meter_model.load import PHASES
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.relay import Position
from meterwire.meter_model.values import NotServed
from meterwire.meter_model.voltage_quality import Period, Tally

_EVERY_MONTH: Final = 0xFF
"""Month of a settlement day of steps that comes each month (recalled)."""


FOLLOWED: Final[Mapping[int, tuple[str, ...]]] = {bit: names for bit, names in NAMES.items() if bit < 16}
"""By bit of the follow-report status word: its faults are those of DL/T 645's active report, as firmware has them."""


def state_of(meter: Meter, name: str) -> Any:
    """A state; raises NotServed where this meter does not have it, LocalProtocolError never."""
    meter.advance()
    return _STATES[name](meter)


def _status_words(meter: Meter) -> Any:
    """Seven words of 16 bits, with the meanings of those of DL/T 645-2007 (as published tables have them)."""
    bits = meter.status.bits()
    return tuple(sum({1 << place for name, place in word.items() if name in bits}) for word in WORDS)


def _follow_report(meter: Meter) -> int:
    """What has happened since it was last confirmed, as far as the mode word lets it be told."""
    mode = int(meter.parameters["follow_report_mode"])
    return sum(1 << bit for bit, names in FOLLOWED.items() if mode >> bit & 1 and meter.reports.waiting(names))


# ------------------------------------------------------------ what flows


def _unbalance(values: Sequence[Fraction]) -> Fraction:
    high = max(values)
    return (high - min(values)) * 100 / high if high else Fraction(0)


def _of_phases(meter: Meter, value: Callable[[int], Fraction]) -> list[Fraction]:
    if meter.profile.phases < 2:
        raise NotServed("one phase is never out of balance")
    return [abs(value(number)) for number in range(meter.profile.phases)]


def _harmonics(signal: str, phase: str) -> Callable[[Meter], Any]:
    """Per cent: the total distortion, then the content of each order from 2 on up to the highest that is analysed."""

    def value(meter: Meter) -> Any:
        if phase not in meter.circuit.phases:
            raise NotServed(f"a meter without phase {phase}")
        found = meter.instant.harmonics(signal, PHASES.index(phase))
        highest = int(meter.parameters["harmonic_order"])
        return (meter.read(f"{signal}_distortion_{phase}"), *(found[order] for order in range(2, highest + 1)))

    return value


def _last_minute(meter: Meter, signs: Mapping[str, int]) -> tuple[Fraction, ...]:
    """W, var or VA of the last minute: the total and each phase."""
    rows, places = meter.demand.last_minute, [SCOPES.index(one) for one in ("total", *PHASES[: meter.profile.phases])]
    return tuple(
        Fraction(sum(sign * int(rows[place][FLOWS.index(flow)]) for flow, sign in signs.items()), 60_000)
        for place in places
    )


def _voltage_quality(phase: str) -> Callable[[Meter], Any]:
    """Of this day and this month: minutes in all, per cent within the limits and beyond, minutes above and below."""

    def value(meter: Meter) -> Any:
        if phase not in {"", *meter.circuit.phases}:
            raise NotServed(f"a meter without phase {phase}")
        return tuple(_tally(meter.voltage_quality.tally(phase, 0, period)) for period in _PERIODS)

    return value


def _tally(found: Tally) -> Any:
    minutes = [seconds // 60 for seconds in (found.monitored, found.above, found.below)]
    return (minutes[0], found.qualified_rate, found.over_limit_rate, *minutes[1:])


# ------------------------------------------------------------ the account


def _of_account(meter: Meter, value: Callable[[], Any]) -> Any:
    if not meter.credit.keeps_account:
        raise NotServed("this meter keeps no account")
    return value()


def _wallet(meter: Meter) -> Any:
    return _of_account(meter, lambda: (meter.credit.remaining, meter.credit.count))


def _usage_of_month(meter: Meter) -> Fraction:
    if meter.credit.settings.steps != "month":
        raise NotServed("the steps of this meter go by the year")
    return meter.credit.period_usage


def _step_days(meter: Meter) -> Any:
    """Month, day, hour at which the steps begin anew."""
    settings = meter.credit.settings
    if settings.steps == "year":
        month, day = map(int, settings.year.split("-"))
        return ((month, day, 0),)
    moment = meter.parameters["settlement_day_1"]
    return () if moment is None else ((_EVERY_MONTH, *moment),)


# ------------------------------------------------------------ relay, plate, secure element


def _open(meter: Meter) -> int:
    return int(meter.relay.position is not Position.CLOSED)


def _produced(meter: Meter) -> dt.datetime | None:
    try:
        day = dt.date.fromisoformat(meter.profile.plate.production_date)
    except ValueError:
        return None
    return dt.datetime.combine(day, dt.time())


_PERIODS: Final[tuple[Period, ...]] = ("day", "month")
_REACTIVE: Final = {"reactive_q1": 1, "reactive_q2": 1, "reactive_q3": -1, "reactive_q4": -1}
_APPARENT: Final = {"apparent_import": 1, "apparent_export": 1}
_STATES: Final[Mapping[str, Callable[[Meter], Any]]] = {
    "status_words": _status_words,
    "follow_report": _follow_report,
    "events_to_report": lambda meter: tuple(
        dict.fromkeys(objects_of_kind()[one.kind] for one in meter.reports.notices if one.kind in objects_of_kind())
    ),
    "elements": lambda meter: meter.profile.phases,
    "voltage_unbalance": lambda meter: _unbalance(_of_phases(meter, meter.instant.voltage)),
    "current_unbalance": lambda meter: _unbalance(_of_phases(meter, meter.instant.current)),
    "average_reactive": lambda meter: _last_minute(meter, _REACTIVE),
    "average_apparent": lambda meter: _last_minute(meter, _APPARENT),
    **{
        f"{signal}_harmonics_{phase}": _harmonics(signal, phase)
        for signal in ("voltage", "current")
        for phase in PHASES
    },
    "voltage_quality": _voltage_quality(""),
    "voltage_quality_a": _voltage_quality("a"),
    "voltage_quality_b": _voltage_quality("b"),
    "voltage_quality_c": _voltage_quality("c"),
    "price": lambda meter: meter.credit.price,
    "rate_price": lambda meter: meter.credit.rate_price,
    "step_price": lambda meter: meter.credit.step_price,
    "wallet": _wallet,
    "overdraft": lambda meter: _of_account(meter, lambda: meter.credit.overdraft),
    "purchased": lambda meter: _of_account(meter, lambda: meter.credit.cumulative),
    "usage_of_month": _usage_of_month,
    "usage_of_steps": lambda meter: meter.credit.period_usage,
    "step_days": _step_days,
    "relay_open": _open,
    "alarm": lambda meter: int(meter.relay.alarm),
    "guard": lambda meter: int(meter.relay.guarded),
    "descriptor": lambda meter: f"{meter.profile.plate.manufacturer} {meter.profile.plate.model}",
    "produced": _produced,
    "none": lambda meter: (),  # noqa: ARG005  an array that is always empty
    "now": lambda meter: meter.instant_time.replace(tzinfo=None),
    "esam_version": lambda meter: meter.esam69845.version,
    "esam_key_version": lambda meter: meter.esam69845.key_version,
    "session_minutes": lambda meter: meter.esam69845.minutes,
    "session_left": lambda meter: meter.esam69845.minutes_left,
    "authentication_left": lambda meter: meter.esam.minutes_left,
    "esam_serial": lambda meter: meter.esam.serial,
    "esam_counter": lambda meter: meter.esam69845.counter,
    "authentication_minutes": lambda meter: meter.esam.minutes,
}
