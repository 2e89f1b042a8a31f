"""Drawn values: valid in every layout, small, and varied enough to reach every case."""

import pytest
from hypothesis import HealthCheck, find, given, settings

from meterwire.protocols.wire.nodes import Compact, Variant
from meterwire.protocols.wire.reference import ReferenceEngine
from meterwire.protocols.wire.strategies import DEPTH, values
from tests.protocols.wire import samples as s

QUICK = settings(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize(("layout", "edition"), s.EVERY, ids=lambda x: getattr(x, "__name__", str(x)))
def test_values_are_valid(layout, edition):
    """Every drawn value can be built, and what is read back is the value: references between fields agree."""
    engine = ReferenceEngine(layout, edition)

    @QUICK
    @given(values(layout, edition))
    def check(value):
        assert engine.parse(engine.build(value)) == value

    check()


def nesting(value):
    inner = value.value if isinstance(value, Variant) else None
    return 1 + max(map(nesting, inner), default=0) if isinstance(inner, tuple) else 0


def test_nesting_is_bounded_and_used():
    """Data nests, but only so deep: a strategy that never nests tests nothing, one that always does never ends."""

    @QUICK
    @given(values(s.Nested))
    def check(value):
        assert nesting(value) <= DEPTH + 1

    check()
    assert nesting(find(values(s.Nested), lambda v: nesting(v) >= 2)) >= 2


@pytest.mark.parametrize(
    ("layout", "wanted"),
    [
        (s.Nested, lambda v: isinstance(v.value, Compact) and v.value.elements),
        (s.Link, lambda v: v.flags.masked and v.body and len(v.address) > 4),
        (s.Formatted, lambda v: not v.information),
        (s.Formatted, lambda v: v.format.size > 10),
        (s.Numbers, lambda v: v.colour not in list(s.Colour)),
        (s.Strings, lambda v: isinstance(v.label, bytes)),
        (s.Strings, lambda v: "A" in v.address),
        (s.Lists, lambda v: v.maybe is not None and len(v.by_field) == 3),
        (s.Choices, lambda v: isinstance(v.found, s.Point)),
        (s.Choices, lambda v: v.by_tag.tag not in (1, 2, 7)),
        (s.Short, lambda v: v.more is None and v.body.points),
    ],
)
def test_reach(layout, wanted):
    """The interesting cases of each node are drawn, not only the plain ones."""
    assert wanted(find(values(layout, 2017), wanted, settings=settings(max_examples=2000)))
