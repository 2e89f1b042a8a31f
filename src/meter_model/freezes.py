"""Freezes: what a meter stores of itself at an order, at set times, and when tables change over.

Kinds are names; each has a depth, columns and moments of its own. Which sets of columns are stored follows the mode
word of the kind (DL/T 645-2007, annex C, freeze mode word: bit 0 forward active energy, 1 reverse active energy, 2 and
3 combined reactive energies, 4 the four quadrants, 5 and 6 maximum demands, 7 powers), unless the columns are named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.agenda import Appointment
from meterwire.meter_model.clock import local_seconds
from meterwire.meter_model.columns import column, columns_named, needs_everything
from meterwire.meter_model.pattern import Pattern, every
from meterwire.meter_model.row import Row
from meterwire.meter_model.second_freezes import LONGEST, EverySeconds
from meterwire.meter_model.series import Schedule, Series
from meterwire.meter_model.tariff import NO_MORE
from meterwire.meter_model.values import NotServed

if TYPE_CHECKING:
    from meterwire.meter_model.meter import Meter
    from meterwire.meter_model.sample import Sample
    from meterwire.quantities import Quantity

COLUMN_SETS: Final[Mapping[str, tuple[str, ...]]] = {
    "active_import": ("active_energy_import",),
    "active_export": ("active_energy_export",),
    "reactive_combined_1": ("reactive_energy_combined_1",),
    "reactive_combined_2": ("reactive_energy_combined_2",),
    "quadrants": tuple(f"reactive_energy_q{number}" for number in range(1, 5)),
    "demand_import": ("demand_active_import_max",),
    "demand_export": ("demand_active_export_max",),
    "powers": tuple(f"{sort}_power{phase}" for sort in ("active", "reactive") for phase in ("", "_a", "_b", "_c")),
}
"""In the order of the bits of the mode word; all but the powers have a column for the total and one for each rate."""
_UNRATED: Final = frozenset(COLUMN_SETS["powers"])


class FreezeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of freeze.

    Attributes:
        depth: rows that are kept; 0 takes the kind away.
        columns: names of sets or quantities; None leaves it to the mode word.
        rates: whether sets have a column for each rate.
        at: `MM-DD hh:mm`, each part a number or `**` for any; empty where it happens at an order, or by a parameter.
        every: minutes, counted from midnight of 1970-01-01 local; 0 where it does not.
        backfill: of the freezes that were missed without power, how many of the last are made up for.
        mode: the parameter with the mode word.
    """

    depth: Annotated[int, msgspec.Meta(ge=0, le=65_536)]
    columns: tuple[str, ...] | None = None
    rates: bool = True
    at: str = ""
    every: Annotated[int, msgspec.Meta(ge=0, le=1440)] = 0
    backfill: Annotated[int, msgspec.Meta(ge=0, le=366)] = 0
    mode: str = ""

    def __post_init__(self) -> None:
        try:
            for name in self.columns or ():
                if name not in COLUMN_SETS:
                    column(name)
            if self.at:
                Pattern.of(self.at)
        except LocalProtocolError as error:
            raise ValueError(str(error)) from None


KINDS: Final[Mapping[str, FreezeSettings]] = {
    "instant": FreezeSettings(3, mode="freeze_mode_instant"),
    "timed": FreezeSettings(12, mode="freeze_mode"),
    "season_switch": FreezeSettings(2, mode="freeze_mode_appointed"),
    "schedule_switch": FreezeSettings(2, mode="freeze_mode_appointed"),
    "price_switch": FreezeSettings(2, mode="freeze_mode_appointed"),
    "step_switch": FreezeSettings(2, mode="freeze_mode_appointed"),
    "hourly": FreezeSettings(254, mode="freeze_mode_hourly", rates=False),
    "daily": FreezeSettings(62, mode="freeze_mode_daily", backfill=7),
    "monthly": FreezeSettings(12, columns=tuple(COLUMN_SETS), at="**-01 00:00", backfill=12),
    "yearly": FreezeSettings(4, columns=tuple(COLUMN_SETS), at="01-01 00:00", backfill=4),
    "step_settlement": FreezeSettings(4, columns=("active_import", "active_export")),
    "second": FreezeSettings(255, columns=()),
}
"""What meters have when nobody says otherwise; the depths of DL/T 645-2007 (annex A, tables of class 05) and its
supplements. How many daily freezes are made up for after an outage is recalled from the State Grid's meter
specifications; that monthly and yearly ones are too is assumed, and so is the depth of the yearly ones.
Freezes by the second are made once somebody says what they store and how often; their depth, and depth and columns of
those at the end of a period of steps, are own choices."""
_MOST_ORDERS: Final = 16
MOST_COLUMNS: Final = 512
"""Quantities that a kind stores at most, where somebody chooses them."""


