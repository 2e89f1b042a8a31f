"""Mutants: they differ, they come back, and often enough they are valid."""

import random

import pytest
from hypothesis import HealthCheck, given, settings

from meterwire.errors import ChecksumError, MalformedError
from meterwire.protocols.wire.codec import Codec
from meterwire.protocols.wire.mutate import Piece, Repair, mutate, restore, tree
from meterwire.protocols.wire.nodes import Variant
from meterwire.protocols.wire.strategies import values
from tests.protocols.wire import samples as s

QUICK = settings(
    max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
EVERY = pytest.mark.parametrize(("layout", "edition"), s.EVERY, ids=lambda x: getattr(x, "__name__", str(x)))


@EVERY
def test_tree_is_complete(layout, edition):
    """The tree of a trace renders to the same octets, and repairing what was not broken changes nothing."""
    codec = Codec(layout, edition, "generated")

    @QUICK
    @given(values(layout, edition))
    def check(value):
        octets = codec.build(value)
        root = tree(octets, codec.trace(octets).spans)
        assert root.render() == octets
        restore(root, Repair.CHECKS)
        assert root.render() == octets

    check()


@EVERY
def test_repair_makes_mutants_valid(layout, edition):
    """At least one repaired mutant in ten is read, or the fields behind sizes and checks would never be tried."""
    codec, counted = Codec(layout, edition, "generated"), {True: 0, False: 0}
    source = random.Random(20)

    @QUICK
    @given(values(layout, edition))
    def check(value):
        octets = codec.build(value)
        spans = codec.trace(octets).spans
        for _ in range(10):
            mutant = mutate(octets, spans, source.randrange)
            counted[not isinstance(codec.attempt(mutant), MalformedError)] += 1

    check()
    assert counted[True] >= (counted[True] + counted[False]) / 10, counted


def traced(layout, value):
    codec = Codec(layout, None, "generated")
    octets = codec.build(value)
    return codec, octets, tree(octets, codec.trace(octets).spans)


def find(root, *names):
    for name in names:
        root = next(child for child in root.children if child.name == name)
    return root


def test_sizes_around_a_change_are_repaired():
    """A longer string inside three levels of lengths moves every one of them, and adds the octet that 128 needs."""
    codec, octets, root = traced(s.Nested, Variant(1, (Variant(2, (Variant(9, b"ab"),)), Variant(17, 1))))
    string = find(root, "[0]", "[0]")
    string.children[-1].octets = bytes(200)
    restore(root, Repair.SIZES)
    assert root.render() != octets
    assert codec.parse(root.render()).value[0].value == (Variant(9, bytes(200)),)


def test_counts_follow_items():
    """An item that was doubled or dropped is counted."""
    codec, _, root = traced(s.Nested, Variant(1, (Variant(17, 1), Variant(17, 2))))
    root.children.append(root.children[-1])
    restore(root, Repair.SIZES)
    assert codec.parse(root.render()).value == (Variant(17, 1), Variant(17, 2), Variant(17, 2))
    del root.children[2:]
    restore(root, Repair.SIZES)
    assert codec.parse(root.render()).value == ()


def test_checks_under_a_mask_are_repaired():
    """A check inside masked octets counts them unmasked, the one outside as they are sent."""
    codec, _, root = traced(s.Short, s.Short(s.Inner(1, (s.Point(1, 2),)), None))
    find(root, "body", "kind").put(b"\x63")
    restore(root, Repair.SIZES)
    assert isinstance(codec.attempt(root.render()), ChecksumError)
    restore(root, Repair.CHECKS)
    assert codec.parse(root.render()).body.kind == 0x63


def test_size_in_bit_field_is_repaired():
    """A size that is a part of a bit field leaves the other parts alone."""
    codec, _, root = traced(s.Formatted, s.Formatted(s.Format(segmented=1), b"\x03", 1, b"ab"))
    find(root, "information").octets = b"abcdef"
    restore(root, Repair.CHECKS)
    found = codec.parse(root.render())
    assert (found.information, found.format.segmented, found.format.size) == (b"abcdef", 1, 14)


def test_conditional_mask_is_seen():
    """Whether octets are masked depends on an earlier field of the same message."""
    for masked in (0, 1):
        _, octets, root = traced(s.Link, s.Link(s.Flags(masked=masked), b"\x01", b"abc"))
        assert find(root, "body").up == (s.UP33 if masked else None)
        assert isinstance(root, Piece)
        assert root.render() == octets


def test_levels():
    """Without repair hardly a mutant of a frame with checks is read; each level of repair lets more through."""
    codec, octets, _ = traced(s.Link, s.Link(s.Flags(masked=1, size=2), b"\x01\x02\x03", b"abcdefgh"))
    spans, passed, unsized = codec.trace(octets).spans, [], []
    for level in Repair:
        source = random.Random(7)
        outcomes = [codec.attempt(mutate(octets, spans, source.randrange, level)) for _ in range(400)]
        passed.append(sum(not isinstance(x, MalformedError) for x in outcomes))
        unsized.append(sum(type(x) is MalformedError for x in outcomes))
    assert passed[0] < 40 < passed[2]
    assert unsized[1] < unsized[0]


def test_same_source_same_mutant():
    """A mutant is reproduced from the seed of its source."""
    codec, octets, _ = traced(s.Link, s.Link(s.Flags(size=2), b"\x01\x02\x03", b"abcdefgh"))
    spans = codec.trace(octets).spans
    first, second = ([mutate(octets, spans, random.Random(i).randrange) for i in range(50)] for _ in range(2))
    assert first == second
    assert len(set(first)) > 25
