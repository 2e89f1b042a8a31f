"""How much a hostile input may cost: run-time parameters of every reader."""

from __future__ import annotations

import msgspec

ITEM_COST = 72
"""Octets of memory charged for each item of a list, about what a small tagged value takes in CPython."""
LIST_COST = 100
"""Octets of memory charged for a list that is not empty."""


class Limits(msgspec.Struct, frozen=True):
    """Bounds of one reading.

    Attributes:
        depth: how deep layouts may nest in themselves.
        memory_factor: octets of memory that each octet of input may cost.
        memory_floor: octets of memory that any input may cost.
    """

    depth: int = 32
    memory_factor: int = 10
    memory_floor: int = 1 << 20

    def budget(self, octets: int) -> int:
        """Octets of memory that an input of so many octets may cost."""
        return self.memory_factor * octets + self.memory_floor


LIMITS = Limits()
