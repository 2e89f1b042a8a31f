"""Writing the function that looks for the next frame in a stream, and tells from its first octets how long it is.

It is `(b, p, e, k, m)` and gives `(start, length)` of the next place, from `p` on, where a frame may begin; length 0
means that it cannot be known yet, and start `e` that there is no such place. Passed over are places where a constant
differs, where a check of the header fails unless bit 0 of `k` says to keep such frames, where the length is above `m`,
where the last constant does not stand at the end, and, with bit 1 of `k`, where the frame is not whole. It raises
nothing and calls nothing else: it runs at every octet of a line full of noise.
"""

from __future__ import annotations

import re
from typing import Any

from meterwire.protocols.wire.declare import Part, bits_info
from meterwire.protocols.wire.facts import index_of, marks, sizes, width
from meterwire.protocols.wire.generated.source import Scope, Source
from meterwire.protocols.wire.nodes import Check, Const, Node, Octets, Record, Ref, Size, UInt, node_of


def measuring_function(cls: Any, edition: int | None) -> Any:
    """The function for a message whose length follows from a size in it, or that is of fixed size."""
    source = Source(edition, lambda page, _, layout, name: _Measuring(page, layout).write(name))
    return source.written("scan", cls)


class _Measuring:
    def __init__(self, source: Source, cls: Any) -> None:
        self._source, self._declared = source, cls.__wire__
        source.names["frm"] = int.from_bytes
        self._total = False
        self._content = next(
            (place for place, f in enumerate(self._declared.fields) if not self._passable(f.node)),
            len(self._declared.fields),
        )
        sizes_of = [f.node.size for f in self._declared.fields if isinstance(f.node, Octets)]
        self._referred = {size.name.split(".")[0] for size in sizes_of if isinstance(size, Ref)}

    def write(self, name: str) -> None:
        """Write the function: one loop over the places where the message may begin."""
        fields, starts = self._declared.fields, marks(self._declared)
        regions, scope = sizes(self._declared), Scope()
        line = self._source.line
        first = self._source.resolve(fields[0].node)
        with self._source.block(f"def {name}(b, p, e, k, m):"), self._source.block("while p < e:"):
            self._skip(first)
            line("s_ = p", "z_ = 0")
            telling = [place for place, f in enumerate(fields) if isinstance(f.node, (Const, Check, Size))]
            for place, f in enumerate(fields):
                if self._total and not any(place <= other < self._content for other in telling):
                    break
                node, var = self._source.resolve(f.node), self._source.fresh(f.name)
                if f.name in starts:
                    line(f"s_{f.name} = p")
                if not self._field(f.name, node, var, scope):
                    break
                scope[f.name] = var, node
                if place in regions:
                    self._size(node, place, var)
            if not self._total:
                if f is not fields[-1]:
                    raise TypeError(f"the length of {self._declared.name} does not follow from its beginning")
                line("z_ = p - s_")
                self._ending()
            line("if s_ + z_ > e and k & 2: p = s_ + 1; continue")
            line("return s_, z_")
        line("    return e, 0")

    def _skip(self, first: Node[Any]) -> None:
        """Go on to the next place where the constants stand, so far as they stand at a fixed distance."""
        if not isinstance(first, Const):
            return
        pattern, constants = b"", 0
        for f in self._declared.fields:
            node = self._source.resolve(f.node)
            octets = width(node)
            if octets is None or (isinstance(node, Check) and node.guards):
                break
            constants += isinstance(node, Const)
            pattern += re.escape(node.raw) if isinstance(node, Const) else b".{%d}" % octets
        follows = "if"
        if constants > 1:  # all of them at once where whole frames alone are wanted
            search = self._source.constant(re.compile(b"(?=" + pattern + b")", re.DOTALL).search)
            with self._source.block("if k & 2:"):
                self._source.line(f"m_ = {search}(b, p, e)", "if m_ is None: return e, 0", "p = m_.start()")
            follows = "elif"
        with self._source.block(f"{follows} b[p] != {first.raw[0]}:"):
            self._source.line(f"p = b.find({first.raw[:1]!r}, p, e)", "if p < 0: return e, 0")

    def _size(self, node: Any, place: int, var: str) -> None:
        begin = "p" if index_of(self._declared, node.first) > place else f"s_{node.first}"
        self._fixed_parts(node_of(node.base), var)
        octets = var
        if bits_info(node.base) is not None:
            octets = self._source.reference(Ref("it.size"), {"it": (var, node_of(node.base))})
        after = self._declared.fields[index_of(self._declared, node.last) + 1 :]
        widths = [width(self._source.resolve(f.node)) for f in after]
        if None in widths:
            raise TypeError(f"{self._declared.name}: what follows the region of {node.last} has no fixed size")
        rest = sum(w or 0 for w in widths)
        more = f" + ({var} < {node.least}) * {node.round}" if node.least else ""
        self._source.line(f"z_ = {begin} + {octets}{more} + {node.plus + rest} - s_")
        self._source.line(f"if s_ + z_ < p + {rest}: p = s_ + 1; continue")
        self._source.line("if z_ > m: p = s_ + 1; continue")
        self._ending()  # far cheaper than a check of the header, so it goes first
        self._total = True

    def _ending(self) -> None:
        """Pass over a place where the octets that end the frame are there and differ."""
        last = self._source.resolve(self._declared.fields[-1].node)
        if isinstance(last, Const):
            differs = f"not b.endswith({last.raw!r}, s_, s_ + z_)"
            if len(last.raw) == 1:
                differs = f"b[s_ + z_ - 1] != {last.raw[0]}"
            self._source.line(f"if s_ + z_ <= e and {differs}: p = s_ + 1; continue")

    def _passable(self, node: Any) -> bool:
        """Whether a field can be passed without reading the content of the message."""
        node = self._source.resolve(node)
        guarded = isinstance(node, Check) and bool(node.guards)
        return not guarded and (width(node) is not None or (isinstance(node, Octets) and isinstance(node.size, Ref)))

    def _field(self, name: str, node: Node[Any], var: str, scope: Scope) -> bool:
        """Write what passes one field; False where only the content of the message follows."""
        if isinstance(node, Octets) and isinstance(node.size, Ref):
            count = self._source.fresh("n")
            self._source.line(f"{count} = {self._source.reference(node.size, scope)}")
            self._need(count)
            self._source.line(f"p += {count}")
            return True
        octets = width(node)
        if octets is None or (isinstance(node, Check) and node.guards):
            return False
        if isinstance(node, Const):
            self._constant(node.raw)
            return True
        self._need(octets)
        if isinstance(node, (Check, Size)):
            self._number(node_of(node.base), var, octets, node)
        elif isinstance(node, (UInt, Record)) and (name in self._referred or _fixed_parts(node)):
            self._number(node, var, octets, node)
            self._fixed_parts(node, var)
        else:
            self._source.line(f"p += {octets}")
        return True

    def _constant(self, raw: bytes) -> None:
        """Pass a constant, and pass over a place where as much of it as has come differs."""
        self._need(len(raw), f"if not {raw!r}.startswith(b[p:e]): p = s_ + 1; continue" if len(raw) > 1 else "")
        differs = f"b[p] != {raw[0]}" if len(raw) == 1 else f"b[p:p + {len(raw)}] != {raw!r}"
        self._source.line(f"if {differs}: p = s_ + 1; continue", f"p += {len(raw)}")

    def _need(self, octets: int | str, first: str = "") -> None:
        """Where so many octets have not come: pass on if only whole frames are wanted, else say where one may begin."""
        with self._source.block(f"if p + {octets} > e:"):
            if first:
                self._source.line(first)
            self._source.line("if k & 2: p = s_ + 1; continue", "return s_, z_")

    def _number(self, base: Node[Any], var: str, octets: int, node: Node[Any]) -> None:
        held = bits_info(base.cls) if isinstance(base, Record) else None
        number = held.base if held else base
        order = "'little'" if isinstance(number, UInt) and number.order == "<" else "'big'"
        value = "b[p]" if octets == 1 else f"frm(b[p:p + {octets}], {order})"
        if octets == 2:
            low, high = ("p", "p + 1") if order == "'little'" else ("p + 1", "p")
            value = f"(b[{low}] | b[{high}] << 8)"
        if isinstance(node, Check):
            due = f"{self._source.constant(node.digest)}(bytes(b[s_{node.first}:p]))"
            self._source.line(f"if not k & 1 and {value} != {due}: p = s_ + 1; continue", f"p += {octets}")
        else:
            self._source.line(f"{var} = {value}; p += {octets}")

    def _fixed_parts(self, node: Any, var: str) -> None:
        """Pass over places where a part of a bit field that never changes differs."""
        for p in _fixed_parts(node):
            self._source.line(f"if {var} >> {p.shift} & {p.mask} != {p.default}: p = s_ + 1; continue")


def _fixed_parts(node: Any) -> list[Part]:
    held = bits_info(node.cls) if isinstance(node, Record) else None
    return [p for p in held.parts if p.fixed] if held else []
