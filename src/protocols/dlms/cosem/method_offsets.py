"""Where the methods of a class lie when it is addressed by short names (IEC 62056-6-2, tables of the classes).

Attributes are 8 apart from the base name on. The offsets of the methods are recalled, and agree with those of peers.
"""

from __future__ import annotations

from typing import Final

STEP: Final = 8
"""Between two attributes, and between two methods."""
FIRST_METHOD: Final = {3: 0x28, 4: 0x38, 5: 0x48, 7: 0x58, 8: 0x60, 12: 0x20, 15: 0x60, 17: 0x20, 18: 0x40, 64: 0x30}
"""Offset of the first method, by class."""


def attribute_name(base: int, attribute: int) -> int:
    """The short name of an attribute."""
    return base + STEP * (attribute - 1)


def method_name(base: int, class_id: int, method: int) -> int | None:
    """The short name of a method; None for a class whose offsets are not known."""
    first = FIRST_METHOD.get(class_id)
    return None if first is None else base + first + STEP * (method - 1)
