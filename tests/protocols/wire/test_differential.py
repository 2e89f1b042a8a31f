"""Both engines agree on every node of the vocabulary, on octets and on values, right and wrong."""

import pytest

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.services.common import PiidAcd, ResultNormal
from meterwire.protocols.dlt69845.services.get import GetResponseNormalList
from meterwire.protocols.wire.codec import Codec
from meterwire.protocols.wire.nodes import I64, U8, U16, Bcd, BitString, Enum, Maybe, Octets, Text, UInt, Variant
from tests.protocols.wire import samples as s
from tests.protocols.wire.differential import Pair, check_message, editions


@pytest.mark.parametrize(("layout", "edition"), s.EVERY, ids=lambda x: getattr(x, "__name__", str(x)))
def test_samples(layout, edition):
    """Generated and construct readers and builders give the same for all that a declaration can say."""
    check_message(layout, edition, examples=150)


@pytest.mark.parametrize("node", [I64, UInt(6, "<"), Bcd(2, also="F"), Octets(3), Text(3), BitString(9)])
def test_bare_nodes(node):
    """A layout need not be a message."""
    check_message(node, examples=30)


def test_editions_are_found():
    """A layout is tried in each edition that it mentions, however deep."""
    assert editions(s.Choices) == [2017, 2021]
    assert editions(s.Nested) == [None]


@pytest.mark.parametrize("octets", ["", "00", "01", "0182FFFF", "0184FFFFFFFF", "1301FFFF01FFFF0001FF", "0201" * 40])
def test_hostile(octets):
    """Absurd counts and depths end alike, and early."""
    Pair(s.Nested, None).read(bytes.fromhex(octets) + bytes(100))


@pytest.mark.parametrize(
    ("head", "level", "tail"), [("", "0201", "00"), ("13", "0201", "12 00"), ("13", "010000", "12 00")]
)
def test_depth(head, level, tail):
    """Both readers refuse the same level of nesting, in data and in type descriptions."""
    pair = Pair(s.Nested, None)
    for levels in (30, 32, 33, 40):
        found = pair.read(bytes.fromhex(head + level * levels + tail))
        assert isinstance(found, MalformedError) == (levels > 32)


@pytest.mark.parametrize(("count", "good"), [(16911, True), (16912, False)])
def test_memory(count, good):
    """Both readers stop at the same item when the memory that the octets are worth is spent."""
    found = Pair(s.Nested, None).read(b"\x01\x82" + count.to_bytes(2, "big") + bytes(count))
    assert isinstance(found, MalformedError) is not good


def test_every_length_octet():
    """Both readers agree on every first octet of a length, before every number of octets that it may announce."""
    pair = Pair(s.Nested, None)
    for first in range(128, 256):
        for octets in range(6):
            pair.read(bytes((9, first)) + (5).to_bytes(octets or 1, "big")[: octets or 0] + bytes(5))


def test_every_presence_octet():
    """An optional body stands behind 01H, nothing behind 00H, and there is no third."""
    pair = Pair(Maybe(U8), None)
    good = [p for p in range(256) if not isinstance(pair.read(bytes((p, 7))), MalformedError)]
    gone = [p for p in range(256) if not isinstance(pair.read(bytes((p,))), MalformedError)]
    assert (good, gone) == ([1], [0])


@pytest.mark.parametrize("octets", ["01", "0001", "02FF", "0200FFFF", "02008000", "02000000FF", "0200000080"])
def test_less_than_nothing(octets):
    """A count or length below zero is refused, whatever stands behind it."""
    assert isinstance(Pair(s.Signs, None).read(bytes.fromhex(octets) + bytes(3)), MalformedError)


@pytest.mark.parametrize(
    ("layout", "value"),
    [
        (Enum(U8, s.Colour, closed=True), 9),
        (Enum(U16, s.Colour, closed=True), 9),
        (s.Format, s.Format(type=3)),
        (s.Formatted, s.Formatted(s.Format(type=3), b"\x03", 1, b"")),
        (s.Link, s.Link(s.Flags(size=1), b"1", b"")),
        (Bcd(1, also="F"), "1a"),
        (BitString(3), "12"),
    ],
)
def test_what_could_not_be_read_is_not_built(layout, value):
    """Both engines refuse to build what both would refuse to read."""
    assert Pair(layout, None).build(value) is None


@pytest.mark.parametrize("engine", ["generated", "construct"])
def test_a_message_that_was_built_before_stands_for_itself_and_for_nothing_else(engine):
    """A response is made of results whose sizes had to be known: built once, the octets must be those built anew."""
    oad = Oad(0x0010, 2, 0)
    result = ResultNormal(oad, Variant(1, Variant(1, (Variant(6, 1), Variant(6, 2)))))
    octets, prepared = Codec(ResultNormal, 2021, engine).prepared(result)
    assert octets == Codec(ResultNormal, 2021, engine).build(result)
    lists = Codec(GetResponseNormalList, 2021, engine)
    assert lists.build(GetResponseNormalList(PiidAcd(), (prepared, result))) == lists.build(
        GetResponseNormalList(PiidAcd(), (result, result))
    )
    for wrong in (Codec(Oad, 2021, engine).prepared(oad)[1], Codec(Oad, 2017, engine).prepared(oad)[1]):
        with pytest.raises(LocalProtocolError):
            lists.build(GetResponseNormalList(PiidAcd(), (wrong,)))
    if engine == "generated":  # the other edition may say the same otherwise
        with pytest.raises(LocalProtocolError):
            Codec(GetResponseNormalList, 2017).build(GetResponseNormalList(PiidAcd(), (prepared,)))
