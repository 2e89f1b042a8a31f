"""Writing the functions that read octets: `parse` for values, `trace` for values, spans and the path of a failure.

Each function is `(b, p, e, d, x)` and gives `(value, position)`: octets, position, end of the region, levels of
nesting left, and the memory budget in a list of one. A trace has the tracer `t` behind them.
Octets that were masked on the wire are put back at the same place, so that positions are always those of the wire.
"""

from __future__ import annotations

import struct
from contextlib import AbstractContextManager, nullcontext
from functools import singledispatch
from itertools import starmap
from typing import Any

from meterwire.protocols.wire.declare import info
from meterwire.protocols.wire.facts import fixed, min_size, tagged_choice, target
from meterwire.protocols.wire.generated.described import parse_described
from meterwire.protocols.wire.generated.reading import Reading, Run, digits
from meterwire.protocols.wire.generated.source import Scope, Source, branches
from meterwire.protocols.wire.limits import ITEM_COST, LIST_COST
from meterwire.protocols.wire.nodes import (
    AxdrLength,
    Bcd,
    BitString,
    Chain,
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
    Sized,
    Tagged,
    Text,
    UInt,
    node_of,
)

_UNPACKED = (UInt, Float, Octets)


# ---------------------------------------------------------------- one emitter for each node


@singledispatch
def emit(node: Node[Any], r: Reading, var: str, scope: Scope, name: str) -> None:
    """Write what reads this node into `var`."""
    del scope, name
    run = Run(r)
    run.add(node, var)
    run.flush()


@emit.register(Octets)
def _(node: Octets, r: Reading, var: str, scope: Scope, name: str) -> None:
    del name
    _open_octets(r, node.size, var, scope)


@emit.register(Chain)
def _(node: Chain, r: Reading, var: str, scope: Scope, name: str) -> None:
    del scope, name
    at = r.source.fresh("at")
    r.line(f"{at} = p")
    with r.source.block("while True:"):
        r.line(f"if p - {at} == {node.limit}: raise Stop(p, 'at most {node.limit} octets')")
        r.need("1")
        r.line("p += 1", "if b[p - 1] & 1: break")
    r.line(f"{var} = b[{at}:p]")


@emit.register(Text)
def _(node: Text, r: Reading, var: str, scope: Scope, name: str) -> None:
    del name
    _open_octets(r, node.size, var, scope)
    r.line(f"{var} = untext({var}, {node.encoding!r})")


@emit.register(Bcd)
def _(node: Bcd, r: Reading, var: str, scope: Scope, name: str) -> None:
    del name
    _open_octets(r, node.size, var, scope)
    back = r.source.fresh("n")
    r.line(f"{back} = len({var})")
    digits(r, node, var, back)


def _open_octets(r: Reading, size: Any, var: str, scope: Scope) -> None:
    if isinstance(size, Rest):
        r.line(f"{var} = b[p:e]; p = e")
        return
    count = r.source.reference(size, scope) if isinstance(size, Ref) else str(size)
    n = r.source.fresh("n")
    r.line(f"{n} = {count}", f"if {n} < 0 or p + {n} > e: raise Stop(p, f'{{{n}}} octets, {{e - p}} are left')")
    r.line(f"{var} = b[p:p + {n}]; p += {n}")


@emit.register(BitString)
def _(node: BitString, r: Reading, var: str, scope: Scope, name: str) -> None:
    if node.bits is not None:
        run = Run(r)
        run.add(node, var)
        run.flush()
        return
    n, m = r.source.fresh("n"), r.source.fresh("m")
    emit(AxdrLength(), r, n, scope, name)
    r.line(f"{m} = ({n} + 7) // 8")
    r.need(m)
    r.line(f"{var} = unbits(b[p:p + {m}], {n}); p += {m}")


@emit.register(AxdrLength)
def _(node: AxdrLength, r: Reading, var: str, scope: Scope, name: str) -> None:
    del node, scope, name
    r.need("1")
    r.line(f"{var} = b[p]; p += 1")
    with r.source.block(f"if {var} > 127:"):
        n = r.source.fresh("n")
        r.line(f"{n} = {var} & 127", f"if not 1 <= {n} <= 4: raise Stop(p - 1, 'a length of 1 to 4 octets')")
        r.need(n)
        r.line(f"{var} = frm(b[p:p + {n}], 'big'); p += {n}")


@emit.register(Nothing)
def _(node: Nothing, r: Reading, var: str, scope: Scope, name: str) -> None:
    del node, scope, name
    r.line(f"{var} = None")


