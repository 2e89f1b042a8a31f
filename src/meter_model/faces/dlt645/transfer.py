"""A long item that is fetched in parts."""

from __future__ import annotations

from typing import Final

IN_FIRST: Final = 4
"""Octets of an answer's data field beside the data: DI."""
IN_NEXT: Final = 5
"""DI and SEQ."""
LAST_SEQUENCE: Final = 0xFF


class Transfer:
    """What was read when it was asked for, and how far it has been fetched.

    Args:
        di: data identifier.
        octets: the item.
        limit: longest data field of an answer.
        in_first: octets of the first data field beside the data; likewise `in_next` of those that follow.

    Attributes:
        sequence: of the part that was fetched last.
    """

    def __init__(self, di: int, octets: bytes, limit: int, *, in_first: int = IN_FIRST, in_next: int = IN_NEXT) -> None:
        self.di = di
        self._octets = octets
        self._first, self._next = limit - in_first, limit - in_next
        self.sequence = 0

    def part(self, sequence: int) -> bytes:
        """The part with that number; 0 is the one in the answer to the read."""
        if not sequence:
            return self._octets[: self._first]
        start = self._first + (sequence - 1) * self._next
        return self._octets[start : start + self._next]

    def take(self, sequence: int) -> bytes | None:
        """The next part, or the last one again; None for any other."""
        if sequence not in (self.sequence, self.sequence + 1) or not sequence or not self.part(sequence):
            return None
        self.sequence = sequence
        return self.part(sequence)

    def ends_before(self, sequence: int) -> bool:
        """Whether everything has been fetched and this would be the next part."""
        return not self.part(sequence) and sequence in (self.sequence, self.sequence + 1)
