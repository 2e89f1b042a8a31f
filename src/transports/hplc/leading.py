"""The module leads: it asks the concentrator what each meter is to be asked, and reports the answers (AFN 14H, 06H)."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from meterwire.protocols.gdw376_2.asking import ReadOrder, ReadQuery
from meterwire.protocols.gdw376_2.codes import Denial, ReadFlag
from meterwire.protocols.gdw376_2.forwarding import ReadReport
from meterwire.protocols.gdw376_2.unit import Unit
from meterwire.transports.hplc.denied import Denied

if TYPE_CHECKING:
    from meterwire.transports.hplc.module import Module


class Leading:
    """One walk through the archive after a restart (12H F1)."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._left: deque[str] = deque()
        self._asked: Unit | None = None
        self._failed: set[str] = set()
        self.working = False

    def restart(self) -> None:
        """Begin with the first meter."""
        if not self._module.settings.module_leads:
            return
        self._left, self._failed = deque(self._module.archive), set()
        self.working = True
        self._soon()

    def pause(self) -> None:
        """Ask nothing more until told to go on."""
        self.working = False

    def resume(self) -> None:
        """Go on where it was paused."""
        if self._left and not self.working:
            self.working = True
            self._soon()

    def _soon(self) -> None:
        """Ask once the order has been confirmed."""
        self._module.clock.at(self._module.clock.now(), self._ask)

    def stop(self) -> None:
        """Forget everything."""
        self._left.clear()
        self._asked, self.working = None, False

    def _ask(self, tried: int = 0) -> None:
        """Ask what the next meter in the network is to be asked."""
        module = self._module
        while self.working and self._left:
            address = self._left[0]
            node = module.network.nodes.get(address)
            if address in module.archive and node is not None and node.joined:
                break
            self._left.popleft()
        if not self.working:
            return
        if not self._left:
            self.working = False
            module.reports.reading_done()
            return
        if tried >= module.settings.report_tries:
            self.working = False  # nobody is there to be asked
            return
        index = list(module.archive).index(self._left[0]) + 1
        phase = module.network.nodes[self._left[0]].phases
        query = ReadQuery({1: 1, 2: 2, 4: 3}.get(phase, 0), self._left[0], index)
        self._asked = asked = module.begin(0x14, 1, query)
        module.send(asked.octets())
        late = module.clock.now() + module.settings.report_seconds
        module.clock.at(late, partial(self._unanswered, asked, tried + 1))

    def _unanswered(self, asked: Unit, tried: int) -> None:
        if self._asked is asked:
            self._asked = None
            self._ask(tried)

    def answered(self, heard: Unit) -> None:
        """The concentrator answered; only what answers the last question counts."""
        asked = self._asked
        if asked is None or heard.sequence != asked.sequence:
            return
        self._asked = None
        address = self._left[0]
        order = heard.value
        if isinstance(order, ReadOrder) and order.flag == ReadFlag.READ and order.frame:
            self._read(address, asked.value.index, order.frame)
            return
        self._left.popleft()  # done, failed, or denied: the next one
        self._ask()

    def _read(self, address: str, index: int, frame: bytes) -> None:
        module = self._module
        begun = module.clock.now()
        protocol = module.archive.get(address, 0)

        def finished(answers: bytes, error: Denial | None) -> None:
            if error is None and len(answers) <= 255:
                seconds = round(module.clock.now() - begun)
                module.reports.put(0x06, 2, ReadReport(index, protocol, seconds, answers))
            elif self._left and self._left[0] == address:
                self._left.rotate(-1)  # once more when everybody else had a turn
                self._give_up(address)
            self._ask()

        try:
            module.reading.fetch(address, protocol, frame, finished)
        except Denied:  # the walk goes on with the next one
            if self._left:
                self._left.popleft()
            self._ask()

    def _give_up(self, address: str) -> None:
        """A meter that failed is tried twice in one walk."""
        if address in self._failed:
            self._left.remove(address)
        self._failed.add(address)
