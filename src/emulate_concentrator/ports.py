"""The lines of an emulated concentrator: an RS-485 bus and the module of a power-line network, on virtual time.

Meters answer there and then; how long that would have taken on the line is counted and told, so that the concentrator
keeps to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from meterwire.errors import MeterwireError
from meterwire.meter_model.concentrator.ports import Job, Outcome
from meterwire.protocols.dialogue import LineSettings, Patience, Receive, Responder, Send, Steps, converse
from meterwire.protocols.dlt645.frame import Frame as Frame645
from meterwire.protocols.dlt69845.acquisition import MeterProtocol
from meterwire.protocols.dlt69845.address import address_in
from meterwire.protocols.dlt69845.link import EDITION, Link
from meterwire.protocols.gdw376_2.client import Module3762
from meterwire.protocols.gdw376_2.codes import MeterProtocol as ModuleProtocol
from meterwire.protocols.gdw376_2.tunnel import Tunnel
from meterwire.protocols.wire.codec import codec
from meterwire.transports.hplc.module import Module
from meterwire.transports.memory import ResponderLine

SETTINGS: Final = LineSettings(9600, parity="E")
"""Of the bus."""
LONGEST_WAIT: Final = 95.0
"""Seconds that a request through the module may take, retries in the network included."""
_CATCH_UP: Final = 300.0
"""Seconds of its network's time that a module is given at most before it is asked again."""
_FORM: Final = 900.0
"""Seconds that a network is given to form."""
_KINDS: Final = {
    MeterProtocol.DLT645_1997: ModuleProtocol.DLT645_1997,
    MeterProtocol.DLT645_2007: ModuleProtocol.DLT645_2007,
    MeterProtocol.DLT69845: ModuleProtocol.DLT69845,
}


class Behind:
    """A meter on a line: what it speaks, and how it is connected to.

    Args:
        protocol: that a search finds.
        connect: makes its responder.
    """

    def __init__(self, protocol: MeterProtocol, connect: Callable[[], Responder]) -> None:
        self.protocol = protocol
        self.line = _Counted(connect)


class _Counted:
    """The line to one meter, at the speed of the bus; it counts frames each way."""

    def __init__(self, connect: Callable[[], Responder]) -> None:
        self._connect = connect
        self._line: ResponderLine | None = None
        self.sent = self.received = 0

    def _own(self) -> ResponderLine:
        if self._line is None:
            self._line = ResponderLine(self._connect())
        return self._line

    def now(self) -> float:
        """Seconds of this line."""
        return self._own().now()

    def write(self, octets: bytes) -> None:
        """Send, as long as that takes."""
        line = self._own()
        line.pause(line.now() + SETTINGS.seconds(len(octets)))
        self.sent += 1
        line.write(octets)

    def read(self, until: float) -> bytes:
        """What came, as long as that took."""
        line = self._own()
        octets = line.read(until)
        if octets:
            self.received += 1
            line.pause(line.now() + SETTINGS.seconds(len(octets)))
        return octets

    def pause(self, until: float) -> None:
        """Let time pass."""
        self._own().pause(until)

    def reconfigure(self, settings: LineSettings) -> None:
        """The bus stays as it is."""

    def close(self) -> None:
        """The meter stays where it is."""


class Bus:
    """Meters on an RS-485 bus: one after the other.

    Args:
        meters: by address.
    """

    patience = Patience(tries=2, timeout=2.0, peer="the meter", hint="check archive, port and power")

    def __init__(self, meters: Mapping[str, Behind]) -> None:
        self._meters = dict(meters)

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """See `Port`. Nobody answers for a meter that is not there."""
        outcomes, passed = [], 0.0
        for job in jobs:
            behind = self._meters.get(job.address)
            line = _Counted(_Nobody) if behind is None else behind.line
            begun, sent, received = line.now(), line.sent, line.received
            try:
                value: Any = converse(job.steps, line)
            except MeterwireError as error:
                value = error
            passed += line.now() - begun
            outcomes.append(Outcome(value, passed, line.sent - sent, line.received - received))
        return outcomes

    def pass_on(self, octets: bytes, timeout: float) -> tuple[bytes, float]:
        """See `Port`: everybody hears it, and who is meant answers."""
        target = destination(octets)
        meant = [self._meters[target]] if target in self._meters else [] if target else list(self._meters.values())
        for behind in meant:
            line = behind.line
            begun = line.now()
            line.write(octets)
            heard = line.read(begun + timeout)
            if heard:
                return heard, line.now() - begun
        return b"", timeout

    def there(self) -> list[tuple[str, MeterProtocol]]:
        """See `Port`."""
        return [(address, behind.protocol) for address, behind in self._meters.items()]


