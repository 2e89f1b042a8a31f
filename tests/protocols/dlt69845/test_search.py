"""Finding DL/T 698.45 meters by their wildcard: one, several at once, and a line that lies."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterwire.meter_model.faces.dlt69845.face import Face69845
from meterwire.meter_model.identity import Identity
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dialogue import Answer, LineSettings, converse
from meterwire.protocols.dlt69845.address import Address
from meterwire.protocols.dlt69845.link import FrameLength, Function, Link, LinkControl
from meterwire.protocols.dlt69845.search import QUESTIONS, Search, attention_for
from meterwire.protocols.wire.codec import codec
from meterwire.transports.bus import Bus
from meterwire.transports.memory import connected

E8 = LineSettings(9600, 8, "E")


@pytest.fixture(scope="module")
def meters():
    return [Meter(identity=Identity(number=number)) for number in ("000000000161", "000000000262")]


def bus_of(meters, delays):
    bus = Bus()
    for meter, delay in zip(meters, delays, strict=True):
        bus.attach(Face69845(meter).connect(), E8, delay=delay)
    return bus


def test_one_meter_tells_its_address(meters):
    """Protects the usual case, on a bus with echo and over a network."""
    bus = bus_of(meters[:1], [0.05])
    search = Search(E8)
    assert converse(search.run(), bus.line(E8, echo="on")) == ["000000000161"]
    assert not search.collided
    assert search.tally.echoed > 0
    assert converse(Search(wake=0).run(), connected(Face69845(meters[0]).connect())) == ["000000000161"]


def test_nobody_costs_the_questions_alone():
    """Protects the estimate."""
    bus = Bus()
    search = Search(E8)
    assert converse(search.run(), bus.line(E8)) == []
    assert bus.clock.now() == pytest.approx(QUESTIONS * attention_for(E8).begin)
    assert not search.collided


def test_several_meters(meters):
    """Protects honesty: answers that come one after the other are all met, those at once are told as a collision."""
    search = Search(E8)
    one_after_the_other = bus_of(meters, [0.05, 0.25])
    assert converse(search.run(), one_after_the_other.line(E8)) == ["000000000161", "000000000262"]
    assert search.collided
    search = Search(E8)
    assert converse(search.run(), bus_of(meters, [0.05, 0.06]).line(E8)) == []
    assert search.collided


class Liar:
    """Answers everything with a frame from any address."""

    def __init__(self, digits, kind, logic, user):
        self.sender, self.user = Address(digits, kind, logic), user

    def receive(self, octets, now):
        flag, octets = self.sender.wire(2021)
        control = LinkControl(direction=1, started_by_client=1, function=Function.USER)
        return [Answer(codec(Link, 2021).build(Link(FrameLength(), control, flag, octets, 16, self.user)))]

    def idle(self, now):
        return []


@given(
    st.text("0123456789A", min_size=1, max_size=24),
    st.integers(0, 3),
    st.integers(0, 255),
    st.binary(max_size=20),
    st.sampled_from([2017, 2021]),
)
@settings(max_examples=60, deadline=None)
def test_whatever_address_answers(digits, kind, logic, user, edition):
    """Protects against hostile meters: no address in an answer makes the search fail, or go on for ever."""
    line = connected(Liar(digits, kind, logic, user))
    search = Search(wake=0, edition=edition)
    assert len(converse(search.run(), line)) <= 1
    assert search.tally.asked <= QUESTIONS + 1
