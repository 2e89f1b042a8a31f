"""Building a message whose sizes are known before anything is built: one expression instead of octets patched later.

Such a message is a row of fields of fixed size and of octets that are there already, as frames are: its sizes are sums
of lengths, and its checks are taken over what stands before them, all from the same place.
"""

from __future__ import annotations

from typing import Any

from meterwire.protocols.wire.declare import info
from meterwire.protocols.wire.facts import sizes, width
from meterwire.protocols.wire.generated.packing import Run, digest_expression, size_expression
from meterwire.protocols.wire.generated.source import Scope, Source
from meterwire.protocols.wire.nodes import Check, Masked, Node, Octets, Ref, Rest, Size, node_of


def is_linear(layout: Any, source: Source) -> bool:
    """Whether a layout is such a message."""
    declared = info(layout)
    if declared is None:
        return False
    nodes = [source.resolve(f.node) for f in declared.fields]
    checked_from = {node.first for node in nodes if isinstance(node, Check)}
    return len(checked_from) < 2 and all(_is_known(node, source) for node in nodes)


def _is_known(node: Node[Any], source: Source) -> bool:
    if isinstance(node, Check):
        return not node.guards
    if isinstance(node, Masked):
        body = source.resolve(node.body)
        return isinstance(body, Octets) and isinstance(body.size, Rest)
    return width(node) is not None or isinstance(node, Octets)


def write_linear(cls: Any, source: Source, name: str) -> None:
    """Write the function that gives the octets of such a message."""
    with source.block(f"def {name}(o):"):
        _Linear(cls, source).write()


class _Linear:
    def __init__(self, cls: Any, source: Source) -> None:
        self._cls, self._source, self._declared = cls, source, cls.__wire__
        self._nodes = [source.resolve(f.node) for f in self._declared.fields]
        self._values = [source.fresh(f.name) if not f.derived else "" for f in self._declared.fields]
        self._run = Run(source)
        self._pieces: list[str] = []

    def write(self) -> None:
        source, fields = self._source, self._declared.fields
        known = source.constant(self._cls, self._cls.__name__)
        source.line(f"if type(o) is not {known}: return built(o, {known}, {source.edition})")
        for f, value in zip(fields, self._values, strict=True):
            if value:
                source.line(f"{value} = o.{f.name}")
        checked = next((node.first for node in self._nodes if isinstance(node, Check)), "")
        before, octets = "", ""
        for place, (f, node, value) in enumerate(zip(fields, self._nodes, self._values, strict=True)):
            if f.name == checked and place:
                before = self._taken()
            if isinstance(node, Check):
                taken = self._taken(octets)
                octets = source.fresh("octets")
                source.line(f"{octets} = {taken}")
                self._run.pack(node, digest_expression(node, octets, source))
            elif isinstance(node, Size):
                self._run.pack(node, size_expression(node, self._length(place), f.name, source, value))
            elif self._run.takes(node):
                self._run.add(node, value)
            else:
                self._pieces += [one for _, one in self._run.take()]
                self._pieces.append(self._octets(node, value))
        source.line(f"return {self._taken(before, octets)}")

    def _taken(self, *before: str) -> str:
        """The expression for what stands before, and all pieces since."""
        self._pieces += [one for _, one in self._run.take()]
        pieces, self._pieces = [*filter(None, before), *self._pieces], []
        if not any(before) and not (pieces and pieces[0].startswith(("k_", "b'"))):
            pieces.insert(0, "b''")  # whatever a field was given, what comes out is octets
        return " + ".join(pieces)

    def _octets(self, node: Node[Any], value: str) -> str:
        scope: Scope = {
            f.name: (of, node_of(one.base) if isinstance(one, Size) else one)
            for f, one, of in zip(self._declared.fields, self._nodes, self._values, strict=True)
        }
        if isinstance(node, Masked):
            mapped = f"{value}.translate({self._source.constant(node.up)})"
            return f"({mapped} if {self._source.reference(node.when, scope)} else {value})" if node.when else mapped
        size = node.size if isinstance(node, Octets) else None
        if isinstance(size, Ref):
            due = self._source.reference(size, scope)
            self._source.line(f"if len({value}) != {due}: exact({value}, {due})")
        return value

    def _length(self, place: int) -> str:
        """The expression for the octets that a size field measures."""
        first, last = sizes(self._declared)[place]
        node: Any = self._nodes[place]
        known = -node.plus
        terms = []
        for one, value in list(zip(self._nodes, self._values, strict=True))[first : last + 1]:
            octets = width(one)
            if octets is None:
                terms.append(f"len({value})")
            else:
                known += octets
        return " + ".join([*terms, str(known)] if known or not terms else terms)
