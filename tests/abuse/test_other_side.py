"""The other side of abuse cases of both sides, by id: data at a client and a meter, and links as a client meets them."""

import pytest
from dlms_secured import FULL, Mechanism, client, security, served

from meterwire.errors import MalformedError, SecurityError, SequenceError, TransportError
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.faces.dlms.hdlc import FaceDlmsHdlc
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dialogue import Answer, Patience
from meterwire.protocols.dlms.apdu import ApduTag
from meterwire.protocols.dlms.client import MeterDlms
from meterwire.protocols.dlms.hdlc_carrier import HdlcCarrier
from meterwire.protocols.dlms.security.counters import SendingCounter
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.hdlc.address import server_address
from meterwire.protocols.hdlc.control import Control, Kind
from meterwire.protocols.hdlc.frame import Format, Frame
from meterwire.protocols.hdlc.session import LONGEST_MESSAGE
from meterwire.protocols.iec62056_21.client import Meter6205621
from meterwire.protocols.wire.codec import codec
from meterwire.transports.memory import ResponderLine
from tests.dlms_peer import Peer

METER = Meter()
ASSET = bytes((0, 0, 96, 1, 1, 255))
SET_HEAD = bytes.fromhex("C101C30001") + ASSET + b"\x02\x00"
PATIENCE = Patience(tries=2, timeout=1.0)

DATA = {
    "A1": ["0184FFFFFFFF", "0284FFFFFFFF"],
    "A2": ["0600", "09054142", "12FF", "0201"],
    "A3": ["09847FFFFFFF"],
    "A4": ["098400000001", "0988FFFFFFFFFFFFFFFF", "09FF" + "01" * 127, "0980"],
    "A5": ["0101" * 1000, "0101" * 400 + "00"],
    "A6": ["13020101FFFF01FFFF01FFFF110100"],
    "A7": ["130607" + "00" * 7],
    "A8": ["018203E0" + "00" * 0x3E0],
    "A9": ["07", "08", "0B", "0E", "22", "FE"],
    "A10": ["0A03C3A4FF", "0C04FFFEFDFC"],
    "A11": ["090C07EA0D01FF000000FF800000", "19FFFFFFFFFFFFFFFFFF8000FF"],
    "A12": ["177FC00000", "0403A0", "16FF"],
    "A14": ["0000", "11FF00"],
}
"""Data by the id of the case; whole ones among them are of a type that nobody expects there."""


@pytest.mark.parametrize("case", DATA)
def test_A_in_a_request(case):
    """The meter answers each of them in the protocol's own words, changes nothing, and serves what comes next."""
    peer = Peer(FaceDlms(METER))
    peer.associate()
    before = METER.parameters["asset_number"]
    for octets in DATA[case]:
        answer = peer.octets(SET_HEAD + bytes.fromhex(octets))
        assert answer[0] in (ApduTag.EXCEPTION_RESPONSE, ApduTag.SET_RESPONSE)
        assert answer != bytes.fromhex("C501C300"), octets
        assert peer.get(1, ASSET, 2).result.tag == 0
    assert METER.parameters["asset_number"] == before


class Instead:
    """A meter whose next answer is something else."""

    def __init__(self, responder):
        self._responder, self.next = responder, None

    def receive(self, octets, now):
        answers = self._responder.receive(octets, now)
        if self.next is None:
            return answers
        octets, self.next = self.next, None
        return [Answer(octets)]

    def idle(self, now):
        return self._responder.idle(now)


def wrapped(apdu):
    return codec(Wrapper).build(Wrapper(1, 16, apdu))


@pytest.mark.parametrize("case", DATA)
def test_A_in_an_answer(case):
    """The client gives Data or a typed error, and reads what comes next."""
    for octets in DATA[case]:
        line = Instead(FaceDlms(METER).connect())
        meter = MeterDlms(ResponderLine(line), patience=PATIENCE)
        meter.associate()
        line.next = wrapped(bytes.fromhex("C401C100" + octets))
        if case in ("A8", "A10", "A11", "A12"):
            assert meter.get(1, ASSET, 2).tag is not None
        else:
            with pytest.raises(MalformedError):
                meter.get(1, ASSET, 2)
        assert meter.read("voltage_a").unit == "V"


