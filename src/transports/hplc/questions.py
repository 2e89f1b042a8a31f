"""What the module asks of the concentrator (AFN 14H): each question is repeated until it is answered, or given up."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from meterwire.protocols.gdw376_2.unit import Unit

if TYPE_CHECKING:
    from meterwire.transports.hplc.module import Module

READ: Final = 1
TIME: Final = 2
CORRECTION: Final = 3
VALUE: Final = 4

Then = Callable[[Any], None]
"""Is told the data unit of the answer, None for none and for a denial."""


class Questions:
    """The questions that wait for an answer."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._open: dict[int, Then] = {}

    def ask(self, number: int, value: Any, then: Then, phase: int = 0) -> None:
        """Ask with a function of AFN 14H."""
        asked = self._module.begin(0x14, number, value, phase)
        self._open[asked.sequence] = then
        self._say(asked, then, 1)

    def _say(self, asked: Unit, then: Then, tried: int) -> None:
        if self._open.get(asked.sequence) is not then:
            return
        settings, clock = self._module.settings, self._module.clock
        if tried > settings.report_tries:
            del self._open[asked.sequence]
            then(None)
            return
        self._module.send(asked.octets())
        clock.at(clock.now() + settings.report_seconds, partial(self._say, asked, then, tried + 1))

    def answered(self, heard: Unit) -> None:
        """The concentrator answered; what answers no question of ours is passed over."""
        then = self._open.pop(heard.sequence, None)
        if then is not None:
            then(heard.value if heard.afn == 0x14 and heard.error is None else None)

    def clear(self) -> None:
        """Forget everything."""
        self._open.clear()
