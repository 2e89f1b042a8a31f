"""A frame of the local interface as its application sees it: function, data unit, addresses, sequence number."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from meterwire.errors import MalformedError
from meterwire.protocols.gdw376_2.codes import Denial
from meterwire.protocols.gdw376_2.forwarding import CommandState, Confirm, Deny
from meterwire.protocols.gdw376_2.frame import (
    Channel,
    Control,
    Downlink,
    Frame,
    Phase,
    Quality,
    Route,
    Uplink,
    dt,
    fn,
)
from meterwire.protocols.gdw376_2.functions import CONFIRMED, DENIED, layout
from meterwire.protocols.wire.codec import codec

HPLC: Final = 3
"""Communication mode of the control field."""
IDLE: Final = 0x7FFFFFFF
"""All channels of a confirmation, as captures show them idle."""
_FRAME: Final = codec(Frame)
_CHANNEL: Final = Channel(coding=0, channel=0)
_QUALITY: Final = Quality(answer=0, command=0)


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """What one frame says.

    Attributes:
        up: from the module to the concentrator.
        begins: PRM, whether the sender begins; otherwise it answers.
        afn, number: the function; number is None where DT names not exactly one.
        value: its data unit, octets where the layout is not known, None for none.
        sequence: an answer has that of its request.
        source, destination: A1 and A3, where there are addresses.
        relays: A2.
        mode: communication mode.
        phase, event: of an uplink: phase measured, an event waits.
        link: downlink, whether the meter is to be reached without the route's help.
        error: why the data unit could not be read; its octets are the value then.
    """

    up: bool
    begins: bool
    afn: int
    number: int | None
    value: Any = None
    sequence: int = 0
    source: str | None = None
    destination: str | None = None
    relays: tuple[str, ...] = ()
    mode: int = HPLC
    phase: int = 0
    event: bool = False
    link: bool = False
    error: MalformedError | None = None

    @property
    def is_foreign(self) -> bool:
        """Whether it names no mode of communication: another protocol in the same shell, see `south_grid`."""
        return not self.mode & 0x1F

    @property
    def key(self) -> tuple[int, int | None]:
        """The function."""
        return self.afn, self.number

    def octets(self) -> bytes:
        """The frame; raises `LocalProtocolError` where the value does not fit the function."""
        dt1, dt2 = dt(self.number or 1)
        with_address = self.destination is not None
        control = Control(direction=int(self.up), initiator=int(self.begins), mode=self.mode)
        return _FRAME.build(
            Frame(
                control,
                self._uplink(with_address) if self.up else self._downlink(with_address),
                self.source if with_address else None,
                None if self.up or not with_address else self.relays,
                self.destination,
                self.afn,
                dt1,
                dt2,
                self._data(),
            )
        )

    def _data(self) -> bytes:
        if self.value is None or isinstance(self.value, bytes):
            return self.value or b""
        return codec(type(self.value)).build(self.value)

    def _downlink(self, with_address: bool) -> Downlink:
        module, bypass, relays = int(with_address), int(self.link), len(self.relays)
        route = Route(relays=relays, collision=0, module=module, sub_node=0, bypass=bypass)
        return Downlink(route, _CHANNEL, 0, 0, self.sequence)

    def _uplink(self, with_address: bool) -> Uplink:
        route = Route(relays=0, collision=0, module=int(with_address), sub_node=0, bypass=0)
        phase = Phase(feature=0, phase=self.phase)
        return Uplink(route, _CHANNEL, phase, _QUALITY, int(self.event), self.sequence)

    def answered(self, value: Any) -> bytes:
        """The frame that answers this one with a data unit of the same function."""
        return self._reply(self.afn, self.number, value).octets()

    def confirmed(self, wait: int = 0) -> bytes:
        """The frame that confirms this one (AFN 00H F1)."""
        value = Confirm(CommandState(channels=IDLE, handled=1), wait)
        return self._reply(*CONFIRMED, value).octets()

    def denied(self, error: Denial) -> bytes:
        """The frame that denies this one (AFN 00H F2)."""
        return self._reply(*DENIED, Deny(error)).octets()

    def _reply(self, afn: int, number: int | None, value: Any) -> Unit:
        return Unit(
            up=not self.up,
            begins=False,
            afn=afn,
            number=number,
            value=value,
            sequence=self.sequence,
            source=self.destination,
            destination=self.source,
            mode=self.mode,
        )


def unit(frame: Frame) -> Unit:
    """What a frame says; a data unit that cannot be read is left as octets with its error."""
    control, number = frame.control, fn(frame.dt1, frame.dt2)
    value, error = _value(frame, number)
    information = frame.information
    up = bool(control.direction)
    return Unit(
        up=up,
        begins=bool(control.initiator),
        afn=frame.function,
        number=number,
        value=value,
        sequence=information.sequence,
        source=frame.source,
        destination=frame.destination,
        relays=frame.relays or (),
        mode=control.mode,
        phase=information.phase.phase if isinstance(information, Uplink) else 0,
        event=bool(information.event & 1) if isinstance(information, Uplink) else False,
        link=bool(information.route.bypass),
        error=error,
    )


def _value(frame: Frame, number: int | None) -> tuple[Any, MalformedError | None]:
    found = layout(frame.function, number, up=bool(frame.control.direction))
    if found is None:
        return frame.data or None, None
    try:
        return codec(found).parse(frame.data), None
    except MalformedError as error:
        return frame.data, error
