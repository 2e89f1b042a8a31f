"""Functions 16H, 17H and 1DH: freezing, the speed of the line, the signal of the output terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.faces.dlt645.answers import Served, denied, other_error
from meterwire.meter_model.faces.dlt645.values import baud_of
from meterwire.protocols.dialogue import LineSettings
from meterwire.protocols.dlt645.frame import Function
from meterwire.protocols.dlt645.messages import BaudRate, Freeze, OutputSignal, TerminalOutput
from meterwire.protocols.wire.codec import codec

if TYPE_CHECKING:
    from meterwire.meter_model.faces.dlt645.face import Face645

_ANY = "99"


class FreezeCommands(Protocol):
    """What this face orders of the freezes of a meter."""

    def freeze(self) -> None:
        """Freeze now."""

    def appoint(self, month: int | None, day: int | None, hour: int | None, minute: int) -> None:
        """Freeze at a moment; None stands for every month, day or hour. Raises LocalProtocolError."""


class LineFunctions:
    """The functions that need no password."""

    def __init__(self, face: Face645) -> None:
        self._face, self._meter = face, face.meter
        self.functions: Mapping[int, Callable[[bytes], Served]] = {
            Function.FREEZE: self._freeze,
            Function.CHANGE_BAUD: self._change_baud,
            Function.TERMINAL_OUTPUT: self._output,
        }

    def _freeze(self, request: bytes) -> Served:
        text = codec(Freeze).parse(request).time
        freezes: FreezeCommands | None = getattr(self._meter, "freezes", None)
        if freezes is None:
            raise other_error()
        month, day, hour, minute = (text[at : at + 2] for at in range(0, 8, 2))
        if minute == _ANY:
            if {month, day, hour} != {_ANY}:
                raise other_error()
            freezes.freeze()
            return Served(changed=True)
        moment: tuple[Any, ...] = (*(None if part == _ANY else int(part) for part in (month, day, hour)), int(minute))
        if not _is_moment(*moment):
            raise other_error()
        try:
            freezes.appoint(*moment)
        except LocalProtocolError:
            raise other_error() from None
        return Served(changed=True)

    def _change_baud(self, request: bytes) -> Served:
        """The answer leaves at the old rate, then both sides change."""
        word = codec(BaudRate).parse(request)
        baud = baud_of(word.rate)
        if baud is None:
            raise denied(baud_cannot_change=1)
        self._meter.parameters.set("baud_port_1", baud)
        return Served(request, changed=True, settings=LineSettings(baud, 8, "E", 1))

    def _output(self, request: bytes) -> Served:
        signal = codec(TerminalOutput).parse(request).signal
        if signal not in list(OutputSignal):
            raise other_error()
        self._meter.parameters.set("output_signal", int(signal))
        return Served(request, changed=True)


def _is_moment(month: int | None, day: int | None, hour: int | None, minute: int) -> bool:
    """A date and time, or any month with a day, any day with an hour, any hour: 99 stands in front of what is fixed."""
    fixed = [part is not None for part in (month, day, hour)]
    return (
        fixed == sorted(fixed)
        and 1 <= (month or 1) <= 12
        and 1 <= (day or 1) <= 31
        and 0 <= (hour or 0) <= 23
        and minute <= 59
    )
