"""The load profile: intervals, classes, gaps; every value is what a reading at that moment gives."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import msgspec
import pytest

from meterwire.meter_model import Meter, NotServed, VirtualClock
from meterwire.meter_model.profiles import Profile, profile_table

START = dt.datetime(2026, 6, 30, 22, 10, 30)


def meter(**settings: object) -> Meter:
    table = profile_table("three-phase")
    table["load_profile"] = settings
    return Meter(msgspec.convert(table, Profile), clock=VirtualClock(START, frozen=True))


def step(meter: Meter, **duration: float) -> None:
    meter.clock.step(dt.timedelta(**duration).total_seconds())
    meter.advance()


def times(meter: Meter, number: int) -> list[str]:
    return [row.time.strftime("%d %H:%M") for row in meter.load_profile.rows(number)]


def test_rows_are_readings() -> None:
    """All classes, at several moments, against a meter that is stopped there."""
    ran, stopped = meter(), meter()
    step(ran, hours=30)
    for at in (0, 1, 50, -1):
        second = ran.load_profile.rows(1)[at].second
        stopped.clock.step(second - stopped.clock.seconds())
        for number in ran.load_profile.classes:
            row = ran.load_profile.rows(number)[at]
            assert row.values == {name: stopped.read(name) for name in row.columns}, (number, row.time)
            assert len(row.values) == len(row.columns)


def test_each_class_has_its_interval_and_its_bit() -> None:
    """Counted from the moment at which recording begins."""
    recording = meter()
    recording.parameters.set("load_profile_start", (1, 1, 0, 5))
    for number, interval in enumerate((1, 7, 20, 60, 90), 1):
        recording.parameters.set(f"load_profile_interval_{number}", Decimal(interval))
    recording.parameters.set("load_profile_mode", 0b011111)
    step(recording, minutes=60)
    origin = dt.datetime(2026, 1, 1, 0, 5)
    for number, interval in enumerate((1, 7, 20, 60, 90), 1):
        grid = dt.timedelta(minutes=interval)
        wanted, moment = [], origin + ((START - origin) // grid + 1) * grid
        while moment <= START + dt.timedelta(hours=1):
            wanted.append(moment.strftime("%d %H:%M"))
            moment += grid
        assert times(recording, number) == wanted
    assert times(recording, 6) == []


def test_a_start_to_come() -> None:
    """Nothing is recorded before it."""
    recording = meter()
    recording.parameters.set("load_profile_start", (7, 1, 3, 0))
    step(recording, hours=5, minutes=10)
    assert times(recording, 1) == ["01 03:00", "01 03:15"]


def test_outages_are_gaps_and_the_ring_forgets() -> None:
    """Rows after the outage follow on the same grid."""
    recording = meter(capacity=5)
    step(recording, minutes=40)
    recording.powered = False
    step(recording, hours=1)
    recording.powered = True
    step(recording, minutes=40)
    assert times(recording, 4) == ["30 22:30", "30 22:45", "01 00:00", "01 00:15", "01 00:30"]


def test_ways_to_ask() -> None:
    """From a time on, the last ones, exactly one, and what belongs together."""
    recording = meter()
    recording.parameters.set("load_profile_interval_3", Decimal(30))
    step(recording, hours=2)
    profile = recording.load_profile
    half_past = dt.datetime(2026, 6, 30, 23, 30)
    aware = half_past.replace(tzinfo=recording.clock.zone).astimezone(dt.UTC)
    for start in (half_past, aware, half_past - dt.timedelta(minutes=14)):
        assert [row.time.minute for row in profile.rows(1, start, 2)] == [30, 45]
    assert profile.rows(1, dt.datetime(2027, 1, 1)) == []
    assert profile.latest(1, 2) == profile.rows(1)[-2:]
    assert profile.latest(1, 0) == []
    assert profile.row_at(1, half_past) is profile.rows(1, half_past, 1)[0]
    assert profile.row_at(1, half_past + dt.timedelta(minutes=1)) is None
    assert [sorted(record) for record in profile.records(half_past, 2)] == [[1, 2, 3, 4, 5, 6], [1, 2, 4, 5, 6]]
    with pytest.raises(NotServed):
        profile.rows(7)


def test_the_clock_set_back_records_again() -> None:
    """Both rows stay; the later one is found by its time."""
    recording = meter()
    step(recording, minutes=40)
    recording.clock.jump(START)
    step(recording, minutes=10)
    assert times(recording, 2) == ["30 22:15", "30 22:30", "30 22:45", "30 22:15"]
    rows = recording.load_profile.rows(2)
    assert recording.load_profile.row_at(2, rows[0].time) is rows[3]


def test_other_columns() -> None:
    """Whatever has a name, by phase and by rate too; what the meter lacks is left out."""
    recording = meter(classes={"5": {"columns": ["active_energy_import_rate_4", "active_energy_import_phase_b"]}})
    step(recording, hours=2, minutes=4, seconds=30)
    row = recording.load_profile.latest(5)[0]
    assert row.values == {name: recording.read(name) for name in row.columns}
    assert len(row.values) == 2


def test_a_saved_profile_is_the_same_profile() -> None:
    """Through octets; a class that has nothing new costs nothing."""
    recording, twin = meter(), meter()
    step(recording, hours=9)
    state = recording.load_profile.state()
    twin.load_profile.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(state)))
    assert twin.load_profile.state() == state
    mark = recording.load_profile.mark
    recording.clock.step(1)
    recording.advance()
    assert recording.load_profile.mark == mark
    step(recording, minutes=15)
    assert recording.load_profile.mark != mark
