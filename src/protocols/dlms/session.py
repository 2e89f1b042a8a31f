"""One client association over a carrier: how it is made and ended, and exchanges of APDUs; it knows no service."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar, cast

import msgspec

from meterwire.errors import (
    LocalProtocolError,
    MeterwireError,
    NoAnswer,
    OutcomeUnknown,
    Refused,
    SecurityError,
    SequenceError,
)
from meterwire.protocols.dialogue import IGNORED, Ignored, Patience, Steps
from meterwire.protocols.dlms import reply_to_hls
from meterwire.protocols.dlms.acse import Aare, Rlre
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.association import Association
from meterwire.protocols.dlms.block_transfer import Sending, Source
from meterwire.protocols.dlms.carrier import Carrier
from meterwire.protocols.dlms.ciphering import GeneralBlockTransfer
from meterwire.protocols.dlms.client_services.get import get
from meterwire.protocols.dlms.general_blocks import GENERAL_BLOCK, MORE, Incoming, More, answer_to, built
from meterwire.protocols.dlms.handshake import Handshake, release_request, returned_octets
from meterwire.protocols.dlms.items import Target
from meterwire.protocols.dlms.security.counters import LAST
from meterwire.protocols.dlms.security.protection import PLAIN
from meterwire.protocols.dlms.security.settings import Security
from meterwire.protocols.dlms.service_errors import in_words
from meterwire.protocols.dlms.tries import Held, after
from meterwire.protocols.dlms.wrapper import LARGEST_APDU
from meterwire.protocols.dlms.xdlms.common import Invoke
from meterwire.protocols.dlms.xdlms.exceptions import ExceptionResponse
from meterwire.protocols.dlms.xdlms.initiate import ConfirmedServiceError
from meterwire.protocols.dlms.xdlms.notify import DataNotification, EventNotification
from meterwire.protocols.dlms.xdlms.short_names import InformationReport
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

T = TypeVar("T")

MOST_NOTIFICATIONS: Final = 64
"""Notifications that are kept for whoever asks for them; the oldest give way."""
UNASKED: Final = (DataNotification, EventNotification, InformationReport)
_DATA: Final = 1


class Session:
    """What one client says to one server, and the association between them.

    Args:
        carrier: the link between client and server.
        security: mechanism, secrets and ciphering of the association.
        patience: tries and time-out.
        max_pdu: longest APDU that the client takes, in octets.
        answer_limit: most octets of one answer in blocks.
        public: the link as the public client, to find out an invocation counter that nobody knows.

    Attributes:
        names: the objects by logical name, once their short names are known.
        notifications: what the server sent unasked while an answer was waited for, the latest last.
    """

    def __init__(
        self,
        carrier: Carrier,
        security: Security,
        patience: Patience,
        max_pdu: int,
        answer_limit: int,
        public: Carrier | None = None,
    ) -> None:
        self.carrier, self.security, self._public = carrier, security, public
        self.patience, self.max_pdu, self.answer_limit = patience, max_pdu, answer_limit
        self.association: Association | None = None
        self.names: dict[bytes, Any] | None = None
        self.notifications: deque[Any] = deque(maxlen=MOST_NOTIFICATIONS)
        self._invoke = self._long_invoke = 0
        self._challenge = b""

    # ------------------------------------------------------------ association

    def ready(self) -> Steps[Association]:
        """The association, opened now if there is none."""
        return self.association or (yield from self.associate())

    def associate(self) -> Steps[Association]:
        """AARQ and AARE, and with high-level security the proofs of both sides."""
        self.association, self.names, security = None, None, self.security
        known = not security.counted or security.sending is not None
        if not known:
            yield from self._first_contact()
        yield from self.carrier.open(self.patience)
        try:
            made = yield from self._associate()
        except Refused:
            if not known or not security.counted or self._public is None or not (yield from self._first_contact()):
                raise
            yield from self.carrier.open(self.patience)
            made = yield from self._associate()
        self.association = made
        return made

    def _associate(self) -> Steps[Association]:
        def accept(octets: bytes) -> Aare | Ignored:
            apdu = codec(APDU).parse(octets)
            _raise_exception(apdu)
            return apdu.value if isinstance(apdu.value, Aare) else IGNORED

        handshake = Handshake(self.security, self.max_pdu, self._challenge)
        aare = yield from self._carried(handshake.aarq, accept)
        made = handshake.accepted(aare)
        self._challenge = handshake.challenge
        if handshake.pending:
            yield from self._prove(handshake, made)
        self._remember()
        return made

    def _remember(self) -> None:
        """What has been taken of the server outlives this program where somebody keeps it."""
        if self.security.remember is not None and self.security.received.expected:
            self.security.remember(self.security.received.expected)

    def _prove(self, handshake: Handshake, made: Association) -> Steps[None]:
        """Passes 3 and 4 of high-level security."""
        invoke = self.next_invoke()

        def make() -> bytes:
            plain = reply_to_hls.request(handshake.answer(), invoke, short_names=made.short_names)
            return made.protection.protect(codec(APDU).build(plain))

        def accept(octets: bytes) -> Variant | Ignored | None:
            apdu = codec(APDU).parse(made.protection.unprotect(octets))
            _raise_exception(apdu)
            return reply_to_hls.returned(apdu.value, invoke)

        handshake.conclude(returned_octets((yield from self._carried(make, accept))))

    def _first_contact(self) -> Steps[bool]:
        """Let the counter go on from where the server says it is; say whether that moved it."""
        if self._public is None:
            raise SecurityError("the invocation counter is not known, and there is no public client to ask for it")
        public = Session(self._public, Security(), self.patience, self.max_pdu, self.answer_limit)
        target = Target(_DATA, self.security.counter_object, 2)
        yield from self.carrier.close(self.patience)
        yield from public.ready()
        outcome = yield from get(public, target)
        yield from public.release()
        told = outcome.value if isinstance(outcome, Variant) else None
        if not isinstance(told, int) or isinstance(told, bool) or not 0 <= told < LAST:
            raise SecurityError("the meter does not tell its invocation counter to the public client")
        sending = self.security.sending
        if sending is None:
            self.security.sending = self.security.counter_from(told + 1)
            return True
        before = sending.next
        sending.skip_to(told + 1)
        return sending.next > before

    def release(self) -> Steps[None]:
        """RLRQ and RLRE, and the end of the link."""
        made, self.association = self.association, None
        if made is not None:
            self._remember()
            ended = (Rlre, ExceptionResponse)  # a server that knows of no association says so with an exception

            def accept(octets: bytes) -> Ignored | None:
                return None if isinstance(codec(APDU).parse(octets).value, ended) else IGNORED

            yield from self._carried(lambda: release_request(made, self.max_pdu), accept)
        yield from self.carrier.close(self.patience)

    # ------------------------------------------------------------ one exchange

    @property
    def short_names(self) -> bool:
        """Whether the association references objects by short names."""
        return self.association is not None and self.association.short_names

    @property
    def room(self) -> int:
        """Longest plain APDU that the server takes."""
        made = self.association
        return LARGEST_APDU if made is None else (made.max_pdu or LARGEST_APDU) - made.protection.overhead

    def agreed_on(self, service: str) -> bool:
        """Whether a bit of the conformance block is set in what was agreed."""
        return self.association is not None and bool(getattr(self.association.conformance, service))

    def fits(self, apdu: Variant, blocks: str) -> bool:
        """Whether a request goes as it is, whole or by general block transfer; else by the blocks of its service.

        Raises:
            LocalProtocolError: it is too long, and the server agreed to no blocks that would help.
        """
        octets = len(codec(APDU).build(apdu))
        if octets <= self.room:
            return True
        if self.agreed_on(blocks):
            return False
        if self.agreed_on("general_block_transfer"):
            return True
        raise LocalProtocolError(f"{octets} octets are too long for the meter, which takes {self.room} and no blocks")

    def request(
        self, tag: ApduTag, request: Any, kinds: tuple[type, ...], *, repeatable: bool = True, changes: bool = True
    ) -> Steps[Any]:
        """Send a request and wait for an answer of these kinds with its invoke id; see `exchange`."""

        def accept(apdu: Variant) -> Any:
            answer = apdu.value
            mine = isinstance(answer, kinds) and cast("Any", answer).invoke.number == request.invoke.number
            return answer if mine else IGNORED

        return (yield from self.exchange(Variant(tag, request), accept, repeatable=repeatable, changes=changes))

    def exchange(
        self,
        apdu: Variant,
        accept: Callable[[Variant], T | Ignored],
        *,
        repeatable: bool = True,
        changes: bool = True,
    ) -> Steps[T]:
        """Send an APDU of the association, in general blocks where it must be, and wait for what `accept` takes.

        Args:
            apdu: the request.
            accept: gives the result for an answer, or `IGNORED`.
            repeatable: whether it may be sent again: reads alone.
            changes: whether a lost answer leaves something unknown.

        Raises:
            Refused: the server answers with an exception.
            NoAnswer: nothing usable came.
            OutcomeUnknown: the answer to what must not be repeated was lost.
        """
        plain = codec(APDU).build(apdu)
        made = self.association
        protection = made.protection if made else PLAIN
        incoming = Incoming(self.answer_limit)

        def judge(octets: bytes) -> T | Ignored:
            answer = codec(APDU).parse(protection.unprotect(octets))
            _raise_exception(answer)
            if isinstance(answer.value, UNASKED):
                self.notifications.append(answer.value)
                return IGNORED
            return accept(answer)

        def take(octets: bytes) -> T | Ignored | More:
            if octets[:1] != GENERAL_BLOCK or not self.agreed_on("general_block_transfer"):
                return judge(octets)
            whole = incoming.take(octets)
            return judge(whole) if isinstance(whole, bytes) else whole

        def make() -> bytes:
            return incoming.acknowledgement() if incoming.begun else protection.protect(plain)

        try:
            found: Any
            if len(plain) > self.room:
                found = yield from self._in_blocks(protection.protect(plain), take, incoming, repeatable=repeatable)
            else:
                found = yield from self._begun(make, take, incoming, repeatable=repeatable)
            while isinstance(found, More):
                found = yield from self._carried(incoming.acknowledgement, take)
        except Refused:
            raise
        except OutcomeUnknown as lost:
            self.association = None
            raise lost if changes else NoAnswer(str(lost)) from None
        except MeterwireError:
            self.association = None  # the line or the meter lost its way: begin again
            raise
        return cast("T", found)

    def _begun(
        self, make: Callable[[], bytes], take: Callable[[bytes], Any], incoming: Incoming, *, repeatable: bool
    ) -> Steps[Any]:
        """Send, and wait for the answer or the beginning of one: the rest of it may always be asked for."""
        try:
            return (yield from self._carried(make, take, repeatable=repeatable))
        except (NoAnswer, OutcomeUnknown):
            if not incoming.begun:
                raise
            return MORE

    def tell(self, apdu: bytes) -> Steps[None]:
        """Send an APDU that has no answer.

        Raises:
            LocalProtocolError: it is too long for one.
        """
        protection = self.association.protection if self.association else PLAIN
        if len(apdu) > self.room:
            raise LocalProtocolError(f"{len(apdu)} octets are too long for the meter, which takes {self.room}")
        yield from self.carrier.tell(protection.protect(apdu))

    def _in_blocks(
        self, octets: bytes, take: Callable[[bytes], Any], incoming: Incoming, *, repeatable: bool
    ) -> Steps[Any]:
        """Send by general block transfer, as many blocks in a row as the server has said that it takes.

        Until the last block is there nothing is done, and it is no request by itself: what was lost is sent again.
        """
        made = cast("Association", self.association)
        sending = Sending(Source((octets,)), made.max_pdu or LARGEST_APDU)
        while True:
            *streamed, last = sending.blocks()
            for block in streamed:
                yield from self.carrier.queue(built(block))
            make = partial(_or_the_rest, built(last), incoming)
            try:
                found = yield from self._begun(make, answer_to(last, take), incoming, repeatable=True)
                if not isinstance(found, GeneralBlockTransfer):
                    return found
                sending.acknowledge(found.acknowledged, found.control.window)
            except (NoAnswer, SequenceError) as error:
                if repeatable or not last.control.last:
                    raise
                raise OutcomeUnknown(f"{error}: read back before trying again") from error

    def _carried(
        self, make: Callable[[], bytes], accept: Callable[[bytes], T | Ignored], *, repeatable: bool = True
    ) -> Steps[T]:
        """Send what `make` gives, made anew for every try: a ciphered APDU bears a new counter each time."""
        tries, once, stale = self.patience.tries, msgspec.structs.replace(self.patience, tries=1), Held()
        if self.carrier.recovers or not repeatable:
            tries, once = min(tries, 1), self.patience  # the link tries again by itself, and never the APDU
        take = stale.passing_over(accept)
        for left in reversed(range(tries)):
            try:
                return (yield from self.carrier.exchange(make(), take, once, repeatable=repeatable))
            except NoAnswer as silence:
                if not left:
                    raise stale.error or after(silence, tries) from None
        raise NoAnswer(f"no answer from {self.patience.peer}: no tries are allowed")

    def next_invoke(self) -> Invoke:
        """The invoke id of another confirmed request."""
        self._invoke = (self._invoke + 1) & 15
        return Invoke(priority=1, service_class=1, number=self._invoke)

    def next_long_invoke(self) -> int:
        """The number of another request with a long invoke id."""
        self._long_invoke = (self._long_invoke + 1) & 0xFFFFFF
        return self._long_invoke


def _or_the_rest(octets: bytes, incoming: Incoming) -> bytes:
    """An APDU, or once its answer has begun what asks for the rest of it."""
    return incoming.acknowledgement() if incoming.begun else octets


def _raise_exception(apdu: Variant) -> None:
    """The server could not even begin to serve the request."""
    answer = apdu.value
    if isinstance(answer, ExceptionResponse):
        state = getattr(answer.state_error, "name", str(answer.state_error)).lower().replace("_", " ")
        service = answer.service_error.tag
        named = getattr(service, "name", str(service)).lower().replace("_", " ")
        raise Refused(service, f"exception response: {state}, {named}")
    if isinstance(answer, ConfirmedServiceError):
        raise Refused(answer.error, in_words(answer.service, answer.error_class, answer.error))
