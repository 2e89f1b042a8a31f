"""The fixture `emulated_meter`: a meter that is changed while a client talks to it."""

from __future__ import annotations

import datetime as dt
import gc
import threading
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from meterwire import connect
from meterwire.errors import LocalProtocolError, MeterwireError, NoAnswer
from meterwire.meter_model import Constant, Household
from meterwire.protocols.dialogue import Patience
from meterwire.pytest_plugin import EmulatedMeter, emulated_meter  # noqa: F401  the plugin may not be registered here
from meterwire.transports.control import control

Make = Callable[..., EmulatedMeter]
DIALECTS = ("dlt645", "dlt69845", "dlms")


def read(meter: EmulatedMeter, dialect: str, *items: str) -> list[Decimal]:
    with connect(meter.url(dialect)) as client:
        readings = client.read_many(list(items))
    assert all(reading.error is None for reading in readings), readings
    return [reading.value for reading in readings]


def test_what_is_done_to_the_meter_is_seen_by_open_connections(emulated_meter: Make) -> None:  # noqa: F811
    """Load, phase and clock change under a client that stays connected, in every dialect."""
    with emulated_meter(load=Constant((1000, 2000, 3000), 0)) as meter:
        for dialect in DIALECTS:
            with connect(meter.url(dialect)) as client:
                assert client.read("active_power").value == 6
                meter.cut_phase("b")
                assert client.read("active_power").value == 4
                assert client.read("voltage_b").value == 0
                meter.restore_phase("b")
                meter.set_load(kind="constant", active=500, reactive=0)
                assert client.read("active_power").value == Decimal("1.5")
                before = client.read("active_energy_import").value
                meter.clock.step(7200)
                assert client.read("active_energy_import").value - before in {Decimal("3.00"), Decimal("3.01")}
                meter.set_load(Constant((1000, 2000, 3000), 0))


def test_without_power_nobody_answers_and_sessions_are_lost(emulated_meter: Make) -> None:  # noqa: F811
    """Silence while the power is off; afterwards the meter answers again."""
    with emulated_meter(listen=["dlt645+tcp://127.0.0.1:0"]) as meter:
        with connect(meter.url()) as client:
            client.patience = Patience(tries=1, timeout=0.2)
            assert client.read("voltage_a").value
            meter.power(False)
            with pytest.raises(NoAnswer):
                client.read("voltage_a")
            meter.power(True)
            assert client.read("voltage_a").value
        assert [event.name for event in meter.apply(lambda model: model.events.last(2))] == ["power-on", "power-off"]


def test_link_faults_come_and_go(emulated_meter: Make) -> None:  # noqa: F811
    """A link that loses everything is silent, and heals; the other link never noticed."""
    with emulated_meter(listen=["dlt645+tcp://127.0.0.1:0", "dlms+tcp://127.0.0.1:0"]) as meter:
        with connect(meter.url("dlt645")) as client:
            client.patience = Patience(tries=1, timeout=0.2)
            meter.fault("dlt645", drop=1)
            with pytest.raises(NoAnswer):
                client.read("voltage_a")
            assert read(meter, "dlms", "frequency")
            meter.clear_faults()
            assert client.read("voltage_a").value
        with pytest.raises(LocalProtocolError):
            meter.fault("dlt645", drip=1)


def test_the_truth_and_the_clock(emulated_meter: Make) -> None:  # noqa: F811
    """The meter itself can be asked; its clock is frozen unless it is told to run."""
    meter = emulated_meter("single-phase", seed=9, load=Household(peak=3000))
    assert meter.clock.now() == dt.datetime.fromisoformat("2026-01-01T00:00:00+08:00")
    meter.clock.jump(dt.datetime.fromisoformat("2026-06-30T23:00:00"))
    exact = meter.read("active_energy_import")
    [shown] = read(meter, "dlt69845", "active_energy_import")
    assert exact >= Fraction(shown) > exact - Fraction(1, 100)
    meter.clock.run(1_000_000)
    while meter.clock.now().month == 6:
        pass
    meter.clock.freeze()
    assert meter.clock.now() == meter.clock.now()
    meter.event("cover-open")
    assert meter.control(op="get", what="events")[0]["name"] == "cover-open"


def test_device_file_and_control_surface(emulated_meter: Make, tmp_path: Path) -> None:  # noqa: F811
    """A device file describes the meter, clock and faults included; the command line's surface reaches the same one."""
    path = tmp_path / "meter.toml"
    path.write_text(
        'clock = "frozen:2026-02-03T04:05:06"\n[identity]\nnumber = "000000000777"\n[faults.dlms]\ndelay = 0.5\nseconds = 0.001\n'
    )
    with emulated_meter(device=path, control="tcp://127.0.0.1:0") as meter:
        assert meter.clock.now().isoformat() == "2026-02-03T04:05:06+08:00"
        assert read(meter, "dlms", "meter_number") == ["000000000777"]
        reply = control(meter.control_url, {"op": "set", "what": "phase", "phase": "c", "on": False})
        assert reply["ok"]
        assert meter.read("voltage_c") == 0
        assert control(meter.control_url, {"op": "get", "what": "fault"})["value"]["dlms"]["sent"]["delay"] == 0.5


def test_a_meter_that_cannot_start_leaves_nothing_behind(emulated_meter: Make) -> None:  # noqa: F811
    """A wrong endpoint is an error, not a thread that stays."""
    before = threading.active_count()
    for listen in (
        ["dlt645+tcp://127.0.0.1:0", "nonsense"],
        ["dlt645+tcp://127.0.0.1:0", "dlms+pty:/no/such/folder/x"],
    ):
        with pytest.raises(MeterwireError):
            emulated_meter(listen=listen)
    with pytest.raises(MeterwireError):
        emulated_meter("four-phase")
    assert threading.active_count() == before


def test_everything_is_closed_at_the_end(recwarn: pytest.WarningsRecorder) -> None:
    """Closing twice is harmless; no thread, socket or loop stays open."""
    before = threading.active_count()
    meter = EmulatedMeter(control="tcp://127.0.0.1:0")
    url, place = meter.url("dlms"), meter.control_url
    meter.close()
    meter.close()
    assert threading.active_count() == before
    with pytest.raises(MeterwireError):
        control(place, {}, timeout=0.5)
    with pytest.raises(MeterwireError), connect(url):
        pass
    del meter
    gc.collect()
    assert not [warning for warning in recwarn if issubclass(warning.category, ResourceWarning)]
