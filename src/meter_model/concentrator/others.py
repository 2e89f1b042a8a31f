"""Tasks that read no rows by a normal scheme: events of meters, frames that are passed on, reports to the master."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from meterwire.errors import MalformedError, MeterwireError
from meterwire.meter_model.concentrator.driver_dlt69845 import digits_of
from meterwire.meter_model.concentrator.gathered import NULL, Gathered, TaskRows
from meterwire.meter_model.concentrator.ports import Job, Port
from meterwire.protocols.dialogue import Steps
from meterwire.protocols.dlt69845.acquisition import (
    Archived,
    EventScheme,
    MeterProtocol,
    Passing,
    RecordReport,
    SchemeKind,
    Task,
)
from meterwire.protocols.dlt69845.client_records import EVENT_NUMBER, EVENT_START
from meterwire.protocols.dlt69845.descriptors import Road
from meterwire.protocols.dlt69845.selecting import between
from meterwire.protocols.dlt69845.services.get import GetRecord
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    from meterwire.meter_model.concentrator.concentrator import Concentrator

_STRUCTURE: Final = 2
_LAST_NUMBER: Final = 0xFFFF_FFFF
_ATTRIBUTE, _RECORD = 0, 1


class OtherTasks:
    """What such tasks do when they are due.

    Args:
        concentrator: whose.
    """

    def __init__(self, concentrator: Concentrator) -> None:
        self._own = concentrator
        self.seen: dict[tuple[bytes, int], int] = {}

    def begin(self, task: Task, due: dt.datetime) -> None:
        """Do it: all at once, since it is little."""
        if task.kind == SchemeKind.EVENT:
            events = self._own.event_schemes.get(task.scheme)
            if events is not None:
                self._events(task, events, due)
        elif task.kind == SchemeKind.TRANSPARENT:
            transparent = self._own.transparent_schemes.get(task.scheme)
            for passing in transparent.contents if transparent is not None else ():
                self._pass_on(passing)
        elif task.kind == SchemeKind.REPORT:
            self._report(task)

    # ------------------------------------------------------------ events

    def _events(self, task: Task, scheme: EventScheme, due: dt.datetime) -> None:
        roads = _roads(scheme)
        rows = self._own.collecting.rows.get(task.number)
        if rows is None or rows.columns != roads:
            rows = self._own.collecting.rows[task.number] = TaskRows(roads, scheme.depth)
        meters = [
            meter
            for meter in self._own.archive.meant(scheme.meters)
            if meter.basic.protocol == MeterProtocol.DLT69845  # events of DL/T 645 have no records of this form
        ]
        for at, road in enumerate(roads):
            self._events_of(meters, at, road, rows, due, report=scheme.report)

    def _events_of(
        self, meters: Sequence[Archived], at: int, road: Road, rows: TaskRows, due: dt.datetime, *, report: bool
    ) -> None:
        for port, mine in self._own.by_port(meters):
            jobs = [
                Job(digits_of(meter.basic.address), meter.basic.protocol, self._new_events(meter, road, port))
                for meter in mine
            ]
            for meter, outcome in zip(mine, port.run(jobs), strict=False):
                ended = due + dt.timedelta(seconds=outcome.seconds)
                failed = isinstance(outcome.value, MeterwireError)
                self._own.note(meter, None if failed else ended)
                for number, when, cells in () if failed else outcome.value:
                    self.seen[meter.basic.address, road.oad.packed] = number
                    all_cells = tuple(
                        Variant(_STRUCTURE, cells) if at == place else NULL for place in range(len(rows.columns))
                    )
                    row = Gathered(meter.basic.address, when, due, ended, when, all_cells)
                    rows.put(row)
                    self._own.collecting.version += 1
                    if report:
                        alone = msgspec.structs.replace(row, cells=(all_cells[at],))
                        self._own.report_rows(rows.columns[at : at + 1], [alone])

    def _new_events(
        self, meter: Archived, road: Road, port: Port
    ) -> Steps[list[tuple[int, dt.datetime, tuple[Variant, ...]]]]:
        """Records behind the last one that is known: number, beginning, and what is wanted of them."""
        driver: Any = self._own.driver(meter)
        after = self.seen.get((meter.basic.address, road.oad.packed), 0) + 1
        wanted = between(EVENT_NUMBER, after, _LAST_NUMBER)
        asked = GetRecord(road.oad, wanted, (EVENT_NUMBER, EVENT_START, *road.related))
        record = yield from driver.record(meter, asked, port.patience)
        found = []
        for number, begun, *cells in record.result.value if record.result.tag else ():
            when = begun.value.datetime() if hasattr(begun.value, "datetime") else None
            if when is not None and isinstance(number.value, int):
                found.append((number.value, when, tuple(cells)))
        return found

    # ------------------------------------------------------------ frames, reports

    def _pass_on(self, passing: Passing) -> None:
        """Send frames to a meter as they are; what comes back goes to the master (REPORT transparent)."""
        meter = self._own.archive.at(passing.meter)
        port = self._own.port(meter) if meter is not None else None
        if meter is None or port is None:
            return
        answers = (
            port.pass_on(frame.octets, passing.control.timeout or port.patience.timeout)[0] for frame in passing.frames
        )
        heard = [answer for answer in answers if answer]
        if heard:
            self._own.meter.reports.pass_on(str(meter.basic.port), *heard)

    def _report(self, task: Task) -> None:
        scheme = self._own.report_schemes.get(task.scheme)
        if scheme is None:
            return
        content = scheme.content
        try:
            if content.kind == _ATTRIBUTE and content.what.tag == 81:
                self._own.meter.reports.tell(str(content.what.value))
            elif content.kind == _RECORD:
                record = RecordReport.of(content.what)
                asked = GetRecord(record.table, record.rows, record.columns)
                self._own.meter.reports.prepare("records", (asked,), scheme.attempts)
        except MalformedError:  # a scheme that nobody can follow
            return


def _roads(scheme: EventScheme) -> tuple[Road, ...]:
    tables = scheme.way.tables
    found = tables.value if tables.tag == 1 else ()
    return tuple(one.value for one in found if isinstance(one.value, Road))
