"""Abuse of HDLC, of the wrapper and of the optical port, by the numbers of the list of abuse cases (B1 to B16)."""

import pytest

from meterwire.errors import MeterwireError, NoAnswer
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.faces.dlms.hdlc import FaceDlmsHdlc
from meterwire.meter_model.faces.iec62056_21 import Face6205621
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dialogue import Patience
from meterwire.protocols.dlms.client import MeterDlms
from meterwire.protocols.dlms.hdlc_carrier import HdlcCarrier
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.hdlc.address import server_address
from meterwire.protocols.hdlc.control import Control, Kind, control
from meterwire.protocols.hdlc.frame import Format, Frame
from meterwire.protocols.hdlc.framer import HdlcFramer
from meterwire.protocols.hdlc.session import LONGEST_MESSAGE
from meterwire.protocols.iec62056_21.messages import Option
from meterwire.protocols.wire.codec import codec
from meterwire.transports.memory import connected

METER = Meter()
CLIENT, SERVER = b"\x21", b"\x03"
PATIENCE = Patience(tries=3, timeout=1.0)


def build(said, information=b"", segmented=0, to=SERVER, by=CLIENT):
    return codec(Frame).build(Frame(Format(segmented=segmented), to, by, said.octet, information))


SNRM = build(Control(Kind.SNRM))


def kinds(answers):
    pieces = [piece for answer in answers for piece in HdlcFramer().receive(answer.octets)]
    return [control(piece.message.control).kind for piece in pieces]


class Before:
    """A line on which something stands in front of everything that the meter answers."""

    def __init__(self, junk):
        self.line, self.junk = connected(FaceDlmsHdlc(METER).connect()), junk

    def __getattr__(self, name):
        return getattr(self.line, name)

    def write(self, octets):
        self.line.write(self.junk + octets)

    def read(self, until):
        octets = self.line.read(until)
        return self.junk + octets if octets else octets


OTHER = build(Control(Kind.SNRM), to=b"\x05")
"""To somebody else: with the flag of the next frame it is a whole one."""
JUNK = {
    "B1 flags": b"\x7e" * 10_000,
    "B1 no closing flag": OTHER[:-1],
    "B1 no opening flag": OTHER[1:],
    "B2 short": b"\x7e\xa0\x02\x7e",
    "B2 length 0": b"\x7e\xa0\x00\x03\x21\x93\x7e",
    "B2 length 2047": b"\x7e\xa7\xff\x03\x21\x93\x0f\x01\x7e",
    "B3 format type": b"\x7e\x90" + SNRM[2:],
    "B3 reserved bits": b"\x7e\xff" + SNRM[2:],
    "B5 wrong HCS": bytes((*build(Control(Kind.I), b"abc")[:6], 0, 0, *build(Control(Kind.I), b"abc")[8:])),
    "B5 wrong FCS": SNRM[:-3] + b"\0\0\x7e",
    "B6 five octets": b"\x7e\xa0\x0b\x02\x02\x02\x02\x02\x21\x93\0\0\x7e",
    "B6 sixteen octets": b"\x7e\xa0\x17" + b"\x02" * 16 + b"\x21\x93\0\0\x7e",
    "B7 noise": bytes(range(0x30, 0x44)),
    "B8 truncated": build(Control(Kind.I), bytes(100))[:50],
}


@pytest.mark.parametrize("case", JUNK)
def test_junk_in_front_of_every_frame(case):
    """B1 to B3, B5 to B8, both roles: the exchange succeeds, whatever stands in front of each frame of each side."""
    carrier = HdlcCarrier(16, server_address(1))
    meter = MeterDlms(Before(JUNK[case]), carrier=carrier, patience=Patience(tries=6, timeout=2.0))
    assert str(meter.read("active_energy_import").value) == "3493.43"


def test_B4_a_disc_is_no_ua():
    """A client that waits for UA is not connected by what only clients send, nor by an unknown control field."""
    for octet in (Control(Kind.DISC).octet, 0x9B, Control(Kind.I).octet):
        carrier = HdlcCarrier(16, server_address(1))
        carrier.link.connect()
        assert carrier.link.receive(Frame(Format(), CLIENT, SERVER, octet), 0.0) == []


def test_B9_numbers_that_are_wrong_change_nothing():
    """Repeated, far ahead, and an acknowledgement of nothing: not served; the link is whole after SNRM."""
    connection = FaceDlmsHdlc(METER).connect()
    assert kinds(connection.receive(build(Control(Kind.I), b"x"), 0.0)) == [Kind.DM]
    connection.receive(SNRM, 0.0)
    assert kinds(connection.receive(build(Control(Kind.I, send=5), b"\xe6\xe6\x00\x60"), 0.0)) == [Kind.RR]
    assert kinds(connection.receive(build(Control(Kind.RR, receive=3)), 0.0)) == [Kind.FRMR]
    assert kinds(connection.receive(build(Control(Kind.RR)), 0.0)) == [Kind.FRMR]
    assert kinds(connection.receive(SNRM, 0.0)) == [Kind.UA]
    assert kinds(connection.receive(build(Control(Kind.RR)), 0.0)) == [Kind.RR]


