"""Running tasks: who is still to be read, in which order, how often again, and what of the past is missing.

A run of a task reads every meter of its scheme once; who does not answer is asked again, `ATTEMPTS` times in all, until
the next run takes its place. Where a scheme collects what meters store, a run asks for everything from the oldest row
that is missing on: a meter or a concentrator that was out fills its gap with the next run. How often and how soon real
concentrators ask again differs, and is an own choice here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from meterwire.errors import MeterwireError
from meterwire.meter_model.concentrator import schedule
from meterwire.meter_model.concentrator.driver import Last, Span
from meterwire.meter_model.concentrator.driver_dlt69845 import digits_of
from meterwire.meter_model.concentrator.gathered import NULL, Gathered, TaskRows
from meterwire.meter_model.concentrator.ports import Job, Outcome, Port, busy
from meterwire.protocols.dialogue import Steps
from meterwire.protocols.dlt69845.acquisition import Archived, Collected, Scheme, SchemeKind, StorageTime, Task
from meterwire.protocols.dlt69845.dates import Interval, IntervalUnit
from meterwire.protocols.dlt69845.descriptors import Oad, Road
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    from meterwire.meter_model.concentrator.concentrator import Concentrator

ATTEMPTS: Final = 3
RETRY_AFTER: Final = dt.timedelta(seconds=60)
LATEST: Final = dt.timedelta(minutes=2)
"""A run that collects present values does not begin later: they would not be those of its moment."""
BATCH: Final = 16
"""Meters that are handed to a port at once."""
MOST_MISSED: Final = 192
"""Moments that one run asks a meter for at most: two days of quarters."""
_HISTORY: Final = frozenset({Collected.BY_FREEZE_TIME, Collected.BY_INTERVAL})
_STRUCTURE: Final = 2
_LEAST_BUSY: Final = 0.001
_DAY: Final = dt.timedelta(days=1)
_MINUTE: Final = dt.timedelta(minutes=1)


class Run:
    """One run of a task that follows a normal scheme.

    Attributes:
        task, scheme: what it does.
        due: the moment of the run.
        waiting: meters to be read, with the attempts made so far and when the next may be.
        succeeded: meters that have been.
    """

    def __init__(self, task: Task, scheme: Scheme, due: dt.datetime, meters: Sequence[Archived]) -> None:
        self.task, self.scheme, self.due = task, scheme, due
        self.waiting: dict[bytes, _Turn] = {meter.basic.address: _Turn(meter, 0, due) for meter in meters}
        self.total, self.succeeded = len(meters), 0
        self.begun, self.ended = due, due
        self.sent = self.received = 0

    @property
    def over(self) -> bool:
        """Whether nobody is left to be read."""
        return not self.waiting

    def next(self) -> dt.datetime | None:
        """When somebody is to be read."""
        return min((turn.at for turn in self.waiting.values()), default=None)

    def turns(self, now: dt.datetime) -> list[_Turn]:
        """Those who are to be read now, some of them, through one port."""
        ready = [turn for turn in self.waiting.values() if turn.at <= now]
        if not ready:
            return []
        port = ready[0].meter.basic.port
        return [turn for turn in ready if turn.meter.basic.port == port][:BATCH]


class _Turn(msgspec.Struct):
    meter: Archived
    attempts: int
    at: dt.datetime


class Collecting:
    """The runs of one concentrator, and what they have brought.

    Args:
        concentrator: whose.

    Attributes:
        rows: by number of the task.
        runs: those under way and the last one of each task, by its number.
        version: changes with the rows.
    """

    def __init__(self, concentrator: Concentrator) -> None:
        self._own = concentrator
        self.rows: dict[int, TaskRows] = {}
        self.runs: dict[int, Run] = {}
        self._done: dict[int, dt.datetime] = {}
        self._busy: dt.datetime | None = None
        self.version = 0

    # ------------------------------------------------------------ what is due

    def forget(self, tasks: set[int]) -> None:
        """Tasks are new, different or gone: nothing of them is under way, and rows of those that are gone go too."""
        for number in tasks:
            self.runs.pop(number, None)
            self._done.pop(number, None)
            if self._own.tasks.get(number) is None and self.rows.pop(number, None) is not None:
                self.version += 1

    def begin(self, now: dt.datetime) -> None:
        """Begin the runs that are due; a run that is still under way is given up for the next one."""
        for task in self._own.tasks:
            due = schedule.last_due(task, now)
            if due is None or due <= self._done.get(task.number, dt.datetime.min):  # noqa: DTZ901  naive like all here
                continue
            self._done[task.number] = due
            if task.kind == SchemeKind.NORMAL:
                self._begin(task, due, now)
            else:
                self._own.others.begin(task, due)

    def _begin(self, task: Task, due: dt.datetime, now: dt.datetime) -> None:
        scheme = self._own.schemes.get(task.scheme)
        if scheme is None:
            return
        self._keep(task.number, scheme)
        late = now - due - schedule.lasting(task.delay)
        if scheme.way.kind in _HISTORY or late <= LATEST:
            self.runs[task.number] = Run(task, scheme, due, self._own.archive.meant(scheme.meters))

    def _keep(self, task: int, scheme: Scheme) -> None:
        rows = self.rows.get(task)
        if rows is None or rows.columns != tuple(scheme.columns):
            rows = self.rows[task] = TaskRows(scheme.columns, scheme.depth)
        rows.depth = max(1, scheme.depth)

    def under_way(self) -> list[Run]:
        """Runs with somebody to be read, the most important and oldest first."""
        return sorted((run for run in self.runs.values() if not run.over), key=lambda run: (run.task.priority, run.due))

    def next(self) -> dt.datetime | None:
        """When a meter is to be read, None where none is."""
        times = [time for run in self.under_way() if (time := run.next()) is not None]
        if not times:
            return None
        return max(min(times), self._busy or min(times))

    # ------------------------------------------------------------ reading

    def work(self, now: dt.datetime) -> None:
        """Read as many meters as the time until now allows."""
        while (at := self.next()) is not None and at <= now:
            for run in self.under_way():
                turns = run.turns(at)
                if turns:
                    self._busy = at + dt.timedelta(seconds=self._read(run, turns, now))
                    break

    def _read(self, run: Run, turns: Sequence[_Turn], now: dt.datetime) -> float:
        """Read some meters through their port; for how many seconds that keeps it busy."""
        if not run.sent:
            run.begun = now
        port = self._own.port(turns[0].meter)
        jobs = {turn.meter.basic.address: job for turn in turns if (job := self._job(run, turn, port, now)) is not None}
        outcomes = port.run(list(jobs.values())) if port is not None and jobs else []
        found = dict(zip(jobs, outcomes, strict=True)) if outcomes else {}
        for turn in turns:
            outcome = found.get(turn.meter.basic.address)
            if outcome is None:  # no port, or nobody speaks that
                self._failed(run, turn, now)
            else:
                self._take(run, turn, outcome, now)
        run.ended = now + dt.timedelta(seconds=busy(outcomes))
        return max(busy(outcomes), _LEAST_BUSY)

    def _job(self, run: Run, turn: _Turn, port: Port | None, now: dt.datetime) -> Job | None:
        driver = self._own.driver(turn.meter)
        if driver is None or port is None:
            return None
        steps = self._steps(run, turn.meter, driver, port, now)
        return Job(digits_of(turn.meter.basic.address), turn.meter.basic.protocol, steps)

    def _take(self, run: Run, turn: _Turn, outcome: Outcome, now: dt.datetime) -> None:
        run.sent, run.received = run.sent + outcome.sent, run.received + outcome.received
        ended = now + dt.timedelta(seconds=outcome.seconds)
        self._own.note(turn.meter, None if isinstance(outcome.value, MeterwireError) else ended)
        if isinstance(outcome.value, MeterwireError):
            self._failed(run, turn, now)
            return
        rows = self.rows[run.task.number]
        for moment, cells in outcome.value:
            stored = stored_under(run.scheme.storage, moment, run.due)
            rows.put(Gathered(turn.meter.basic.address, moment, now, ended, stored, cells))
        self._give_up(run, turn.meter, rows, [moment for moment, _ in outcome.value], now)
        self.version += 1
        run.succeeded += 1
        del run.waiting[turn.meter.basic.address]

    def _give_up(
        self, run: Run, meter: Archived, rows: TaskRows, found: Sequence[dt.datetime], now: dt.datetime
    ) -> None:
        """What a meter does not have although it has something newer it never will: nobody asks for it again."""
        if run.scheme.way.kind in _HISTORY and found:
            for moment in list(_missing(run, meter, rows, now)):
                if moment < max(found):
                    rows.mark_absent(meter.basic.address, moment)

    def _failed(self, run: Run, turn: _Turn, now: dt.datetime) -> None:
        turn.attempts += 1
        turn.at = now + RETRY_AFTER
        if turn.attempts >= ATTEMPTS:
            del run.waiting[turn.meter.basic.address]

    def _steps(
        self, run: Run, meter: Archived, driver: Any, port: Port, now: dt.datetime
    ) -> Steps[list[tuple[Any, Any]]]:
        """The dialogue that reads one meter: it gives rows as moment and cells."""
        scheme, rows = run.scheme, self.rows[run.task.number]
        if scheme.way.kind in _HISTORY:
            missing = list(_missing(run, meter, rows, now))
            return _stored_rows(driver, port, meter, scheme, missing)
        back = scheme.way.parameter.value if scheme.way.kind == Collected.NTH_LAST else 1
        return _one_row(driver, port, meter, scheme, run.due, back if isinstance(back, int) and back else 1)


def _missing(run: Run, meter: Archived, rows: TaskRows, now: dt.datetime) -> Iterator[dt.datetime]:
    """The moments whose rows are not there, as far back as they are kept and asked for."""
    scheme = run.scheme
    by_freeze = scheme.way.kind == Collected.BY_FREEZE_TIME
    interval = run.task.every if by_freeze else scheme.way.parameter.value
    if not isinstance(interval, Interval):
        interval = Interval(IntervalUnit.DAY, 1)
    start = schedule.start_of(run.task) - (_DAY if by_freeze else dt.timedelta())
    most = min(rows.depth, MOST_MISSED)
    for moment in schedule.moments(interval, start, now, most):
        if not rows.knows(meter.basic.address, moment):
            yield moment


def _stored_rows(
    driver: Any, port: Port, meter: Archived, scheme: Scheme, missing: Sequence[dt.datetime]
) -> Steps[list[tuple[dt.datetime, tuple[Variant, ...]]]]:
    """Rows of everything that is missing, joined over the record tables of the scheme by their times."""
    if not missing:
        return []
    wanted, span = set(missing), Span(missing[0], missing[-1])
    tables: list[dict[dt.datetime, Variant]] = []
    present = yield from _present(driver, port, meter, scheme)
    for column in scheme.columns:
        found: dict[dt.datetime, Variant] = {}
        if isinstance(column, Road):
            rows = yield from driver.rows(meter, column, span, port.patience)
            found = {when: Variant(_STRUCTURE, cells) for when, cells in rows if when in wanted}
        tables.append(found)
    times = sorted({when for table in tables for when in table})
    return [
        (
            when,
            tuple(
                table.get(when, NULL) if isinstance(column, Road) else present.get(column, NULL)
                for column, table in zip(scheme.columns, tables, strict=True)
            ),
        )
        for when in times
    ]


def _one_row(
    driver: Any, port: Port, meter: Archived, scheme: Scheme, moment: dt.datetime, back: int
) -> Steps[list[tuple[dt.datetime, tuple[Variant, ...]]]]:
    """What the meter shows now, and of its record tables one row so many back."""
    present = yield from _present(driver, port, meter, scheme)
    cells = []
    for column in scheme.columns:
        if isinstance(column, Oad):
            cells.append(present.get(column, NULL))
            continue
        rows = yield from driver.rows(meter, column, Last(back), port.patience)
        cells.append(Variant(_STRUCTURE, rows[-1][1]) if rows else NULL)
    return [(moment, tuple(cells))]


def _present(driver: Any, port: Port, meter: Archived, scheme: Scheme) -> Steps[dict[Any, Variant]]:
    oads = [column for column in scheme.columns if isinstance(column, Oad)]
    if not oads:
        return {}
    results = yield from driver.attributes(meter, oads, port.patience)
    return {result.oad: result.result.value for result in results if result.result.tag}


def stored_under(which: int, moment: dt.datetime, due: dt.datetime) -> dt.datetime:
    """The time that a row is stored under (6015, storage time): relative to the moment that it is of."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight.replace(day=1)
    times = {
        StorageTime.TASK_START: due,
        StorageTime.DAY: midnight,
        StorageTime.DAY_BEFORE_END: midnight - _MINUTE,
        StorageTime.DAY_BEFORE: midnight - _DAY,
        StorageTime.MONTH: first,
        StorageTime.FREEZE: moment,
        StorageTime.MONTH_BEFORE_END: first - _DAY,
    }
    return times.get(StorageTime(which), due) if which in set(StorageTime) else due
