"""What one client of one DL/T 698.45 connection has: the meter, what was agreed, an answer not fetched yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache
from typing import Any, Final, Protocol

from meterwire.errors import SecurityError
from meterwire.meter_model.access import Authority
from meterwire.meter_model.faces.dlt69845.conformance import FRAME_SIZE, TIMEOUT
from meterwire.meter_model.faces.dlt69845.objects import Readable
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.services.common import Piid, PiidAcd
from meterwire.protocols.wire.codec import Codec, codec
from meterwire.protocols.wire.remembering import Remembering, remembering

APDU_SIZE: Final = 1024
"""Longest APDU the meter sends where nothing smaller was agreed, octets."""


class Meter(Readable, Protocol):
    """What the face needs of a meter."""

    @property
    def identity(self) -> Any:
        """Has `address`, twelve digits, and `secrets`."""

    @property
    def parameters(self) -> Any:
        """What can be set, by name."""

    @property
    def answers(self) -> bool:
        """Whether anything is answered: without power only after the button was pressed."""


class NoElement:
    """In place of a session of a secure element, where a meter has none."""

    is_open = False

    def open(self, _: Any) -> Any:
        """Nobody can prove himself."""
        raise SecurityError("the meter has no secure element")

    def unprotect(self, *_: Any) -> bytes:
        """Nothing can be checked."""
        raise SecurityError("the meter has no secure element")

    def volunteer(self, *_: Any) -> Any:
        """Nothing can be protected."""
        raise SecurityError("the meter has no secure element")

    def vouched(self, *_: Any) -> None:
        """Nothing can be checked."""
        raise SecurityError("the meter has no secure element")

    def end(self) -> None:
        """There is nothing to end."""

    def close(self) -> None:
        """There is nothing to close."""


class Context:
    """What a handler of a service is given beside the request.

    Args:
        meter: what is read and changed.
        edition: of the standard, 2017 or 2021.

    Attributes:
        apdu_size: longest APDU of an answer, octets, as agreed.
        frame_size: longest frame of an answer, octets, as agreed; a longer APDU goes in pieces.
        connected: when the application connection was made, None without one.
        timeout: seconds without a request after which it ends.
        blocks: the pieces of a long answer, kept for GET next.
        authority: how far the client has proven who he is.
        mechanism: by which he has done so, as CONNECT numbers them.
        client: his address, that of the present request.
        element: what the secure element does for this connection.
        reporter: tells the client what has happened, None for nobody.
        delay: seconds of the device's own time after which the present answer leaves; 0 for at once.
        requests: reads APDUs of clients.
        answers: builds APDUs for them.
        changed: whether the present request has changed the meter, so that its state is stored before the answer goes.
    """

    def __init__(self, meter: Any, edition: int) -> None:
        self.meter, self.edition = meter, edition
        self.apdu_size, self.frame_size = APDU_SIZE, FRAME_SIZE
        self.connected: dt.datetime | None = None
        self.timeout = TIMEOUT
        self.blocks: Any = []
        self.authority, self.mechanism = Authority.PUBLIC, 0
        self.client, self.changed = 0, False
        self.delay = 0.0
        self.element: Any = meter.esam69845.session() if hasattr(meter, "esam69845") else NoElement()
        self.reporter: Any = None
        self.requests: Remembering[Apdu] = remembering(Apdu, edition)
        self.answers: Codec[Apdu] = codec(Apdu, edition)

    def codec(self, layout: Any) -> Codec[Any]:
        """The codec of a layout in the edition of this meter."""
        return codec(layout, self.edition)

    def now(self) -> dt.datetime:
        """The meter's own time."""
        now: dt.datetime = self.meter.clock.now()
        return now

    def forget(self) -> None:
        """Back to what holds without an application connection."""
        self.apdu_size, self.frame_size, self.blocks = APDU_SIZE, FRAME_SIZE, []
        self.connected, self.timeout = None, TIMEOUT
        self.authority, self.mechanism = Authority.PUBLIC, 0


Handler = Callable[[Context, Any], Any]
"""From a request (of GET, SET, ACTION and PROXY: the one inside) to the body of the answer APDU."""


@cache
def echo(piid: Piid) -> PiidAcd:
    """The identifier of the answer to a request."""
    return PiidAcd(priority=piid.priority, access=0, number=piid.number)