class Network:
    """Meters behind a module: several at once, as its client does it.

    Args:
        module: an emulated one.
        clock: seconds of the concentrator's own time, which the network follows.
    """

    patience = Patience(tries=2, timeout=LONGEST_WAIT, peer="the meter", hint="check archive, port and power")

    def __init__(self, module: Module, clock: Callable[[], float]) -> None:
        self._module, self._clock = module, clock
        self._line = ResponderLine(module.connect())
        self._client = Module3762(self._line)
        self._formed = False
        self._seen = clock()

    def _follow(self) -> None:
        """Let the network live for as long as the concentrator has since the last time."""
        now = self._clock()
        if not self._formed:
            begun = self._line.now()
            while self._line.now() < begun + _FORM and not self._is_formed():
                self._client.listen(30.0)
            self._formed = True
        elif now > self._seen:
            self._client.listen(min(now - self._seen, _CATCH_UP))
        self._seen = now

    def _is_formed(self) -> bool:
        return all(node.joined for node in self._module.network.nodes.values())

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """See `Port`."""
        self._follow()
        ends: dict[str, float] = {}
        begun = self._line.now()

        def ended(address: str, _: Any) -> None:
            ends[address] = self._line.now() - begun

        found = self._client.gather({self._tunnel(job): job.steps for job in jobs}, done=ended)
        self._seen += self._line.now() - begun
        return [Outcome(found[job.address], ends[job.address], 1, 1) for job in jobs]

    def _tunnel(self, job: Job) -> Tunnel:
        return self._client.tunnel(job.address, _KINDS[MeterProtocol(job.protocol)], "concurrent")

    def pass_on(self, octets: bytes, timeout: float) -> tuple[bytes, float]:
        """See `Port`: to the meter that the frame names; to nobody where it names none."""
        self._follow()
        target, begun = destination(octets), self._line.now()
        if not target:
            return b"", timeout
        kind = ModuleProtocol.DLT69845 if _parsed(octets, Link, EDITION) is not None else ModuleProtocol.DLT645_2007
        tunnel = self._client.tunnel(target, kind, "concurrent")
        try:
            heard = self._client.gather({tunnel: _once(octets, timeout)})[target]
        except MeterwireError:
            heard = b""
        return heard if isinstance(heard, bytes) else b"", self._line.now() - begun

    def there(self) -> list[tuple[str, MeterProtocol]]:
        """See `Port`: the nodes that have joined."""
        self._follow()
        kinds = {kind: protocol for protocol, kind in _KINDS.items()}
        return [
            (address, kinds.get(self._module.meters[address].protocol, MeterProtocol.UNKNOWN))
            for address, node in self._module.network.nodes.items()
            if node.joined
        ]


class _Nobody:
    """A responder that never answers."""

    def receive(self, octets: bytes, now: float) -> list[Any]:
        """Nothing."""
        del octets, now
        return []

    def idle(self, now: float) -> list[Any]:
        """Nothing."""
        del now
        return []


def _once(octets: bytes, timeout: float) -> Steps[bytes]:
    now, _ = yield Send(octets)
    _, heard = yield Receive(now + timeout)
    return heard


def destination(octets: bytes) -> str:
    """Address of the meter that a frame is for; empty where it is none, or for whoever is there."""
    frame = octets.lstrip(b"\xfe")
    of_645 = _parsed(frame, Frame645, None)
    if of_645 is not None:
        return _plain(of_645.address)
    link = _parsed(frame, Link, EDITION)
    return "" if link is None else _plain(address_in(link).digits)


def _plain(digits: str) -> str:
    return digits if digits.isdecimal() else ""


def _parsed(octets: bytes, layout: Any, edition: int | None) -> Any:
    try:
        return codec(layout, edition).parse(octets) if edition else codec(layout).parse(octets)
    except MeterwireError:
        return None
