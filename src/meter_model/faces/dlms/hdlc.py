"""The meter as a DLMS/COSEM server on an HDLC line: several clients on one line, each with a link of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from meterwire.meter_model.faces.dlms.client import ClientDlms
from meterwire.meter_model.faces.dlms.cosem_association import Policy
from meterwire.meter_model.faces.dlms.cosem_objects import Meter
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.protocols.dialogue import Answer
from meterwire.protocols.dlms.hdlc_carrier import COMMAND, RESPONSE
from meterwire.protocols.hdlc.address import ALL_STATION, CALLING, Address, parsed
from meterwire.protocols.hdlc.frame import Frame
from meterwire.protocols.hdlc.framer import HdlcFramer
from meterwire.protocols.hdlc.parameters import LARGEST_INFORMATION, LARGEST_WINDOW, Parameters
from meterwire.protocols.hdlc.session import INACTIVITY, Connected, Disconnected, Link, Message
from meterwire.protocols.hdlc.states import Role, State

OFFER: Final = Parameters(LARGEST_INFORMATION, LARGEST_INFORMATION, LARGEST_WINDOW, LARGEST_WINDOW)
"""What the meter can do, unless told otherwise."""
_LINKS: Final = 8
"""Links that one line may hold at a time."""


class FaceDlmsHdlc:
    """A meter seen through DLMS/COSEM over HDLC.

    Args:
        meter: what is read.
        allowed: how each client may associate, by its address.
        offer: information field and window that the meter can do.
        inactivity: seconds without a frame after which a link is gone; 0 for never.
        calling: the meter has placed the call, so that the address "calling physical device" is its own.
    """

    def __init__(
        self,
        meter: Meter,
        allowed: Mapping[int, Policy] | None = None,
        *,
        offer: Parameters = OFFER,
        inactivity: float = INACTIVITY,
        calling: bool = False,
    ) -> None:
        self.meter, self.services = meter, FaceDlms(meter, allowed)
        self.offer, self.inactivity, self.calling = offer, inactivity, calling

    def connect(self) -> ConnectionHdlc:
        """One line."""
        return ConnectionHdlc(self)

    def is_mine(self, address: Address) -> bool:
        """Whether an address is that of this meter; broadcasts are not."""
        identity = self.meter.identity
        if address.upper != identity.logical_device:
            return False
        calling = self.calling and address.lower == CALLING[max(1, address.size // 2)]
        return address.lower is None or address.lower == identity.physical_device or calling

    def hears(self, address: Address) -> bool:
        """Whether a broadcast is for this meter, too."""
        everybody = ALL_STATION[max(1, address.size // 2)]
        identity = self.meter.identity
        own = address.upper in (everybody, identity.logical_device)
        return own and address.lower in (None, everybody, identity.physical_device)


class ConnectionHdlc:
    """One line: its framer, and the link and association of each client on it."""

    link_type = Link
    """What one end of a link is."""

    def __init__(self, face: FaceDlmsHdlc) -> None:
        self._face = face
        self._framer = HdlcFramer()
        self._stations: dict[tuple[bytes, bytes], _Station] = {}
        self._durable = False

    def receive(self, octets: bytes, now: float) -> list[Answer]:
        """Octets arrived; what is sent in answer."""
        return self._answers(self._framer.receive(octets), now)

    def idle(self, now: float) -> list[Answer]:
        """The line fell silent: what is incomplete is given up."""
        return self._answers(self._framer.idle(), now)

    def _answers(self, pieces: list[Any], now: float) -> list[Answer]:
        answers = []
        for piece in pieces:
            message = getattr(piece, "message", None)
            self._durable = False
            octets = self._answer(message, now) if isinstance(message, Frame) else b""
            if octets:
                answers.append(Answer(octets, durable=self._durable))
        return answers

    def _answer(self, frame: Frame, now: float) -> bytes:
        address = parsed(frame.destination)
        if address is None or len(frame.source) != 1 or frame.source == b"\x01":
            return b""
        if address.is_broadcast:
            if self._face.hears(address):
                _Station(self._face, frame, self.link_type).hear(frame, now)
            return b""
        if not self._face.is_mine(address):
            return b""
        station = self._station(frame)
        octets = station.answer(frame, now)
        self._durable = station.durable
        return octets

    def _station(self, frame: Frame) -> _Station:
        key = frame.source, frame.destination
        found = self._stations.get(key)
        if found is None:
            if len(self._stations) >= _LINKS:
                self._forget_one()
            found = self._stations[key] = _Station(self._face, frame, self.link_type)
        return found

    def _forget_one(self) -> None:
        """Make room: a link that is not connected goes first, then the oldest."""
        idle = (key for key, one in self._stations.items() if one.link.state is not State.CONNECTED)
        del self._stations[next(idle, next(iter(self._stations)))]


class _Station:
    """The meter's end of one link, and the association over it."""

    def __init__(self, face: FaceDlmsHdlc, frame: Frame, link_type: type[Link]) -> None:
        self._face = face
        self.link = link_type(Role.SECONDARY, frame.destination, frame.source, face.offer, inactivity=face.inactivity)
        self._number = frame.source[0] >> 1
        self.durable = False
        self._client = self._fresh()

    def _fresh(self) -> ClientDlms:
        return ClientDlms(self._face.services, self._number, self._face.meter.identity.logical_device)

    def answer(self, frame: Frame, now: float) -> bytes:
        """What is sent when a frame has come."""
        self.durable = False
        for event in self.link.receive(frame, now):
            if isinstance(event, Connected | Disconnected):
                self._client = self._fresh()
            elif isinstance(event, Message):
                self._serve(event)
        octets = self.link.replies()
        if self.link.has_turn and self.link.state is State.CONNECTED:
            octets += self.link.turn()
        return octets

    def hear(self, frame: Frame, now: float) -> None:
        """A frame to everybody: nobody answers."""
        for event in self.link.receive(frame, now):
            if isinstance(event, Message):
                self._serve(event)

    def _serve(self, message: Message) -> None:
        if message.octets[:3] != COMMAND:
            return
        reply = self._client.serve(message.octets[3:])
        self.durable = reply.durable
        if message.numbered:
            for apdu in reply.apdus:
                self.link.send(RESPONSE + apdu)
