"""READ and WRITE with short names, blocks put together (DLMS UA 1000-2, 9.3.14 to 9.3.17; IEC 62056-6-2, 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from meterwire.errors import LocalProtocolError, Refused, SequenceError
from meterwire.protocols.dialogue import IGNORED, Steps
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.block_transfer import block_room
from meterwire.protocols.dlms.client_services.common import Outcome
from meterwire.protocols.dlms.cosem.method_offsets import attribute_name, method_name
from meterwire.protocols.dlms.data import DATA, elements, integer, octet_string
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.dlms.items import Target
from meterwire.protocols.dlms.xdlms import short_names as names
from meterwire.protocols.dlms.xdlms.common import SelectiveAccess
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    from meterwire.protocols.dlms.session import Session

ASSOCIATION_NAME: Final = 0xFA00
OBJECT_LIST: Final = attribute_name(ASSOCIATION_NAME, 2)
_BLOCK: Final = 9


class Named(msgspec.Struct, frozen=True):
    """An object of the list: its base name and what it is."""

    base: int
    class_id: int
    version: int
    instance: bytes


def object_list(session: Session) -> Steps[list[Named]]:
    """The objects that the association lets us see (Association SN, object_list); kept by the session."""
    found = yield from _read(session, names.VariableName(OBJECT_LIST))
    if isinstance(found, Refused):
        raise found
    listed = elements(codec(DATA).parse(found)) or ()
    objects = [one for entry in listed if (one := _named(entry)) is not None]
    session.names = {one.instance: one for one in objects}
    return objects


def _named(entry: Any) -> Named | None:
    members = elements(entry) or ()
    if len(members) < 4:
        return None
    base, class_id, version = (integer(member) for member in members[:3])
    instance = members[3].value if isinstance(members[3], Variant) else None
    if base is None or class_id is None or version is None or not isinstance(instance, bytes) or len(instance) != 6:
        return None
    return Named(base & 0xFFFF, class_id, version, instance)


def _found(session: Session, target: Target) -> Steps[Named]:
    if session.names is None:
        yield from object_list(session)
    found = cast("dict[bytes, Named]", session.names).get(target.instance)
    if found is None:
        raise Refused(DataAccessResult.OBJECT_UNDEFINED, "the meter lists no such object")
    return found


def _variable(session: Session, target: Target) -> Steps[int]:
    found = yield from _found(session, target)
    return attribute_name(found.base, target.attribute) & 0xFFFF


# ---------------------------------------------------------------- READ


def read(session: Session, target: Target, selection: SelectiveAccess | None = None) -> Steps[bytes | Refused]:
    """The encoded Data of one attribute, or a part of it."""
    try:
        name = yield from _variable(session, target)
    except Refused as refused:
        return refused
    if selection is None:
        return (yield from _read(session, names.VariableName(name)))
    return (yield from _read(session, names.ParameterizedAccess(name, selection.selector, selection.parameters)))


def read_list(session: Session, targets: Sequence[Target]) -> Steps[list[Outcome]]:
    """Several attributes in one request."""
    variables = []
    for target in targets:
        variables.append(names.VariableName((yield from _variable(session, target))))  # noqa: PERF401  it yields
    results = yield from _results(session, tuple(variables))
    if len(results) != len(targets):
        raise SequenceError(f"{len(results)} results came for {len(targets)} attributes")
    return [one.value if one.tag == names.READ_DATA else Refused(one.value) for one in results]


def _read(session: Session, variable: Any) -> Steps[bytes | Refused]:
    (result,) = yield from _results(session, (variable,))
    if result.tag != names.READ_DATA:
        return Refused(result.value)
    return codec(DATA).build(result.value)


def _results(session: Session, variables: tuple[Any, ...], *, repeatable: bool = True) -> Steps[tuple[Variant, ...]]:
    """The results of a READ, the blocks of a long answer put together."""
    answer = yield from _ask(session, variables, repeatable=repeatable)
    if len(answer) != 1 or answer[0].tag != names.READ_BLOCK:
        if len(answer) != len(variables) or any(one.tag > names.READ_ERROR for one in answer):
            raise SequenceError(f"{len(answer)} results came for {len(variables)} names")
        return answer
    octets, expected = bytearray(), 1
    while True:
        block = answer[0].value
        if answer[0].tag != names.READ_BLOCK or block.block != expected:
            raise SequenceError(f"block {expected} was due")
        octets += block.raw
        if len(octets) > session.answer_limit or not (block.raw or block.last):
            raise SequenceError(f"blocks without end: {len(octets)} octets in {expected} blocks")
        if block.last:
            results = codec(names.READ_RESULTS).parse(bytes(octets))
            if len(results) != len(variables):
                raise SequenceError(f"{len(results)} results came for {len(variables)} names")
            return results
        answer = yield from _ask(session, (names.BlockNumberAccess(expected),))
        if answer[0].tag == names.READ_ERROR:
            raise Refused(answer[0].value)
        expected += 1


def _ask(session: Session, variables: tuple[Any, ...], *, repeatable: bool = True) -> Steps[tuple[Variant, ...]]:
    def accept(apdu: Variant) -> Any:
        answer = apdu.value
        return answer.results if isinstance(answer, names.ReadResponse) and answer.results else IGNORED

    request = Variant(ApduTag.READ_REQUEST, names.ReadRequest(variables))
    results: tuple[Variant, ...] = yield from session.exchange(request, accept, repeatable=repeatable)
    return results


# ---------------------------------------------------------------- WRITE


def write(session: Session, items: Sequence[tuple[Target, Variant]]) -> Steps[None]:
    """Set attributes, in blocks where they are too long for one APDU.

    Raises:
        Refused: the code is a `DataAccessResult`, of the first that was refused.
        OutcomeUnknown: the answer was lost.
    """
    variables = []
    for target, _ in items:
        variables.append(names.VariableName((yield from _variable(session, target))))
    yield from _write(session, tuple(variables), tuple(value for _, value in items))


def write_unconfirmed(session: Session, target: Target, value: Variant) -> Steps[bytes]:
    """The APDU that sets an attribute without an answer; whether it was set nobody says."""
    name = yield from _variable(session, target)
    request = names.UnconfirmedWriteRequest((names.VariableName(name),), (value,))
    return codec(APDU).build(Variant(ApduTag.UNCONFIRMED_WRITE_REQUEST, request))


def act(session: Session, target: Target, parameters: Variant) -> Steps[Variant | None]:
    """Invoke a method: WRITE to its name. What methods return is not told by WRITE.

    Raises:
        LocalProtocolError: nobody knows where the methods of the class lie.
        Refused: the code is a `DataAccessResult`.
        OutcomeUnknown: the answer was lost.
    """
    found = yield from _found(session, target)
    name = method_name(found.base, found.class_id, target.attribute)
    if name is None:
        raise LocalProtocolError(f"where the methods of class {found.class_id} lie is not known")
    yield from _write(session, (names.VariableName(name & 0xFFFF),), (parameters,))
    return None


def _write(session: Session, variables: tuple[Any, ...], values: tuple[Variant, ...]) -> Steps[None]:
    request = names.WriteRequest(variables, values)
    if session.fits(Variant(ApduTag.WRITE_REQUEST, request), "block_transfer_with_set"):
        return _judge((yield from _send(session, request, changes=True)))
    octets = codec(names.WriteRequest).build(request)
    size, number = block_room(session.room, _BLOCK), 0
    results: tuple[Variant, ...] = ()
    for start in range(0, len(octets), size):
        number, last = number + 1, start + size >= len(octets)
        block = names.WriteDataBlockAccess(last, number)
        message = names.WriteRequest((block,), (octet_string(octets[start : start + size]),))
        results = yield from _send(session, message, changes=last)
        if not last and (results[0].tag != names.WRITE_NEXT or results[0].value != number):
            _judge(results)
            raise SequenceError("the meter ended a transfer before its last block")
    return _judge(results)


def _send(session: Session, request: names.WriteRequest, *, changes: bool) -> Steps[tuple[Variant, ...]]:
    def accept(apdu: Variant) -> Any:
        answer = apdu.value
        return answer.results if isinstance(answer, names.WriteResponse) and answer.results else IGNORED

    asked = Variant(ApduTag.WRITE_REQUEST, request)
    results: tuple[Variant, ...] = yield from session.exchange(asked, accept, repeatable=False, changes=changes)
    return results


def _judge(results: tuple[Variant, ...]) -> None:
    for result in results:
        if result.tag == names.WRITE_ERROR:
            raise Refused(result.value)
        if result.tag == names.WRITE_NEXT:
            raise SequenceError("the meter waits for more blocks than there are")
