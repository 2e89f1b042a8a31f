"""The control surface: every operation, and that no request whatever breaks it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterwire.errors import LocalProtocolError
from meterwire.meter_model import Constant, Meter
from meterwire.meter_model.control import EVENTS, Control
from meterwire.meter_model.control_line import LONGEST_LINE


class Link:
    """Fault settings that remember."""

    def __init__(self) -> None:
        self.rates: dict[str, Any] = {}

    def change(self, settings: Mapping[str, Any]) -> None:
        if "bad" in settings:
            raise LocalProtocolError("no such fault")
        self.rates |= settings

    def clear(self) -> None:
        self.rates.clear()

    def settings(self) -> dict[str, Any]:
        return dict(self.rates)


@pytest.fixture
def control() -> Control:
    return Control(Meter(load=Constant(1000, 0)), {"dlt645": Link(), "dlms": Link()})


def done(control: Control, **request: Any) -> Any:
    reply = json.loads(control.reply(json.dumps(request).encode()))
    assert reply["ok"], reply
    return reply["value"]


def refused(control: Control, **request: Any) -> str:
    reply = json.loads(control.reply(json.dumps(request).encode()))
    assert reply["ok"] is False
    assert reply["error"]
    return str(reply["error"])


def power(control: Control) -> str:
    return str(done(control, op="get", what="quantity", name="active_power")["value"])


def test_load(control: Control) -> None:
    """A load is changed and told back."""
    assert power(control) == "3.0000"
    told = done(control, op="set", what="load", kind="constant", active=[1, 2, 3.5], reactive=0)
    assert told == done(control, op="get", what="load")
    assert told["active"] == [1.0, 2.0, 3.5]
    assert power(control) == "0.0065"
    assert "kind" in refused(control, op="set", what="load", active=1)
    assert "unknown field" in refused(control, op="set", what="load", kind="household", peek=1)
    assert "VA" in refused(control, op="set", what="load", kind="constant", active=1e6)
    assert power(control) == "0.0065"


def test_phase(control: Control) -> None:
    """Cut, restored, overridden and given back."""
    assert done(control, op="set", what="phase", phase="b", on=False)["b"]["on"] is False
    assert power(control) == "2.0000"
    phases = done(control, op="set", what="phase", phase="a", active=500, voltage=250)
    assert (phases["a"]["active"], phases["a"]["voltage"], phases["a"]["current"]) == (500.0, 250.0, 2.0)
    done(control, op="set", what="phase", phase="a", active=None)
    assert power(control) == "2.0000"
    done(control, op="set", what="phase", phase="b", on=True)
    assert power(control) == "3.0000"
    assert done(control, op="get", what="phases")["a"]["voltage"] == 250.0
    assert "no phase 'd'" in refused(control, op="set", what="phase", phase="d", on=True)
    assert "V" in refused(control, op="set", what="phase", phase="a", voltage=1e9)


def test_clock(control: Control) -> None:
    """Step, jump, freeze; running needs a base."""
    before = control.meter.read("active_energy_import")
    told = done(control, op="set", what="clock", step=3600)
    assert told == {"now": "2026-01-01T01:00:00+08:00", "frozen": True, "rate": 1.0, "drift": 0.0}
    assert control.meter.read("active_energy_import") > before
    assert done(control, op="set", what="clock", jump="2026-05-01")["now"] == "2026-05-01T00:00:00+08:00"
    refused(control, op="set", what="clock", run=True)
    refused(control, op="set", what="clock", freeze=True, rate=3)
    refused(control, op="set", what="clock", step=-1)
    refused(control, op="set", what="clock", step=1e30)
    refused(control, op="set", what="clock", jump="tomorrow")
    refused(control, op="set", what="clock", jump="1970-01-01")
    assert done(control, op="get", what="clock")["now"] == "2026-05-01T00:00:00+08:00"


def test_power_and_events(control: Control) -> None:
    """Power goes and comes, covers open, and everything is remembered in order."""
    assert done(control, op="set", what="power", on=False) == {"on": False}
    assert control.meter.powered is False
    done(control, op="set", what="power", on=True)
    assert done(control, op="event", name="cover-open") == {"count": 1}
    assert done(control, op="event", name="cover-open") == {"count": 2}
    names = [event["name"] for event in done(control, op="get", what="events")]
    assert names == ["cover-open", "cover-open", "power-on", "power-off"]
    assert all(name in refused(control, op="event", name="earthquake") for name in EVENTS)
    refused(control, op="set", what="power", on="yes")


def test_faults(control: Control) -> None:
    """One link or all; clear first; a wrong one changes nothing."""
    done(control, op="set", what="fault", link="dlms", drop=0.5)
    done(control, op="set", what="fault", flip=0.1)
    told = done(control, op="get", what="fault")
    assert told == {"dlt645": {"flip": 0.1}, "dlms": {"drop": 0.5, "flip": 0.1}}
    assert done(control, op="set", what="fault", clear=True, delay=1)["dlms"] == {"delay": 1}
    assert "no such fault" in refused(control, op="set", what="fault", bad=1)
    assert "dlt645, dlms" in refused(control, op="set", what="fault", link="usb", drop=1)
    refused(control, op="set", what="fault", link=["dlms"], drop=1)


def test_quantities_keep_their_digits(control: Control) -> None:
    """Numbers come as text, cut to the decimals of the row; demands have their time; clocks are ISO 8601."""
    done(control, op="set", what="load", kind="constant", active=[1234.56789, 0, 0], reactive=0)
    assert power(control) == "1.2345"
    demand = done(control, op="get", what="quantity", name="demand_active_import_max")
    assert set(demand) == {"name", "unit", "value", "time"}
    assert demand["unit"] == "kW"
    assert done(control, op="get", what="quantity", name="date")["value"] == "2026-01-01"
    assert done(control, op="get", what="quantity", name="meter_number")["value"] == "000000000161"
    assert "near" in refused(control, op="get", what="quantity", name="voltage_aa")
    single = Control(Meter("single-phase"))
    assert "phase b" in refused(single, op="get", what="quantity", name="voltage_b")
    assert done(single, op="get", what="identity")["profile"] == "single-phase"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
words = st.sampled_from(
    [
        "set",
        "get",
        "event",
        "load",
        "phase",
        "clock",
        "power",
        "fault",
        "quantity",
        "constant",
        "household",
        "a",
        "dlms",
    ]
    + ["frequency", "self", "settings", "2026-01-01", "1e999"]
)
keys = st.sampled_from(
    [
        "kind",
        "active",
        "reactive",
        "voltage",
        "frequency",
        "phase",
        "on",
        "step",
        "jump",
        "run",
        "rate",
        "freeze",
        "link",
    ]
    + ["drop", "clear", "name", "self", "settings", "peak", "power_factor"]
)
requests = st.fixed_dictionaries({}, optional={"op": words | json_values, "what": words | json_values}).flatmap(
    lambda fixed: st.dictionaries(keys, words | json_values, max_size=3).map(lambda rest: {**rest, **fixed})
)
SHARED = Control(Meter(load=Constant(1000, 0)), {"dlms": Link()})


@settings(max_examples=300, deadline=None)
@given(requests.map(lambda request: json.dumps(request).encode()) | st.binary(max_size=60))
def test_no_request_breaks_it(line: bytes) -> None:
    """Every line has a reply that says ok or why not, and the meter can still be read afterwards."""
    SHARED.meter.clock.jump(SHARED.meter.now().replace(year=2026))
    reply = json.loads(SHARED.reply(line))
    assert reply["ok"] is True or (reply["ok"] is False and reply["error"])
    SHARED.meter.read("active_energy_import")
    SHARED.meter.read("current_a")


def test_bounds_of_a_line() -> None:
    """Too long, too deep, too big a number: refused at once."""
    for line in (
        b" " * (LONGEST_LINE + 1),
        b'{"op":' + b"[" * 60_000,
        b'{"op":"set","what":"clock","step":1' + b"0" * 400 + b"}",
    ):
        assert json.loads(SHARED.reply(line))["ok"] is False
