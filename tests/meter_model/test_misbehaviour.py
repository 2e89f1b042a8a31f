"""A meter that does wrong: what its clients see of each way, in each dialect."""

from __future__ import annotations

import pytest

import meterwire
from meterwire.errors import Disconnected, LocalProtocolError, MeterwireError, NoAnswer, Refused, TransportError
from meterwire.meter_model.faces.spoilt import readdressed, refusing
from meterwire.meter_model.misbehaviour import HungUp, Misbehaviour
from meterwire.protocols.dialogue import Answer, Patience

DIALECTS = ("dlt645", "dlt69845", "dlms")


@pytest.fixture(scope="module")
def served():
    from meterwire.pytest_plugin import EmulatedMeter

    with EmulatedMeter() as meter:
        yield meter


def outcome(meter, dialect):
    patience = Patience(tries=1, timeout=0.5)
    try:
        with meterwire.connect(meter.url(dialect), patience=patience, address=None) as client:
            return client.read("voltage_a").value
    except MeterwireError as error:
        return type(error)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("manners", "seen"),
    [
        ({"silent": 1}, (NoAnswer,)),
        ({"late": 2}, (NoAnswer,)),
        ({"abnormal": 1}, (Refused, None)),
        ({"disconnect": 1}, (Disconnected, TransportError)),
    ],
)
def test_what_a_client_sees(served, dialect, manners, seen):
    """Protects tests of head-ends: each misbehaviour looks like what it is, and ends when it is told to."""
    good = outcome(served, dialect)
    assert good > 200
    served.misbehave(dialect, **manners)
    try:
        found = outcome(served, dialect)
        assert found in seen or (isinstance(found, type) and issubclass(found, tuple(one for one in seen if one)))
        others = [one for one in DIALECTS if one != dialect]
        assert outcome(served, others[0]) == good
    finally:
        served.behave()
    assert outcome(served, dialect) == good


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_answer_from_the_wrong_address_is_not_taken(served, dialect):
    """Protects clients from other meters' values: a well-formed answer from the next address is no answer."""
    served.misbehave(dialect, wrong_address=1)
    try:
        patience = Patience(tries=1, timeout=0.5)
        address = None if dialect == "dlms" else "000000000161"
        with (
            pytest.raises(MeterwireError),
            meterwire.connect(served.url(dialect), patience=patience, address=address) as client,
        ):
            client.read("voltage_a")
    finally:
        served.behave()


def test_octets_that_are_no_answer_stay(served):
    """Protects the rewriting from what it does not know."""
    for dialect in (*DIALECTS, "other"):
        for octets in (b"", b"\xfe\xfe", b"hello"):
            assert readdressed(dialect, octets) == octets
            assert refusing(dialect, octets) == octets


def test_settings_are_checked_and_all_or_nothing():
    """Protects the control surface."""
    manners = Misbehaviour("dlt645", 1)
    for wrong in (
        {"silent": 2},
        {"silent": True},
        {"late": -1},
        {"rude": 1},
        {"silent": "1"},
        {"abnormal": float("nan")},
    ):
        with pytest.raises(LocalProtocolError):
            manners.change({"disconnect": 0.5, **wrong})
        assert manners.settings() == {}
    manners.change({"silent": 1, "late": 2})
    assert manners.settings() == {"silent": 1.0, "late": 2.0}
    assert manners.spoil([Answer(b"x")]) == []
    manners.change({"silent": 0, "disconnect": 1})
    with pytest.raises(HungUp):
        manners.spoil([Answer(b"x")])
    assert manners.spoil([]) == []
    manners.clear()
    assert manners.spoil([Answer(b"x")]) == [Answer(b"x")]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_meter_without_power_is_read_for_a_minute_after_its_button(emulated_meter, dialect):
    """Protects reading in an outage through every dialect: energies are there, voltages are 0, then silence."""
    with emulated_meter() as meter:
        meter.power(False)
        meter.event("button")
        with meterwire.connect(meter.url(dialect), patience=Patience(tries=1, timeout=5)) as client:
            assert client.read("active_energy_import").value > 0
            assert client.read("voltage_a").value == 0
        meter.clock.step(61)
        assert outcome(meter, dialect) is NoAnswer
