"""The table of data identifiers: every row is found, read and written; known octets mean what is printed beside them."""

import contextlib
import json
from datetime import date, datetime, time
from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.errors import LocalProtocolError, MalformedError, MeterwireError
from meterwire.protocols.dlt645 import identifiers
from meterwire.protocols.dlt645.cells import cells
from meterwire.protocols.dlt645.formats import Closed, LoadRecords, Record, Repeat, format_of
from meterwire.protocols.dlt645.identifiers import decode, encode, identifier, members, moment
from meterwire.protocols.dlt645.values import Bits, Constant, Digits, Number, Raw, Screen, Stamp, Text
from meterwire.protocols.dlt645.words import word

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "dlt645_and_376_2.json").read_text("utf-8"))
READ = [v for v in VECTORS if v["protocol"] == "dlt645-2007" and {"di", "value"} <= v["expect"].keys()]
ROWS = list({id(row): row for rows in identifiers._OF_2007.table.rows.values() for row in rows}.values())


def first_of(row):
    """The identifier of a row with every range at its low end."""
    return int.from_bytes(bytes(values[0] for values in row.ranges), "big")


SAMPLES = {
    Stamp: lambda codec: codec.decode(bytes(range(1, codec.size + 1))),
    Text: lambda codec: "220V"[: codec.size],
    Digits: lambda codec: "0123456789AB"[: 2 * codec.size].zfill(2 * codec.size),
    Bits: lambda codec: (1 << 8 * codec.size) - 3,
    Raw: lambda _: b"\x12\xab",
    Screen: lambda _: "00010000.01",
    Number: lambda codec: codec.decode(bytes([0x21] * (codec.size - 1) + [0x92 if codec._signed else 0x12])),
    Repeat: lambda codec: [sample(codec.item)] * (codec.count or 3),
    Record: lambda codec: tuple(sample(item) for item in codec.items if not isinstance(item, Constant)),
    Closed: lambda codec: tuple(sample(item) for item in codec.items),
    LoadRecords: lambda codec: [
        ("valid", "26-08-15 10:00", *map(sample, codec.groups)),
        ("invalid", None, *[None] * 6),
    ],
}


def sample(codec):
    """A value with a digit in every place and, where there can be one, a sign."""
    return SAMPLES[type(codec)](codec)


def data_of(frame):
    """The data of a response after the identifier, -33H: found from the frame's own length octet."""
    octets = bytes.fromhex(frame).lstrip(b"\xfe")
    return bytes((octet - 0x33) & 0xFF for octet in octets[10 : 10 + octets[9]])


@pytest.mark.parametrize("vector", READ, ids=lambda v: v["name"])
def test_real_responses_read_as_published(vector):
    """A value captured from a meter reads digit for digit, with its unit, and builds the same octets again."""
    data = data_of(vector["hex"])
    di = int.from_bytes(data[:4], "little")
    found = identifier(di)
    assert found is not None
    value = decode(di, data[4:])
    assert str(value) == vector["expect"]["value"]
    assert vector["expect"].get("unit", found.unit) == found.unit
    assert encode(di, value) == data[4:]


def test_enough_vectors_are_walked():
    """The walk above is not empty."""
    assert len(READ) >= 20


def test_active_report_status_vectors():
    """The status word of the 2014 notice: bits from the low octet up, then one count per set bit."""
    walked = 0
    for vector in VECTORS:
        expect = vector["expect"]
        if "status_bits" in expect:
            data = data_of(vector["hex"])
            end = -1 if "seq" in expect else None
            bits, counts = decode(0x04001501, data[4:end])
            assert [bit for bit in range(96) if bits >> bit & 1] == expect["status_bits"]
            assert counts == expect["new_counts"]
            assert encode(0x04001501, (bits, counts)) == data[4:end]
            walked += 1
    assert walked >= 3


