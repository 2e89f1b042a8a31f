"""One client and one server: addresses, link frames, the application connection, and one exchange of APDUs.

What is asked is no business of its own: a service gives its request, the tag of the answer, and what takes the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from meterwire.errors import LocalProtocolError, MalformedError, NoAnswer, Refused, SecurityError
from meterwire.protocols.dialogue import IGNORED, Ignored, Patience, Receive, Reply, Send, Steps
from meterwire.protocols.dlt69845.address import Address
from meterwire.protocols.dlt69845.apdu import Apdu, Service
from meterwire.protocols.dlt69845.client_link import WAKE, ClientLink
from meterwire.protocols.dlt69845.fragments import LIMIT
from meterwire.protocols.dlt69845.link import (
    EDITION,
    Function,
    Link,
)
from meterwire.protocols.dlt69845.login import Reception
from meterwire.protocols.dlt69845.security import Protection, Shield, overheard, unwrapped
from meterwire.protocols.dlt69845.services.common import Piid
from meterwire.protocols.dlt69845.services.connect import (
    ConnectRequest,
    ConnectResponse,
    ConnectResult,
    ErrorKind,
    Mechanism,
    ReleaseNotification,
    ReleaseRequest,
    ServerErrorResponse,
)
from meterwire.protocols.dlt69845.services.get import GetRequest
from meterwire.protocols.dlt69845.services.presence import LinkRequest
from meterwire.protocols.dlt69845.services.security import RefusedContent, SecurityResponse
from meterwire.protocols.dlt69845.time_tags import holds, tag_of
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Frame, Framer
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

T = TypeVar("T")

VERSION: Final = 0x0016
"""Version of the protocol that is offered; 0016H is what captures show."""
TIMEOUT: Final = 7200
"""Seconds of silence after which the connection may end, as asked for."""
FRAME_SIZE: Final = 1024
"""Longest frame that is offered; the annex of the standard shows the same."""


class Session:
    """What one client says to one server.

    Args:
        address: the meter's address, as text or `Address`; without one whoever is there is asked, and the address of
            the first answer is used from then on.
        client: the client's own address (CA), 0 to 255.
        patience: tries, time-out, and what to tell people.
        edition: of the standard that the meter follows, 2017 or 2021.
        wake: FEH octets in front of each frame: 4 on a serial line, none over TCP.
        scrambled: whether to add 33H to the user data (SC).
        frame_size: longest frame that is offered to the meter, octets.
        apdu_size: longest APDU that is offered, octets; what is longer than a frame comes in pieces.
        answer_limit: most octets of an APDU that is put together from pieces.
        protection: of the connection and of every request; an answer that is protected less is refused.
        clock: the client's local time, for LINK and time tags.
        tag: seconds that a request may be on its way (time tag), None for no tag; what the meter says unasked with a
            tag that does not hold is then left aside, without a receipt.

    Attributes:
        link: to the meter: addresses, frames and pieces.
        reception: answers the LINK requests of a meter that has dialled in.
        ended: the meter's word that it has ended the connection, None while it has not.
        report: is given each other APDU that the meter sends unasked; gives the body to answer with, or None.
        followed: is given what the meter tells in passing, with an answer (FollowReport).
        waits: whether the meter hinted with its last answer that it has something to tell (ACD).

    Raises:
        LocalProtocolError: one of these does not exist, or nobody answers at the address.
    """

    def __init__(
        self,
        *,
        address: str | Address | None = None,
        client: int = 16,
        patience: Patience | None = None,
        edition: int = EDITION,
        wake: int = 0,
        scrambled: bool = False,
        frame_size: int = FRAME_SIZE,
        apdu_size: int = FRAME_SIZE,
        answer_limit: int = LIMIT,
        protection: Protection | None = None,
        clock: Callable[[], dt.datetime] | None = None,
        tag: int | None = None,
    ) -> None:
        self.link = ClientLink(
            address,
            client,
            edition,
            wake=wake,
            scrambled=scrambled,
            frame_size=frame_size,
            answer_limit=answer_limit,
            unasked=self._unasked,
        )
        self.patience = patience or Patience(peer=str(self.address))
        self.apdu_size = apdu_size
        self._machine = None if protection is None else protection.machine
        self._mechanism = Mechanism.NULL if protection is None else protection.mechanism
        self._shield = Shield.CIPHER_MAC if protection is None else protection.shield
        self._clock, self._tag = clock, tag
        if tag is not None and (clock is None or not 0 < tag <= 0xFFFF):
            raise LocalProtocolError("a time tag needs a clock, and allows a delay of 1 to 65535 s")
        self.reception = Reception(clock)
        self.ended: ReleaseNotification | None = None
        self.report: Callable[[Apdu], Any | None] | None = None
        self.followed: Callable[[Variant], None] | None = None
        self.waits = False
        self._answer: Any = None
        self._number = 0
        self._apdu = codec(Apdu, edition)

    @property
    def address(self) -> Address:
        """Of the meter: the one given, or learnt from what it has sent."""
        return self.link.address

    @property
    def client(self) -> int:
        """The client's own address (CA)."""
        return self.link.client

    @property
    def edition(self) -> int:
        """Of the standard."""
        return self.link.edition

    @property
    def granted(self) -> ConnectResponse | None:
        """What the meter granted to the application connection that holds, None without one."""
        return self.link.granted

    @granted.setter
    def granted(self, granted: ConnectResponse | None) -> None:
        self.link.granted = granted

    # ------------------------------------------------------------ application connection

    def connect(self, password: str | None = None) -> Steps[ConnectResponse]:
        """CONNECT with the mechanism that protection or password ask for, else with none; gives what is granted.

        Raises:
            Refused: with a `ConnectResult`, or an `ErrorKind`.
            SecurityError: the meter has not proven itself, or its number is not known yet.
            NoAnswer: nothing usable came after all tries.
        """
        tries = self.patience.tries if self._machine is not None else 1  # a proof is good for one try
        while True:
            tries -= 1
            try:
                return (yield from self._connect(password))
            except NoAnswer:
                if tries <= 0:
                    raise

    def _connect(self, password: str | None) -> Steps[ConnectResponse]:
        self.granted, machine = None, self._machine
        proof = Variant(Mechanism.NULL, None)
        if machine is not None:
            proof = Variant(self._mechanism, machine.open(self.address.digits, self._mechanism))
        elif password is not None:
            proof = Variant(Mechanism.PASSWORD, password)
        body = self._offer(proof)

        def accept(answer: Any) -> ConnectResponse | Ignored:
            return answer if answer.piid.number == body.piid.number else IGNORED

        granted = yield from self.exchange(body, Service.CONNECT_RESPONSE, accept)
        if granted.result != ConnectResult.OK:
            raise Refused(granted.result)
        if machine is not None:
            machine.opened(granted.proof)
        self.granted, self.ended = granted, None
        return granted

    def _offer(self, proof: Variant) -> ConnectRequest:
        return ConnectRequest(
            self.next_piid(),
            VERSION,
            b"\xff" * 8,
            b"\xff" * 16,
            self.link.frame_size,
            self.link.frame_size,
            1,
            self.apdu_size,
            TIMEOUT,
            proof,
        )

    def release(self) -> Steps[None]:
        """RELEASE; nothing is sent where no connection was made."""
        if self.granted is None:
            return
        piid = self.next_piid()

        def accept(answer: Any) -> bool | Ignored:
            return True if answer.piid.number == piid.number else IGNORED

        yield from self.exchange(ReleaseRequest(piid), Service.RELEASE_RESPONSE, accept)
        self._forget()

    def _forget(self) -> None:
        self.granted = None
        if self._machine is not None:
            self._machine.close()

    # ------------------------------------------------------------ one exchange

    def next_piid(self) -> Piid:
        """The identifier of the next invocation: its number goes round through 64."""
        self._number = (self._number + 1) & 0x3F
        return Piid(number=self._number)

    def exchange(
        self, body: Any, service: Service, accept: Callable[[Any], T | Ignored], *, repeatable: bool = True
    ) -> Steps[T]:
        """Send a request and wait for its answer.

        Args:
            body: of the request; its PIID, or that of the request inside it, is a `next_piid`.
            service: of the answer.
            accept: gives the result for the body of an answer of this service, or `IGNORED`.
            repeatable: whether the request may be sent again; true for what changes nothing.

        Raises:
            Refused: with the `ErrorKind` or the `Dar` that the server gives for the request as a whole.
            MalformedError: the answer cannot be read.
            NoAnswer: nothing usable came after all tries.
            OutcomeUnknown: the answer to a request that must not be repeated was lost.
            SecurityError: the request cannot be protected, or its answer is protected less, wrongly, or is an old one.
        """
        number = body.piid.number if hasattr(body, "piid") else body.request.piid.number
        acknowledged = b""

        shield = self._shield_for(body)

        def take(frame: Frame[Link]) -> T | Ignored:
            nonlocal acknowledged
            link = frame.message
            if not self.link.is_from_server(link):
                return IGNORED
            user, reply = self.link.whole(link)
            if user is None:
                return reply
            acknowledged = reply.octets if isinstance(reply, Reply) else b""
            result = self._judged(user, service, accept, number, shield)
            if isinstance(result, Ignored):
                acknowledged = b""
                return result if isinstance(result, Reply) else reply
            self.link.learn(link)
            self._heed()
            return result

        self.link.forget()
        if self._tag is not None and self._clock is not None:
            body = msgspec.structs.replace(body, time_tag=tag_of(self._clock(), self._tag))
        user = self._apdu.build(Apdu.of(body))
        try:
            if shield is not None:
                return (yield from self._send_shielded(user, take, shield, repeatable=repeatable))
            return (yield from self.link.send(user, take, self.patience, repeatable=repeatable))
        finally:
            if acknowledged:
                yield Send(acknowledged)

    def _judged(
        self, user: bytes, service: Service, accept: Callable[[Any], T | Ignored], number: int, shield: Shield | None
    ) -> T | Ignored:
        apdu = self._understood(user, service)
        if apdu is None:
            return IGNORED
        _refusal(apdu, number)
        if shield is not None and self._machine is not None:
            if apdu.service == service:
                raise SecurityError("the answer to a protected request is not protected")
            if not isinstance(apdu.body, SecurityResponse):
                return IGNORED
            inside = unwrapped(self._machine, apdu.body, shield)
            apdu = self._apdu.parse(inside)
            _refusal(apdu, number)
        self._answer = apdu.body
        return accept(apdu.body) if apdu.service == service else IGNORED

    def _heed(self) -> None:
        """What came with the answer: the hint that something waits to be told (ACD), or what is told in passing."""
        body = self._answer
        piid = getattr(getattr(body, "response", body), "piid", None)
        self.waits = bool(getattr(piid, "access", 0))
        report = getattr(body, "follow_report", None)
        if report is not None and self.followed is not None:
            self.followed(report)

    def _shield_for(self, body: Any) -> Shield | None:
        """How a request is protected: what is no read must prove who asks."""
        if self._machine is None or isinstance(body, ConnectRequest):
            return None
        if self._shield.vouches or isinstance(body, GetRequest):
            return self._shield
        return Shield.CIPHER_MAC if self._shield.enciphered else Shield.PLAIN_MAC

    def _send_shielded(
        self, apdu: bytes, take: Callable[[Frame[Link]], T | Ignored], shield: Shield, *, repeatable: bool
    ) -> Steps[T]:
        """Each try is protected anew, because what was seen before is refused."""
        once = msgspec.structs.replace(self.patience, tries=1)
        tries = self.patience.tries if repeatable else 1
        machine: Any = self._machine
        while True:
            tries -= 1
            request = machine.protect(self.address.digits, apdu, shield)
            try:
                return (
                    yield from self.link.send(self._apdu.build(Apdu.of(request)), take, once, repeatable=repeatable)
                )
            except NoAnswer:
                if tries <= 0:
                    raise

    # ------------------------------------------------------------ what the meter says unasked

    def attend(self, seconds: float) -> Steps[None]:
        """Do nothing but answer what the meter says unasked: LINK requests, reports; ends when it logs in."""
        framer = Framer(self.link.codec, fill=WAKE)
        present, until, octets = self.reception.present, 0.0, b""
        now, _ = yield Send(b"")
        until = now + seconds
        while now < until and (present or not self.reception.present):
            now, octets = yield Receive(until)
            for piece in framer.receive(octets) if octets else []:
                if isinstance(piece, Frame) and self.link.is_from_server(piece.message):
                    _, reply = self.link.whole(piece.message)
                    if isinstance(reply, Reply) and reply.octets:
                        now, _ = yield Send(reply.octets)

    def _unasked(self, user: bytes, link: Link) -> Ignored:
        """What to send for an APDU that answers nothing; where the connection is protected, that must be too."""
        try:
            apdu = self._apdu.parse(user)
            body = apdu.body
            shielded = self._machine is not None and self.granted is not None and not isinstance(body, LinkRequest)
            if shielded:
                apdu = self._apdu.parse(self._overheard(body))
        except (MalformedError, SecurityError):
            return IGNORED
        self.link.learn(link)
        return self._heard(apdu, shielded=shielded)

    def _overheard(self, body: Any) -> bytes:
        if self._machine is None or not isinstance(body, SecurityResponse):
            raise SecurityError("what the meter says unasked is not protected as the connection is")
        return overheard(self._machine, body)

    def _heard(self, apdu: Apdu, *, shielded: bool) -> Ignored:
        body = apdu.body
        if isinstance(body, LinkRequest):
            return Reply(self._say(Apdu.of(self.reception.answer(body)), Function.LINK))
        if self._tag is not None and self._clock is not None and not holds(body, self._clock()):
            return IGNORED  # who sends time tags heeds those of the other side
        if isinstance(body, ReleaseNotification):
            self.ended = body
            self._forget()
            return IGNORED
        said = None if self.report is None else self.report(apdu)
        if said is None:
            return IGNORED
        if self._tag is not None and self._clock is not None:
            said = msgspec.structs.replace(said, time_tag=tag_of(self._clock(), self._tag))
        receipt = Apdu.of(said)
        if shielded and self._machine is not None:
            octets = self._apdu.build(receipt)
            shield = self._shield if self._shield.vouches else Shield.CIPHER_MAC
            receipt = Apdu.of(self._machine.acknowledge(self.address.digits, octets, shield))
        return Reply(self._say(receipt, Function.USER))

    def _say(self, apdu: Apdu, function: Function) -> bytes:
        return self.link.say(self._apdu.build(apdu), function)

    def _understood(self, user: bytes, service: Service) -> Apdu | None:
        """The APDU; what is none is the answer's fault where it begins like the answer, else somebody else's."""
        try:
            return self._apdu.parse(user)
        except MalformedError:
            if user[:1] == bytes([service]):
                raise
            return None


def _refusal(apdu: Apdu, number: int) -> None:
    body = apdu.body
    if isinstance(body, ServerErrorResponse) and (
        body.piid.number == number or body.error == ErrorKind.UNPARSEABLE  # who cannot read us cannot know the number
    ):
        raise Refused(body.error)
    if isinstance(body, SecurityResponse) and isinstance(body.content, RefusedContent):
        raise Refused(body.content.result)
