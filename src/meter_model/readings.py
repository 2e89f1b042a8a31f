"""How each kind of quantity is read: one row per kind, computed from the neutral columns of the table of quantities."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from meterwire.meter_model.clock import local_time
from meterwire.meter_model.demand import DEMANDS, FLOWS, NEVER, SCOPES
from meterwire.meter_model.energy import rolled_over
from meterwire.meter_model.identity import texts
from meterwire.meter_model.load import PHASES
from meterwire.meter_model.parameters import parameters
from meterwire.meter_model.values import Demand, NotServed, Value
from meterwire.quantities import Kind, Quantity

if TYPE_CHECKING:
    from meterwire.meter_model.meter import Meter


def read(meter: Meter, quantity: Quantity) -> Value:
    """The value at the meter's second; raises NotServed."""
    if quantity.phase in PHASES and quantity.phase not in meter.circuit.phases:
        raise NotServed(f"{quantity.name}: a meter without phase {quantity.phase}")
    try:
        return _READERS[quantity.kind](meter, quantity)
    except (KeyError, ValueError, IndexError):
        raise NotServed(f"{quantity.name}: this meter has no such {quantity.kind}") from None


def _energy(meter: Meter, quantity: Quantity) -> Fraction:
    source = meter.settlement(quantity.settlement).readings if quantity.settlement else meter.energies
    scope, rate = quantity.phase or "total", quantity.rate
    if rate > meter.rate_count:
        raise ValueError("no such rate")
    weights = meter.profile.combination.combined.get(quantity.register)
    if weights is None:
        return rolled_over(source.reading(quantity.register, scope, rate), signed=False)
    parts = (weight * source.reading(flow, scope, rate) for flow, weight in weights.items() if weight)
    return rolled_over(sum(parts, Fraction(0)), signed=True)


def _max_demand(meter: Meter, quantity: Quantity) -> Demand:
    maxima = meter.settlement(quantity.settlement).maxima if quantity.settlement else meter.demand.maxima
    if not 0 <= quantity.rate <= meter.rate_count:
        raise ValueError("no such rate")
    place = (quantity.rate, SCOPES.index(quantity.phase or "total"), DEMANDS.index(quantity.register))
    if quantity.rate and place[1]:
        raise ValueError("rates of the totals only")
    if quantity.rate >= len(maxima.value):
        return Demand(Fraction(0), None)  # the meter had fewer rates then
    minute = int(maxima.time[place])
    time = None if minute == NEVER else local_time(minute * 60).replace(tzinfo=meter.clock.zone)
    return Demand(_kilo(int(maxima.value[place]), int(maxima.minutes[place])), time)


def _demand(meter: Meter, quantity: Quantity) -> Fraction:
    scope = SCOPES.index(quantity.phase or "total")
    return _kilo(int(meter.demand.present[scope, DEMANDS.index(quantity.register)]), meter.demand.settings.period)


def _kilo(millijoules: int, minutes: int) -> Fraction:
    return Fraction(millijoules, minutes * 60 * 1_000_000)


def _phase(quantity: Quantity) -> int | None:
    return None if quantity.phase in {"", "total"} else PHASES.index(quantity.phase)


def _power(meter: Meter, quantity: Quantity) -> Fraction:
    if quantity.register == "active_average":
        row = meter.demand.last_minute[0]
        return _kilo(int(row[FLOWS.index("active_import")] - row[FLOWS.index("active_export")]), 1)
    name, _, direction = quantity.register.partition("_")
    watts: Fraction = _POWERS[name](meter, _phase(quantity))
    if direction == "import":
        watts = max(watts, Fraction(0))
    elif direction == "export":
        watts = max(-watts, Fraction(0))
    elif direction:
        raise KeyError(quantity.register)
    return watts / 1000


