"""The virtual clock: what each mode shows, and that nothing but its base moves it."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.clock import EARLIEST, LATEST, VirtualClock, local_seconds, local_time, parse_clock


def at(iso: str) -> dt.datetime:
    return dt.datetime.fromisoformat(iso)


class Base:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def shown(clock: VirtualClock) -> str:
    return clock.now().isoformat()


def test_frozen_clock_stands_whatever_its_base_does() -> None:
    """A frozen clock repeats: reads at it are equal."""
    base = Base()
    clock = parse_clock("frozen:2026-01-01T00:00:00", base=base)
    base.time += 12345.6
    assert shown(clock) == "2026-01-01T00:00:00+08:00"
    assert clock.frozen


def test_real_clock_starts_at_the_wall_and_follows_the_base() -> None:
    """The wall is read once; from then on the base alone counts."""
    base = Base()
    clock = parse_clock("real", base=base, wall=lambda: 1_767_225_600.0)  # 2026-01-01T00:00:00Z
    base.time += 90.25
    assert shown(clock) == "2026-01-01T08:01:30.250000+08:00"


@pytest.mark.parametrize(
    ("text", "seconds"), [("x60", 600), ("x0.5", 5), ("x1/3", Fraction(10, 3)), ("x1000", 10_000), ("real", 10)]
)
def test_rates(text: str, seconds: float) -> None:
    """N seconds of the meter pass in one of the base, without drift."""
    base = Base()
    clock = parse_clock(f"{text}:2026-03-01T12:00:00", base=base)
    for _ in range(40):
        base.time += 0.25
        clock.now()
    passed = clock.now() - at("2026-03-01T12:00+08:00")
    assert passed == dt.timedelta(microseconds=int(Fraction(seconds) * 1_000_000))


def test_freeze_run_step_and_jump_in_turn() -> None:
    """Each mode begins where the one before it stopped."""
    base = Base()
    clock = parse_clock("real:2026-01-01T00:00:00", base=base)
    base.time += 10
    clock.freeze()
    base.time += 1000
    assert shown(clock) == "2026-01-01T00:00:10+08:00"
    clock.step(900)
    assert shown(clock) == "2026-01-01T00:15:10+08:00"
    clock.run(60)
    base.time += 1
    assert shown(clock) == "2026-01-01T00:16:10+08:00"
    clock.jump(at("2025-06-01T00:00:00Z"))
    base.time += 1
    assert shown(clock) == "2025-06-01T08:01:00+08:00"
    clock.step(0.5)
    assert shown(clock) == "2025-06-01T08:01:00.500000+08:00"


def test_a_base_that_goes_back_does_not_take_the_clock_along() -> None:
    """Meter time never runs backwards by itself."""
    base = Base()
    clock = VirtualClock(at("2026-01-01T00:00"), base=base)
    base.time -= 50
    assert shown(clock) == "2026-01-01T00:00:00+08:00"


def test_watchers_see_the_old_time_before_and_the_new_one_after_a_setting() -> None:
    """What is registered up to a setting belongs to the old time."""
    clock = VirtualClock(at("2026-01-01T00:00"), frozen=True)
    seen: list[str] = []
    clock.watch(lambda: seen.append(shown(clock)), lambda: seen.append(shown(clock)))
    clock.step(60)
    assert not seen
    clock.jump(at("2027-01-01T00:00"))
    assert seen == ["2026-01-01T00:01:00+08:00", "2027-01-01T00:00:00+08:00"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "frozen",
        "frozen:",
        "frozen:yesterday",
        "x0:2026-01-01",
        "x-1:2026-01-01",
        "xfast",
        "xnan",
        "x1e9",
        "x1/0",
        "slow",
        "frozen:1999-12-31T23:59:59",
        "frozen:2100-01-01",
        "frozen:9999-12-31T23:59:59-23:59",
        "real",
    ],
)
def test_what_is_no_clock_is_refused(text: str) -> None:
    """A wrong text is the caller's mistake, and says so."""
    with pytest.raises(LocalProtocolError):
        parse_clock(text, base=Base())


