"""Tests of the meter's HDLC layer, named after the 22 cases of the DLMS conformance test plan for the data link layer.

RECONSTRUCTED. Only the names are known to us; procedure and expectation of each are ours, worked out from IEC 62056-46.
Passing them certifies nothing. Every one has been seen to fail: `test_a_planted_fault_is_seen` plants the fault of
`hdlc_faults` that belongs to it.
"""

import pytest

from meterwire.meter_model.faces.dlms.hdlc import FaceDlmsHdlc
from meterwire.meter_model.meter import Meter
from meterwire.protocols.hdlc.control import Control, Kind, control
from meterwire.protocols.hdlc.frame import Format, Frame
from meterwire.protocols.hdlc.framer import HdlcFramer
from meterwire.protocols.hdlc.parameters import Parameters, encoded, offered
from meterwire.protocols.wire.checks import crc_x25
from meterwire.protocols.wire.codec import codec
from tests.conformance.hdlc_faults import FAULTS

METER = Meter()
CLIENT, SERVER = b"\x21", b"\x03"
AARQ = bytes.fromhex("E6E600601DA109060760857405080101BE10040E01000000065F1F0400001E1DFFFF")


class Bench:
    """The meter under test, and what one sends it."""

    def __init__(self):
        self.connection = FaceDlmsHdlc(METER).connect()

    def raw(self, octets):
        """What the meter sends in answer to octets, as kinds and frames."""
        sent = b"".join(one.octets for one in self.connection.receive(octets, 0.0))
        return [(control(piece.message.control), piece.message) for piece in _UNPLANTED().receive(sent)]

    def send(self, said, information=b"", address=SERVER, segmented=0):
        return self.raw(build(said, information, address, segmented))

    def kinds(self, octets):
        return [said.kind for said, _ in self.raw(octets)]

    def connected(self):
        """In normal response mode, with the default parameters."""
        self.send(Control(Kind.SNRM))
        return self


class _UNPLANTED(HdlcFramer):
    """The framer as it is, whatever is planted into the meter's."""

    receive = HdlcFramer.receive


def one(answers):
    """The only answer."""
    assert len(answers) == 1, answers
    return answers[0]


def build(said, information=b"", address=SERVER, segmented=0):
    return codec(Frame).build(Frame(Format(segmented=segmented), address, CLIENT, said.octet, information))


SNRM = build(Control(Kind.SNRM))


def test_HDLC_FRAME_P1():
    """Procedure: a well-formed SNRM between two flags. Expectation: UA with the final bit, to the sender."""
    said, frame = one(Bench().raw(SNRM))
    assert said == Control(Kind.UA)
    assert (frame.destination, frame.source) == (CLIENT, SERVER)


def test_HDLC_FRAME_P2():
    """Procedure: SNRM behind and before runs of flags (inter-frame fill). Expectation: UA, once."""
    assert Bench().kinds(b"\x7e" * 20 + SNRM + b"\x7e" * 20) == [Kind.UA]


def test_HDLC_FRAME_P3():
    """Procedure: SNRM and RR with one flag between them. Expectation: UA and RR."""
    assert Bench().kinds(SNRM + build(Control(Kind.RR))[1:]) == [Kind.UA, Kind.RR]


def test_HDLC_FRAME_N1():
    """Procedure: no opening flag, no closing flag, empty frames. Expectation: silence; then SNRM is answered."""
    for octets in (SNRM[1:], SNRM[:-1], b"\x7e\x7e", b"\x7e" * 10_000):
        bench = Bench()
        assert bench.raw(octets) + bench.raw(b"") == []
        bench.connection.idle(1.0)
        assert bench.kinds(SNRM) == [Kind.UA]


def _with_format(first, second):
    """An SNRM with another format field, its check sequence right."""
    body = bytes((first, second)) + SNRM[3:-3]
    return b"\x7e" + body + crc_x25(body).to_bytes(2, "little") + b"\x7e"


def test_HDLC_FRAME_N2():
    """Procedure: a length field smaller than the frame. Expectation: silence."""
    for length in (0, 1, 5, 6):
        assert Bench().raw(_with_format(0xA0, length)) == []


def test_HDLC_FRAME_N3():
    """Procedure: a format type that is not 3. Expectation: silence."""
    for first in (0x80, 0x90, 0xB0, 0x20):
        assert Bench().raw(_with_format(first, SNRM[2])) == []


def test_HDLC_FRAME_N4():
    """Procedure: a length field larger than the frame. Expectation: silence, and the next frame is found."""
    for length in (8, 20, 255):
        bench = Bench()
        assert bench.raw(_with_format(0xA0, length)) == []
        bench.connection.idle(1.0)
        assert bench.kinds(SNRM) == [Kind.UA]


def test_HDLC_FRAME_N5():
    """Procedure: a control field that is not implemented, in NRM. Expectation: FRMR that names it and sets W."""
    said, frame = one(Bench().connected().raw(codec(Frame).build(Frame(Format(), SERVER, CLIENT, 0x9B))))
    assert said.kind is Kind.FRMR
    assert frame.information[0] == 0x9B
    assert frame.information[2] & 1


def _damaged(place, repair):
    frame = bytearray(build(Control(Kind.I), AARQ))
    frame[place] ^= 0x10
    if repair:
        frame[-3:-1] = crc_x25(bytes(frame[1:-3])).to_bytes(2, "little")
    return bytes(frame)


def test_HDLC_FRAME_N7():
    """Procedure: an I frame with a wrong HCS and a right FCS. Expectation: silence, and V(R) has not moved."""
    bench = Bench().connected()
    assert bench.raw(_damaged(6, repair=True)) == []
    said, _ = one(bench.send(Control(Kind.RR)))
    assert said.receive == 0


