"""The events of one meter: recognised from its circuit on the grid of its ledger, or reported to it by its other parts.

A condition must have held for its delay; the second at which it has done so is the start of the event, and likewise the
end (recalled: meters of the State Grid differ in whether they record that second or the one at which the condition
began). Loss of power ends what only a meter with power can measure. Of many events of one kind that come and go within
one block of the ledger only those are written down that the ring keeps; all are counted. A year of minutes is never
looked at one by one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.clock import local_time
from meterwire.meter_model.columns import column
from meterwire.meter_model.demand import DEMANDS, Counts
from meterwire.meter_model.events.detection import Seconds, Turn
from meterwire.meter_model.events.kinds import DEPTH, Kind, kinds, limit_table, limits
from meterwire.meter_model.events.log import Event, EventLog
from meterwire.meter_model.events.record import Charge, EventRecord, Memory, growth
from meterwire.meter_model.events.signals import MILLI, Signals
from meterwire.meter_model.load import PHASES, Rows
from meterwire.meter_model.moment import Moment
from meterwire.meter_model.programming import PROGRAMMING
from meterwire.meter_model.values import Demand

if TYPE_CHECKING:
    from collections import Counter

    from meterwire.meter_model.meter import Meter
    from meterwire.meter_model.parameters import Change
    from meterwire.meter_model.programming import Programmed

_DEMAND: Final = "demand_"
CLOCK_SET: Final = "clock_set"
_MOST_COLUMNS: Final = 256
_MOST_ITEMS: Final = 10
"""Items that a record of programming names (DL/T 645-2007, 033000xx)."""


class _Due(msgspec.Struct, frozen=True, order=True):
    """A turn that is still to be written down."""

    second: int
    order: int
    kind: str
    begins: bool
    charge: Charge
    peak: float
    minute: int


class Events:
    """The events of one meter.

    Args:
        meter: whose; its profile and circuit exist already.
        second: seconds since 1970 local at which it begins.

    Attributes:
        kinds: those that this type of meter knows, by name.
    """

    def __init__(self, meter: Meter, second: int) -> None:
        self._meter = meter
        self.kinds: Mapping[str, Kind] = kinds(meter.profile)
        self._limits = dict(limits(meter.profile))
        self._levels: dict[str, float] = {}
        self._log = EventLog()
        self._memory = {name: Memory() for name in self.kinds}
        self._measured = [kind for kind in self.kinds.values() if kind.when and not _of_demand(kind)]
        self._demands = [kind for kind in self.kinds.values() if _of_demand(kind)]
        self._begun_by = {kind.begins: kind for kind in self.kinds.values() if kind.begins}
        self._ended_by = {kind.ends: kind for kind in self.kinds.values() if kind.ends}
        self._seen, self._touched = second, True
        self._dark = False
        self._charge: Charge = (0,) * meter.profile.phases
        self._due: list[_Due] = []
        self._sessions: dict[str, tuple[int, str]] = {}
        self._announced: dict[str, int] = {}
        self._chosen: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._set_levels()

    # ------------------------------------------------------------ what has happened

    def count(self, kind: str) -> int:
        """How often it has happened since the last clearing; raises LocalProtocolError for no kind of this meter."""
        return self._of(kind).count

    def total(self, kind: str) -> int:
        """Seconds it took in all, with what goes on now; raises LocalProtocolError."""
        memory = self._of(kind)
        return memory.total + (0 if memory.begun is None else max(0, self._seen - memory.begun))

    def active(self, kind: str) -> bool:
        """Whether it goes on; raises LocalProtocolError."""
        return self._of(kind).begun is not None

    def record(self, kind: str, number: int = 1) -> EventRecord | None:
        """The record of the last event, or of an earlier one; None where there is none; raises LocalProtocolError."""
        records = self._of(kind).records
        return records[number - 1] if 1 <= number <= len(records) else None

    def records(self, kind: str) -> list[EventRecord]:
        """All that are kept, the latest first; raises LocalProtocolError."""
        return list(self._of(kind).records)

    def going_on(self) -> set[str]:
        """The names of all kinds that go on now."""
        self._up_to_date()
        return {name for name, memory in self._memory.items() if memory.begun is not None}

    def standing(self) -> dict[str, tuple[int, bool]]:
        """For every kind at once, how often it has happened and whether it goes on: what a poll compares."""
        self._up_to_date()
        return {name: (memory.count, memory.begun is not None) for name, memory in self._memory.items()}

    @property
    def counts(self) -> Counter[str]:
        """How often each note has been made, of all time."""
        return self._log.counts

    def last(self, count: int = 10) -> list[Event]:
        """The last notes, the latest first."""
        return self._log.last(count)

    def _up_to_date(self) -> None:
        self._meter.advance()
        self.look(settled=False)

    def _of(self, kind: str) -> Memory:
        self._up_to_date()
        if kind not in self._memory:
            raise LocalProtocolError(f"this meter knows no event {kind!r}")
        return self._memory[kind]

    # ------------------------------------------------------------ what records keep

    def columns(self, kind: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The quantities that records of a kind keep of their start and of their end."""
        row = self.kinds[kind]
        return self._chosen.get(kind, (row.before, row.after))

    def choose(self, kind: str, before: Sequence[str], after: Sequence[str]) -> None:
        """Keep these from now on; raises LocalProtocolError for too many, and for a name that is no quantity's."""
        if kind not in self.kinds:
            raise LocalProtocolError(f"this meter knows no event {kind!r}")
        if max(len(before), len(after)) > _MOST_COLUMNS:
            raise LocalProtocolError(f"{_MOST_COLUMNS} columns at most")
        self._meter.advance()
        names = (tuple(column(name).name for name in dict.fromkeys(part)) for part in (before, after))
        self._chosen[kind] = next(names), next(names)

    # ------------------------------------------------------------ limits

    @property
    def limits(self) -> Mapping[str, Fraction]:
        """Thresholds in V, A, W, var, per cent, and delays in s."""
        return dict(self._limits)

    def set_limit(self, name: str, value: Fraction) -> None:
        """Change a threshold or a delay; raises LocalProtocolError for no such limit, or a negative one."""
        if name not in self._limits:
            raise LocalProtocolError(f"no limit is called {name!r}")
        if not 0 <= value <= 10**9:
            raise LocalProtocolError(f"{name}: a number from 0 on is needed")
        self._meter.advance()
        self._limits[name] = value
        self._set_levels()
        self._touched = True

    def follow(self, parameter: str, value: Any) -> None:
        """A parameter has been set: take it over where it is one of the limits."""
        for limit in limit_table().values():
            if limit.parameter == parameter:
                self.set_limit(limit.name, Fraction(value))

    def _set_levels(self) -> None:
        table = limit_table()
        self._levels = {
            name: float(value * 1000 if table[name].unit in MILLI else value) for name, value in self._limits.items()
        }

    def _delays(self, kind: Kind) -> tuple[int, int]:
        return tuple(int(self._limits[name]) if name else 0 for name in (kind.delay, kind.release))  # type: ignore[return-value]

    # ------------------------------------------------------------ what other parts report

    def note(self, time: dt.datetime, name: str, source: str = "") -> None:
        """Something has happened, and it may begin or end an event."""
        self._log.note(time, name)
        begun, ended = self._begun_by.get(name), self._ended_by.get(name)
        if begun is not None and self._announced.pop(name, None) != self._seen:
            self.begin(begun.name, source)
        if ended is not None:
            self.finish(ended.name)

    def begin(self, kind: str, source: str = "", before: Mapping[str, Any] | None = None) -> None:
        """An event begins now; if its kind has no end, it is over. Nothing happens while it goes on already."""
        memory, row = self._memory[kind], self.kinds[kind]
        if memory.begun is not None:
            return
        moment = self._here()
        self._begin(row, moment, self._charge, source, before or {})
        if not (row.ends or row.when):
            memory.begun = None

    def finish(self, kind: str, after: Mapping[str, Any] | None = None) -> None:
        """It ends now, if it goes on."""
        if self._memory[kind].begun is not None:
            self._finish(self.kinds[kind], self._here(), self._charge, after or {})

    def announced(self, record: Programmed) -> None:
        """Somebody is known to have done something: what has just been noted gets his name, and is not noted again."""
        kind = self._begun_by.get(record.kind)
        if kind is None:
            self.programmed(PROGRAMMING, record.item, record.operator)
            return
        records = self._memory[kind.name].records
        if records:
            before = {**records[0].before, "items": (record.item,)}
            records[0] = msgspec.structs.replace(records[0], source=record.operator, before=before)
        self._announced[record.kind] = self._seen

    def parameter_changed(self, change: Change) -> None:
        """A parameter has been set: a limit follows it, and tables have records of their own that keep the old ones."""
        self.follow(change.name, change.new)
        source, item = ("", change.name) if change.by is None else (change.by.operator, change.by.item)
        if change.by is None:
            self.programmed(PROGRAMMING, item, source)
        for kind in self.kinds.values():
            if change.name.startswith(kind.writes) and kind.writes:
                old = self._meter.parameters.matching(kind.writes) | {change.name: change.old}
                self.programmed(kind.name, item, source, old)

    def programmed(self, kind: str, item: str, source: str, before: Mapping[str, Any] | None = None) -> None:
        """Something has been written, by somebody.

        Writes of one person within the session belong to one record, which names the first ten items; an eleventh opens
        a new record, so that none goes unrecorded.
        """
        memory = self._memory[kind]
        since, owner = self._sessions.get(kind, (0, ""))
        here = self._here()
        record = memory.records[0] if memory.records else None
        lasts = kind in self._sessions and here.second - since < self._limits["programming_session"]
        if lasts and owner == source and record is not None and len(record.before["items"]) < _MOST_ITEMS:
            both = {**(before or {}), **record.before, "items": (*record.before["items"], item)}
            memory.records[0] = msgspec.structs.replace(record, before=both)
            return
        self._sessions[kind] = here.second, source
        self.begin(kind, source, {**(before or {}), "items": (item,)})

    def close_session(self) -> None:
        """The programming switch has been turned off: the next write opens new records."""
        self._sessions.clear()

    def clear(self, names: Iterable[str] | None = None, *, source: str = "", item: str = "") -> None:
        """Forget the events of some kinds, or of all, and record that; kinds that are kept stay.

        Args:
            names: which; None for all.
            source: who does it.
            item: what was cleared, in the terms of the dialect that did it.
        """
        self._meter.advance()
        for name in self.kinds if names is None else names:
            if not self.kinds[name].kept:
                self._forget(name)
        if self._announced.pop("events-cleared", None) != self._seen:
            self.begin("event_clear", source, {"items": (item,)})

    def clear_meter(self) -> None:
        """Forget all events as the clearing of the meter does, which keeps its own records."""
        for name in self.kinds:
            if name != "meter_clear":
                self._forget(name)

    def _forget(self, name: str) -> None:
        self._memory[name].clear()
        self._meter.reports.forget(name)
        self._sessions.pop(name, None)
        self._touched = True

    # ------------------------------------------------------------ time

    def touch(self) -> None:
        """Something changes at this second."""
        self._touched = True

    def look(self, *, settled: bool = True) -> None:
        """If something has been changed, see what holds from now on; the meter asks before it goes on."""
        if not self._touched:
            return
        self._touched = not settled
        second = self._seen
        running = self._meter.powered
        if self._dark is running:
            self._power_changed(running)
        rows = self._meter.circuit.rows(second // 60, 1) if running else None
        signals = Signals(rows, self._meter.profile.phases, self._constants())
        for kind in self._measured:
            if not (running or kind.dark):
                continue
            on, off = (bool(np.all(one)) for one in self._condition(kind, signals))
            turn = self._memory[kind.name].detector.look(second, on, off, *self._delays(kind), settled=settled)
            if turn is not None:
                self._turn(kind, Moment(self._meter, second), turn.begins, self._charge)

    def foresee(self, minute: int, rows: Rows | None, begin: int, end: int) -> list[int]:
        """Time will pass; give the seconds at which something is to be written down.

        Args:
            minute: of the first row.
            rows: the circuit, None without power.
            begin: seconds since 1970 local up to which everything is registered.
            end: likewise, up to which time passes.
        """
        begin = max(begin, self._seen)
        if end <= begin:
            return []
        self._seen = end
        first, last = begin // 60, -(-end // 60)
        edges = np.arange(first, last + 1, dtype=np.int64) * 60
        edges[0], edges[-1] = begin, end
        if rows is not None:
            rows = Rows(*(getattr(rows, name)[first - minute : last - minute] for name in rows.__struct_fields__))
        signals = Signals(rows, self._meter.profile.phases, self._constants())
        charges = self._charges(signals, edges) if rows is not None else None
        for order, kind in enumerate(self._measured):
            if rows is not None or kind.dark:
                self._scan(order, kind, signals, edges, charges)
        if charges is not None:
            self._charge = tuple(int(one) for one in charges[-1])
        self._due.sort()
        return sorted({due.second for due in self._due})

    def happen(self, second: int) -> None:
        """Everything up to this second is registered: write down what happens at it."""
        moments: dict[int, Moment] = {}
        while self._due and self._due[0].second == second:
            due = self._due.pop(0)
            moment = moments.setdefault(due.minute, Moment(self._meter, second, due.minute))
            self._turn(self.kinds[due.kind], moment, due.begins, due.charge, due.peak)

    def demand_windows(self, ends: Counts, windows: Counts) -> None:
        """Windows of the demand have closed.

        Args:
            ends: minutes since 1970 local at which they end.
            windows: mJ, [windows][scope][demand].
        """
        settings = self._meter.demand.settings
        for kind in self._demands:
            signal, limit = kind.when[0][0].signal, self._levels[kind.when[0][0].limit]
            values = windows[:, 0, DEMANDS.index(signal.removeprefix(_DEMAND))]
            over = values > limit * settings.period * 60
            memory = self._memory[kind.name]
            if not over.any() and memory.begun is None:
                continue
            before = np.concatenate([[memory.begun is not None], over[:-1]])
            turns = np.flatnonzero(over != before).tolist()
            for first, last in zip([0, *turns], [*turns, len(over)], strict=True):
                if first < last or first in turns:
                    self._demand_over(kind, ends[first:last], values[first:last], over[first:last], settings.period)

    def clock_set(self, by: int, *, recorded: bool) -> None:
        """The clock has been set by so many seconds: durations and delays go on; the record learns the new time."""
        for memory in self._memory.values():
            memory.shift(by)
        self._sessions = {name: (since + by, owner) for name, (since, owner) in self._sessions.items()}
        self._seen += by
        self._touched = True
        record = self.record_of_setting if recorded else None
        if record is not None:
            changed = msgspec.structs.replace(record, after={"time": self._meter.now()})
            self._memory[CLOCK_SET].records[0] = changed

    @property
    def record_of_setting(self) -> EventRecord | None:
        """The last record of a setting of the clock."""
        records = self._memory[CLOCK_SET].records
        return records[0] if records else None

    # ------------------------------------------------------------ how

    def _here(self) -> Moment:
        return Moment(self._meter, self._seen)

    def _constants(self) -> dict[str, Any]:
        inputs, circuit, numbers = self._meter.inputs, self._meter.circuit, self._meter.profile.numbers
        clock, outage = inputs.clock_battery, inputs.outage_battery
        return {
            "cover_open": inputs.cover_open,
            "terminal_cover_open": inputs.terminal_cover_open,
            "magnetic_field": inputs.magnetic_field,
            "auxiliary_missing": inputs.auxiliary_supply is False,
            "dark": not self._meter.powered,
            "relay_closed": circuit.connected,
            "voltage_reversed": circuit.voltage_reversed,
            "current_reversed": circuit.current_reversed,
            "clock_battery": 1000.0 * (numbers.clock_battery_voltage if clock is None else clock),
            "outage_battery": 1000.0 * (numbers.outage_battery_voltage if outage is None else outage),
        }

    def _condition(self, kind: Kind, signals: Signals) -> tuple[Any, Any]:
        on = np.asarray(signals.holds(kind.when, kind.phase, self._levels), np.bool_)
        if not kind.until:
            return on, ~on
        return on, ~on & np.asarray(signals.holds(kind.until, kind.phase, self._levels), np.bool_)

    def _charges(self, signals: Signals, edges: Seconds) -> Counts:
        """Milliampere-seconds in all, at each edge."""
        gained = np.rint(signals.currents).astype(np.int64) * np.diff(edges)[:, np.newaxis]
        return np.asarray(np.concatenate([[self._charge], gained]).cumsum(axis=0))

    def _scan(self, order: int, kind: Kind, signals: Signals, edges: Seconds, charges: Counts | None) -> None:
        on, off = (np.broadcast_to(one, len(edges) - 1) for one in self._condition(kind, signals))
        memory = self._memory[kind.name]
        was = memory.detector.active
        delays = self._delays(kind)
        turns = memory.detector.scan(edges, on, off, *delays)
        peaks = self._peaks(kind, memory, signals, edges, turns, was) if "peak" in kind.during else [0.0] * len(turns)
        wanted = len(turns) - 2 * DEPTH - 1
        if wanted > 0 and not turns[wanted].begins:
            wanted -= 1
        for at, turn in enumerate(turns):
            if at < wanted:
                self._count(kind, memory, turn)
                continue
            charge = self._charge if charges is None else _at(charges, edges, turn.second)
            minute = (turn.second - (delays[not turn.begins] > 0)) // 60
            self._due.append(_Due(turn.second, order, kind.name, turn.begins, charge, peaks[at], minute))

    def _count(self, kind: Kind, memory: Memory, turn: Turn) -> None:
        """An event that begins or ends, and is forgotten before anybody could ask for its record."""
        if turn.begins:
            memory.count += 1
            memory.begun = turn.second
            self._report(kind)
        elif memory.begun is not None:
            memory.total += turn.second - memory.begun
            memory.begun = None

    def _peaks(
        self, kind: Kind, memory: Memory, signals: Signals, edges: Seconds, turns: list[Turn], was: bool
    ) -> list[float]:
        """The highest of the signal that the kind watches, at each turn since the last; keeps that of what goes on."""
        values = signals.signal(kind.when[0][0].signal)
        since: int | None = int(edges[0]) if was else None
        high = float(memory.peak) if was else 0.0
        peaks: list[float] = []
        for second, begins in [*((turn.second, turn.begins) for turn in turns), (int(edges[-1]), None)]:
            if since is not None:
                first, last = np.searchsorted(edges, since, "right") - 1, np.searchsorted(edges, second, "left")
                high = max(high, float(values[first:last].max(initial=0.0)))
            peaks.append(high)
            if begins is not None:
                since, high = (second, 0.0) if begins else (None, 0.0)
        memory.peak = Fraction(high)
        return peaks[:-1]

    def _power_changed(self, running: bool) -> None:
        self._dark = not running
        here = self._here()
        for kind in [*self._measured, *self._demands]:
            memory = self._memory[kind.name]
            if running or kind.dark:
                continue
            if memory.begun is not None:
                self._turn(kind, here, begins=False, charge=self._charge, peak=float(memory.peak))
            memory.detector.active, memory.detector.since = False, None

    def _demand_over(self, kind: Kind, ends: Counts, values: Counts, over: Any, minutes: int) -> None:
        """Some windows, all above the limit or all not."""
        memory = self._memory[kind.name]
        if not len(ends):
            return
        first = int(ends[0])
        if over[0] and memory.begun is None:
            self._begin(kind, Moment(self._meter, first * 60), self._charge, "", {})
        elif not over[0] and memory.begun is not None:
            self._finish(kind, Moment(self._meter, first * 60), self._charge, {})
        if over[0]:
            self._raise_demand(memory, int(ends[values.argmax()]), int(values.max()), minutes)

    def _raise_demand(self, memory: Memory, minute: int, millijoules: int, minutes: int) -> None:
        kilowatts = Fraction(millijoules, minutes * 60 * 1_000_000)
        record = memory.records[0] if memory.records else None
        if record is None or ("demand" in record.during and record.during["demand"].value >= kilowatts):
            return
        time = local_time(minute * 60).replace(tzinfo=self._meter.clock.zone)
        during = {**record.during, "demand": Demand(kilowatts, time)}
        memory.records[0] = msgspec.structs.replace(record, during=during)

    def _turn(self, kind: Kind, moment: Moment, begins: bool, charge: Charge, peak: float = 0.0) -> None:
        if begins:
            self._begin(kind, moment, charge, "", {})
        else:
            extra = {"peak": Fraction(round(peak * 10_000), 10_000)} if "peak" in kind.during else {}
            self._finish(kind, moment, charge, {}, extra)

    def _begin(self, kind: Kind, moment: Moment, charge: Charge, source: str, extra: Mapping[str, Any]) -> None:
        memory = self._memory[kind.name]
        memory.count += 1
        memory.begun, memory.charge = moment.second, charge
        before = {**moment.read(self.columns(kind.name)[0]), **extra}
        memory.remember(EventRecord(kind.name, memory.count, moment.time, before=before, source=source))
        self._report(kind)
        self._meter.reports.begun(kind.name, memory.count)

    def _report(self, kind: Kind) -> None:
        if kind.reported:
            self._meter.reports.note(kind.name)

    def _finish(
        self,
        kind: Kind,
        moment: Moment,
        charge: Charge,
        extra: Mapping[str, Any],
        during: Mapping[str, Any] | None = None,
    ) -> None:
        memory = self._memory[kind.name]
        if memory.begun is not None and kind.timed:
            memory.total += moment.second - memory.begun
        memory.begun = None
        if not memory.records:
            return
        record = memory.records[0]
        after = {**moment.read(self.columns(kind.name)[1]), **extra}
        grown: dict[str, Any] = {**record.during, **growth(record.before, after, kind.during), **(during or {})}
        if "charge" in kind.during:
            grown |= _ampere_hours(memory.charge, charge)
        memory.records[0] = msgspec.structs.replace(record, end=moment.time, after=after, during=grown)
        self._meter.reports.ended(kind.name, record.number)

    # ------------------------------------------------------------ storage

    def state(self) -> dict[str, Any]:
        """Everything, as builtins."""
        return {
            "memory": {name: memory.state() for name, memory in self._memory.items()},
            "limits": {name: [str(value.numerator), str(value.denominator)] for name, value in self._limits.items()},
            "log": self._log.state(),
            "seen": self._seen,
            "dark": self._dark,
            "charge": list(self._charge),
            "sessions": {name: list(session) for name, session in self._sessions.items()},
            "chosen": {name: [list(part) for part in parts] for name, parts in self._chosen.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over; raises ValueError, KeyError or TypeError for what is none."""
        memory = {name: Memory.of(name, one) for name, one in state["memory"].items() if name in self.kinds}
        chosen = state.get("chosen", {}).items()  # states of older versions have none
        self._chosen = {name: (tuple(before), tuple(after)) for name, (before, after) in chosen if name in self.kinds}
        own = {name: Fraction(*map(int, pair)) for name, pair in state["limits"].items() if name in self._limits}
        self._log.restore(state["log"])
        self._memory |= memory
        self._limits |= own
        self._seen, self._dark = int(state["seen"]), bool(state["dark"])
        self._charge = tuple(map(int, state["charge"]))
        self._sessions = {name: (int(since), str(owner)) for name, (since, owner) in state["sessions"].items()}
        self._set_levels()
        self._touched = True


def _of_demand(kind: Kind) -> bool:
    return bool(kind.when) and kind.when[0][0].signal.startswith(_DEMAND)


def _at(charges: Counts, edges: Seconds, second: int) -> Charge:
    """The charge at a second between two edges."""
    slot = min(int(np.searchsorted(edges, second, "right")) - 1, len(edges) - 2)
    part, whole = second - int(edges[slot]), int(edges[slot + 1] - edges[slot])
    pairs = zip(charges[slot].tolist(), charges[slot + 1].tolist(), strict=True)
    return tuple(low + (high - low) * part // whole for low, high in pairs)


def _ampere_hours(first: Charge, last: Charge) -> dict[str, Fraction]:
    used = [Fraction(new - old, 3_600_000) for old, new in zip(first, last, strict=True)]
    by_phase = {f"charge_{phase}": value for phase, value in zip(PHASES, used, strict=False)}
    return {"charge_total": sum(used, Fraction(0)), **by_phase}