def test_table_is_whole():
    """All rows are there and no identifier stands in two of them."""
    assert len(ROWS) == 710
    seen = set()
    for row in ROWS:
        assert row.ranges not in seen
        seen.add(row.ranges)
        spelled = row.identifier(first_of(row).to_bytes(4, "big"))
        assert identifier(first_of(row)) == spelled, f"{first_of(row):08X} is shadowed by another row"


def test_standard_tables_expand():
    """The ranges of the standard's own tables A.1 to A.7 cover as many identifiers as they should."""
    count = 0
    for row in ROWS:
        if row.table.startswith("A."):
            size = 1
            for values in row.ranges:
                size *= len(values)
            count += size
    assert count == 21_547


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{first_of(row):08X}")
def test_every_row_reads_and_writes(row):
    """Every declared format is understood, has the declared length, and zeros of that length survive a round trip."""
    found = identifier(first_of(row))
    codec = found.codec
    size = found.octets if found.octets is not None else codec.size
    if isinstance(codec, Repeat) and found.octets is not None:
        assert len(codec.encode([codec.item.decode(bytes(codec.each))] * codec.count)) == found.octets
    elif found.octets is not None:
        assert codec.size == found.octets
    if size is not None:
        zeros = bytes(size)
        assert codec.encode(codec.decode(zeros)) == zeros
        nothing = codec.decode(b"\xff" * size)
        assert codec.encode(nothing) == b"\xff" * size
    assert row.name
    assert row.name_zh
    assert row.access in {"r", "w", "rw", "03H"}


@pytest.mark.parametrize("row", [row for row in ROWS if row.layout], ids=lambda row: f"{first_of(row):08X}")
def test_every_layout_names_its_items(row):
    """A layout exists, and has a name in both languages for every item of the record or list that it belongs to."""
    found = identifier(first_of(row))
    if row.layout.startswith("word:"):
        assert word(found.word)
        return
    if found.format.startswith("LOAD") or "#" in row.layout:
        assert row.layout.startswith(("load_record", "energy_items")) or "_items#" in row.layout
        return
    shown = cells(found, sample(found.codec))
    assert shown
    for cell in shown:
        assert cell.name, [one.name for one in shown]
        assert cell.name_zh or cell.word
        assert "#" not in cell.name + cell.name_zh
        assert "~" not in cell.name_zh


def test_every_identifier_is_found_named_and_round_trips():
    """All identifiers of the table, tens of thousands: found, named without a gap, a sample of each goes out and in."""
    walked = 0
    for row in ROWS:
        known = {}
        for octets in map(bytes, product(*row.ranges)):
            di = int.from_bytes(octets, "big")
            found = identifiers._OF_2007.table.find(di)
            assert found.di == di
            assert not set("<>#") & set(found.name + found.name_zh), found.name
            if found.format not in known:
                codec = found.codec
                value = sample(codec)
                known[found.format] = value, codec.encode(value)
            value, data = known[found.format]
            assert decode(di, data) == value, f"{di:08X}"
            assert encode(di, value) == data
            walked += 1
    assert walked > 30_000


@pytest.mark.parametrize(
    ("di", "name", "name_zh"),
    [
        (0x00010000, "forward active energy, total, current", "当前正向有功总电能"),
        (0x00010203, "forward active energy, rate 2, settlement day 3", "上3结算日正向有功费率2电能"),
        (0x000102FF, "forward active energy, rate 2, block: current + settlement days 1..12", None),
        (0x00600000, "forward active energy, high resolution, total", "(当前)正向有功总精确电能"),
        (0x020A0203, "voltage harmonic 3 content phase B", "B相电压3次谐波含量"),
        (0x03300D02, "meter cover open record 2", "(上2次)开表盖记录"),
        (0x10020001, "phase B voltage loss count", "B相失压总次数"),
        (0x05060103, "daily freeze 3: forward active energy total + rates", None),
    ],
)
def test_names_are_spelled_out(di, name, name_zh):
    """A name of a range says which of the range this is, in both languages."""
    found = identifier(di)
    assert found.name == name
    assert name_zh in (None, found.name_zh)
    assert "<" not in found.name + found.name_zh
    assert "#" not in found.name + found.name_zh


