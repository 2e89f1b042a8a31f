"""Every function of the dialect: done, refused with the right bit, silent on a broadcast, and recorded."""

import datetime as dt
from decimal import Decimal

import pytest

from meterwire.meter_model.faces.dlt645.parameters import places
from meterwire.protocols.dialogue import LineSettings
from meterwire.protocols.dlt645.frame import BROADCAST, WILDCARD, Function
from meterwire.protocols.dlt645.identifiers import identifier

from .dialect645 import (
    ADDRESS,
    BAUD,
    HIGH,
    LOW,
    NO_DATA,
    OPERATOR,
    OTHER,
    RATES,
    SLOTS,
    UNAUTHORISED,
    WRONG,
    ZONES,
    asked,
    di,
    done,
    new_face,
    read,
    refused,
    sent,
    writing,
)

CLEAR = {0x19: LOW + OPERATOR, 0x1A: HIGH + OPERATOR, 0x1B: HIGH + OPERATOR + b"\xff" * 4}
CHANGE = di("04000C05") + LOW + bytes.fromhex("04785634")
NORMAL = {
    0x03: None,
    0x11: di("00010000"),
    0x12: None,
    0x13: b"",
    0x14: writing("04001401", "0500"),
    0x15: bytes.fromhex("170004032620"),
    0x16: b"\x99" * 4,
    0x17: b"\x20",
    0x18: CHANGE,
    **CLEAR,
    0x1C: LOW + OPERATOR + bytes.fromhex("1A00595923310326"),
    0x1D: b"\x02",
}


def changes(face) -> tuple:
    """Everything that a write could leave behind."""
    meter = face.meter
    return (
        meter.parameters.state(),
        meter.identity.address,
        meter.access.state(),
        meter.relay.state(),
        meter.read("active_energy_import"),
        meter.read("demand_active_import_max"),
        meter.events.count("programming"),
        meter.events.count("demand_clear"),
        meter.events.count("meter_clear"),
        meter.events.count("event_clear"),
    )


# ---------------------------------------------------------------- silence


@pytest.mark.parametrize("function", [f for f in Function if NORMAL.get(f) is not None and f != Function.FREEZE])
def test_a_broadcast_is_neither_answered_nor_obeyed(function):
    """Only the time and freezes are for all meters at once."""
    face = new_face()
    before = changes(face)
    assert sent(face, function, NORMAL[function], BROADCAST) == []
    assert changes(face) == before


def test_a_broadcast_freeze_is_obeyed_in_silence():
    """All meters of a line freeze at the same moment."""
    assert sent(new_face(), 0x16, b"\x99" * 4, BROADCAST) == []


# ---------------------------------------------------------------- 14H


@pytest.mark.parametrize(
    ("item", "data", "parameter", "value"),
    [
        ("04001401", "0500", "trip_delay", 5),
        ("04000106", "0000010126", "season_switch_time", dt.datetime(2026, 1, 1)),
        ("04000106", "0000000000", "season_switch_time", None),
        ("04000B02", "1215", "settlement_day_2", (15, 12)),
        ("04000B03", "9999", "settlement_day_3", None),
        ("04000703", "20", "baud_port_1", 9600),
        ("04000A01", "30120501", "load_profile_start", (1, 5, 12, 30)),
        ("04001203", "3002", "daily_freeze_time", 150),
        ("04000403", "00" * 30 + "5958", "asset_number", "XY"),
        ("04010001", "030000" + "010008", "day_schedule_1_1", ((0, 3), (480, 1))),
        ("04001104", "FF00000000000080", "active_report_mode", 0x80000000000000FF),
        ("04050102", "34120000", "rate_price_1_2", Decimal("0.1234")),
    ],
)
def test_a_write_takes_effect_is_recorded_and_reads_back(item, data, parameter, value):
    """What was written is what the meter works with, and what it shows."""
    face = new_face()
    records = face.meter.events.count("programming")
    assert done(face, 0x14, writing(item, data)) == b""
    assert face.meter.parameters[parameter] == value
    assert face.meter.events.count("programming") == records + 1
    assert face.meter.programming.last(1)[0].operator == "12345678"
    assert face.meter.programming.last(1)[0].item == item
    read_back = read(face, item)
    assert read_back[: len(data)] == data.lower()


