"""Reports of the DL/T 698.45 face: events sent unasked (REPORT), in passing (FollowReport), or hinted at (ACD).

Whether events are reported is the flag of each event object; whether anything may be sent unasked or in passing says
the device object (4300, attributes 8 and 7), and through which channels (attribute 10). An active report is repeated
with the same number until its receipt comes or `ATTEMPTS` are used up; how often and how fast a meter does so is not
in the facts at hand, and an own choice. What goes in passing counts as received when its client asks something else.
On a connection that was made by cipher or signature, reports are protected and so must their receipts be.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import msgspec

from meterwire.errors import MalformedError
from meterwire.meter_model.faces.dlt69845.context import Context
from meterwire.meter_model.faces.dlt69845.event_kinds import event_objects, objects_of_kind
from meterwire.meter_model.faces.dlt69845.events import EventTable
from meterwire.meter_model.faces.dlt69845.get import result_of
from meterwire.meter_model.faces.dlt69845.prepared import prepared_report
from meterwire.meter_model.faces.dlt69845.record_objects import read
from meterwire.meter_model.faces.dlt69845.security import unasked
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.meter_model.reports import Notice, Passed, Prepared, Told
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.services.common import PiidAcd, ResultNormal, ResultRecord
from meterwire.protocols.dlt69845.services.report import (
    ReceiptList,
    ReceiptRecordList,
    ReceiptTransparent,
    ReportList,
    ReportNotification,
    ReportRecordList,
    ReportResponse,
    ReportTransparent,
)
from meterwire.protocols.dlt69845.time_tags import holds, tag_of
from meterwire.protocols.wire.nodes import Variant

ATTEMPTS: Final = 3
REPEAT_AFTER: Final = 15.0
"""Seconds after which a report without receipt is sent again."""
POLL: Final = 1.0
"""Seconds between two looks at what has happened, where reports may be sent unasked."""
BEGUN, BEGIN_CONFIRMED, ENDED, END_CONFIRMED = 1, 2, 4, 8
"""Bits of the state of a report, by channel (3300)."""
_RECEIPTS: Final = {
    ReportList: ReceiptList,
    ReportRecordList: ReceiptRecordList,
    ReportTransparent: ReceiptTransparent,
}
_NUMBERS: Final = 64
_TAIL: Final = 8


class Reporter:
    """What one connection reports of its meter.

    Args:
        context: of the connection's client, who is told.
        tag: seconds that a report may be on its way (time tag), 0 for no tag.
        present: whether the meter has dialled in, so that somebody is there who has asked nothing yet.
    """

    def __init__(self, context: Context, tag: int = 0, present: Callable[[], bool] = bool) -> None:
        self._context, self._tag, self._present = context, tag, present
        self._client_known = False
        self._looked = -math.inf
        self._number = 0
        self._sent: tuple[Notice | Passed | Told | Prepared, Any] | None = None
        self._attempts, self._again = 0, math.inf
        self._followed: Notice | Told | None = None
        self._last = b""
        self._may_be_allowed = "active_report" in getattr(context.meter, "parameters", {})

    # ------------------------------------------------------------ unasked

    def next(self) -> float:
        """When to call `run`; infinite where nothing may be sent unasked, or nobody is there to be told."""
        if not (self._client_known or self._present()):
            return math.inf
        if not self._may_be_allowed or not self._context.meter.parameters["active_report"] or not self._channels():
            return math.inf
        return self._again if self._sent is not None else self._looked + POLL

    def run(self, now: float) -> bytes | None:
        """The report that is due, as an APDU, None for none."""
        if now < self.next():
            return None
        self._looked = now
        self._context.meter.advance()
        if self._sent is not None and self._is_settled(self._sent[0]):
            self._sent = None
        if self._sent is not None and self._attempts >= _most(self._sent[0]):
            self._context.meter.reports.settle(self._sent[0])
            self._sent = None
        if self._sent is None:
            self._take_next()
        if self._sent is None:
            return None
        self._attempts += 1
        self._again = now + REPEAT_AFTER
        tag = tag_of(self._context.now(), self._tag) if self._tag else None
        return unasked(self._context, ReportNotification(self._sent[1], time_tag=tag))

    def received(self, user: bytes) -> None:
        """A receipt of the client: the report that it is for has arrived; another one changes nothing."""
        try:
            body = self._context.codec(Apdu).parse(user).body
        except MalformedError:
            return
        if not isinstance(body, ReportResponse) or self._sent is None or not holds(body, self._context.now()):
            return
        notice, sent = self._sent
        if body.receipt.piid.number != sent.piid.number or not _answers(body.receipt, sent):
            return
        if isinstance(notice, Notice):
            self._mark(notice, END_CONFIRMED if notice.ended else BEGIN_CONFIRMED)
        self._context.meter.reports.settle(notice)
        self._sent, self._again = None, math.inf
        self._looked = -math.inf  # the next one may go at once

    def _take_next(self) -> None:
        reports = self._context.meter.reports
        events = (one for one in reports.notices if not reports.only_in_passing(one.kind))
        notice = next(iter((*events, *reports.passed, *reports.prepared)), None)
        if notice is None:
            return
        piid = PiidAcd(priority=0, access=0, number=self._number)
        self._number = (self._number + 1) % _NUMBERS
        self._attempts = 0
        if isinstance(notice, Passed):
            self._sent = notice, ReportTransparent(piid, Oad.of(notice.port), notice.frames)
            return
        if isinstance(notice, Told):
            self._sent = notice, ReportList(piid, tuple(result_of(self._context, Oad.of(one)) for one in notice.items))
            return
        if isinstance(notice, Prepared):
            self._sent = notice, prepared_report(self._context, notice, piid)
            return
        self._sent = notice, _report(self._context.meter, notice, piid)
        self._mark(notice, ENDED if notice.ended else BEGUN)

    # ------------------------------------------------------------ in passing

    def asked(self, user: bytes) -> None:
        """A request has come: whoever goes on to another one has received what went with the answer to the last."""
        self._client_known = True
        if self._followed is not None and user != self._last:
            if isinstance(self._followed, Notice):
                self._mark(self._followed, END_CONFIRMED if self._followed.ended else BEGIN_CONFIRMED)
            self._context.meter.reports.settle(self._followed)
            self._followed = None
        self._last = user

    def dressed(self, body: Any) -> Any:
        """An answer with the hint that something waits (ACD), and with a report in passing where there is room."""
        waiting = self._waiting()
        if waiting is None:
            return body
        inner = getattr(body, "response", None)
        if inner is None or not isinstance(getattr(inner, "piid", None), PiidAcd):
            return body
        hinted = PiidAcd(priority=inner.piid.priority, access=1, number=inner.piid.number)
        body = msgspec.structs.replace(body, response=msgspec.structs.replace(inner, piid=hinted))
        if not self._allowed("follow_report") or self._sent is not None:
            return body
        return self._with_report(body, waiting)

    def _waiting(self) -> Notice | Told | None:
        """What is the next to be told that can be told in passing: an event, or values."""
        reports = getattr(self._context.meter, "reports", None)
        if reports is None:
            return None
        values = (one for one in reports.passed if isinstance(one, Told))
        return next(iter(reports.notices), None) or next(values, None)

    def _with_report(self, body: Any, waiting: Notice | Told) -> Any:
        report = self._in_passing(waiting)
        if report is None:
            return body
        found = msgspec.structs.replace(body, follow_report=report)
        if len(self._context.codec(Apdu).build(Apdu.of(found))) > self._context.apdu_size - _TAIL:
            return body
        self._followed = waiting
        if isinstance(waiting, Notice):
            self._mark(waiting, ENDED if waiting.ended else BEGUN)
        return found

    def _in_passing(self, waiting: Notice | Told) -> Variant | None:
        if isinstance(waiting, Told):
            return Variant(1, tuple(result_of(self._context, Oad.of(one)) for one in waiting.items))
        record = _record(self._context.meter, waiting)
        return None if record is None else Variant(2, (record,))

    # ------------------------------------------------------------ how

    def _allowed(self, parameter: str) -> bool:
        return self._may_be_allowed and bool(self._context.meter.parameters[parameter])

    def _channels(self) -> list[int]:
        parameters = self._context.meter.parameters
        count = int(parameters["report_channel_count"])
        return [Oad.of(parameters[f"report_channel_{number}"]).packed for number in range(1, count + 1)]

    def _mark(self, notice: Notice, bits: int) -> None:
        """With the event, for the first channel: which of them a connection comes through it does not know."""
        for channel in self._channels()[:1]:
            self._context.meter.reports.mark(notice, channel, bits)

    def _is_settled(self, notice: Notice | Passed | Told | Prepared) -> bool:
        """Whether it was told through another connection, or forgotten."""
        reports = self._context.meter.reports
        if isinstance(notice, Prepared):
            return notice not in reports.prepared
        return notice not in (reports.notices if isinstance(notice, Notice) else reports.passed)


def _most(notice: Notice | Passed | Told | Prepared) -> int:
    """How often something is told at most."""
    return notice.attempts if isinstance(notice, Prepared) else ATTEMPTS


def _answers(receipt: Any, sent: Any) -> bool:
    """Whether a receipt is of the form of a report; which attributes it names is not looked at."""
    return isinstance(receipt, _RECEIPTS[type(sent)])


def _report(meter: Any, notice: Notice, piid: PiidAcd) -> Any:
    """The record of the event; where that is gone already, how often there have been such events."""
    record = _record(meter, notice)
    if record is not None:
        return ReportRecordList(piid, (record,))
    thing = event_objects()[objects_of_kind()[notice.kind]] if notice.kind in objects_of_kind() else None
    results: tuple[ResultNormal, ...] = ()
    if thing is not None:
        oad = Oad(thing.oi, 10 if thing.phased else 7, 0)
        results = (ResultNormal(oad, Variant(1, read(meter, oad))),)
    return ReportList(piid, results)


def _record(meter: Any, notice: Notice) -> ResultRecord | None:
    oi = objects_of_kind().get(notice.kind)
    if oi is None:
        return None
    thing = event_objects()[oi]
    attribute = next(at for at in (range(9, 5, -1) if thing.phased else (2,)) if notice.kind in thing.table(at))
    try:
        table = EventTable(meter, (notice.kind,))
    except Denied:
        return None
    row = next((one for one in table.entries() if one.record.number == notice.number), None)
    if row is None:
        return None
    columns = table.columns
    values = tuple(row.value(column) for column in columns)
    return ResultRecord(Oad(oi, attribute, 0), len(columns), columns, Variant(1, (values,)))
