"""M-Bus long frames as carrier of DLMS."""

import pytest
from vector_files import vectors

from meterwire.errors import MalformedError
from meterwire.protocols.mbus.frame import LongFrame
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Frame, Framer

VECTORS = [v for v in vectors("dlms") if v["layer"] == "mbus"]


@pytest.mark.parametrize("vector", VECTORS, ids=[v["name"] for v in VECTORS])
def test_vectors_are_whole_frames(vector):
    """Protects the reading of real segmented pushes."""
    framer = Framer(codec(LongFrame))
    found = framer.receive(vector["octets"]) + framer.idle()
    expected = vector["expect"]["frames"]
    assert len(found) == (expected if isinstance(expected, int) else len(expected))
    assert all(isinstance(frame, Frame) for frame in found)
    for frame in found:
        assert codec(LongFrame).build(frame.message) == frame.octets
    if isinstance(expected, list):
        message = found[0].message
        assert (message.control, message.address, int(message.information)) == (
            expected[0]["c"],
            expected[0]["a"],
            expected[0]["ci"],
        )
        assert (message.source, message.destination) == (expected[0]["stsap"], expected[0]["dtsap"])


def test_two_lengths_that_differ_are_refused():
    """Protects against taking the first length on trust."""
    octets = bytearray(VECTORS[-1]["octets"])
    octets[2] ^= 1
    with pytest.raises(MalformedError):
        codec(LongFrame).parse(bytes(octets))
