"""IEC 62056-21 messages and data sets: built, cut out of a line in any pieces, and read; hostile ones end in an error."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.iec62056_21.messages import (
    Acknowledge,
    Block,
    Command,
    Identification,
    Option,
    Plain,
    Repeat,
    SignOn,
)
from meterwire.protocols.iec62056_21.reader import Found, Garbage, Reader
from meterwire.protocols.iec62056_21.readings import Listed, code, reduced
from meterwire.protocols.iec62056_21.text import DataSet, Item, parse, shown
from meterwire.quantities import QUANTITIES
from meterwire.quantities.reading import METER_ZONE

MESSAGES = [
    (SignOn(), "2f3f210d0a"),
    (SignOn("00012345"), "2f3f3030303132333435210d0a"),
    (Identification("MWR", "5", "000161"), "2f4d5752353030303136310d0a"),
    (Identification("ISk", "5", "MT174-0001", "2"), "2f49536b355c324d543137342d303030310d0a"),
    (Option("0", "5", "0"), "063035300d0a"),
    (Option("2", "5", "2"), "063235320d0a"),
    (Acknowledge(), "06"),
    (Repeat(), "15"),
    (Command("B0"), "0142300371"),
    (Command("P0", b"(00000000)"), "01503002283030303030303030290360"),
    (Command("R5", b"1.8.0()"), "015235 02 312e382e302829 03 5e".replace(" ", "")),
    (Command("W5", b"0.9.1(101112)", more=True), None),
    (Block(b"1.8.0(000001.0*kWh)"), None),
    (Block(b"abc(1)", more=True), None),
]
"""Block checks of the commands were worked out by hand: the exclusive sum behind SOH, ETX included."""


@pytest.mark.parametrize(("message", "octets"), MESSAGES, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_messages_survive_the_line(message, octets, size):
    """Protects every message in both directions, whatever pieces it comes in."""
    sent = message.octets
    assert octets is None or sent.hex() == octets
    reader, found = Reader(), []
    reader.options = isinstance(message, Option)
    for at in range(0, len(sent), size):
        found += reader.receive(sent[at : at + size])
    assert [one.message for one in found + reader.idle()] == [message]


def test_modes_follow_from_the_character_for_the_speed():
    assert [Identification("MWR", z).mode for z in "!AF06"] == ["A", "B", "B", "C", "C"]
    assert Identification("MWR", "5", enhanced="2").mode == "E"
    assert str(Identification("MWR", "5").settings()) == "9600 7E1"
    assert str(Identification("MWR", "A").settings()) == "600 7E1"
    assert str(Identification("MWR", "6").settings(binary=True)) == "19200 8N1"


def test_text_without_a_frame_ends_with_its_mark():
    """Protects modes A and D, and the checksum that some meters put behind the mark."""
    stream = b"/ISk5\\2MT382-1000\r\n\r\n1-0:1.8.1(000671.578*kWh)\r\n!1A2B\r\n"
    for size in (1, 7, 500):
        reader, found = Reader(), []
        for at in range(0, len(stream), size):
            found += reader.receive(stream[at : at + size])
            if any(isinstance(one.message, Identification) for one in found):
                reader.plain = not any(isinstance(one.message, Plain) for one in found)
                found += reader.receive(b"")
        assert [type(one.message) for one in found] == [Identification, Plain]
        assert found[1].message.tail == b"1A2B"
        assert parse(found[1].message.data) == [DataSet("1-0:1.8.1", (Item("000671.578", "kWh"),))]


def test_a_message_behind_damaged_ones_is_found():
    """Protects recovery: noise, a wrong check, a message cut short, an endless line."""
    good = Block(b"1.8.0(1)").octets
    wrong = bytearray(good)
    wrong[3] ^= 1
    for bad in (b"\x7f\x00abc", bytes(wrong), good[:5], b"/MWR", b"/?12", b"\x01R5\x02x", b"/" * 100):
        found = Reader().receive(bad + good)
        assert [one.message for one in found if isinstance(one, Found)] == [Block(b"1.8.0(1)")], bad


@given(st.binary(max_size=300))
def test_every_octet_is_in_a_message_or_in_garbage(data):
    """Protects the count of octets, and that nothing leaves but pieces."""
    reader, found = Reader(limit=64), []
    for _ in range(2):
        found += reader.receive(data)
    for _ in range(len(data) + 2):
        found += reader.receive(b"")
    found += reader.idle()
    assert b"".join(one.octets for one in found) == data + data
    assert all(isinstance(one, Found | Garbage) for one in found)


DATA_SETS = [
    ("1.8.0(003493.43*kWh)", [DataSet("1.8.0", (Item("003493.43", "kWh"),))]),
    ("1.6.0(14.0*kW)(2512141819)\r\n", [DataSet("1.6.0", (Item("14.0", "kW"), Item("2512141819")))]),
    ("(ER01)", [DataSet("", (Item("ER01"),))]),
    ("F.F(00)0.0.0(1)", [DataSet("F.F", (Item("00"),)), DataSet("0.0.0", (Item("1"),))]),
    ("P.01(0601)(00)(15)(2)(1.5)(kW)", None),
    ("", []),
]


@pytest.mark.parametrize(("text", "sets"), DATA_SETS)
def test_data_sets(text, sets):
    found = parse(text.encode())
    assert sets is None or found == sets
    assert parse("\r\n".join(shown(one) for one in found).encode()) == found


@pytest.mark.parametrize("text", [b"1.8.0", b"1.8.0(", b"1.8.0((1))", b"\xff(1)", b"1(1)x", b"a/b(1)", b"1()" * 9000])
def test_what_is_no_data_set(text):
    with pytest.raises(MalformedError):
        parse(text)


@pytest.mark.parametrize("text", ["a)", "ä", "\n", "!"])
def test_what_cannot_be_one(text):
    with pytest.raises(LocalProtocolError):
        shown(DataSet("1", (Item(text),)))


def test_codes_and_logical_names():
    """Protects the way from what meters print to what the table of quantities calls it, and back."""
    assert code("1.8.0") == code("1-0:1.8.0") == code("1-0:1.8.0*255") == bytes((1, 0, 1, 8, 0, 255))
    assert code("1.8.0*01") == code("1.8.0&1") == bytes((1, 0, 1, 8, 0, 1))
    assert code("C.1.0") == bytes((0, 0, 96, 1, 0, 255))
    assert code("F.F") == bytes((1, 0, 97, 97, 0, 255)) or code("F.F")[2:4] == b"aa"
    assert code("0.9.1")[0] == 1
    assert code("1.8.999") is code("x") is code("1..2") is None
    for row in QUANTITIES.values():
        if row.obis is not None:
            assert code(reduced(row.obis)) == row.obis


def test_readings_of_a_readout():
    """Protects units, digits, times, and the error of what is missing."""
    sets = parse(
        b"0.0.0(00161)\r\n0.9.1(101112)\r\n0.9.2(260101)\r\n1.8.0(000012.5*MWh)\r\n1.6.0(00.250*W)(2512141819)\r\n"
        b"32.7.0(230.1*V)\r\nC.1.0(007)\r\n13.7.0(---)\r\n2.8.0(NaN*kWh)\r\n"
    )
    listed = Listed(sets, METER_ZONE)

    def read(item):
        found = listed.reading(item)
        return found.value, found.unit

    assert read("active_energy_import") == (Decimal(12500), "kWh")
    assert read("demand_active_import_max") == (Decimal("0.000250"), "kW")
    assert listed.reading("demand_active_import_max").time == datetime(2025, 12, 14, 18, 19, tzinfo=METER_ZONE)
    assert read("voltage_a") == read("32.7.0") == (Decimal("230.1"), "V")
    assert read("meter_number") == ("007", None)
    assert read("0.0.0") == ("00161", None)
    assert read("power_factor")[0] == "---"
    assert read("active_energy_export")[0] == "NaN"
    assert read("date_time")[0] == datetime(2026, 1, 1, 10, 11, 12, tzinfo=METER_ZONE)
    assert listed.reading("voltage_b").error.code == "absent"
    with pytest.raises(LocalProtocolError):
        listed.reading("nonsense")
