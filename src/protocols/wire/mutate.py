"""Mutants of valid octets that know their structure: one or two fields change, then sizes, counts and checks fit again.

A mutant whose sizes and checks are right reaches the code behind them; random noise hardly ever does. The trace of the
octets says where each field lies; randomness is the caller's.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from meterwire.protocols.wire.declare import bits_info
from meterwire.protocols.wire.facts import width
from meterwire.protocols.wire.nodes import AxdrLength, Check, Const, Masked, Ref, Rest, Size, UInt
from meterwire.protocols.wire.tracer import Span

Choose = Callable[[int], int]
"""Gives a number from 0 up to, not including, the one it is asked for, such as `random.Random(1).randrange`."""

_TELLING = bytes.fromhex("00 01 02 7F 80 81 82 84 85 C1 FF 99 33 16 68 7E")
_DEEPEST = 200


class Repair(enum.IntEnum):
    """What is put right after a change."""

    NONE = 0
    SIZES = 1
    CHECKS = 2
    """Sizes and checks."""


class Piece:
    """A span as a node of a tree: its octets are those of its children, or its own."""

    __slots__ = ("children", "doc", "name", "node", "octets", "up", "value")

    def __init__(self, name: str, node: Any, value: Any, octets: bytes, doc: str = "", up: bytes | None = None) -> None:
        self.name, self.node, self.value, self.octets, self.doc, self.up = name, node, value, octets, doc, up
        self.children: list[Piece] = []

    @property
    def auxiliary(self) -> bool:
        """Whether the octets only say how to read others."""
        return isinstance(self.node, (Const, Check, Size)) or (not self.doc and self.name in ("tag", "length", "count"))

    @property
    def repeated(self) -> bool:
        """Whether this is one item of a list."""
        return self.name.startswith("[")

    def render(self) -> bytes:
        """The octets as they are now."""
        return b"".join(child.render() for child in self.children) if self.children else self.octets

    def walk(self) -> Iterator[Piece]:
        """This piece and all below it, in order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def put(self, plain: bytes) -> None:
        """Set the octets from what they are before they are masked."""
        self.octets = plain.translate(self.up) if self.up else plain


def tree(octets: bytes, spans: Sequence[Span]) -> Piece:
    """The spans of a complete trace as a tree without gaps: octets that no span names are pieces of their own."""
    root = Piece("", None, None, octets)
    stack: list[tuple[int, Piece, int, int]] = [(-1, root, 0, len(octets))]
    for span in spans:
        if span.end is None or span.depth > _DEEPEST:
            continue
        while stack[-1][0] >= span.depth:
            _close(octets, *stack.pop()[1:])
        depth, parent, at, end = stack[-1]
        _gap(octets, parent, at, span.start)
        piece = Piece(span.name, span.node, span.value, octets[span.start : span.end], span.doc, _mask(span, parent))
        parent.children.append(piece)
        stack[-1] = (depth, parent, max(at, span.end), end)
        stack.append((span.depth, piece, span.start, span.end))
    while stack:
        _close(octets, *stack.pop()[1:])
    return root


def _gap(octets: bytes, parent: Piece, start: int, end: int) -> None:
    if end > start:
        parent.children.append(Piece("", None, None, octets[start:end], up=parent.up))


def _close(octets: bytes, piece: Piece, at: int, end: int) -> None:
    if piece.children:
        _gap(octets, piece, at, end)
        if at == end and piece.children[-1].auxiliary and not isinstance(piece.children[-1].node, (Const, Check)):
            piece.children.append(Piece("", None, None, b"", up=piece.up))  # an empty string can grow


def _mask(span: Span, parent: Piece) -> bytes | None:
    """How octets of this piece are mapped when they are sent."""
    if not isinstance(span.node, Masked) or not _applies(span.node.when, parent):
        return parent.up
    return span.node.up.translate(parent.up) if parent.up else span.node.up


def _applies(when: Ref | None, parent: Piece) -> bool:
    if when is None:
        return True
    head, *rest = when.name.split(".")
    found = next((child.value for child in reversed(parent.children) if child.name == head), 0)
    for name in rest:
        found = getattr(found, name, 0)
    return bool(found + when.plus)


# ------------------------------------------------------------------ changing


def mutate(
    octets: bytes, spans: Sequence[Span], choose: Choose, repair: Repair = Repair.CHECKS, donors: Sequence[bytes] = ()
) -> bytes:
    """Valid octets with one or two fields changed.

    Args:
        octets: what was traced, without error.
        spans: the spans of that trace.
        choose: the source of randomness.
        repair: what is put right afterwards. Nothing is guaranteed: a change may have broken what cannot be repaired.
        donors: octets of other messages that pieces are spliced from.
    """
    root = tree(octets, spans)
    for _ in range(1 + (choose(3) == 0)):
        _change(root, choose, donors)
    restore(root, repair)
    return root.render()


def _change(root: Piece, choose: Choose, donors: Sequence[bytes]) -> None:
    if choose(4) == 0 and _change_list(root, choose):
        return
    leaves = [piece for piece in root.walk() if not piece.children]
    content = [piece for piece in leaves if not piece.auxiliary]
    pool = content if content and choose(5) else leaves
    leaf = pool[choose(len(pool))]
    others = [piece.render() for piece in root.walk()] if choose(3) == 0 else [piece.octets for piece in leaves]
    leaf.octets = _changed(leaf, choose, [*others, *donors])


