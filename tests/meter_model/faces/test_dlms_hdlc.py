"""The meter on an HDLC line: several clients, addresses, sizes, and a line that loses frames."""

import random

import pytest

from meterwire.errors import Disconnected, NoAnswer, OutcomeUnknown, Refused
from meterwire.meter_model.faces.dlms.hdlc import FaceDlmsHdlc
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dialogue import Answer, Patience, converse
from meterwire.protocols.dlms.client import AsyncMeterDlms, MeterDlms
from meterwire.protocols.dlms.hdlc_carrier import HdlcCarrier
from meterwire.protocols.hdlc.address import server_address
from meterwire.protocols.hdlc.control import Control, Kind, control
from meterwire.protocols.hdlc.frame import Format, Frame
from meterwire.protocols.hdlc.framer import HdlcFramer
from meterwire.protocols.hdlc.parameters import Parameters
from meterwire.protocols.hdlc.states import State
from meterwire.protocols.wire.codec import codec
from meterwire.transports.memory import Immediate, connected

PATIENCE = Patience(tries=6, timeout=2.0)


@pytest.fixture(scope="module")
def face():
    return FaceDlmsHdlc(Meter())


def client(line, address=None, offer=None, number=16, patience=PATIENCE, **settings):
    carrier = HdlcCarrier(number, address or server_address(1), offer)
    return MeterDlms(line, carrier=carrier, patience=patience, **settings)


@pytest.mark.parametrize("address", [server_address(1), server_address(1, 17), server_address(1, 17, 4)], ids=str)
@pytest.mark.parametrize("offer", [None, Parameters(2030, 2030, 1, 1), Parameters(32, 48, 7, 7)])
async def test_reads_over_every_address_and_size(face, address, offer):
    """Protects sessions: values and the long object list, in one frame or hundreds, sync and async alike."""
    meter = client(connected(face.connect()), address, offer)
    assert str(meter.read("active_energy_import").value) == "3493.43"
    assert len(meter.objects()) == len(face.services.objects)
    meter.release()
    carrier = HdlcCarrier(16, address, offer)
    other = AsyncMeterDlms(Immediate(connected(face.connect())), carrier=carrier, patience=PATIENCE)
    assert str((await other.read("active_energy_import")).value) == "3493.43"
    await other.release()
    assert carrier.link.state is State.DISCONNECTED


def test_several_clients_on_one_line(face):
    """Protects each client's link and association from the others'."""
    line = connected(face.connect())
    public, reader = client(line), client(line, server_address(1, 17), number=17, secret=b"12345678")
    for _ in range(3):
        assert public.read("voltage_a").value == reader.read("voltage_a").value
    public.release()
    assert reader.read("voltage_a").value is not None


@pytest.mark.parametrize(
    "octets",
    ["01", "05", "0221", "000200fd", "ff", "02ff", "fe01", "00", "010203", "feff", "00feff", "fefefeff"],
)
def test_other_addresses_are_not_answered(face, octets):
    """Protects everybody else on the bus: another's, nobody's, everybody's, the caller's and impossible addresses."""
    connection = face.connect()
    snrm = codec(Frame)
    try:
        frame = snrm.build(Frame(Format(), bytes.fromhex(octets), b"\x21", Control(Kind.SNRM).octet))
    except Exception:  # noqa: BLE001  not even a chain: written by hand
        frame = b"\x7e\xa0\x08" + bytes.fromhex(octets) + b"\x21\x93\x00\x00\x7e"
    assert connection.receive(frame, 0.0) + connection.idle(1.0) == []


def test_the_caller_is_whoever_placed_the_call():
    """Protects a meter that dials in: its caller's address is its own, then and only then."""
    snrm = codec(Frame).build(Frame(Format(), server_address(1, 0x7E).octets, b"\x21", Control(Kind.SNRM).octet))
    assert FaceDlmsHdlc(Meter(), calling=True).connect().receive(snrm, 0.0)
    assert not FaceDlmsHdlc(Meter()).connect().receive(snrm, 0.0)


