"""Documentation from the declaration: complete, and valid as a table."""

import pytest

from meterwire.protocols.wire.checks import UP33
from meterwire.protocols.wire.declare import info
from meterwire.protocols.wire.markdown import markdown, words
from meterwire.protocols.wire.nodes import REST, U8, Bcd, ByEdition, Enum, Masked, Octets, Ref, Size, Tagged, UInt
from tests.protocols.wire import samples as s


def rows(text):
    return [line for line in text.splitlines() if line.startswith("|")]


def test_table_of_a_message():
    """The table reads like the standard's: octets, field, layout, meaning; sizes, checks and masks in words."""
    text = markdown(s.Link)
    assert text.startswith("## tests.Link\n\nA frame with address of variable length")
    assert "Source: a, 4." in text
    assert "| 1 | `start` | 68H | start |  |" in text
    assert "| `flags.size` + 1 | `address` | `flags.size` + 1 octets | address |  |" in text
    assert "| 2 | `length` | unsigned 16 bits, low octet first: octets of `length` to `fcs` | length |  |" in text
    assert "CRC-16/X-25 over the octets from `length` to here" in text
    assert "33H added to each octet where `flags.masked` is set" in text


def test_bit_fields_have_tables():
    """A bit field is shown where it is used, highest bits first, with the names of its values."""
    text = markdown(s.Link)
    assert "### tests.Flags" in text
    assert "| 7 | `masked` |  | whether the body is masked |" in text
    assert "| 6 to 5 | `kind` | 1 red, 2 green, 200 blue | what the body is |" in text
    assert markdown(s.Flags).startswith("## tests.Flags")


@pytest.mark.parametrize(("layout", "edition"), s.EVERY)
def test_every_field_and_case_is_there(layout, edition):
    """No field is forgotten, no cell breaks the table, every node has words."""
    text = markdown(layout, edition)
    declared = info(layout)
    for f in declared.fields if declared else ():
        assert f"`{f.name}`" in text
        assert f.doc in text
    widths, heading = set(), ""
    for line in text.splitlines():
        if line.startswith("|"):
            widths.add((heading, line.replace("\\|", "").count("|")))
        elif line:
            heading = line
    assert len(widths) == len({heading for heading, _ in widths})


def test_cases_of_nested_data():
    """The cases of a choice are a table of their own, tags in decimal and hexadecimal."""
    text = markdown(s.Nested)
    assert "| 17 (11H) | unsigned 8 bits |" in text
    assert "| 1 (01H) | count (A-XDR), then each: test.Nested |" in text
    assert len(rows(text)) == 2 + 13


def test_editions():
    """Without an edition both layouts are told, with one only that."""
    assert "2017: unsigned 8 bits; 2021: tests.Point" in markdown(s.Choices)
    assert "2021" not in markdown(s.Choices, 2017)


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (UInt(3, "<", signed=True), "signed 24 bits, low octet first"),
        (Bcd(2, ">", also="AF"), "BCD, 2 octets, high octet first, also A, F"),
        (Masked(UP33, U8), "unsigned 8 bits; 33H added to each octet"),
        (Masked(bytes(range(255, -1, -1)), U8), "unsigned 8 bits; octets mapped"),
        (Enum(U8, s.Colour, closed=True), "only 1 red, 2 green, 200 blue (unsigned 8 bits)"),
        (Tagged(0xA5, Octets(REST)), "optional, tag A5H, length, then octets to the end"),
        (Size(s.Format, "a", "b", plus=2), "tests.Format, its part `size`: octets of `a` to `b`, less 2"),
        (Octets(Ref("n", plus=-1)), "`n` - 1 octets"),
        (ByEdition({1: U8, 2: Octets(2)}), "1: unsigned 8 bits; 2: 2 octets"),
    ],
)
def test_words(node, said):
    """A layout in words says all that its node says."""
    assert words(node) == said
