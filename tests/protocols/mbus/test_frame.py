"""M-Bus long frames as carrier of DLMS."""

import pytest
from vector_files import vectors

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.dlms.listen import Lost, PushListener
from meterwire.protocols.mbus.frame import ControlInformation, LongFrame
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
    octets = bytearray(VECTORS[0]["octets"])
    octets[2] ^= 1
    with pytest.raises(MalformedError):
        codec(LongFrame).parse(bytes(octets))


def long(octets, *, last=1, number=0):
    """A frame with so many octets of data."""
    information = ControlInformation(last=last, sequence=number)
    return codec(LongFrame).build(LongFrame(0x53, 0xFF, information, 1, 0x67, octets))


@pytest.mark.parametrize("size", [0, 1, 250, *range(251, 256)])
def test_a_length_that_overflows(size):
    """Protects pushes of meters whose frames have up to 260 octets: L counts from 0 again, read and built."""
    frame = long(bytes(size))
    assert frame[1:3] == bytes(((size + 5) % 256,)) * 2
    assert len(frame) == size + 5 + 6
    assert codec(LongFrame).parse(frame).data == bytes(size)
    assert codec(LongFrame).measure(frame) == len(frame)


def test_a_frame_that_no_length_could_tell_is_not_built():
    """Protects against ambiguity: from 256 octets of data on, L would be that of a short frame."""
    with pytest.raises(LocalProtocolError):
        long(bytes(256))


def test_overflowing_frames_in_a_stream():
    """Protects listeners: long frames of any length follow each other, between noise, however the octets come."""
    short = VECTORS[0]["octets"]
    stream = b"\x00\x68" + long(bytes(252)) + short + b"\x68\x01" + long(bytes(range(251))) + short
    for size in (1, 7, len(stream)):
        framer = Framer(codec(LongFrame))
        found = [piece for at in range(0, len(stream), size) for piece in framer.receive(stream[at : at + size])]
        found += framer.idle()
        lengths = [len(piece.message.data) for piece in found if isinstance(piece, Frame)]
        assert [length for length in lengths if length > 250] == [252, 251]
        assert b"".join(piece.octets for piece in found) == stream


def test_a_push_in_such_a_frame_is_heard():
    """Protects the listener: a push that begins in an overflowing frame and ends in a short one."""
    text = bytes(range(65, 91)) * 10
    push = bytes.fromhex("0F00000001 00 0202 0982") + len(text).to_bytes(2, "big") + text + bytes.fromhex("12 0905")
    heard = PushListener().receive(long(push[:252], last=0) + long(push[252:], number=1))
    assert not [one for one in heard if isinstance(one, Lost)]
    assert heard[0].apdu == push
    assert heard[0].readings[1].value == 2309