def test_HDLC_FRAME_N8():
    """Procedure: an I frame with a right HCS and a wrong FCS. Expectation: silence, and V(R) has not moved."""
    bench = Bench().connected()
    assert bench.raw(_damaged(-2, repair=False)) == []
    said, _ = one(bench.send(Control(Kind.RR)))
    assert said.receive == 0


def test_HDLC_ADDRESS_P1():
    """Procedure: SNRM to the meter in one, two and four octets. Expectation: UA from the same address."""
    for address in ("03", "0223", "00020023"):
        said, frame = one(Bench().send(Control(Kind.SNRM), address=bytes.fromhex(address)))
        assert said.kind is Kind.UA
        assert frame.source.hex() == address


def test_HDLC_ADDRESS_N1():
    """Procedure: SNRM to logical devices that the meter does not have. Expectation: silence."""
    for address in ("05", "0423", "00040023"):
        assert Bench().send(Control(Kind.SNRM), address=bytes.fromhex(address)) == []


def test_HDLC_ADDRESS_N4():
    """Procedure: SNRM to other physical devices, the calling one included. Expectation: silence."""
    for address in ("0225", "00020025", "02fd", "0002fefd"):
        assert Bench().send(Control(Kind.SNRM), address=bytes.fromhex(address)) == []


def test_HDLC_ADDRESS_N6():
    """Procedure: SNRM to all stations and to no station. Expectation: silence."""
    for address in ("ff", "02ff", "feff", "fefefeff", "0002feff", "01", "0001"):
        assert Bench().send(Control(Kind.SNRM), address=bytes.fromhex(address)) == []


def test_HDLC_ADDRESS_N7():
    """Procedure: addresses of three octets, and without a last octet. Expectation: silence."""
    assert Bench().send(Control(Kind.SNRM), address=bytes.fromhex("020223")) == []
    body = b"\xa0\x0b" + bytes.fromhex("0202020222") + SNRM[4:6]
    assert Bench().raw(b"\x7e" + body + crc_x25(body).to_bytes(2, "little") + b"\x7e") == []


def test_HDLC_NDM2NRM_P1():
    """Procedure: SNRM without parameters, then RR. Expectation: UA; RR with N(R)=0: the mode has changed."""
    bench = Bench()
    assert bench.kinds(SNRM) == [Kind.UA]
    said, _ = one(bench.send(Control(Kind.RR)))
    assert said == Control(Kind.RR)


def test_HDLC_NDM2NRM_P2():
    """Procedure: SNRM with parameters. Expectation: UA with values no larger than proposed, seen from the meter."""
    _, frame = one(Bench().send(Control(Kind.SNRM), encoded(Parameters(300, 200, 3, 2))))
    assert offered(frame.information) == Parameters(200, 300, 2, 3)


def test_HDLC_INFO_P1():
    """Procedure: an AARQ in one I frame, then in segments. Expectation: the AARE each time, numbers counted."""
    bench = Bench().connected()
    said, frame = one(bench.send(Control(Kind.I), AARQ))
    assert said == Control(Kind.I, send=0, receive=1)
    assert frame.information[:4] == bytes.fromhex("e6e70061")
    said, _ = one(bench.send(Control(Kind.I, send=1, receive=1), AARQ[:10], segmented=1))
    assert said == Control(Kind.RR, receive=2)
    said, frame = one(bench.send(Control(Kind.I, send=2, receive=1), AARQ[10:]))
    assert said == Control(Kind.I, send=1, receive=3)
    assert frame.information[:4] == bytes.fromhex("e6e70061")


def test_HDLC_INFO_N1():
    """Procedure: an information field longer than agreed. Expectation: FRMR that sets Y."""
    said, frame = one(Bench().connected().send(Control(Kind.I), AARQ + bytes(128)))
    assert said.kind is Kind.FRMR
    assert frame.information[2] & 4


def test_HDLC_INFO_N2():
    """Procedure: an I frame with an N(S) that is not due. Expectation: it is not taken; RR asks for the one due."""
    for number in (1, 3, 7):
        bench = Bench().connected()
        said, _ = one(bench.send(Control(Kind.I, send=number), AARQ))
        assert said == Control(Kind.RR, receive=0)


def test_HDLC_INFO_N3():
    """Procedure: an N(R) that acknowledges what was never sent. Expectation: FRMR that sets Z."""
    said, frame = one(Bench().connected().send(Control(Kind.I, receive=4), AARQ))
    assert said.kind is Kind.FRMR
    assert frame.information[2] & 8


def test_HDLC_NDMOP_N1():
    """Procedure: I, RR and DISC without a connection. Expectation: DM, and nothing is served."""
    for said, information in ((Control(Kind.I), AARQ), (Control(Kind.RR), b""), (Control(Kind.DISC), b"")):
        bench = Bench()
        assert [answer.kind for answer, _ in bench.send(said, information)] == [Kind.DM]


CASES = {name.removeprefix("test_"): test for name, test in list(globals().items()) if name.startswith("test_HDLC_")}


def test_every_name_is_there():
    """Protects the list of the 22 names, each with its procedure and expectation, and a fault to be seen by it."""
    assert len(CASES) == 22
    assert set(FAULTS) == set(CASES)
    assert all("Procedure:" in test.__doc__ and "Expectation:" in test.__doc__ for test in CASES.values())


@pytest.mark.parametrize("name", CASES)
def test_a_planted_fault_is_seen(name, monkeypatch):
    """Protects the tests themselves: with its fault in the meter, each of them fails."""
    FAULTS[name](monkeypatch)
    with pytest.raises(AssertionError):
        CASES[name]()
