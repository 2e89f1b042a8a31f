"""What brings the APDUs of one client to one server and back: the wrapper here, HDLC in `hdlc_carrier`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from meterwire.protocols.dialogue import IGNORED, Ignored, Patience, Send, Steps, exchange
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.dlms.wrapper_framer import WrapperFramer
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Frame

T = TypeVar("T")


class Carrier(Protocol):
    """The link below a session."""

    @property
    def client(self) -> int:
        """Address of the client: source wPort, or HDLC client address."""

    @property
    def server(self) -> int:
        """Address of the server: its wPort, or upper HDLC address."""

    @property
    def recovers(self) -> bool:
        """Whether the link makes good what the line loses, so that an APDU is handed to it once."""

    def open(self, patience: Patience) -> Steps[None]:
        """Connect the link; nothing is sent where there is none to connect, or where it is connected."""

    def close(self, patience: Patience) -> Steps[None]:
        """Disconnect the link; nothing is sent where it is not connected."""

    def exchange(
        self, apdu: bytes, accept: Callable[[bytes], T | Ignored], patience: Patience, *, repeatable: bool
    ) -> Steps[T]:
        """Send an APDU and wait for the APDU that `accept` takes; see `dialogue.exchange`."""

    def queue(self, apdu: bytes) -> Steps[None]:
        """Send an APDU that goes before the one of the next exchange; what answers it is waited for there."""

    def tell(self, apdu: bytes) -> Steps[None]:
        """Send an APDU that nobody answers."""


class WrapperCarrier:
    """Each APDU in a wrapper; a link that needs no connecting (IEC 62056-47)."""

    recovers = False

    def __init__(self, client: int, server: int) -> None:
        self.client, self.server = client, server
        self._framer = WrapperFramer(lambda source, destination: (source, destination) == (server, client))

    def open(self, patience: Patience) -> Steps[None]:
        """Nothing is sent."""
        del patience
        yield from ()

    def close(self, patience: Patience) -> Steps[None]:
        """Nothing is sent."""
        del patience
        yield from ()

    def exchange(
        self, apdu: bytes, accept: Callable[[bytes], T | Ignored], patience: Patience, *, repeatable: bool
    ) -> Steps[T]:
        """Send an APDU in a wrapper and wait for one between the same ports that `accept` takes."""
        request = codec(Wrapper).build(Wrapper(self.client, self.server, apdu))

        def take(frame: Frame[Wrapper]) -> T | Ignored:
            message = frame.message
            if message.source != self.server or message.destination != self.client or not message.apdu:
                return IGNORED  # somebody else's, or a keep-alive
            return accept(message.apdu)

        return (yield from exchange(request, self._framer, take, patience, repeatable=repeatable))

    def queue(self, apdu: bytes) -> Steps[None]:
        """Send an APDU in a wrapper, at once."""
        yield from self.tell(apdu)

    def tell(self, apdu: bytes) -> Steps[None]:
        """Send an APDU in a wrapper."""
        yield Send(codec(Wrapper).build(Wrapper(self.client, self.server, apdu)))
