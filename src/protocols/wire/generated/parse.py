"""Writing the functions that read octets: `parse` for values, `trace` for values, spans and the path of a failure.

Each function is `(b, p, e, d, x)` and gives `(value, position)`: octets, position, end of the region, levels of
nesting left, and the memory budget in a list of one. A trace has the tracer `t` behind them.
Octets that were masked on the wire are put back at the same place, so that positions are always those of the wire.
"""

from __future__ import annotations

import struct
from functools import singledispatch
from typing import Any

from meterwire.protocols.wire.declare import Field, bits_info, info
from meterwire.protocols.wire.facts import end_matters, fixed, is_flat, marks, min_size, sizes, tail_size, target, width
from meterwire.protocols.wire.generated.described import parse_described
from meterwire.protocols.wire.generated.source import Scope, Source
from meterwire.protocols.wire.limits import ITEM_COST, LIST_COST
from meterwire.protocols.wire.nodes import (
    AxdrLength,
    Bcd,
    BitString,
    Bool,
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
from meterwire.protocols.wire.tracer import Stop

_UNPACKED = (UInt, Float, Octets)


class Reading:
    """The walk that writes one kind of reading function."""

    def __init__(self, source: Source, kind: str) -> None:
        self.source, self.kind, self.traced = source, kind, kind == "trace"
        self._stop: tuple[str, ...] = ()
        source.names.update(
            Stop=Stop, frm=int.from_bytes, unbits=unbits, untext=untext, parse_described=parse_described
        )
        source.names.update(mk=int.__new__)

    # ------------------------------------------------------------ helpers for the emitters

    def line(self, *texts: str) -> None:
        """Add lines to the source."""
        self.source.line(*texts)

    def need(self, amount: str) -> None:
        """Stop unless so many octets are left."""
        self.line(f"if p + {amount} > e: raise Stop(p, 'the octets end here')")

    def open(self, name: str, node: Any, doc: str = "") -> None:
        """Begin a span where spans are wanted; name is an expression."""
        if self.traced:
            self.line(f"t.open({name}, p, {self.source.constant(node)}, {doc!r})")

    def close(self, value: str) -> None:
        """End the span opened last."""
        if self.traced:
            self.line(f"t.close(p, {value})")

    def call(self, layout: Any, depth: str = "d") -> str:
        """The call that reads a message or named layout."""
        name = self.source.function(self.kind, layout)
        return f"{name}(b, p, e, {depth}, x{', t' if self.traced else ''})"

    def read(self, node: Any, var: str, scope: Scope, name: str) -> None:
        """Write what reads one node into a variable."""
        emit(self.source.resolve(node), self, var, scope, name)

    # ------------------------------------------------------------ functions

    def write(self, layout: Any, name: str) -> None:
        """Write the function for a message class or a named layout."""
        with self.source.block(f"def {name}(b, p, e, d, x{', t' if self.traced else ''}):"):
            declared = info(layout)
            if declared is not None:
                self._message(layout)
            else:
                self.read(layout.body if isinstance(layout, Named) else layout, "v", {}, "value")
                self.line("return v, p")

    def _message(self, cls: Any) -> None:
        declared = cls.__wire__
        scope: Scope = {}
        run = Run(self)
        starts, regions = marks(declared), sizes(declared)
        ends: list[tuple[int, str]] = []
        made: list[str] = []
        for place, f in enumerate(declared.fields):
            node = self.source.resolve(f.node)
            var = self.source.fresh(f.name)
            if f.name in starts:
                run.flush()
                self.line(f"s_{f.name} = p")
            if self.traced:
                run.flush()
                self.open(repr(f.name), node, f.doc)
            last = regions[place][1] if place in regions else 0
            if isinstance(node, Size):
                run.flush()
                self._size(node, var, "p" if regions[place][0] > place else f"s_{node.first}")
                ends.append((last, f"e_{var}"))
            else:
                self._field(f, node, var, scope, run, self._tail(declared.fields, place, ends))
            scope[f.name] = var, node
            if not f.derived:
                made.append(var)
            if self.traced:
                run.flush()
                self.close(var)
            while ends and ends[-1][0] == place:
                run.flush()
                _, outer = ends.pop()
                self.line("if p != e: raise Stop(p, f'{e - p} octets more than the layout has')", f"e = {outer}")
        run.flush()
        self.line(f"return {self.source.constant(cls, cls.__name__)}({', '.join(made)}), p")

    def _tail(self, fields: tuple[Field, ...], place: int, ends: list[tuple[int, str]]) -> int:
        stop = ends[-1][0] + 1 if ends else len(fields)
        return tail_size(fields[place + 1 : stop], self.source.edition)

    def _field(self, f: Field, node: Node[Any], var: str, scope: Scope, run: Run, tail: int) -> None:
        if isinstance(node, Check):
            run.flush()
            self._check(node, var, tail)
        elif run.takes(node):
            run.add(node, var)
        else:
            run.flush()
            if tail and end_matters(node, self.source.edition):
                outer = self.source.fresh("e")
                self.line(f"{outer} = e; e -= {tail}", "if e < p: raise Stop(p, 'the octets end here')")
                self.read(node, var, scope, f.name)
                self.line(f"e = {outer}")
            else:
                self.read(node, var, scope, f.name)

    def _size(self, node: Size, var: str, begin: str) -> None:
        run = Run(self)
        run.add(node_of(node.base), var)
        run.flush()
        octets = var
        if bits_info(node.base) is not None:
            octets = self.source.reference(Ref("it.size"), {"it": (var, node_of(node.base))})
        plus = f" + {node.plus}" if node.plus else ""
        self.line(f"e_{var} = e; e = {begin} + {octets}{plus}")
        self.line(f"if not p <= e <= e_{var}: raise Stop(p, f'a size that fits in {{e_{var} - p}} octets')")

    def _check(self, node: Check, var: str, tail: int) -> None:
        if not node.guards:
            self._sum(node, var)
            return
        self.line(f"{var} = None")
        with self.source.block(f"if e - p > {tail}:"):
            self._sum(node, var)

    def _sum(self, node: Check, var: str) -> None:
        octets = width(node.base) or 1
        due, at = self.source.fresh("due"), self.source.fresh("at")
        self.line(f"{at} = p")
        run = Run(self)
        run.add(node.base, var)
        run.flush()
        self.line(f"{due} = {self.source.constant(node.digest)}(b[s_{node.first}:{at}])")
        if self.traced:
            self.line(f"if {var} != {due}: t.mismatch({at}, {var}, {due}, {octets})")
        else:
            self.line(f"if {var} != {due}: raise Stop({at}, 'a check that matches', check=True)")


class Run:
    """Neighbouring fields of fixed size, read with one unpacking."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._fields: list[tuple[Node[Any] | None, str, Any]] = []

    def takes(self, node: Node[Any]) -> bool:
        """Whether a node can join a run."""
        if fixed(node) is not None and not isinstance(node, (Size, Check)):
            return True
        return (
            not self._reading.traced
            and isinstance(node, Record)
            and is_flat(info(node.cls), self._reading.source.edition)
        )

    def add(self, node: Node[Any], var: str) -> None:
        """Append a field; a flat message is taken apart."""
        if fixed(node) is None and isinstance(node, Record):
            parts = []
            for f in info(node.cls).fields:  # type: ignore[union-attr]
                part = self._reading.source.fresh(f.name)
                self._fields.append((self._reading.source.resolve(f.node), part, None))
                if not f.derived:
                    parts.append(part)
            self._fields.append((None, var, (node.cls, parts)))
        else:
            self._fields.append((node, var, None))

    def flush(self) -> None:
        """Write the unpacking and what turns the raw numbers into values."""
        taken, self._fields = self._fields, []
        while taken:
            order, codes, here = "=", "", []
            while taken:
                known = fixed(taken[0][0]) if taken[0][0] is not None else ("=", "")
                if known is None or (known[0] != "=" and order not in ("=", known[0])):
                    break
                order = known[0] if known[0] != "=" else order
                codes += known[1]
                here.append(taken.pop(0))
            self._unpack(order, codes, here)

    def _unpack(self, order: str, codes: str, fields: list[tuple[Node[Any] | None, str, Any]]) -> None:
        r = self._reading
        packed = struct.Struct((">" if order == "=" else order) + codes)
        size, names = packed.size, [var for node, var, _ in fields if node is not None]
        if size:
            r.need(str(size))
        if codes == "B":
            r.line(f"{names[0]} = b[p]; p += 1")
        elif len(names) == 1 and codes.endswith("s"):
            r.line(f"{names[0]} = b[p:p + {size}]; p += {size}")
        elif names:
            r.line(f"{', '.join(names)}, = {r.source.constant(packed.unpack_from)}(b, p); p += {size}")
        for node, var, flat in fields:
            if node is None:
                cls, parts = flat
                r.line(f"{var} = {r.source.constant(cls, cls.__name__)}({', '.join(parts)})")
            else:
                size -= width(node) or 0
                finish(r, node, var, size + (width(node) or 0))


def finish(r: Reading, node: Node[Any], var: str, back: int) -> None:
    """Write what turns the raw content of a fixed node, `back` octets before the position, into its value."""
    if isinstance(node, UInt) and node.size not in (1, 2, 4, 8):
        order = "'big'" if node.order == ">" else "'little'"
        r.line(f"{var} = frm({var}, {order}{', signed=True' if node.signed else ''})")
    elif isinstance(node, Const):
        r.line(f"if {var} != {node.raw!r}: raise Stop(p - {back}, {f'{node.raw.hex().upper()}H'!r})")
    elif isinstance(node, Bcd):
        _digits(r, node, var, back)
    elif isinstance(node, Bool):
        r.line(f"{var} = {var} != 0")
    elif isinstance(node, Text):
        r.line(f"{var} = untext({var}, {node.encoding!r})")
    elif isinstance(node, BitString):
        r.line(f"{var} = unbits({var}, {node.bits})")
    elif isinstance(node, Enum):
        table = {int(member): member for member in node.names}
        get = r.source.constant(table.get)
        if node.closed:
            r.line(f"{var} = {get}({var})")
            r.line(f"if {var} is None: raise Stop(p - {back}, 'one of {node.names.__name__}')")
        else:
            r.line(f"{var} = {get}({var}, {var})")
    elif isinstance(node, Record):
        _bits(r, node, var)


def _bits(r: Reading, node: Record[Any], var: str) -> None:
    held = bits_info(node.cls)
    if held is not None and held.base.size == 1:
        r.line(f"{var} = {r.source.constant(_all_of(node.cls), node.cls.__name__)}[{var}]")
    elif held is not None:
        r.line(f"{var} = mk({r.source.constant(node.cls, node.cls.__name__)}, {var})")


_every: dict[Any, tuple[Any, ...]] = {}


def _all_of(cls: Any) -> tuple[Any, ...]:
    """All 256 values of a bit field of one octet, made once."""
    if cls not in _every:
        _every[cls] = tuple(cls.of(raw) for raw in range(256))
    return _every[cls]


def _digits(r: Reading, node: Bcd, var: str, back: int | str) -> None:
    turned = f"{var}[::-1]" if node.order == "<" else var
    r.line(f"{var} = {turned}.hex()")
    if not node.also:
        r.line(f"if not {var}.isdecimal() and {var}: raise Stop(p - {back}, 'decimal digits')")
    elif len(node.also) == 6:
        r.line(f"{var} = {var}.upper()")
    else:
        drop = r.source.constant({ord(c): None for c in node.also})
        r.line(f"if not {var}.isdecimal() and {var}:")
        r.line(f"    {var} = {var}.upper()")
        r.line(
            f"    if {var}.translate({drop}).strip('0123456789'): raise Stop(p - {back}, 'decimal digits or {node.also}')"
        )


def unbits(octets: bytes, bits: int) -> str:
    """The first bits of octets as text."""
    return bin(int.from_bytes(b"\1" + octets, "big"))[3 : 3 + bits]


def untext(octets: bytes, encoding: str) -> str | bytes:
    """Text, or the octets themselves where they are none."""
    try:
        return octets.decode(encoding)
    except UnicodeDecodeError:
        return octets


# ---------------------------------------------------------------- one emitter for each node


@singledispatch
def emit(node: Node[Any], r: Reading, var: str, scope: Scope, name: str) -> None:
    """Write what reads this node into `var`."""
    del scope, name
    run = Run(r)
    run.add(node, var)
    run.flush()


@emit.register
def _(node: Octets, r: Reading, var: str, scope: Scope, name: str) -> None:
    del name
    _open_octets(r, node.size, var, scope)


@emit.register
def _(node: Chain, r: Reading, var: str, scope: Scope, name: str) -> None:
    del scope, name
    at = r.source.fresh("at")
    r.line(f"{at} = p")
    with r.source.block("while True:"):
        r.line(f"if p - {at} == {node.limit}: raise Stop(p, 'at most {node.limit} octets')")
        r.need("1")
        r.line("p += 1", "if b[p - 1] & 1: break")
    r.line(f"{var} = b[{at}:p]")


@emit.register
def _(node: Text, r: Reading, var: str, scope: Scope, name: str) -> None:
    del name
    _open_octets(r, node.size, var, scope)
    r.line(f"{var} = untext({var}, {node.encoding!r})")


@emit.register
def _(node: Bcd, r: Reading, var: str, scope: Scope, name: str) -> None:
    del name
    _open_octets(r, node.size, var, scope)
    back = r.source.fresh("n")
    r.line(f"{back} = len({var})")
    _digits(r, node, var, back)


def _open_octets(r: Reading, size: Any, var: str, scope: Scope) -> None:
    if isinstance(size, Rest):
        r.line(f"{var} = b[p:e]; p = e")
        return
    count = r.source.reference(size, scope) if isinstance(size, Ref) else str(size)
    n = r.source.fresh("n")
    r.line(f"{n} = {count}", f"if {n} < 0 or p + {n} > e: raise Stop(p, f'{{{n}}} octets, {{e - p}} are left')")
    r.line(f"{var} = b[p:p + {n}]; p += {n}")


@emit.register
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


@emit.register
def _(node: AxdrLength, r: Reading, var: str, scope: Scope, name: str) -> None:
    del node, scope, name
    r.need("1")
    r.line(f"{var} = b[p]; p += 1")
    with r.source.block(f"if {var} > 127:"):
        n = r.source.fresh("n")
        r.line(f"{n} = {var} & 127", f"if not 1 <= {n} <= 4: raise Stop(p - 1, 'a length of 1 to 4 octets')")
        r.need(n)
        r.line(f"{var} = frm(b[p:p + {n}], 'big'); p += {n}")


@emit.register
def _(node: Nothing, r: Reading, var: str, scope: Scope, name: str) -> None:
    del node, scope, name
    r.line(f"{var} = None")


@emit.register(Sized)
def _(node: Sized[Any], r: Reading, var: str, scope: Scope, name: str) -> None:
    n = r.source.fresh("n")
    r.open("'length'", node.length)
    r.read(node.length, n, scope, name)
    r.close(n)
    r.line(f"if p + {n} > e: raise Stop(p, f'{{{n}}} octets, {{e - p}} are left')")
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
        if fewest:
            r.line(f"if {octets} > e - p: raise Stop(p, f'{{{count}}} items, {{e - p}} octets are left')")
        r.line(f"x[0] -= {LIST_COST} + {ITEM_COST} * {count}")
        r.line(f"if x[0] < 0: raise Stop(p, f'fewer items than {{{count}}}')")
        append = r.source.fresh("a")
        r.line(f"{append} = {var}.append")
        with r.source.block(f"for {place} in range({count}):"):
            _item(r, node, item, place, scope, name)
            r.line(f"{append}({item})")
    r.line(f"{var} = tuple({var})")


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
        r.line(f"{var} = b[p:e]; p = e")
        r.line(f"{_when(r, node, scope)}{var} = {var}.translate({down})")
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
    else:
        tag = r.source.fresh("tag")
        r.open("'tag'", node.tag)
        r.read(node.tag, tag, scope, name)
        r.close(tag)
    into = f"{r.source.constant(node.into, 'Variant')}({tag}, {var})" if node.into else ""
    first, done = _fixed_cases(r, node, tag, var)
    for case, tags in _grouped(node, done):
        test = f"{tag} == {tags[0]!r}" if len(tags) == 1 else f"{tag} in {tuple(tags)!r}"
        with r.source.block(f"{first} {test}:"):
            if node.into and isinstance(case, Nothing) and len(tags) == 1:
                r.line(f"{var} = {r.source.constant(_alone(node.into, tags[0]))}")
            else:
                r.read(case, var, scope, name)
                if into:
                    r.line(f"{var} = {into}")
        first = "elif"
    with r.source.block("else:"):
        if node.default is None:
            known = "one of " + ", ".join(f"{t:02X}H" if isinstance(t, int) else str(t) for t in list(node.cases)[:8])
            more = ", ..." if len(node.cases) > 8 else ""
            r.line(f"raise Stop(p, f'no layout for {{{tag}}}: {known}{more}')")
        else:
            r.read(node.default, var, scope, name)
            if into:
                r.line(f"{var} = {into}")


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


def _fixed_cases(r: Reading, node: Choice, tag: str, var: str) -> tuple[str, set[Any]]:
    """Cases that one unpacking reads go through a table; gives the word for the next case, and their tags."""
    table: dict[Any, tuple[Any, int]] = {}
    for key, case in node.cases.items():
        layout = r.source.resolve(case)
        known = fixed(layout)
        plain = isinstance(layout, (Float, Octets)) or (isinstance(layout, UInt) and layout.size in (1, 2, 4, 8))
        if known and plain:
            packed = struct.Struct((">" if known[0] == "=" else known[0]) + known[1])
            table[key] = packed.unpack_from, packed.size
    if len(table) < 4:
        return "if", set()
    how = r.source.fresh("f")
    r.line(f"{how} = {r.source.constant(table.get)}({tag})")
    with r.source.block(f"if {how} is not None:"):
        r.need(f"{how}[1]")
        r.line(f"{var}, = {how}[0](b, p); p += {how}[1]")
        if node.into:
            r.line(f"{var} = {r.source.constant(node.into, 'Variant')}({tag}, {var})")
    return "elif", set(table)


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
    cases = {tag: reading_function(node_of(case), r.source.edition, "parse") for tag, case in node.cases.items()}
    fewest = {tag: min_size(case, r.source.edition) for tag, case in node.cases.items()}
    plan = r.source.constant((cases, fewest, node.array, node.structure), "described")
    r.line(f"{var}, p = parse_described({plan}, b, p, e, d, x)")


def reading_function(layout: Any, edition: int | None, kind: str) -> Any:
    """The reading function of one kind for a layout, with everything below it."""
    source = Source(edition)
    walks = {word: Reading(source, word) for word in ("parse", "trace")}
    root = layout.cls if isinstance(layout, Record) and info(layout.cls) else layout
    name = source.function(kind, root)
    for word, wanted, as_name in source.pending():
        walks[word].write(wanted, as_name)
    return source.compile()[name]
