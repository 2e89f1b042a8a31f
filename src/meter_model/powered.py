"""What a connection to a meter is while the meter has no power, and after it has lost it: nothing, and a new one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from meterwire.protocols.dialogue import Responder, farewell, timed

if TYPE_CHECKING:
    from meterwire.meter_model.meter import Meter


class Powered:
    """A responder that is dead while its meter has no power, and has forgotten everything afterwards."""

    def __init__(self, meter: Meter, connect: Callable[[], Responder], first: Any) -> None:
        self._meter, self._connect = meter, connect
        self._outages, self._responder = meter.outages, first

    def receive(self, octets: bytes, now: float) -> list[Any]:
        """What the meter answers."""
        meter = self._meter
        if not meter.answers:
            return []
        if self._outages != meter.outages:
            self._revive()
        found: list[Any] = self._responder.receive(octets, now)
        return found

    def idle(self, now: float) -> list[Any]:
        """The line fell silent."""
        return list(self._alive().idle(now)) if self._meter.answers else []

    def goodbye(self) -> list[Any]:
        """What the meter says before it hangs up."""
        return farewell(self._responder) if self._meter.answers else []

    def _alive(self) -> Any:
        if self._outages != self._meter.outages:
            self._revive()
        return self._responder

    def _revive(self) -> None:
        self._outages, self._responder = self._meter.outages, self._connect()


class PoweredTimed(Powered):
    """One that also speaks of its own accord."""

    def next(self) -> float:
        """When the meter wants to speak of its own accord; without power it asks later."""
        due: float = self._responder.next()
        return due

    def run(self, now: float) -> list[Any]:
        """What the meter says of its own accord."""
        return list(self._alive().run(now)) if self._meter.answers else []


def powered(meter: Meter, connect: Callable[[], Responder]) -> Responder:
    """A connection to a meter that may lose its power."""
    first = connect()
    return (Powered if timed(first) is None else PoweredTimed)(meter, connect, first)
