"""Load curves of the 2014 supplement: what the meter sends, and the times and values that the reader places."""

import datetime as dt
from decimal import Decimal

import pytest

from meterwire.meter_model.faces.dlt645.face import Face645
from meterwire.protocols.dlt645.curve import points
from meterwire.protocols.dlt645.frame import Frame, asking
from meterwire.protocols.dlt645.identifiers import decode
from meterwire.protocols.wire.codec import codec
from meterwire.quantities import QUANTITIES

from .dialect645 import ADDRESS, NO_DATA, NOON, OTHER, asked, di, new_face, refused

QUARTER = dt.timedelta(minutes=15)
FIRST = dt.datetime(2026, 3, 4, 12, 15)


@pytest.fixture(scope="module")
def face():
    """A meter that recorded for an hour, had no power for an hour, and recorded for another."""
    found = new_face()
    clock = found.meter.clock
    clock.step(3_600)
    found.meter.powered = False
    clock.step(3_600)
    found.meter.powered = True
    clock.step(3_600)
    found.meter.advance()
    return found


def selection(count: int, start: dt.datetime) -> bytes:
    return bytes.fromhex(f"{count:02d}") + bytes.fromhex(f"{start:%y%m%d%H%M}")[::-1]


def fetched(face, item: str, count: int, start: dt.datetime) -> bytes:
    """The octets of one curve, follow-up frames and all."""
    connection, octets = face.connect(), b""
    frame = exchanged(connection, 0x11, di(item) + selection(count, start))
    while frame.control.follow_up:
        octets += frame.data[4:] if frame.control.function == 0x11 else frame.data[4:-1]
        sequence = 1 if frame.control.function == 0x11 else frame.data[-1] + 1
        frame = exchanged(connection, 0x12, di(item) + bytes([sequence]))
    return octets + (frame.data[4:] if frame.control.function == 0x11 else frame.data[4:-1])


def exchanged(connection, function: int, data: bytes) -> Frame:
    (answer,) = connection.receive(codec(Frame).build(Frame(ADDRESS, asking(function), data)), 0.0)
    frame = codec(Frame).parse(answer.octets.lstrip(b"\xfe"))
    assert not frame.control.abnormal
    return frame


def curve(face, item: str, count: int = 99, start: dt.datetime = NOON):
    """The points of one curve by time."""
    return points(decode(int(item, 16), fetched(face, item, count, start)), QUARTER)


def cut(value, decimals: int) -> Decimal:
    return Decimal(int(value * 10**decimals)).scaleb(-decimals)


def row(face, number: int, time: dt.datetime):
    return face.meter.load_profile.row_at(number, time)


def test_an_instantaneous_curve_has_no_values_where_the_meter_had_no_power(face):
    """Points at equal distances; FFH octets in the gap; each other value is that of the model's row."""
    found = curve(face, "06100101")
    assert [time for time, _ in found] == [FIRST + at * QUARTER for at in range(len(found))]
    gaps = [time for time, value in found if value is None]
    assert 3 <= len(gaps) <= 4
    assert all(dt.time(13, 0) <= time.time() <= dt.time(14, 0) for time in gaps)
    for time, value in found:
        stored = row(face, 1, time)
        assert value == (None if stored is None else cut(stored.values["voltage_a"], 1))


def test_an_energy_repeats_its_last_value_in_a_gap(face):
    """And goes on behind it."""
    found = dict(curve(face, "06100601"))
    last = Decimal(0)
    for time, value in found.items():
        stored = row(face, 4, time)
        assert value == (last if stored is None else cut(stored.values["active_energy_import"], 2))
        last = value
    assert found[FIRST] < last
    assert sum(row(face, 4, time) is None for time in found) >= 3


def test_a_curve_that_begins_in_the_gap_repeats_what_was_before_it(face):
    """The first point is at the time asked for."""
    start = dt.datetime(2026, 3, 4, 13, 30)
    ((time, value),) = curve(face, "06100601", 1, start)
    before = face.meter.load_profile.rows(4)[3]
    assert time == start
    assert value == cut(before.values["active_energy_import"], 2)
    assert curve(face, "06100300", 1, start) == [(start, None)]