def _change_list(root: Piece, choose: Choose) -> bool:
    """Double, drop or swap an item; False where there is no list."""
    lists = [piece for piece in root.walk() if any(child.repeated for child in piece.children)]
    if not lists:
        return False
    children = lists[choose(len(lists))].children
    places = [place for place, child in enumerate(children) if child.repeated]
    place, other, kind = places[choose(len(places))], places[choose(len(places))], choose(3)
    if kind == 0:
        children.insert(place, children[place])
    elif kind == 1 and len(children) > 1:
        del children[place]
    else:
        children[place], children[other] = children[other], children[place]
    return True


def _changed(leaf: Piece, choose: Choose, others: Sequence[bytes]) -> bytes:
    octets = leaf.octets
    kind = choose(4) if octets and (_rigid(leaf) and choose(8)) else choose(8)
    at = choose(len(octets) + 1) if kind >= 4 or not octets else choose(len(octets))
    if kind == 0 and octets:
        return octets[:at] + bytes((octets[at] ^ 1 << choose(8),)) + octets[at + 1 :]
    if kind == 1 and octets:
        return octets[:at] + bytes((_TELLING[choose(len(_TELLING))],)) + octets[at + 1 :]
    if kind == 2 and octets:
        return octets[:at] + bytes((choose(256),)) + octets[at + 1 :]
    if kind == 3 and octets:
        donor = others[choose(len(others))]
        return (donor[: len(octets)] + octets[len(donor) :]) if _rigid(leaf) else donor
    if kind in (4, 5):
        return octets[:at] + octets[at + 1 + choose(4) :]
    if kind == 6:
        return octets[:at] + octets[: 1 + choose(8)] + octets[at:]
    return octets[:at] + bytes(choose(256) for _ in range(1 + choose(4))) + octets[at:]


def _rigid(leaf: Piece) -> bool:
    """Whether the number of octets is settled elsewhere, so that another number is hardly ever read."""
    size = getattr(leaf.node, "size", None)
    if isinstance(size, Rest) or leaf.node is None:
        return False
    return isinstance(size, Ref) or width(leaf.node) is not None


# ------------------------------------------------------------------ repairing


def restore(root: Piece, repair: Repair) -> None:
    """Make sizes and counts, and then checks, say what the pieces are now."""
    if repair >= Repair.CHECKS:
        _place_checks(root)
    if repair >= Repair.SIZES:
        _repair_sizes(root)
    if repair >= Repair.CHECKS:
        _repair_checks(root)


def _place_checks(root: Piece) -> None:
    """A check that guards a field stands only where the field is not empty."""
    for piece in root.walk():
        for place, child in enumerate(piece.children):
            if isinstance(child.node, Check) and child.node.guards:
                guarded = piece.children[_sibling(piece.children, place, child.node.guards)]
                child.octets = bytes(child.node.base.size) if guarded.render() else b""


def _repair_sizes(piece: Piece) -> None:
    """Innermost first; among siblings from the right, because what stands behind a length may be a length too.

    A length or count measures all that stands behind it in the same piece.
    """
    for child in piece.children:
        _repair_sizes(child)
    for place in reversed(range(len(piece.children))):
        child = piece.children[place]
        if isinstance(child.node, Size):
            _repair_size(piece.children, place)
        elif not child.doc and child.name == "length":
            _renumber(child, sum(len(other.render()) for other in piece.children[place + 1 :]))
        elif not child.doc and child.name == "count":
            _renumber(child, sum(other.repeated for other in piece.children[place + 1 :]))


def _renumber(piece: Piece, number: int) -> None:
    if number == piece.value:
        return
    if isinstance(piece.node, AxdrLength):
        size = (number.bit_length() + 7) // 8
        piece.put(bytes((number,)) if number < 0x80 else bytes((0x80 + size,)) + number.to_bytes(size, "big"))
    elif isinstance(piece.node, UInt):
        piece.put(_number(piece.node, number))


def _number(base: UInt, number: int) -> bytes:
    """The number in this many octets; what does not fit is cut off."""
    return (number % (1 << 8 * base.size)).to_bytes(base.size, "big" if base.order == ">" else "little")


def _repair_size(children: Sequence[Piece], place: int) -> None:
    piece = children[place]
    node: Size = piece.node
    first, last = _sibling(children, place, node.first), _sibling(children, place, node.last)
    number = sum(len(other.render()) for other in children[first : last + 1]) - node.plus
    held = bits_info(node.base)
    if held is None:
        piece.put(_number(node.base, number))
        return
    size = next(part for part in held.parts if part.name == "size")
    raw = int.from_bytes(_down(piece.octets, piece.up), "big" if held.base.order == ">" else "little")
    piece.put(_number(held.base, raw & ~(size.mask << size.shift) | (number & size.mask) << size.shift))


def _sibling(children: Sequence[Piece], place: int, name: str) -> int:
    """The place of a field of the same message: the nearest of that name, in front first."""
    order = [*range(place, -1, -1), *range(place + 1, len(children))]
    return next((at for at in order if children[at].name == name), place)


def _down(octets: bytes, up: bytes | None) -> bytes:
    return octets.translate(bytes(up.index(octet) for octet in range(256))) if up else octets


def _repair_checks(piece: Piece) -> None:
    """Inner messages first, then in order of the fields."""
    for place, child in enumerate(piece.children):
        _repair_checks(child)
        if isinstance(child.node, Check) and child.octets:
            first = _sibling(piece.children, place, child.node.first)
            covered = b"".join(other.render() for other in piece.children[first:place])
            child.put(_number(child.node.base, child.node.digest(_down(covered, child.up))))
