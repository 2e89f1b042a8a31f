"""A meter without power says nothing: what stands between the faces and the line."""

from __future__ import annotations

from collections.abc import Callable

from meterwire.meter_model.meter import Meter
from meterwire.protocols.dialogue import Answer, Responder


class PoweredResponder:
    """A responder that is deaf and dumb while its meter has no power, and begins anew when it comes back."""

    def __init__(self, meter: Meter, connect: Callable[[], Responder]) -> None:
        self._meter, self._connect = meter, connect
        self._responder = connect()
        self._since = meter.power_losses

    def receive(self, octets: bytes, now: float) -> list[Answer]:
        """Octets arrived; nothing hears them without power."""
        return self._alive().receive(octets, now) if self._meter.powered else []

    def idle(self, now: float) -> list[Answer]:
        """The line is silent."""
        return self._alive().idle(now) if self._meter.powered else []

    def _alive(self) -> Responder:
        """The responder, a new one after each loss of power: associations do not outlive it."""
        if self._since != self._meter.power_losses:
            self._since = self._meter.power_losses
            self._responder = self._connect()
        return self._responder


def powered(meter: Meter, connect: Callable[[], Responder]) -> Callable[[], Responder]:
    """Make responders that live and die with the meter's power: `powered(meter, Face645(meter).connect)`."""
    return lambda: PoweredResponder(meter, connect)
