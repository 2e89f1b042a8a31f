"""GET: normal, with list, and the blocks of long answers (DLMS UA 1000-2, 9.3.6). All of it may be repeated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from meterwire.errors import MeterwireError, Refused, SequenceError
from meterwire.protocols.dialogue import IGNORED, Ignored, Steps
from meterwire.protocols.dlms.apdu import ApduTag
from meterwire.protocols.dlms.client_services import short_names
from meterwire.protocols.dlms.client_services.common import Outcome, descriptor, outcome_of
from meterwire.protocols.dlms.data import DATA
from meterwire.protocols.dlms.items import Target
from meterwire.protocols.dlms.wrapper import LARGEST_APDU
from meterwire.protocols.dlms.xdlms.common import DATA_CHOSEN, SelectiveAccess
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
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    from meterwire.protocols.dlms.session import Session

LIST_LIMIT: Final = 32
"""Most attributes asked for at once."""
_LIST_OCTETS, _ATTRIBUTE_OCTETS = 8, 10


def get(session: Session, target: Target, selection: SelectiveAccess | None = None) -> Steps[Outcome]:
    """One attribute, or a part of it, blocks put together."""
    found = yield from get_octets(session, target, selection)
    if isinstance(found, MeterwireError):
        return found
    data: Variant = codec(DATA).parse(found)
    return data


def get_octets(session: Session, target: Target, selection: SelectiveAccess | None = None) -> Steps[bytes | Refused]:
    """The same as encoded Data."""
    if session.short_names:
        return (yield from short_names.read(session, target, selection))
    request = GetRequestNormal(session.next_invoke(), descriptor(target), selection)
    kinds = (GetResponseNormal, GetResponseWithDatablock)
    answer = yield from session.request(ApduTag.GET_REQUEST, request, kinds)
    if isinstance(answer, GetResponseNormal):
        if answer.result.tag != DATA_CHOSEN:
            return Refused(answer.result.value)
        return codec(DATA).build(answer.result.value)
    try:
        return (yield from _blocks(session, answer))
    except Refused as refused:
        return refused


def _get_list(session: Session, targets: Sequence[Target]) -> Steps[list[Outcome]]:
    attributes = tuple(SelectedAttribute(descriptor(target)) for target in targets)
    request = GetRequestWithList(session.next_invoke(), attributes)
    kinds = (GetResponseWithList, GetResponseWithDatablock)
    answer = yield from session.request(ApduTag.GET_REQUEST, request, kinds)
    if isinstance(answer, GetResponseWithList):
        results = answer.results
    else:
        results = codec(RESULT_LIST).parse((yield from _blocks(session, answer)))
    if len(results) != len(targets):
        raise SequenceError(f"{len(results)} results came for {len(targets)} attributes")
    return [outcome_of(result) for result in results]


def _blocks(session: Session, answer: GetResponseWithDatablock) -> Steps[bytes]:
    """The octets of all blocks, asked for one after the other."""
    octets, expected = bytearray(), 1
    while True:
        block = answer.block
        if block.number != expected:
            raise SequenceError(f"block {block.number} came, block {expected} was due")
        if block.content.tag != DATA_CHOSEN:
            raise Refused(block.content.value)
        octets += block.content.value
        if len(octets) > session.answer_limit or not (block.content.value or block.last):
            raise SequenceError(f"blocks without end: {len(octets)} octets in {expected} blocks")
        if block.last:
            return bytes(octets)
        request = GetRequestNext(answer.invoke, expected)
        expected += 1
        answer = yield from _block(session, request, expected)


def _block(session: Session, request: GetRequestNext, expected: int) -> Steps[GetResponseWithDatablock]:
    def accept(apdu: Variant) -> GetResponseWithDatablock | Ignored:
        answer = apdu.value
        if isinstance(answer, GetResponseNormal) and answer.invoke.number == request.invoke.number:
            outcome = outcome_of(answer.result)
            raise outcome if isinstance(outcome, MeterwireError) else SequenceError("no block came")
        if not isinstance(answer, GetResponseWithDatablock) or answer.invoke.number != request.invoke.number:
            return IGNORED
        return IGNORED if answer.block.number == expected - 1 else answer  # a block sent twice

    return (yield from session.exchange(Variant(ApduTag.GET_REQUEST, request), accept))


def fetch(session: Session, targets: Sequence[Target]) -> Steps[dict[Target, Outcome]]:
    """Every target once, several in one request where the meter agreed to that."""
    agreed = yield from session.ready()
    wanted = list(dict.fromkeys(targets))
    size = 1
    if agreed.conformance.multiple_references:
        room = (agreed.max_pdu or LARGEST_APDU) - agreed.protection.overhead - _LIST_OCTETS
        size = max(1, min(LIST_LIMIT, room // _ATTRIBUTE_OCTETS))
    found: dict[Target, Outcome] = {}
    for start in range(0, len(wanted), size):
        lot = wanted[start : start + size]
        found.update(zip(lot, (yield from _fetch_lot(session, lot)), strict=True))
    return found


def _fetch_lot(session: Session, lot: list[Target]) -> Steps[list[Outcome]]:
    if len(lot) > 1:
        try:
            ask = short_names.read_list if session.short_names else _get_list
            return (yield from ask(session, lot))
        except Refused:
            pass  # some meters refuse the list as a whole: ask one by one
    outcomes = []
    for target in lot:
        outcomes.append((yield from _one(session, target)))  # noqa: PERF401  a comprehension cannot yield
    return outcomes


def _one(session: Session, target: Target) -> Steps[Outcome]:
    try:
        return (yield from get(session, target))
    except Refused as refused:
        return refused
