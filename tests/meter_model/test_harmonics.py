"""Harmonics: contents that make up the total distortion, and the same through DL/T 645 and DL/T 698.45."""

from __future__ import annotations

import math
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.errors import LocalProtocolError
from meterwire.meter_model import Meter
from meterwire.meter_model.device import Device
from meterwire.meter_model.faces.dlt645.face import Face645
from meterwire.meter_model.faces.dlt69845.attributes import read
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.meter_model.harmonics import HIGHEST_ORDER, ORDERS, Spectrum, contents
from meterwire.protocols.dlt645.client import Meter645
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.enums import Dar, Unit698
from meterwire.transports.memory import ResponderLine


def numbers(meter, oad):
    return [one.value for one in read(meter, Oad.of(oad)).value]


@given(
    st.fractions(0, 100).map(lambda one: one.limit_denominator(1000)),
    st.dictionaries(st.sampled_from(ORDERS), st.floats(0.5, 100), max_size=5),
)
def test_contents_make_up_the_distortion(distortion, declared):
    """The root of the sum of squares is the total, to the rounding of forty thousandths; only what is declared is there."""
    found = contents(distortion, declared, lambda order: order % 10 / 10)
    assert list(found) == list(ORDERS)
    assert math.hypot(*map(float, found.values())) == pytest.approx(float(distortion), abs=0.005)
    assert not declared or all(bool(found[order]) <= (order in declared) for order in ORDERS)


def test_the_strong_orders_are_those_of_rectifiers():
    """Fifth, seventh, eleventh and thirteenth lead; triples and even orders stay small."""
    current = Meter().instant.harmonics("current", 0)
    strongest = sorted(current, key=current.get, reverse=True)
    assert strongest[:2] == [5, 7]
    assert current[9] < current[7]
    assert max(current[order] for order in ORDERS if order % 2 == 0) < current[5] / 3


def test_a_device_file_declares_orders(tmp_path):
    """Orders that are declared are the only ones, and the total distortion follows from them."""
    file = tmp_path / "device.toml"
    file.write_text("[spectrum]\ncurrent_orders = { 3 = 30.0, 5 = 40.0 }\n")
    meter = Device.load(file).meter()
    found = meter.instant.harmonics("current", 1)
    assert {order for order, content in found.items() if content} == {3, 5}
    assert float(found[5] / found[3]) == pytest.approx(4 / 3, rel=1e-3)
    assert 50 * 0.85 <= float(meter.instant.current_distortion(1)) <= 50 * 1.15
    assert meter.instant.voltage_distortion(1) < 3


@pytest.mark.parametrize("orders", ["{ 1 = 5.0 }", "{ 42 = 5.0 }", "{ 3 = -1.0 }", "{ 3 = 100.5 }"])
def test_orders_and_contents_have_limits(tmp_path, orders):
    """The fundamental is no harmonic, and no content is negative or more than the fundamental."""
    file = tmp_path / "device.toml"
    file.write_text(f"[spectrum]\nvoltage_orders = {orders}\n")
    with pytest.raises(LocalProtocolError, match="spectrum"):
        Device.load(file)


def test_arrays_of_698_45_have_total_and_orders():
    """Class 5: an array for each phase, the total first; the highest order and the scaler beside them."""
    meter = Meter()
    meter.parameters.set("harmonic_order", 7)
    voltage = numbers(meter, "200D0200")
    expected = meter.instant.harmonics("voltage", 0)
    assert voltage == [
        int(meter.instant.voltage_distortion(0) * 100),
        *(int(expected[order] * 100) for order in range(2, 8)),
    ]
    assert read(meter, Oad.of("200D0205")).value == voltage[4]
    assert read(meter, Oad.of("200E0500")).value == 7
    scaler = read(meter, Oad.of("200E0600")).value
    assert (scaler.scaler, scaler.unit) == (-2, Unit698.PER_CENT)
    meter.parameters.set("harmonic_order", HIGHEST_ORDER)
    assert len(numbers(meter, "200E0400")) == HIGHEST_ORDER
    meter.cut_phase("b")
    assert set(numbers(meter, "200D0300")) == {0}


def test_phases_that_are_not_there_have_no_harmonics():
    """A single-phase meter has those of its phase."""
    meter = Meter("single-phase")
    assert len(numbers(meter, "200D0200")) == 21
    with pytest.raises(Denied) as denied:
        read(meter, Oad.of("200D0300"))
    assert denied.value.dar == Dar.OBJECT_UNAVAILABLE


def test_both_dialects_tell_the_same():
    """020A and 020B against 200D and 200E: every order of every phase, one by one and as a block."""
    meter = Meter()
    client = Meter645(ResponderLine(Face645(meter).connect()), address=meter.identity.address)
    for group, oi in (("020A", "200D"), ("020B", "200E")):
        for phase in (1, 2, 3):
            wanted = [Decimal(raw).scaleb(-2) for raw in numbers(meter, f"{oi}{phase + 1:02}00")]
            block = client.read_many([f"{group}{phase:02}{order:02X}" for order in range(1, 22)])
            assert [one.value for one in block] == wanted
    (beyond,) = client.read_many(["020A0116"])
    assert beyond.error
    meter.parameters.set("harmonic_order", 5)
    (beyond,) = client.read_many(["020A0106"])
    assert beyond.error


def test_a_spectrum_has_defaults():
    """What the profiles do not say."""
    assert Spectrum().typical("voltage") == 1.8
    assert msgspec.to_builtins(Spectrum())["current_orders"] == {}
