"""The demo's sessions: an emulated meter, read through every dialect over real lines, as octets in order."""

from __future__ import annotations

from typing import Literal

from meterwire.cli.demo import CLOCK, DIALECTS, LISTEN, QUANTITIES_SHOWN
from meterwire.connect import connect
from meterwire.emulate import emulated
from meterwire.meter_model.device import Device
from meterwire.transports.filtering import Filter, Timed

Said = list[tuple[Literal["sent", "received"], bytes]]


class Tap(Filter):
    """Keeps what passes a line, in order."""

    def __init__(self) -> None:
        self.said: Said = []

    def sent(self, now: float, octets: bytes) -> list[Timed]:
        """Keep and pass."""
        self.said.append(("sent", octets))
        return [(now, octets)]

    def received(self, now: float, octets: bytes) -> list[Timed]:
        """Keep and pass."""
        self.said.append(("received", octets))
        return [(now, octets)]


def demo_sessions() -> dict[str, Said]:
    """What the demo says and hears in each dialect; the same every time, but for how the octets are cut up."""
    found = {}
    with emulated(Device.of_profile("three-phase"), LISTEN, clock=CLOCK) as meter:
        for dialect in DIALECTS:
            tap = Tap()
            with connect(meter.url(dialect), filters=[tap]) as client:
                client.read_many(QUANTITIES_SHOWN)
            found[dialect] = tap.said
    return found
