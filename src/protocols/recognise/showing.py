"""A piece of a stream for people and for programs: its tree, and its message as plain objects."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from math import isfinite
from typing import Any, Final

from meterwire.protocols.dlms.data import TAG_NAMES
from meterwire.protocols.dlms.pushed_readings import registers_in
from meterwire.protocols.dlt69845.data import DATA_NAMES
from meterwire.protocols.recognise.explain import Explanation
from meterwire.protocols.recognise.scanning import Piece
from meterwire.protocols.wire.declare import REGISTRY, bits_info, info
from meterwire.protocols.wire.dissect import Dissection, Item, dissect
from meterwire.protocols.wire.nodes import (
    ByEdition,
    Choice,
    Compact,
    Many,
    Masked,
    Maybe,
    Named,
    Record,
    Recur,
    Sized,
    Tagged,
    Variant,
)
from meterwire.quantities.reading import METER_ZONE

_TAGS: Final[Mapping[str, Mapping[int, str]]] = {"dlms.Data": TAG_NAMES, "dlt69845.Data": DATA_NAMES}
_UNSAFE: Final = 1 << 53
"""Integers from here on lose digits in many readers of JSON, and are therefore given as text."""


def dissection(piece: Piece, explanation: Explanation | None = None) -> Dissection | None:
    """The tree of a piece, with offsets in the stream and the wake-up octets as its first line; None for garbage."""
    if piece.candidate is None:
        return None
    explanation = explanation or Explanation()
    found = dissect(
        piece.candidate.codec, piece.frame, explanation.opener, explanation.annotator, offset=piece.frame_offset
    )
    _tell_registers(found.root)
    other = f", or {piece.runner_up.title}" if piece.runner_up else ""
    said = f": {found.root.text}" if found.root.text else ""
    found.root.text = f"{piece.candidate.title}{other}{said}"
    if piece.preamble:
        found.root.start = piece.offset
        doc = "wake-up octets" if piece.preamble[:1] == b"\xfe" else "flags"
        wake_up = Item("preamble", piece.offset, piece.frame_offset, 0, piece.preamble, doc)
        found.root.children.insert(0, wake_up)
    return found


def _tell_registers(root: Item) -> None:
    """What values of DLMS/COSEM mean that stand between logical name, scaler and unit, or behind their object list."""
    for _, item in root.walk():
        members = [child for child in item.children if child.name[:1] == "["]
        for place, name, reading in registers_in([child.value for child in members], METER_ZONE):
            said = [part for part in (name, members[place].text) if part]
            amount = f" = {reading.value} {reading.unit or ''}".rstrip() if reading else ""
            members[place].text = ": ".join(said) + amount


def plain(value: Any, layout: Any = None) -> Any:
    """A message as objects of JSON.

    Messages become objects, octets hexadecimal digits, bit fields objects of their parts, named numbers their names in
    lower case, Data an object of one entry, `{"long-unsigned": 2301}`, other choices `{"choice": 1, "value": ...}`.
    Integers that JSON readers may not keep exactly, and floats that JSON does not have, are text.

    Args:
        value: what a codec gave.
        layout: the codec's layout; the names of Data come from it.
    """
    if bits_info(value) is not None:
        return {part.name: _number(getattr(value, part.name)) for part in value.__bits__.parts}
    if isinstance(value, (Variant, Compact, tuple)) or info(value) is not None:
        return _composed(value, *_bare(layout))
    if isinstance(value, bytes):
        return value.hex().upper()
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    return _number(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _number(value: int) -> int | str:
    if isinstance(value, IntEnum):
        return value.name.lower()
    return str(value) if abs(value) >= _UNSAFE else int(value)


def _composed(value: Any, node: Any, name: str) -> Any:
    if isinstance(value, Variant):
        return _variant(value, node, name)
    if isinstance(value, Compact):
        return [plain(element, REGISTRY.get(name)) for element in value.elements]
    if isinstance(value, tuple):
        item = node.item if isinstance(node, Many) else None
        return [plain(element, item) for element in value]
    return {f.name: plain(getattr(value, f.name), f.node) for f in info(value).fields if not f.derived}  # type: ignore[union-attr]


def _variant(value: Variant, node: Any, name: str) -> Any:
    inner = (node.cases.get(int(value.tag)) or node.default) if isinstance(node, Choice) else None
    if isinstance(value.value, Compact):
        inner = REGISTRY.get(name)
    content = plain(value.value, inner)
    names = _TAGS.get(name)
    if names is not None:
        return {names.get(value.tag, str(value.tag)): content}
    if isinstance(value.tag, IntEnum):
        return {value.tag.name.lower(): content}
    return {"choice": value.tag, "value": content}


def _bare(layout: Any) -> tuple[Any, str]:
    """The node that decides what a value looks like, without what only lies around it, and its registered name."""
    node: Any = layout
    name = ""
    for _ in range(16):
        if isinstance(node, Recur):
            node = REGISTRY.get(node.name)
        elif isinstance(node, Named):
            node, name = node.body, node.name
        elif isinstance(node, (Sized, Masked, Maybe, Tagged)):
            node = node.body
        elif isinstance(node, ByEdition):
            node = next(iter(node.cases.values()))
        else:
            break
    return (None if isinstance(node, Record) else node), name
