"""Tagged values as ordinary Python values and as text for people."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final

import msgspec

from meterwire.protocols.axdr.simple import COMMON_NAMES
from meterwire.protocols.wire.nodes import Variant
from meterwire.protocols.wire.texts import readable

_TEXTS: Final = frozenset({"visible-string", "utf8-string"})
"""Types that hold text, whatever it is encoded in."""


def plain(value: Any) -> Any:
    """A `Variant` tree without its tags: arrays and structures become lists, everything else is the value itself."""
    while isinstance(value, Variant):
        value = value.value
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def pretty(value: Any, names: Mapping[int, str] = COMMON_NAMES) -> str:
    """A `Variant` tree as one line such as `structure{double-long-unsigned 12345, octet-string 01FF}`.

    Args:
        value: the tree, or any value in one.
        names: names of the dialect's tags; a tag that it does not name is written as its number.
    """
    if isinstance(value, Variant):
        name = names.get(value.tag, f"tag {value.tag}")
        if isinstance(value.value, Variant):  # a choice of its own, whose numbers are no tags of Data
            inner = value.value
            return f"{name} {inner.tag}" + ("" if inner.value is None else f" {pretty(inner.value, names)}")
        if isinstance(value.value, tuple):
            return f"{name}{pretty(value.value, names)}"
        text = readable(value.value) if name in _TEXTS and isinstance(value.value, bytes) else None
        return name if value.value is None else f"{name} {pretty(text or value.value, names)}"
    if isinstance(value, tuple):
        return "{" + ", ".join(pretty(item, names) for item in value) + "}"
    if isinstance(value, bytes):
        return value.hex().upper() or "(empty)"
    if isinstance(value, msgspec.Struct) and type(value).__str__ is object.__str__:  # it has no words of its own
        return "{" + ", ".join(pretty(getattr(value, field), names) for field in value.__struct_fields__) + "}"
    if isinstance(value, IntEnum):
        return value.name.lower().replace("_", " ")
    return repr(value) if isinstance(value, str) else str(value)
