"""What the module reports of its own accord: each is repeated until it is confirmed, in the order in which it arose."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from meterwire.protocols.gdw376_2.codes import EventKind, ModuleKind, PowerChange, ReportingDevice, StateChange
from meterwire.protocols.gdw376_2.reports import (
    DeviceFound,
    DevicesFound,
    Event,
    NodeFound,
    NodesFound,
    Outage,
    RefusedNode,
    RefusedNodes,
    StateReport,
)
from meterwire.protocols.gdw376_2.unit import Unit
from meterwire.protocols.wire.codec import codec
from meterwire.transports.hplc.queries import running_mode

if TYPE_CHECKING:
    from meterwire.transports.hplc.module import Module

WAITING: Final = 1024
"""Reports that may wait for the line; the newest are given up, and what they say can still be asked."""
_OUTAGES: Final = 41
"""Addresses in one report: 255 octets of content, one of them says what happened."""
_REFUSED: Final = 32


class Reports:
    """The queue of reports; one is on the line at a time."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._queue: deque[tuple[int, int, Any]] = deque()
        self._out: Unit | None = None
        self._lost: list[str] = []
        self._back: list[str] = []
        self._refused: list[str] = []
        self._down: set[str] = set()
        self.dropped = 0

    @property
    def waiting(self) -> bool:
        """Whether anything waits to be reported."""
        return bool(self._queue)

    def put(self, afn: int, number: int, value: Any) -> None:
        """Report something as soon as what arose before has been taken."""
        if len(self._queue) >= WAITING:
            self.dropped += 1
            return
        self._queue.append((afn, number, value))
        self._next()

    def _next(self) -> None:
        if self._out is None and self._queue:
            self._out = self._module.begin(*self._queue.popleft())
            self._say(self._out, 1)

    def _say(self, report: Unit, tried: int) -> None:
        """Send it, and again until it is answered or all tries are used up."""
        if self._out is not report:
            return
        settings, clock = self._module.settings, self._module.clock
        if tried > settings.report_tries:
            self._out = None
            self._next()
            return
        self._module.send(report.octets())
        clock.at(clock.now() + settings.report_seconds, partial(self._say, report, tried + 1))

    def answered(self, heard: Unit) -> None:
        """The concentrator answered something that the module began."""
        if self._out is not None and heard.sequence == self._out.sequence:
            self._out = None
            self._next()

    # ------------------------------------------------------------ what is reported

    def started(self) -> None:
        """The module has started (03H F10)."""
        self.put(0x03, 10, running_mode(self._module))

    def found(self, address: str) -> None:
        """A node has registered."""
        module = self._module
        index = module.registered.index(address) + 1
        protocol = module.meters[address].protocol
        if module.settings.device_reports:
            row = DeviceFound(address, protocol, index, ReportingDevice.METER, 0, ())
            self.put(0x06, 4, DevicesFound((row,)))
        else:
            self.put(0x06, 1, NodesFound((NodeFound(address, protocol, index),)))

    def search_done(self) -> None:
        """Registration is over."""
        self.put(0x06, 3, StateReport(StateChange.SEARCH_DONE))

    def reading_done(self) -> None:
        """The module has read everybody."""
        self.put(0x06, 3, StateReport(StateChange.READING_DONE))

    def area_identified(self) -> None:
        """Every node knows its area."""
        self.put(0x06, 3, StateReport(StateChange.AREA_IDENTIFIED))

    def meter_event(self, address: str, frame: bytes) -> None:
        """A meter wants to report something: its frame goes up as it is."""
        del address  # the frame says it
        self.put(0x06, 5, Event(ReportingDevice.METER, EventKind.METER_FRAME_1, frame))

    def lost(self, address: str) -> None:
        """A node said with its last power that it has none; those of one minute are gathered into one report."""
        if address in self._down:
            return
        self._down.add(address)
        self._gather(self._lost, address, PowerChange.LOST)

    def restored(self, address: str) -> None:
        """A node that had no power is back in the network."""
        if address in self._down:
            self._down.discard(address)
            self._gather(self._back, address, PowerChange.RESTORED)

    def _gather(self, addresses: list[str], address: str, change: PowerChange) -> None:
        addresses.append(address)
        if len(addresses) == 1:
            clock = self._module.clock
            clock.at(clock.now() + self._module.settings.merge_seconds, partial(self._merged, addresses, change))

    def _merged(self, addresses: list[str], change: PowerChange) -> None:
        for start in range(0, len(addresses), _OUTAGES):
            content = codec(Outage).build(Outage(change, tuple(addresses[start : start + _OUTAGES])))
            self.put(0x06, 5, Event(ReportingDevice.HPLC_UNIT, EventKind.OUTAGE, content))
        addresses.clear()

    def refused(self, address: str) -> None:
        """A node that is not in the archive wanted to join; reported where the concentrator permits it (05H F200)."""
        allowed = self._module.parameters.get((0x05, 200))
        if allowed is None or not allowed.on:
            return
        self._refused.append(address)
        if len(self._refused) == 1:
            clock = self._module.clock
            clock.at(clock.now() + self._module.settings.merge_seconds, self._all_refused)

    def _all_refused(self) -> None:
        for start in range(0, len(self._refused), _REFUSED):
            rows = self._refused[start : start + _REFUSED]
            nodes = tuple(RefusedNode(address, ModuleKind.SINGLE_PHASE) for address in rows)
            content = codec(RefusedNodes).build(RefusedNodes(nodes))
            self.put(0x06, 5, Event(ReportingDevice.HPLC_UNIT, EventKind.REFUSED_NODES, content))
        self._refused.clear()
