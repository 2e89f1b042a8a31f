"""Voltage qualification: what counts as qualified, by phase, day and month, to the second."""

from __future__ import annotations

import datetime as dt
import random
from fractions import Fraction

import pytest

from meterwire.meter_model import Constant, Meter, VirtualClock
from meterwire.meter_model.circuit import PhaseOverride
from meterwire.meter_model.faces.dlt645.face import Face645
from meterwire.meter_model.storage import Storage
from meterwire.protocols.dlt645.identifiers import decode

START = dt.datetime(2026, 1, 30, 23, 0, 13)


def fresh(**settings) -> Meter:
    load = settings.pop("load", Constant(1000, 0, 220))
    return Meter(clock=VirtualClock(START, frozen=True), load=load, **settings)


def test_limits_by_phase_to_the_second() -> None:
    """Above, below and without voltage, in each phase and in all together; the limits themselves are qualified."""
    meter = fresh()
    for volts, seconds in ((253.0, 50), (253.1, 70), (187.0, 11), (186.9, 23), (0.0, 500)):
        meter.override_phase("b", PhaseOverride(voltage=volts))
        meter.clock.step(seconds)
    found = meter.voltage_quality.tally("b")
    assert (found.monitored, found.above, found.below) == (154, 70, 23)
    assert (found.highest.voltage, found.lowest.voltage) == (253_100, 186_900)
    assert found.over_limit_rate + found.qualified_rate == 100
    assert found.over_limit_rate == Fraction(9300, 154)
    other, every = meter.voltage_quality.tally("a"), meter.voltage_quality.tally()
    assert (other.monitored, other.above, other.below, other.qualified_rate) == (654, 0, 0, 100)
    assert (every.monitored, every.above, every.below) == (654, 70, 23)
    assert (every.highest.voltage, every.lowest.voltage) == (253_100, 186_900)


def test_too_high_in_one_phase_and_too_low_in_another() -> None:
    """Together the moment counts once, as too high."""
    meter = fresh()
    meter.override_phase("a", PhaseOverride(voltage=260.0))
    meter.override_phase("c", PhaseOverride(voltage=100.0))
    meter.clock.step(90)
    found = meter.voltage_quality.tally()
    assert (found.monitored, found.above, found.below, found.over_limit_rate) == (90, 90, 0, 100)


def test_the_limits_are_parameters() -> None:
    """From the second at which they are set."""
    meter = fresh()
    meter.clock.step(100)
    meter.parameters.set("voltage_upper_limit", 219)
    meter.clock.step(30)
    assert meter.voltage_quality.tally("a").above == 30


def test_months_and_days_end_with_the_calendar() -> None:
    """Twelve months before this one are kept, with gaps where the meter was without power for whole months."""
    meter = fresh()
    meter.clock.step((dt.datetime(2026, 2, 1) - START).total_seconds())
    assert meter.voltage_quality.tally("a").monitored == 0
    assert meter.voltage_quality.tally("a", 1).monitored == 86400 + 3600 - 13
    assert meter.voltage_quality.tally("a", 1, "day").monitored == 86400
    meter.clock.step(60)
    meter.powered = False
    meter.clock.step((dt.datetime(2026, 4, 2) - dt.datetime(2026, 2, 1)).total_seconds() - 60)
    meter.powered = True
    meter.clock.step(7)
    months = [meter.voltage_quality.tally("a", back).monitored for back in range(13)]
    assert months == [7, 0, 60, 86400 + 3600 - 13, *[0] * 9]
    meter.clock.step(86400 * 330)
    assert [meter.voltage_quality.tally("a", back).monitored for back in (10, 11, 12)] == [29 * 86400, 0, 60]
    with pytest.raises(IndexError):
        meter.voltage_quality.tally("a", 13)


