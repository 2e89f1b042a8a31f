"""The display: lists that parameters make, screens that change, the key, digits and dark."""

from __future__ import annotations

import datetime as dt

from meterwire.meter_model import Constant, Meter, VirtualClock
from meterwire.meter_model.control import Control

START = dt.datetime(2026, 3, 4, 12, 0, 30)
LISTS = {"auto": ("00010000", "02010100", "04000102"), "key": ("01010000", "02030000", "04000101", "03300000")}


def shown() -> tuple[Meter, Control]:
    meter = Meter(
        clock=VirtualClock(START, frozen=True), load=Constant(1000, 200, 230.1), given={"active_import": 1234}
    )
    for which, items in LISTS.items():
        meter.parameters.set(f"display_{which}_count", len(items))
        for number, item in enumerate(items, 1):
            meter.parameters.set(f"display_{which}_{number}", item)
    return meter, Control(meter)


def test_lists_are_what_the_parameters_say() -> None:
    """Digits by kind, units, times of maxima, and dashes for what cannot be shown."""
    meter, control = shown()
    told = control.do({"op": "get", "what": "display"})
    cyclic = [(one["quantity"], one["text"], one["unit"]) for one in told["cyclic"]]
    energy = meter.read("active_energy_import")
    assert cyclic == [
        ("active_energy_import", f"{int(energy)}.{int(energy * 100) % 100:02}", "kWh"),
        ("voltage_a", "230.1", "V"),
        ("time", "12:00:30", ""),
    ]
    demand = meter.read("demand_active_import_max")
    keys = [(one["text"], one["time"]) for one in told["key"]]
    assert keys[0][1] == f"{demand.time:%m-%d %H:%M}"
    assert keys[1:] == [("3.0000", ""), ("26-03-04", ""), ("--------", "")]
    meter.parameters.set("display_energy_decimals", 0)
    meter.parameters.set("display_power_decimals", 1)
    assert meter.display.cyclic()[0].text == str(int(energy))
    assert meter.display.by_key()[1].text == "3.0"


def test_eight_digits_fit() -> None:
    """Decimals give way to the digits before them."""
    meter = Meter(clock=VirtualClock(START, frozen=True), given={"active_import": 123456})
    meter.parameters.set("display_energy_decimals", 4)
    meter.parameters.set("display_auto_1", "00010000")
    text = meter.display.cyclic()[0].text
    assert text.startswith("123456.")
    assert len(text.replace(".", "")) == 8


def test_screens_follow_one_another_and_the_key_calls_its_own() -> None:
    """Each for its seconds; a screen called by key stays, and the next press shows the next one."""
    meter, control = shown()
    seen = []
    for _ in range(6):
        seen.append(meter.display.shown().item)
        meter.clock.step(int(meter.parameters["display_seconds"]))
    assert seen[:3] == seen[3:]
    assert set(seen) == set(LISTS["auto"])
    for item in (*LISTS["key"], LISTS["key"][0]):
        control.do({"op": "event", "name": "button"})
        assert meter.display.shown().item == item
        meter.clock.step(59)
    meter.clock.step(1)
    assert meter.display.shown().item in LISTS["auto"]
    control.do({"op": "event", "name": "button"})
    assert meter.display.shown().item == LISTS["key"][0]


def test_a_meter_without_power_is_dark_until_it_is_woken() -> None:
    """The key shows its screens for as long as the meter is awake."""
    meter, control = shown()
    meter.powered = False
    assert control.do({"op": "get", "what": "display"})["shown"] is None
    control.do({"op": "event", "name": "button"})
    assert meter.display.shown().item == LISTS["key"][0]
    meter.clock.step(3600)
    assert meter.display.shown() is None


def test_a_meter_with_nothing_to_show() -> None:
    """Counts of 0."""
    meter, _ = shown()
    meter.parameters.set("display_auto_count", 0)
    meter.parameters.set("display_key_count", 0)
    assert meter.display.shown() is None
    meter.display.press()
    assert meter.display.shown() is None
