"""The walk over a message that writes its reading function: runs of fixed fields, regions, checks and spans."""

from __future__ import annotations

import struct
from typing import Any, cast

from meterwire.protocols.wire.checks import sum8
from meterwire.protocols.wire.declare import Field, bits_info, info
from meterwire.protocols.wire.facts import end_matters, fixed, is_flat, marks, sizes, tail_size, width
from meterwire.protocols.wire.generated.source import Emitter, Scope, Source
from meterwire.protocols.wire.nodes import (
    Bcd,
    BitString,
    Bool,
    Check,
    Choice,
    Const,
    Enum,
    Masked,
    Named,
    Node,
    Octets,
    Record,
    Ref,
    Rest,
    Size,
    Text,
    UInt,
    node_of,
)
from meterwire.protocols.wire.tracer import Stop


class Reading:
    """The walk that writes one kind of reading function.

    Attributes:
        tags: where the tag of a choice has been read already, its variable, by the id of the choice.
    """

    def __init__(self, source: Source, kind: str, emit: Emitter) -> None:
        self.source, self.kind, self.traced, self._emit = source, kind, kind == "trace", emit
        source.names.update(Stop=Stop, frm=int.from_bytes, unbits=unbits, untext=untext)
        source.names.update(mk=int.__new__)
        self.tags: dict[int, str] = {}

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
        self._emit(self.source.resolve(node), self, var, scope, name)

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
                run.mark(f"s_{f.name}")
            if self.traced:
                run.flush()
                self.open(repr(f.name), node, f.doc)
            last = regions[place][1] if place in regions else 0
            if isinstance(node, Size):
                self._size(node, var, "p" if regions[place][0] > place else f"s_{node.first}", run)
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
                if not _takes_rest(node):
                    self.line("if p != e: raise Stop(p, f'{e - p} octets more than the layout has')")
                self.line(f"e = {outer}")
        run.flush()
        self.line(f"return {self.source.constant(cls, cls.__name__)}({', '.join(made)}), p")

    def _tail(self, fields: tuple[Field, ...], place: int, ends: list[tuple[int, str]]) -> int:
        stop = ends[-1][0] + 1 if ends else len(fields)
        return tail_size(fields[place + 1 : stop], self.source.edition)

    def _field(self, f: Field, node: Node[Any], var: str, scope: Scope, run: Run, tail: int) -> None:
        if isinstance(node, Check) and not node.guards and not self.traced:
            run.add(node, var)
        elif isinstance(node, Check):
            run.flush()
            self._check(node, var, tail)
        elif run.takes(node):
            run.add(node, var)
        elif not tail and self._has_tag(node):
            tag = self.source.fresh("tag")
            run.add(self.source.resolve(cast("Choice", node).tag), tag)
            run.flush()
            self.tags[id(node)] = tag
            self.read(node, var, scope, f.name)
        else:
            run.flush()
            if tail and end_matters(node, self.source.edition):
                outer = self.source.fresh("e")
                self.line(f"{outer} = e; e -= {tail}", "if e < p: raise Stop(p, 'the octets end here')")
                self.read(node, var, scope, f.name)
                self.line(f"e = {outer}")
            else:
                self.read(node, var, scope, f.name)

    def _has_tag(self, node: Node[Any]) -> bool:
        """Whether it is a choice whose tag can be read with the fields before it."""
        if self.traced or not isinstance(node, Choice) or not isinstance(node.tag, Node):
            return False
        return fixed(self.source.resolve(node.tag)) is not None

    def _size(self, node: Size, var: str, begin: str, run: Run) -> None:
        run.add(node_of(node.base), var)
        run.flush()
        octets = var
        if bits_info(node.base) is not None:
            octets = self.source.reference(Ref("it.size"), {"it": (var, node_of(node.base))})
        plus = f" + {node.plus}" if node.plus else ""
        plus += f" + ({var} < {node.least}) * {node.round}" if node.least else ""
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
        self.line(f"{due} = {digest(self, node, at)}")
        if self.traced:
            self.line(f"if {var} != {due}: t.mismatch({at}, {var}, {due}, {octets})")
        else:
            self.line(f"if {var} != {due}: raise Stop({at}, 'a check that matches', check=True)")