@pytest.mark.parametrize("di", [0x09000000, 0xFFFFFFFF, 0x0001400D, -1, 1 << 32, 0x04FFFFFF])
def test_unknown_identifiers(di):
    """What no table has gives None, and its octets pass unread."""
    assert identifier(di) is None
    assert decode(di, b"\x12\xab") == b"\x12\xab"
    assert encode(di, b"\x12\xab") == b"\x12\xab"


@pytest.mark.parametrize(
    ("di", "octets", "value"),
    [
        (0x00010000, "78563412", Decimal("123456.78")),
        (0x00000000, "21430080", Decimal("-43.21")),
        (0x00000000, "999999F9", Decimal("-799999.99")),
        (0x02020100, "995900", Decimal("5.999")),
        (0x02030000, "563412", Decimal("12.3456")),
        (0x02030000, "563492", Decimal("-12.3456")),
        (0x02060000, "0010", Decimal("1.000")),
        (0x02060100, "7789", Decimal("-0.977")),
        (0x02800002, "0050", Decimal("50.00")),
        (0x02800007, "5082", Decimal("-25.0")),
        (0x00600000, "7856341200", Decimal("1234.5678")),
        (0x01010000, "5634121008150826", (Decimal("12.3456"), "26-08-15 08:10")),
        (0x01010000, "0000000000000000", (Decimal("0.0000"), "00-00-00 00:00")),
        (0x0101FF00, "5634121008150826" * 2, [(Decimal("12.3456"), "26-08-15 08:10")] * 2),
        (0x0001FF00, "7856341221430000", [Decimal("123456.78"), Decimal("43.21")]),
        (0x0201FF00, "002200220022", [Decimal("220.0")] * 3),
        (0x0201FF00, "0022FFFF0022", [Decimal("220.0"), None, Decimal("220.0")]),
        (0x04000101, "06150826", "26-08-15.06"),
        (0x04000102, "131810", "10:18:13"),
        (0x0400010C, "13181006150826", "26-08-15.06 10:18:13"),
        (0x04001201, "00999999FF", "FF-99-99 99:00"),
        (0x04000B01, "0001", "01 00"),
        (0x04000401, "610100000000", "000000000161"),
        (0x04000404, "000056303232", "220V"),
        (0x04000409, "000400", Decimal(400)),
        (0x04000503, "1000", 0x0010),
        (0x040005FF, "0100" + "0000" * 6, [1, 0, 0, 0, 0, 0, 0]),
        (0x04010001, "010006020008", [(Decimal(1), "06:00"), (Decimal(2), "08:00")]),
        (0x06100101, "00001508260022FFFF", ("26-08-15 00:00", [Decimal("220.0"), None])),
        (0x00010000, "FFFFFFFF", None),
        (0x00000000, "FFFFFFFF", None),
        (0x04000101, "FFFFFFFF", None),
    ],
)
def test_known_octets(di, octets, value):
    """Energy, demand, variables, dates and numbers: the octets of the line on the left, the value on the right."""
    assert decode(di, bytes.fromhex(octets)) == value
    assert encode(di, value).hex().upper() == octets
    if isinstance(value, Decimal):
        assert identifier(di).codec.decode(bytes.fromhex(octets)).as_tuple().exponent == value.as_tuple().exponent


@pytest.mark.parametrize(
    ("di", "octets"),
    [
        (0x00010000, "7856341A"),
        (0x00010000, "785634"),
        (0x00010000, "7856341200"),
        (0x00010000, ""),
        (0x00010000, "FFFFFF12"),
        (0x00000000, "7856A412"),
        (0x04000102, "13181A"),
        (0x01010000, "56341210081508"),
        (0x0101FF00, "563412100815082600"),
        (0x04001501, "00" * 12 + "AB01AA"),
        (0x04001501, "00" * 13),
        (0x0201FF00, "0022" * 4),
    ],
)
def test_wrong_octets_are_malformed(di, octets):
    """Octets of the wrong length or digit are refused as malformed, never misread."""
    with pytest.raises(MalformedError):
        decode(di, bytes.fromhex(octets))