@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf"), 1e12])
def test_wrong_steps_leave_the_clock_alone(wrong: float) -> None:
    """A refused step changes nothing."""
    clock = VirtualClock(frozen=True)
    with pytest.raises(LocalProtocolError):
        clock.step(wrong)
    assert shown(clock) == "2026-01-01T00:00:00+08:00"


def test_a_clock_without_base_cannot_run() -> None:
    """Nothing falls back to the clock of the computer."""
    clock = VirtualClock(frozen=True)
    with pytest.raises(LocalProtocolError, match="base"):
        clock.run()
    with pytest.raises(LocalProtocolError, match="base"):
        VirtualClock(at("2026-01-01T00:00"))
    assert clock.frozen


def test_running_clock_stops_at_the_last_year_it_can_show() -> None:
    """Faces never meet a year they cannot send."""
    base = Base()
    clock = VirtualClock(at("2099-12-31T00:00"), rate=1_000_000, base=base)
    base.time += 10
    assert clock.now().replace(tzinfo=None) == LATEST


@given(st.datetimes(EARLIEST, LATEST).map(lambda time: time.replace(microsecond=0)))
def test_local_seconds_and_back(time: dt.datetime) -> None:
    """Seconds of local time lose nothing."""
    assert local_time(local_seconds(time)) == time


def test_a_clock_drifts() -> None:
    """A real crystal is off: the meter's time runs away from the true one by so many parts per million, both ways."""
    base = Base()
    clock = parse_clock("x1:2026-01-01T00:00:00", base=base)
    clock.set_drift(20)
    base.time += 1_000_000
    assert clock.now() - at("2026-01-01T00:00:00+08:00") == dt.timedelta(seconds=1_000_020)
    clock.set_drift(-500)
    assert clock.now() - at("2026-01-01T00:00:00+08:00") == dt.timedelta(seconds=1_000_020)
    clock.step(2000)
    assert clock.now() - at("2026-01-01T00:00:00+08:00") == dt.timedelta(seconds=1_002_019)
    assert clock.rate == 1
    with pytest.raises(LocalProtocolError):
        clock.set_drift(10_001)
    with pytest.raises(LocalProtocolError):
        clock.set_drift(float("nan"))


def test_a_drifting_meter_is_set_right_by_broadcast_once_a_day() -> None:
    """A head-end that keeps clocks right: 300 ppm are 26 s in a day, set back by the broadcast, once."""
    from meterwire.meter_model.faces.dlt645.face import Face645
    from meterwire.meter_model.meter import Meter
    from meterwire.protocols.dlt645.client import Meter645
    from meterwire.transports.memory import connected

    meter = Meter(clock=parse_clock("frozen:2026-03-01T12:00:00"))
    client = Meter645(connected(Face645(meter).connect()))
    meter.clock.set_drift(300)
    meter.clock.step(86_400)
    true = at("2026-03-02T12:00:00+08:00")
    assert (meter.now() - true).total_seconds() == pytest.approx(25.92)
    client.set_time(true)
    assert abs((meter.now() - true).total_seconds()) < 1
    meter.clock.step(3600)
    client.set_time(at("2026-03-02T13:00:00+08:00"))
    assert (meter.now() - at("2026-03-02T13:00:00+08:00")).total_seconds() == pytest.approx(1.08, abs=1)


@given(
    st.sampled_from(["real", "x60", "x1/3", "x1000000", "x0.001"]),
    st.lists(st.floats(-2, 1000) | st.floats(0, 1e-3), max_size=30),
    st.floats(-10_000, 10_000),
)
def test_the_second_that_is_remembered_is_the_one_that_is_worked_out(text: str, steps: list[float], ppm: float) -> None:
    """Asking often must not change the answer: at any rate, with drift, at borders, and where the base goes back."""
    base = Base()
    asked_often = parse_clock(f"{text}:2026-03-01T12:00:00", base=base)
    asked_often.set_drift(ppm)
    for step in steps:
        base.time += step
        for _ in range(2):
            assert asked_often.seconds() == asked_often.state() // 1_000_000
    asked_often.jump(at("2030-01-01"))
    assert asked_often.seconds() == asked_often.state() // 1_000_000
    asked_often.run(7)
    assert asked_often.seconds() == asked_often.state() // 1_000_000
