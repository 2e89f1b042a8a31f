"""Writing the functions that build octets: fields first, then sizes patched over zeros, then checks in order.

Each function of the kind `append` is `(o, out)`: the value and the bytearray it is appended to. The kind `octets` gives
the octets of a value; a message whose sizes can be told before anything is built has such a one of its own (`linear`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import singledispatch
from typing import Any

import msgspec

from meterwire.protocols.wire.declare import bits_info, info
from meterwire.protocols.wire.facts import fixed, is_octet, marks, sizes, tagged_choice, target, width
from meterwire.protocols.wire.generated.linear import is_linear, write_linear
from meterwire.protocols.wire.generated.packing import (
    Misfit,
    Run,
    axdr_octets,
    bcd_octets,
    bit_octets,
    chain_octets,
    digest_expression,
    exact,
    member,
    packed_expression,
    settled,
    size_expression,
    text_octets,
)
from meterwire.protocols.wire.generated.source import Scope, Source, branches
from meterwire.protocols.wire.nodes import (
    AxdrLength,
    Bcd,
    BitString,
    Chain,
    Check,
    Choice,
    Described,
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


class Built(msgspec.Struct, frozen=True, gc=False):
    """A message that has been built already, in place of the message."""

    layout: Any
    edition: int | None
    octets: bytes


def built(value: Any, layout: Any, edition: int | None) -> bytes:
    """The octets of a message that has been built before, where one of this class is wanted."""
    if type(value) is not Built or value.layout is not layout or value.edition != edition:
        raise Misfit(f"{value!r} is no {layout.__name__}")
    return value.octets


class Building:
    """The walk that writes building functions."""

    def __init__(self, source: Source) -> None:
        self.source = source
        source.names.update(Misfit=Misfit, axdr=axdr_octets, bcd=bcd_octets, bits_=bit_octets, exact=exact)
        source.names.update(Variant=Variant, text=text_octets, chain=chain_octets, settled=settled, member=member)
        source.names.update(built=built)

    def line(self, *texts: str) -> None:
        """Add lines to the source."""
        self.source.line(*texts)

    def put(self, node: Any, value: str, scope: Scope) -> None:
        """Write what appends one value."""
        emit(self.source.resolve(node), self, value, scope)

    def append(self, layout: Any, value: str) -> None:
        """Write the call that appends a message or named layout."""
        if is_linear(layout, self.source):
            self.line(f"out += {self.source.function('octets', layout)}({value})")
        else:
            self.line(f"{self.source.function('append', layout)}({value}, out)")

    def write(self, kind: str, layout: Any, name: str) -> None:
        """Write the function for a message class or a named layout: one that appends, or one that gives octets."""
        if kind == "octets" and is_linear(layout, self.source):
            write_linear(layout, self.source, name)
        elif kind == "octets":
            with self.source.block(f"def {name}(o):"):
                self._at_once(layout)
                self.line("out = bytearray()", f"{self.source.function('append', layout)}(o, out)", "return bytes(out)")
        else:
            with self.source.block(f"def {name}(o, out):"):
                self._append(layout)

    def _at_once(self, layout: Any) -> None:
        """Write what gives the octets of a tagged number without gathering them."""
        choice = tagged_choice(layout, self.source.edition)
        table = _packers(self, choice) if choice else {}
        if table:
            self.line(f"f = {self.source.constant(table.get)}(o.tag)")
            self.line("if f is not None: return f(o.tag, o.value)")

    def _append(self, layout: Any) -> None:
        if info(layout) is None:
            self.put(layout.body if isinstance(layout, Named) else layout, "o", {})
        elif is_linear(layout, self.source):
            self.line(f"out += {self.source.function('octets', layout)}(o)")
        else:
            self._message(layout)

    def _message(self, cls: Any) -> None:
        declared = cls.__wire__
        scope: Scope = {}
        regions, starts = sizes(declared), marks(declared)
        lasts = {last for _, last in regions.values()}
        run = Run(self.source)
        patches: list[tuple[str, Size, str]] = []
        checks: list[tuple[str, Check]] = []
        known = self.source.constant(cls, cls.__name__)
        self.line(f"if type(o) is not {known}: out += built(o, {known}, {self.source.edition}); return")
        for place, f in enumerate(declared.fields):
            node = self.source.resolve(f.node)
            if f.name in starts or isinstance(node, (Size, Check)):
                run.flush()
                self.line(f"s_{f.name} = len(out)")
            var = ""
            if not f.derived:
                var = self.source.fresh(f.name)
                self.line(f"{var} = o.{f.name}")
                scope[f.name] = var, node_of(node.base) if isinstance(node, Size) else node
            if isinstance(node, Size):
                self.line(f"out += {bytes(width(node) or 0)!r}")
                patches.append((f.name, node, var))
            elif isinstance(node, Check):
                guard = f"if o.{node.guards}: " if node.guards else ""
                self.line(f"{guard}out += {bytes(width(node) or 0)!r}")
                checks.append((f.name, node))
            elif run.takes(node):
                run.add(node, var)
            else:
                run.flush()
                self.put(node, var, scope)
            if place in lasts:
                run.flush()
                self.line(f"z_{f.name} = len(out)")
        run.flush()
        for name, node, var in patches:
            octets = f"z_{node.last} - s_{node.first}" + (f" - {node.plus}" if node.plus else "")
            held, value = bits_info(node.base), size_expression(node, octets, name, self.source, var)
            self._over(held.base if held else node.base, f"s_{name}", value)
        for name, check in checks:
            due = digest_expression(check, f"bytes(out[s_{check.first}:s_{name}])", self.source)
            self._over(check.base, f"s_{name}", due, f"if o.{check.guards}: " if check.guards else "")

    def _over(self, base: Node[Any], at: str, value: str, when: str = "") -> None:
        known = fixed(base)
        order, code = known or (">", "B")
        pack = self.source.constant(struct.Struct((">" if order == "=" else order) + code).pack_into)
        self.line(f"{when}{pack}(out, {at}, {value})")


# ---------------------------------------------------------------- one emitter for each node


@singledispatch
def emit(node: Node[Any], b: Building, value: str, scope: Scope) -> None:
    """Write what appends this node's value."""
    del scope
    run = Run(b.source)
    run.add(node, value)
    run.flush()


