"""Data: every type both ways, hostile lengths, counts and nesting refused, numbers whatever integer a meter chose."""

import math
import struct
from decimal import Decimal

import pytest

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.dlms.data import (
    DATA,
    TAG_NAMES,
    Tag,
    array,
    elements,
    fits,
    number,
    octet_string,
    structure,
)
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.limits import Limits
from meterwire.protocols.wire.nodes import Compact, Variant

CODEC = codec(DATA)

EVERY = [
    ("00", Variant(0, None)),
    ("0100", Variant(1, ())),
    ("0102" + "1101" + "1102", Variant(1, (Variant(17, 1), Variant(17, 2)))),
    ("0202" + "0FFF" + "161E", Variant(2, (Variant(15, -1), Variant(22, 30)))),
    ("0301", Variant(3, True)),
    ("0409A580", Variant(4, "101001011")),
    ("0400", Variant(4, "")),
    ("0580000000", Variant(5, -(1 << 31))),
    ("06FFFFFFFF", Variant(6, 0xFFFFFFFF)),
    ("0902CAFE", Variant(9, b"\xca\xfe")),
    ("0A024142", Variant(10, "AB")),
    ("0C03E280B0", Variant(12, "‰")),
    ("0D12", Variant(13, 0x12)),
    ("0F80", Variant(15, -128)),
    ("108000", Variant(16, -32768)),
    ("11FF", Variant(17, 255)),
    ("12FFFF", Variant(18, 65535)),
    ("148000000000000000", Variant(20, -(1 << 63))),
    ("15FFFFFFFFFFFFFFFF", Variant(21, (1 << 64) - 1)),
    ("161E", Variant(22, 30)),
    ("173FC00000", Variant(23, 1.5)),
    ("183FF8000000000000", Variant(24, 1.5)),
    ("1907EA01010400000000FE2000", Variant(25, bytes.fromhex("07EA01010400000000FE2000"))),
    ("1A07EA010104", Variant(26, bytes.fromhex("07EA010104"))),
    ("1B00000000", Variant(27, bytes(4))),
    ("1CFF", Variant(28, -1)),
    ("1DFFFE", Variant(29, -2)),
    ("1EFFFFFFFD", Variant(30, -3)),
    ("1FFF", Variant(31, 255)),
    ("20FFFF", Variant(32, 65535)),
    ("21FFFFFFFF", Variant(33, 0xFFFFFFFF)),
    ("FF", Variant(255, None)),
]


@pytest.mark.parametrize(("octets", "value"), EVERY, ids=[f"{TAG_NAMES[v.tag]}-{h}" for h, v in EVERY])
def test_every_type_both_ways(octets, value):
    assert CODEC.parse(bytes.fromhex(octets)) == value
    assert CODEC.build(value) == bytes.fromhex(octets)


def test_every_tag_has_been_shown():
    """One more tag without an example above fails here."""
    assert {value.tag for _, value in EVERY} | {Tag.COMPACT_ARRAY} == set(Tag)


def test_a_compact_array_of_structures():
    """The description stands once; elements have no tags and come out as ordinary tagged values."""
    octets = bytes.fromhex("13 02 02 12 11 06 000101 000202")
    row = Variant(2, (Variant(18, None), Variant(17, None)))
    rows = tuple(Variant(2, (Variant(18, n), Variant(17, n))) for n in (1, 2))
    assert CODEC.parse(octets) == Variant(19, Compact(row, rows))
    assert CODEC.build(Variant(19, Compact(row, rows))) == octets
    assert elements(CODEC.parse(octets)) == rows


