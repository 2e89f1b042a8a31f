"""REPORT: what a meter says of its own accord, and the receipts that it waits for; and that it ended the connection."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import msgspec

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.dialogue import Receive, Send, Steps, procedure
from meterwire.protocols.dlt69845.address import Address, address_in
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.items import Item, reading
from meterwire.protocols.dlt69845.link import FrameLength, Function, Link, LinkControl
from meterwire.protocols.dlt69845.objects import ObjectTable, using
from meterwire.protocols.dlt69845.services import report
from meterwire.protocols.dlt69845.services.common import Piid
from meterwire.protocols.dlt69845.services.connect import ReleaseNotification
from meterwire.protocols.dlt69845.stored_rows import RecordTable, table_of
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Framer
from meterwire.quantities import by_oad
from meterwire.quantities.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from meterwire.protocols.dlt69845.session import Session

_FILL: Final = b"\xfe"
_MOST: Final = 10_000
"""Reports that are kept at most."""


class Report(msgspec.Struct, frozen=True):
    """One report, or the notice that the meter ended the connection.

    Attributes:
        address: of the meter.
        readings: reported attributes as values with unit.
        tables: reported records as columns.
        frames: octets that came in at `port` of the meter.
        released: whether the meter ended the application connection (RELEASE-Notification).
        body: the APDU's body as it came.
    """

    address: Address
    body: Any
    readings: tuple[Reading, ...] = ()
    tables: tuple[RecordTable, ...] = ()
    port: Oad | None = None
    frames: tuple[bytes, ...] = ()
    released: bool = False


class ReportProcedures:
    """Listening to what the meter reports."""

    session: Session
    zone: dt.tzinfo
    objects: ObjectTable

    @procedure
    def listen(
        self, seconds: float, most: int = _MOST, serve: Callable[[bytes], bytes] | None = None
    ) -> Steps[list[Report]]:
        """Wait for reports and acknowledge each (REPORT-Response) at once; one that is repeated is told once.

        Args:
            seconds: how long to listen.
            most: return when so many have come.
            serve: answers what the meter asks of its client (REPORT 4, of 2021); without it that is not answered.

        Raises:
            LocalProtocolError: `most` is no number of reports.
            Disconnected: the line went away.
        """
        if not 1 <= most <= _MOST:
            raise LocalProtocolError(f"1 to {_MOST} reports can be waited for, not {most}")
        ear = _Ear(self.session, self.zone, self.objects, serve)
        found: list[Report] = []
        now, octets = yield Receive(0.0)  # what has come already, and what time it is
        until = now + seconds
        while True:
            for heard, receipt in ear.receive(octets):
                if receipt:
                    yield Send(receipt)
                found += [] if heard is None else [heard]
                if len(found) == most:
                    return found
            if now >= until:
                return found
            now, octets = yield Receive(until)


class _Ear:
    """From octets to reports and their receipts."""

    def __init__(
        self, session: Session, zone: dt.tzinfo, objects: ObjectTable, serve: Callable[[bytes], bytes] | None
    ) -> None:
        self._session, self._zone, self._objects, self._serve = session, zone, objects, serve
        self._link, self._apdu = codec(Link, session.edition), codec(Apdu, session.edition)
        self._framer = Framer(self._link, fill=_FILL)
        self._last = b""

    def receive(self, octets: bytes) -> list[tuple[Report | None, bytes]]:
        """Each report with its receipt; no report where it was told before, no receipt where none is due."""
        found = []
        for piece in self._framer.receive(octets) if octets else ():
            link = getattr(piece, "message", None)
            if link is not None and self._is_report(link):
                found += self._heard(link)
        return found

    def _is_report(self, link: Link) -> bool:
        control, sender = link.control, address_in(link)
        mine = self._session.address
        from_us = not control.direction or control.started_by_client or control.fragment
        return not from_us and sender.logic == mine.logic and mine.matches(sender.digits)

    def _heard(self, link: Link) -> list[tuple[Report | None, bytes]]:
        try:
            body = self._apdu.parse(link.user).body
        except MalformedError:
            return []
        if not isinstance(body, (report.ReportNotification, ReleaseNotification)):
            return []
        again, self._last = link.user == self._last, link.user
        receipt = self._receipt(link, body)
        if again:
            return [(None, receipt)]
        if isinstance(body, ReleaseNotification):
            self._session.granted = None
        with using(self._objects):
            return [(told(address_in(link), body, self._zone), receipt)]

    def _receipt(self, link: Link, body: Any) -> bytes:
        answer = receipt_of(body, self._serve)
        if answer is None:
            return b""
        control = LinkControl(started_by_client=0, scrambled=link.control.scrambled, function=Function.USER)
        user = self._apdu.build(Apdu.of(answer))
        return self._link.build(Link(FrameLength(), control, link.flag, link.server, self._session.client, user))


def receipt_of(body: Any, serve: Callable[[bytes], bytes] | None = None) -> report.ReportResponse | None:
    """What a report is answered with; None for what needs no receipt, or whose receipt nobody can make."""
    heard = getattr(body, "report", None)
    if heard is None:
        return None
    piid = Piid(priority=heard.piid.priority, number=heard.piid.number)
    if isinstance(heard, report.ReportList):
        return report.ReportResponse(report.ReceiptList(piid, tuple(one.oad for one in heard.results)))
    if isinstance(heard, report.ReportRecordList):
        return report.ReportResponse(report.ReceiptRecordList(piid, tuple(one.oad for one in heard.records)))
    if isinstance(heard, report.ReportTransparent):
        return report.ReportResponse(report.ReceiptTransparent(piid))
    if isinstance(heard, report.ReportClientService) and serve is not None:
        return report.ReportResponse(report.ReceiptClientService(piid, serve(heard.content)))
    return None


def told(sender: Address, body: Any, zone: dt.tzinfo) -> Report:
    """A report with its values scaled, its records as columns."""
    if isinstance(body, ReleaseNotification):
        return Report(sender, body, released=True)
    heard = body.report
    if isinstance(heard, report.ReportList):
        readings = (reading(Item(str(one.oad), one.oad, by_oad(one.oad.packed)), one, zone) for one in heard.results)
        return Report(sender, body, readings=tuple(readings))
    if isinstance(heard, report.ReportRecordList):
        return Report(sender, body, tables=tuple(table_of(one, zone) for one in heard.records))
    if isinstance(heard, report.ReportTransparent):
        return Report(sender, body, port=heard.port, frames=heard.frames)
    return Report(sender, body)
