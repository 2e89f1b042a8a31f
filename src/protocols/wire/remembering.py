"""Reading what comes again and again: whoever polls a meter sends it the same few requests all day.

A message is made of octets alone and never changes, so that one that was read may be given again. A meter remembers
short ones, so many and no more; what comes once, such as an answer or a long write, is read as ever.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, Generic, TypeVar

from meterwire.errors import MalformedError
from meterwire.protocols.wire.codec import Codec, codec

T = TypeVar("T")

LONGEST: Final = 64
"""Octets of the longest message that is remembered."""
MOST: Final = 512
"""Messages that are remembered of one layout, by the whole process."""


class Remembering(Generic[T]):
    """Reads messages of one layout, of which short ones come often."""

    def __init__(self, of: Codec[T]) -> None:
        self._codec = of
        self._known: dict[bytes, T] = {}

    def parse(self, octets: bytes) -> T:
        """As that of the codec; raises MalformedError."""
        found = self._known.get(octets)
        return self._remembered(octets, self._codec.parse(octets)) if found is None else found

    def attempt(self, octets: bytes) -> T | MalformedError:
        """As that of the codec: gives a failure back."""
        found = self._known.get(octets)
        if found is not None:
            return found
        attempted = self._codec.attempt(octets)
        return attempted if isinstance(attempted, MalformedError) else self._remembered(octets, attempted)

    def _remembered(self, octets: bytes, found: T) -> T:
        if len(octets) <= LONGEST:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[octets] = found
        return found


@cache
def remembering(layout: Any, edition: int | None = None) -> Remembering[Any]:
    """What remembers messages of a layout, for all connections."""
    return Remembering(codec(layout, edition))
