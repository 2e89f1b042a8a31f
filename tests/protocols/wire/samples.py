"""Messages that together use every node of the vocabulary, for the tests of the readers; none is a real protocol's."""

import enum

from meterwire.protocols.wire.checks import UP33, crc_x25, sum8
from meterwire.protocols.wire.declare import bits, field, hidden, message, named, part
from meterwire.protocols.wire.nodes import (
    AXDR_LENGTH,
    I8,
    I16,
    I64,
    NOTHING,
    REST,
    U8,
    U16,
    U16L,
    U24,
    U32,
    U32L,
    U64,
    Bcd,
    BitString,
    Bool,
    ByEdition,
    Chain,
    Check,
    Choice,
    Const,
    Described,
    Enum,
    Float,
    Lookup,
    Many,
    Masked,
    Maybe,
    Octets,
    Recur,
    Ref,
    Size,
    Sized,
    Tagged,
    Text,
    UInt,
    Variant,
)


class Colour(enum.IntEnum):
    RED = 1
    GREEN = 2
    BLUE = 200


@bits(U8)
class Flags:
    """One octet of parts."""

    masked: int = part(1, "whether the body is masked")
    kind: int = part(2, "what the body is", names=Colour)
    spare: int = part(2, "nothing")
    size: int = part(3, "octets of the address, less one")


@bits(U16)
class Format:
    """A format field that holds a size."""

    type: int = part(4, "type", default=10, fixed=True)
    segmented: int = part(1, "more follows")
    size: int = part(11, "octets of the frame")


@bits(UInt(3, "<"))
class Wide:
    """Three octets of parts, low octet first."""

    high: int = part(12, "the high half")
    low: int = part(12, "the low half")


@message(cite="a, 1", registered=False)
class Numbers:
    """Every way of writing a number."""

    u8: int = field(U8, "1")
    u16: int = field(U16, "2")
    u16l: int = field(U16L, "2, low octet first")
    u24: int = field(U24, "3")
    u24l: int = field(UInt(3, "<", signed=True), "3, low octet first, signed")
    u32: int = field(U32, "4")
    u32l: int = field(U32L, "4, low octet first")
    u40: int = field(UInt(5), "5")
    u64: int = field(U64, "8")
    i8: int = field(I8, "1, signed")
    i16: int = field(I16, "2, signed")
    i64: int = field(I64, "8, signed")
    f32: float = field(Float(4), "float")
    f64: float = field(Float(8, "<"), "double, low octet first")
    truth: bool = field(Bool(), "bool")
    loud: bool = field(Bool(0xFF), "bool sent as FFH")
    wide: Wide = field(Wide, "bits of three octets")
    colour: int = field(Enum(U8, Colour), "open enumeration")
    strict: Colour = field(Enum(U16L, Colour, closed=True), "closed enumeration")


@message(cite="a, 2", registered=False)
class Strings:
    """Every way of writing octets."""

    address: str = field(Bcd(3, also="A"), "digits")
    date: str = field(Bcd(2, ">"), "digits, high first")
    raw: bytes = field(Octets(4), "octets")
    name: str | bytes = field(Text(5), "text")
    fixed_bits: str = field(BitString(11), "eleven bits")
    open_bits: str = field(BitString(), "bits")
    way: bytes = field(Chain(4), "chained octets")
    length: int = field(AXDR_LENGTH, "a length")
    label: str | bytes = field(Sized(AXDR_LENGTH, Text(REST, "utf-8")), "text with a length")
    digits: str = field(Sized(U8, Bcd(REST)), "digits with a length")
    rest: bytes = field(Octets(REST), "the rest")


@message(cite="a, 3", registered=False)
class Point:
    """A pair."""

    x: int = field(U8, "x")
    y: int = field(I16, "y")


@message(cite="a, 4", registered=False)
class Link:
    """A frame with address of variable length, masked body, two checks and a size over nearly all."""

    start = hidden(Const(b"\x68"), "start")
    length = hidden(Size(U16L, "length", "fcs"), "length")
    flags: Flags = field(Flags, "flags")
    address: bytes = field(Octets(Ref("flags.size", plus=1)), "address")
    hcs = hidden(Check(U16L, crc_x25, "length"), "header check")
    body: bytes = field(Masked(UP33, Octets(REST), when=Ref("flags.masked")), "body")
    fcs = hidden(Check(U16L, crc_x25, "length"), "frame check")
    end = hidden(Const(b"\x16"), "end")