def test_every_parameter_reads_and_takes_back_what_it_reads():
    """No row of the table is wrong in one direction only; each of them leaves its record."""
    face = new_face()
    for name, value in (
        ("season_count", 14),
        ("day_schedule_count", 8),
        ("day_slot_count", 14),
        ("holiday_count", 254),
    ):
        face.meter.parameters.set(name, value)
    for name in ("display_auto_count", "display_key_count", "step_count"):
        face.meter.parameters.set(name, 99)
    written = 0
    for number, place in places().items():
        if place.count and place.number > face.meter.parameters[place.count]:
            assert refused(face, 0x11, number.to_bytes(4, "little")) == NO_DATA
            continue
        octets = done(face, 0x11, number.to_bytes(4, "little"))[4:]
        before = face.meter.parameters[place.parameter]
        noted = face.meter.programming.count
        assert done(face, 0x14, number.to_bytes(4, "little") + LOW + OPERATOR + octets) == b"", place
        assert face.meter.parameters[place.parameter] == before, place
        assert face.meter.programming.count == noted + 1, place
        written += 1
    assert written > 900


def test_every_writable_identifier_of_class_04_has_its_place():
    """What the table of identifiers calls writable can be written here, but for what is named."""
    missing = []
    for number in list(range(0x04000101, 0x04001600)) + list(range(0x04090101, 0x04090F00)):
        found = identifier(number)
        if found is not None and found.access == "rw" and number & 0xFF != 0xFF and number not in places():
            missing.append(f"{number:08X}")
    assert set(missing) <= {"04000101", "04000102", "0400010C", "0400040F", "04001301"}


@pytest.mark.parametrize(
    ("item", "data", "error"),
    [
        ("04000104", "00", OTHER),
        ("04000103", "61", OTHER),
        ("04000103", "0A", OTHER),
        ("04000103", "0100", OTHER),
        ("04000106", "0060010126", OTHER),
        ("04000703", "21", OTHER),
        ("04001401", "", OTHER),
        ("0400FF01", "00", NO_DATA),
        ("00010000", "00000000", UNAUTHORISED),
        ("04000409", "004000", UNAUTHORISED),
        ("04000201", "15", ZONES),
        ("04010000", "010101" + "010701", ZONES),
        ("04000202", "09", SLOTS),
        ("04000203", "15", SLOTS),
        ("04010002", "010000", SLOTS),
        ("04010001", "010000" * 1 + "0200010200020200030200040200050200060200070200", SLOTS),
        ("04010000", "020101", SLOTS),
        ("04000204", "05", RATES),
        ("04010001", "050000", RATES),
        ("04050105", "00000000", RATES),
        ("04030001", "26100101", NO_DATA),
    ],
)
def test_what_cannot_be_written_is_refused_with_its_bit_and_changes_nothing(item, data, error):
    """One case or more for each bit of the error word that a write can have."""
    face = new_face()
    if item == "04010001" and error == SLOTS:
        data = "".join(f"02{'00'}{hour:02d}" for hour in range(7))
    before = changes(face)
    assert refused(face, 0x14, writing(item, data)) == error
    assert changes(face) == before


@pytest.mark.parametrize(
    ("item", "data"), [("04000101", "00050326"), ("04000102", "150010"), ("0400010C", "15001004050326")]
)
def test_the_clock_is_set_by_a_write(item, data):
    """Date, time or both; the weekday follows from the date."""
    face = new_face()
    done(face, 0x14, writing(item, data))
    day = 5 if item != "04000102" else 4
    time = (10, 0, 15) if item != "04000101" else (12, 0, 30)
    assert face.meter.now().replace(tzinfo=None) == dt.datetime(2026, 3, day, *time)
    assert face.meter.events.count("clock_set") == 1
    assert refused(face, 0x14, writing("04000101", "00310226")) == OTHER


def test_without_switch_nothing_can_be_written():
    """Whatever the password."""
    face = new_face(programming=False)
    before = changes(face)
    for function in (0x14, 0x18, 0x19, 0x1A, 0x1B):
        assert refused(face, function, NORMAL[function]) == UNAUTHORISED
    assert sent(face, 0x15, NORMAL[0x15], WILDCARD) == []
    assert changes(face) == before


@pytest.mark.parametrize(
    ("function", "with_low"), [(0x14, True), (0x19, True), (0x1A, False), (0x1B, False), (0x1C, True)]
)
def test_levels_02_and_04(function, with_low):
    """02 does everything, 04 neither clears the meter nor its events."""
    at = 4 if function == 0x14 else 0
    request = NORMAL[function]
    for password, granted in ((HIGH, True), (LOW, with_low), (WRONG, False)):
        face = new_face()
        frame = asked(face, function, request[:at] + password + request[at + 4 :])
        assert (not frame.control.abnormal) == granted, password
        assert granted or frame.data == b"\x04"


