"""Both engines agree on every node of the vocabulary, on octets and on values, right and wrong."""

import pytest

from meterwire.protocols.wire.nodes import I64, Bcd, BitString, Octets, Text, UInt
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
