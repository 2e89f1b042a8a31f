"""What a master says to a concentrator: meters, schemes and tasks are entered, and it is asked how far it has come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from meterwire.errors import LocalProtocolError, Refused
from meterwire.protocols.dialogue import Steps, procedure
from meterwire.protocols.dlt69845 import acquisition
from meterwire.protocols.dlt69845.acquisition import METHODS, Archived, MeterState, Monitored
from meterwire.protocols.dlt69845.blocks import records
from meterwire.protocols.dlt69845.client_writes import WriteProcedures
from meterwire.protocols.dlt69845.data import DATA
from meterwire.protocols.dlt69845.descriptors import Oad, Omd
from meterwire.protocols.dlt69845.refusals import words
from meterwire.protocols.dlt69845.selecting import all_rows
from meterwire.protocols.dlt69845.services.action import ActionItem
from meterwire.protocols.dlt69845.services.get import GetRecord
from meterwire.protocols.dlt69845.shapes import Shape
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    from meterwire.protocols.dlt69845.session import Session

S = TypeVar("S", bound=Shape)

_ROOM: Final = 800
"""Octets of shapes in one request."""
_ARRAY: Final = 1


class AcquisitionProcedures:
    """Archive, schemes and tasks of a concentrator (6000 to 6035)."""

    session: Session

    @procedure
    def enter(self, *shapes: Shape) -> Steps[None]:
        """Enter meters, schemes or tasks, as many as fit in each request; the order of their kinds is kept.

        Raises:
            LocalProtocolError: something that cannot be entered.
            Refused: with the `Dar`, in words; what stood in front of it has been entered.
            OutcomeUnknown: the answer was lost.
        """
        for kind in dict.fromkeys(map(type, shapes)):
            if kind not in METHODS:
                raise LocalProtocolError(f"a {kind.__name__} cannot be entered")
            add = Omd(METHODS[kind].oi, METHODS[kind].add)
            for batch in self._batches(shape.data() for shape in shapes if type(shape) is kind):
                yield from WriteProcedures.act.steps(self, ActionItem(add, Variant(_ARRAY, batch)))

    def _batches(self, data: Iterable[Variant]) -> Iterable[tuple[Variant, ...]]:
        batch: list[Variant] = []
        used, build = 0, codec(DATA, self.session.edition).build
        for one in data:
            octets = len(build(one))
            if batch and used + octets > _ROOM:
                yield tuple(batch)
                batch, used = [], 0
            batch.append(one)
            used += octets
        if batch:
            yield tuple(batch)

    @procedure
    def wipe(self, *kinds: type[Shape]) -> Steps[None]:
        """Take away all meters, schemes or tasks of some kinds, of all without any.

        Raises:
            Refused: with the `Dar`, in words.
            OutcomeUnknown: the answer was lost.
        """
        for kind in kinds or tuple(reversed(METHODS)):
            clear = Omd(METHODS[kind].oi, METHODS[kind].clear)
            yield from WriteProcedures.act.steps(self, ActionItem(clear, Variant(0, None)))

    @procedure
    def archive(self) -> Steps[list[Archived]]:
        """The meters that it knows (6000).

        Raises:
            Refused: with the `Dar`, in words.
            MalformedError: a meter is described in another way.
            NoAnswer: nothing usable came after all tries.
        """
        return (yield from _shapes(self.session, Archived, acquisition.ARCHIVE, 0x6001))

    @procedure
    def monitoring(self) -> Steps[list[Monitored]]:
        """How far its tasks have come (6034); raises as `archive`."""
        return (yield from _shapes(self.session, Monitored, acquisition.MONITORING, 0x6035))

    @procedure
    def meter_states(self) -> Steps[list[MeterState]]:
        """How well it reaches its meters (6032); raises as `archive`."""
        return (yield from _shapes(self.session, MeterState, acquisition.STATES, 0x6033))


def _shapes(session: Session, kind: type[S], table: int, element: int) -> Steps[list[S]]:
    (record,) = yield from records(session, [GetRecord(Oad(table, 2, 0), all_rows(), (Oad(element, 2, 0),))])
    if record.result.tag == 0:
        raise Refused(record.result.value, words(record.result.value))
    rows: Sequence[tuple[Variant, ...]] = record.result.value
    return [kind.of(row[0]) for row in rows]
