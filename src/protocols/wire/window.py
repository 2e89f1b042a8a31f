"""What the construct reference reads from: octets with a movable end, the levels of nesting and the memory left."""

from __future__ import annotations

from meterwire.protocols.wire.limits import ITEM_COST, LIMITS, LIST_COST, Limits


class Window:
    """A read-only stream whose end is moved to the end of the region that is being read.

    Positions count from the start of the octets given to the reader, also in a window over octets that were unmasked.
    A read beyond the end gives what is there and does not move, so that the position is where reading failed.
    """

    __slots__ = ("_base", "_octets", "end", "position")

    def __init__(self, octets: bytes, base: int = 0) -> None:
        self._octets, self._base = octets, base
        self.position, self.end = base, base + len(octets)

    @property
    def left(self) -> int:
        """Octets between here and the end of the region."""
        return self.end - self.position

    def between(self, start: int, stop: int) -> bytes:
        """Octets between two positions, wherever the region ends."""
        return self._octets[start - self._base : stop - self._base]

    def peek(self) -> int | None:
        """The next octet, None at the end of the region."""
        return self._octets[self.position - self._base] if self.left > 0 else None

    def read(self, size: int = -1) -> bytes:
        """The next octets, all that are left for a negative size."""
        wanted = self.left if size < 0 else size
        if wanted > self.left:
            return self.between(self.position, self.end)
        self.position += wanted
        return self.between(self.position - wanted, self.position)


class Reading:
    """One reading: the window in use, levels of nesting left, octets of memory left."""

    __slots__ = ("depth", "memory", "window")

    def __init__(self, window: Window, limits: Limits = LIMITS) -> None:
        self.window = window
        self.depth = limits.depth
        self.memory = limits.budget(window.left)

    def afford(self, items: int, base: int = LIST_COST) -> bool:
        """Charge a list of so many items; False when the input is not worth that much memory."""
        self.memory -= base + ITEM_COST * items
        return self.memory >= 0
