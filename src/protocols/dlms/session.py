"""One client association over a carrier: exchanges, GET in all its forms, blocks put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, cast

import msgspec

from meterwire.errors import LocalProtocolError, MeterwireError, NoAnswer, Refused, SecurityError, SequenceError
from meterwire.protocols.dialogue import IGNORED, Ignored, Patience, Steps
from meterwire.protocols.dlms.acse import Aare, Rlre
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.association import Association
from meterwire.protocols.dlms.carrier import Carrier
from meterwire.protocols.dlms.data import DATA, octet_string
from meterwire.protocols.dlms.enums import ActionResult
from meterwire.protocols.dlms.handshake import Handshake, release_request, returned_octets
from meterwire.protocols.dlms.items import Target
from meterwire.protocols.dlms.security.counters import LAST
from meterwire.protocols.dlms.security.protection import PLAIN
from meterwire.protocols.dlms.security.settings import Security
from meterwire.protocols.dlms.tries import Held, after
from meterwire.protocols.dlms.wrapper import LARGEST_APDU
from meterwire.protocols.dlms.xdlms.action import ActionRequestNormal, ActionResponseNormal
from meterwire.protocols.dlms.xdlms.common import (
    DATA_CHOSEN,
    AttributeDescriptor,
    Invoke,
    MethodDescriptor,
    SelectiveAccess,
)
from meterwire.protocols.dlms.xdlms.exceptions import ExceptionResponse
from meterwire.protocols.dlms.xdlms.get import (
    RESULT_LIST,
    GetRequestNext,
    GetRequestNormal,
    GetRequestWithList,
    GetResponseNormal,
    GetResponseWithDatablock,
    GetResponseWithList,
    SelectedAttribute,
)
from meterwire.protocols.dlms.xdlms.initiate import ConfirmedServiceError
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

T = TypeVar("T")

LIST_LIMIT: Final = 32
"""Most attributes asked for at once."""
_LIST_OCTETS, _ATTRIBUTE_OCTETS = 8, 10
_DATA, _ASSOCIATION_LN, _REPLY_TO_HLS = 1, 15, 1
_CURRENT_ASSOCIATION: Final = bytes((0, 0, 40, 0, 0, 255))

Outcome = Variant | MeterwireError
"""Data of an attribute, or why there is none."""


class Session:
    """What one client says to one server, and the association between them.

    Args:
        carrier: the link between client and server.
        security: mechanism, secrets and ciphering of the association.
        patience: tries and time-out.
        max_pdu: longest APDU that the client takes, in octets.
        answer_limit: most octets of one answer in blocks.
        public: the link as the public client, to find out an invocation counter that nobody knows.
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
        self._invoke = 0
        self._challenge = b""

    # ------------------------------------------------------------ association

    def ready(self) -> Steps[Association]:
        """The association, opened now if there is none."""
        return self.association or (yield from self.associate())

    def associate(self) -> Steps[Association]:
        """AARQ and AARE, and with high-level security the proofs of both sides."""
        self.association, security = None, self.security
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
        return made

    def _prove(self, handshake: Handshake, made: Association) -> Steps[None]:
        """Passes 3 and 4 of high-level security."""
        if made.short_names:
            raise LocalProtocolError("high-level security with short names is not served")
        invoke, method = self._next_invoke(), MethodDescriptor(_ASSOCIATION_LN, _CURRENT_ASSOCIATION, _REPLY_TO_HLS)

        def make() -> bytes:
            request = ActionRequestNormal(invoke, method, octet_string(handshake.answer()))
            return made.protection.protect(codec(APDU).build(Variant(ApduTag.ACTION_REQUEST, request)))

        def accept(octets: bytes) -> ActionResponseNormal | Ignored:
            apdu = codec(APDU).parse(made.protection.unprotect(octets))
            _raise_exception(apdu)
            answer = apdu.value
            mine = isinstance(answer, ActionResponseNormal) and answer.invoke.number == invoke.number
            return answer if mine else IGNORED

        outcome = (yield from self._carried(make, accept)).outcome
        if outcome.result != ActionResult.SUCCESS:
            raise SecurityError("the meter does not accept our answer to its challenge")
        returned = outcome.returned
        handshake.conclude(returned_octets(returned.value if returned and returned.tag == DATA_CHOSEN else None))

    def _first_contact(self) -> Steps[bool]:
        """Let the counter go on from where the server says it is; say whether that moved it."""
        if self._public is None:
            raise SecurityError("the invocation counter is not known, and there is no public client to ask for it")
        public = Session(self._public, Security(), self.patience, self.max_pdu, self.answer_limit)
        target = Target(_DATA, self.security.counter_object, 2)
        yield from self.carrier.close(self.patience)
        yield from public.ready()
        outcome = yield from public.get(target)
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
            ended = (Rlre, ExceptionResponse)  # a server that knows of no association says so with an exception

            def accept(octets: bytes) -> Ignored | None:
                return None if isinstance(codec(APDU).parse(octets).value, ended) else IGNORED

            yield from self._carried(lambda: release_request(made, self.max_pdu), accept)
        yield from self.carrier.close(self.patience)

    # ------------------------------------------------------------ one exchange

    def _exchange(self, apdu: bytes, accept: Callable[[Variant], T | Ignored]) -> Steps[T]:
        """Send an APDU of the association; everything a client sends here may be repeated."""
        protection = self.association.protection if self.association else PLAIN

        def take(octets: bytes) -> T | Ignored:
            return accept(codec(APDU).parse(protection.unprotect(octets)))

        return (yield from self._carried(lambda: protection.protect(apdu), take))

    def _carried(self, make: Callable[[], bytes], accept: Callable[[bytes], T | Ignored]) -> Steps[T]:
        """Send what `make` gives, made anew for every try: a ciphered APDU bears a new counter each time."""
        tries, once, stale = self.patience.tries, msgspec.structs.replace(self.patience, tries=1), Held()
        if self.carrier.recovers:
            tries, once = min(tries, 1), self.patience  # the link tries again by itself, and never the APDU
        take = stale.passing_over(accept)
        try:
            for left in reversed(range(tries)):
                try:
                    return (yield from self.carrier.exchange(make(), take, once, repeatable=True))
                except NoAnswer as silence:
                    if not left:
                        raise stale.error or after(silence, tries) from None
            raise NoAnswer(f"no answer from {self.patience.peer}: no tries are allowed")
        except Refused:
            raise
        except MeterwireError:
            self.association = None  # the line or the meter lost its way: begin again
            raise

    def _request(self, tag: ApduTag, request: Any, kinds: tuple[type, ...]) -> Steps[Any]:
        """Send a request and wait for an answer of these kinds with its invoke id."""

        def accept(apdu: Variant) -> Any:
            _raise_exception(apdu)
            answer = apdu.value
            mine = isinstance(answer, kinds) and cast("Any", answer).invoke.number == request.invoke.number
            return answer if mine else IGNORED

        return (yield from self._exchange(codec(APDU).build(Variant(tag, request)), accept))

    def _next_invoke(self) -> Invoke:
        self._invoke = (self._invoke + 1) & 15
        return Invoke(priority=1, service_class=1, number=self._invoke)

    # ------------------------------------------------------------ GET

    def get(self, target: Target, selection: SelectiveAccess | None = None) -> Steps[Outcome]:
        """One attribute, or a part of it, blocks put together."""
        request = GetRequestNormal(self._next_invoke(), _descriptor(target), selection)
        answer = yield from self._request(ApduTag.GET_REQUEST, request, (GetResponseNormal, GetResponseWithDatablock))
        if isinstance(answer, GetResponseNormal):
            return _outcome(answer.result)
        try:
            octets = yield from self._blocks(answer)
        except Refused as refused:
            return refused
        data: Variant = codec(DATA).parse(octets)
        return data

    def _get_list(self, targets: Sequence[Target]) -> Steps[list[Outcome]]:
        attributes = tuple(SelectedAttribute(_descriptor(target)) for target in targets)
        request = GetRequestWithList(self._next_invoke(), attributes)
        answer = yield from self._request(ApduTag.GET_REQUEST, request, (GetResponseWithList, GetResponseWithDatablock))
        if isinstance(answer, GetResponseWithList):
            results = answer.results
        else:
            results = codec(RESULT_LIST).parse((yield from self._blocks(answer)))
        if len(results) != len(targets):
            raise SequenceError(f"{len(results)} results came for {len(targets)} attributes")
        return [_outcome(result) for result in results]

    def _blocks(self, answer: GetResponseWithDatablock) -> Steps[bytes]:
        """The octets of all blocks, asked for one after the other."""
        octets, expected = bytearray(), 1
        while True:
            block = answer.block
            if block.number != expected:
                raise SequenceError(f"block {block.number} came, block {expected} was due")
            if block.content.tag != DATA_CHOSEN:
                raise Refused(block.content.value)
            octets += block.content.value
            if block.last:
                return bytes(octets)
            if not block.content.value or len(octets) > self.answer_limit:
                raise SequenceError(f"blocks without end: {len(octets)} octets in {expected} blocks")
            request = GetRequestNext(answer.invoke, expected)
            expected += 1
            answer = yield from self._block(request, expected)

    def _block(self, request: GetRequestNext, expected: int) -> Steps[GetResponseWithDatablock]:
        def accept(apdu: Variant) -> GetResponseWithDatablock | Ignored:
            _raise_exception(apdu)
            answer = apdu.value
            if isinstance(answer, GetResponseNormal) and answer.invoke.number == request.invoke.number:
                outcome = _outcome(answer.result)
                raise outcome if isinstance(outcome, MeterwireError) else SequenceError("no block came")
            if not isinstance(answer, GetResponseWithDatablock) or answer.invoke.number != request.invoke.number:
                return IGNORED
            return IGNORED if answer.block.number == expected - 1 else answer  # a block sent twice

        octets = codec(APDU).build(Variant(ApduTag.GET_REQUEST, request))
        return (yield from self._exchange(octets, accept))

    def fetch(self, targets: Sequence[Target]) -> Steps[dict[Target, Outcome]]:
        """Every target once, several in one request where the meter agreed to that."""
        agreed = yield from self.ready()
        wanted = list(dict.fromkeys(targets))
        size = 1
        if agreed.conformance.multiple_references:
            room = (agreed.max_pdu or LARGEST_APDU) - _LIST_OCTETS
            size = max(1, min(LIST_LIMIT, room // _ATTRIBUTE_OCTETS))
        found: dict[Target, Outcome] = {}
        for start in range(0, len(wanted), size):
            lot = wanted[start : start + size]
            found.update(zip(lot, (yield from self._fetch_lot(lot)), strict=True))
        return found

    def _fetch_lot(self, lot: list[Target]) -> Steps[list[Outcome]]:
        if len(lot) > 1:
            try:
                return (yield from self._get_list(lot))
            except Refused:
                pass  # some meters refuse the list as a whole: ask one by one
        outcomes = []
        for target in lot:
            outcomes.append((yield from self._one(target)))  # noqa: PERF401  a comprehension cannot yield
        return outcomes

    def _one(self, target: Target) -> Steps[Outcome]:
        try:
            return (yield from self.get(target))
        except Refused as refused:
            return refused


def _descriptor(target: Target) -> AttributeDescriptor:
    return AttributeDescriptor(target.class_id, target.instance, target.attribute)


def _outcome(result: Variant) -> Outcome:
    outcome: Outcome = result.value if result.tag == DATA_CHOSEN else Refused(result.value)
    return outcome


def _raise_exception(apdu: Variant) -> None:
    """The server could not even begin to serve the request."""
    answer = apdu.value
    if isinstance(answer, ExceptionResponse):
        state = getattr(answer.state_error, "name", str(answer.state_error)).lower().replace("_", " ")
        service = answer.service_error.tag
        named = getattr(service, "name", str(service)).lower().replace("_", " ")
        raise Refused(service, f"exception response: {state}, {named}")
    if isinstance(answer, ConfirmedServiceError):
        raise Refused(answer.error, f"service {answer.service} failed: error {answer.error_class}.{answer.error}")