def test_a_compact_array_of_arrays():
    octets = bytes.fromhex("13 01 0002 0F 04 01FF02FE")
    found = CODEC.parse(octets)
    assert [[member.value for member in element.value] for element in elements(found)] == [[1, -1], [2, -2]]
    assert CODEC.build(found) == octets


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param("0184FFFFFFFF", id="A1 array count without data"),
        pytest.param("0600", id="A2 truncated number"),
        pytest.param("09054142", id="A2 truncated octet string"),
        pytest.param("12FF", id="A2 truncated long"),
        pytest.param("0201", id="A2 structure without members"),
        pytest.param("09847FFFFFFF", id="A3 two gigabytes of octets"),
        pytest.param("0984FFFFFFFF", id="A3 four gigabytes of octets"),
        pytest.param("0988FFFFFFFFFFFFFFFF", id="A4 length of eight octets"),
        pytest.param("09FF" + "00" * 127, id="A4 length of 127 octets"),
        pytest.param("09804142", id="A4 indefinite length"),
        pytest.param("0101" * 1000, id="A5 nesting of a thousand"),
        pytest.param("0101" * 30000, id="A5 nesting of thirty thousand"),
        pytest.param("13020101FFFF01FFFF01FFFF00", id="A6 compact array that expands without end"),
        pytest.param("1312" + "03" + "000102", id="A7 content that is no whole number of elements"),
        pytest.param("07", id="A9 unknown tag 7"),
        pytest.param("08", id="A9 unknown tag 8"),
        pytest.param("0B", id="A9 unknown tag 11"),
        pytest.param("0E", id="A9 unknown tag 14"),
        pytest.param("22", id="A9 unknown tag 34"),
        pytest.param("FE", id="A9 unknown tag 254"),
        pytest.param("1100" + "00", id="A14 trailing octet"),
        pytest.param("", id="nothing"),
    ],
)
def test_hostile_octets_are_refused(octets):
    octets = bytes.fromhex(octets)
    with pytest.raises(MalformedError) as refused:
        CODEC.parse(octets)
    assert 0 <= refused.value.offset <= len(octets)


def test_an_unknown_tag_is_named():
    with pytest.raises(MalformedError, match="14"):
        CODEC.parse(b"\x0e")


@pytest.mark.parametrize("octets", ["098102CAFE", "09820002CAFE", "098400000002CAFE"])
def test_longer_lengths_than_needed_are_read(octets):
    """A4: real meters send them; we send the shortest."""
    found = CODEC.parse(bytes.fromhex(octets))
    assert found == Variant(9, b"\xca\xfe")
    assert CODEC.build(found) == bytes.fromhex("0902CAFE")


def test_nesting_ends_where_the_limit_says():
    octets = b"\x01\x01" * 31 + b"\x00"
    CODEC.parse(octets)
    with pytest.raises(MalformedError):
        CODEC.parse(octets, limits=Limits(depth=16))


def test_text_that_is_none_keeps_its_octets():
    """A10."""
    assert CODEC.parse(b"\x0a\x02\xff\xfe") == Variant(10, b"\xff\xfe")
    assert CODEC.parse(b"\x0c\x02\xc3\x28") == Variant(12, b"\xc3\x28")
    assert CODEC.build(Variant(12, b"\xc3\x28")) == b"\x0c\x02\xc3\x28"


@pytest.mark.parametrize("octets", ["177F800000", "17FF800000", "177FC00000", "1700000001", "187FF8000000000000"])
def test_strange_floats_come_back_bit_by_bit(octets):
    """A12."""
    assert CODEC.build(CODEC.parse(bytes.fromhex(octets))) == bytes.fromhex(octets)


def test_values_that_do_not_fit_are_the_callers_fault():
    for value in (Variant(17, 256), Variant(17, -1), Variant(14, 0), Variant(9, "text"), Variant(26, b"1234"), 5):
        with pytest.raises(LocalProtocolError):
            CODEC.build(value)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (Variant(Tag.LONG, -5), Decimal(-5)),
        (Variant(Tag.LONG64_UNSIGNED, (1 << 64) - 1), Decimal((1 << 64) - 1)),
        (Variant(Tag.ENUM, 3), Decimal(3)),
        (Variant(Tag.FLOAT32, struct.unpack(">f", struct.pack(">f", 231.2))[0]), Decimal("231.2")),
        (Variant(Tag.FLOAT64, 0.1), Decimal("0.1")),
        (octet_string(b"1"), None),
        (structure(Variant(17, 1)), None),
        (None, None),
    ],
)
def test_numbers_whatever_type_carries_them(data, expected):
    assert number(data) == expected


def test_floats_that_are_no_numbers_stay_none():
    """They are Decimals too, so that nobody has to look for exceptions."""
    assert math.isnan(number(Variant(Tag.FLOAT32, math.nan)))
    assert number(Variant(Tag.FLOAT64, math.inf)) == Decimal("Infinity")


def test_makers_and_ranges():
    assert CODEC.build(array([octet_string(b"a"), structure()])) == bytes.fromhex("0102 090161 0200")
    assert fits(Tag.LONG_UNSIGNED, 65535)
    assert not fits(Tag.LONG_UNSIGNED, 65536)
    assert not fits(Tag.INTEGER, -129)
    assert elements(Variant(9, b"")) is None
