"""The construct reference: the values it reads, the errors it raises, the bounds it keeps."""

import construct
import pytest

from meterwire.errors import ChecksumError, LocalProtocolError, MalformedError
from meterwire.protocols.wire.limits import Limits
from meterwire.protocols.wire.nodes import (
    AXDR_LENGTH,
    NOTHING,
    REST,
    U8,
    U32,
    Bcd,
    BitString,
    Compact,
    Described,
    Enum,
    Many,
    Maybe,
    Octets,
    Recur,
    Tagged,
    Text,
    UInt,
    Variant,
)
from meterwire.protocols.wire.reference import ReferenceEngine, construct_layout
from tests.protocols.wire import samples as s

NESTED = ReferenceEngine(s.Nested)


def parse(layout, octets, edition=None):
    return ReferenceEngine(layout, edition).parse(bytes.fromhex(octets))


@pytest.mark.parametrize(
    ("layout", "octets", "value"),
    [
        (U8, "FF", 255),
        (UInt(3, "<", signed=True), "FEFFFF", -2),
        (Bcd(3), "563412", "123456"),
        (Bcd(2, ">"), "1234", "1234"),
        (Bcd(2, also="A"), "AA12", "12AA"),
        (Text(2), "4142", "AB"),
        (Text(2), "41C3", b"A\xc3"),
        (Text(REST, "utf-8"), "C3A4", "ä"),
        (BitString(3), "BF", "101"),
        (BitString(), "0AFFC0", "1111111111"),
        (BitString(), "00", ""),
        (AXDR_LENGTH, "7F", 127),
        (AXDR_LENGTH, "8180", 128),
        (AXDR_LENGTH, "8400000001", 1),
        (Maybe(U8), "00", None),
        (Maybe(U8), "0107", 7),
        (Tagged(0xA5, U8), "", None),
        (Tagged(0xA5, U8), "A50107", 7),
        (Many(REST, U8), "0102", (1, 2)),
        (NOTHING, "", None),
        (Enum(U8, s.Colour), "02", s.Colour.GREEN),
        (Enum(U8, s.Colour), "09", 9),
    ],
)
def test_value(layout, octets, value):
    """Each node has one value for given octets, and gives canonical octets back."""
    found = parse(layout, octets)
    assert found == value
    assert type(found) is type(value)
    again = ReferenceEngine(layout).build(value)
    assert ReferenceEngine(layout).parse(again) == value


@pytest.mark.parametrize(
    ("layout", "octets"),
    [
        (U8, ""),
        (U8, "0000"),
        (Bcd(1), "1A"),
        (Bcd(1, also="A"), "1B"),
        (AXDR_LENGTH, "80"),
        (AXDR_LENGTH, "850000000001"),
        (AXDR_LENGTH, "8201"),
        (Maybe(U8), "02"),
        (Tagged(0xA5, U8), "A5020708"),
        (Tagged(0xA5, U8), "A60107"),
        (Enum(U8, s.Colour, closed=True), "09"),
        (Many(AXDR_LENGTH, U32), "8400FFFFFF00000000"),
        (Many(REST, NOTHING), "00"),
        (Many(U32, NOTHING), "FFFFFFFF"),
        (s.Flags, ""),
        (s.Choices, "00"),
    ],
)
def test_malformed(layout, octets):
    """Octets that break a rule of their node are refused with the documented error, and nothing else is raised."""
    with pytest.raises(MalformedError) as caught:
        parse(layout, octets, 2017)
    assert type(caught.value) is MalformedError


@pytest.mark.parametrize(
    ("layout", "value"),
    [
        (U8, 256),
        (U8, "1"),
        (UInt(3), -1),
        (Octets(2), b"1"),
        (Octets(2), 5),
        (Text(2), "ä"),
        (Bcd(1), "123"),
        (Bcd(1), "1a"),
        (BitString(3), "10"),
        (BitString(), "12"),
        (Enum(U8, s.Colour, closed=True), 9),
        (NOTHING, 1),
        (Many(3, U8), (1, 2)),
        (s.Nested, Variant(99, None)),
        (s.Nested, 5),
        (s.Point, s.Flags()),
        (s.Link, s.Link(s.Flags(size=2), b"12", b"")),
        (s.Formatted, s.Formatted(s.Format(), b"\x02", 1, b"")),
        (s.Formatted, s.Formatted(s.Format(), b"\x03", 1, bytes(2040))),
    ],
)
def test_local(layout, value):
    """A value that its layout cannot carry is the caller's mistake, and is called that."""
    with pytest.raises(LocalProtocolError):
        ReferenceEngine(layout).build(value)


def test_link():
    """Sizes are patched before the checks are computed, and a mask hides the body alone."""
    value = s.Link(s.Flags(masked=1, size=1), b"\x01\x02", b"abc")
    engine = ReferenceEngine(s.Link)
    octets = engine.build(value)
    assert octets[:6] == bytes.fromhex("68 0C00 81 0102")
    assert octets[8:11] == bytes.fromhex("949596")
    assert octets[-1] == 0x16
    assert len(octets) == 14
    assert engine.parse(octets) == value


@pytest.mark.parametrize("at", [6, 12])
def test_check_fails(at):
    """Only a check that does not match is a ChecksumError; its path names the check."""
    engine = ReferenceEngine(s.Link)
    octets = bytearray(engine.build(s.Link(s.Flags(size=1), b"\x01\x02", b"abc")))
    octets[at] ^= 1
    with pytest.raises(ChecksumError) as caught:
        engine.parse(bytes(octets))
    assert caught.value.path in ("hcs", "fcs")