def test_malformed_says_where():
    """The offset points into the data, also inside of a block."""
    with pytest.raises(MalformedError) as caught:
        decode(0x0101FF00, bytes.fromhex("5634121008150826" + "5634121008150A26"))
    assert caught.value.offset == 11


@pytest.mark.parametrize(
    ("di", "value"),
    [
        (0x00010000, Decimal("1000000.00")),
        (0x00010000, Decimal("0.001")),
        (0x00010000, Decimal(-1)),
        (0x00000000, Decimal("800000.00")),
        (0x00010000, Decimal("NaN")),
        (0x00010000, Decimal("Infinity")),
        (0x00010000, Decimal("1E+999999")),
        (0x00010000, Decimal("1E-999999")),
        (0x00010000, 1.5),
        (0x00010000, True),
        (0x00010000, "twelve"),
        (0x00010000, [1]),
        (0x00010000, "1" * 100_000),
        (0x01010000, Decimal(1)),
        (0x01010000, (Decimal(1),)),
        (0x0001FF00, Decimal(1)),
        (0x0201FF00, [1, 2, 3, 4]),
        (0x04000102, "10:18"),
        (0x04000102, "10:18:1A"),
        (0x04000102, date(2026, 8, 15)),
        (0x04000101, time(10, 18)),
        (0x04000102, 101813),
        (0x04000401, "12345678901X"),
        (0x04000401, "1234567890123"),
        (0x04000404, "seven V"),
        (0x04000404, "２２０"),
        (0x04000503, 1 << 16),
        (0x04000503, -1),
        (0x04000503, "1"),
        (0x070000FF, "text"),
    ],
)
def test_values_that_do_not_fit(di, value):
    """A value the layout cannot carry is the caller's mistake, never silently cut."""
    with pytest.raises(LocalProtocolError):
        encode(di, value)


def test_dates_are_taken_as_such():
    """A caller may hand over a date, a time or both; weekday 0 is Sunday."""
    now = datetime(2026, 8, 16, 10, 18, 13)
    assert encode(0x04000101, now.date()).hex() == "00160826"
    assert encode(0x04000102, now.time()).hex() == "131810"
    assert encode(0x0400010C, now).hex() == "13181000160826"
    assert encode(0x01010000, (1, now)).hex() == "0000011810160826"


@pytest.mark.parametrize(
    ("stamp", "when"),
    [
        ("26-08-15 08:10", datetime(2026, 8, 15, 8, 10)),
        ("26-08-15.06 10:18:13", datetime(2026, 8, 15, 10, 18, 13)),
        ("00-00-00 00:00", None),
        ("99-99-99 99:99", None),
        ("FF-08-15 08:10", None),
        ("10:18:13", None),
        (None, None),
    ],
)
def test_moment(stamp, when):
    """A stamp is a moment only where every part of it is one."""
    assert moment(stamp) == when


def test_members_of_blocks():
    """A block knows its items, in the order in which their data stand in it."""
    assert members(0x0201FF00) == (0x02010100, 0x02010200, 0x02010300)
    assert members(0x0203FF00) == (0x02030000, 0x02030100, 0x02030200, 0x02030300)
    assert members(0x0001FF00)[:3] == (0x00010000, 0x00010100, 0x00010200)
    assert len(members(0x0001FF00)) == 64
    assert members(0x000100FF) == tuple(range(0x00010000, 0x0001000D))
    assert members(0x040005FF) == tuple(range(0x04000501, 0x04000508))
    assert members(0x00010000) == ()
    assert members(0x09FFFFFF) == ()


def test_blocks_without_a_row():
    """DI0 = FFH over single items of one table is their record."""
    block = identifier(0x04000BFF)
    assert (block.octets, block.format) == (6, "DDhh*3")
    assert decode(0x04000BFF, bytes.fromhex("000100150020")) == ["01 00", "15 00", "20 00"]
    assert decode(0x04000BFF, bytes.fromhex("00010015")) == ["01 00", "15 00"]
    assert members(0x04000BFF) == (0x04000B01, 0x04000B02, 0x04000B03)


