"""The meter at its optical port: every mode read by our client, programming, refusals, and lines that go wrong."""

from datetime import time

import pytest

from meterwire.errors import NoAnswer, OutcomeUnknown, Refused
from meterwire.meter_model.faces.dlms.hdlc import FaceDlmsHdlc
from meterwire.meter_model.faces.iec62056_21 import Face6205621
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dialogue import LineSettings, Patience
from meterwire.protocols.dlms.client import MeterDlms
from meterwire.protocols.dlms.mode_e import ModeECarrier
from meterwire.protocols.hdlc.address import server_address
from meterwire.protocols.iec62056_21.client import AsyncMeter6205621, Meter6205621
from meterwire.protocols.iec62056_21.messages import NAK, Block, Command, Option
from meterwire.protocols.iec62056_21.reader import Reader
from meterwire.transports.memory import Immediate, connected

PATIENCE = Patience(tries=3, timeout=12.0)
ITEMS = ["active_energy_import", "voltage_a", "demand_active_import_max", "date_time", "meter_number", "1.8.1"]


def face(mode="C", **settings):
    meter = Meter()
    return Face6205621(meter, mode, "secret", binary=FaceDlmsHdlc(meter).connect, **settings)


def client(line, **settings):
    return Meter6205621(line, patience=PATIENCE, **settings)


@pytest.mark.parametrize("mode", "ABCDE")
async def test_every_mode_reads_the_same(mode):
    """Protects modes A to E as client and server, sync and async: values, units and times are those of DLMS."""
    asked = "D" if mode == "D" else None
    readings = client(connected(face(mode).connect()), mode=asked).read_many(ITEMS)
    other = AsyncMeter6205621(Immediate(connected(face(mode).connect())), mode=asked, patience=PATIENCE)
    assert await other.read_many(ITEMS) == readings
    assert [str(one.value) for one in readings[:2]] == ["3493.43", "219.9"]
    assert all(one.error is None for one in readings)
    assert readings[2].time is not None
    assert readings[4].value == "000000000161"


def test_the_line_follows_the_agreed_speed():
    """Protects the change of speed: both ends agree on it, and on when."""
    line = connected(face("C").connect())
    seen = []
    settings = line.reconfigure
    line.reconfigure = lambda one: (seen.append(str(one)), settings(one))
    client(line).readout()
    assert seen == ["300 7E1", "9600 7E1"]
    connection = face("C").connect()
    connection.receive(b"/?!\r\n", 0.0)
    answers = connection.receive(Option("0", "5", "0").octets, 1.0)
    assert [str(one.settings) for one in answers] == ["9600 7E1", "300 7E1"]
    connection.receive(b"/?!\r\n", 20.0)
    slow = connection.receive(Option("0", "0", "0").octets, 21.0)  # a reader that cannot go faster
    assert [str(one.settings) for one in slow] == ["300 7E1", "300 7E1"]


def test_a_reader_that_chooses_nothing_gets_the_readout():
    """Protects readers of mode A: without an option message the data come at the speed of the sign-on."""
    connection = face("C").connect()
    connection.receive(b"/?!\r\n", 0.0)
    (answer,) = connection.idle(2.0)
    assert answer.settings is None
    assert answer.octets.startswith(b"\x02F.F(")
    assert connection.idle(4.0) == []


def test_device_addresses():
    """Protects other meters on the loop: only the one that is meant answers, leading zeros apart."""
    for address, answers in [("", 1), ("161", 1), ("000000000161", 1), ("162", 0), ("0161", 1)]:
        assert len(face().connect().receive(f"/?{address}!\r\n".encode(), 0.0)) == answers
    with pytest.raises(NoAnswer):
        client(connected(face().connect()), device="9").read("voltage_a")


def test_programming_mode():
    """Protects commands P, R, W and B: reading singly and in partial blocks, writing with the password alone."""
    line = connected(face().connect())
    meter = client(line, password="secret")
    meter.program()
    assert meter.get("1.8.0")[0].items[0].value == "003493.43"
    assert meter.get("1.8.0", code="R1") == meter.get("1.8.0")
    assert len(meter.get("0", code="R3")) > 200
    meter.set("0.9.1", "101112")
    with pytest.raises(Refused, match="ER02"):
        meter.get("9.9.9")
    with pytest.raises(Refused, match="ER03"):
        meter.set("1.8.0", "0")
    with pytest.raises(Refused, match="ER04"):
        meter.set("0.9.1", "999999")
    with pytest.raises(Refused, match="ER01"):
        meter.get("1.8.0", code="R7")
    meter.sign_off()
    assert meter.read("time").value == time(10, 11, 12)


