"""A file to a meter in blocks (F001): announced, sent as far as it is missing, checked, and made to run.

Every step may be done twice without harm: the same file announced again goes on where it was, a block that is there is
taken again. So whatever answer is lost, the meter is asked what it has, and what is missing is sent. Pieces of APDUs
carry no name of theirs, so that a late one may spoil a block on a bad line: where the check fails blocks are read back.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from meterwire.errors import LocalProtocolError, NoAnswer, OutcomeUnknown, Refused, SequenceError
from meterwire.protocols.dialogue import Steps, procedure
from meterwire.protocols.dlt69845.blocks import attributes
from meterwire.protocols.dlt69845.client_writes import WriteProcedures
from meterwire.protocols.dlt69845.dates import DateTimeS
from meterwire.protocols.dlt69845.descriptors import Oad, Omd
from meterwire.protocols.dlt69845.refusals import words
from meterwire.protocols.dlt69845.services.action import ActionItem
from meterwire.protocols.dlt69845.services.set import SetItem
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    from meterwire.protocols.dlt69845.session import Session

T = TypeVar("T")

BLOCK: Final = 512
"""Octets of a block where nobody says otherwise: a frame has room for it."""
_OBJECT: Final = 0xF001
_VERIFY, _START, _WRITE, _READ = 4, 7, 8, 9
_STATES, _DUE = Oad(_OBJECT, 4, 0), Oad(_OBJECT, 7, 0)
_NULL: Final = Variant(0, None)
_MD5, _ALL_RIGHTS = 1, "111"
_MOST_BLOCKS: Final = 0xFFFF
_TRIES: Final = 5
"""How often in a row a step, or a round of blocks, may bring nothing."""
_NOT_FOUND_OUT: Final = (OutcomeUnknown, NoAnswer, SequenceError)


class FileHeader(msgspec.Struct, frozen=True):
    """What is said of a file.

    Attributes:
        source: its name where it comes from; likewise `target`.
        version: of its content.
        category: what it is for, in the terms of the meter; 0 the program of the terminal or meter itself.
    """

    source: str = ""
    target: str = ""
    version: str = ""
    category: int = 0


class FileProcedures:
    """Sending files."""

    session: Session
    zone: dt.tzinfo

    @procedure
    def send_file(
        self,
        content: bytes,
        header: FileHeader | None = None,
        *,
        block: int = BLOCK,
        run_at: dt.datetime | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Steps[int]:
        """Send a file in blocks, with its MD5, and have the meter check it; gives how many blocks were sent.

        A transfer that was cut off goes on: send the same file with the same header and size of blocks again.

        Args:
            content: of the file.
            header: names, version and category.
            block: octets of a block; the connection must have room for one.
            run_at: when the meter shall run it, its local time; a moment that has passed means at once, None not yet.
            progress: is told after each block how many are there, of how many.

        Raises:
            LocalProtocolError: the file is empty, or has more blocks than can be numbered.
            Refused: with the `Dar` of the step that was refused.
            NoAnswer: nothing got through any more; nothing that has arrived is lost.
        """
        file = _File(bytes(content), header or FileHeader(), block)
        yield from _again(lambda: _run(self, _START, file.announcement()))
        sent = yield from _send_missing(self, file, progress)
        sent += yield from _checked(self, file)
        if run_at is not None:
            local = run_at if run_at.tzinfo is None else run_at.astimezone(self.zone).replace(tzinfo=None)
            due = SetItem(_DUE, Variant(28, DateTimeS.of(local)))
            yield from _again(lambda: WriteProcedures.write.steps(self, due))
        return sent


class _File:
    """A file and its blocks."""

    def __init__(self, content: bytes, header: FileHeader, block: int) -> None:
        self.count = -(-len(content) // block) if block > 0 else 0
        if not 1 <= self.count <= _MOST_BLOCKS:
            raise LocalProtocolError(
                f"{len(content)} octets in blocks of {block}: 1 to {_MOST_BLOCKS} blocks are needed"
            )
        self._content, self._header, self._block = content, header, block

    def announcement(self) -> Variant:
        """What method 7 is given."""
        said, size = self._header, Variant(6, len(self._content))
        names = Variant(10, said.source), Variant(10, said.target)
        rest = Variant(4, _ALL_RIGHTS), Variant(10, said.version), Variant(22, said.category)
        digest = hashlib.md5(self._content, usedforsecurity=False).digest()
        check = Variant(2, (Variant(22, _MD5), Variant(9, digest)))
        return Variant(2, (Variant(2, (*names, size, *rest)), Variant(18, self._block), check))

    def part(self, number: int) -> Variant:
        """What method 8 is given for a block."""
        octets = self._content[number * self._block :][: self._block]
        return Variant(2, (Variant(18, number), Variant(9, octets)))


def _send_missing(client: FileProcedures, file: _File, progress: Callable[[int, int], None] | None) -> Steps[int]:
    """Rounds of what is missing, until nothing is; gives how many blocks were sent."""
    sent, rounds, last = 0, 0, -1
    while True:
        missing = yield from _missing(client, file)
        there = file.count - len(missing)
        if not missing:
            return sent
        rounds = rounds + 1 if there == last else 0
        if rounds >= _TRIES:
            raise NoAnswer(f"{len(missing)} of {file.count} blocks do not arrive")
        last = there
        for number in missing:
            try:
                yield from _run(client, _WRITE, file.part(number))
            except _NOT_FOUND_OUT:
                continue  # the next round shows whether it has arrived
            sent, there = sent + 1, there + 1
            if progress is not None:
                progress(there, file.count)


def _missing(client: FileProcedures, file: _File) -> Steps[Sequence[int]]:
    (result,) = yield from attributes(client.session, [_STATES])
    if result.result.tag == 0:
        raise Refused(result.result.value, words(result.result.value))
    states: Any = result.result.value.value
    here = states if isinstance(states, str) else ""
    return [number for number in range(file.count) if here[number : number + 1] != "1"]


def _checked(client: FileProcedures, file: _File) -> Steps[int]:
    """Have the meter check what it has; what it read wrongly is sent again. Gives how many blocks were."""
    sent = 0
    for left in range(_TRIES - 1, -1, -1):
        try:
            yield from _again(lambda: _run(client, _VERIFY, _NULL))
        except Refused:
            spoilt = (yield from _spoilt(client, file)) if left else []
            if not spoilt:
                raise
            sent += len(spoilt)
            for number in spoilt:
                yield from _again(partial(_run, client, _WRITE, file.part(number)))
        else:
            break
    return sent


def _spoilt(client: FileProcedures, file: _File) -> Steps[Sequence[int]]:
    """The blocks that read back otherwise than they were sent; none where blocks cannot be read."""
    found = []
    for number in range(file.count):
        item = ActionItem(Omd(_OBJECT, _READ), Variant(18, number))
        try:
            block = yield from _again(partial(WriteProcedures.act.steps, client, item))
        except Refused:
            return []
        if block != file.part(number):
            found.append(number)
    return found


def _again(step: Callable[[], Steps[T]]) -> Steps[T]:
    """A step that may be done twice, until it is known to be done."""
    for _ in range(_TRIES - 1):
        try:
            return (yield from step())
        except _NOT_FOUND_OUT:
            continue
    return (yield from step())


def _run(client: FileProcedures, method: int, parameter: Variant) -> Steps[None]:
    yield from WriteProcedures.act.steps(client, ActionItem(Omd(_OBJECT, method), parameter))


__all__ = ["BLOCK", "FileHeader", "FileProcedures"]