@emit.register(Octets)
def _(node: Octets, b: Building, value: str, scope: Scope) -> None:
    b.line(f"out += {_sized(b, node.size, value, scope)}")


@emit.register(Chain)
def _(node: Chain, b: Building, value: str, scope: Scope) -> None:
    del scope
    b.line(f"out += chain({value}, {node.limit})")


@emit.register(Text)
def _(node: Text, b: Building, value: str, scope: Scope) -> None:
    b.line(f"out += {_sized(b, node.size, f'text({value}, {node.encoding!r})', scope)}")


@emit.register(Bcd)
def _(node: Bcd, b: Building, value: str, scope: Scope) -> None:
    octets = f"bcd({value}, None, {node.order!r}, {node.also!r})"
    b.line(f"out += {_sized(b, node.size, octets, scope)}")


def _sized(b: Building, size: Any, octets: str, scope: Scope) -> str:
    if isinstance(size, Ref):
        return f"exact({octets}, {b.source.reference(size, scope)})"
    return f"exact({octets}, {size})" if isinstance(size, int) else octets


@emit.register(BitString)
def _(node: BitString, b: Building, value: str, scope: Scope) -> None:
    del scope
    if node.bits is None:
        b.line(f"out += axdr(len({value}))")
    b.line(f"out += bits_({value}, {node.bits})")


@emit.register(AxdrLength)
def _(node: AxdrLength, b: Building, value: str, scope: Scope) -> None:
    del node, scope
    b.line(f"if {value} < 128: out.append({value})", f"else: out += axdr({value})")


@emit.register(Nothing)
def _(node: Nothing, b: Building, value: str, scope: Scope) -> None:
    del node, scope
    b.line(f"if {value} is not None: raise Misfit(f'{{{value}!r}} where nothing goes')")


@emit.register(Sized)
def _(node: Sized[Any], b: Building, value: str, scope: Scope) -> None:
    length, body = b.source.fresh("n"), b.source.resolve(node.body)
    if isinstance(body, Octets) and not isinstance(body.size, (int, Ref)):
        b.line(f"{length} = len({value})")
        b.put(node.length, length, scope)
        b.line(f"out += {value}")
        return
    outer, inner = b.source.fresh("out"), b.source.fresh("in")
    b.line(f"{outer} = out; out = bytearray()")
    b.put(body, value, scope)
    b.line(f"{inner} = out; out = {outer}; {length} = len({inner})")
    b.put(node.length, length, scope)
    b.line(f"out += {inner}")