def test_without_the_password_nothing_is_written():
    meter = client(connected(face().connect()))
    meter.program()
    with pytest.raises(Refused, match="ER03"):
        meter.set("0.9.1", "101112")
    wrong = client(connected(face().connect()), password="guess")
    with pytest.raises(Refused, match="password"):
        wrong.program()


def test_a_write_is_never_sent_twice():
    """Protects against doing twice what was asked once: a lost answer is an unknown outcome."""
    line = connected(face().connect())
    meter = client(line, password="secret")
    meter.program()
    heard, line.read, write = [], lambda until: (line.pause(until), b"")[1], line.write
    line.write = lambda octets: (heard.append(octets), write(octets))
    with pytest.raises(OutcomeUnknown):
        meter.set("0.9.1", "101112")
    assert len(heard) == 1


def test_silence_in_programming_mode_signs_off():
    """Protects the next reader from a mode that somebody left open, and the line from a wrong speed."""
    connection = face().connect()
    connection.receive(b"/?!\r\n", 0.0)
    connection.receive(Option("0", "5", "1").octets, 1.0)
    (back,) = connection.receive(Command("R5", b"1.8.0()").octets, 100.0)
    assert back.settings == LineSettings(300, 7, "E", 1)
    assert back.octets == b""


def test_a_damaged_command_is_asked_for_again():
    connection = face().connect()
    connection.receive(b"/?!\r\n", 0.0)
    connection.receive(Option("0", "5", "1").octets, 1.0)
    wrong = bytearray(Command("R5", b"1.8.0()").octets)
    wrong[5] ^= 4
    assert connection.receive(bytes(wrong), 2.0)[0].octets == NAK
    assert Block(b"1.8.0(003493.43*kWh)").octets == connection.receive(Command("R5", b"1.8.0()").octets, 3.0)[0].octets


def test_a_partial_block_is_repeated_and_given_up():
    connection = face().connect()
    connection.receive(b"/?!\r\n", 0.0)
    connection.receive(Option("0", "5", "1").octets, 1.0)
    (first,) = connection.receive(Command("R3", b"0()").octets, 2.0)
    (again,) = connection.receive(NAK, 3.0)
    assert first == again
    (second,) = connection.receive(b"\x06", 4.0)
    assert second != first
    assert connection.receive(Command("B0").octets, 5.0)[0].settings is not None
    assert connection.receive(b"\x06", 6.0) == []


def test_mode_e_hands_over_to_hdlc_and_takes_back():
    """Protects the way to DLMS through the optical port, twice in a row, and a sign-on in the middle."""
    line = connected(face("E").connect())
    for _ in range(2):
        meter = MeterDlms(line, carrier=ModeECarrier(16, server_address(1)), patience=PATIENCE)
        assert str(meter.read("active_energy_import").value) == "3493.43"
        meter.release()
    assert str(client(line).read("active_energy_import").value) == "3493.43"
    meter = MeterDlms(connected(face("C").connect()), carrier=ModeECarrier(16, server_address(1)), patience=PATIENCE)
    with pytest.raises(Refused, match="mode E"):
        meter.read("voltage_a")


def test_a_damaged_readout_is_read_again():
    """Protects values: a block whose check is wrong is never believed; the readout is asked for anew."""
    line = connected(face().connect())
    read, spoilt = line.read, []

    def once(until):
        octets = read(until)
        if len(octets) > 1000 and len(spoilt) < 2:
            spoilt.append(octets)
            octets = octets[:500] + bytes((octets[500] ^ 1,)) + octets[501:]
        return octets

    line.read = once
    assert str(client(line).read("active_energy_import").value) == "3493.43"
    assert len(spoilt) == 2


def test_what_is_not_in_the_readout_is_asked_for_singly():
    """Protects quantities that a meter does not read out by itself."""
    whole = face()
    whole.readout = lambda: b"F.F(00)\r\n!\r\n"
    meter = client(connected(whole.connect()))
    readings = meter.read_many(["voltage_a", "1.99.9"])
    assert str(readings[0].value) == "219.9"
    assert readings[1].error.code == "absent"


def test_noise_is_never_answered():
    connection = face().connect()
    for octets in (b"\xff" * 100, b"\x06050\r\n", b"\x01R5\x021.8.0()\x03\x5e", b"/?", b"\x15"):
        assert connection.receive(octets, 0.0) + connection.idle(1.0) == []
    assert Reader().receive(connection.receive(b"/?!\r\n", 2.0)[0].octets)
