"""Stored rows by hand: what is asked for, when a list ends, and what comes of meters that answer otherwise."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.errors import LocalProtocolError, MalformedError, MeterwireError, NoAnswer, Refused, SequenceError
from meterwire.protocols.dlt645.client import Procedures
from meterwire.protocols.dlt645.frame import Frame
from meterwire.protocols.wire.codec import codec
from meterwire.quantities.reading import METER_ZONE

from .script import Script, client, next_answer, read_answer, refused

NO_DATA, OTHER = b"\x02", b"\x01"
ENERGIES = "78563412" * 3
"""123456.78 kWh in all, and two rates."""
SILENT: list[bytes] = []


def day(number: int) -> int:
    return 0x0506FF00 | number


def frozen(time="0000150826", energies=ENERGIES, demand="5634121008150826") -> bytes:
    """A whole freeze as it is sent: each item closed by AA, those that are not kept empty."""
    return bytes.fromhex(time + "AA" + energies + "AA" * 8 + demand + "AA" * 2 + "563492" * 8 + "AA")


def record(time: datetime, volts="0522", *, groups=6) -> bytes:
    """A load record of class 1: time, voltages, currents and frequency, groups that are not kept, sum, E5."""
    body = bytes.fromhex(time.strftime("%y%m%d%H%M"))[::-1] + bytes.fromhex(volts * 3 + "000500" * 3 + "0050")
    body += b"\xaa" * groups
    octets = b"\xa0\xa0" + bytes([len(body)]) + body
    return octets + bytes([sum(octets) & 0xFF, 0xE5])


def freezes(script: Script, kind="day", *more, **settings):
    return script.run(Procedures.read_freezes.steps(client(), kind, *more, **settings))


def records(script: Script, kind="load-1", *more, **settings):
    return script.run(Procedures.read_records.steps(client(), kind, *more, **settings))


def asked(script: Script) -> list[str]:
    """The data fields of the requests, in hexadecimal digits."""
    return [codec(Frame).parse(octets).data.hex().upper() for octets in script.sent]


def at(hour: int, minute: int = 0, day: int = 15) -> datetime:
    return datetime(2026, 8, day, hour, minute)


def said(profile) -> list[str]:
    return [f"{row.time:%d %H:%M}" for row in profile.rows]


# ---------------------------------------------------------------- freezes


def test_freezes_are_read_until_the_meter_has_no_more():
    """The last one first on the line, the oldest first in the result; three requests in all."""
    script = Script(
        [read_answer(day(1), frozen("0000160826"))],
        [read_answer(day(2), frozen("0000150826", "00563412" * 3))],
        [refused(0x11, NO_DATA)],
    )
    counts = []
    profile = freezes(script, seen=counts.append)
    assert asked(script) == ["01FF0605", "02FF0605", "03FF0605"]
    assert [row.time for row in profile.rows] == [
        datetime(2026, 8, 15, tzinfo=METER_ZONE),
        datetime(2026, 8, 16, tzinfo=METER_ZONE),
    ]
    assert (profile.error, counts, profile.rows[1].item) == (None, [1, 2], "0506FF01")
    found = {field.column: field.value for field in profile.rows[1].fields}
    assert found["forward active energy, total (kWh)"] == Decimal("123456.78")
    assert found["forward active energy, rate 2 (kWh)"] == Decimal("123456.78")
    assert found["forward active maximum demand, total (kW)"] == Decimal("12.3456")
    assert found["forward active maximum demand, total, time"] == datetime(2026, 8, 15, 8, 10, tzinfo=METER_ZONE)
    assert found["powers, reactive power phase C (kvar)"] == Decimal("-12.3456")
    assert not [name for name in found if name.startswith(("quadrant", "reverse", "combined", "time"))]


def test_a_long_freeze_comes_in_follow_up_frames():
    """Its parts are joined before it is taken apart."""
    octets = frozen()
    script = Script(
        [read_answer(day(1), octets[:20], more=True)],
        [next_answer(day(1), octets[20:], 1)],
        [refused(0x11, NO_DATA)],
    )
    assert len(freezes(script).rows) == 1


def test_a_kind_ends_with_its_table():
    """Of instant freezes there are three; a fourth is not asked for."""
    script = Script(*[[read_answer(0x0501FF00 | number, frozen())] for number in (1, 2, 3)])
    assert len(freezes(script, "instant").rows) == 3
    assert len(script.sent) == 3


@pytest.mark.parametrize("time", ["0000000000", "FFFFFFFFFF"])
def test_a_freeze_that_has_not_been_ends_the_list(time):
    """Some meters fill it instead of refusing."""
    script = Script([read_answer(day(1), frozen())], [read_answer(day(2), frozen(time))])
    assert len(freezes(script).rows) == 1
    assert len(script.sent) == 2


def test_times_and_number_choose():
    """Younger ones are left out, the first older one ends the reading; a time with a zone is that moment."""
    answers = [[read_answer(day(number), frozen(f"0000{20 - number}0826"))] for number in range(1, 8)]
    script = Script(*answers)
    profile = freezes(script, "day", datetime(2026, 8, 15, 16, tzinfo=UTC), at(0, day=18))
    assert said(profile) == ["16 00:00", "17 00:00", "18 00:00"]
    assert len(script.sent) == 5
    script = Script(*answers)
    assert said(freezes(script, "day", None, at(0, day=18), 2)) == ["17 00:00", "18 00:00"]
    assert len(script.sent) == 3


def test_an_hourly_freeze_has_columns_of_its_own():
    """Energies without rates; one that the meter left out has no value."""
    octets = bytes.fromhex("0010150826AA78563412AAAA")
    script = Script([read_answer(0x0504FF01, octets)], [refused(0x11, NO_DATA)])
    (row,) = freezes(script, "hour").rows
    assert [(field.column, field.value) for field in row.fields] == [
        ("total forward active energy (kWh)", Decimal("123456.78")),
        ("total reverse active energy (kWh)", None),
    ]


def test_a_meter_without_whole_blocks_is_read_item_by_item():
    """The columns are the same; what it refuses is not there, and the block is asked for once."""
    base = 0x05060000

    def items(number, time):
        return [
            [read_answer(base | number, bytes.fromhex(time))],
            [read_answer(base | 0x100 | number, bytes.fromhex(ENERGIES))],
            *[[refused(0x11, NO_DATA)]] * 7,
            [read_answer(base | 0x900 | number, bytes.fromhex("5634121008150826"))],
            *[[refused(0x11, NO_DATA)]] * 2,
        ]

    script = Script(
        [refused(0x11, NO_DATA)], *items(1, "0000160826"), *items(2, "0000150826"), [refused(0x11, NO_DATA)]
    )
    profile = freezes(script)
    assert said(profile) == ["15 00:00", "16 00:00"]
    assert [(field.column, field.value) for field in profile.rows[0].fields][2:4] == [
        ("forward active energy, rate 2 (kWh)", Decimal("123456.78")),
        ("forward active maximum demand, total (kW)", Decimal("12.3456")),
    ]
    assert sum(data.endswith("FF0605") for data in asked(script)) == 1
    assert asked(script)[-1] == "03000605"


def test_a_block_of_another_form_is_read_item_by_item_or_given_raw():
    """Nothing is guessed."""
    odd = bytes.fromhex("000015082678563412")
    script = Script([read_answer(day(1), odd)], *[[refused(0x11, NO_DATA)]] * 3)
    (row,) = freezes(script).rows
    assert (row.time, row.fields[0].column, row.fields[0].value) == (None, "raw", odd)


def test_no_freezes_at_all():
    """Neither a block nor a time: an empty profile, no error."""
    script = Script([refused(0x11, NO_DATA)], [refused(0x11, NO_DATA)])
    assert freezes(script).rows == ()
    assert asked(script) == ["01FF0605", "01000605"]


def test_what_has_been_read_is_kept():
    """A refusal for another reason, or silence, ends the list with the reason; before the first row it is raised."""
    profile = freezes(Script([read_answer(day(1), frozen())], [refused(0x11, OTHER)]))
    assert (len(profile.rows), type(profile.error)) == (1, Refused)
    profile = freezes(Script([read_answer(day(1), frozen())], SILENT))
    assert (len(profile.rows), type(profile.error)) == (1, NoAnswer)
    with pytest.raises(Refused):
        freezes(Script([refused(0x11, OTHER)]))
    with pytest.raises(NoAnswer):
        freezes(Script(SILENT))


# ---------------------------------------------------------------- load records


def test_records_are_read_page_by_page():
    """The earliest, then from the minute behind the last; an answer without data ends the list, a short one does not."""
    times = [at(0) + timedelta(minutes=15 * number) for number in range(6)]
    script = Script(
        [read_answer(0x06010000, b"".join(map(record, times[:5])))],
        [read_answer(0x06010001, b"".join(map(record, times[5:])))],
        [read_answer(0x06010001, b"")],
    )
    profile = records(script)
    assert [row.time.replace(tzinfo=None) for row in profile.rows] == times
    assert asked(script) == ["0000010610", "01000106100101150826", "01000106101601150826"]
    assert [(field.column, field.value) for field in profile.rows[0].fields][:2] == [
        ("state", "valid"),
        ("voltages, currents, frequency, voltage phase A (V)", Decimal("220.5")),
    ]
    assert len(profile.rows[0].fields) == 8


def test_a_page_comes_in_follow_up_frames():
    """A record may be cut anywhere."""
    octets = record(at(1)) + record(at(2))
    script = Script(
        [read_answer(0x06010000, octets[:33], more=True)],
        [next_answer(0x06010000, octets[33:], 1)],
        [refused(0x11, NO_DATA)],
    )
    assert said(records(script)) == ["15 01:00", "15 02:00"]


def test_times_and_number_choose_records():
    """The number is asked for; what lies behind the end is not given, and ends the reading."""
    script = Script([read_answer(0x06010001, record(at(8)) + record(at(9)))])
    assert said(records(script, "load-1", at(8), None, 2)) == ["15 08:00", "15 09:00"]
    assert asked(script) == ["01000106020008150826"]
    script = Script([read_answer(0x06010001, record(at(8)) + record(at(9)) + record(at(10)))])
    assert said(records(script, "load-1", at(7, 59) + timedelta(seconds=30), at(9))) == ["15 08:00", "15 09:00"]
    assert asked(script) == ["01000106100008150826"]


def test_a_meter_that_sends_more_than_it_was_asked_for():
    """The number still holds, and the last record, which may be behind it, is where to go on."""
    script = Script([read_answer(0x06010000, b"".join(record(at(hour)) for hour in range(5)))])
    assert said(records(script, "load-1", count=3)) == ["15 00:00", "15 01:00", "15 02:00"]


@pytest.mark.parametrize("first", [True, False])
def test_records_that_do_not_go_on_end_the_reading(first):
    """A meter that ignores the time would send the same ones for ever."""
    same = [read_answer(0x06010001, record(at(8)))]
    if first:
        with pytest.raises(SequenceError):
            records(Script(same), "load-1", at(9))
        return
    script = Script([read_answer(0x06010000, record(at(8)))], same, same)
    profile = records(script)
    assert (said(profile), type(profile.error)) == (["15 08:00"], SequenceError)
    assert len(script.sent) == 2


def test_records_at_the_end_of_time():
    """The year 99 is the last that there is."""
    script = Script([read_answer(0x06010000, record(datetime(2099, 12, 31, 23, 59)))])
    assert len(records(script).rows) == 1
    assert len(script.sent) == 1


def test_damaged_records():
    """Octets of another form are malformed; a record whose time is none has no time, and nothing follows."""
    with pytest.raises(MalformedError):
        records(Script([read_answer(0x06010000, b"\xa0\xa0\x03")]))
    timeless = bytearray(record(at(1)))
    timeless[6] = 0x99
    profile = records(Script([read_answer(0x06010000, bytes(timeless))]))
    assert (len(profile.rows), profile.rows[0].time, type(profile.error)) == (1, None, SequenceError)
    assert [field.value for field in profile.rows[0].fields][:2] == ["wrong sum", "26-99-15 01:00"]


# ---------------------------------------------------------------- load curves

QUARTER = [read_answer(0x04000A02, bytes.fromhex("1500"))]


def curve(start: datetime, *volts: str) -> bytes:
    """A curve as it is sent: the time of the first point, and the points."""
    return bytes.fromhex(start.strftime("%y%m%d%H%M"))[::-1] + bytes.fromhex("".join(volts))


def drawn(script: Script, *more, **settings):
    return script.run(Procedures.read_points.steps(client(), "curve-voltage", *more, **settings))


def test_points_are_read_page_by_page_from_a_time_on():
    """The distance first; then 24 at a time from behind the last point; a gap is a point without values."""
    script = Script(
        QUARTER,
        [read_answer(0x061001FF, curve(at(1), "002201220222", "FFFFFFFFFFFF"))],
        [read_answer(0x061001FF, curve(at(1, 30), "002201220222"))],
        [read_answer(0x061001FF, b"")],
    )
    counts = []
    profile = drawn(script, at(0, 50), seen=counts.append)
    assert said(profile) == ["15 01:00", "15 01:15", "15 01:30"]
    assert asked(script) == ["020A0004", "FF011006245000150826", "FF011006243001150826", "FF011006244501150826"]
    assert [(field.column, str(field.value)) for field in profile.rows[0].fields] == [
        ("voltage, phase A (V)", "220.0"),
        ("voltage, phase B (V)", "220.1"),
        ("voltage, phase C (V)", "220.2"),
    ]
    assert [field.value for field in profile.rows[1].fields] == [None] * 3
    assert (counts, profile.error) == ([2, 3, 3], None)


def test_points_up_to_a_time_or_number():
    """The number is asked for, and a meter that sends more is cut."""
    script = Script(QUARTER, [read_answer(0x061001FF, curve(at(1), *["002201220222"] * 4))])
    assert said(drawn(script, at(1), None, 2)) == ["15 01:00", "15 01:15"]
    assert asked(script)[1:] == ["FF011006020001150826"]
    script = Script(QUARTER, [read_answer(0x061001FF, curve(at(1), *["002201220222"] * 4))])
    assert said(drawn(script, at(1), at(1, 40))) == ["15 01:00", "15 01:15", "15 01:30"]
    assert len(script.sent) == 2


def test_a_meter_without_groups_is_read_curve_by_curve():
    """Only as far as all of them reach, and on from there."""
    script = Script(
        QUARTER,
        [refused(0x11, NO_DATA)],
        [read_answer(0x06100101, curve(at(1), "0022", "0122"))],
        [refused(0x11, NO_DATA)],
        [read_answer(0x06100103, curve(at(1), "0222"))],
        [read_answer(0x06100101, curve(at(1, 15), "0122"))],
        *[[refused(0x11, NO_DATA)]] * 5,
    )
    profile = drawn(script, at(1))
    assert [[(field.column, str(field.value)) for field in row.fields] for row in profile.rows] == [
        [("voltage A (V)", "220.0"), ("voltage C (V)", "220.2")],
        [("voltage A (V)", "220.1")],
    ]
    assert len(script.sent) == 11


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (curve(at(0), "002201220222"), SequenceError),
        (bytes.fromhex("FFFFFFFFFF" + "002201220222"), MalformedError),
        (curve(at(1), "0022"), MalformedError),
    ],
)
def test_curves_that_are_none(data, error):
    """Before the time that was asked for, without a time, or not whole points: raised first, kept behind rows."""
    with pytest.raises(error):
        drawn(Script(QUARTER, [read_answer(0x061001FF, data)]), at(1))
    good = [read_answer(0x061001FF, curve(at(1), "002201220222"))]
    profile = drawn(Script(QUARTER, good, [read_answer(0x061001FF, data)]), at(1))
    assert (said(profile), type(profile.error)) == (["15 01:00"], error)


@pytest.mark.parametrize("minutes", ["0000", "FFFF"])
def test_a_curve_without_a_distance(minutes):
    """Points are not placed where nobody knows how far they are apart."""
    with pytest.raises(MalformedError):
        drawn(Script([read_answer(0x04000A02, bytes.fromhex(minutes))]), at(1))


# ---------------------------------------------------------------- both


@pytest.mark.parametrize(
    ("read", "kind", "settings"),
    [
        (freezes, "year", {}),
        (freezes, "load", {}),
        (records, "load-7", {}),
        (records, "day", {}),
        (freezes, "day", {"count": 0}),
        (records, "load", {"count": 100_001}),
        (records, "load", {"start": datetime(1999, 12, 31)}),
        (freezes, "day", {"start": at(9), "end": at(8)}),
        (records, "load", {"end": datetime(2099, 12, 31, 23, tzinfo=UTC)}),
    ],
)
def test_what_cannot_be_read_is_not_asked_for(read, kind, settings):
    """A word before anything is sent."""
    script = Script()
    with pytest.raises(LocalProtocolError):
        read(script, kind, **settings)
    assert script.sent == []


def test_meters_of_1997_have_no_such_records():
    """Said before anything is sent."""
    script = Script()
    for procedure, kind in ((Procedures.read_freezes, "day"), (Procedures.read_records, "load")):
        with pytest.raises(LocalProtocolError, match="1997"):
            script.run(procedure.steps(client(edition=1997), kind))
    assert script.sent == []


def test_the_wrong_meter_is_not_listened_to():
    """An answer of somebody else is not a row."""
    script = Script([read_answer(day(1), frozen(), address="000000000162")])
    with pytest.raises(NoAnswer):
        freezes(script)
    assert len(script.sent) == 3


PIECES = st.sampled_from([frozen(), frozen("FFFFFFFFFF"), record(at(1)), record(at(0)), b"\xaa", b""])


@given(st.sampled_from([freezes, records]), st.lists(st.lists(PIECES | st.binary(max_size=12), max_size=3), max_size=5))
def test_whatever_comes_ends_in_rows_or_a_documented_error(read, answers):
    """Damaged, repeated and foreign data: every row has values, and the asking ends."""
    base = day(1) if read is freezes else 0x06010000
    numbered = (base + number if read is freezes else base + min(number, 1) for number in range(len(answers)))
    script = Script(*([read_answer(di, b"".join(parts)[:180])] for di, parts in zip(numbered, answers, strict=True)))
    try:
        profile = read(script)
    except MeterwireError:
        return
    assert all(row.fields for row in profile.rows)
    assert len(script.sent) <= len(answers) * 13 + 3
