"""A meter behind the module: its frames wrapped into the module's, and what the module answers taken out again.

The dialogue of any dialect runs through a tunnel unchanged: `through` wraps it into a dialogue of the local interface.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any, Final, TypeVar

from meterwire.errors import LocalProtocolError, Refused
from meterwire.protocols.dialogue import Receive, Send, Steps
from meterwire.protocols.gdw376_2.codes import Denial, MeterProtocol
from meterwire.protocols.gdw376_2.forwarding import ConcurrentRequest, Deny, MonitorRequest
from meterwire.protocols.gdw376_2.frame import Frame
from meterwire.protocols.gdw376_2.functions import DENIED
from meterwire.protocols.gdw376_2.unit import Unit, unit
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Frame as Framed
from meterwire.protocols.wire.framing import Framer

T = TypeVar("T")

MONITOR: Final = (0x13, 1)
CONCURRENT: Final = (0xF1, 1)
WAYS: Final = {"monitor": MONITOR, "concurrent": CONCURRENT}
"""How a frame goes to its meter: one meter at a time (13H F1), or several at once (F1H F1)."""
FRAME_LIMIT: Final = 8192
"""Longest frame of the local interface that is put together, octets."""
LONGEST_MONITORED: Final = 255
NO_ADDRESS: Final = "000000000000"
REQUESTS: Final = frozenset({(0x14, 1), (0x14, 2), (0x14, 3), (0x14, 4)})
"""What the module asks of the concentrator."""
Reported = Callable[[Unit], None]
Serve = Mapping[tuple[int, int | None], Callable[[Any], Any]]
NOTHING: Final[Serve] = {}


def framer() -> Framer[Frame]:
    """Cuts octets into frames of the local interface."""
    return Framer(codec(Frame), limit=FRAME_LIMIT)


class ReportsFirst:
    """A framer that gives reports before answers, so that whoever waits for an answer has confirmed them by then."""

    def __init__(self) -> None:
        self._framer = framer()

    def receive(self, data: bytes) -> list[Any]:
        """Octets arrived."""
        return sorted(self._framer.receive(data), key=_is_answer)

    def idle(self) -> list[Any]:
        """The line fell silent."""
        return sorted(self._framer.idle(), key=_is_answer)


def _is_answer(piece: Any) -> bool:
    return isinstance(piece, Framed) and not piece.message.control.initiator


def sequence_numbers() -> Iterator[int]:
    """1, 2 .. 255, 0, 1 ..: shared by everybody who speaks on one line."""
    return (number & 0xFF for number in count(1))


def acknowledgement(heard: Unit, serve: Serve = NOTHING) -> bytes | None:
    """What a frame that the module began waits for: an answer, or a confirmation; None for any other frame.

    Args:
        heard: the frame.
        serve: answers to what the module asks (AFN 14H), by function: data unit in, data unit out. Without one the
            module is denied, since only a concentrator that lets it lead can say.
    """
    if not (heard.up and heard.begins):
        return None
    if heard.key not in REQUESTS:
        return heard.confirmed()
    answer = serve.get(heard.key)
    return heard.denied(Denial.UNSUPPORTED) if answer is None else heard.answered(answer(heard.value))


class Tunnel:
    """The way to one meter.

    Args:
        address: of the meter, twelve digits.
        protocol: what it speaks.
        way: `monitor` or `concurrent`, see `WAYS`.
        module: the module's own address (A1); the standard wants it, modules take zeros.
        numbers: of the frames; give the same to all who share a line.
        reported: is told of every report of the module.
        serve: answers to what the module asks, see `acknowledgement`.
    """

    def __init__(
        self,
        address: str,
        protocol: MeterProtocol,
        *,
        way: str = "monitor",
        module: str = NO_ADDRESS,
        numbers: Iterator[int] | None = None,
        reported: Reported | None = None,
        serve: Serve = NOTHING,
    ) -> None:
        if len(address) != len(NO_ADDRESS) or not address.isdecimal():
            raise LocalProtocolError(f"a meter behind a module needs its address of twelve digits, not {address!r}")
        if way not in WAYS:
            raise LocalProtocolError(f"there is no way {way!r} to a meter: {', '.join(WAYS)}")
        self.address, self.protocol, self.module = address, protocol, module
        self._key = WAYS[way]
        self._numbers = sequence_numbers() if numbers is None else numbers
        self._reported, self._serve = reported, serve
        self._framer = framer()
        self._sequence = -1

    def wrap(self, octets: bytes) -> bytes:
        """The frame that takes octets to the meter."""
        self._sequence = next(self._numbers)
        return Unit(
            up=False,
            begins=True,
            afn=self._key[0],
            number=self._key[1],
            value=self._request(octets),
            sequence=self._sequence,
            source=self.module,
            destination=self.address,
        ).octets()

    def _request(self, octets: bytes) -> Any:
        if self._key == CONCURRENT:
            return ConcurrentRequest(self.protocol, 0, octets)
        if len(octets) > LONGEST_MONITORED:
            raise LocalProtocolError(f"a frame of {len(octets)} octets does not fit into 13H F1: use way=concurrent")
        return MonitorRequest(self.protocol, 0, (), octets)

    def receive(self, octets: bytes) -> tuple[bytes, bytes]:
        """Octets came from the module: what the meter said in them, and what the module is to be answered.

        Raises:
            Refused: with a `Denial`; the module did not reach the meter.
        """
        return self._taken(self._framer.receive(octets))

    def idle(self) -> tuple[bytes, bytes]:
        """Nothing more comes."""
        return self._taken(self._framer.idle())

    def _taken(self, pieces: list[Any]) -> tuple[bytes, bytes]:
        inner, back = b"", b""
        denial: Refused | None = None
        for piece in pieces:
            if not isinstance(piece, Framed):
                continue
            heard = unit(piece.message)
            reply = acknowledgement(heard, self._serve)
            if reply is not None:
                back += reply
                if self._reported is not None:
                    self._reported(heard)
            elif self.is_answer(heard):
                try:
                    inner += self.content(heard)
                except Refused as refused:
                    denial = refused
        if denial is not None and not back:
            raise denial
        return inner, back

    def is_answer(self, heard: Unit) -> bool:
        """Whether a frame answers the last one sent."""
        return heard.up and not heard.begins and heard.sequence == self._sequence

    def content(self, heard: Unit) -> bytes:
        """What the meter said in an answer; raises `Refused` where the module did not reach it."""
        if heard.key == DENIED and isinstance(heard.value, Deny):
            raise Refused(heard.value.error)
        if heard.key != self._key or isinstance(heard.value, bytes) or heard.value is None:
            return b""
        octets: bytes = heard.value.frames if self._key == CONCURRENT else heard.value.frame
        if not octets:
            raise Refused(Denial.METER_SILENT)
        return octets


def through(dialogue: Steps[T], tunnel: Tunnel) -> Steps[T]:
    """A dialogue with a meter as a dialogue with the module in front of it."""
    try:
        step = next(dialogue)
        while True:
            now, octets = yield Send(tunnel.wrap(step.octets)) if isinstance(step, Send) else step
            inner = b""
            if isinstance(step, Receive):
                try:
                    inner, back = tunnel.receive(octets) if octets else tunnel.idle()
                except Refused as refused:
                    step = dialogue.throw(refused)
                    continue
                if back:
                    now, _ = yield Send(back)
                if not inner and now < step.until:
                    continue
            step = dialogue.send((now, inner))
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        dialogue.close()
