"""The state of a meter as named bits, of which every dialect makes status words; and what it does without power.

Names of bits that are events are the names of their kinds (`under_voltage_a`). The meanings are those of the status
words 1 to 7 of DL/T 645-2007, annex C, and of the 2014 supplement; faces place the bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from meterwire.meter_model.load import PHASES

if TYPE_CHECKING:
    from meterwire.meter_model.meter import Meter

AWAKE: Final = 60
"""Seconds for which a meter without power can be read after its button was pressed (own choice: profiles differ)."""
READING: Final = frozenset({"read"})
EVERYTHING: Final = frozenset({"read", "write", "control", "clear", "display"})
"""What a meter can do; without power it is read at most, and its clock goes on."""

Provider = Callable[[], Iterable[str]]


class Status:
    """The state of one meter.

    Args:
        meter: whose; its events, relay and access exist already.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._awake_until: int | None = None
        self._providers: list[Provider] = [self._case, self._supply, self._directions, self._orders]

    def provide(self, provider: Provider) -> None:
        """Ask this for bits too: a part of the meter that has a state of its own."""
        self._providers.append(provider)

    def bits(self) -> set[str]:
        """The names of all bits that are set."""
        found = set(self._meter.events.going_on())
        for provider in self._providers:
            found.update(provider())
        return found

    # ------------------------------------------------------------ without power

    def wake(self) -> bool:
        """Somebody presses the button; a meter without power can be read for a while if its battery is good."""
        meter = self._meter
        meter.advance()
        if meter.powered or "outage_battery_low" in meter.events.going_on():
            return False
        self._awake_until = meter.second + AWAKE
        return True

    @property
    def awake(self) -> bool:
        """Whether a meter without power can be read now."""
        if self._awake_until is None:
            return False
        self._meter.advance()
        return not self._meter.powered and 0 <= self._awake_until - self._meter.second <= AWAKE

    def functions(self) -> frozenset[str]:
        """What the meter does now: everything, `read` alone, or nothing."""
        if self._meter.powered:
            return EVERYTHING
        return READING if self.awake else frozenset()

    def clock_set(self, by: int) -> None:
        """The clock has been set by so many seconds."""
        if self._awake_until is not None:
            self._awake_until += by

    # ------------------------------------------------------------ providers

    def _case(self) -> Iterable[str]:
        if self._meter.inputs.cover_open:
            yield "cover_open"
        if self._meter.inputs.terminal_cover_open:
            yield "terminal_cover_open"
        settings = self._meter.demand.settings
        if settings.slide == settings.period:
            yield "demand_by_interval"

    def _supply(self) -> Iterable[str]:
        meter = self._meter
        if not meter.powered:
            yield "supply_battery"
        elif not meter.circuit.alive:
            yield "supply_auxiliary"

    def _directions(self) -> Iterable[str]:
        if not self._meter.powered:
            return
        instant = self._meter.instant
        for name, power in (("active", instant.active), ("reactive", instant.reactive)):
            if power() < 0:
                yield f"{name}_reverse"
            for number, phase in enumerate(PHASES[: self._meter.profile.phases]):
                if power(number) < 0:
                    yield f"{name}_reverse_{phase}"

    def _orders(self) -> Iterable[str]:
        relay = self._meter.relay
        if self._meter.access.programming:
            yield "programming_permitted"
        if not self._meter.circuit.connected:
            yield "relay_open"
        if relay.position != "closed":
            yield "relay_commanded_open"
        if relay.waiting:
            yield "relay_waiting"
        if relay.alarm:
            yield "pre_trip_alarm"
        if relay.guarded:
            yield "guarded"