@emit.register(Sized)
def _(node: Sized[Any], r: Reading, var: str, scope: Scope, name: str) -> None:
    n = r.source.fresh("n")
    r.open("'length'", node.length)
    r.read(node.length, n, scope, name)
    r.close(n)
    negative = f"{n} < 0 or " if _signed(node.length) else ""
    r.line(f"if {negative}p + {n} > e: raise Stop(p, f'{{{n}}} octets, {{e - p}} are left')")
    body = r.source.resolve(node.body)
    if isinstance(body, Octets) and isinstance(body.size, Rest):
        r.line(f"{var} = b[p:p + {n}]; p += {n}")
        return
    _bounded(r, f"p + {n}", lambda: r.read(body, var, scope, name))


def _bounded(r: Reading, end: str, write: Any) -> None:
    """Read something that must fill its region exactly."""
    outer = r.source.fresh("e")
    r.line(f"{outer} = e; e = {end}")
    write()
    r.line("if p != e: raise Stop(p, f'{e - p} octets more than the layout has')", f"e = {outer}")


@emit.register(Many)
def _(node: Many, r: Reading, var: str, scope: Scope, name: str) -> None:
    fewest = min_size(node.item, r.source.edition)
    item, place = r.source.fresh("item"), r.source.fresh("i")
    if isinstance(node.count, Rest):
        r.line(f"{var} = []; {place} = 0")
        with r.source.block("while p < e:"):
            at = r.source.fresh("at")
            r.line(f"{at} = p; x[0] -= {ITEM_COST}", "if x[0] < 0: raise Stop(p, 'fewer items')")
            _item(r, node, item, place, scope, name)
            r.line(f"if p == {at}: raise Stop(p, 'items that take octets')", f"{var}.append({item}); {place} += 1")
        r.line(f"{var} = tuple({var})")
        return
    count = _count(r, node, scope, name)
    r.line(f"{var} = []")
    with r.source.block(f"if {count}:"):
        octets = f"{count} * {fewest}" if fewest > 1 else count
        if _signed(node.count):
            r.line(f"if {count} < 0: raise Stop(p, f'{{{count}}} items')")
        if fewest:
            r.line(f"if {octets} > e - p: raise Stop(p, f'{{{count}}} items, {{e - p}} octets are left')")
        r.line(f"x[0] -= {LIST_COST} + {ITEM_COST} * {count}")
        r.line(f"if x[0] < 0: raise Stop(p, f'fewer items than {{{count}}}')")
        with _alike(r, node, var, count):
            append = r.source.fresh("a")
            r.line(f"{append} = {var}.append")
            with r.source.block(f"for {place} in range({count}):"):
                _item(r, node, item, place, scope, name)
                r.line(f"{append}({item})")
    r.line(f"{var} = tuple({var})")


def _alike(r: Reading, node: Many, var: str, count: str) -> AbstractContextManager[None]:
    """Write what reads items that all have the tag of the first and a fixed size at once; inside, what reads others."""
    choice = tagged_choice(node.item, r.source.edition)
    if choice is None or r.traced or len(_fixed_table(r, choice)) < _WORTH_A_TABLE:
        return nullcontext()
    how, width, end = r.source.fresh("f"), r.source.fresh("w"), r.source.fresh("z")
    into = r.source.constant(choice.into, "Variant")
    r.source.names["starmap"] = starmap
    r.line(f"{how} = {r.source.constant(_fixed_table(r, choice).get)}(b[p]) if {count} > 2 and p < e else None")
    with r.source.block(f"if {how} is not None:"):
        r.line(f"{width} = {how}[1] + 1; {end} = p + {count} * {width}")
        with r.source.block(f"if {end} <= e and b[p:{end}:{width}] == {how}[4] * {count}:"):
            r.line(f"{var} = starmap({into}, {how}[3](b[p:{end}])); p = {end}")
        r.line("else:", f"    {how} = None")
    return r.source.block(f"if {how} is None:")


def _signed(number: Any) -> bool:
    """Whether a length or count can be below zero."""
    return number.plus < 0 if isinstance(number, Ref) else getattr(number, "signed", False)


def _count(r: Reading, node: Many, scope: Scope, name: str) -> str:
    if isinstance(node.count, int):
        return str(node.count)
    if isinstance(node.count, Ref):
        return r.source.reference(node.count, scope)
    count = r.source.fresh("c")
    r.open("'count'", node.count)
    r.read(node.count, count, scope, name)
    r.close(count)
    return count


