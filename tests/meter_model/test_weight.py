"""What a meter weighs in memory: hundreds of them have to fit into one process."""

import gc
import tracemalloc

import msgspec
import pytest

from meterwire.meter_model.clock import parse_clock
from meterwire.meter_model.device import Device
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.profiles import Profile, profile_table

DEVICE = Device.of_profile("single-phase")


def weighed(make):
    """Octets that what it makes holds in memory."""
    make()  # what all meters share is made once
    gc.collect()
    tracemalloc.start()
    try:
        kept = make()
        gc.collect()
        return tracemalloc.get_traced_memory()[0], kept
    finally:
        tracemalloc.stop()


def test_a_new_meter_is_light():
    """Protects areas of a thousand meters: nobody has asked for the past of a new meter, so it is not there yet."""
    octets, _ = weighed(lambda: DEVICE.meter(clock="frozen:2026-01-01T00:00:00"))
    assert octets < 120_000  # 70 kB when this was written


def lived(profile: str, days: int, capacity: int = 4096):
    """A thrifty meter after so many days."""
    table = profile_table(profile) | {"load_profile": {"capacity": capacity}}
    meter = Meter(msgspec.convert(table, Profile), clock=parse_clock("frozen:2026-01-01T00:00:00"))
    meter.be_thrifty()
    meter.clock.step(days * 86_400)
    meter.advance()
    return meter


def test_a_thrifty_meter_keeps_values_and_no_copies_of_itself():
    """Protects the same for meters that have lived: a row that has settled is a few octets for each value."""
    octets, meter = weighed(lambda: lived("single-phase", 2))
    rows = sum(len(series.rows) for series in meter.load_profile.series.values())
    assert rows == 6 * 2 * 96
    assert octets < 120_000 + 120 * rows  # 90 octets when this was written, and 2 kB a row without thrift


@pytest.mark.parametrize("profile", ["single-phase", "three-phase"])
def test_a_thousand_meters_fit_into_one_process(profile):
    """Protects the claim that `make weight` sees whole: 62 days of every freeze and a day of every class of load.

    400 MB less the process itself leave 330 kB for each meter, of which the allocator loses a tenth.
    """
    octets, meter = weighed(lambda: lived(profile, 62, capacity=96))
    assert len(meter.freezes.rows("daily")) == 62
    assert [len(meter.load_profile.rows(number)) for number in range(1, 7)] == [96] * 6
    assert octets < 300_000


def test_thrift_changes_no_value():
    """Protects trust in a number: settled rows hold exactly what rows hold that are worked out when they are read."""
    made = [Device.of_profile("three-phase").meter(clock="frozen:2026-01-30T22:07:00") for _ in range(2)]
    made[0].be_thrifty()
    for meter in made:
        meter.clock.step(3 * 86_400 + 17)
    first, second = made
    for part in ("freezes", "load_profile"):
        thrifty, plain = getattr(first, part).series, getattr(second, part).series
        assert {key: [row.values for row in one.rows] for key, one in thrifty.items()} == {
            key: [row.values for row in one.rows] for key, one in plain.items()
        }
    assert first.read("demand_active_import_max") == second.read("demand_active_import_max")


@pytest.mark.parametrize("thrifty", [False, True])
def test_a_long_step_stores_what_many_short_ones_do(thrifty):
    """Protects trust in rings: rows that a long step passes over are counted, and those that stay are the same."""
    daily = {"depth": 2, "backfill": 7, "mode": "freeze_mode_daily"}
    freezes = {"hourly": {"depth": 30}, "daily": daily}
    table = profile_table("single-phase") | {"load_profile": {"capacity": 40}, "freezes": freezes}
    made = [
        Meter(msgspec.convert(table, Profile), clock=parse_clock("frozen:2026-01-30T22:07:13"), seed=5)
        for _ in range(2)
    ]
    for meter, steps in zip(made, (1, 101), strict=True):
        if thrifty:
            meter.be_thrifty()
        meter.clock.step(600)
        meter.powered = False
        meter.clock.step(2 * 86_400)  # daily freezes to make up for
        meter.powered = True
        for _ in range(steps):
            meter.clock.step(101 * 3001 // steps)
            meter.advance()
    for part in ("freezes", "load_profile"):
        assert getattr(made[0], part).state() == getattr(made[1], part).state()
