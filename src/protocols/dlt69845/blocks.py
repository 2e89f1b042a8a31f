"""Answers to GET: whole, or in blocks that are fetched one by one and put together again.

An answer in blocks may cut a record table anywhere between two rows; what follows repeats its descriptor and columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from meterwire.errors import LocalProtocolError, MeterwireError, Refused, SequenceError
from meterwire.protocols.dialogue import IGNORED, Ignored, Steps
from meterwire.protocols.dlt69845.apdu import Service
from meterwire.protocols.dlt69845.refusals import words
from meterwire.protocols.dlt69845.services.common import ResultNormal, ResultRecord
from meterwire.protocols.dlt69845.services.get import (
    GetRecord,
    GetRequest,
    GetRequestMd5,
    GetRequestNext,
    GetRequestNormal,
    GetRequestNormalList,
    GetRequestRecord,
    GetRequestRecordList,
    GetResponseMd5,
    GetResponseNext,
    GetResponseNormal,
    GetResponseNormalList,
    GetResponseRecord,
    GetResponseRecordList,
)
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    from meterwire.protocols.dlt69845.descriptors import Oad
    from meterwire.protocols.dlt69845.session import Session

MOST_CELLS: Final = 4_000_000
"""Values of one answer that are kept at most: a month of minutes in 90 columns."""
_ATTRIBUTES, _RECORDS = 1, 2
_WHOLE: Final[dict[type, tuple[int, Callable[[Any], tuple[Any, ...]]]]] = {
    GetResponseNormal: (_ATTRIBUTES, lambda answer: (answer.result,)),
    GetResponseNormalList: (_ATTRIBUTES, lambda answer: answer.results),
    GetResponseRecord: (_RECORDS, lambda answer: (answer.record,)),
    GetResponseRecordList: (_RECORDS, lambda answer: answer.records),
}
_OTHER: Final[tuple[int, Callable[[Any], tuple[Any, ...]]]] = (0, lambda _: ())


def attributes(session: Session, oads: Sequence[Oad]) -> Steps[tuple[ResultNormal, ...]]:
    """GET normal or normal list, and next where the answer comes in blocks; one result for each attribute.

    Raises:
        Refused: with a `Dar` that stands for the whole answer, or an `ErrorKind`.
        SequenceError: the blocks do not follow each other, or are not what was asked for.
        NoAnswer: nothing usable came after all tries.
    """
    if not oads:
        return ()
    piid, wanted = session.next_piid(), tuple(oads)
    asked = GetRequestNormal(piid, wanted[0]) if len(wanted) == 1 else GetRequestNormalList(piid, wanted)
    parts: list[ResultNormal] = []
    first = yield from _first(session, asked, _ATTRIBUTES, wanted)
    block = first
    while True:
        if not block.result.value and not block.last:
            raise SequenceError("a block without attributes in the answer to a read of attributes")
        parts += block.result.value
        if block.last or len(parts) > len(wanted):
            break
        block = yield from _next(session, block.block, _ATTRIBUTES)
    if tuple(part.oad for part in parts) != wanted:
        raise SequenceError("the blocks of the answer together are not what was asked for")
    return tuple(parts)


def records(
    session: Session, wanted: Sequence[GetRecord], cut: list[MeterwireError] | None = None
) -> Steps[tuple[ResultRecord, ...]]:
    """GET record or record list, and next where the answer comes in blocks; one result for each record table.

    Args:
        session: with the meter.
        wanted: record tables, each with rows and columns.
        cut: of one table, what ends the reading after its first block is put here and the rows until then are given;
            without it that is raised.

    Raises:
        LocalProtocolError: nothing is asked, or one table twice: then blocks could not be told apart.
        Refused, SequenceError, NoAnswer: as `attributes`; a table that is refused alone has a `Dar` in its result.
    """
    oads = tuple(one.oad for one in wanted)
    if not oads or len(set(oads)) < len(oads):
        raise LocalProtocolError(
            "name the record tables to read, each once: what comes in blocks is told apart by them"
        )
    piid = session.next_piid()
    asked = GetRequestRecord(piid, wanted[0]) if len(oads) == 1 else GetRequestRecordList(piid, tuple(wanted))
    gathered = _Gathered(oads)
    block = yield from _first(session, asked, _RECORDS, oads)
    while True:
        gathered.take(block)
        if block.last:
            return gathered.whole()
        try:
            block = yield from _next(session, block.block, _RECORDS)
        except MeterwireError as error:
            if cut is None or len(oads) > 1:
                raise
            cut.append(error)
            return gathered.whole()


def md5(session: Session, oad: Oad) -> Steps[bytes]:
    """GET MD5 of one attribute: 16 octets.

    Raises:
        Refused: with the `Dar`.
        NoAnswer: nothing usable came after all tries.
    """
    piid = session.next_piid()

    def accept(answer: Any) -> Variant | Ignored:
        found = answer.response
        mine = isinstance(found, GetResponseMd5) and found.piid.number == piid.number and found.oad == oad
        return found.result if mine else IGNORED

    found = yield from session.exchange(GetRequest(GetRequestMd5(piid, oad)), Service.GET_RESPONSE, accept)
    if found.tag == 0:
        raise Refused(found.value, words(found.value))
    digest: bytes = found.value
    return digest


class _Gathered:
    """Record tables as their blocks come in."""

    def __init__(self, wanted: tuple[Oad, ...]) -> None:
        self._wanted = wanted
        self._heads: list[ResultRecord] = []
        self._rows: list[list[Any]] = []
        self._cells = 0

    def take(self, block: GetResponseNext) -> None:
        """The tables of one block; the first may go on with the last one of the block before."""
        if not block.result.value and not block.last:
            raise SequenceError("a block without records in the answer to a read of records")
        for part in block.result.value:
            if not self._goes_on(part):
                self._begin(part)
            if part.result.tag:
                self._cells += len(part.result.value) * (part.width or 1)
                if self._cells > MOST_CELLS:
                    raise SequenceError(f"the answer does not end: more than {MOST_CELLS} values")
                self._rows[-1] += part.result.value

    def _goes_on(self, part: ResultRecord) -> bool:
        if not self._heads:
            return False
        head = self._heads[-1]
        same = (part.oad, part.columns, part.result.tag) == (head.oad, head.columns, head.result.tag)
        return same and bool(part.result.tag)

    def _begin(self, part: ResultRecord) -> None:
        if len(self._heads) == len(self._wanted) or part.oad != self._wanted[len(self._heads)]:
            raise SequenceError(f"records of {part.oad} came where they were not asked for")
        self._heads.append(part)
        self._rows.append([])

    def whole(self) -> tuple[ResultRecord, ...]:
        """One result for each table that was asked for."""
        if len(self._heads) < len(self._wanted):
            raise SequenceError("the blocks of the answer together are not what was asked for")
        return tuple(
            ResultRecord(
                head.oad, head.width, head.columns, Variant(1, tuple(rows)) if head.result.tag else head.result
            )
            for head, rows in zip(self._heads, self._rows, strict=True)
        )


def _first(session: Session, asked: Any, kind: int, wanted: tuple[Oad, ...]) -> Steps[GetResponseNext]:
    """The answer as a first block, whichever way it came."""
    number = asked.piid.number

    def accept(answer: Any) -> GetResponseNext | Ignored:
        found = answer.response
        if found.piid.number != number:
            return IGNORED
        if isinstance(found, GetResponseNext):
            return found if found.block == 1 or not found.result.tag else IGNORED
        whole_kind, parts_of = _WHOLE.get(type(found), _OTHER)
        parts = parts_of(found)
        if whole_kind != kind or tuple(part.oad for part in parts) != wanted:
            return IGNORED
        return GetResponseNext(found.piid, last=True, block=1, result=Variant(kind, parts))

    first = yield from session.exchange(GetRequest(asked), Service.GET_RESPONSE, accept)
    return _usable(first, kind)


def _next(session: Session, last: int, kind: int) -> Steps[GetResponseNext]:
    if last == 0xFFFF:
        raise SequenceError("the answer does not end: its blocks are numbered with 16 bits")
    piid = session.next_piid()

    def accept(answer: Any) -> GetResponseNext | Ignored:
        found = answer.response
        if not isinstance(found, GetResponseNext) or found.piid.number != piid.number:
            return IGNORED
        if found.result.tag and found.block != last + 1:
            raise SequenceError(f"block {found.block} came where {last + 1} was due")
        return found

    found = yield from session.exchange(GetRequest(GetRequestNext(piid, last)), Service.GET_RESPONSE, accept)
    return _usable(found, kind)


def _usable(block: GetResponseNext, kind: int) -> GetResponseNext:
    if block.result.tag == 0:
        raise Refused(block.result.value, words(block.result.value))
    if block.result.tag != kind:
        told = "attributes" if kind == _ATTRIBUTES else "records"
        raise SequenceError(f"a block without {told} in the answer to a read of {told}")
    return block
