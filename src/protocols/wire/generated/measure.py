"""Writing the function that tells from its first octets how long a frame is.

It is `(b, p, e, k)` and gives the length in octets, 0 while it cannot be known yet, and -1 where the octets cannot be
the beginning of the message: a constant that differs, or, unless `k` says to keep such frames, a check of the header
that fails. It raises nothing: it runs at every octet of a line full of noise.
"""

from __future__ import annotations

from typing import Any

from meterwire.protocols.wire.declare import bits_info
from meterwire.protocols.wire.facts import index_of, marks, sizes, width
from meterwire.protocols.wire.generated.source import Scope, Source
from meterwire.protocols.wire.nodes import Check, Const, Node, Octets, Record, Ref, Size, UInt, node_of


def measuring_function(cls: Any, edition: int | None) -> Any:
    """The measuring function of a message whose length follows from a size in it, or that is of fixed size."""
    source = Source(edition)
    name = source.function("measure", cls)
    for _ in source.pending():
        _Measuring(source, cls).write(name)
    return source.compile()[name]


class _Measuring:
    def __init__(self, source: Source, cls: Any) -> None:
        self._source, self._declared = source, cls.__wire__
        source.names["frm"] = int.from_bytes
        self._total = False

    def write(self, name: str) -> None:
        fields, starts = self._declared.fields, marks(self._declared)
        regions, scope = sizes(self._declared), Scope()
        with self._source.block(f"def {name}(b, p, e, k):"):
            self._source.line("s_ = p", "z_ = 0")
            for place, f in enumerate(fields):
                node, var = self._source.resolve(f.node), self._source.fresh(f.name)
                if f.name in starts:
                    self._source.line(f"s_{f.name} = p")
                if not self._field(node, var, scope):
                    break
                scope[f.name] = var, node
                if place in regions:
                    self._size(node, place, var)
            if not self._total:
                if f is not fields[-1]:
                    raise TypeError(f"the length of {self._declared.name} does not follow from its beginning")
                self._source.line("z_ = p - s_")
            self._source.line("return z_")

    def _size(self, node: Any, place: int, var: str) -> None:
        begin = "p" if index_of(self._declared, node.first) > place else f"s_{node.first}"
        octets = var
        if bits_info(node.base) is not None:
            octets = self._source.reference(Ref("it.size"), {"it": (var, node_of(node.base))})
        after = self._declared.fields[index_of(self._declared, node.last) + 1 :]
        widths = [width(self._source.resolve(f.node)) for f in after]
        if None in widths:
            raise TypeError(f"{self._declared.name}: what follows the region of {node.last} has no fixed size")
        rest = sum(w or 0 for w in widths)
        self._source.line(f"z_ = {begin} + {octets} + {node.plus + rest} - s_")
        self._source.line(f"if s_ + z_ < p + {rest}: return -1")
        self._total = True

    def _field(self, node: Node[Any], var: str, scope: Scope) -> bool:
        """Write what passes one field; False where only the content of the message follows."""
        line = self._source.line
        if isinstance(node, Octets) and isinstance(node.size, Ref):
            count = self._source.fresh("n")
            line(f"{count} = {self._source.reference(node.size, scope)}", f"if p + {count} > e: return z_")
            line(f"{var} = b[p:p + {count}]; p += {count}")
            return True
        octets = width(node)
        if octets is None or (isinstance(node, Check) and node.guards):
            return False
        if isinstance(node, Const):
            line(f"if not {node.raw!r}.startswith(b[p:min(p + {octets}, e)]): return -1")
        line(f"if p + {octets} > e: return z_")
        if isinstance(node, (Check, Size)):
            self._number(node_of(node.base), var, octets, node)
        elif isinstance(node, (UInt, Record)):
            self._number(node, var, octets, node)
        else:
            line(f"p += {octets}")
        return True

    def _number(self, base: Node[Any], var: str, octets: int, node: Node[Any]) -> None:
        held = bits_info(base.cls) if isinstance(base, Record) else None
        number = held.base if held else base
        order = "'little'" if isinstance(number, UInt) and number.order == "<" else "'big'"
        value = "b[p]" if octets == 1 else f"frm(b[p:p + {octets}], {order})"
        if isinstance(node, Check):
            due = f"{self._source.constant(node.digest)}(bytes(b[s_{node.first}:p]))"
            self._source.line(f"if not k and {value} != {due}: return -1", f"p += {octets}")
        else:
            self._source.line(f"{var} = {value}; p += {octets}")