@pytest.mark.parametrize(
    ("item", "number", "names"),
    [
        ("061001FF", 1, ["voltage_a", "voltage_b", "voltage_c"]),
        ("061002FF", 1, ["current_a", "current_b", "current_c"]),
        ("061003FF", 2, ["active_power", "active_power_a", "active_power_b", "active_power_c"]),
        ("061004FF", 2, ["reactive_power", "reactive_power_a", "reactive_power_b", "reactive_power_c"]),
        ("061005FF", 3, ["power_factor", "power_factor_a", "power_factor_b", "power_factor_c"]),
        (
            "061006FF",
            4,
            [
                "active_energy_import",
                "active_energy_export",
                "reactive_energy_combined_1",
                "reactive_energy_combined_2",
            ],
        ),
        ("061007FF", 5, [f"reactive_energy_q{number}" for number in range(1, 5)]),
        ("061008FF", 6, ["demand_active_import", "demand_reactive_combined_1"]),
    ],
)
def test_a_block_and_the_curves_that_it_is_made_of(face, item, number, names):
    """The columns of a block are the single curves, and both are the model's rows."""
    first = 0 if item[4:6] in ("03", "04", "05") else 1
    singles = [curve(face, f"{item[:6]}{first + at:02X}", 3) for at in range(len(names))]
    for at, (time, values) in enumerate(curve(face, item, 3)):
        assert list(values) == [single[at][1] for single in singles]
        stored = row(face, number, time).values
        for name, value in zip(names, values, strict=True):
            assert abs(value - Decimal(stored[name].numerator) / stored[name].denominator) < Decimal(1).scaleb(
                QUANTITIES[name].dlt645.exponent if name in QUANTITIES and QUANTITIES[name].dlt645 else -1
            )


def test_long_curves_come_in_follow_up_frames():
    """Ninety-nine points of four energies are 1,589 octets; a meter with short frames sends what fits."""
    face = new_face()
    face.meter.clock.step(2 * 86_400)
    face.meter.advance()
    assert len(curve(face, "061006FF")) == 99
    short = Face645(face.meter, limit=6)
    shortened = curve(short, "061006FF")
    assert 10 < len(shortened) < 20
    assert shortened == curve(face, "061006FF")[: len(shortened)]


def test_before_the_first_and_behind_the_last_point(face):
    """The earliest point there is; and none at all: the identifier alone."""
    assert curve(face, "06100101", 1, dt.datetime(2020, 1, 1))[0][0] == FIRST
    later = asked(face, 0x11, di("06100101") + selection(1, dt.datetime(2030, 1, 1)))
    assert later.data == di("06100101")
    data = asked(face, 0x11, di("06100101") + selection(2, NOON)).data
    assert data[4:9] == bytes.fromhex("1512040326"), "mm hh DD MM YY"
    assert len(decode(0x06100101, data[4:])[1]) == 2


@pytest.mark.parametrize("wrong", ["", "01", "00001204 0326", "FF0012040326", "010060040326", "01001204032600"])
def test_selections_that_are_none_are_refused(face, wrong):
    """How many in BCD, and a time."""
    assert refused(face, 0x11, di("06100101") + bytes.fromhex(wrong)) == OTHER


@pytest.mark.parametrize("item", ["06100100", "06100104", "06100900", "06100304", "061009FF", "06110101"])
def test_curves_that_are_none(face, item):
    """No requested data."""
    assert refused(face, 0x11, di(item) + selection(1, NOON)) == NO_DATA


def test_a_single_phase_meter_has_no_blocks_of_phases():
    """It has phase A alone (State Grid supplement of 2014)."""
    face = new_face(profile="single-phase")
    face.meter.clock.step(3_600)
    assert len(curve(face, "06100101")) == 4
    for item in ("06100102", "061001FF"):
        assert refused(face, 0x11, di(item) + selection(1, NOON)) == NO_DATA
