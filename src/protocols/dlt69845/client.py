"""The client: connect, read by name or by descriptor, release; the same procedures for blocking code and asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from meterwire.protocols.dialogue import AsyncFace, AsyncLine, Line, Patience, Steps, SyncFace, procedure
from meterwire.protocols.dlt69845.blocks import attributes
from meterwire.protocols.dlt69845.client_acquisition import AcquisitionProcedures
from meterwire.protocols.dlt69845.client_files import FileProcedures
from meterwire.protocols.dlt69845.client_proxy import ProxyProcedures
from meterwire.protocols.dlt69845.client_records import RecordProcedures
from meterwire.protocols.dlt69845.client_reports import Ear, ReportProcedures
from meterwire.protocols.dlt69845.client_writes import WriteProcedures
from meterwire.protocols.dlt69845.items import item, reading
from meterwire.protocols.dlt69845.link import EDITION
from meterwire.protocols.dlt69845.objects import ObjectTable, using
from meterwire.protocols.dlt69845.services.common import ResultNormal
from meterwire.protocols.dlt69845.session import FRAME_SIZE, Session
from meterwire.quantities.reading import METER_ZONE

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from meterwire.protocols.dlt69845.address import Address
    from meterwire.protocols.dlt69845.descriptors import Oad
    from meterwire.protocols.dlt69845.security import Protection
    from meterwire.protocols.dlt69845.services.connect import ConnectResponse
    from meterwire.quantities.reading import Reading

LIST_SIZE: Final = 16
"""Attributes asked for in one request."""


class Procedures(
    RecordProcedures, WriteProcedures, ProxyProcedures, ReportProcedures, AcquisitionProcedures, FileProcedures
):
    """What both clients can do.

    Args:
        line: where the meter is.
        address: the meter's address, as text or `Address`; without one whoever is there is asked, and the address of
            the first answer is used from then on.
        client: the client's own address (CA), 0 to 255.
        patience: tries, time-out, and what to tell people.
        edition: of the standard that the meter follows, 2017 or 2021.
        wake: FEH octets in front of each frame: 4 on a serial line, none over TCP.
        scrambled: whether to add 33H to the user data (SC).
        zone: of the meter's clock, which does not say it.
        objects: table of objects, such as the standard's extended by that of a province.
        protection: of the application connection and of every request.
        clock: the client's local time, for time tags, and for a meter that dials in.
        tag: seconds that a request may be on its way before the meter refuses it (time tag); None for no tag.
        frame_size: longest frame that is offered to the meter with CONNECT, octets.
        apdu_size: longest APDU that is offered; where it is longer than a frame, long answers come in pieces.

    Attributes:
        session: the conversation with the meter that all procedures share.
    """

    def __init__(
        self,
        line: Any,
        *,
        address: str | Address | None = None,
        client: int = 16,
        patience: Patience | None = None,
        edition: int = EDITION,
        wake: int = 0,
        scrambled: bool = False,
        zone: dt.tzinfo = METER_ZONE,
        objects: ObjectTable | None = None,
        protection: Protection | None = None,
        clock: Callable[[], dt.datetime] | None = None,
        tag: int | None = None,
        frame_size: int = FRAME_SIZE,
        apdu_size: int = FRAME_SIZE,
    ) -> None:
        self.line, self.zone, self.objects = line, zone, objects or ObjectTable.standard()
        self.session = Session(
            address=address,
            client=client,
            patience=patience,
            edition=edition,
            wake=wake,
            scrambled=scrambled,
            protection=protection,
            clock=clock,
            tag=tag,
            frame_size=frame_size,
            apdu_size=apdu_size,
        )
        self.ear = Ear(self.session, zone, self.objects)
        self.session.report, self.session.followed = self.ear.take, self.ear.follow

    @property
    def address(self) -> Address:
        """Of the meter: the one given, or learnt from its first answer."""
        return self.session.address

    @property
    def granted(self) -> ConnectResponse | None:
        """What the meter granted to the application connection that holds, None without one."""
        return self.session.granted

    # ------------------------------------------------------------ procedures

    @procedure
    def connect(self, password: str | None = None) -> Steps[ConnectResponse]:
        """Make an application connection (CONNECT); gives what the meter grants. Plain reads are answered without one.

        Args:
            password: what writes and methods need (mechanism Password); without it no security is asked for.

        Raises:
            Refused: with a `ConnectResult`, or an `ErrorKind`.
            NoAnswer: nothing usable came after all tries.
        """
        return (yield from self.session.connect(password))

    @procedure
    def release(self) -> Steps[None]:
        """End the application connection (RELEASE); nothing is sent where none was made."""
        yield from self.session.release()

    @procedure
    def attend(self, seconds: float) -> Steps[None]:
        """Answer what a meter that has dialled in says unasked (LINK), and nothing else; ends early when it logs in."""
        yield from self.session.attend(seconds)

    @procedure
    def get(self, oads: Sequence[Oad]) -> Steps[tuple[ResultNormal, ...]]:
        """Read attributes as the meter gives them, in the order asked for (GET normal, normal list and next).

        Raises:
            Refused: with an `ErrorKind`, or a `Dar` that stands for the whole answer.
            SequenceError: the blocks of a long answer do not follow each other, or it answers what was not asked.
            NoAnswer: nothing usable came after all tries.
        """
        return (yield from attributes(self.session, oads))

    @procedure
    def read_many(self, items: Sequence[str]) -> Steps[list[Reading]]:
        """Read items, each a neutral name or an OAD of eight hexadecimal digits; one reading for each, in their order.

        What the meter refuses has an `error` in place of a value.

        Raises:
            LocalProtocolError: an item is neither a quantity of DL/T 698.45 nor an OAD.
            Refused: the request as a whole, with an `ErrorKind`.
            NoAnswer: nothing usable came after all tries.
        """
        asked = [item(text) for text in items]
        results: list[ResultNormal] = []
        for start in range(0, len(asked), LIST_SIZE):
            oads = [one.oad for one in asked[start : start + LIST_SIZE]]
            results += yield from Procedures.get.steps(self, oads)
        with using(self.objects):
            return [reading(one, result, self.zone) for one, result in zip(asked, results, strict=True)]

    @procedure
    def read(self, item: str) -> Steps[Reading]:
        """Read one item, a neutral name or an OAD of eight hexadecimal digits; see `read_many`."""
        readings = yield from Procedures.read_many.steps(self, [item])
        return readings[0]


class Meter69845(SyncFace, Procedures):
    """A meter that speaks DL/T 698.45, for blocking code."""

    line: Line


class AsyncMeter69845(AsyncFace, Procedures):
    """A meter that speaks DL/T 698.45, for asyncio."""

    line: AsyncLine
