"""The kinds of events as data: what begins and ends each, what its record keeps, what it counts for.

Three tables: `events.csv` (a row is one kind, or one for each phase where `phases` says so), `limits.csv` (thresholds
and delays with their defaults, as multiples of the ratings) and `columns.csv` (sets of quantities). A condition is a
list of alternatives divided by `|`, each a list of terms divided by `&`; a term is a signal, or a signal compared with
a limit; see `signals.py` for the signals. Where `until` is empty an event ends when its condition no longer holds.
"""

from __future__ import annotations

import csv
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

import msgspec

from meterwire.meter_model.load import PHASES
from meterwire.meter_model.profiles import Profile, Ratings

DEPTH: Final = 10
"""Records that are kept of each kind."""
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Term(msgspec.Struct, frozen=True):
    """A signal, compared with a limit where there is one."""

    signal: str
    compare: str = ""
    limit: str = ""

    def holds(self, value: Any, limits: Mapping[str, float]) -> Any:
        """Whether a value, or each of an array of values, fulfils the term."""
        return _COMPARISONS[self.compare](value, limits[self.limit]) if self.compare else value > 0


Condition = tuple[tuple[Term, ...], ...]


class Kind(msgspec.Struct, frozen=True):
    """One kind of event of one meter.

    Attributes:
        name: with the phase behind it where it has one.
        group: what it belongs to, such as `voltage`.
        phase: the phase it watches; empty for none.
        when: the condition that begins it; empty where it is not measured.
        until: the condition that ends it; empty: when `when` no longer holds.
        delay: limit that says for how long `when` must hold; empty for not at all.
        release: likewise for `until`.
        dark: whether it is noticed without power too.
        begins: what else begins it: the name of a note.
        ends: likewise.
        writes: the beginning of the names of parameters whose writing it records.
        before: quantities that a record keeps of its start.
        after: quantities that it keeps of its end.
        during: quantities of energy whose growth it keeps, and what else `engine.py` adds up.
        timed: whether its duration is added up.
        reported: whether it raises an active report.
        kept: whether a clearing of events leaves it alone.
    """

    name: str
    group: str
    phase: str
    when: Condition
    until: Condition
    delay: str
    release: str
    dark: bool
    begins: str
    ends: str
    writes: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    during: tuple[str, ...]
    timed: bool
    reported: bool
    kept: bool


class Limit(msgspec.Struct, frozen=True):
    """A row of the table of limits."""

    name: str
    default: Fraction
    basis: str
    unit: str
    parameter: str


def kinds(profile: Profile) -> Mapping[str, Kind]:
    """The kinds of events that a type of meter knows, by name."""
    return _kinds(profile.phases)


def limits(profile: Profile) -> Mapping[str, Fraction]:
    """Thresholds and delays of a type of meter, in V, A, W, var, % and s."""
    return _limits(profile.ratings, profile.phases)


@cache
def _kinds(count: int) -> Mapping[str, Kind]:
    """Those of meters of so many phases."""
    phases = PHASES[:count]
    found: dict[str, Kind] = {}
    for row in _rows("events.csv"):
        if row["poles"] and int(row["poles"]) != count:
            continue
        for phase in phases if row["phases"] else ("",):
            kind = _kind(row, phase, phases)
            found[kind.name] = kind
    return MappingProxyType(found)


@lru_cache(maxsize=256)
def _limits(ratings: Ratings, phases: int) -> Mapping[str, Fraction]:
    basis = _basis(ratings, phases)
    return MappingProxyType({limit.name: limit.default * basis[limit.basis] for limit in limit_table().values()})


@cache
def limit_table() -> Mapping[str, Limit]:
    """The table of limits, by name."""
    return {
        row["name"]: Limit(row["name"], Fraction(row["default"]), row["basis"], row["unit"], row["parameter"])
        for row in _rows("limits.csv")
    }


def _basis(ratings: Ratings, phases: int) -> dict[str, Fraction]:
    volts, amperes, most = (Fraction(str(x)) for x in (ratings.voltage, ratings.current, ratings.maximum_current))
    return {
        "one": Fraction(1),
        "nominal voltage": volts,
        "basic current": amperes,
        "maximum current": most,
        "basic power": volts * amperes,
        "maximum power": volts * most,
        "maximum power of all phases": volts * most * phases,
    }


def _kind(row: Mapping[str, str], phase: str, phases: str | tuple[str, ...]) -> Kind:
    return Kind(
        f"{row['kind']}_{phase}" if phase else row["kind"],
        row["group"],
        phase,
        _condition(row["when"]),
        _condition(row["until"]),
        row["delay"],
        row["release"] or row["delay"],
        bool(row["dark"]),
        row["begins"],
        row["ends"],
        tuple(row["writes"].split()),
        _columns(row["before"], phases),
        _columns(row["after"], phases),
        _columns(row["during"], phases),
        bool(row["timed"]),
        bool(row["reported"]),
        bool(row["kept"]),
    )


def _condition(text: str) -> Condition:
    return tuple(tuple(_term(term) for term in part.split("&")) for part in text.split("|")) if text else ()


def _term(text: str) -> Term:
    return Term(*text.split())


def _columns(names: str, phases: str | tuple[str, ...]) -> tuple[str, ...]:
    """Quantities of the named sets; a name that is no set stands for itself."""
    sets = _sets()
    found: list[str] = []
    for name in names.split():
        for quantity in sets.get(name, (name,)):
            found += [quantity.replace("*", phase) for phase in phases] if "*" in quantity else [quantity]
    return tuple(found)


@cache
def _sets() -> Mapping[str, tuple[str, ...]]:
    return {row["set"]: tuple(row["quantities"].split()) for row in _rows("columns.csv")}


@cache
def _rows(name: str) -> list[dict[str, str]]:
    text = files(__package__).joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))