@emit.register(Many)
def _(node: Many, b: Building, value: str, scope: Scope) -> None:
    count, item = b.source.fresh("c"), b.source.fresh("item")
    if isinstance(node.count, Node):
        b.line(f"{count} = len({value})")
        b.put(node.count, count, scope)
    elif isinstance(node.count, (Ref, int)):
        due = b.source.reference(node.count, scope) if isinstance(node.count, Ref) else str(node.count)
        b.line(f"if len({value}) != {due}: raise Misfit(f'{{len({value})}} items, not {{{due}}}')")
    choice = tagged_choice(node.item, b.source.edition)
    table = _packers(b, choice) if choice else {}
    with b.source.block(f"for {item} in {value}:"):
        if not table:
            b.put(node.item, item, scope)
            return
        with _packed(b, table, item):  # most items of most lists are simple: write them without a call
            b.put(node.item, item, scope)


@emit.register(Maybe)
def _(node: Maybe[Any], b: Building, value: str, scope: Scope) -> None:
    b.line(f"if {value} is None: out.append(0)")
    with b.source.block("else:"):
        b.line("out.append(1)")
        b.put(node.body, value, scope)


@emit.register(Tagged)
def _(node: Tagged, b: Building, value: str, scope: Scope) -> None:
    with b.source.block(f"if {value} is not None:"):
        b.line(f"out.append({node.tag})")
        emit(Sized(AxdrLength(), node_of(node.body)), b, value, scope)


@emit.register(Masked)
def _(node: Masked[Any], b: Building, value: str, scope: Scope) -> None:
    up, body = b.source.constant(node.up), b.source.resolve(node.body)
    if isinstance(body, Octets) and isinstance(body.size, Rest):
        octets = f"{value}.translate({up})"
        b.line(
            f"out += {octets} if {b.source.reference(node.when, scope)} else {value}"
            if node.when
            else f"out += {octets}"
        )
        return
    start = b.source.fresh("s")
    b.line(f"{start} = len(out)")
    b.put(body, value, scope)
    when = f"if {b.source.reference(node.when, scope)}: " if node.when else ""
    b.line(f"{when}out[{start}:] = out[{start}:].translate({up})")


@emit.register(Record)
def _(node: Record[Any], b: Building, value: str, scope: Scope) -> None:
    del scope
    run = Run(b.source)
    if run.takes(node):
        run.add(node, value)
        run.flush()
    else:
        b.append(node.cls, value)


@emit.register(Named)
def _(node: Named[Any], b: Building, value: str, scope: Scope) -> None:
    del scope
    b.append(node, value)


@emit.register(Recur)
def _(node: Recur, b: Building, value: str, scope: Scope) -> None:
    del scope
    b.append(target(node), value)


@emit.register(Choice)
def _(node: Choice, b: Building, value: str, scope: Scope) -> None:
    table = _packers(b, node)
    if not table:
        _cases(node, b, value, scope, set())
        return
    with _packed(b, table, value):
        _cases(node, b, value, scope, set(table))


_WORTH_A_TABLE = 4


def _packers(b: Building, node: Choice) -> dict[int, Any]:
    """For each tag octet whose value is a plain number, what packs both at once; empty where there are too few."""
    table: dict[int, Any] = {}
    if node.into is None or not is_octet(node.tag):
        return table
    for key, case in node.cases.items():
        layout = b.source.resolve(case)
        known = fixed(layout)
        if known and isinstance(layout, (UInt, Float)) and packed_expression(layout, "v") == "v":
            order = ">" if known[0] == "=" else known[0]
            table[key] = struct.Struct(f"{order}B{known[1]}").pack
    return table if len(table) >= _WORTH_A_TABLE else {}


@contextmanager
def _packed(b: Building, table: dict[int, Any], value: str) -> Iterator[None]:
    """Write what packs a tagged value through the table; inside, what writes those that it does not have."""
    pack = b.source.fresh("f")
    b.line(f"{pack} = {b.source.constant(table.get)}({value}.tag)")
    b.line(f"if {pack} is not None: out += {pack}({value}.tag, {value}.value)")
    with b.source.block("else:"):
        yield


