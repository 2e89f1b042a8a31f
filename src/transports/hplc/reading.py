"""Meters read at the concentrator's order: one at a time (13H, 02H), or several at once (F1H)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from meterwire.protocols.gdw376_2.codes import Denial
from meterwire.protocols.gdw376_2.forwarding import (
    ConcurrentAnswer,
    Forward,
    LongMonitorAnswer,
    MonitorAnswer,
)
from meterwire.protocols.gdw376_2.unit import Unit
from meterwire.transports.hplc.denied import Denied
from meterwire.transports.hplc.meters import line_seconds, pieces

if TYPE_CHECKING:
    from meterwire.transports.hplc.module import Module

MONITOR: Final = (0x13, 1)
LONG_MONITOR: Final = (0x13, 2)
CONCURRENT: Final = (0xF1, 1)
FORWARD: Final = (0x02, 1)
_SHORT: Final = 255

Finished = Callable[[bytes, Denial | None], None]
"""What the meter answered, or why there is nothing."""


class Fetch:
    """One request on its way to a meter and back: down the tree, over the meter's line, up the tree."""

    def __init__(self, module: Module, address: str, frames: list[bytes], finished: Finished) -> None:
        self._module, self._address, self._frames, self._finished = module, address, frames, finished
        self._done = False
        self._node = module.network.nodes[address]

    def start(self) -> None:
        """Send it; where the node has fallen out this ends at once."""
        module = self._module
        late = module.clock.now() + module.settings.meter_seconds
        module.clock.at(late, partial(self.end, b"", Denial.TIMEOUT))
        module.network.send(self._node, sum(map(len, self._frames)), self._arrived)

    def _arrived(self, arrived: bool) -> None:
        if not arrived:
            self.end(b"", Denial.SECONDARY_SILENT)
            return
        self._ask(0, b"")

    def _ask(self, place: int, answers: bytes) -> None:
        """Hand the frames to the meter one after the other."""
        if self._done:
            return
        if place == len(self._frames):
            self._return(answers)
            return
        settings, clock = self._module.settings, self._module.clock
        frame = self._frames[place]
        heard = self._module.meters[self._address].ask(frame, clock.now()) if self._node.powered else b""
        if heard:
            seconds = line_seconds(settings.meter_baud, len(frame) + len(heard))
        else:
            seconds = line_seconds(settings.meter_baud, len(frame)) + settings.silence_seconds
        clock.at(clock.now() + seconds, partial(self._ask, place + 1, answers + heard))

    def _return(self, answers: bytes) -> None:
        if not answers:
            self.end(b"", Denial.METER_SILENT)
            return
        self._module.network.back(self._node, len(answers), partial(self._returned, answers))

    def _returned(self, answers: bytes, arrived: bool) -> None:
        self.end(answers if arrived else b"", None if arrived else Denial.SECONDARY_SILENT)

    def end(self, answers: bytes, error: Denial | None) -> None:
        """It is over, once."""
        if not self._done:
            self._done = True
            self._finished(answers, error)

    def abandon(self) -> None:
        """Nobody waits for it any more."""
        self._done = True


class Reading:
    """What is outstanding."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._outstanding: dict[str, Fetch] = {}
        self._monitoring = ""

    def __len__(self) -> int:
        return len(self._outstanding)

    def clear(self) -> None:
        """Forget everything."""
        for fetch in self._outstanding.values():
            fetch.abandon()
        self._outstanding.clear()
        self._monitoring = ""

    def take(self, heard: Unit) -> bool:
        """Serve a request to read a meter; False for any other. Raises Denied."""
        if heard.key == CONCURRENT:
            self._concurrent(heard)
        elif heard.key in {MONITOR, LONG_MONITOR, FORWARD}:
            self._monitor(heard)
        else:
            return False
        return True

    def fetch(self, address: str, protocol: int, octets: bytes, finished: Finished) -> None:
        """Ask a meter for somebody; raises Denied."""
        module = self._module
        module.node(address)
        if address in self._outstanding:
            raise Denied(Denial.METER_BUSY)

        def ended(answers: bytes, error: Denial | None) -> None:
            self._outstanding.pop(address, None)
            if answers:
                module.read.add(address)
            finished(answers, error)

        fetch = self._outstanding[address] = Fetch(module, address, pieces(protocol, octets), ended)
        fetch.start()

    # ------------------------------------------------------------ one at a time

    def _monitor(self, heard: Unit) -> None:
        module = self._module
        address = heard.destination
        if address is None:
            raise Denied(Denial.UNKNOWN_METER)
        if self._monitoring:
            raise Denied(Denial.PRIMARY_BUSY)
        begun = module.clock.now()

        def finished(answers: bytes, error: Denial | None) -> None:
            self._monitoring = ""
            module.send(self._monitored(heard, answers, error, round(module.clock.now() - begun)))

        self._monitoring = address
        try:
            self.fetch(address, heard.value.protocol, heard.value.frame, finished)
        except Denied:
            self._monitoring = ""
            raise

    def _monitored(self, heard: Unit, answers: bytes, error: Denial | None, seconds: int) -> bytes:
        if error is not None:
            return heard.denied(error)
        protocol = heard.value.protocol
        if heard.key == LONG_MONITOR:
            return heard.answered(LongMonitorAnswer(seconds, protocol, answers))
        if len(answers) > _SHORT:  # it has one octet for the length, and half a frame is none
            return heard.denied(Denial.WRONG_LENGTH)
        if heard.key == FORWARD:
            return heard.answered(Forward(protocol, answers))
        return heard.answered(MonitorAnswer(seconds, protocol, answers))

    # ------------------------------------------------------------ several at once

    def _concurrent(self, heard: Unit) -> None:
        module = self._module
        address = heard.destination
        if address is None:
            raise Denied(Denial.UNKNOWN_METER)
        if address in self._outstanding:
            raise Denied(Denial.METER_BUSY)
        if len(pieces(heard.value.protocol, heard.value.frames)) > module.settings.frames:
            raise Denied(Denial.TOO_MANY_FRAMES)
        if len(self._outstanding) >= module.settings.outstanding:
            raise Denied(Denial.TOO_MANY_AT_ONCE)

        def finished(answers: bytes, error: Denial | None) -> None:
            del error  # an empty answer says it
            module.send(heard.answered(ConcurrentAnswer(heard.value.protocol, answers)))

        if address not in module.archive:
            raise Denied(Denial.UNKNOWN_METER)
        node = module.network.nodes.get(address)
        if node is None or not node.joined:
            finished(b"", None)
            return
        self.fetch(address, heard.value.protocol, heard.value.frames, finished)