def _item(r: Reading, node: Many, item: str, place: str, scope: Scope, name: str) -> None:
    r.open(f"f'[{{{place}}}]'", node.item)
    choice = tagged_choice(node.item, r.source.edition)
    table = _fixed_table(r, choice) if choice else {}
    if choice is None or r.traced or len(table) < _WORTH_A_TABLE:
        r.read(node.item, item, scope, name)
    else:  # most items of most lists are simple: read them without a call
        how, into = r.source.fresh("f"), r.source.constant(choice.into, "Variant")
        r.line(f"{how} = {r.source.constant(table.get)}(b[p]) if p < e else None")
        with r.source.block(f"if {how} is not None and p + {how}[1] < e:"):
            r.line(f"{item} = {into}(*{how}[2](b, p)); p += {how}[1] + 1")
        with r.source.block("else:"):
            r.read(node.item, item, scope, name)
    r.close(item)


@emit.register(Maybe)
def _(node: Maybe[Any], r: Reading, var: str, scope: Scope, name: str) -> None:
    r.need("1")
    r.line(f"{var} = b[p]", f"if {var} > 1: raise Stop(p, 'presence 00H or 01H')", "p += 1")
    with r.source.block(f"if {var}:"):
        r.read(node.body, var, scope, name)
    r.line("else:", f"    {var} = None")


@emit.register(Tagged)
def _(node: Tagged, r: Reading, var: str, scope: Scope, name: str) -> None:
    with r.source.block(f"if p < e and b[p] == {node.tag}:"):
        r.line("p += 1")
        emit(Sized(AxdrLength(), node_of(node.body)), r, var, scope, name)
    r.line("else:", f"    {var} = None")


@emit.register(Masked)
def _(node: Masked[Any], r: Reading, var: str, scope: Scope, name: str) -> None:
    down = r.source.constant(bytes(node.up.index(octet) for octet in range(256)))
    body = r.source.resolve(node.body)
    if isinstance(body, Octets) and isinstance(body.size, Rest):
        if not node.when:
            r.line(f"{var} = b[p:e].translate({down}); p = e")
        else:
            r.line(f"{var} = b[p:e]; p = e", f"{_when(r, node, scope)}{var} = {var}.translate({down})")
        return
    kept = r.source.fresh("b")
    r.line(f"{kept} = b", f"{_when(r, node, scope)}b = b[:p] + b[p:e].translate({down}) + b[e:]")
    r.read(body, var, scope, name)
    r.line(f"b = {kept}")


def _when(r: Reading, node: Masked[Any], scope: Scope) -> str:
    return f"if {r.source.reference(node.when, scope)}: " if node.when else ""


@emit.register(Record)
def _(node: Record[Any], r: Reading, var: str, scope: Scope, name: str) -> None:
    del scope, name
    run = Run(r)
    if run.takes(node):
        run.add(node, var)
        run.flush()
    else:
        r.line(f"{var}, p = {r.call(node.cls)}")


@emit.register(Named)
def _(node: Named[Any], r: Reading, var: str, scope: Scope, name: str) -> None:
    del scope, name
    r.line(f"{var}, p = {r.call(node)}")


@emit.register(Recur)
def _(node: Recur, r: Reading, var: str, scope: Scope, name: str) -> None:
    del scope, name
    r.line("if d < 1: raise Stop(p, 'fewer levels of nesting')", f"{var}, p = {r.call(target(node), 'd - 1')}")


@emit.register(Choice)
def _(node: Choice, r: Reading, var: str, scope: Scope, name: str) -> None:
    if isinstance(node.tag, Ref):
        tag = r.source.fresh("tag")
        r.line(f"{tag} = {r.source.reference(node.tag, scope)}")
    elif id(node) in r.tags:
        tag = r.tags.pop(id(node))
    else:
        tag = r.source.fresh("tag")
        r.open("'tag'", node.tag)
        r.read(node.tag, tag, scope, name)
        r.close(tag)
    into = f"{r.source.constant(node.into, 'Variant')}({tag}, {var})" if node.into else ""

    def put(case: Any, tags: list[Any]) -> None:
        if node.into and isinstance(case, Nothing) and len(tags) == 1:
            r.line(f"{var} = {r.source.constant(_alone(node.into, tags[0]))}")
        else:
            r.read(case, var, scope, name)
            if into:
                r.line(f"{var} = {into}")

    def otherwise() -> None:
        if node.default is not None:
            put(node.default, [])
            return
        known = "one of " + ", ".join(f"{t:02X}H" if isinstance(t, int) else str(t) for t in list(node.cases)[:8])
        more = ", ..." if len(node.cases) > 8 else ""
        r.line(f"raise Stop(p, f'no layout for {{{tag}}}: {known}{more}')")

    done = _fixed_cases(r, node, tag, var)
    with r.source.block("else:") if done else nullcontext():
        branches(r.source, tag, _grouped(node, done), put, otherwise)


_alones: dict[tuple[Any, Any], Any] = {}


def _alone(into: Any, tag: Any) -> Any:
    """The one value of a tag that has nothing behind it, shared by all."""
    return _alones.setdefault((into, tag), into(tag, None))


