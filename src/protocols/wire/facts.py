"""What can be known of a layout before any octet is seen: widths, smallest sizes, regions, where its end matters."""

from __future__ import annotations

import struct
from typing import Any

from meterwire.protocols.wire.declare import REGISTRY, Field, MessageInfo, bits_info, info
from meterwire.protocols.wire.nodes import (
    AxdrLength,
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
    Named,
    Node,
    Octets,
    Record,
    Recur,
    Rest,
    Size,
    Sized,
    Tagged,
    Text,
    UInt,
    node_of,
)

_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
_NEUTRAL = "="
_DEEP = 8


def resolve(node: Any, edition: int | None) -> Node[Any]:
    """The node itself, with the layout of this edition where it differs by edition."""
    made = node_of(node)
    while isinstance(made, ByEdition):
        if edition is None or edition not in made.cases:
            raise TypeError(f"the layout differs by edition: choose one of {sorted(made.cases)}")
        made = node_of(made.cases[edition])
    return made


def target(node: Recur) -> Any:
    """What a recursive reference stands for."""
    found = REGISTRY.get(node.name)
    if found is None:
        raise TypeError(f"nothing is registered as {node.name}")
    return found


def fixed(node: Node[Any]) -> tuple[str, str] | None:
    """Byte order and struct code of a node whose size never changes, None for others."""
    if isinstance(node, UInt):
        if node.size in _CODES:
            code = _CODES[node.size]
            return (node.order if node.size > 1 else _NEUTRAL), (code.lower() if node.signed else code)
        return _NEUTRAL, f"{node.size}s"
    if isinstance(node, Float):
        return node.order, "f" if node.size == 4 else "d"
    if isinstance(node, (Bcd, Octets, Text)) and isinstance(node.size, int):
        return _NEUTRAL, f"{node.size}s"
    if isinstance(node, BitString) and node.bits is not None:
        return _NEUTRAL, f"{(node.bits + 7) // 8}s"
    if isinstance(node, Const):
        return _NEUTRAL, f"{len(node.raw)}s"
    return _fixed_base(node)


def _fixed_base(node: Node[Any]) -> tuple[str, str] | None:
    if isinstance(node, Bool):
        return _NEUTRAL, "B"
    if isinstance(node, (Enum, Check)):
        return fixed(node.base)
    if isinstance(node, Size):
        return fixed(node_of(node.base))
    if isinstance(node, Record):
        held = bits_info(node.cls)
        return fixed(held.base) if held else None
    return None


def width(node: Node[Any]) -> int | None:
    """Octets of a node whose size never changes, None for others."""
    known = fixed(node)
    return struct.calcsize("=" + known[1]) if known else None


def min_size(node: Any, edition: int | None = None, depth: int = 0) -> int:
    """The fewest octets a layout can take; a lower bound, 0 where it is nested too deep to tell."""
    node = resolve(node, edition)
    known = width(node)
    if known is not None:
        return 0 if isinstance(node, Check) and node.guards else known
    if isinstance(node, Sized):
        return min_size(node.length, edition, depth)
    if isinstance(node, Many):
        return min_size(node.count, edition, depth) if isinstance(node.count, Node) else 0
    if isinstance(node, Choice):
        return min_size(node.tag, edition, depth) if isinstance(node.tag, Node) else 0
    if isinstance(node, (AxdrLength, BitString, Chain, Maybe, Recur)):
        return 1
    if isinstance(node, Described):
        return 2
    if isinstance(node, (Masked, Named)):
        return min_size(node.body, edition, depth)
    declared = info(node.cls) if isinstance(node, Record) else None
    if declared and depth < _DEEP:
        return sum(min_size(f.node, edition, depth + 1) for f in declared.fields)
    return 0


def end_matters(node: Any, edition: int | None = None, depth: int = 0) -> bool:
    """Whether reading the layout looks at where its region ends: open-ended octets and optional tagged elements do."""
    node = resolve(node, edition)
    if isinstance(node, (Octets, Text, Bcd)):
        return isinstance(node.size, Rest)
    if isinstance(node, Many):
        return isinstance(node.count, Rest) or end_matters(node.item, edition, depth + 1)
    if isinstance(node, (Tagged, Lookup)):
        return True
    if isinstance(node, (Masked, Maybe, Named)):
        return end_matters(node.body, edition, depth + 1)
    if depth > _DEEP:
        return True
    if isinstance(node, Choice):
        cases = [*node.cases.values(), *([node.default] if node.default is not None else [])]
        return any(end_matters(case, edition, depth + 1) for case in cases)
    declared = info(node.cls) if isinstance(node, Record) else None
    return bool(declared) and any(end_matters(f.node, edition, depth + 1) for f in declared.fields)  # type: ignore[union-attr]


def tagged_choice(item: Any, edition: int | None) -> Choice | None:
    """The choice by a tag octet that a layout is, if it is one whose values carry their tag."""
    node = resolve(item, edition)
    node = target(node) if isinstance(node, Recur) else node
    node = node.body if isinstance(node, Named) else node
    return node if isinstance(node, Choice) and node.into and is_octet(node.tag) else None


def is_octet(node: Any) -> bool:
    """Whether a layout is one octet, a number without a sign."""
    return isinstance(node, UInt) and node.size == 1 and not node.signed


def index_of(declared: MessageInfo, name: str) -> int:
    """Place of a field in its message; a reference to a field that is not there is a mistake of the declaration."""
    for place, f in enumerate(declared.fields):
        if f.name == name:
            return place
    raise TypeError(f"{declared.name} has no field {name}")


def sizes(declared: MessageInfo) -> dict[int, tuple[int, int]]:
    """For each size field its place, and the places of the first and last field it measures."""
    found = {}
    for place, f in enumerate(declared.fields):
        if isinstance(f.node, Size):
            first, last = index_of(declared, f.node.first), index_of(declared, f.node.last)
            if first > place + 1 or last < place:
                raise TypeError(f"{declared.name}.{f.name} measures a region that does not begin at it or before")
            found[place] = first, last
    return found


def marks(declared: MessageInfo) -> set[str]:
    """Names of the fields whose start must be remembered, because a size or check counts from there."""
    return {f.node.first for f in declared.fields if isinstance(f.node, (Size, Check))}


def tail_size(fields: tuple[Field, ...], edition: int | None) -> int:
    """Fewest octets that so many fields take together."""
    return sum(min_size(f.node, edition) for f in fields)


def is_flat(declared: MessageInfo | None, edition: int | None) -> bool:
    """Whether a message is nothing but a few fields of fixed size, so that it may be read in one piece with others."""
    if declared is None or len(declared.fields) > 8:
        return False
    nodes = [resolve(f.node, edition) for f in declared.fields]
    return all(fixed(n) is not None and not isinstance(n, (Size, Check)) for n in nodes)
