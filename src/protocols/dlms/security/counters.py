"""Invocation counters: a number is sent once, and taken once (DLMS UA 1000-2, 9.2.3.3.7.3 and 9.2.7.2.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from meterwire.errors import SecurityError
from meterwire.protocols.dlms.security.protection import CounterRefused

LAST: Final = 0xFFFFFFFF
"""The greatest invocation counter; behind it a new key is needed."""
BLOCK: Final = 1000
"""Counters reserved at once: so many numbers a crash may skip, so that none is used twice."""


class SendingCounter:
    """The counter of what one party sends under its keys; every number is given once, also across restarts.

    Args:
        first: the first number that may be used.
        reserve: keeps, for a first number and a count, that so many are used from then on, and gives the number they
            begin with, a greater one where others were faster; None keeps nothing.
        block: how many are reserved at once.
    """

    def __init__(self, first: int = 0, reserve: Callable[[int, int], int] | None = None, block: int = BLOCK) -> None:
        self.next = first
        self.limit = first
        self._reserve, self._block = reserve, block

    def take(self) -> int:
        """The next number, used up with this call.

        Raises:
            SecurityError: there is none left under this key.
        """
        number = self.next
        if number > LAST:
            raise SecurityError("the invocation counter has come to its end: a new key is needed")
        if number >= self.limit:
            count = min(self._block, LAST + 1 - number)
            if self._reserve is not None:
                number = self._reserve(number, count)
            self.limit = number + count
            if number > LAST:
                raise SecurityError("the invocation counter has come to its end: a new key is needed")
        self.next = number + 1
        return number

    def skip_to(self, number: int) -> None:
        """Go on from this number, if it lies ahead; a counter never goes back."""
        self.next = max(self.next, number)


class ReceivedCounter:
    """What has been taken of one sender under one key: only greater numbers are."""

    __slots__ = ("expected",)

    def __init__(self, expected: int = 0) -> None:
        self.expected = expected

    def check(self, counter: int) -> None:
        """Raises CounterRefused for a number that was taken before, or lies behind one that was."""
        if counter < self.expected:
            raise CounterRefused(self.expected)

    def accept(self, counter: int) -> None:
        """Remember a number; to be called only after its tag has verified."""
        self.check(counter)
        self.expected = counter + 1
