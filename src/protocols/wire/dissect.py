"""Taking octets apart for people: a tree of fields with absolute spans, names, values and the place of a failure.

A layer inside a layer (a tunnelled or ciphered message) is opened by an opener, which the dialect provides. Content
that was only masked or prefixed keeps the positions of the octets on the wire; deciphered content is a buffer of its
own, with a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from meterwire.protocols.wire.codec import Codec
from meterwire.protocols.wire.declare import bits_info, info
from meterwire.protocols.wire.nodes import Variant
from meterwire.protocols.wire.tracer import SPANS, Span

LAYERS = 16
"""How many layers may be opened inside one another."""


class Layer(msgspec.Struct, frozen=True):
    """What an opener found inside a field.

    Attributes:
        codec: reads it.
        octets: its octets.
        start: where they begin within the field's octets, None where they are new octets, such as deciphered ones.
        note: said beside the field, such as the key that fitted.
    """

    codec: Codec[Any]
    octets: bytes
    start: int | None = 0
    note: str = ""


Opener = Callable[[Any, str, bytes], "Codec[Any] | Layer | Sequence[Layer] | None"]
"""From a message, the name of one of its fields and the field's octets to what is inside, or None.

Several layers stand one behind another, such as frames that are forwarded together.
"""
Annotator = Callable[[Any, str, Any], "str | None"]
"""From a message, the name of one of its fields and its value to what it means: names, units, dates."""


class Item(msgspec.Struct):
    """One line of the tree: octets `start` to `end` of a buffer, 0 being the octets given."""

    name: str
    start: int
    end: int
    buffer: int
    value: Any
    doc: str
    text: str = ""
    error: str = ""
    children: list[Item] = msgspec.field(default_factory=list)

    def walk(self) -> Iterator[tuple[int, Item]]:
        """This item and all below it, with their depth, in order."""
        stack = [(0, self)]
        while stack:
            depth, item = stack.pop()
            yield depth, item
            stack += [(depth + 1, child) for child in reversed(item.children)]


class Dissection(msgspec.Struct):
    """The tree, the octets its spans count in, and the first error if there is one."""

    root: Item
    buffers: list[bytes]
    error: str = ""


def _nothing(*_: Any) -> None:
    return None


class _Dissector:
    def __init__(self, octets: bytes, opener: Opener, annotator: Annotator, spans: int) -> None:
        self.buffers, self._opener, self._annotator, self._left = [octets], opener, annotator, spans

    def layer(self, codec: Codec[Any], octets: bytes, at: int, buffer: int, levels: int) -> Item:
        trace = codec.trace(octets, spans=max(self._left, 1), lenient=True)
        self._left -= len(trace.spans)
        root = Item(codec.name, at, at + len(octets), buffer, trace.value, _doc(codec))
        if trace.error is not None:
            where = f" ({trace.error.path})" if trace.error.path else ""
            root.error = f"{trace.error.expected} expected at octet {at + trace.error.offset}{where}"
        elif trace.checks:
            root.error = str(trace.checks[0])
        open_items = [root]
        for span in trace.spans:
            del open_items[span.depth + 1 :]
            item = self._item(span, at, buffer, len(octets))
            open_items[-1].children.append(item)
            open_items.append(item)
        self._meanings(root, trace.value, levels)
        return root

    @staticmethod
    def _item(span: Span, at: int, buffer: int, octets: int) -> Item:
        end = octets if span.end is None else span.end
        return Item(span.name, at + span.start, at + end, buffer, span.value, span.doc, error=span.error)

    def _meanings(self, item: Item, owner: Any, levels: int) -> None:
        """Names, units and inner layers, from the records that the fields belong to."""
        owner = _holder(owner)
        if isinstance(owner, Variant):
            item.text = item.text or self._annotator(owner, item.name, owner) or ""
        stack = [(item, owner)]
        while stack:
            parent, owner = stack.pop()
            for child in parent.children:
                if info(owner) is not None or isinstance(owner, Variant):
                    child.text = self._annotator(owner, child.name, child.value) or ""
                    if self._open(child, owner, levels):
                        continue  # the layer inside has found its own meanings
                inner = _holder(child.value)
                stack.append((child, inner if info(inner) is not None else owner))

    def _open(self, item: Item, owner: Any, levels: int) -> bool:
        octets = item.value.value if isinstance(item.value, Variant) else item.value
        if not isinstance(octets, bytes) or not octets or levels < 1:
            return False
        found = self._opener(owner, item.name, octets)
        if found is None:
            return False
        if isinstance(found, Codec):
            found = Layer(found, octets)
        for layer in (found,) if isinstance(found, Layer) else found:
            item.text = layer.note or item.text
            if layer.start is None:
                self.buffers.append(layer.octets)
                item.children.append(self.layer(layer.codec, layer.octets, 0, len(self.buffers) - 1, levels - 1))
            else:
                at = item.end - len(octets) + layer.start
                item.children.append(self.layer(layer.codec, layer.octets, at, item.buffer, levels - 1))
        return True


def _holder(value: Any) -> Any:
    """The record that fields belong to: the value itself, or what a choice holds under its tags."""
    inner = value
    while isinstance(inner, Variant):
        inner = inner.value
    return inner if info(inner) is not None else value


def _doc(codec: Codec[Any]) -> str:
    declared = info(codec.layout)
    doc = declared.doc if declared else getattr(codec.layout, "doc", "")
    return doc.split("\n", 1)[0]


def dissect(
    codec: Codec[Any],
    octets: bytes,
    opener: Opener = _nothing,
    annotator: Annotator = _nothing,
    *,
    offset: int = 0,
    spans: int = SPANS,
) -> Dissection:
    """Take octets apart; never raises for what they contain.

    Args:
        codec: of the outermost message.
        octets: one message.
        opener: finds the layers inside.
        annotator: says what values mean.
        offset: where the octets lie in what the caller calls octet 0.
        spans: most fields to show.
    """
    work = _Dissector(octets, opener, annotator, spans)
    root = work.layer(codec, octets, offset, 0, LAYERS)
    first = next((item.error for _, item in root.walk() if item.error), "")
    return Dissection(root, work.buffers, first)


def shown(value: Any) -> str:
    """A value as people read it; empty for what its children say better."""
    if isinstance(value, bytes):
        return value.hex().upper()
    if value is None or isinstance(value, (tuple, Variant)) or info(value) is not None:
        return ""
    if bits_info(value) is not None:
        return ", ".join(f"{p.name}={_part(getattr(value, p.name))}" for p in value.__bits__.parts)
    return _part(value)


def _part(value: Any) -> str:
    name = getattr(value, "name", None)
    return f"{name.lower()} ({int(value)})" if isinstance(name, str) and isinstance(value, int) else str(value)


def render(dissection: Dissection, *, width: int = 48) -> list[str]:
    """The tree as lines of text: span, indented name, value, meaning, error; without what is optional and absent."""
    lines = []
    last = max((item.end for _, item in dissection.root.walk()), default=0)
    digits = len(str(last))
    for depth, item in dissection.root.walk():
        if item.start == item.end and item.value is None and not item.error:
            continue
        where = f"{item.start:>{digits}}..{item.end:<{digits}}" + (f" #{item.buffer}" if item.buffer else "")
        value = _beside(item)
        if len(value) > width and bits_info(item.value) is None:
            value = value[: width - 3] + "..."
        parts = [f"{where} {'  ' * depth}{item.name}"]
        parts += [f"= {value}"] if value else []
        parts += [f"[{item.text}]"] if item.text else []
        parts += [f"({item.doc})"] if item.doc else []
        parts += [f"!! {item.error}"] if item.error else []
        lines.append(printable(" ".join(parts)))
    return lines


def printable(line: str) -> str:
    """Escapes in place of what a terminal would obey: text on the wire is somebody else's."""
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in line)


def _beside(item: Item) -> str:
    """What is said beside the name: nothing where the layer inside says it better."""
    if any("." in child.name for child in item.children):
        return ""
    if isinstance(item.value, Variant) and not item.text:
        return shown(item.value.value)
    return shown(item.value)


def tree(item: Item) -> dict[str, Any]:
    """The tree as plain objects for JSON; empty entries are left out."""
    made: dict[str, Any] = {"name": item.name, "span": [item.start, item.end]}
    if item.buffer:
        made["buffer"] = item.buffer
    value = shown(item.value) or _beside(item)
    said = {"value": value, "text": item.text, "doc": item.doc, "error": item.error}
    made |= {key: text for key, text in said.items() if text}
    if item.children:
        made["children"] = [tree(child) for child in item.children]
    return made
