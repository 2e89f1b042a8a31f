"""A concentrator: what it has been told, what it does when its clock says so, and what it has collected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from meterwire.meter_model.concentrator.archive import Archive
from meterwire.meter_model.concentrator.collecting import Collecting
from meterwire.meter_model.concentrator.driver import Driver
from meterwire.meter_model.concentrator.driver_dlt645 import Driver645
from meterwire.meter_model.concentrator.driver_dlt69845 import Driver69845
from meterwire.meter_model.concentrator.gathered import Column, Gathered, TaskRows
from meterwire.meter_model.concentrator.kept import data_of, octets_of
from meterwire.meter_model.concentrator.numbered import Numbered
from meterwire.meter_model.concentrator.others import OtherTasks
from meterwire.meter_model.concentrator.ports import Port
from meterwire.protocols.dlt69845.acquisition import (
    Archived,
    EventScheme,
    Found,
    MeterProtocol,
    MeterState,
    Monitored,
    ReportScheme,
    RunState,
    Scheme,
    Task,
    TransparentScheme,
)
from meterwire.protocols.dlt69845.dates import NOT_SPECIFIED, DateTimeS
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.selecting import tsa
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    from meterwire.meter_model.meter import Meter

_DRIVERS: Final[Mapping[int, Driver]] = {
    MeterProtocol.DLT645_1997: Driver645(),
    MeterProtocol.DLT645_2007: Driver645(),
    MeterProtocol.DLT69845: Driver69845(),
}
_NOBODY: Final = tsa("000000000000")
NO_RULES: Final = Variant(1, ())
_NEXT_LOOK: Final = dt.timedelta(seconds=1)


class Concentrator:
    """A concentrator.

    Args:
        meter: its own metering, which gives it address, clock, secrets and parameters; it knows its concentrator then.
        ports: lines to the meters, by descriptor: `F2010201` for the first RS-485 port, `F2090201` for the module.

    Attributes:
        archive: the meters.
        tasks, schemes, event_schemes, transparent_schemes, report_schemes: what is collected.
        collecting: does it, and has the rows.
        others: tasks that are not about rows.
        found: what the last search has found.
        rules: the library of acquisition rules (601E) as a master has written it; it is kept, and not followed.
    """

    def __init__(self, meter: Meter, ports: Mapping[str, Port]) -> None:
        self.meter, self._ports = meter, dict(ports)
        self.archive = Archive()
        self.tasks: Numbered[Task] = Numbered(Task, self._tasks_changed)
        self.schemes: Numbered[Scheme] = Numbered(Scheme, self._schemes_changed)
        self.event_schemes: Numbered[EventScheme] = Numbered(EventScheme)
        self.transparent_schemes: Numbered[TransparentScheme] = Numbered(TransparentScheme)
        self.report_schemes: Numbered[ReportScheme] = Numbered(ReportScheme)
        self.collecting = Collecting(self)
        self.others = OtherTasks(self)
        self.found: tuple[Found, ...] = ()
        self.rules = NO_RULES
        self._heard: dict[bytes, tuple[dt.datetime | None, int]] = {}
        meter.concentrator = self

    # ------------------------------------------------------------ time

    def now(self) -> dt.datetime:
        """Its local time, without a zone."""
        return self.meter.clock.now().replace(tzinfo=None)

    def run(self) -> None:
        """Do what is due."""
        if self.meter.powered:
            now = self.now()
            self.collecting.begin(now)
            self.collecting.work(now)

    def next(self) -> dt.datetime:
        """When there is something to do again: at the latest on the next full minute, when tasks may begin."""
        now = self.now()
        minute = now.replace(second=0, microsecond=0) + dt.timedelta(minutes=1)
        return min(max(self.collecting.next() or minute, now + _NEXT_LOOK), minute)

    # ------------------------------------------------------------ meters

    def driver(self, meter: Archived) -> Driver | None:
        """How a meter is spoken to, None where nobody knows."""
        return _DRIVERS.get(meter.basic.protocol)

    def port(self, meter: Archived) -> Port | None:
        """The line to a meter; None where the archive names one that there is not."""
        return self.port_at(meter.basic.port)

    def port_at(self, oad: Oad) -> Port | None:
        """The line of a descriptor; its whole object stands for its first element."""
        return self._ports.get(str(oad if oad.index else Oad(oad.oi, oad.attribute, 1)))

    def by_port(self, meters: Sequence[Archived]) -> Iterator[tuple[Port, list[Archived]]]:
        """Meters by the line they are on; those on none are left out."""
        for oad in dict.fromkeys(meter.basic.port for meter in meters):
            port = self.port_at(oad)
            if port is not None:
                yield port, [meter for meter in meters if meter.basic.port == oad]

    def note(self, meter: Archived, succeeded: dt.datetime | None) -> None:
        """A meter has answered, or has not."""
        last, failures = self._heard.get(meter.basic.address, (None, 0))
        state = (succeeded, 0) if succeeded is not None else (last, min(failures + 1, 0xFF))
        self._heard[meter.basic.address] = state

    def search(self) -> None:
        """Look who is there, on every port."""
        time = DateTimeS.of(self.now())
        self.found = tuple(
            Found(tsa(address), _NOBODY, protocol, 0, 100, time, ())
            for port in self._ports.values()
            for address, protocol in port.there()
        )

    def search_cleared(self) -> None:
        """Forget who was found."""
        self.found = ()

    # ------------------------------------------------------------ what is told

    def states(self) -> list[MeterState]:
        """How well each meter of the archive is reached (6032)."""
        return [self._state(meter) for meter in self.archive]

    def _state(self, meter: Archived) -> MeterState:
        last, failures = self._heard.get(meter.basic.address, (None, 0))
        time = NOT_SPECIFIED if last is None else DateTimeS.of(last)
        return MeterState(meter.basic.address, 0, b"", meter.basic.port, time, failures, 0, 0)

    def monitoring(self) -> list[Monitored]:
        """What each task has done the last time (6034)."""
        return [self._monitored(task) for task in self.tasks]

    def _monitored(self, task: Task) -> Monitored:
        run = self.collecting.runs.get(task.number)
        if run is None:
            return Monitored(task.number, RunState.WAITING, NOT_SPECIFIED, NOT_SPECIFIED, 0, 0, 0, 0)
        state = RunState.DONE if run.over else RunState.RUNNING
        times = DateTimeS.of(run.begun), DateTimeS.of(run.ended) if run.over else NOT_SPECIFIED
        return Monitored(task.number, state, *times, run.total, run.succeeded, run.sent & 0xFFFF, run.received & 0xFFFF)

    def report_rows(self, columns: Sequence[Column], rows: Sequence[Gathered]) -> None:
        """Rows that the master shall be told of unasked."""
        self.meter.reports.prepare("rows", (tuple(columns), tuple(rows)), 3)

    # ------------------------------------------------------------ changes

    def _tasks_changed(self, numbers: set[int]) -> None:
        self.collecting.forget(numbers)

    def _schemes_changed(self, numbers: set[int]) -> None:
        """Runs of a scheme that has changed are given up; its next run follows the new one."""
        for task in self.tasks:
            if task.scheme in numbers:
                self.collecting.runs.pop(task.number, None)

    # ------------------------------------------------------------ storage

    def state(self) -> dict[str, Any]:
        """What it has been told, as builtins."""
        tables = {name: getattr(self, name).state() for name in _TABLES}
        seen = [[meter, table, number] for (meter, table), number in self.others.seen.items()]
        units = [octets_of(unit.data()) for unit in self.archive]
        return {"archive": units, **tables, "seen": seen, "rules": octets_of(self.rules)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over."""
        self.archive.clear()
        self.archive.put(*(Archived.of(data_of(octets)) for octets in state["archive"]))
        for name in _TABLES:
            getattr(self, name).restore(state[name])
        self.rules = data_of(state["rules"])
        self.others.seen = {(meter, int(table)): int(number) for meter, table, number in state["seen"]}

    def rows_state(self) -> dict[str, Any]:
        """What it has collected, as builtins."""
        return {str(number): rows.state() for number, rows in self.collecting.rows.items()}

    def restore_rows(self, state: Mapping[str, Any]) -> None:
        """Take collected rows over."""
        self.collecting.rows = {int(number): TaskRows.restored(rows) for number, rows in state.items()}


_TABLES: Final = ("tasks", "schemes", "event_schemes", "transparent_schemes", "report_schemes")