BLOCK_ROWS = [row for row in ROWS if len(row.ranges) == 4]


@given(st.sampled_from(BLOCK_ROWS), st.sampled_from([0, 8, 16]), st.data())
def test_any_block_reads_and_writes(row, shift, data):
    """A block of any place, whether a row describes it or not: its items are members, a sample goes out and in."""
    octets = bytes(data.draw(st.sampled_from(values)) for values in row.ranges)
    di = int.from_bytes(octets, "big") | 0xFF << shift
    found = identifier(di)
    if found is None:
        assert members(di) == ()
        return
    value = sample(found.codec)
    assert found.codec.decode(found.codec.encode(value)) == value
    assert all(identifier(one) is not None for one in members(di))
    assert cells(found, value)


def test_a_block_of_different_items_ends_where_the_meter_does():
    """The record of a trip, item by item, and one of a meter that keeps no reactive energies."""
    block = identifier(0x1D00FF01)
    assert (block.octets, len(members(0x1D00FF01))) == (34, 8)
    whole = bytes.fromhex("00100815082612345678" + "78563412" * 6)
    assert decode(0x1D00FF01, whole)[:3] == ("26-08-15 08:10:00", "78563412", Decimal("123456.78"))
    assert decode(0x1D00FF01, whole[:-16]) == decode(0x1D00FF01, whole)[:4]
    with pytest.raises(MalformedError):
        decode(0x1D00FF01, whole[:-1])


def test_looking_up_expands_nothing():
    """One lookup makes one identifier, not the 24,000 of the table."""
    identifier.cache_clear()
    identifier(0x00010203)
    assert identifier.cache_info().currsize == 1


SINGLE = [row for row in ROWS if row.octets and row.octets <= 64]


@given(st.sampled_from(SINGLE), st.data())
def test_any_octets_decode_or_are_malformed(row, data):
    """Whatever octets come, the outcome is a value that builds a readable item again, or MalformedError."""
    octets = data.draw(st.binary(min_size=max(0, row.octets - 1), max_size=row.octets + 1))
    codec = identifier(first_of(row)).codec
    try:
        value = codec.decode(octets)
    except MalformedError:
        return
    again = codec.encode(value)
    assert codec.decode(again) == value


NUMBERS = [row for row in ROWS if row.format and set(row.format) <= set("XN.")]


@given(st.sampled_from(NUMBERS), st.data())
def test_numbers_round_trip(row, data):
    """Every number that the digits of a format can say comes back with the same digits and sign."""
    whole, _, fraction = row.format.partition(".")
    digits = len(whole) + len(fraction)
    highest = (8 * 10 ** (digits - 1) if row.signed else 10**digits) - 1
    raw = data.draw(st.integers(-highest if row.signed else 0, highest))
    value = Decimal(raw).scaleb(-len(fraction))
    codec = format_of(row.format, row.signed)
    octets = codec.encode(value)
    assert len(octets) == digits // 2
    assert codec.decode(octets) == value
    assert str(codec.decode(octets)) == str(value)


@given(
    st.sampled_from(ROWS),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=8)
        | st.binary(max_size=8)
        | st.decimals()
        | st.datetimes(),
        lambda inner: st.lists(inner, max_size=4),
        max_leaves=6,
    ),
)
def test_any_value_builds_or_is_refused(row, value):
    """Whatever a caller hands over, the outcome is octets or LocalProtocolError."""
    try:
        octets = identifier(first_of(row)).codec.encode(value)
    except LocalProtocolError:
        return
    assert isinstance(octets, bytes)


@given(st.integers(0, 0xFFFFFFFF), st.binary(max_size=40))
def test_any_identifier_is_looked_up(di, octets):
    """No identifier and no data raise anything but this library's errors."""
    with contextlib.suppress(MeterwireError):
        decode(di, octets)