@pytest.mark.parametrize("octet", [0x9B, 0x0B, 0xE1, 0x09, 0x8F])
def test_B4_an_unknown_control_octet_at_the_meter(octet):
    """It says DM or FRMR or nothing; the link is set up as before."""
    connection = FaceDlmsHdlc(METER).connect()
    frame = codec(Frame).build(Frame(Format(), b"\x03", b"\x21", octet | 0x10, b""))
    snrm = codec(Frame).build(Frame(Format(), b"\x03", b"\x21", Control(Kind.SNRM).octet))
    for before in (b"", snrm):
        if before:
            connection.receive(before, 0.0)
        connection.receive(frame, 0.0)
        (answer,) = connection.receive(snrm, 1.0)
        assert codec(Frame).parse(answer.octets).control == Control(Kind.UA).octet


class Endless:
    """A meter that answers everything with one more segment, and never with the last."""

    def __init__(self):
        self._number, self.frames = 0, 0

    def receive(self, octets, now):
        frame = codec(Frame).parse(octets)
        if frame.control == Control(Kind.SNRM).octet:
            return [Answer(codec(Frame).build(Frame(Format(), b"\x21", b"\x03", Control(Kind.UA).octet)))]
        self.frames += 1
        received = (frame.control >> 1 & 7) + 1 if not frame.control & 1 else 1
        said = Control(Kind.I, True, self._number, received & 7)
        self._number = (self._number + 1) & 7
        return [Answer(codec(Frame).build(Frame(Format(segmented=1), b"\x21", b"\x03", said.octet, bytes(128))))]

    def idle(self, now):
        return []


def test_B11_a_client_that_is_sent_segments_without_end():
    """It ends in an error, and no more is kept than the longest message."""
    endless = Endless()
    meter = MeterDlms(ResponderLine(endless), carrier=HdlcCarrier(16, server_address(1)), patience=PATIENCE)
    with pytest.raises(SequenceError, match="segments"):
        meter.read("voltage_a")
    assert endless.frames <= LONGEST_MESSAGE // 128 + 3


@pytest.mark.parametrize(
    "octets",
    ["0001000100100000", "000100010010FFFF61", "000200010010000161", "00010063001000026129", "00" * 40, "FF" * 40],
    ids=["length 0", "65535 and silence", "version 2", "unknown port", "zeros", "ones"],
)
def test_B13_a_client_and_strange_wrappers(octets):
    """What is no answer of the meter is passed over: the question is asked again."""
    line = Instead(FaceDlms(METER).connect())
    meter = MeterDlms(ResponderLine(line), patience=PATIENCE)
    meter.associate()
    line.next = bytes.fromhex(octets)
    assert meter.read("voltage_a").unit == "V"


def test_B13_a_client_and_answers_octet_by_octet():
    """Or two at once: each is taken for what it is."""

    class Slowly:
        def __init__(self, line):
            self._line, self._held = line, b""

        def __getattr__(self, name):
            return getattr(self._line, name)

        def read(self, until):
            self._held = self._held or self._line.read(until)
            octet, self._held = self._held[:1], self._held[1:]
            return octet

    meter = MeterDlms(Slowly(ResponderLine(FaceDlms(METER).connect())), patience=PATIENCE)
    assert meter.read("voltage_a").unit == "V"
    assert len(meter.objects()) > 200


@pytest.mark.parametrize("junk", [b"\xfc\x9f\xe4\x80" * 20, b"/", b"/LGZ", bytes(200), b"\x7e" * 50])
def test_B16_a_client_of_an_optical_port_that_hears_garbage(junk):
    """A wrong speed, half of an identification: an error in bounded time, and nothing else."""

    class Garbled:
        def receive(self, octets, now):
            return [Answer(junk)]

        def idle(self, now):
            return []

    meter = Meter6205621(ResponderLine(Garbled()), patience=PATIENCE)
    with pytest.raises((TransportError, MalformedError)):
        meter.readout()


@pytest.mark.parametrize("octets", [0, 15])
def test_D12_a_client_without_chance(octets):
    """A random source that gives zeros, or too little, makes no dedicated key."""
    meter, face = served()
    brought = security(
        Mechanism.LOW,
        0,
        FULL,
        meter,
        dedicated=True,
        sending=SendingCounter(1),
        random=lambda size: bytes(size) if not octets else b"\1" * octets,
    )
    with pytest.raises(SecurityError):
        client(face, brought).read("voltage_a")
