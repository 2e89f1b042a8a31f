"""A message as the table that its standard prints: octets, field, layout, meaning, clause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import singledispatch
from itertools import islice
from typing import Any

from meterwire.protocols.wire.checks import crc_x25, sum8
from meterwire.protocols.wire.declare import BitsInfo, Field, MessageInfo, bits_info, info
from meterwire.protocols.wire.facts import resolve, width
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
    node_of,
)

_CASES = 64
"""Cases of a choice that are listed."""
_DIGESTS = {crc_x25: "CRC-16/X-25", sum8: "sum modulo 256"}


def markdown(layout: Any, edition: int | None = None) -> str:
    """A message class, bit field or node as Markdown: a heading, its clause, its table, and a table per bit field."""
    node = node_of(layout)
    declared = info(node.cls) if isinstance(node, Record) else None
    held = bits_info(node.cls) if isinstance(node, Record) else None
    if held is not None:
        return _document(_bits_section(held, "##"))
    if declared is None:
        return _document(_layout_section(node, edition))
    return _document(_message_section(declared, edition))


def _document(lines: Iterator[str]) -> str:
    return "\n".join(lines) + "\n"


# ------------------------------------------------------------------ sections


def _message_section(declared: MessageInfo, edition: int | None) -> Iterator[str]:
    yield from _head(declared.name, declared.doc, declared.cite)
    yield from _row("octets", "field", "layout", "meaning", "clause")
    yield from _row(*["---"] * 5)
    for f in declared.fields:
        yield from _row(_octets(f, edition), f"`{f.name}`", words(_chosen(f.node, edition)), f.doc, f.cite)
    for f in declared.fields:
        yield from _below(_chosen(f.node, edition), edition)


def _layout_section(node: Node[Any], edition: int | None) -> Iterator[str]:
    body = _chosen(node.body if isinstance(node, Named) else node, edition)
    if isinstance(node, Named):
        yield from _head(node.name, node.doc, node.cite)
    else:
        yield from _head(type(node).__name__, "", "")
    said = words(body)
    yield f"{said[0].upper()}{said[1:]}."
    yield from _below(body, edition, named=False)


def _head(name: str, doc: str, cite: str) -> Iterator[str]:
    yield f"## {name}"
    yield ""
    if doc:
        yield " ".join(doc.split())
        yield ""
    if cite:
        yield f"Source: {cite}."
        yield ""


def _row(*cells: str) -> Iterator[str]:
    yield "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def _below(node: Node[Any], edition: int | None, *, named: bool = True) -> Iterator[str]:
    """Tables for the bit fields and for the cases of a choice that stand directly in a layout."""
    for inner in _walk(node, edition):
        held = bits_info(inner.cls) if isinstance(inner, Record) else None
        if held is not None:
            yield ""
            yield from _bits_section(held, "###")
        if isinstance(inner, Choice) and (len(inner.cases) > 3 or not named):
            yield ""
            yield from _choice_section(inner, edition)


def _walk(node: Node[Any], edition: int | None) -> Iterator[Node[Any]]:
    """The layout and what it wraps, without going into other messages."""
    yield node
    if isinstance(node, (Sized, Maybe, Masked, Tagged)):
        yield from _walk(_chosen(node.body, edition), edition)
    if isinstance(node, Many):
        yield from _walk(_chosen(node.item, edition), edition)
    if isinstance(node, Size):
        yield from _walk(_chosen(node.base, edition), edition)
    if isinstance(node, ByEdition):
        for case in node.cases.values():
            yield from _walk(node_of(case), edition)


def _bits_section(held: BitsInfo, level: str) -> Iterator[str]:
    yield f"{level} {held.name}"
    yield ""
    if held.doc:
        yield " ".join(held.doc.split())
        yield ""
    yield from _row("bits", "part", "values", "meaning")
    yield from _row(*["---"] * 4)
    for part in held.parts:
        high = part.shift + part.bits - 1
        place = str(high) if part.bits == 1 else f"{high} to {part.shift}"
        named = ", ".join(f"{int(member)} {_spoken(member.name)}" for member in part.names or ())
        yield from _row(place, f"`{part.name}`", f"always {part.default}" if part.fixed else named, part.doc)


def _choice_section(node: Choice, edition: int | None) -> Iterator[str]:
    yield from _row("tag", "layout")
    yield from _row("---", "---")
    for tag, case in islice(node.cases.items(), _CASES):
        yield from _row(_tag(tag), words(_chosen(case, edition)))
    if len(node.cases) > _CASES:
        yield from _row("...", f"{len(node.cases) - _CASES} more")
    if node.default is not None:
        yield from _row("other", words(_chosen(node.default, edition)))


def _chosen(layout: Any, edition: int | None) -> Node[Any]:
    """The layout in this edition; all of them where none was asked for."""
    node = node_of(layout)
    return node if edition is None else resolve(node, edition)


def _tag(tag: Any) -> str:
    return f"{int(tag)} ({int(tag):02X}H)" if isinstance(tag, int) else str(tag)


def _spoken(name: str) -> str:
    return name.lower().replace("_", " ")


def _octets(f: Field, edition: int | None) -> str:
    """How many octets a field takes, in the way of a table: 2, `size` + 1, ... ."""
    node = _chosen(f.node, edition)
    fixed = width(node)
    if isinstance(node, ByEdition):
        widths = {width(node_of(case)) for case in node.cases.values()}
        fixed = widths.pop() if len(widths) == 1 else None
    if fixed is not None:
        return f"0 or {fixed}" if isinstance(node, Check) and node.guards else str(fixed)
    inner = _chosen(node.body, edition) if isinstance(node, Masked) else node
    size = getattr(inner, "size", None)
    return _ref(size) if isinstance(size, Ref) else "..."


def _ref(ref: Ref) -> str:
    sign = "+" if ref.plus > 0 else "-"
    return f"`{ref.name}` {sign} {abs(ref.plus)}" if ref.plus else f"`{ref.name}`"


def _of(size: Any, unit: str) -> str:
    """So many of a unit; nothing for the rest of the region, which is said elsewhere."""
    if isinstance(size, Rest):
        return f"{unit} to the end"
    return f"{_ref(size)} {unit}" if isinstance(size, Ref) else f"{size} {unit}"


# ------------------------------------------------------------------ one layout in words


@singledispatch
def words(node: Node[Any]) -> str:
    """A layout in words."""
    raise TypeError(f"{type(node).__name__} is no node of the vocabulary")


@words.register
def _(node: UInt) -> str:
    order = "" if node.size == 1 else ", low octet first" if node.order == "<" else ", high octet first"
    return f"{'signed' if node.signed else 'unsigned'} {8 * node.size} bits{order}"


@words.register
def _(node: Float) -> str:
    return f"IEEE 754, {8 * node.size} bits{', low octet first' if node.order == '<' else ''}"


@words.register
def _(node: Bool) -> str:
    return "boolean" if node.true == 1 else f"boolean, true is {node.true:02X}H"


@words.register
def _(node: Bcd) -> str:
    also = f", also {', '.join(node.also)}" if node.also else ""
    order = "low octet first" if node.order == "<" else "high octet first"
    return f"BCD, {_of(node.size, 'octets')}, {order}{also}"


@words.register
def _(node: Octets) -> str:
    return _of(node.size, "octets")


@words.register
def _(node: Chain) -> str:
    return f"1 to {node.limit} octets, the last is odd"


@words.register
def _(node: Text) -> str:
    return f"{node.encoding.upper()} text, {_of(node.size, 'octets')}"


@words.register
def _(node: BitString) -> str:
    return "bit string, its length in bits in front" if node.bits is None else f"bit string, {node.bits} bits"


@words.register
def _(node: AxdrLength) -> str:
    del node
    return "A-XDR length"


@words.register
def _(node: Enum) -> str:
    named = ", ".join(f"{int(member)} {_spoken(member.name)}" for member in islice(node.names, _CASES))
    return f"{'only ' if node.closed else ''}{named} ({words(node.base)})"


@words.register
def _(node: Nothing) -> str:
    del node
    return "nothing"


@words.register
def _(node: Const) -> str:
    return " ".join(f"{octet:02X}H" for octet in node.raw)


@words.register
def _(node: Size) -> str:
    region = f"`{node.first}`" if node.first == node.last else f"`{node.first}` to `{node.last}`"
    less = f", {'less' if node.plus > 0 else 'plus'} {abs(node.plus)}" if node.plus else ""
    held = bits_info(node.base)
    base = f"{held.name}, its part `size`" if held else words(node_of(node.base))
    over = f"; below {node.least} it has overflowed, and means {node.round} more" if node.least else ""
    return f"{base}: octets of {region}{less}{over}"


@words.register
def _(node: Check) -> str:
    name = _DIGESTS.get(node.digest) or getattr(node.digest, "__name__", "check")
    guard = f", only before octets of `{node.guards}`" if node.guards else ""
    return f"{name} over the octets from `{node.first}` to here, {words(node.base)}{guard}"


def _counted(node: Node[int]) -> str:
    """What a length or count is written as."""
    return "A-XDR" if isinstance(node, AxdrLength) else words(node)


@words.register(Sized)
def _(node: Sized[Any]) -> str:
    return f"length ({_counted(node.length)}), then {words(node_of(node.body))}"


@words.register
def _(node: Many) -> str:
    item = words(node_of(node.item))
    if isinstance(node.count, Rest):
        return f"to the end, each: {item}"
    if isinstance(node.count, Node):
        return f"count ({_counted(node.count)}), then each: {item}"
    return f"{_ref(node.count) if isinstance(node.count, Ref) else node.count} times: {item}"


@words.register(Maybe)
def _(node: Maybe[Any]) -> str:
    return f"optional (00H, or 01H and): {words(node_of(node.body))}"


@words.register
def _(node: Tagged) -> str:
    return f"optional, tag {node.tag:02X}H, length, then {words(node_of(node.body))}"


@words.register
def _(node: Choice) -> str:
    tag = f"as {_ref(node.tag)} says," if isinstance(node.tag, Ref) else f"tag ({words(node.tag)}), then"
    if len(node.cases) > 3:
        return f"{tag} one of {len(node.cases)} layouts"
    cases: Mapping[Any, Any] = node.cases
    named = [f"{_tag(key)} = {words(node_of(case))}" for key, case in cases.items()]
    other = [] if node.default is None else [f"other = {words(node_of(node.default))}"]
    return f"{tag} " + "; ".join(named + other)


@words.register(Masked)
def _(node: Masked[Any]) -> str:
    added = (node.up[0]) & 0xFF
    how = f"{added:02X}H added to each octet" if _adds(node.up, added) else "octets mapped"
    when = f" where {_ref(node.when)} is set" if node.when else ""
    return f"{words(node_of(node.body))}; {how}{when}"


def _adds(up: bytes, added: int) -> bool:
    return all(up[octet] == (octet + added) & 0xFF for octet in range(256))


@words.register
def _(node: Recur) -> str:
    return f"{node.name}"


@words.register
def _(node: ByEdition) -> str:
    return "; ".join(f"{edition}: {words(node_of(case))}" for edition, case in node.cases.items())


@words.register
def _(node: Lookup) -> str:
    return f"as {_ref(node.key)} says, else {words(node_of(node.default))}"


@words.register
def _(node: Described) -> str:
    return f"compact array: type description of {len(node.cases)} simple types, length, elements without tags"


@words.register(Named)
def _(node: Named[Any]) -> str:
    return node.name


@words.register(Record)
def _(node: Record[Any]) -> str:
    held, declared = bits_info(node.cls), info(node.cls)
    if held is not None:
        return f"{held.name}, bits in {words(held.base)}"
    return declared.name if declared is not None else node.cls.__name__
