"""Frames of the concentrator's local interface."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vector_files import vectors

from meterwire.protocols.gdw376_2.frame import Frame, dt, fn
from meterwire.protocols.wire.codec import codec

VECTORS = [v for v in vectors("dlt645_and_376_2") if v["protocol"] == "gdw376.2"]


@pytest.mark.parametrize("vector", VECTORS, ids=[v["name"] for v in VECTORS])
def test_vectors_say_what_they_are_known_to_say(vector):
    """Protects direction, function, addresses and sequence of real frames, and their re-building octet for octet."""
    message, expected = codec(Frame).parse(vector["octets"]), vector["expect"]
    assert codec(Frame).build(message) == vector["octets"]
    assert message.function == int(expected["afn"], 16)
    assert fn(message.dt1, message.dt2) == expected["fn"]
    assert message.control.direction == (expected["dir"] == "up")
    for key, value in {
        "prm": message.control.initiator,
        "comm_mode": message.control.mode,
        "seq": message.information.sequence,
        "a1": message.source,
        "a3": message.destination,
        "module_flag": message.information.route.module,
    }.items():
        if key in expected:
            assert value == expected[key], key


@given(st.integers(1, 2048))
def test_function_numbers_round_trip(number):
    """Protects the odd arithmetic of DT1 and DT2."""
    assert fn(*dt(number)) == number
