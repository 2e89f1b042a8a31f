"""The load profile: classes of quantities, each stored at an interval of its own (DL/T 645-2007, annex B and class 06).

Which classes record follows the mode word (bit 0 for class 1); the intervals and the moment at which recording begins
are parameters. Without power nothing is recorded: a gap.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.clock import local_seconds, local_time
from meterwire.meter_model.columns import column, columns_named, needs_everything
from meterwire.meter_model.pattern import following
from meterwire.meter_model.row import Row
from meterwire.meter_model.series import Schedule, Series
from meterwire.meter_model.tariff import NO_MORE
from meterwire.meter_model.values import NotServed

if TYPE_CHECKING:
    from meterwire.meter_model.meter import Meter
    from meterwire.meter_model.sample import Sample
    from meterwire.quantities import Quantity

_THREE: Final = ("a", "b", "c")
_FOUR: Final = ("", "_a", "_b", "_c")
CLASSES: Final[Mapping[int, tuple[str, ...]]] = {
    1: (*(f"voltage_{phase}" for phase in _THREE), *(f"current_{phase}" for phase in _THREE), "frequency"),
    2: (*(f"active_power{phase}" for phase in _FOUR), *(f"reactive_power{phase}" for phase in _FOUR)),
    3: tuple(f"power_factor{phase}" for phase in _FOUR),
    4: (
        "active_energy_import",
        "active_energy_export",
        "reactive_energy_combined_1",
        "reactive_energy_combined_2",
    ),
    5: tuple(f"reactive_energy_q{number}" for number in range(1, 5)),
    6: ("demand_active_import", "demand_reactive_combined_1"),
}
"""What each class stores, by its number, in the order of the standard."""
OWN_CLASSES: Final = range(7, 11)
"""Numbers of the classes that somebody may add, one for each interval."""
_LONGEST_INTERVAL: Final = 1440
_MOST_COLUMNS: Final = 256


class LoadClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a class stores: names of quantities."""

    columns: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=64)]

    def __post_init__(self) -> None:
        try:
            for name in self.columns:
                column(name)
        except LocalProtocolError as error:
            raise ValueError(str(error)) from None


class LoadProfileSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The load profile of a type of meter.

    Attributes:
        capacity: rows that are kept of each class; 4,096 are six weeks of quarters of an hour.
        classes: replaces or adds to `CLASSES`, by number.
    """

    capacity: Annotated[int, msgspec.Meta(ge=1, le=131_072)] = 4096
    classes: dict[str, LoadClass] = {}

    def __post_init__(self) -> None:
        if not set(self.classes) <= {str(number) for number in range(1, 7)}:
            raise ValueError("classes: numbered 1 to 6")

    def columns(self) -> dict[int, tuple[Quantity, ...]]:
        """What each class stores."""
        named = {**CLASSES, **{int(number): one.columns for number, one in self.classes.items()}}
        return {number: columns_named(tuple(names)) for number, names in sorted(named.items())}


class LoadProfile:
    """The load profile of one meter.

    Args:
        meter: whose; its parameters exist already.
        settings: columns and capacity.
    """

    def __init__(self, meter: Meter, settings: LoadProfileSettings) -> None:
        self._meter = meter
        self._columns = settings.columns()
        self._capacity = settings.capacity
        self._own: dict[int, tuple[int, tuple[str, ...]]] = {}
        self._origin = 0
        self.series = {number: Series(settings.capacity, self._schedule(number)) for number in self._columns}
        self.begin_again()

    @property
    def classes(self) -> tuple[int, ...]:
        """The numbers of the classes of the standard."""
        return tuple(number for number in self._columns if number not in self._own)

    @property
    def all_classes(self) -> tuple[int, ...]:
        """These, and those that somebody has added with `record`."""
        return tuple(self._columns)

    def record(self, interval: int, names: Sequence[str]) -> None:
        """Store more quantities, every so many minutes, beside what the classes of the standard have.

        Raises:
            LocalProtocolError: a name is no quantity's, or there are too many of them or of intervals.
        """
        if not 1 <= interval <= _LONGEST_INTERVAL:
            raise LocalProtocolError(f"an interval of {interval} minutes: 1 to {_LONGEST_INTERVAL}")
        same = [number for number, (minutes, _) in self._own.items() if minutes == interval]
        unused = [number for number, (_, kept) in self._own.items() if not kept]
        new = [number for number in OWN_CLASSES if number not in self._own]
        found = [*same, *new, *unused]
        if not found:
            raise LocalProtocolError(f"{len(OWN_CLASSES)} different intervals at most")
        kept = self._own[found[0]][1] if same else ()
        wanted = tuple(column(name).name for name in dict.fromkeys((*kept, *names)))
        if len(wanted) > _MOST_COLUMNS:
            raise LocalProtocolError(f"{len(wanted)} columns, {_MOST_COLUMNS} at most")
        self._meter.advance()
        self._define(found[0], interval, wanted)
        self._meter.plan_samples()

    def drop(self, names: Collection[str]) -> None:
        """Store these no longer, where they were added with `record`; rows that are there keep them."""
        self._meter.advance()
        for number, (interval, kept) in list(self._own.items()):
            self._define(number, interval, tuple(name for name in kept if name not in names))
        self._meter.plan_samples()

    def _define(self, number: int, interval: int, names: tuple[str, ...]) -> None:
        self._own[number] = interval, names
        self._columns[number] = columns_named(names)
        if number not in self.series:
            self.series[number] = Series(self._capacity, self._schedule(number))

    def columns(self, number: int) -> tuple[Quantity, ...]:
        """What a class stores; raises NotServed."""
        if number not in self._columns:
            raise NotServed(f"no load profile class {number}")
        return self._columns[number]

    def rows(self, number: int, start: dt.datetime | None = None, count: int | None = None) -> list[Row]:
        """Rows of a class from a time on, the oldest first.

        Args:
            number: of the class.
            start: the first row is at or after this time; naive is local, None the oldest row.
            count: at most so many.

        Raises:
            NotServed: no such class.
        """
        rows = self._rows(number)
        if start is not None:
            second = self._second(start)
            rows = rows[next((at for at, row in enumerate(rows) if row.second >= second), len(rows)) :]
        return rows if count is None else rows[:count]

    def latest(self, number: int, count: int = 1) -> list[Row]:
        """The last rows of a class, the oldest of them first; raises NotServed."""
        return self._rows(number)[-count:] if count > 0 else []

    def row_at(self, number: int, time: dt.datetime) -> Row | None:
        """The row of exactly that time, the last recorded where there are two; raises NotServed."""
        second = self._second(time)
        return next((row for row in reversed(self._rows(number)) if row.second == second), None)

    def records(
        self, start: dt.datetime | None = None, count: int | None = None, *, own: bool = False
    ) -> list[dict[int, Row]]:
        """What was recorded at each time, by class: the rows of all classes that belong together, the oldest first.

        Args:
            start: no rows before; naive is local.
            count: at most so many.
            own: with the classes that somebody has added.
        """
        found: dict[int, dict[int, Row]] = {}
        for number in self.all_classes if own else self.classes:
            for row in self.rows(number, start):
                found.setdefault(row.second, {})[number] = row
        records = [found[second] for second in sorted(found)]
        return records if count is None else records[:count]

    def interval(self, number: int) -> int:
        """Minutes between two rows of a class."""
        if number in self._own:
            return self._own[number][0]
        return int(self._meter.parameters[f"load_profile_interval_{number}"])

    def begin_again(self) -> None:
        """The moment at which recording begins has been set: that of the present year, whether past or to come."""
        start = self._meter.parameters["load_profile_start"]
        if start is None:
            self._origin = 0
            return
        month, day, hour, minute = start
        year = local_time(self._meter.second).year
        while True:
            try:
                moment = dt.datetime(year, month, day, hour, minute)  # noqa: DTZ001  local time
            except ValueError:  # the 29th of February of a year that has none
                year += 1
            else:
                break
        self._origin = local_seconds(moment) // 60

    def take(self, number: int, sample: Sample) -> None:
        """A row is due."""
        self.series[number].take(self._meter.clock.zone, self._columns[number], sample)

    def needs_everything(self, number: int) -> bool:
        """Whether the totals are not enough for a class."""
        return needs_everything(self._columns[number])

    @property
    def mark(self) -> tuple[object, ...]:
        """Differs whenever the state does."""
        return self._origin, tuple(self._own.items()), *(series.mark for series in self.series.values())

    def clear(self) -> None:
        """Forget all rows."""
        for series in self.series.values():
            series.clear()

    def state(self, *, rows: bool = True) -> dict[str, Any]:
        """Everything, with the rows or without, as builtins."""
        series = {str(key): series.state(rows=rows) for key, series in self.series.items()}
        own = {str(number): [interval, list(names)] for number, (interval, names) in self._own.items()}
        return {"origin": self._origin, "own": own, "series": series}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over."""
        self._origin = state["origin"]
        for number, (interval, names) in state.get("own", {}).items():  # states of older versions have none
            self._define(int(number), int(interval), tuple(names))
        for number, series in self.series.items():
            if str(number) in state["series"]:
                series.restore(state["series"][str(number)], self._meter.clock.zone)
        self._meter.plan_samples()

    def _rows(self, number: int) -> list[Row]:
        self.columns(number)
        self._meter.advance()
        return self.series[number].rows

    def _second(self, time: dt.datetime) -> int:
        naive = time if time.tzinfo is None else time.astimezone(self._meter.clock.zone).replace(tzinfo=None)
        return local_seconds(naive)

    def _schedule(self, number: int) -> Schedule:
        parameters, own = self._meter.parameters, self._own
        minutes = f"load_profile_interval_{number}"

        def next_after(minute: int) -> int:
            if number in own:
                interval, names = own[number]
                records = bool(names)
            else:
                interval, records = int(parameters[minutes]), parameters["load_profile_mode"] >> number - 1 & 1
            return following(minute, interval, self._origin, begins=True) if records else NO_MORE

        return next_after
