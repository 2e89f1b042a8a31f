"""HDLC frames: every vector is cut, read and built again."""

import pytest
from vector_files import vectors

from meterwire.protocols.hdlc.frame import Format, Frame, address_parts, control_name
from meterwire.protocols.recognise import dissection, pieces
from meterwire.protocols.wire import framing
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.dissect import render

VECTORS = [v for v in vectors("dlms") if v["layer"] == "hdlc"]
NAMES = [v["name"] for v in VECTORS]


def cut(octets, size):
    framer = framing.Framer(codec(Frame), keep_checks=True)
    found = []
    for at in range(0, len(octets), size):
        found += framer.receive(octets[at : at + size])
    return found + framer.idle()


@pytest.mark.parametrize("vector", VECTORS, ids=NAMES)
def test_frames_are_those_of_the_vector(vector):
    """Protects the reading of real frames: addresses, control, segmentation, information, and which check is wrong."""
    found = cut(vector["octets"], len(vector["octets"]))
    singly = cut(vector["octets"], 1)
    assert [(f.message, f.octets, f.offset) for f in found] == [(f.message, f.octets, f.offset) for f in singly]
    assert len(found) == len(vector["expect"]["frames"])
    for frame, expected in zip(found, vector["expect"]["frames"], strict=True):
        assert (frame.error is None) == expected.get("fcs_ok", True)
        message = frame.message
        assert message.destination.hex() == expected["dst"]
        assert message.source.hex() == expected["src"]
        assert message.control == expected["control"]
        assert bool(message.format.segmented) == expected["segmented"]
        assert message.information.hex() == expected["info"]
        if frame.error is None:
            assert codec(Frame).build(message) == frame.octets


def test_control_fields_have_names():
    """Protects the words that the frame log uses for link control."""
    assert control_name(0x93) == "SNRM P/F"
    assert control_name(0x73) == "UA P/F"
    assert control_name(0x54) == "I N(S)=2 N(R)=2 P/F"
    assert control_name(0x31) == "RR N(R)=1 P/F"


def test_addresses_split_in_logical_and_physical():
    """Protects the reading of one-, two- and four-octet addresses: seven bits an octet, upper half first."""
    assert address_parts(bytes.fromhex("21")) == (16, None)
    assert address_parts(bytes.fromhex("0223")) == (1, 17)
    assert address_parts(bytes.fromhex("00020023")) == (1, 17)


def test_a_frame_without_information_has_one_check():
    """Protects the rule that the header check stands only in front of information."""
    short = Frame(Format(), b"\x03", b"\x21", 0x93)
    assert codec(Frame).build(short).hex() == "7ea007032193" + "0f01" + "7e"


@pytest.mark.parametrize(
    ("octets", "texts"),
    [
        (
            "7EA01F21022373E6C781801205019A06019A070400000001080400000001CCA27E",
            ["UA P/F", "longest information field, sent", "[154]", "window, received", "[1]", "logical 1, physical 17"],
        ),
        ("7EA00C2103973E219300044EEF7E", ["FRMR P/F", "SNRM P/F", "an information field that is too long"]),
        ("7EA00703213117877E", ["RR N(R)=1 P/F"]),
        ("7EA00703213533C17E", ["RNR N(R)=1 P/F"]),
        ("7EA00721031F6BE97E", ["DM P/F"]),
    ],
)
def test_frames_in_words(octets, texts):
    """Protects what people see: what is negotiated by its name, and why a frame was rejected."""
    (piece,) = pieces(bytes.fromhex(octets), "dlms-hdlc")
    shown = "\n".join(render(dissection(piece)))
    for text in texts:
        assert text in shown, shown
