"""One client association over a carrier: exchanges, GET in all its forms, blocks put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, cast

from meterwire.errors import MeterwireError, Refused, SequenceError
from meterwire.protocols.dialogue import IGNORED, Ignored, Patience, Steps
from meterwire.protocols.dlms import association
from meterwire.protocols.dlms.acse import Aare, AuthenticationMechanism, Rlre, Rlrq
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.association import Association
from meterwire.protocols.dlms.carrier import Carrier
from meterwire.protocols.dlms.data import DATA
from meterwire.protocols.dlms.enums import ReleaseRequestReason
from meterwire.protocols.dlms.items import Target
from meterwire.protocols.dlms.wrapper import LARGEST_APDU
from meterwire.protocols.dlms.xdlms.common import DATA_CHOSEN, AttributeDescriptor, Invoke, SelectiveAccess
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

Outcome = Variant | MeterwireError
"""Data of an attribute, or why there is none."""


class Session:
    """What one client says to one server, and the association between them.

    Args:
        carrier: the link between client and server.
        secret: password of low-level security; empty for none.
        patience: tries and time-out.
        max_pdu: longest APDU that the client takes, in octets.
        answer_limit: most octets of one answer in blocks.
    """

    def __init__(self, carrier: Carrier, secret: bytes, patience: Patience, max_pdu: int, answer_limit: int) -> None:
        self.carrier, self._secret = carrier, secret
        self.patience, self.max_pdu, self.answer_limit = patience, max_pdu, answer_limit
        self.association: Association | None = None
        self._invoke = 0

    # ------------------------------------------------------------ association

    def ready(self) -> Steps[Association]:
        """The association, opened now if there is none."""
        return self.association or (yield from self.associate())

    def associate(self) -> Steps[Association]:
        """AARQ and AARE."""
        mechanism = AuthenticationMechanism.LOW if self._secret else AuthenticationMechanism.NONE
        octets = association.request(mechanism, self._secret, self.max_pdu)

        def accept(apdu: Variant) -> Aare | Ignored:
            _raise_exception(apdu)
            return apdu.value if isinstance(apdu.value, Aare) else IGNORED

        self.association = None
        yield from self.carrier.open(self.patience)
        aare = yield from self._exchange(octets, accept)
        self.association = association.agreed(aare, mechanism)
        return self.association

    def release(self) -> Steps[None]:
        """RLRQ and RLRE, and the end of the link."""
        if self.association is None:
            yield from self.carrier.close(self.patience)
            return
        self.association = None
        octets = codec(APDU).build(Variant(ApduTag.RLRQ, Rlrq(reason=ReleaseRequestReason.NORMAL)))
        ended = (Rlre, ExceptionResponse)  # a server that knows of no association says so with an exception
        yield from self._exchange(octets, lambda apdu: None if isinstance(apdu.value, ended) else IGNORED)
        yield from self.carrier.close(self.patience)

    # ------------------------------------------------------------ one exchange

    def _exchange(self, apdu: bytes, accept: Callable[[Variant], T | Ignored]) -> Steps[T]:
        """Send an APDU; everything a client sends here may be repeated."""

        def take(octets: bytes) -> T | Ignored:
            return accept(codec(APDU).parse(octets))

        try:
            return (yield from self.carrier.exchange(apdu, take, self.patience, repeatable=True))
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
