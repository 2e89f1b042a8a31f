"""Values of any message or layout as a Hypothesis strategy: small, and valid wherever fields refer to each other.

For tests: Hypothesis is one of their extras, so nothing else imports this module.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, singledispatch
from typing import Any

import msgspec
from hypothesis import strategies as st

from meterwire.protocols.wire.declare import BitsInfo, Field, MessageInfo, bits_info, info
from meterwire.protocols.wire.facts import min_size, resolve, target
from meterwire.protocols.wire.nodes import (
    AxdrLength,
    Bcd,
    BitString,
    Bool,
    Chain,
    Choice,
    Compact,
    Const,
    Described,
    Enum,
    Float,
    Lookup,
    Many,
    Masked,
    Maybe,
    Named,
    Node,
    Nothing,
    Octets,
    Record,
    Recur,
    Ref,
    Rest,
    Size,
    Sized,
    Tagged,
    Text,
    UInt,
    Variant,
    node_of,
)
from meterwire.protocols.wire.reference import ReferenceEngine

DEPTH = 3
"""Levels of layouts that nest in themselves."""
ITEMS = 4
"""Items of a list."""
OCTETS = 20
"""Octets of a string whose length is open."""
_KEYS = 200
"""Keys of a table that are tried."""


def values(layout: Any, edition: int | None = None) -> st.SearchStrategy[Any]:
    """Valid values of a message class, bit field or node, in the edition where the layout differs by edition."""

    @st.composite
    def drawn(draw: st.DrawFn) -> Any:
        return value_of(resolve(layout, edition), _Drawing(draw, edition))

    return drawn()


@dataclass(frozen=True)
class _Wish:
    """Numbers that a later field needs an earlier one to be; a wish that is not firm only makes them likely."""

    numbers: Sequence[int]
    firm: bool


@dataclass(frozen=True)
class _Drawing:
    """Where a value is drawn: the source of choices, levels left, earlier fields, and what later fields need.

    `wishes` has an entry for each path below this value; the empty path is the value itself.
    """

    draw: st.DrawFn
    edition: int | None
    depth: int = DEPTH
    fields: Mapping[str, Any] | None = None
    wishes: Mapping[str, Sequence[_Wish]] | None = None

    def of(self, layout: Any) -> Any:
        """A value of a layout in the same message."""
        return value_of(resolve(layout, self.edition), replace(self, wishes=None))

    def apart(self, layout: Any, depth: int | None = None) -> Any:
        """A value of a layout that sees no field of this message."""
        deep = self.depth if depth is None else depth
        return value_of(resolve(layout, self.edition), replace(self, fields=None, depth=deep))

    def wished(self, name: str) -> dict[str, Sequence[_Wish]]:
        """The wishes for a part of this value."""
        split = ((path.partition("."), w) for path, w in (self.wishes or {}).items())
        return {rest: w for (head, _, rest), w in split if head == name}

    def number(self, low: int, high: int) -> int:
        """A number within bounds, as later fields need it."""
        wishes = (self.wishes or {}).get("", ())
        firm = [w.numbers for w in wishes if w.firm]
        liked = [n for w in wishes if not w.firm for n in w.numbers if low <= n <= high]
        if firm:
            allowed = [n for n in firm[0] if low <= n <= high and all(n in other for other in firm[1:])]
            liked = [n for n in liked if n in allowed]
            return self.draw(st.sampled_from(liked or allowed))
        return self.draw(st.one_of(st.sampled_from(liked), st.integers(low, high)) if liked else st.integers(low, high))

    def refer(self, ref: Ref) -> int:
        """The value of an earlier field."""
        head, *rest = ref.name.split(".")
        found = (self.fields or {})[head]
        for name in rest:
            found = getattr(found, name)
        return int(found) + ref.plus

    def length(self, size: Any, most: int = OCTETS) -> int:
        """Octets or items of something of this size."""
        if isinstance(size, Ref):
            return self.refer(size)
        return self.draw(st.integers(0, most)) if isinstance(size, Rest) else int(size)


@singledispatch
def value_of(node: Node[Any], d: _Drawing) -> Any:
    """A value of one node."""
    del d
    raise TypeError(f"{type(node).__name__} is no node of the vocabulary")


@value_of.register
def _(node: UInt, d: _Drawing) -> int:
    bits = 8 * node.size
    return d.number(-(1 << bits - 1), (1 << bits - 1) - 1) if node.signed else d.number(0, (1 << bits) - 1)


@value_of.register
def _(node: Float, d: _Drawing) -> float:
    return d.draw(st.floats(width=32 if node.size == 4 else 64, allow_nan=False))


@value_of.register
def _(node: Bool, d: _Drawing) -> bool:
    del node
    return bool(d.number(0, 1))


@value_of.register
def _(node: AxdrLength, d: _Drawing) -> int:
    del node
    return d.number(0, (1 << 32) - 1)


@value_of.register
def _(node: Enum, d: _Drawing) -> Any:
    names = {int(member): member for member in node.names}
    known = _Wish(list(names), firm=node.closed)
    wishes = (*(d.wishes or {}).get("", ()), known)
    number = value_of(node.base, replace(d, wishes={"": wishes}))
    return names.get(number, number)


@value_of.register
def _(node: Bcd, d: _Drawing) -> str:
    length = 2 * d.length(node.size, 6)
    return d.draw(st.text("0123456789" + node.also, min_size=length, max_size=length))


@value_of.register
def _(node: Octets, d: _Drawing) -> bytes:
    length = d.length(node.size)
    return d.draw(st.binary(min_size=length, max_size=length))


@value_of.register
def _(node: Chain, d: _Drawing) -> bytes:
    octets = bytearray(d.draw(st.binary(min_size=1, max_size=node.limit)))
    return bytes(octet & 0xFE for octet in octets[:-1]) + bytes((octets[-1] | 1,))


@value_of.register
def _(node: Text, d: _Drawing) -> str | bytes:
    if isinstance(node.size, Rest) and node.encoding == "utf-8" and d.draw(st.booleans()):
        return d.draw(st.text(st.characters(codec="utf-8"), max_size=OCTETS // 4))
    length = d.length(node.size)
    octets = d.draw(st.binary(min_size=length, max_size=length))
    if d.draw(st.integers(0, 7)):
        octets = bytes(octet & 0x7F for octet in octets)
    try:
        return octets.decode(node.encoding)
    except UnicodeDecodeError:
        return octets


@value_of.register
def _(node: BitString, d: _Drawing) -> str:
    least, most = (0, OCTETS) if node.bits is None else (node.bits, node.bits)
    return d.draw(st.text("01", min_size=least, max_size=most))


@value_of.register
def _(node: Nothing, d: _Drawing) -> None:
    """There is one value."""


@value_of.register
def _(node: Const, d: _Drawing) -> bytes:
    del d
    return node.raw


@value_of.register(Sized)
@value_of.register(Masked)
def _(node: Sized[Any] | Masked[Any], d: _Drawing) -> Any:
    return value_of(resolve(node.body, d.edition), d)


@value_of.register(Named)
def _(node: Named[Any], d: _Drawing) -> Any:
    return d.apart(node.body)


@value_of.register
def _(node: Recur, d: _Drawing) -> Any:
    return d.apart(target(node), d.depth - 1)


@value_of.register(Maybe)
@value_of.register(Tagged)
def _(node: Maybe[Any] | Tagged, d: _Drawing) -> Any:
    return d.of(node.body) if d.draw(st.booleans()) else None


@value_of.register
def _(node: Many, d: _Drawing) -> tuple[Any, ...]:
    most = ITEMS if d.depth > 0 else 1
    if isinstance(node.count, Node):
        declared = resolve(node.count, d.edition)
        count = value_of(declared, replace(d, wishes={"": [_Wish(range(most + 1), firm=True)]}))
    else:
        count = d.length(node.count, most)
    return tuple([d.of(node.item) for _ in range(count)])


@value_of.register
def _(node: Lookup, d: _Drawing) -> Any:
    layout = node.table.get(d.refer(node.key))
    return d.apart(node.default if layout is None else layout)


@value_of.register
def _(node: Choice, d: _Drawing) -> Any:
    if isinstance(node.tag, Ref):
        tag: Any = d.refer(node.tag)
    else:
        tags = _flat_tags(node, d.edition) if d.depth < 1 else tuple(node.cases)
        tag = d.draw(st.sampled_from(tags))
        if node.default is not None and d.draw(st.integers(0, 3)) == 0:
            tag = value_of(resolve(node.tag, d.edition), replace(d, wishes=None))
        tag = _as_read(resolve(node.tag, d.edition), tag)
    value = d.of(node.cases.get(tag, node.default))
    return value if node.into is None else node.into(tag, value)


def _as_read(node: Node[Any], tag: Any) -> Any:
    """A tag in the form that reading gives it; the keys of cases may be written as names or as numbers."""
    if isinstance(node, Enum):
        return next((member for member in node.names if member == tag), int(tag))
    held = bits_info(node.cls) if isinstance(node, Record) else None
    return int(tag) if held is None else node.cls.of(int(tag))  # type: ignore[attr-defined]


@cache
def _flat_tags(node: Choice, edition: int | None) -> tuple[Any, ...]:
    """The cases that do not nest, all of them where each does."""
    flat = [tag for tag, case in node.cases.items() if not _nests(case, edition)]
    return tuple(flat or node.cases)


def _nests(layout: Any, edition: int | None, level: int = 0) -> bool:
    node = resolve(layout, edition)
    if isinstance(node, (Recur, Described)) or level > 8:
        return True
    declared = info(node.cls) if isinstance(node, Record) else None
    if declared is not None:
        return any(_nests(f.node, edition, level + 1) for f in declared.fields)
    if isinstance(node, Choice):
        return all(_nests(case, edition, level + 1) for case in node.cases.values())
    inner = getattr(node, "item", None) or getattr(node, "body", None)
    return inner is not None and _nests(inner, edition, level + 1)


# ------------------------------------------------------------------ messages and bit fields


@value_of.register(Record)
def _(node: Record[Any], d: _Drawing) -> Any:
    held, declared = bits_info(node.cls), info(node.cls)
    if held is not None:
        return _bits(node.cls, held, d)
    assert declared is not None
    drawn: dict[str, Any] = {}
    for place, f in enumerate(declared.fields):
        if not f.derived:
            wishes = _merged(d.wished(f.name), _later(declared, place, d.edition))
            layout = resolve(f.node.base if isinstance(f.node, Size) else f.node, d.edition)
            drawn[f.name] = value_of(layout, replace(d, fields=drawn, wishes=wishes))
    return _with_sizes(node.cls, declared, drawn, d.edition)


def _bits(cls: Any, held: BitsInfo, d: _Drawing) -> Any:
    raw = d.number(0, (1 << 8 * held.base.size) - 1)
    for part in held.parts:
        wishes = d.wished(part.name)
        if wishes or part.fixed:
            number = part.default if part.fixed else replace(d, wishes=wishes).number(0, part.mask)
            raw = raw & ~(part.mask << part.shift) | number << part.shift
    return cls.of(raw)


def _with_sizes(cls: Any, declared: MessageInfo, drawn: dict[str, Any], edition: int | None) -> Any:
    """The message; where a size is a part of a bit field, with the number that building will put there."""
    value = cls(**drawn)
    measured = [f.name for f in declared.fields if isinstance(f.node, Size) and not f.derived]
    if not measured:
        return value
    engine = _engine(cls, edition)
    built = engine.parse(engine.build(value))
    return msgspec.structs.replace(value, **{name: getattr(built, name) for name in measured})


@cache
def _engine(cls: Any, edition: int | None) -> ReferenceEngine:
    return ReferenceEngine(cls, edition)


def _merged(*maps: Mapping[str, Sequence[_Wish]]) -> dict[str, Sequence[_Wish]]:
    paths = {path for wishes in maps for path in wishes}
    return {path: [w for wishes in maps for w in wishes.get(path, ())] for path in paths}


@cache
def _later(declared: MessageInfo, place: int, edition: int | None) -> Mapping[str, Sequence[_Wish]]:
    """What the fields behind this one need it to be, by path below it."""
    name = declared.fields[place].name
    found: dict[str, list[_Wish]] = {}
    for ref, wish in _references(declared.fields[place + 1 :], edition):
        head, _, path = ref.name.partition(".")
        if head == name:
            found.setdefault(path, []).append(wish)
    return found


def _references(fields: Sequence[Field], edition: int | None) -> Iterator[tuple[Ref, _Wish]]:
    for f in fields:
        yield from _wishes(resolve(f.node, edition), edition)


def _wishes(node: Node[Any], edition: int | None) -> Iterator[tuple[Ref, _Wish]]:
    """The references of a layout to fields of the message that it stands in."""
    for size, most in ((getattr(node, "size", None), OCTETS), (getattr(node, "count", None), ITEMS)):
        if isinstance(size, Ref):
            yield size, _Wish(range(-size.plus, most + 1 - size.plus), firm=True)
    if isinstance(node, Choice) and isinstance(node.tag, Ref):
        yield node.tag, _Wish([tag - node.tag.plus for tag in node.cases], firm=node.default is None)
    if isinstance(node, Lookup):
        keys = list(itertools.islice(node.table, _KEYS)) if hasattr(node.table, "__iter__") else []
        yield node.key, _Wish([key - node.key.plus for key in keys], firm=False)
    for inner in _inside(node):
        yield from _wishes(resolve(inner, edition), edition)


def _inside(node: Node[Any]) -> list[Any]:
    """Layouts that see the fields of the same message."""
    if isinstance(node, Choice):
        return [*node.cases.values(), *([] if node.default is None else [node.default])]
    if isinstance(node, Many):
        return [node.item]
    return [node.body] if isinstance(node, (Sized, Maybe, Tagged, Masked)) else []


# ------------------------------------------------------------------ compact arrays


@value_of.register
def _(node: Described, d: _Drawing) -> Compact:
    description = _description(node, d, 2)
    most = ITEMS if _takes_octets(node, description, d.edition) else 0
    count = d.draw(st.integers(0, most))
    return Compact(description, tuple([_element(node, description, d) for _ in range(count)]))


def _description(node: Described, d: _Drawing, depth: int) -> Variant:
    tags = [int(tag) for tag in (*node.cases, *((node.array, node.structure) if depth else ()))]
    tag = d.draw(st.sampled_from(tags))
    if depth and tag == node.array:
        return Variant(tag, (d.draw(st.integers(0, ITEMS)), _description(node, d, depth - 1)))
    if depth and tag == node.structure:
        members = [_description(node, d, depth - 1) for _ in range(d.draw(st.integers(0, ITEMS)))]
        return Variant(tag, tuple(members))
    return Variant(tag, None)


def _members(node: Described, description: Variant) -> Sequence[Variant]:
    if description.tag == node.array:
        count, inner = description.value
        return [inner] * int(count)
    members: Sequence[Variant] = description.value
    return members


def _takes_octets(node: Described, description: Variant, edition: int | None) -> bool:
    if description.value is None:
        return min_size(node.cases[description.tag], edition) > 0
    return any(_takes_octets(node, member, edition) for member in _members(node, description))


def _element(node: Described, description: Variant, d: _Drawing) -> Variant:
    if description.value is None:
        return Variant(description.tag, d.apart(node_of(node.cases[description.tag])))
    return Variant(description.tag, tuple([_element(node, m, d) for m in _members(node, description)]))