@pytest.mark.parametrize("function", [0x14, 0x18, 0x19, 0x1A, 0x1B, 0x1C])
def test_three_wrong_passwords_lock_every_function_for_a_day(function):
    """Counted over all functions and connections."""
    face = new_face()
    for wrong in (0x14, 0x19, 0x1C):
        at = 4 if wrong == 0x14 else 0
        assert refused(face, wrong, NORMAL[wrong][:at] + WRONG + NORMAL[wrong][at + 4 :]) == UNAUTHORISED
    assert refused(face, function, NORMAL[function]) == UNAUTHORISED
    face.meter.clock.step(86_399)
    assert refused(face, function, NORMAL[function]) == UNAUTHORISED
    face.meter.clock.step(1)
    done(face, function, NORMAL[function])


# ---------------------------------------------------------------- 15H, 16H, 17H, 1DH


def test_the_address_is_changed_and_the_answer_carries_the_new_one():
    """Asked with the wildcard; afterwards the old address is silent."""
    face = new_face()
    frame = asked(face, 0x15, NORMAL[0x15], WILDCARD)
    assert (frame.address, frame.control.abnormal, frame.data) == ("202603040017", 0, b"")
    assert sent(face, 0x13, b"", ADDRESS) == []
    assert read_address(face) == "202603040017"
    assert face.meter.programming.last(1)[0].item == "04000401"


def read_address(face) -> str:
    return asked(face, 0x13, b"", WILDCARD).address


@pytest.mark.parametrize("data", [b"", bytes(5), b"\x99" * 6, b"\xaa" * 6, b"\xff" * 6])
def test_an_address_that_is_none_is_met_with_silence(data):
    """15H has no abnormal answer."""
    face = new_face()
    assert sent(face, 0x15, data, WILDCARD) == []
    assert face.address == ADDRESS


@pytest.mark.parametrize("data", ["99999913", "30241299", "60121299", "30993212", "99999900FF", "00000100", "3012"])
def test_freezes_that_cannot_be_are_refused(data):
    """A moment has its nines in front."""
    assert refused(new_face(), 0x16, bytes.fromhex(data)) == OTHER


@pytest.mark.parametrize(
    ("word", "baud"), [(0x02, 600), (0x04, 1200), (0x08, 2400), (0x10, 4800), (0x20, 9600), (0x40, 19200)]
)
def test_the_speed_changes_once_the_answer_has_left(word, baud):
    """The answer is the same word; the parameter keeps the speed."""
    face = new_face()
    (answer,) = sent(face, 0x17, bytes([word]))
    assert answer.settings == LineSettings(baud, 8, "E", 1)
    assert (answer.durable, face.meter.parameters["baud_port_1"]) == (True, baud)
    assert done(face, 0x17, bytes([word])) == bytes([word])


@pytest.mark.parametrize("word", [0x00, 0x01, 0x80, 0x30, 0xFF])
def test_a_speed_that_is_none_is_refused_with_bit_3(word):
    """One bit, and one that has a rate."""
    face = new_face()
    assert refused(face, 0x17, bytes([word])) == BAUD
    assert sent(face, 0x17, bytes([word]))[0].settings is None


def test_the_output_terminal():
    """Three signals."""
    face = new_face()
    for signal in range(3):
        assert done(face, 0x1D, bytes([signal])) == bytes([signal])
        assert face.meter.parameters["output_signal"] == signal
    assert refused(face, 0x1D, b"\x03") == OTHER
    assert refused(face, 0x1D, b"") == OTHER


# ---------------------------------------------------------------- 18H


def test_a_password_is_changed_and_told():
    """The old one no longer works, the new one does; the change is recorded."""
    face = new_face()
    assert done(face, 0x18, CHANGE) == CHANGE[8:]
    assert refused(face, 0x14, NORMAL[0x14]) == UNAUTHORISED
    done(face, 0x14, writing("04001401", "0500", CHANGE[8:]))
    assert [one.item for one in face.meter.programming.last()] == ["04001401", "04000C05"]