@message(cite="a, 5", registered=False)
class Formatted:
    """A frame whose size is a part of a bit field, with a header check that stands only before octets."""

    opening = hidden(Const(b"\x7e"), "flag")
    format: Format = field(Size(Format, "format", "fcs"), "format")
    target: bytes = field(Chain(4), "target")
    control: int = field(U8, "control")
    hcs = hidden(Check(U16L, crc_x25, "format", guards="information"), "header check")
    information: bytes = field(Octets(REST), "information")
    fcs = hidden(Check(U16L, crc_x25, "format"), "frame check")
    closing = hidden(Const(b"\x7e"), "flag")


@message(cite="a, 6", registered=False)
class Inner:
    """What is masked: a check over its own octets, then points."""

    kind: int = field(U8, "kind")
    sum = hidden(Check(U8, sum8, "kind"), "sum")
    points: tuple[Point, ...] = field(Many(REST, Point), "points")


@message(cite="a, 7", registered=False)
class Short:
    """A small frame around a masked message, with a fixed tail behind it."""

    start = hidden(Const(b"\x68"), "start")
    length = hidden(Size(U8, "body", plus=0), "length")
    body: Inner = field(Masked(UP33, Inner), "body")
    more: int | None = field(Tagged(0xA5, U16), "optional element")
    checksum = hidden(Check(U8, sum8, "start"), "sum")


_data = {
    0: NOTHING,
    1: Many(AXDR_LENGTH, Recur("test.Nested")),
    2: Many(AXDR_LENGTH, Recur("test.Nested")),
    3: Bool(),
    4: BitString(),
    9: Sized(AXDR_LENGTH, Octets(REST)),
    10: Sized(AXDR_LENGTH, Text(REST)),
    15: I8,
    17: U8,
    18: U16,
    19: Described({0: NOTHING, 9: Sized(AXDR_LENGTH, Octets(REST)), 15: I8, 18: U16, 24: Float(8)}),
    24: Float(8),
    25: Point,
}
Nested = named("test.Nested", Choice(U8, _data, into=Variant), doc="Data that nests in itself.", cite="a, 8")


@message(cite="a, 9", registered=False)
class Lists:
    """Every way of counting."""

    count: int = field(U8, "count")
    by_field: tuple[int, ...] = field(Many(Ref("count"), U16), "as many as count says")
    more: tuple[int, ...] = field(Many(Ref("count", plus=1), U8), "one more")
    by_length: tuple[Point, ...] = field(Many(AXDR_LENGTH, Point), "with a count in front")
    three: tuple[int, ...] = field(Many(3, U8), "three")
    empty: tuple[None, ...] = field(Many(U8, NOTHING), "nothings")
    boxed: tuple[int, ...] = field(Sized(U16, Many(REST, U24)), "to the end of a size")
    maybe: Point | None = field(Maybe(Point), "optional")
    rest: tuple[Variant, ...] = field(Many(REST, Nested), "to the end")


@message(cite="a, 10", registered=False)
class Choices:
    """Every way of choosing."""

    key: int = field(U8, "key")
    by_tag: Variant = field(Choice(U8, {1: U8, 2: Point, 7: NOTHING}, into=Variant, default=U32), "by tag, or 4 octets")
    by_type: object = field(Choice(U16, {1: Point, 0x102: Link}), "by the type of the value")
    by_field: object = field(Choice(Ref("key"), {0: U8, 1: Octets(2)}, default=NOTHING), "by an earlier field")
    tagged: Variant = field(
        Choice(Ref("key", plus=1), {1: U8}, into=Variant, default=U16), "by the field, with its tag"
    )
    edition: object = field(ByEdition({2017: U8, 2021: Point}), "by edition")
    found: object = field(Lookup(Ref("key"), {0: U16, 1: Point, 2: Sized(U8, Octets(REST))}, Octets(REST)), "by table")
    tail = hidden(Const(b"\x16\x16"), "tail")


@message(cite="a, 11", registered=False)
class Signs:
    """Counts and lengths that can say less than nothing."""

    count: int = field(U8, "count")
    fewer: tuple[int, ...] = field(Many(Ref("count", plus=-2), U8), "two less than count says")
    nothings: tuple[None, ...] = field(Many(I8, NOTHING), "a signed count")
    octets: bytes = field(Sized(I16, Octets(REST)), "a signed length")
    numbers: tuple[int, ...] = field(Sized(I8, Many(REST, U8)), "another")


EVERY = [
    (Numbers, None),
    (Strings, None),
    (Link, None),
    (Formatted, None),
    (Short, None),
    (Nested, None),
    (Lists, None),
    (Signs, None),
    (Choices, 2017),
    (Choices, 2021),
]
"""Every sample with an edition to read it in."""