def _grouped(node: Choice, done: set[Any]) -> list[tuple[Any, list[Any]]]:
    """The cases not done yet, those with the same layout object together, so that they are written once."""
    groups: dict[int, tuple[Any, list[Any]]] = {}
    for tag, case in node.cases.items():
        if tag in done:
            continue
        groups.setdefault(id(case), (case, []))[1].append(tag)
    return list(groups.values())


_WORTH_A_TABLE = 4
_Fixed = tuple[Any, int, Any, Any, bytes]
_tables: dict[tuple[int, int | None], tuple[Choice, dict[Any, _Fixed]]] = {}


def _fixed_table(r: Reading, node: Choice) -> dict[Any, _Fixed]:
    """For each case that one unpacking reads, how: one table for each choice.

    It has the unpacking, its octets, the unpacking with the tag octet in front, that of many such, and the tag octet.
    """
    key = id(node), r.source.edition
    if key not in _tables:
        _tables[key] = node, _make_table(r, node)
    return _tables[key][1]


def _make_table(r: Reading, node: Choice) -> dict[Any, _Fixed]:
    table: dict[Any, _Fixed] = {}
    for key, case in node.cases.items():
        layout = r.source.resolve(case)
        known = fixed(layout)
        plain = isinstance(layout, (Float, Octets)) or (isinstance(layout, UInt) and layout.size in (1, 2, 4, 8))
        if known and plain:
            order = ">" if known[0] == "=" else known[0]
            packed, tagged = struct.Struct(order + known[1]), struct.Struct(f"{order}B{known[1]}")
            octet = bytes((key,)) if isinstance(key, int) and 0 <= key <= 0xFF else b""
            table[key] = packed.unpack_from, packed.size, tagged.unpack_from, tagged.iter_unpack, octet
    return table


def _fixed_cases(r: Reading, node: Choice, tag: str, var: str) -> set[Any]:
    """Cases that one unpacking reads go through a table; gives their tags."""
    table = _fixed_table(r, node)
    if len(table) < _WORTH_A_TABLE:
        return set()
    how = r.source.fresh("f")
    r.line(f"{how} = {r.source.constant(table.get)}({tag})")
    with r.source.block(f"if {how} is not None:"):
        r.need(f"{how}[1]")
        r.line(f"{var}, = {how}[0](b, p); p += {how}[1]")
        if node.into:
            r.line(f"{var} = {r.source.constant(node.into, 'Variant')}({tag}, {var})")
    return set(table)


@emit.register(Lookup)
def _(node: Lookup, r: Reading, var: str, scope: Scope, name: str) -> None:
    del name
    reader = r.source.constant(TableReader(node, r.source.edition, traced=r.traced), "lookup")
    key = r.source.reference(node.key, scope)
    r.line(f"{var}, p = {reader}({key})(b, p, e, d, x{', t' if r.traced else ''})")


class TableReader:
    """Finds, and writes on first use, the function for a layout that a table names at run time."""

    def __init__(self, node: Lookup, edition: int | None, *, traced: bool) -> None:
        self._node, self._edition, self._kind = node, edition, "trace" if traced else "parse"
        self._made: dict[int, Any] = {}

    def __call__(self, key: int) -> Any:
        """The function for this key."""
        layout = self._node.table.get(key)
        layout = self._node.default if layout is None else layout
        made = self._made.get(id(layout))
        if made is None:
            made = self._made[id(layout)] = reading_function(node_of(layout), self._edition, self._kind)
        return made


@emit.register(Described)
def _(node: Described, r: Reading, var: str, scope: Scope, name: str) -> None:
    del scope, name
    cases = {tag: _later(node_of(case), r.source.edition) for tag, case in node.cases.items()}
    fewest = {tag: min_size(case, r.source.edition) for tag, case in node.cases.items()}
    plan = r.source.constant((cases, fewest, node.array, node.structure), "described")
    r.source.names["parse_described"] = parse_described
    r.line(f"{var}, p = parse_described({plan}, b, p, e, d, x)")


def _later(node: Node[Any], edition: int | None) -> Any:
    """The reading function of a layout, written when it is first called."""
    made: list[Any] = []

    def read(*arguments: Any) -> Any:
        if not made:
            made.append(reading_function(node, edition, "parse"))
        return made[0](*arguments)

    return read


def reading_function(layout: Any, edition: int | None, kind: str) -> Any:
    """The reading function of one kind for a layout, with everything below it."""
    source = Source(edition, lambda page, word, wanted, name: Reading(page, word, emit).write(wanted, name))
    return source.written(kind, layout.cls if isinstance(layout, Record) and info(layout.cls) else layout)
