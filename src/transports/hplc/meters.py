"""What lies behind a node: a meter's responder, the line between them, and how the meter's frames are told apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from meterwire.errors import MeterwireError
from meterwire.protocols.dialogue import LineSettings, Responder
from meterwire.protocols.dlt645.frame import Frame as Frame645
from meterwire.protocols.dlt69845.link import EDITION, Link
from meterwire.protocols.gdw376_2.codes import MeterProtocol
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Frame, Framer

_WAKE: Final = b"\xfe"
_LAYOUTS: Final[dict[int, tuple[Any, int | None]]] = {
    MeterProtocol.DLT645_1997: (Frame645, None),
    MeterProtocol.DLT645_2007: (Frame645, None),
    MeterProtocol.DLT69845: (Link, EDITION),  # the editions are of the same length
}


class Behind:
    """A meter and its node.

    Args:
        protocol: what the meter speaks.
        connect: makes its responder; made when the node first speaks to it.
        commit: makes durable what answers acknowledge.
        phases: of the meter, 1 or 3; 0 leaves it to the network.
    """

    def __init__(
        self,
        protocol: MeterProtocol,
        connect: Callable[[], Responder],
        commit: Callable[[], None] | None = None,
        phases: int = 0,
    ) -> None:
        self.protocol, self.phases = protocol, phases
        self._connect, self._commit = connect, commit
        self._responder: Responder | None = None

    def ask(self, octets: bytes, now: float) -> bytes:
        """What the meter answers; nothing for silence, and for a meter that hangs up."""
        if self._responder is None:
            self._responder = self._connect()
        try:
            answers = self._responder.receive(octets, now) + self._responder.idle(now)
        except MeterwireError:
            self._responder = None
            return b""
        if self._commit is not None and any(answer.durable for answer in answers):
            self._commit()
        return b"".join(answer.octets for answer in answers)


def line_seconds(baud: int, octets: int) -> float:
    """How long octets take between node and meter."""
    return LineSettings(baud, 8, "E", 1).seconds(octets)


def pieces(protocol: int, octets: bytes) -> list[bytes]:
    """The meter's frames that stand back to back; everything as one piece where they cannot be told apart."""
    layout = _LAYOUTS.get(protocol)
    if layout is None:
        return [octets]
    framer: Framer[Any] = Framer(codec(*layout), fill=_WAKE, limit=max(len(octets), 1))
    found = framer.receive(octets) + framer.idle()
    return [one.octets for one in found if isinstance(one, Frame)] or [octets]
