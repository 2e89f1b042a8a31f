"""A two-wire bus in memory, on a virtual clock: any number of devices with responders, and lines for clients.

It knows speed, character format, parity, transmission times, the delay of answers, echo, the time a driver holds the
line, and collisions: everything about a serial line that a pseudo-terminal cannot show. It is half duplex: who sends
does not hear, unless its adapter echoes.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Final, Literal

from meterwire.errors import Disconnected
from meterwire.protocols.dialogue import Answer, AsyncLine, LineSettings, Responder
from meterwire.transports.clock import VirtualClock
from meterwire.transports.memory import SILENCE, Immediate
from meterwire.transports.uart import Character, Receiver, Transmission

DELAY: Final = 0.02  # seconds between a request and its answer: the least that DL/T 645 and RS-485 turnaround allow
LATENCY: Final = 0.016  # seconds for which a USB adapter gathers octets before it hands them over

Flawed = Literal["keep", "zero", "drop"]
"""What becomes of a character with a parity or framing error: kept as it is (a terminal line with its usual settings),
read as 0 (one that checks its input) or left out (most meters)."""


class Bus:
    """The two wires."""

    def __init__(self, clock: VirtualClock | None = None) -> None:
        self.clock = clock or VirtualClock()
        self.stations: list[Station] = []
        self._transmissions: list[Transmission] = []

    def attach(
        self,
        responder: Responder,
        settings: LineSettings,
        *,
        delay: float = DELAY,
        silence: float = SILENCE,
        flawed: Flawed = "drop",
    ) -> Device:
        """Put a device on the bus.

        Args:
            responder: what answers.
            settings: of its UART, until an answer changes them.
            delay: seconds from the end of a request to the start of its answer.
            silence: seconds without octets after which the responder is told that the line is idle.
            flawed: what becomes of characters with errors.
        """
        return Device(self, responder, settings, delay, silence, flawed)

    def line(
        self,
        settings: LineSettings,
        *,
        echo: Literal["off", "on", "short"] = "off",
        turnaround: float = 0.0,
        latency: float = LATENCY,
        flawed: Flawed = "keep",
    ) -> BusLine:
        """A blocking line to the bus.

        Args:
            settings: of its UART.
            echo: whether the adapter gives our own octets back, all or all but the last.
            turnaround: seconds after sending during which the adapter does not hear yet.
            latency: seconds for which the adapter gathers octets.
            flawed: what becomes of characters with errors.
        """
        return BusLine(self, settings, echo, turnaround, latency, flawed)

    def aline(
        self,
        settings: LineSettings,
        *,
        echo: Literal["off", "on", "short"] = "off",
        turnaround: float = 0.0,
        latency: float = LATENCY,
        flawed: Flawed = "keep",
    ) -> AsyncLine:
        """The same for asyncio; for one task, since virtual time passes while it waits."""
        return Immediate(self.line(settings, echo=echo, turnaround=turnaround, latency=latency, flawed=flawed))

    def transmit(self, start: float, octets: bytes, settings: LineSettings) -> Transmission:
        """Drive the wires; everybody looks at them when it is over."""
        transmission = Transmission(start, octets, settings)
        self._transmissions.append(transmission)
        self.clock.at(start, _look_up)
        self.clock.at(transmission.end, self._over)
        if any(station.settings != settings for station in self.stations):  # a slower receiver is still at it
            slowest = max(station.settings.seconds(1) for station in self.stations)
            self.clock.at(transmission.end + slowest, self._over)
        return transmission

    def listen(self, receiver: Receiver, until: float) -> list[Character]:
        """What a receiver has heard since it last listened."""
        return receiver.listen(self._transmissions, until)

    def busy(self, now: float) -> bool:
        """Whether anybody drives the wires."""
        return any(one.start <= now < one.end for one in self._transmissions)

    def _over(self) -> None:
        for station in list(self.stations):
            station.look()
        oldest = min((station.receiver.heard for station in self.stations), default=0.0)
        self._transmissions = [one for one in self._transmissions if one.end > oldest]


class Station:
    """Whoever has a UART on the bus.

    Attributes:
        receiver: the receiving half of its UART.
        flaws: how many characters came with which error.
    """

    def __init__(self, bus: Bus, settings: LineSettings, flawed: Flawed) -> None:
        self.bus = bus
        self.receiver = Receiver(settings, bus.clock.now())
        self.flaws: Counter[str] = Counter()
        self._flawed = flawed
        self._busy = 0.0
        bus.stations.append(self)

    @property
    def settings(self) -> LineSettings:
        """Of the UART."""
        return self.receiver.settings

    def look(self) -> None:
        """A transmission has ended."""

    def hear(self) -> bytes:
        """What has arrived since the last time."""
        characters = self.bus.listen(self.receiver, self.bus.clock.now())
        octets = bytearray()
        for one in characters:
            if one.flaw:
                self.flaws[one.flaw] += 1
                if self._flawed == "drop":
                    continue
            octets.append(0 if one.flaw and self._flawed == "zero" else one.octet)
        return bytes(octets)

    def send(self, start: float, octets: bytes, settings: LineSettings | None = None) -> Transmission:
        """Send, behind what is still being sent; with the settings that hold by then if others."""
        transmission = self.bus.transmit(max(start, self._busy), octets, settings or self.settings)
        self._busy = transmission.end
        return transmission


class Device(Station):
    """A responder on the bus."""

    def __init__(
        self, bus: Bus, responder: Responder, settings: LineSettings, delay: float, silence: float, flawed: Flawed
    ) -> None:
        super().__init__(bus, settings, flawed)
        self.responder = responder
        self._delay, self._silence = delay, silence
        self._heard = 0.0

    def look(self) -> None:
        """Hand over what has come, and answer."""
        clock = self.bus.clock
        octets = self.hear()
        if octets:
            self._heard = clock.now()
            clock.at(clock.now() + self._silence, self._idle)
            self._answer(self.responder.receive(octets, clock.now()), clock.now() + self._delay)

    def remove(self) -> None:
        """Take the device off the bus."""
        self.bus.stations.remove(self)

    def _idle(self) -> None:
        now = self.bus.clock.now()
        if now >= self._heard + self._silence and self in self.bus.stations:
            self._answer(self.responder.idle(now), now)

    def _answer(self, answers: list[Answer], start: float) -> None:
        settings = self.settings
        for answer in answers:
            if answer.octets:
                transmission = self.send(start, answer.octets, settings)
                self.receiver.deafen(transmission.start, transmission.end)
            if answer.settings is not None:
                settings = answer.settings
                self.bus.clock.at(max(start, self._busy), partial(self._change, settings))

    def _change(self, settings: LineSettings) -> None:
        self.look()
        self.receiver.settings = settings


class BusLine(Station):
    """A client's blocking line to the bus."""

    def __init__(
        self, bus: Bus, settings: LineSettings, echo: str, turnaround: float, latency: float, flawed: Flawed
    ) -> None:
        super().__init__(bus, settings, flawed)
        self._echo, self._turnaround, self._latency = echo, turnaround, latency
        self._inbox = bytearray()
        self._closed = False

    def now(self) -> float:
        """The time of the virtual clock."""
        return self.bus.clock.now()

    def look(self) -> None:
        """Keep what has come."""
        self._inbox += self.hear()

    def write(self, octets: bytes) -> None:
        """Send; returns at once, as a driver does."""
        self._check()
        self.look()
        if not octets:
            return
        sent = self.send(self.now(), octets)
        if self._echo == "off":
            self.receiver.deafen(sent.start, sent.end + self._turnaround)
        else:
            self.receiver.deafen(sent.end - 1.5 * sent.character * (self._echo == "short"), sent.end + self._turnaround)

    def read(self, until: float) -> bytes:
        """What has arrived, letting time pass until something has, at most to `until`."""
        self._check()
        clock = self.bus.clock
        while True:
            self.look()
            if self._inbox or clock.now() >= until:
                octets = bytes(self._inbox)
                self._inbox.clear()
                return octets
            grain = max(self._latency, self.settings.seconds(1))
            clock.step(min(until, clock.now() + grain) if self.bus.busy(clock.now()) else until)

    def pause(self, until: float) -> None:
        """Let time pass."""
        self.bus.clock.advance(until)

    def reconfigure(self, settings: LineSettings) -> None:
        """Change the UART, once everything has been sent."""
        self._check()
        self.bus.clock.advance(self._busy)
        self.look()
        self.receiver.settings = settings

    def close(self) -> None:
        """Leave the bus."""
        if not self._closed:
            self._closed = True
            self.bus.stations.remove(self)

    def _check(self) -> None:
        if self._closed:
            raise Disconnected("the line to the bus has been closed")


def _look_up() -> None:
    """Whoever waits sees that somebody begins to send."""