@pytest.mark.parametrize(
    ("item", "old", "new", "error"),
    [
        ("04000C05", HIGH, "04785634", None),
        ("04000C03", HIGH, "02785634", None),
        ("04000C0A", LOW, "09785634", None),
        ("04000C03", LOW, "02785634", UNAUTHORISED),
        ("04000C01", HIGH, "00785634", UNAUTHORISED),
        ("04000C05", WRONG, "04785634", UNAUTHORISED),
        ("04000C05", LOW, "05785634", OTHER),
        ("04000C05", LOW, "04FFFFFF", OTHER),
        ("04000C0B", LOW, "0A785634", NO_DATA),
        ("04000B01", LOW, "04785634", NO_DATA),
    ],
)
def test_the_old_password_must_be_of_the_same_level_or_a_higher_one(item, old, new, error):
    """And the new one of the level that the identifier names."""
    face = new_face()
    request = di(item) + old + bytes.fromhex(new)
    if error is None:
        done(face, 0x18, request)
        assert face.meter.access.state()["passwords"][str(int(new[:2]))] == "345678"
    else:
        before = changes(face)
        assert refused(face, 0x18, request) == error
        after = changes(face)
        assert before[:2] == after[:2]
        assert before[2]["passwords"] == after[2]["passwords"]


def test_a_password_can_be_written_but_not_read():
    """04000C01H to 0AH are for writing alone."""
    face = new_face()
    assert refused(face, 0x11, di("04000C05")) == NO_DATA
    done(face, 0x14, di("04000C05") + LOW + OPERATOR + bytes.fromhex("04785634"))
    assert refused(face, 0x14, NORMAL[0x14]) == UNAUTHORISED
    assert refused(face, 0x14, di("04000C03") + bytes.fromhex("04785634") + OPERATOR + HIGH) == UNAUTHORISED


# ---------------------------------------------------------------- 19H to 1BH


def test_the_demand_is_cleared_and_energy_stays():
    """With its record, which has the operator."""
    face = new_face()
    energy = face.meter.read("active_energy_import")
    assert face.meter.read("demand_active_import_max").value > 0
    assert done(face, 0x19, CLEAR[0x19]) == b""
    assert face.meter.read("demand_active_import_max").value == 0
    assert face.meter.read("active_energy_import") == energy
    assert face.meter.events.count("demand_clear") == 1
    assert face.meter.events.record("demand_clear").source == "12345678"


def test_the_meter_is_cleared():
    """Energies, demands, settlements, events; the record of the clearing stays."""
    face = new_face()
    done(face, 0x14, NORMAL[0x14])
    assert done(face, 0x1A, CLEAR[0x1A]) == b""
    meter = face.meter
    assert meter.read("active_energy_import") == meter.read("demand_active_import_max").value == 0
    assert (meter.events.count("programming"), meter.events.count("meter_clear")) == (0, 1)
    assert meter.events.record("meter_clear").source == "12345678"
    meter.clock.step(3_600)
    assert meter.read("active_energy_import") > 0


@pytest.mark.parametrize(("events", "gone"), [("FFFFFFFF", True), ("FF003003", True), ("FF0D3003", False)])
def test_events_are_cleared_all_or_one_kind(events, gone):
    """The record of the clearing is never cleared."""
    face = new_face()
    done(face, 0x14, NORMAL[0x14])
    for count in (1, 2):
        assert done(face, 0x1B, HIGH + OPERATOR + bytes.fromhex(events)) == b""
        assert face.meter.events.count("event_clear") == count
    assert (face.meter.events.count("programming") == 0) == gone
    assert face.meter.events.record("event_clear").source == "12345678"


@pytest.mark.parametrize("events", ["FF000005", "00003003", "FF993003", "FF007F03"])
def test_events_that_are_none_cannot_be_cleared(events):
    """No requested data."""
    assert refused(new_face(), 0x1B, HIGH + OPERATOR + bytes.fromhex(events)) == NO_DATA


@pytest.mark.parametrize("function", [0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x14, 0x03])
def test_requests_of_a_wrong_length_are_refused(function):
    """Cut at every octet: an answer, never an exception, never an effect."""
    face = new_face()
    whole = NORMAL[function] or bytes(8)
    before = changes(face)
    for size in range(len(whole)):
        if function != 0x14 or size < 12:
            assert refused(face, function, whole[:size])[:2] in {OTHER, UNAUTHORISED, NO_DATA}
    after = changes(face)
    assert before[0] == after[0]
    assert before[3:] == after[3:]


# ---------------------------------------------------------------- what is acknowledged is stored first


@pytest.mark.parametrize("function", [0x14, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1D])
def test_an_answer_that_acknowledges_a_change_waits_for_the_storage_and_a_read_does_not(function):
    """A meter that loses its power behind the answer has kept what it acknowledged."""
    (answer,) = sent(new_face(), function, NORMAL[function])
    assert answer.durable
    assert not sent(new_face(), 0x11, NORMAL[0x11])[0].durable
