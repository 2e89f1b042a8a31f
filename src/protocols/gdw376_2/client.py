"""The concentrator's side: questions and commands to a module, and meters read through it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from meterwire.errors import LocalProtocolError, MalformedError, Refused, SequenceError
from meterwire.protocols.dialogue import (
    IGNORED,
    AsyncFace,
    AsyncLine,
    Ignored,
    Line,
    Patience,
    Pause,
    Receive,
    Reply,
    Send,
    Steps,
    SyncFace,
    exchange,
    procedure,
)
from meterwire.protocols.gdw376_2.archive import AddNodes, DeleteNodes
from meterwire.protocols.gdw376_2.asking import NO_SEGMENT, FileSegment
from meterwire.protocols.gdw376_2.codes import Band, FileTarget, MeterProtocol
from meterwire.protocols.gdw376_2.commands import Broadcast, ClockTime
from meterwire.protocols.gdw376_2.forwarding import Confirm, Deny
from meterwire.protocols.gdw376_2.functions import CONFIRMED, DENIED, FUNCTIONS, Function
from meterwire.protocols.gdw376_2.gather import LIMIT, Done, Outcome, gather
from meterwire.protocols.gdw376_2.queries import FrequencyBand, PrimaryAddress, RunningMode, Version
from meterwire.protocols.gdw376_2.reports import NodeProtocol
from meterwire.protocols.gdw376_2.routes import Chip, Node, NodePhase, Page, RouteState, TopologyNode
from meterwire.protocols.gdw376_2.tunnel import (
    NO_ADDRESS,
    NOTHING,
    ReportsFirst,
    Serve,
    Tunnel,
    acknowledgement,
    framer,
    sequence_numbers,
)
from meterwire.protocols.gdw376_2.unit import Unit, unit
from meterwire.protocols.wire.framing import Frame

T = TypeVar("T")

REPORTS: Final = 4096
"""Reports that are kept until somebody takes them; the oldest make room."""
PAGE: Final = 32
"""Rows asked for at once."""
ROWS: Final = 4096
"""Most rows of one table that are taken."""
ADDED: Final = 32
"""Nodes entered into the archive at once."""
SEGMENT: Final = 512
"""Octets of a segment of a file."""


class Procedures:
    """What both clients can do.

    Args:
        line: where the module is.
        address: the module's own address, asked for where it is needed and not given.
        patience: tries, time-out, and what to tell people.
        serve: answers to what a module that leads asks (AFN 14H), by function, see `tunnel.acknowledgement`.

    Attributes:
        reports: what the module reported of its own accord, oldest first.
    """

    def __init__(
        self,
        line: Any,
        *,
        address: str | None = None,
        patience: Patience | None = None,
        serve: Serve = NOTHING,
    ) -> None:
        self.line, self.address = line, address
        self.patience = patience or Patience(peer="the module")
        self.reports: deque[Unit] = deque(maxlen=REPORTS)
        self.numbers = sequence_numbers()
        self._serve = serve

    # ------------------------------------------------------------ one question, one command

    @procedure
    def ask(self, afn: int, number: int, value: Any = None) -> Steps[Any]:
        """Any function: its data unit goes down; gives that of the answer, `Confirm` where it is confirmed.

        Raises:
            LocalProtocolError: the function is not known, or the value does not fit it.
            Refused: with a `Denial`.
            NoAnswer, OutcomeUnknown: no usable answer came; only queries are repeated.
        """
        row = FUNCTIONS.get((afn, number))
        if row is None or row.by_module:
            raise LocalProtocolError(f"a concentrator cannot ask {afn:02X}H F{number}")
        request = Unit(up=False, begins=True, afn=afn, number=number, value=value, sequence=next(self.numbers))

        def accept(piece: Frame[Any]) -> Any:
            heard = unit(piece.message)
            back = acknowledgement(heard, self._serve)
            if back is not None:
                self.reports.append(heard)
                return Reply(back)
            return _answer(heard, request.sequence, row) if heard.up else IGNORED

        return (yield from exchange(request.octets(), ReportsFirst(), accept, self.patience, repeatable=row.is_query))

    @procedure
    def listen(self, seconds: float) -> Steps[list[Unit]]:
        """Confirm what the module reports for so many seconds; gives all reports that nobody has taken yet."""
        ears = framer()
        now, _ = yield Pause(0.0)
        until = now + seconds
        while now < until:
            now, octets = yield Receive(until)
            for piece in ears.receive(octets) if octets else ears.idle():
                back = None
                if isinstance(piece, Frame):
                    heard = unit(piece.message)
                    back = acknowledgement(heard, self._serve)
                if back is not None:
                    self.reports.append(heard)
                    now, _ = yield Send(back)
        taken = list(self.reports)
        self.reports.clear()
        return taken

    # ------------------------------------------------------------ the module itself

    @procedure
    def version(self) -> Steps[Version]:
        """Vendor and version (03H F1)."""
        found: Version = yield from self._ask(0x03, 1)
        return found

    @procedure
    def running_mode(self) -> Steps[RunningMode]:
        """What the module is and can do (03H F10)."""
        found: RunningMode = yield from self._ask(0x03, 10)
        return found

    @procedure
    def own_address(self) -> Steps[str]:
        """The module's own address (03H F4)."""
        found: PrimaryAddress = yield from self._ask(0x03, 4)
        self.address = found.address
        return found.address

    @procedure
    def band(self, to: Band | None = None) -> Steps[int]:
        """The band of the network (03H F16), or change it (05H F16)."""
        if to is not None:
            yield from self._ask(0x05, 16, FrequencyBand(to))
            return to
        found: FrequencyBand = yield from self._ask(0x03, 16)
        return found.band

    @procedure
    def set_time(self, time: str) -> Steps[None]:
        """Tell the module the time, YYMMDDhhmmss (05H F101)."""
        yield from self._ask(0x05, 101, ClockTime(time))

    @procedure
    def route_state(self) -> Steps[RouteState]:
        """How far the route has come (10H F4)."""
        found: RouteState = yield from self._ask(0x10, 4)
        return found

    # ------------------------------------------------------------ archive and network

    @procedure
    def nodes(self) -> Steps[list[Node]]:
        """The archive (10H F2)."""
        return (yield from self._pages(2, "nodes"))

    @procedure
    def add(self, nodes: Sequence[tuple[str, MeterProtocol]]) -> Steps[None]:
        """Enter meters into the archive: address and protocol of each (11H F1)."""
        for start in range(0, len(nodes), ADDED):
            rows = tuple(NodeProtocol(*one) for one in nodes[start : start + ADDED])
            yield from self._ask(0x11, 1, AddNodes(rows))

    @procedure
    def delete(self, addresses: Sequence[str]) -> Steps[None]:
        """Take meters out of the archive (11H F2)."""
        for start in range(0, len(addresses), ADDED):
            yield from self._ask(0x11, 2, DeleteNodes(tuple(addresses[start : start + ADDED])))

    @procedure
    def topology(self) -> Steps[list[TopologyNode]]:
        """The network: every node with its proxy, the CCO first (10H F21)."""
        return (yield from self._pages(21, "nodes"))

    @procedure
    def phases(self) -> Steps[list[NodePhase]]:
        """The phases that the nodes are on (10H F31)."""
        return (yield from self._pages(31, "nodes"))

    @procedure
    def chips(self) -> Steps[list[Chip]]:
        """Chips and versions of the nodes (10H F112)."""
        return (yield from self._pages(112, "chips"))

    # ------------------------------------------------------------ meters

    def tunnel(self, address: str, protocol: MeterProtocol, way: str = "monitor") -> Tunnel:
        """The way to one meter over this line."""
        module = self.address or NO_ADDRESS
        return Tunnel(
            address,
            protocol,
            way=way,
            module=module,
            numbers=self.numbers,
            reported=self.reports.append,
            serve=self._serve,
        )

    @procedure
    def gather(
        self, jobs: Mapping[Tunnel, Steps[T]], *, limit: int = LIMIT, done: Done | None = None
    ) -> Steps[dict[str, Outcome]]:
        """Run dialogues with many meters at once; see `gather.gather`."""
        return (yield from gather(jobs, limit=limit, reported=self.reports.append, serve=self._serve, done=done))

    @procedure
    def broadcast(self, protocol: MeterProtocol, frame: bytes) -> Steps[None]:
        """Send a frame to all meters (05H F3); none answers."""
        yield from self._ask(0x05, 3, Broadcast(protocol, frame))

    # ------------------------------------------------------------ files

    @procedure
    def send_file(
        self,
        target: FileTarget,
        content: bytes,
        *,
        segment: int = SEGMENT,
        progress: Callable[[int], None] | None = None,
    ) -> Steps[None]:
        """Send a file in segments (15H F1); a segment whose answer is lost is sent again, which does no harm.

        Raises:
            Refused: the module refused a segment.
            NoAnswer: no usable answer came after all tries.
        """
        total = max(1, -(-len(content) // segment))
        for number in range(total):
            data = content[number * segment : (number + 1) * segment]
            unit_ = FileSegment(target, int(number + 1 == total), 0, total, number, data)
            answer = yield from self._segment(unit_)
            if answer.segment == NO_SEGMENT:
                raise Refused(NO_SEGMENT, f"the module refused segment {number} of the file")
            if progress is not None:
                progress(number * segment + len(data))

    def _segment(self, value: FileSegment) -> Steps[Any]:
        row = FUNCTIONS[0x15, 1]
        request = Unit(up=False, begins=True, afn=0x15, number=1, value=value, sequence=next(self.numbers))

        def accept(piece: Frame[Any]) -> Any:
            heard = unit(piece.message)
            back = acknowledgement(heard, self._serve)
            if back is not None:
                self.reports.append(heard)
                return Reply(back)
            found = _answer(heard, request.sequence, row) if heard.up else IGNORED
            if isinstance(found, Ignored) or found.segment in {value.segment, NO_SEGMENT}:
                return found
            return IGNORED

        return (yield from exchange(request.octets(), ReportsFirst(), accept, self.patience, repeatable=True))

    # ------------------------------------------------------------ what they share

    def _ask(self, afn: int, number: int, value: Any = None) -> Steps[Any]:
        return (yield from Procedures.ask.steps(self, afn, number, value))

    def _pages(self, number: int, name: str) -> Steps[list[Any]]:
        """All rows of a table of AFN 10H; raises `SequenceError` where the module gives none although more are due."""
        rows: list[Any] = []
        while True:
            answer = yield from self._ask(0x10, number, Page(len(rows) + 1, PAGE))
            rows += getattr(answer, name)
            if len(rows) >= min(answer.total, ROWS):
                return rows[: answer.total]
            if not getattr(answer, name):
                raise SequenceError(f"the module gave {len(rows)} of {answer.total} rows and then none")


def _answer(heard: Unit, sequence: int, row: Function) -> Any:
    """The data unit of an answer, IGNORED where it answers something else."""
    if heard.begins or heard.sequence != sequence:
        return IGNORED
    if heard.key == DENIED and isinstance(heard.value, Deny):
        raise Refused(heard.value.error)
    if heard.error is not None:
        raise heard.error
    if heard.key == CONFIRMED and isinstance(heard.value, Confirm):
        if row.answer is not None:
            raise SequenceError(f"{row.afn:02X}H F{row.number} was confirmed, but data were asked for")
        if not heard.value.state.handled:
            raise Refused(0, "the module confirmed that it did not handle the command")
        return heard.value
    if heard.key != (row.afn, row.number):
        return IGNORED
    if heard.value is None and row.answer is not None:
        raise MalformedError("an answer without its data unit")
    return heard.value


class Module3762(SyncFace, Procedures):
    """A module that speaks Q/GDW 10376.2, for blocking code."""

    line: Line


class AsyncModule3762(AsyncFace, Procedures):
    """A module that speaks Q/GDW 10376.2, for asyncio."""

    line: AsyncLine
