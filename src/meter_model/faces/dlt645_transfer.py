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
    """

    def __init__(self, di: int, octets: bytes, limit: int) -> None:
        self.di = di
        self._octets = octets
        self._limit = limit
        self._sequence = 0

    def part(self, sequence: int) -> bytes:
        """The part with that number; 0 is the one in the answer to the read."""
        if not sequence:
            return self._octets[: self._limit - IN_FIRST]
        size = self._limit - IN_NEXT
        start = self._limit - IN_FIRST + (sequence - 1) * size
        return self._octets[start : start + size]

    def take(self, sequence: int) -> bytes | None:
        """The next part, or the last one again; None for any other."""
        if sequence not in (self._sequence, self._sequence + 1) or not sequence or not self.part(sequence):
            return None
        self._sequence = sequence
        return self.part(sequence)

    def ends_before(self, sequence: int) -> bool:
        """Whether everything has been fetched and this would be the next part."""
        return not self.part(sequence) and sequence in (self._sequence, self._sequence + 1)
