"""The meter as a DL/T 698.45 server: pure and synchronous, octets in, answers out."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.faces.dlt69845_association import FRAME_SIZE, LEAST_SIZE
from meterwire.meter_model.faces.dlt69845_context import APDU_SIZE, Context, Meter
from meterwire.meter_model.faces.dlt69845_services import respond
from meterwire.protocols.dialogue import Answer
from meterwire.protocols.dlt69845.address import Address, address_in
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.link import (
    EDITION,
    EDITIONS,
    Flag17,
    Flag21,
    FrameLength,
    Function,
    Link,
    LinkControl,
)
from meterwire.protocols.wire.codec import Codec, codec
from meterwire.protocols.wire.framing import Frame, Framer

_LENGTH: Final = FrameLength()  # what it says follows when the frame is built
_ANSWERING: Final = tuple(
    LinkControl(direction=1, started_by_client=1, scrambled=scrambled, function=Function.USER) for scrambled in (0, 1)
)


class Face69845:
    """A meter seen through DL/T 698.45.

    Args:
        meter: what is read.
        edition: of the standard, 2017 or 2021; raises LocalProtocolError for another.
    """

    def __init__(self, meter: Meter, *, edition: int = EDITION) -> None:
        if edition not in EDITIONS:
            raise LocalProtocolError(f"there is no edition {edition} of DL/T 698.45: {' or '.join(map(str, EDITIONS))}")
        self.meter, self.edition = meter, edition

    def connect(self) -> Connection69845:
        """One connection of a client."""
        return Connection69845(self)


class Connection69845:
    """One connection: its framer, and what its client has.

    Attributes:
        context: what handlers of services are given.
    """

    def __init__(self, face: Face69845) -> None:
        self._face = face
        self.context = Context(face.meter, face.edition)
        self._link: Codec[Link] = codec(Link, face.edition)
        self._apdu: Codec[Apdu] = codec(Apdu, face.edition)
        self._framer: Framer[Link] = Framer(self._link, fill=b"\xfe", limit=FRAME_SIZE)

    def receive(self, octets: bytes, now: float) -> list[Answer]:
        """Octets arrived; answers to the requests that are now complete."""
        del now
        return self._answers(self._framer.receive(octets))

    def idle(self, now: float) -> list[Answer]:
        """The line fell silent: what is incomplete is given up."""
        del now
        return self._answers(self._framer.idle())

    def _answers(self, pieces: list[Any]) -> list[Answer]:
        if not self._face.meter.answers:
            return []
        answers = []
        for piece in pieces:
            answer = self._answer(piece.message) if isinstance(piece, Frame) else None
            if answer is not None:
                answers.append(answer)
        return answers

    def _answer(self, link: Link) -> Answer | None:
        own = self._face.meter.identity.address
        meant = address_in(link)
        if not _is_request(link.control) or meant.logic or not meant.matches(own):
            return None
        body = respond(self.context, link.user)
        if body is None or not meant.is_answered:
            return None
        flag, octets = _wire(own, self._face.edition)
        user = self._apdu.build(Apdu.of(body))
        control = _ANSWERING[link.control.scrambled]
        return Answer(self._link.build(Link(_LENGTH, control, flag, octets, link.client, user)))


@lru_cache(maxsize=256)
def _is_request(control: LinkControl) -> bool:
    """From a client, and whole: fragments are not put together yet, and get no answer."""
    if control.direction or control.fragment or not control.started_by_client:
        return False
    return control.function == Function.USER


@lru_cache(maxsize=4096)
def _wire(digits: str, edition: int) -> tuple[Flag17 | Flag21, bytes]:
    return Address(digits).wire(edition)


__all__ = ["APDU_SIZE", "LEAST_SIZE", "Connection69845", "Face69845"]
