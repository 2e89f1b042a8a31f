"""The generated engine against construct: one declaration, two independent readers, no difference.

Used by the tests of every registered message and of the samples; `python -m tests.protocols.wire.differential NAME`
tries one registered message for longer.
"""

import random
import sys
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.wire.codec import Codec
from meterwire.protocols.wire.declare import REGISTRY, info
from meterwire.protocols.wire.facts import target
from meterwire.protocols.wire.mutate import Repair, mutate
from meterwire.protocols.wire.nodes import ByEdition, Node, Record, Recur
from meterwire.protocols.wire.strategies import values

ODD = (None, -1, 1 << 70, 1.5, "zz", b"\x00\x01\x02", (), ("a",), object())
"""Members that hardly any layout carries."""
AMBIGUOUS = ("GetRequestSimplified", "GetResponseSimplified", "ReportSimplified", "ReceiptSimplified")
"""Messages of unknown content (DL/T 698.45, revision of 2021) that take what stands behind them in another message."""
MUTANTS = 6
CUTS = 3


def editions(layout):
    """The editions in which a layout differs, [None] where it never does."""
    found, seen, todo = set(), set(), [layout]
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, ByEdition):
            found |= set(node.cases)
        todo += inside(node)
    return sorted(found) or [None]


def inside(node):
    """All layouts directly inside one."""
    if isinstance(node, Recur):
        return [target(node)]
    declared = info(node.cls if isinstance(node, Record) else node)
    if declared is not None:
        return [f.node for f in declared.fields]
    if not isinstance(node, Node):
        return []
    cases = getattr(node, "cases", None) or getattr(node, "table", None) or {}
    named = list(cases.values()) if hasattr(cases, "values") else []
    kept = [getattr(node, name, None) for name in ("body", "item", "default", "tag", "count", "length", "base")]
    return [x for x in named + kept if isinstance(x, Node) or info(x) is not None]


def same(one, other):
    """Equal in value and in type all the way down; not-a-number equals itself."""
    return repr(one) == repr(other)


class Pair:
    """Both engines for one layout, and what came of the octets they were shown."""

    def __init__(self, layout, edition):
        self.generated = Codec(layout, edition, "generated")
        self.reference = Codec(layout, edition, "construct")
        self.counted = Counter()

    def read(self, octets):
        """What both make of octets; a difference in value or class of error fails."""
        one, other = self.generated.attempt(octets), self.reference.attempt(octets)
        if isinstance(one, MalformedError) or isinstance(other, MalformedError):
            assert type(one) is type(other), (octets.hex(), one, other)
        else:
            assert same(one, other), (octets.hex(), one, other)
        trace = self.generated.trace(octets)
        assert same(trace.value, None if isinstance(one, MalformedError) else one), octets.hex()
        assert type(trace.error) is (type(one) if isinstance(one, MalformedError) else type(None)), octets.hex()
        return one

    def build(self, value):
        """The octets that both make of a value, None where both refuse it."""
        built = []
        for codec in (self.generated, self.reference):
            try:
                built.append(codec.build(value))
            except LocalProtocolError:
                built.append(None)
        assert built[0] == built[1], (value, built)
        return built[0]

    def check_valid(self, value):
        """A valid value comes back from its octets; gives the octets."""
        octets = self.build(value)
        assert octets is not None, (value, self.generated.build(value))
        found = self.read(octets)
        if not any(f"{name}(" in repr(value) for name in AMBIGUOUS):
            assert same(found, value), (octets.hex(), found, value)
        return octets

    def check_mutants(self, octets, source):
        """Octets that are nearly right: what is accepted is built and read again."""
        spans = self.generated.trace(octets).spans
        for n in range(MUTANTS):
            mutant = mutate(octets, spans, source.randrange, Repair(n % 3) if n < 3 else Repair.CHECKS)
            found = self.read(mutant)
            self.counted["refused" if isinstance(found, MalformedError) else "accepted"] += 1
            if not isinstance(found, MalformedError):
                again = self.build(found)
                assert again is not None, (mutant.hex(), found)
                self.read(again)

    def check_cuts(self, octets, source):
        """Octets cut short, and with one more."""
        for _ in range(min(CUTS, len(octets))):
            self.read(octets[: source.randrange(len(octets))])
        self.read(octets + bytes((source.randrange(256),)))

    def check_odd(self, value, source):
        """A value with a member that does not belong: octets or a LocalProtocolError, from both, nothing else."""
        names = getattr(value, "__struct_fields__", ())
        members = {name: getattr(value, name) for name in names}
        if names:
            members[names[source.randrange(len(names))]] = ODD[source.randrange(len(ODD))]
        odd = type(value)(**members) if names else ODD[source.randrange(len(ODD))]
        for codec in (self.generated, self.reference):
            try:
                codec.build(odd)
            except LocalProtocolError:
                self.counted["odd refused"] += 1


def check_message(layout, edition=None, examples=40):
    """Assert that both engines agree on valid, mutated and truncated octets, and on values that do not fit.

    At least one mutant in ten must have been accepted, or the comparison would say little; gives the counts.
    """
    pair = Pair(layout, edition)

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(values(layout, edition), st.integers(0, 2**32 - 1))
    def check(value, seed):
        source = random.Random(seed)
        octets = pair.check_valid(value)
        if octets:
            pair.check_mutants(octets, source)
        pair.check_cuts(octets, source)
        pair.check_odd(value, source)

    check()
    tried = pair.counted["accepted"] + pair.counted["refused"]
    print(f"{pair.generated.name} {edition or ''}: {dict(pair.counted)}")
    assert pair.counted["accepted"] * 10 >= tried, (pair.generated.name, edition, pair.counted)
    return pair.counted


def load_registry():
    """Import every protocol, so that all messages are registered; gives those that are not the tests' own."""
    import importlib
    import pkgutil

    import meterwire.protocols

    for module in pkgutil.walk_packages(meterwire.protocols.__path__, "meterwire.protocols."):
        importlib.import_module(module.name)
    return {name: layout for name, layout in sorted(REGISTRY.items()) if not name.startswith("test.")}


if __name__ == "__main__":
    for chosen in sys.argv[1:]:
        for year in editions(load_registry()[chosen]):
            check_message(REGISTRY[chosen], year, examples=5000)
