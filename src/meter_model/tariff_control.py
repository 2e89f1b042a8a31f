"""The tariff of a running meter: it follows the parameters, and changes to the other set when its time has come."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from meterwire.meter_model.agenda import Agenda, Appointment
from meterwire.meter_model.clock import local_seconds
from meterwire.meter_model.parameters import Parameters
from meterwire.meter_model.tariff_plan import TariffPlan, TariffTables

SWITCHES: Final = {
    "season_switch_time": "season",
    "schedule_switch_time": "schedule",
    "price_switch_time": "price",
    "step_switch_time": "step",
}
"""Parameters that are the moment at which the other set takes over, and what that is a set of."""
_TABLES: Final = ("season_", "day_schedule_", "holiday_", "working_days", "weekend_schedule", "rate_count", "day_slot_")


class Switched(Protocol):
    """What has to be done when sets change."""

    @property
    def second(self) -> int:
        """The meter's time, whole seconds."""

    def before_switch(self, name: str) -> None:
        """A set is about to change: what is to be stored of the old one is stored now."""

    def after_switch(self, name: str) -> None:
        """A set has changed."""

    def retariff(self, plan: TariffPlan) -> None:
        """Register under another plan from now on."""


class TariffControl:
    """Which sets are in force, and when the other one takes over.

    A switch-over happens once: when the meter's time reaches the moment that the parameter names, or has passed it
    already when the parameter is set or the clock is set.

    Args:
        parameters: with the tables and the moments.
        agenda: of the meter.
        meter: what is told.

    Attributes:
        sets: 0 or 1 for each of `season`, `schedule`, `price`, `step`.
    """

    def __init__(self, parameters: Parameters, agenda: Agenda, meter: Switched) -> None:
        self._parameters, self._agenda, self._meter = parameters, agenda, meter
        self.sets = dict.fromkeys(SWITCHES.values(), 0)
        self._done: dict[str, dt.datetime | None] = dict.fromkeys(SWITCHES)
        self._planned: dict[str, Appointment] = {}

    def begin(self) -> None:
        """The meter is complete: plan what is to come; a moment before the meter was first met has been used up."""
        for name in SWITCHES:
            moment = self._parameters[name]
            if moment is not None and local_seconds(moment) <= self._meter.second:
                self._done[name] = moment
        self.plan()

    def changed(self, name: str) -> None:
        """A parameter has been written."""
        if name in SWITCHES:
            self._done[name] = None
            self.plan()
        elif name.startswith(_TABLES):
            self._meter.retariff(self.in_force())

    def in_force(self) -> TariffPlan:
        """The tables with the sets that are in force."""
        return TariffPlan(tables_of(self._parameters), self.sets["season"], self.sets["schedule"])

    def status(self) -> set[str]:
        """Names of the status bits that say which second sets are in force."""
        return {f"second_{what}_set" for what, number in self.sets.items() if number}

    def plan(self) -> None:
        """Make appointments anew, as after a setting of the clock."""
        for appointment in self._planned.values():
            appointment.cancel()
        self._planned.clear()
        for name in SWITCHES:
            moment = self._parameters[name]
            if moment is not None and moment != self._done[name]:
                due = max(local_seconds(moment), self._meter.second)
                self._planned[name] = self._agenda.at(due, self._switching(name, moment))

    def state(self) -> dict[str, Any]:
        """Everything, as builtins."""
        done = {name: moment.isoformat() for name, moment in self._done.items() if moment is not None}
        return {"sets": dict(self.sets), "done": done}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over."""
        self.sets.update(state["sets"])
        for name in SWITCHES:
            text = state["done"].get(name)
            self._done[name] = None if text is None else dt.datetime.fromisoformat(text)
        self._meter.retariff(self.in_force())
        self.plan()

    def _switching(self, name: str, moment: dt.datetime) -> Callable[[], None]:
        def switch() -> None:
            what = SWITCHES[name]
            self._meter.before_switch(what)
            self._done[name] = moment
            self.sets[what] = 1 - self.sets[what]
            if what in {"season", "schedule"}:
                self._meter.retariff(self.in_force())
            self._meter.after_switch(what)

        return switch


def tables_of(parameters: Parameters) -> TariffTables:
    """The tables that the parameters hold, as far as their counts say that they are in use."""
    seasons, slots, holidays = (int(parameters[name]) for name in ("season_count", "day_slot_count", "holiday_count"))
    days = [
        {day: tuple(parameters[f"day_schedule_{number}_{day}"][:slots]) for day in range(1, 9)} for number in (1, 2)
    ]
    found = [parameters[f"holiday_{number}"] for number in range(1, holidays + 1)]
    return TariffTables(
        rates=int(parameters["rate_count"]),
        seasons=(parameters["season_table_1"][:seasons], parameters["season_table_2"][:seasons]),
        days=(days[0], days[1]),
        working_days=parameters["working_days"],
        weekend=int(parameters["weekend_schedule"]),
        holidays=dict(one for one in reversed(found) if one is not None),
    )