_POWERS: Final[dict[str, Callable[[Meter, int | None], Fraction]]] = {
    "active": lambda meter, phase: meter.instant.active(phase),
    "reactive": lambda meter, phase: meter.instant.reactive(phase),
    "apparent": lambda meter, phase: meter.instant.apparent(phase),
}


def _voltage(meter: Meter, quantity: Quantity) -> Fraction:
    return meter.instant.voltage(PHASES.index(quantity.phase))


def _current(meter: Meter, quantity: Quantity) -> Fraction:
    if quantity.phase == "n":
        return meter.instant.neutral_current()
    return meter.instant.current(PHASES.index(quantity.phase))


def _power_factor(meter: Meter, quantity: Quantity) -> Fraction:
    return meter.instant.power_factor(_phase(quantity))


def _angle(meter: Meter, quantity: Quantity) -> Fraction:
    phase = PHASES.index(quantity.phase)
    return meter.instant.voltage_angle(phase) if quantity.register == "voltage" else meter.instant.angle(phase)


def _frequency(meter: Meter, quantity: Quantity) -> Fraction:  # noqa: ARG001  one frequency for all
    return meter.instant.frequency()


def _distortion(meter: Meter, quantity: Quantity) -> Fraction:
    return meter.instant.distortion(quantity.register, PHASES.index(quantity.phase))


def _date(meter: Meter, quantity: Quantity) -> dt.date:  # noqa: ARG001
    return meter.instant_time.date()


def _time(meter: Meter, quantity: Quantity) -> dt.time:  # noqa: ARG001
    return meter.instant_time.time()


def _date_time(meter: Meter, quantity: Quantity) -> dt.datetime:  # noqa: ARG001
    return meter.instant_time


def _text(meter: Meter, quantity: Quantity) -> str:
    return texts(meter.identity, meter.profile.plate)[quantity.register]


def _number(meter: Meter, quantity: Quantity) -> Fraction:
    if quantity.register == "battery_running_time":
        return Fraction(meter.profile.numbers.battery_running_time + meter.dark_seconds // 60)
    if quantity.register == "internal_temperature":
        return meter.temperature
    worn = (
        getattr(meter.inputs, quantity.register.removesuffix("_voltage"), None)
        if "battery" in quantity.register
        else None
    )
    if worn is not None:
        return Fraction(str(worn))
    return numbers(meter)[quantity.register]


_COUNTS: Final = ("season_count", "day_schedule_count", "day_slot_count", "rate_count", "holiday_count")
"""Numbers that the tariff's parameters keep."""


def numbers(meter: Meter) -> dict[str, Fraction]:
    """The parameters of the meter that are plain numbers, by the register names of the table of quantities."""
    profile = meter.profile
    ratings = profile.ratings
    own = {
        "nominal_voltage": ratings.voltage,
        "nominal_current": ratings.current,
        "nominal_frequency": ratings.frequency,
        "limiting_current": ratings.maximum_current,
        "active_constant": ratings.active_constant,
        "reactive_constant": ratings.reactive_constant,
        "demand_period": profile.demand.period,
        "demand_sliding_time": profile.demand.slide,
    }
    own |= {name: getattr(profile.numbers, name) for name in profile.numbers.__struct_fields__}
    own |= dict.fromkeys(_COUNTS, 0)
    known = parameters()
    return {name: Fraction(meter.parameters[name] if name in known else str(value)) for name, value in own.items()}


_READERS: Final[dict[Kind, Callable[[Meter, Quantity], Value]]] = {
    Kind.ENERGY: _energy,
    Kind.MAX_DEMAND: _max_demand,
    Kind.DEMAND: _demand,
    Kind.POWER: _power,
    Kind.VOLTAGE: _voltage,
    Kind.CURRENT: _current,
    Kind.POWER_FACTOR: _power_factor,
    Kind.ANGLE: _angle,
    Kind.FREQUENCY: _frequency,
    Kind.DISTORTION: _distortion,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.DATE_TIME: _date_time,
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
}