def test_a_clock_that_is_set() -> None:
    """Nothing counts for the difference, and a month that is over is not opened again."""
    meter = fresh()
    meter.clock.step(3600 * 26)
    meter.set_clock(dt.datetime(2026, 1, 31, 12, tzinfo=meter.clock.zone))
    meter.clock.step(60)
    assert meter.voltage_quality.tally("a").monitored == 3600 + 13 + 60
    meter.set_clock(dt.datetime(2026, 3, 31, 12, tzinfo=meter.clock.zone))
    meter.clock.step(1)
    assert [meter.voltage_quality.tally("a", back).monitored > 0 for back in range(4)] == [True, True, True, False]


def test_reading_changes_nothing(tmp_path) -> None:
    """Read every few seconds, saved and loaded in between, or never: the same; and exactly what a minute's list says."""
    chance, model = random.Random(5), fresh(load=None)
    twin = fresh(load=None)
    twin.parameters.set("voltage_upper_limit", 222)
    model.parameters.set("voltage_upper_limit", 222)
    passed = 0
    while passed < 3 * 86400:
        seconds = chance.choice((1, 7, 60, 3599, 40_000))
        passed += seconds
        twin.clock.step(seconds)
        twin.voltage_quality.tally()
    model.clock.step(passed)
    assert [twin.voltage_quality.tally(*place) for place in PLACES] == [
        model.voltage_quality.tally(*place) for place in PLACES
    ]
    storage = Storage(tmp_path)
    storage.attach(model)
    storage.close()
    again = fresh(load=None)
    storage = Storage(tmp_path)
    assert storage.attach(again)
    storage.close()
    assert again.voltage_quality.state() == model.voltage_quality.state()
    minutes = range(int((START - dt.datetime(1970, 1, 1)).total_seconds()) // 60, (model.second + 59) // 60)
    february = [minute for minute in minutes if minute * 60 >= 1_769_904_000]
    volts = {minute: float(model.circuit.rows(minute, 1).voltage[0, 1]) for minute in february}
    found = model.voltage_quality.tally("b")
    whole = {minute: min(60, model.second - minute * 60) for minute in february}
    assert found.above == sum(seconds for minute, seconds in whole.items() if volts[minute] > 222_000) > 0
    assert found.monitored == sum(whole.values())
    assert (found.highest.voltage, found.highest.minute) == (max(volts.values()), max(volts, key=volts.__getitem__))
    assert (found.lowest.voltage, found.lowest.minute) == (min(volts.values()), min(volts, key=volts.__getitem__))


PLACES = [(phase, back, "month") for phase in ("", "a", "b", "c") for back in (0, 1)] + [("a", 1, "day")]


def test_clearing_the_meter() -> None:
    """Statistics of power quality go with everything else."""
    meter = fresh()
    meter.clock.step(86400 * 3)
    meter.clear()
    meter.clock.step(5)
    assert [meter.voltage_quality.tally("a", back).monitored for back in (0, 1)] == [5, 0]


def test_under_dlt645() -> None:
    """0310xx: minutes, rates to 0.01 cut, voltages to 0.1 V, zeros before there was anything; blocks of phases."""
    meter = fresh()
    face = Face645(meter)
    meter.override_phase("a", PhaseOverride(voltage=253.46))
    meter.clock.step(119)
    meter.override_phase("a", None)
    meter.clock.step(240)
    octets = face.octets(0x03100100)
    told = ["5", "66.85", "33.14", "1", "0", "253.4", "01-30 23:00", "220.0", "01-30 23:02"]
    assert [str(one) for one in decode(0x03100100, octets)] == told
    assert face.octets(0x03100101) == bytes(27)
    assert face.octets(0x0310FF00) == b"".join(face.octets(0x03100000 | phase << 8) for phase in range(4))
    assert face.octets(0x0310010D) is None
    single = Face645(fresh(profile="single-phase"))
    assert [single.octets(di) is None for di in (0x03100000, 0x03100100, 0x03100200)] == [False, False, True]
