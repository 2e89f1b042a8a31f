"""REPORT: what a meter says of its own accord, and the receipts that it waits for; and that it ended the connection."""

from __future__ import annotations

import datetime as dt
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dialogue import Receive, Steps, procedure
from meterwire.protocols.dlt69845.address import Address
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.items import Item, reading
from meterwire.protocols.dlt69845.objects import ObjectTable, using
from meterwire.protocols.dlt69845.services import report
from meterwire.protocols.dlt69845.services.common import Piid
from meterwire.protocols.dlt69845.services.connect import ReleaseNotification
from meterwire.protocols.dlt69845.stored_rows import RecordTable, table_of
from meterwire.quantities import by_oad
from meterwire.quantities.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from meterwire.protocols.dlt69845.services.common import ResultNormal
    from meterwire.protocols.dlt69845.session import Session
    from meterwire.protocols.wire.nodes import Variant

_ATTRIBUTES: Final = 1
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
        in_passing: whether it came with an answer (FollowReport), and so needs no receipt.
        sent: when the meter says that it was sent (time tag), aware; None without one.
    """

    address: Address
    body: Any
    readings: tuple[Reading, ...] = ()
    tables: tuple[RecordTable, ...] = ()
    port: Oad | None = None
    frames: tuple[bytes, ...] = ()
    released: bool = False
    sent: dt.datetime | None = None
    in_passing: bool = False


class Ear:
    """Takes what a session hears unasked: gives the receipt, and keeps what was told, each once.

    Attributes:
        zone: of the meter's clock.
        reports: not fetched yet, the oldest first; beyond a bound the oldest are dropped.
        serve: answers what the meter asks of its client (REPORT 4).
    """

    def __init__(self, session: Session, zone: dt.tzinfo, objects: ObjectTable) -> None:
        self._session, self.zone, self._objects = session, zone, objects
        self._last: Any = None
        self.serve: Callable[[bytes], bytes] | None = None
        self.reports: deque[Report] = deque(maxlen=_MOST)

    def follow(self, told_in_passing: Variant) -> None:
        """Keep what came with an answer; the same again, with a repeated answer, is told once."""
        if told_in_passing != self._last:
            with using(self._objects):
                self.reports.append(passed_by(self._session.address, told_in_passing, self.zone))
        self._last = told_in_passing

    def take(self, apdu: Apdu) -> report.ReportResponse | None:
        """The receipt for a report, None for what is none."""
        if not isinstance(apdu.body, report.ReportNotification):
            return None
        said = apdu.body.report, apdu.body.follow_report  # a repetition may have another time tag
        if said != self._last:
            with using(self._objects):
                self.reports.append(told(self._session.address, apdu.body, self.zone))
        self._last = said
        return receipt_of(apdu.body, self.serve)


class ReportProcedures:
    """Listening to what the meter reports. What comes while something else is asked is acknowledged and kept."""

    session: Session
    ear: Ear

    @procedure
    def listen(
        self, seconds: float, most: int = _MOST, serve: Callable[[bytes], bytes] | None = None
    ) -> Steps[list[Report]]:
        """Wait for reports and acknowledge each (REPORT-Response) at once; one that is repeated is told once.

        What came in passing, with answers to what was asked before, is among them.

        A meter that dials in is answered its logins and heartbeats meanwhile.

        Args:
            seconds: how long to listen.
            most: return when so many have come, those kept from before among them.
            serve: answers what the meter asks of its client (REPORT 4, of 2021); without it that is not answered.

        Raises:
            LocalProtocolError: `most` is no number of reports.
            SequenceError: pieces of a report do not belong together.
            Disconnected: the line went away.
        """
        if not 1 <= most <= _MOST:
            raise LocalProtocolError(f"1 to {_MOST} reports can be waited for, not {most}")
        ended, self.ear.serve = self.session.ended, serve
        try:
            yield from self._attend(seconds, most)
        finally:
            self.ear.serve = None
        found = [self.ear.reports.popleft() for _ in range(min(most, len(self.ear.reports)))]
        if self.session.ended is not None and self.session.ended is not ended and len(found) < most:
            found.append(told(self.session.address, self.session.ended, self.ear.zone))
        return found

    def _attend(self, seconds: float, most: int) -> Steps[None]:
        """Hear, until the time is over or there is enough; a login does not end it."""
        until = None
        while until is None or seconds > 0:
            steps = self.session.attend(seconds)
            try:
                step = next(steps)
                while not (isinstance(step, Receive) and len(self.ear.reports) >= most):
                    event = yield step
                    until = event[0] + seconds if until is None else until
                    seconds = until - event[0]
                    step = steps.send(event)
            except StopIteration:
                continue
            return


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


def passed_by(sender: Address, follow_report: Variant, zone: dt.tzinfo) -> Report:
    """What came with an answer: attributes (1) or records (2)."""
    if follow_report.tag == _ATTRIBUTES:
        return Report(sender, follow_report, readings=_readings(follow_report.value, zone), in_passing=True)
    tables = tuple(table_of(one, zone) for one in follow_report.value)
    return Report(sender, follow_report, tables=tables, in_passing=True)


def _readings(results: Iterable[ResultNormal], zone: dt.tzinfo) -> tuple[Reading, ...]:
    return tuple(reading(Item(str(one.oad), one.oad, by_oad(one.oad.packed)), one, zone) for one in results)


def told(sender: Address, body: Any, zone: dt.tzinfo) -> Report:
    """A report with its values scaled, its records as columns."""
    tag = getattr(body, "time_tag", None)
    local = None if tag is None else tag.sent.datetime()
    sent = None if local is None else local.replace(tzinfo=zone)
    if isinstance(body, ReleaseNotification):
        return Report(sender, body, released=True, sent=sent)
    heard = body.report
    if isinstance(heard, report.ReportList):
        return Report(sender, body, readings=_readings(heard.results, zone), sent=sent)
    if isinstance(heard, report.ReportRecordList):
        return Report(sender, body, tables=tuple(table_of(one, zone) for one in heard.records), sent=sent)
    if isinstance(heard, report.ReportTransparent):
        return Report(sender, body, port=heard.port, frames=heard.frames, sent=sent)
    return Report(sender, body, sent=sent)