class Lossy:
    """A line that loses, flips and truncates frames, by a seed."""

    def __init__(self, line, seed, rate):
        self.line, self.chance, self.rate = line, random.Random(seed), rate

    def _spoilt(self, octets):
        found = b""
        for piece in HdlcFramer().receive(octets):
            frame = bytearray(piece.octets)
            if self.chance.random() < self.rate:
                how = self.chance.randrange(3)
                if how == 0:
                    frame.clear()
                elif how == 1:
                    frame[self.chance.randrange(1, len(frame) - 1)] ^= 1 << self.chance.randrange(8)
                else:
                    del frame[self.chance.randrange(1, len(frame)) :]
            found += frame
        return found

    def __getattr__(self, name):
        return getattr(self.line, name)

    def write(self, octets):
        self.line.write(self._spoilt(octets))

    def read(self, until):
        return self._spoilt(self.line.read(until))


@pytest.mark.parametrize("window", [1, 3, 7])
def test_a_bad_line_costs_time_and_nothing_else(face, window):
    """Protects values: one frame in ten is lost or damaged, either way, and the object list is read whole."""
    for seed in range(4):
        line = Lossy(connected(face.connect()), seed, 0.1)
        offer, patience = Parameters(128, 128, window, window), Patience(tries=15, timeout=2.0)
        meter = client(line, server_address(1, 17), offer, patience=patience)
        assert len(meter.objects()) == len(face.services.objects)
        assert str(meter.read("active_energy_import").value) == "3493.43"


class Deaf:
    """A line whose answers stop coming."""

    def __init__(self, line):
        self.line, self.deaf = line, False

    def __getattr__(self, name):
        return getattr(self.line, name)

    def read(self, until):
        octets = self.line.read(until)
        return b"" if self.deaf else octets


def test_silence_ends_in_an_error_and_the_link_is_set_up_anew(face):
    """Protects callers: no answer says so, a lost answer to what must not be repeated is an unknown outcome."""
    line = Deaf(connected(face.connect()))
    meter = client(line)
    meter.read("voltage_a")
    line.deaf = True
    with pytest.raises(NoAnswer, match="after 6 tries"):
        meter.read("voltage_a")
    line.deaf = False
    assert meter.read("voltage_a").value
    carrier = HdlcCarrier(18, server_address(1))
    converse(carrier.open(PATIENCE), line)
    line.deaf = True
    with pytest.raises(OutcomeUnknown):
        converse(carrier.exchange(b"\xc0\x01", lambda apdu: apdu, PATIENCE, repeatable=False), line)


def test_a_meter_that_forgot_the_link_says_so(face):
    meter = client(connected(face.connect()))
    meter.read("voltage_a")
    meter.line = connected(face.connect())
    with pytest.raises(Disconnected, match="DM"):
        meter.read("voltage_a")
    assert meter.read("voltage_a").value


def test_a_meter_that_refuses_the_link():
    class Refuser:
        def receive(self, octets, now):
            (piece,) = HdlcFramer().receive(octets)
            frame = piece.message
            dm = Frame(Format(), frame.source, frame.destination, Control(Kind.DM).octet)
            return [Answer(codec(Frame).build(dm))]

        def idle(self, now):
            return []

    with pytest.raises(Refused, match="DM"):
        client(connected(Refuser())).read("voltage_a")


def test_links_are_bounded(face):
    """Protects memory from a line on which everybody calls."""
    connection = face.connect()
    for source in range(1, 128):
        snrm = Frame(Format(), b"\x03", bytes((source << 1 | 1,)), Control(Kind.SNRM).octet)
        assert connection.receive(codec(Frame).build(snrm), 0.0)
    assert len(connection._stations) <= 8


def test_inactivity_ends_link_and_association():
    """Protects the next client from an association that somebody left behind."""
    connection = FaceDlmsHdlc(Meter(), inactivity=30.0).connect()
    snrm = codec(Frame).build(Frame(Format(), b"\x03", b"\x21", Control(Kind.SNRM).octet))
    poll = codec(Frame).build(Frame(Format(), b"\x03", b"\x21", Control(Kind.RR).octet))
    connection.receive(snrm, 0.0)

    def answer(now):
        (one,) = connection.receive(poll, now)
        (piece,) = HdlcFramer().receive(one.octets)
        return control(piece.message.control).kind

    assert [answer(now) for now in (20.0, 45.0, 80.0)] == [Kind.RR, Kind.RR, Kind.DM]