def test_size_in_bit_field():
    """The part called size is patched over the value that the caller gave; the header check guards octets."""
    engine = ReferenceEngine(s.Formatted)
    octets = engine.build(s.Formatted(s.Format(segmented=1), b"\x02\x05", 0x13, b""))
    assert octets[1:3] == bytes.fromhex("A807")
    assert engine.parse(octets).format == s.Format(segmented=1, size=7)
    longer = engine.build(s.Formatted(s.Format(), b"\x02\x05", 0x13, b"abc"))
    assert len(longer) == len(octets) + 2 + 3
    assert engine.parse(longer).information == b"abc"


def test_error_says_where():
    """An error carries the path with indices, and the offset in the octets given, inside a mask too."""
    engine = ReferenceEngine(s.Short)
    inner = s.Inner(1, (s.Point(1, 2), s.Point(3, 4)))
    octets = engine.build(s.Short(inner, None))
    broken = octets[:1] + bytes((7,)) + octets[2:9] + octets[-1:]
    with pytest.raises(MalformedError) as caught:
        engine.parse(broken)
    assert caught.value.path == "body.points[1].y"
    assert caught.value.offset == 8


def test_regions():
    """A size must be filled exactly by its fields and must fit in what is there."""
    engine = ReferenceEngine(s.Short)
    octets = bytearray(engine.build(s.Short(s.Inner(1, ()), None)))
    for size in (0, 1, 3, 255):
        octets[1] = size
        with pytest.raises(MalformedError):
            engine.parse(bytes(octets))


def test_depth():
    """Nesting is refused beyond the limit, whatever the interpreter's own limit is."""
    for depth, good in ((31, True), (32, True), (33, False), (5000, False)):
        octets = bytes.fromhex("0201") * depth + b"\x00"
        if good:
            assert NESTED.build(NESTED.parse(octets)) == octets
        else:
            with pytest.raises(MalformedError):
                NESTED.parse(octets)
    with pytest.raises(MalformedError):
        NESTED.parse(bytes.fromhex("0201") * 5000 + b"\x00", Limits(depth=100_000))


def test_memory():
    """An input buys only so much memory; the budget is the caller's to set."""
    octets = bytes.fromhex("018203E8") + bytes(1000)
    assert len(NESTED.parse(octets).value) == 1000
    with pytest.raises(MalformedError):
        NESTED.parse(octets, Limits(memory_floor=1000))


COMPACT = Described({0: NOTHING, 17: U8, 18: UInt(2)})


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        ("11 02 0708", Compact(Variant(17, None), (Variant(17, 7), Variant(17, 8)))),
        ("11 00", Compact(Variant(17, None), ())),
        ("00 00", Compact(Variant(0, None), ())),
        (
            "02 02 11 01 0002 12 05 07 00010002",
            Compact(
                Variant(2, (Variant(17, None), Variant(1, (2, Variant(18, None))))),
                (Variant(2, (Variant(17, 7), Variant(1, (Variant(18, 1), Variant(18, 2))))),),
            ),
        ),
    ],
)
def test_compact(octets, value):
    """A compact array gives ordinary tagged elements, and is built back from them."""
    engine = ReferenceEngine(COMPACT)
    assert engine.parse(bytes.fromhex(octets)) == value
    assert engine.build(value) == bytes.fromhex(octets)


@pytest.mark.parametrize(
    "octets",
    [
        "12 03 000100",
        "00 01 00",
        "0200 01 00",
        "01FFFF01FFFF00 01 00",
        "63 00",
        "0201" * 40 + "1100",
        "028400FFFFFF11 00",
    ],
)
def test_compact_malformed(octets):
    """A content that its description does not fill exactly is refused, absurd descriptions are refused early."""
    with pytest.raises(MalformedError):
        parse(COMPACT, octets)


@pytest.mark.parametrize(
    "value",
    [
        Compact(Variant(17, None), (Variant(18, 7),)),
        Compact(Variant(1, (2, Variant(17, None))), (Variant(1, (Variant(17, 1),)),)),
        Compact(Variant(0, None), (Variant(0, None),)),
        Compact(Variant(99, None), ()),
        Compact(Variant(17, None), None),
    ],
)
def test_compact_local(value):
    """Elements must be of the described shape."""
    with pytest.raises(LocalProtocolError):
        ReferenceEngine(COMPACT).build(value)


def test_edition():
    """A layout that differs by edition cannot be made without one, nor for an unknown one."""
    for edition in (None, 1999):
        with pytest.raises(TypeError):
            construct_layout(s.Choices, edition)
    with pytest.raises(TypeError):
        construct_layout(Recur("test.Unheard"))


def test_as_construct():
    """What people are given works inside their own construct programs, at any offset, and keeps names and docs."""
    layout = construct_layout(s.Link)
    value = s.Link(s.Flags(size=1), b"\x01\x02", b"abc")
    octets = layout.build(value)
    assert layout.parse(octets) == value
    file = construct.Struct(
        "n" / construct.Int8ub, "links" / construct.Array(2, construct.Prefixed(construct.Int8ub, layout))
    )
    again = file.build({"n": 2, "links": [value, value]})
    assert list(file.parse(again).links) == [value, value]
    row = construct.Struct("point" / construct_layout(s.Point, whole=False), "next" / construct.Int8ub)
    assert row.parse(bytes.fromhex("01000205")).next == 5
    with pytest.raises(construct.ConstructError):
        layout.parse(octets + b"\0")
