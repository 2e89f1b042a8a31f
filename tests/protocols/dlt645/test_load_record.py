"""Load records of annex B and load curves of 2014: what was put in comes out, and damage is seen."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.dlt645.curve import points
from meterwire.protocols.dlt645.identifiers import decode, encode

ALL, CLASS_1, CLASS_2 = 0x06000002, 0x06010002, 0x06020002
VOLTAGES = "0522 0622 0722 000500 000580 FFFFFF 0050".replace(" ", "")


def record(*groups, head="A0A0", length=None, time="1508261000"):
    """A record put together by hand: groups closed by AA, the sum from the first octet, E5."""
    body = bytes.fromhex(time[-2:] + time[-4:-2] + time[:6])
    body += b"".join(bytes.fromhex(group) + b"\xaa" for group in groups)
    octets = bytes.fromhex(head) + bytes([len(body) if length is None else length]) + body
    return octets + bytes([sum(octets) & 0xFF, 0xE5])


FULL = record(
    VOLTAGES,
    "563412" * 7 + "563492",
    "0010008000100010",
    "78563412 21430000 21430080 21430000".replace(" ", ""),
    "01000000" * 4,
    "000100000180",
)


def test_a_full_record_has_six_groups():
    """Signs per field: currents, powers, power factors, combined energies and demands have one, the others not."""
    ((state, time, first, second, third, fourth, fifth, sixth),) = decode(ALL, FULL)
    assert (state, time) == ("valid", "26-08-15 10:00")
    assert first == tuple(map(_decimal, ("220.5", "220.6", "220.7", "0.500", "-0.500", None, "50.00")))
    assert second == [Decimal("12.3456")] * 7 + [Decimal("-12.3456")]
    assert third == list(map(Decimal, ("1.000", "-0.000", "1.000", "1.000")))
    assert fourth == tuple(map(Decimal, ("123456.78", "43.21", "-43.21", "43.21")))
    assert fifth == [Decimal("0.01")] * 4
    assert sixth == list(map(Decimal, ("0.0100", "-0.0100")))
    assert encode(ALL, decode(ALL, FULL)) == FULL


def _decimal(text):
    return None if text is None else Decimal(text)


def test_a_group_that_is_not_kept_is_its_separator_alone():
    """Mode words choose groups; the AAH octets of the others stay, which public programs count on."""
    octets = record(VOLTAGES, "", "", "", "", "")
    ((_, _, first, *rest),) = decode(CLASS_1, octets)
    assert first[0] == Decimal("220.5")
    assert rest == [None] * 5
    assert octets[2] == 5 + 17 + 6
    assert encode(CLASS_1, decode(CLASS_1, octets)) == octets


def test_the_group_of_a_class_may_come_alone():
    """Some meters send the one group that was asked for."""
    octets = record("563412" * 8)
    ((_, _, first, second, *_),) = decode(CLASS_2, octets)
    assert first is None
    assert second[0] == Decimal("12.3456")
    with pytest.raises(MalformedError):
        decode(ALL, octets)


def test_records_follow_one_another():
    """A request for N blocks is answered with N records, or none."""
    assert decode(ALL, FULL + record(VOLTAGES, *[""] * 5)) == decode(ALL, FULL) + decode(
        ALL, record(VOLTAGES, *[""] * 5)
    )
    assert decode(ALL, b"") == []
    assert encode(ALL, []) == b""


def test_what_is_wrong_with_a_record_is_said():
    """E0 E0 is the meter's own mark; a wrong sum is kept visible and does not hide the values."""
    marked = record(VOLTAGES, *[""] * 5, head="E0E0")
    assert decode(ALL, marked)[0][0] == "invalid"
    assert encode(ALL, decode(ALL, marked)) == marked
    spoilt = FULL[:-2] + bytes([FULL[-2] ^ 1, 0xE5])
    value = decode(ALL, spoilt)
    assert value[0][0] == "wrong sum"
    assert value[0][1:] == decode(ALL, FULL)[0][1:]
    assert decode(ALL, encode(ALL, value)) == value


@pytest.mark.parametrize("length", [0, 3, 92 + 3, 255])
def test_a_length_counted_otherwise_is_survived(length):
    """Makers count the length octet differently; the six separators say where the record ends."""
    octets = record(VOLTAGES, *[""] * 5, length=length)
    assert decode(ALL, octets + FULL)[1:] == decode(ALL, FULL)
    assert decode(ALL, octets)[0][2][0] == Decimal("220.5")


@pytest.mark.parametrize(
    "octets",
    [
        b"\xa0",
        b"\xa0\xa0\x05",
        FULL[:-1],
        FULL[1:],
        FULL + b"\x00",
        record("00" * 16, *[""] * 5),
        record("0A" * 17, *[""] * 5),
        record(VOLTAGES, *[""] * 6),
        b"\xa0\xa0\xff" + bytes(300),
    ],
)
def test_damaged_records_are_malformed(octets):
    """Cut, shifted, or with a group of another length: never a wrong value."""
    with pytest.raises(MalformedError):
        decode(ALL, octets)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "valid",
        [()],
        [("good", "26-08-15 10:00", *[None] * 6)],
        [("valid", "today", *[None] * 6)],
        [("valid", "26-08-15 10:00", (1, 2), *[None] * 5)],
        [("valid", "26-08-15 10:00", *[None] * 5)],
    ],
)
def test_values_that_are_no_record_are_refused(value):
    """What cannot be written is the caller's mistake."""
    with pytest.raises(LocalProtocolError):
        encode(ALL, value)


@given(st.sampled_from([ALL, CLASS_1]), st.binary(max_size=40) | st.binary(max_size=30).map(lambda b: FULL[:60] + b))
def test_any_octets_are_records_or_malformed(di, octets):
    """Whatever comes in place of a record ends in a value that goes out and in again, or in MalformedError."""
    try:
        value = decode(di, octets)
    except MalformedError:
        return
    assert decode(di, encode(di, value)) == value


def test_points_of_a_curve_have_times():
    """The answer tells the first time only; a gap stays a gap."""
    value = decode(0x06100101, bytes.fromhex("30231508260022FFFF0122"))
    assert points(value, timedelta(minutes=15)) == [
        (datetime(2026, 8, 15, 23, 30), Decimal("220.0")),
        (datetime(2026, 8, 15, 23, 45), None),
        (datetime(2026, 8, 16, 0, 0), Decimal("220.1")),
    ]


def test_points_of_a_whole_group():
    """A block has all phases of a point together."""
    value = decode(0x061001FF, bytes.fromhex("3023150826" + "002201220222" * 2))
    assert [point for _, point in points(value, timedelta(minutes=15))] == [
        list(map(Decimal, ("220.0", "220.1", "220.2")))
    ] * 2


@pytest.mark.parametrize(
    ("value", "interval"),
    [
        ((None, []), 15),
        (("99-99-99 99:99", []), 15),
        (("26-08-15 00:00", []), 0),
        (("26-08-15 00:00", [None] * 3), 10**10),
        ([], 15),
        (("26-08-15 00:00",), 15),
    ],
)
def test_curves_without_a_time_are_refused(value, interval):
    """Points are not placed where there is nothing to place them by."""
    with pytest.raises(LocalProtocolError):
        points(value, timedelta(minutes=interval))
