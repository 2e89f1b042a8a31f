"""Freezes: moments, columns, rings; every value is what a reading at that moment gives."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from meterwire.errors import LocalProtocolError
from meterwire.meter_model import Meter, NotServed, VirtualClock
from meterwire.meter_model.clock import local_time
from meterwire.meter_model.columns import column
from meterwire.meter_model.freezes import COLUMN_SETS, KINDS, FreezeSettings
from meterwire.meter_model.pattern import Pattern
from meterwire.meter_model.profiles import Profile, profile_table

START = dt.datetime(2026, 1, 30, 22, 10)


def meter(freezes: dict[str, object] | None = None, start: dt.datetime = START, seed: int = 1) -> Meter:
    table = profile_table("three-phase")
    table["freezes"] = freezes or {}
    return Meter(msgspec.convert(table, Profile), clock=VirtualClock(start, frozen=True), seed=seed)


def step(meter: Meter, **duration: int) -> None:
    meter.clock.step(dt.timedelta(**duration).total_seconds())
    meter.advance()


def maybe(low: int, high: int) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(low, high)


@given(maybe(1, 12), maybe(1, 31), maybe(0, 23), maybe(0, 59), st.integers(29_000_000, 31_000_000))
@example(2, 29, None, None, 29_000_000)
@example(None, 31, 23, 59, 29_000_000)
def test_the_next_moment_of_a_pattern(
    month: int | None, day: int | None, hour: int | None, minute: int | None, after: int
) -> None:
    """It fits, it is later, and none that fits lies between: looked for day by day and minute by minute."""
    try:
        pattern = Pattern(month, day, hour, minute)
    except LocalProtocolError:
        assert (month, day) in {(2, 30), (2, 31), (4, 31), (6, 31), (9, 31), (11, 31)}
        return

    def fits(at: int) -> bool:
        time = local_time(at * 60)
        pairs = zip((month, day, hour, minute), (time.month, time.day, time.hour, time.minute), strict=True)
        return all(part in {None, real} for part, real in pairs)

    found = pattern.next_after(after)
    assert found > after
    assert fits(found)
    assert not any(fits(at) for at in range(max(after + 1, found - 3000), found))
    midnights = range(found // 1440 * 1440, after, -1440)
    inside = [at for midnight in midnights for at in (midnight - 1440 + found % 1440,) if after < at < found]
    assert not any(fits(at) for at in inside)
    assert Pattern.of(str(pattern)).parts == pattern.parts


@pytest.mark.parametrize("text", ["", "01-01", "**-** **:", "13-01 00:00", "1-01 000:00", "**-** 24:00", "**:** **-**"])
def test_patterns_that_are_none(text: str) -> None:
    """Each part is two digits or two stars."""
    with pytest.raises(LocalProtocolError):
        Pattern.of(text)


@pytest.mark.parametrize("kind", [kind for kind, settings in KINDS.items() if settings.columns != ()])
def test_an_order_stores_what_is_read(kind: str) -> None:
    """At a second in the middle of a minute, every column of every kind, whatever is read afterwards."""
    frozen = meter()
    frozen.clock.step(4021)
    frozen.read("active_energy_import")
    row = frozen.freezes.trigger(kind)
    wanted = {name: frozen.read(column(name)) for name in row.columns}
    step(frozen, days=3)
    assert row.time == START.replace(tzinfo=frozen.clock.zone) + dt.timedelta(seconds=4021)
    assert frozen.freezes.row(kind, frozen.freezes.rows(kind)[::-1].index(row) + 1).values == wanted
    assert len(wanted) == len(row.columns) > 1


@pytest.mark.parametrize("kind", ["hourly", "daily", "monthly"])
def test_set_times_store_what_is_read_then(kind: str) -> None:
    """A meter that is stopped at the moment reads the same as one that ran through it stored."""
    ran, stopped = meter(), meter()
    step(ran, days=3)
    row = ran.freezes.rows(kind)[0]
    step(stopped, seconds=int((row.time.replace(tzinfo=None) - START).total_seconds()))
    assert {name: stopped.read(column(name)) for name in row.columns if "max" not in name} == {
        name: value for name, value in row.values.items() if "max" not in name
    }


def test_the_mode_word_says_what_is_stored() -> None:
    """One bit for each set of columns, from the next freeze on."""
    frozen = meter()
    for bit, names in enumerate(COLUMN_SETS.values()):
        frozen.parameters.set("freeze_mode_instant", 1 << bit)
        row = frozen.freezes.trigger()
        assert set(names) <= set(row.columns)
        assert len(row.columns) == len(names) * (1 if names[0].startswith("active_power") else 5)
    frozen.parameters.set("freeze_mode_instant", 0)
    assert frozen.freezes.trigger().values == {}


def test_rings_and_numbers() -> None:
    """The last is 1; what is forgotten or has never been is an IndexError, an unknown kind is not served."""
    frozen = meter({"instant": {"depth": 2}, "timed": {"depth": 0}, "own": {"depth": 3, "every": 7}})
    with pytest.raises(IndexError):
        frozen.freezes.row("instant")
    rows = [frozen.freezes.trigger() for _ in range(3)]
    assert [frozen.freezes.row("instant", number) for number in (1, 2)] == rows[:0:-1]
    assert frozen.freezes.count("instant") == 3
    for number in (0, 3, -1):
        with pytest.raises(IndexError):
            frozen.freezes.row("instant", number)
    for kind in ("timed", "weekly"):
        with pytest.raises(NotServed):
            frozen.freezes.trigger(kind)
    step(frozen, minutes=29)
    assert [row.time.minute % 7 == local_time(row.second).minute % 7 for row in frozen.freezes.rows("own")] == [
        True
    ] * 3


def test_a_pattern_that_is_ordered() -> None:
    """Timed freezes begin with the order; a new order replaces the old one; one that cannot be changes nothing."""
    frozen = meter()
    step(frozen, days=1)
    assert frozen.freezes.count("timed") == 0
    frozen.freezes.appoint(None, None, None, 59)
    step(frozen, hours=2)
    frozen.freezes.appoint(None, 1, 6, 30)
    with pytest.raises(LocalProtocolError):
        frozen.freezes.appoint(2, 30, 0, 0)
    step(frozen, days=2)
    times = [(row.time.day, row.time.hour, row.time.minute) for row in frozen.freezes.rows("timed")]
    assert times == [(31, 22, 59), (31, 23, 59), (1, 6, 30)]


def test_the_parameters_of_hourly_and_daily_freezes() -> None:
    """Interval and start, and the time of the day."""
    frozen = meter()
    frozen.parameters.set("hourly_freeze_start", dt.datetime(2026, 1, 31, 0, 20))
    frozen.parameters.set("hourly_freeze_interval", Decimal(45))
    frozen.parameters.set("daily_freeze_time", 61)
    step(frozen, hours=4)
    assert [row.time.strftime("%H:%M") for row in frozen.freezes.rows("hourly")] == ["00:20", "01:05", "01:50"]
    assert [row.time.strftime("%H:%M") for row in frozen.freezes.rows("daily")] == ["01:01"]


def test_the_last_seven_days_of_an_outage_are_made_up_for() -> None:
    """What was stored before the outage stays; hours of the outage are gaps."""
    frozen = meter({"daily": {"depth": 20, "mode": "freeze_mode_daily", "backfill": 7}})
    step(frozen, days=5)
    frozen.powered = False
    energy = frozen.read("active_energy_import")
    hours = frozen.freezes.count("hourly")
    step(frozen, days=30)
    assert frozen.freezes.count("daily") == 12
    frozen.powered = True
    step(frozen, hours=1)
    assert frozen.freezes.count("daily") == 12
    rows = frozen.freezes.rows("daily")
    assert [row.time.date() - START.date() for row in rows] == [
        dt.timedelta(days=number) for number in (1, 2, 3, 4, 5, 29, 30, 31, 32, 33, 34, 35)
    ]
    assert {row.values["active_energy_import"] for row in rows[5:]} == {energy}
    assert {row.values["active_power"] for row in rows[5:]} == {0}
    assert frozen.freezes.count("hourly") == hours + 1


def test_a_saved_memory_is_the_same_memory() -> None:
    """Rows, pattern and counts, through octets."""
    frozen, twin = meter(), meter()
    frozen.freezes.appoint(None, None, 23, 0)
    step(frozen, days=2)
    frozen.freezes.freeze()
    twin.clock.step(2 * 86_400)
    twin.advance()
    state = frozen.freezes.state()
    twin.freezes.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(state)))
    assert twin.freezes.state() == state
    for kind in frozen.freezes.kinds:
        assert [(row.time, row.values) for row in twin.freezes.rows(kind)] == [
            (row.time, row.values) for row in frozen.freezes.rows(kind)
        ]
    for one in (frozen, twin):
        step(one, days=1)
    assert twin.freezes.row("timed").time == frozen.freezes.row("timed").time
    assert twin.freezes.count("timed") == frozen.freezes.count("timed") == 3


def test_the_mark_changes_with_the_state() -> None:
    """Whoever stores the state can tell from the mark that there is nothing new."""
    frozen = meter()
    marks = [frozen.freezes.mark]
    for change in (
        frozen.freezes.freeze,
        lambda: frozen.freezes.appoint(None, None, None, 5),
        lambda: step(frozen, hours=2),
        frozen.freezes.clear,
    ):
        change()
        marks.append(frozen.freezes.mark)
    assert len(set(marks)) == len(marks)


@pytest.mark.parametrize(
    "settings",
    [
        {"depth": -1},
        {"depth": 3, "columns": ["no_such_quantity"]},
        {"depth": 3, "columns": ["voltage_a_rate_1"]},
        {"depth": 3, "columns": ["active_energy_import_rate_64"]},
        {"depth": 3, "at": "31-12 00:00"},
        {"depth": 3, "every": 1441},
    ],
)
def test_settings_that_cannot_be(settings: dict[str, object]) -> None:
    """Refused where they are written down."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(settings, FreezeSettings)
