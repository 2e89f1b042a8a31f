"""What a meter weighs in memory: hundreds of them have to fit into one process."""

import gc
import tracemalloc

from meterwire.meter_model.device import Device

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
    assert octets < 200_000  # 120 kB when this was written


def test_a_thrifty_meter_keeps_values_and_no_copies_of_itself():
    """Protects the same for meters that have lived: a row that has settled is a few octets for each value."""

    def lived():
        meter = DEVICE.meter(clock="frozen:2026-01-01T00:00:00")
        meter.be_thrifty()
        meter.clock.step(2 * 86_400)
        meter.read("active_energy_import")
        return meter

    octets, meter = weighed(lived)
    rows = sum(len(series.rows) for series in meter.load_profile.series.values())
    assert rows == 6 * 2 * 96
    assert octets < 200_000 + 400 * rows  # a third of that when this was written, and 2 kB a row without thrift


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