def _cases(node: Choice, b: Building, value: str, scope: Scope, done: set[int]) -> None:
    """Write what tells the cases apart that are not done yet."""
    tag, inner = _tag(node, b, value, scope)
    groups: dict[int, tuple[Any, list[Any]]] = {}
    for key, case in node.cases.items():
        if key not in done:
            groups.setdefault(id(case), (case, []))[1].append(key)

    def otherwise() -> None:
        if node.default is None:
            b.line(f"raise Misfit(f'no layout for {{{tag}}}')")
        else:
            b.put(node.default, inner, scope)

    branches(b.source, tag, list(groups.values()), lambda case, _: b.put(case, inner, scope), otherwise)


def _tag(node: Choice, b: Building, value: str, scope: Scope) -> tuple[str, str]:
    """Write what settles and appends the tag; gives the expressions of the tag and of the value behind it."""
    tag, inner = b.source.fresh("tag"), value
    if node.into is not None:
        inner = b.source.fresh("v")
        b.line(f"{tag} = {value}.tag; {inner} = {value}.value")
    elif isinstance(node.tag, Ref):
        b.line(f"{tag} = {b.source.reference(node.tag, scope)}")
    else:
        table = {}
        for key, case in node.cases.items():
            layout = b.source.resolve(case)
            if not isinstance(layout, Record) or layout.cls in table:
                raise TypeError(f"the case {key} of a choice without `into` is no message of its own")
            table[layout.cls] = key
        b.line(f"{tag} = {b.source.constant(table)}[type({value})]")
    if isinstance(node.tag, Node):
        b.put(node.tag, tag, scope)
    return tag, inner


@emit.register(Lookup)
def _(node: Lookup, b: Building, value: str, scope: Scope) -> None:
    writer = b.source.constant(TableWriter(node, b.source.edition), "lookup")
    b.line(f"{writer}({b.source.reference(node.key, scope)})({value}, out)")


class TableWriter:
    """Finds, and writes on first use, the function for a layout that a table names at run time."""

    def __init__(self, node: Lookup, edition: int | None) -> None:
        self._node, self._edition = node, edition
        self._made: dict[int, Any] = {}

    def __call__(self, key: int) -> Any:
        """The function for this key."""
        layout = self._node.table.get(key)
        layout = self._node.default if layout is None else layout
        made = self._made.get(id(layout))
        if made is None:
            made = self._made[id(layout)] = building_function(node_of(layout), self._edition)
        return made


@emit.register(Described)
def _(node: Described, b: Building, value: str, scope: Scope) -> None:
    del scope
    cases = {tag: building_function(node_of(case), b.source.edition) for tag, case in node.cases.items()}
    plan = b.source.constant((cases, node.array, node.structure), "described")
    b.source.names["build_described"] = build_described
    b.line(f"build_described({plan}, {value}, out)")


def build_described(plan: tuple[dict[int, Any], int, int], value: Any, out: bytearray) -> None:
    """Append description, length and elements of a compact array."""
    _put_description(plan, value.description, out)
    content = bytearray()
    for element in value.elements:
        _put_element(plan, value.description, element, content)
    out += axdr_octets(len(content)) + content


def _put_description(plan: tuple[dict[int, Any], int, int], description: Variant, out: bytearray) -> None:
    cases, array, structure = plan
    out.append(description.tag)
    if description.tag == array:
        count, inner = description.value
        out += int(count).to_bytes(2, "big")
        _put_description(plan, inner, out)
    elif description.tag == structure:
        out += axdr_octets(len(description.value))
        for member in description.value:
            _put_description(plan, member, out)
    elif description.tag not in cases:
        raise Misfit(f"no layout for {description.tag}")


def _put_element(plan: tuple[dict[int, Any], int, int], description: Variant, element: Any, out: bytearray) -> None:
    cases, array, structure = plan
    if element.tag != description.tag:
        raise Misfit(f"an element of type {element.tag} where {description.tag} is described")
    if description.tag not in (array, structure):
        cases[description.tag](element.value, out)
        return
    if description.tag == array:
        members: tuple[Any, ...] = (description.value[1],) * description.value[0]
    else:
        members = description.value
    if len(members) != len(element.value):
        raise Misfit(f"{len(element.value)} members where {len(members)} are described")
    for described, inner in zip(members, element.value, strict=True):
        _put_element(plan, described, inner, out)


def building_function(layout: Any, edition: int | None, kind: str = "append") -> Any:
    """The building function of a layout, with everything below it: `append` to a bytearray, or give `octets`."""
    source = Source(edition, lambda page, word, wanted, name: Building(page).write(word, wanted, name))
    return source.written(kind, layout.cls if isinstance(layout, Record) and info(layout.cls) else layout)
