"""The module leads: it asks the concentrator what each meter is to be asked, and reports the answers (AFN 14H, 06H)."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from meterwire.protocols.gdw376_2.asking import Correction, CorrectionQuery, ReadOrder, ReadQuery
from meterwire.protocols.gdw376_2.codes import Denial, ReadFlag
from meterwire.protocols.gdw376_2.forwarding import ReadReport
from meterwire.transports.hplc.denied import Denied
from meterwire.transports.hplc.questions import CORRECTION, READ

if TYPE_CHECKING:
    from meterwire.transports.hplc.module import Module

_PHASES: Final = {1: 1, 2: 2, 4: 3}
_SHORT: Final = 255


class Leading:
    """One walk through the archive after a restart (12H F1)."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._left: deque[str] = deque()
        self._failed: set[str] = set()
        self._walk = 0
        self.working = False

    def restart(self) -> None:
        """Begin with the first meter."""
        if not self._module.settings.module_leads:
            return
        self._left, self._failed = deque(self._module.archive), set()
        self._begin()

    def pause(self) -> None:
        """Ask nothing more until told to go on."""
        self.working = False
        self._walk += 1

    def resume(self) -> None:
        """Go on where it was paused."""
        if self._left and not self.working:
            self._begin()

    def stop(self) -> None:
        """Forget everything."""
        self._left.clear()
        self.pause()

    def _begin(self) -> None:
        """Ask once the order has been confirmed."""
        self.working = True
        self._walk += 1
        self._module.clock.at(self._module.clock.now(), partial(self._ask, self._walk))

    def _ask(self, walk: int) -> None:
        """Ask what the next meter in the network is to be asked."""
        module = self._module
        if walk != self._walk:
            return
        while self._left and not self._reachable(self._left[0]):
            self._left.popleft()
        if not self._left:
            self.working = False
            module.reports.reading_done()
            return
        address = self._left[0]
        phase = _PHASES.get(module.network.nodes[address].phases, 0)
        query = ReadQuery(phase, address, list(module.archive).index(address) + 1)
        module.questions.ask(READ, query, partial(self._ordered, walk, query), phase)

    def _reachable(self, address: str) -> bool:
        node = self._module.network.nodes.get(address)
        return address in self._module.archive and node is not None and node.joined

    def _ordered(self, walk: int, query: ReadQuery, order: Any) -> None:
        """The concentrator said what to do with a meter; without an answer nobody is there to be asked."""
        if walk != self._walk:
            return
        if order is None:
            self.working = False
        elif isinstance(order, ReadOrder) and order.flag == ReadFlag.READ and order.frame:
            if order.delayed:
                self._correct(walk, query, order.frame)
            else:
                self._read(walk, query, order.frame)
        else:
            self._left.popleft()  # done or failed: the next one
            self._ask(walk)

    def _correct(self, walk: int, query: ReadQuery, frame: bytes) -> None:
        """The frame depends on when it arrives: tell how long it will take, and get it anew (14H F3)."""
        seconds = round(self._module.network.delay(len(frame)))
        asked = CorrectionQuery(query.address, seconds, frame)

        def corrected(answer: Any) -> None:
            if walk != self._walk:
                return
            if isinstance(answer, Correction) and answer.frame:
                self._read(walk, query, answer.frame)
            else:
                self._left.popleft()
                self._ask(walk)

        self._module.questions.ask(CORRECTION, asked, corrected)

    def _read(self, walk: int, query: ReadQuery, frame: bytes) -> None:
        module = self._module
        address, begun = query.address, module.clock.now()
        protocol = module.archive.get(address, 0)

        def finished(answers: bytes, error: Denial | None) -> None:
            if error is None and len(answers) <= _SHORT:
                seconds = round(module.clock.now() - begun)
                module.reports.put(0x06, 2, ReadReport(query.index, protocol, seconds, answers))
            elif self._left and self._left[0] == address:
                self._failed_once(address)
            self._ask(walk)

        try:
            module.reading.fetch(address, protocol, frame, finished)
        except Denied:  # the walk goes on with the next one
            self._left.popleft()
            self._ask(walk)

    def _failed_once(self, address: str) -> None:
        """A meter that failed has its second and last turn when everybody else had one."""
        self._left.popleft()
        if address not in self._failed:
            self._failed.add(address)
            self._left.append(address)