class Freezes:
    """The freezes of one meter.

    Args:
        meter: whose; its parameters exist already.
        settings: by kind; replaces or adds to `KINDS`.
    """

    def __init__(self, meter: Meter, settings: Mapping[str, FreezeSettings]) -> None:
        self._meter = meter
        self._timed: Pattern | None = None
        self._chosen: dict[str, tuple[str, ...]] = {}
        self._ordered: list[Appointment] = []
        merged = {**KINDS, **settings}
        self._settings = {kind: one for kind, one in merged.items() if one.depth}
        self.series = {
            kind: Series(one.depth, self._schedule(kind, one), one.backfill) for kind, one in self._settings.items()
        }
        seconds = self._settings.get("second")
        self._seconds = EverySeconds(meter, seconds.depth if seconds else 1, self._store_second)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds this meter has."""
        return tuple(self._settings)

    def row(self, kind: str, number: int = 1) -> Row:
        """The row so many freezes back, 1 the last.

        Raises:
            NotServed: this meter has no such kind.
            IndexError: there has not been such a freeze, or it is forgotten.
        """
        rows = self.rows(kind)
        if not 1 <= number <= len(rows):
            raise IndexError(number)
        return rows[-number]

    def rows(self, kind: str) -> list[Row]:
        """All rows of a kind, the oldest first; raises NotServed."""
        self._meter.advance()
        return self._series(kind).rows

    def count(self, kind: str) -> int:
        """How many freezes of a kind there have been; raises NotServed."""
        self._meter.advance()
        return self._series(kind).count

    def trigger(self, kind: str = "instant") -> Row:
        """Freeze now; raises NotServed."""
        series = self._series(kind)
        self._meter.advance()
        columns = self.columns(kind)
        sample = self._meter.sample(everything=needs_everything(columns))
        return series.take(self._meter.clock.zone, columns, sample)

    def trigger_after(self, seconds: int, kind: str = "instant") -> None:
        """Freeze so many seconds later; raises NotServed, and LocalProtocolError where too many such orders wait."""
        self._series(kind)
        self._meter.advance()
        self._ordered = [one for one in self._ordered if one.action is not None]
        if len(self._ordered) >= _MOST_ORDERS:
            raise LocalProtocolError(f"{_MOST_ORDERS} freezes have been ordered already")
        moment = self._meter.second + seconds
        self._ordered.append(self._meter.agenda.at(moment, lambda: self._trigger_now(kind)))

    def _trigger_now(self, kind: str) -> None:
        self.trigger(kind)

    def freeze(self) -> None:
        """Freeze now, as the order that names no time."""
        self.trigger()

    def appoint(self, month: int | None, day: int | None, hour: int | None, minute: int | None) -> None:
        """Make the timed freezes happen at these moments, None standing for every one; raises LocalProtocolError."""
        pattern = Pattern(month, day, hour, minute)
        self._series("timed")
        self._meter.advance()
        self._timed = pattern
        self._meter.plan_samples()

    def choose(self, kind: str, names: Sequence[str]) -> None:
        """Store these quantities from now on, whatever the mode word says, until that is written.

        Raises:
            NotServed: this meter has no such kind.
            LocalProtocolError: a name is no quantity's, or there are more than `MOST_COLUMNS`.
        """
        self._series(kind)
        if len(names) > MOST_COLUMNS:
            raise LocalProtocolError(f"{len(names)} columns, {MOST_COLUMNS} at most")
        chosen = tuple(column(name).name for name in dict.fromkeys(names))
        self._meter.advance()
        self._chosen[kind] = chosen
        self._meter.plan_samples()

    @property
    def seconds(self) -> int:
        """Seconds between two freezes of the kind `second`; 0 while there are none."""
        return self._seconds.period

    def freeze_every(self, seconds: int) -> None:
        """Freeze at whole multiples of so many seconds, 0 for never; raises NotServed and LocalProtocolError."""
        self._series("second")
        if not 0 <= seconds <= LONGEST:
            raise LocalProtocolError(f"a freeze every {seconds} s: 1 to {LONGEST}")
        self._meter.advance()
        self._seconds.period = seconds
        self._seconds.plan()

    def _store_second(self, left_out: int) -> None:
        self.series["second"].total += left_out
        self.happen("second")

    def plan(self) -> None:
        """The clock has been set: find the moments anew that are no whole minutes."""
        self._seconds.plan()

    def happen(self, kind: str) -> None:
        """What a kind is for happens at this second; nothing is stored where this meter has no such kind."""
        if kind in self.series:
            columns = self.columns(kind)
            sample = self._meter.sample(everything=needs_everything(columns))
            self.series[kind].take(self._meter.clock.zone, columns, sample, powered=self._meter.powered)

    def mode_written(self, parameter: str) -> None:
        """A mode word has been written: it says again what its kinds store."""
        for kind, settings in self._settings.items():
            if settings.mode == parameter:
                self._chosen.pop(kind, None)

    def clear_kind(self, kind: str) -> None:
        """Forget the rows of one kind; raises NotServed."""
        series = self._series(kind)
        self._meter.advance()
        series.clear()

    def depth(self, kind: str) -> int:
        """How many rows of a kind are kept; raises NotServed."""
        return self._series(kind).depth

    def columns(self, kind: str) -> tuple[Quantity, ...]:
        """What a freeze of that kind would store now; raises NotServed."""
        self._series(kind)
        settings = self._settings[kind]
        names = self._chosen.get(kind, settings.columns)
        if names is None:
            word = int(self._meter.parameters[settings.mode]) if settings.mode else 0xFF
            names = tuple(name for bit, name in enumerate(COLUMN_SETS) if word >> bit & 1)
        rates = self._meter.rate_count if settings.rates else 0
        return columns_named(tuple(one for name in names for one in _spelled_out(name, rates)))

    def take(self, kind: str, sample: Sample, *, powered: bool) -> None:
        """A freeze is due."""
        self.series[kind].take(self._meter.clock.zone, self.columns(kind), sample, powered=powered)

    @property
    def mark(self) -> tuple[object, ...]:
        """Differs whenever the state does."""
        return (
            str(self._timed),
            tuple(self._chosen.items()),
            self.seconds,
            *(series.mark for series in self.series.values()),
        )

    def clear(self) -> None:
        """Forget all rows."""
        for series in self.series.values():
            series.clear()

    def state(self, *, rows: bool = True) -> dict[str, Any]:
        """Everything, with the rows or without, as builtins."""
        timed = None if self._timed is None else list(self._timed.parts)
        series = {kind: one.state(rows=rows) for kind, one in self.series.items()}
        chosen = {kind: list(names) for kind, names in self._chosen.items()}
        return {"timed": timed, "series": series, "chosen": chosen, "seconds": self.seconds}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over; kinds that this meter does not have are dropped."""
        self._timed = None if state["timed"] is None else Pattern(*state["timed"])
        chosen = state.get("chosen", {}).items()  # states of older versions have none
        self._chosen = {
            kind: tuple(column(name).name for name in names) for kind, names in chosen if kind in self.series
        }
        self._seconds.period = int(state.get("seconds", 0)) if "second" in self.series else 0
        self._seconds.plan()
        for kind, series in self.series.items():
            if kind in state["series"]:
                series.restore(state["series"][kind], self._meter.clock.zone)
        self._meter.plan_samples()

    def _series(self, kind: str) -> Series:
        if kind not in self.series:
            raise NotServed(f"no freeze is called {kind!r}: {', '.join(self.series)}")
        return self.series[kind]

    def _schedule(self, kind: str, settings: FreezeSettings) -> Schedule:
        if settings.at:
            return Pattern.of(settings.at).next_after
        if settings.every:
            return every(settings.every)
        own: Mapping[str, Schedule] = {
            "timed": self._next_timed,
            "hourly": self._next_hourly,
            "daily": self._next_daily,
        }
        return own.get(kind, _never)

    def _next_timed(self, minute: int) -> int:
        return NO_MORE if self._timed is None else self._timed.next_after(minute)

    def _next_hourly(self, minute: int) -> int:
        parameters = self._meter.parameters
        start = parameters["hourly_freeze_start"]
        origin = 0 if start is None else local_seconds(start) // 60
        return every(int(parameters["hourly_freeze_interval"]), origin, begins=start is not None)(minute)

    def _next_daily(self, minute: int) -> int:
        hour, inside = divmod(self._meter.parameters["daily_freeze_time"], 60)
        return Pattern(None, None, hour, inside).next_after(minute)


def _never(minute: int) -> int:
    del minute
    return NO_MORE


def _spelled_out(name: str, rates: int) -> list[str]:
    if name not in COLUMN_SETS:
        return [name]
    return [
        part
        for base in COLUMN_SETS[name]
        for part in (base, *(() if base in _UNRATED else (f"{base}_rate_{rate}" for rate in range(1, rates + 1))))
    ]