@pytest.mark.parametrize(
    "information",
    [
        "8180140504ffffffff0604ffffffff0704ffffffff0804ffffffff",
        "81800c050100060100070100080100",
        "8180040a01ff0b00",
        "81",
        "ff",
    ],
)
def test_B10_parameters_beyond_reason(information):
    """Huge, zero, unknown and broken parameters are moved into range or not answered; a plain SNRM still works."""
    connection = FaceDlmsHdlc(METER).connect()
    assert kinds(connection.receive(build(Control(Kind.SNRM), bytes.fromhex(information)), 0.0)) in ([Kind.UA], [])
    assert kinds(connection.receive(SNRM, 0.0)) == [Kind.UA]


def test_B10_an_snrm_in_the_middle_ends_the_association():
    line = connected(FaceDlmsHdlc(METER).connect())
    meter = MeterDlms(line, carrier=HdlcCarrier(16, server_address(1)), patience=PATIENCE)
    meter.read("voltage_a")
    line.write(SNRM)
    line.read(line.now() + 1.0)
    with pytest.raises(MeterwireError):
        meter.read("voltage_a")
    assert meter.read("voltage_a").value


def test_B11_segments_without_end():
    """Rejected at the longest message, and the memory is given back."""
    connection = FaceDlmsHdlc(METER).connect()
    connection.receive(SNRM, 0.0)
    seen, number = [], 0
    for _ in range(LONGEST_MESSAGE // 128 + 2):
        seen += kinds(connection.receive(build(Control(Kind.I, send=number), bytes(128), 1), 0.0))
        number = (number + 1) % 8
    assert Kind.FRMR in seen
    assert kinds(connection.receive(SNRM, 0.0)) == [Kind.UA]


def test_B12_information_longer_than_agreed():
    """The meter rejects it; a client drops it and is not led astray."""
    connection = FaceDlmsHdlc(METER).connect()
    connection.receive(SNRM, 0.0)
    assert kinds(connection.receive(build(Control(Kind.I), bytes(129)), 0.0)) == [Kind.FRMR]
    carrier = HdlcCarrier(16, server_address(1))
    carrier.link.connect()
    carrier.link.receive(Frame(Format(), CLIENT, SERVER, Control(Kind.UA).octet), 0.0)
    assert carrier.link.receive(Frame(Format(), CLIENT, SERVER, Control(Kind.I).octet, bytes(129)), 0.0) == []


def test_B13_the_wrapper():
    """Length 0, 65535 and then silence, another version, a strange wPort, two in one segment, one octet at a time."""
    aarq = bytes.fromhex("601DA109060760857405080101BE10040E01000000065F1F0400001E1DFFFF")
    good = codec(Wrapper).build(Wrapper(16, 1, aarq))
    for bad in (b"\0\1\0\x10\0\1\0\0", b"\0\1\0\x10\0\1\xff\xff", b"\0\2\0\x10\0\1\0\1\0", b"\0\1\0\x10\0\x63\0\1\x60"):
        connection = FaceDlms(METER).connect()
        connection.receive(bad, 0.0)
        connection.idle(1.0)
        assert len(connection.receive(good, 2.0)) == 1
    assert len(FaceDlms(METER).connect().receive(good + good, 0.0)) == 2
    connection = FaceDlms(METER).connect()
    assert sum(len(connection.receive(bytes((octet,)), 0.0)) for octet in good) == 1


def test_B16_an_optical_port_at_the_wrong_speed():
    """Garbage is not answered; a change of speed that nobody made use of ends with the inactivity time-out."""
    connection = Face6205621(METER, "E", binary=FaceDlmsHdlc(METER).connect).connect()
    assert connection.receive(b"\xfc\x9f\xe4\x80" * 20, 0.0) + connection.idle(1.0) == []
    connection.receive(b"/?!\r\n", 2.0)
    connection.receive(Option("2", "5", "2").octets, 3.0)
    assert connection.receive(b"\xaf\x3f\xa1\x0d\x8a", 4.0) + connection.idle(5.0) == []
    assert connection.receive(b"/?!\r\n", 200.0)


def test_B22_answers_of_others():
    """Frames to and from somebody else are passed over; silence ends in an error."""
    line = connected(FaceDlmsHdlc(METER).connect())
    carrier = HdlcCarrier(16, server_address(1))
    meter = MeterDlms(line, carrier=carrier, patience=PATIENCE)
    read = line.read
    other = build(Control(Kind.UA), to=b"\x23", by=SERVER) + build(Control(Kind.DM), to=CLIENT, by=b"\x05")
    line.read = lambda until: other + read(until)
    assert meter.read("voltage_a").value
    line.read = lambda until: (line.pause(until), other)[1]
    with pytest.raises(NoAnswer):
        meter.read("voltage_a")


@pytest.mark.parametrize("seed", ["c701c0000101fac7", "0001", "000100010001", "00010010000100020001"])
def test_B13_headers_within_headers_cost_no_more_than_their_octets(seed):
    """Protects from 64 KiB that look like headers everywhere: what is looked at grows with the octets, not their square."""
    from meterwire.protocols.dlms.wrapper_framer import WrapperFramer

    def looked_at(size):
        asked = [0]

        def ours(source, destination):
            asked[0] += 1
            return False

        framer = WrapperFramer(ours, limit=4096)
        octets = (bytes.fromhex(seed) * size)[:size]
        pieces = framer.receive(octets) + framer.idle()
        assert b"".join(piece.octets for piece in pieces) == octets
        return asked[0]

    assert looked_at(60_000) <= 2.2 * looked_at(30_000) + 100
    assert looked_at(60_000) <= 4 * 60_000