class Run:
    """Neighbouring fields of fixed size, read with one unpacking."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._fields: list[tuple[Node[Any] | None, str, Any]] = []

    def mark(self, var: str) -> None:
        """Remember the position here."""
        if self._fields:
            self._fields.append((None, var, None))
        else:
            self._reading.line(f"{var} = p")

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
                known = _code(taken[0][0]) if taken[0][0] is not None else ("=", "")
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
            if node is not None:
                finish(r, node, var, size)
                size -= width(node) or 0
            elif flat is None:
                r.line(f"{var} = p - {size}" if size else f"{var} = p")
            else:
                cls, parts = flat
                r.line(f"{var} = {r.source.constant(cls, cls.__name__)}({', '.join(parts)})")


def _code(node: Node[Any]) -> tuple[str, str] | None:
    """Byte order and struct code by which a node of fixed size is read."""
    if isinstance(node, Const) and len(node.raw) == 1:
        return "=", "B"
    return fixed(node)


def _takes_rest(node: Node[Any]) -> bool:
    """Whether reading the node ends where its region ends, whatever is there."""
    body = node_of(node.body) if isinstance(node, Masked) else node
    return isinstance(body, Octets) and isinstance(body.size, Rest)


def digest(r: Reading, node: Check, end: str) -> str:
    """The expression for the sum that a check should have."""
    octets = f"b[s_{node.first}:{end}]"
    if node.digest is sum8:
        return f"sum({octets}) & 255"
    return f"{r.source.constant(node.digest)}({octets})"


def finish(r: Reading, node: Node[Any], var: str, back: int) -> None:
    """Write what turns the raw content of a fixed node, `back` octets before the position, into its value."""
    if isinstance(node, UInt) and node.size not in (1, 2, 4, 8):
        order = "'big'" if node.order == ">" else "'little'"
        r.line(f"{var} = frm({var}, {order}{', signed=True' if node.signed else ''})")
    elif isinstance(node, Const):
        due = node.raw[0] if len(node.raw) == 1 else node.raw
        r.line(f"if {var} != {due!r}: raise Stop(p - {back}, {f'{node.raw.hex().upper()}H'!r})")
        if r.traced and due is not node.raw:
            r.line(f"{var} = {node.raw!r}")  # people see octets, whatever they were read as
    elif isinstance(node, Check):
        differs = f"if {var} != {digest(r, node, f'p - {back}')}: "
        r.line(f"{differs}raise Stop(p - {back}, 'a check that matches', check=True)")
    elif isinstance(node, Bcd):
        digits(r, node, var, back)
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
        _bits(r, node, var, back)


def _bits(r: Reading, node: Record[Any], var: str, back: int) -> None:
    held = bits_info(node.cls)
    for p in held.parts if held else ():
        if p.fixed:
            fault = f"raise Stop(p - {back}, '{p.name} {p.default}')"
            r.line(f"if {var} >> {p.shift} & {p.mask} != {p.default}: {fault}")
    if held is not None and held.base.size == 1:
        r.line(f"{var} = {r.source.constant(_all_of(node.cls), node.cls.__name__)}[{var}]")
    elif held is not None:
        if held.base.size not in (2, 4, 8):
            r.line(f"{var} = frm({var}, {'big' if held.base.order == '>' else 'little'!r})")
        r.line(f"{var} = mk({r.source.constant(node.cls, node.cls.__name__)}, {var})")


_every: dict[Any, tuple[Any, ...]] = {}


def _all_of(cls: Any) -> tuple[Any, ...]:
    """All 256 values of a bit field of one octet, made once."""
    if cls not in _every:
        _every[cls] = tuple(cls.of(raw) for raw in range(256))
    return _every[cls]


def digits(r: Reading, node: Bcd, var: str, back: int | str) -> None:
    """Write what turns octets into digits and refuses what is none."""
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
        fault = f"raise Stop(p - {back}, 'decimal digits or {node.also}')"
        r.line(f"    if {var}.translate({drop}).strip('0123456789'): {fault}")


def unbits(octets: bytes, bits: int) -> str:
    """The first bits of octets as text."""
    return bin(int.from_bytes(b"\1" + octets, "big"))[3 : 3 + bits]


def untext(octets: bytes, encoding: str) -> str | bytes:
    """Text, or the octets themselves where they are none."""
    try:
        return octets.decode(encoding)
    except UnicodeDecodeError:
        return octets
