"""The CCO: its archive and parameters, what it is doing, and the connection of the concentrator to it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from meterwire.errors import LocalProtocolError, MeterwireError
from meterwire.protocols.dialogue import Answer, LineSettings
from meterwire.protocols.gdw376_2.codes import Denial, MeterProtocol, UartRate
from meterwire.protocols.gdw376_2.commands import ClockTime
from meterwire.protocols.gdw376_2.functions import DENIED, FUNCTIONS, Unknown
from meterwire.protocols.gdw376_2.tunnel import framer
from meterwire.protocols.gdw376_2.unit import Unit, unit
from meterwire.protocols.wire.framing import Frame
from meterwire.transports.clock import VirtualClock
from meterwire.transports.hplc.commands import COMMANDS
from meterwire.transports.hplc.denied import Denied
from meterwire.transports.hplc.files import Upgrade
from meterwire.transports.hplc.leading import Leading
from meterwire.transports.hplc.meters import Behind
from meterwire.transports.hplc.network import Network, Node
from meterwire.transports.hplc.queries import QUERIES
from meterwire.transports.hplc.questions import TIME, Questions
from meterwire.transports.hplc.reading import Reading
from meterwire.transports.hplc.reports import Reports
from meterwire.transports.hplc.settings import DEFAULT_BAND, NODES, ModuleSettings, NetworkSettings

DEFAULT_RATE: Final = UartRate.BAUD_9600


class Module:
    """An emulated CCO with the network below it.

    Args:
        meters: what lies behind each node, by the meter's address.
        settings, network: what module and network are like.
        seed: of all chance.

    Attributes:
        archive: protocol by address, in the order in which the concentrator entered them.
        parameters: what the concentrator has set, by function.
        values: the last that the concentrator told of itself (14H F4).
        band: of the network.
        started: whether it has power: it begins when a concentrator first connects.
    """

    def __init__(
        self,
        meters: Mapping[str, Behind],
        settings: ModuleSettings | None = None,
        network: NetworkSettings | None = None,
        *,
        seed: int | str = 0,
    ) -> None:
        self.settings = settings or ModuleSettings()
        if len(meters) > NODES:
            raise LocalProtocolError(f"a network has {NODES} nodes at most, not {len(meters)}")
        self.meters = dict(meters)
        self.clock = VirtualClock(-math.inf)  # it follows the line that the concentrator is on
        self.address = self.settings.address
        self.network: Network = Network(self.address, list(meters), network or NetworkSettings(), self.clock, seed)
        self.network.changed = self._changed
        for address, behind in meters.items():
            self.network.wire(address, behind.phases)
        self.archive: dict[str, MeterProtocol] = {}
        if self.settings.archived:
            self.archive = {address: behind.protocol for address, behind in meters.items()}
        self.parameters: dict[tuple[int, int], Any] = {}
        self.version = self.settings.version
        self.rate = DEFAULT_RATE
        self.time = ""
        self.band: int = DEFAULT_BAND
        self.registering_until = -math.inf
        self.registered: list[str] = []
        self.read: set[str] = set()
        self.values: deque[Any] = deque(maxlen=16)
        self.outbox: list[Answer] = []
        self.reports = Reports(self)
        self.reading = Reading(self)
        self.questions = Questions(self)
        self.leading = Leading(self)
        self.upgrade = Upgrade(self)
        self.started = False
        self._sequence = 0

    def connect(self) -> ModuleConnection:
        """The connection of the concentrator; a new one resets the line, not the module."""
        self.rate = DEFAULT_RATE
        self.outbox.clear()
        return ModuleConnection(self)

    # ------------------------------------------------------------ time

    def next(self) -> float:
        """When something is due."""
        if self.outbox or not self.started:
            return 0.0
        return self.clock.next()

    def run(self, now: float) -> list[Answer]:
        """Let everything happen that is due; what is to be sent."""
        if not self.started:
            self.started = True
            self.clock.advance(now)
            self.network.start()
            self.power_up()
        self.catch_up(now)
        answers, self.outbox = self.outbox, []
        return answers

    def catch_up(self, now: float) -> None:
        """Let everything happen that is due, for somebody who looks at the network or changes it."""
        if self.started:
            self.clock.advance(now)

    def power_up(self) -> None:
        """What a module says when it starts: what it is, and that it wants to know the time."""
        self.reports.started()
        if self.settings.asks_time:
            self.questions.ask(TIME, None, self._told_time)

    def _told_time(self, answer: Any) -> None:
        if isinstance(answer, ClockTime):
            self.time = answer.time

    # ------------------------------------------------------------ speaking

    def send(self, octets: bytes, settings: LineSettings | None = None) -> None:
        """Put a frame into the line to the concentrator."""
        self.outbox.append(Answer(octets, settings=settings))

    def begin(self, afn: int, number: int, value: Any, phase: int = 0) -> Unit:
        """A frame that the module begins with a number of its own."""
        self._sequence = (self._sequence + 1) & 0xFF
        return Unit(
            up=True,
            begins=True,
            afn=afn,
            number=number,
            value=value,
            sequence=self._sequence,
            phase=phase,
            event=self.reports.waiting,
        )

    # ------------------------------------------------------------ hearing

    def hear(self, heard: Unit) -> None:
        """A frame of the concentrator."""
        if heard.up or heard.is_foreign:
            return
        if not heard.begins:
            self.reports.answered(heard)
            self.questions.answered(heard)
            return
        try:
            self._obey(heard)
        except Denied as denied:
            self.send(heard.denied(denied.error))
        except MeterwireError:  # a value that an answer cannot carry is the module's fault, but it must not fall silent
            self.send(heard.denied(Denial.WRONG_FORMAT))

    def _obey(self, heard: Unit) -> None:
        row = FUNCTIONS.get((heard.afn, heard.number or 0))
        if row is None or row.by_module or heard.key in {(0x00, 1), DENIED}:
            raise Denied(Denial.UNKNOWN_FUNCTION)
        if isinstance(row.down, Unknown):
            raise Denied(Denial.UNSUPPORTED)
        if heard.error is not None or (row.down is None) != (heard.value is None):
            raise Denied(Denial.WRONG_LENGTH)
        if heard.key in QUERIES:
            self.send(heard.answered(QUERIES[heard.key](self, heard)))
        elif heard.key in COMMANDS:
            answer = COMMANDS[heard.key](self, heard)
            settings = answer if isinstance(answer, LineSettings) else None
            wait = answer if isinstance(answer, int) else 0
            self.send(heard.confirmed(wait), settings)
        elif not self.reading.take(heard):
            self.upgrade.take(heard)

    # ------------------------------------------------------------ nodes

    def node(self, address: str) -> Node:
        """The node of an archived meter; raises `Denied`."""
        if address not in self.archive:
            raise Denied(Denial.UNKNOWN_METER)
        node = self.network.nodes.get(address)
        if node is None or not node.joined:
            raise Denied(Denial.NOT_IN_NETWORK)
        return node

    def _changed(self, node: Node, joined: bool) -> None:
        if joined:
            self.reports.restored(node.address)
            if self.clock.now() < self.registering_until:
                self.registered.append(node.address)
                self.reports.found(node.address)
            elif node.address not in self.archive:
                self.reports.refused(node.address)

    def switch_band(self, band: int) -> None:
        """Use another band: every node has to find the network again."""
        self.band = band
        for address in self.network.nodes:
            self.network.drop(address)

    def power(self, addresses: list[str], *, on: bool) -> None:
        """The power of nodes, and of the meters behind them, fails or comes back."""
        for address in self.network.power(addresses, on=on):
            self.reports.lost(address)


class ModuleConnection:
    """The line to the concentrator."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._framer = framer()

    def receive(self, octets: bytes, now: float) -> list[Answer]:
        """Octets arrived."""
        return self._heard(self._framer.receive(octets), now)

    def idle(self, now: float) -> list[Answer]:
        """The line fell silent: what is incomplete is given up."""
        return self._heard(self._framer.idle(), now)

    def _heard(self, found: list[Any], now: float) -> list[Answer]:
        answers = self._module.run(now)
        for piece in found:
            if isinstance(piece, Frame):
                self._module.hear(unit(piece.message))
        return answers + self._module.run(now)

    def next(self) -> float:
        """When the module wants to speak or something happens in the network."""
        return self._module.next()

    def run(self, now: float) -> list[Answer]:
        """What the module says of its own accord."""
        return self._module.run(now)
