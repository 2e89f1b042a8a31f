"""Simple types of A-XDR Data: octets by hand from IEC 61334-6, read and built by both engines."""

import pytest

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.axdr.plain import plain, pretty
from meterwire.protocols.axdr.simple import COMMON_CASES, COMMON_NAMES
from meterwire.protocols.wire.codec import Codec
from meterwire.protocols.wire.nodes import U8, Choice, Variant

BY_HAND = [
    ("00", Variant(0, None)),
    ("0301", Variant(3, True)),
    ("0300", Variant(3, False)),
    ("040B FFE0", Variant(4, "1" * 11)),
    ("0400", Variant(4, "")),
    ("05FFFFFFFE", Variant(5, -2)),
    ("06FFFFFFFE", Variant(6, 0xFFFFFFFE)),
    ("0903 0102FF", Variant(9, b"\x01\x02\xff")),
    ("0A02 4142", Variant(10, "AB")),
    ("0A02 80FF", Variant(10, b"\x80\xff")),
    ("0C03 E4B8AD", Variant(12, "中")),
    ("0F80", Variant(15, -128)),
    ("10FF85", Variant(16, -123)),
    ("11C8", Variant(17, 200)),
    ("12FFFF", Variant(18, 65535)),
    ("14FFFFFFFFFFFFFFFF", Variant(20, -1)),
    ("15FFFFFFFFFFFFFFFF", Variant(21, 2**64 - 1)),
    ("16FF", Variant(22, 255)),
    ("173FC00000", Variant(23, 1.5)),
    ("183FF8000000000000", Variant(24, 1.5)),
]


@pytest.fixture(params=["generated", "construct"])
def simple(request):
    return Codec(Choice(U8, COMMON_CASES, into=Variant), engine_name=request.param)


@pytest.mark.parametrize(("octets", "value"), BY_HAND)
def test_simple_values_both_ways(simple, octets, value):
    """Each simple type is read from, and built to, the octets of the standard."""
    assert simple.parse(bytes.fromhex(octets)) == value
    assert simple.build(value) == bytes.fromhex(octets)


def test_every_common_case_is_exercised():
    """A type that is added to the common cases needs octets by hand and a name."""
    assert {value.tag for _, value in BY_HAND} == set(COMMON_CASES)
    assert set(COMMON_CASES) <= set(COMMON_NAMES)


@pytest.mark.parametrize("octets", ["", "05FFFFFF", "0904 010203", "0A84 FFFFFFFF", "04FF", "07", "0985 0000000001"])
def test_truncated_and_unknown_values_are_malformed(simple, octets):
    """What ends too early, claims more than there is, or has a reserved tag is refused with its place."""
    with pytest.raises(MalformedError) as caught:
        simple.parse(bytes.fromhex(octets))
    assert caught.value.offset <= len(bytes.fromhex(octets))


@pytest.mark.parametrize("value", [Variant(17, 256), Variant(15, 128), Variant(99, 0), Variant(6, "1")])
def test_values_that_do_not_fit_are_the_callers_fault(simple, value):
    """A value that its type cannot carry is never sent cut off."""
    with pytest.raises(LocalProtocolError):
        simple.build(value)


def test_plain_drops_the_tags():
    """A tree becomes lists of ordinary values."""
    tree = Variant(2, (Variant(6, 12), Variant(1, (Variant(9, b"\x01"), Variant(0, None)))))
    assert plain(tree) == [12, [b"\x01", None]]


def test_pretty_names_every_tag():
    """A tree is one line with types, for people; a choice of its own inside is not mistaken for Data."""
    tree = Variant(2, (Variant(6, 12), Variant(9, b"\x01\xff"), Variant(0, None), Variant(10, "A"), Variant(99, 1)))
    expect = "structure{double-long-unsigned 12, octet-string 01FF, null-data, visible-string 'A', tag 99 1}"
    assert pretty(tree) == expect
    assert pretty(Variant(92, Variant(3, (b"\x05",)))) == "tag 92 3 {05}"
