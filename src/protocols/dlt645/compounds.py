"""Items made of items: repetitions, records, and items that AAH octets close."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.dlt645.values import Constant, Format, Value

CLOSING: Final = b"\xaa"
"""Closes an item; no digit of a number or time has it."""


class Repeat:
    """The same item several times: a list, of `count` items or, where `count` is a limit only, of what is there."""

    def __init__(self, item: Format, count: int | None, exact: bool) -> None:
        if not item.size:
            raise ValueError("only an item of known size can be repeated")
        self.item = item
        self.each = item.size
        self.count = count
        self.size = self.each * count if exact and count else None
        self.exact = exact

    def decode(self, octets: bytes, at: int = 0) -> list[Value]:
        """The values of as many whole items as there are octets for."""
        count, rest = divmod(len(octets), self.each)
        if rest or not self._fits(count):
            raise MalformedError(f"{self.count or 'whole'} items of {self.each} octets, not {len(octets)}", offset=at)
        each = self.each
        return [self.item.decode(octets[i : i + each], at + i) for i in range(0, len(octets), each)]

    def encode(self, value: Any) -> bytes:
        """The octets of a list or tuple of values."""
        if not isinstance(value, (list, tuple)) or not self._fits(len(value)):
            raise LocalProtocolError(f"{value!r} is not a list of {self.count or 'any number of'} values")
        return b"".join(map(self.item.encode, value))

    def _fits(self, count: int) -> bool:
        return self.count is None or (count == self.count if self.exact else count <= self.count)


class Record:
    """Different items one after another: a tuple, without the separators.

    Args:
        items: in wire order; one of them can have an open size.
        early: whether it may end behind any of its items.
    """

    def __init__(self, items: Sequence[Format], early: bool = False) -> None:
        sizes = [item.size for item in items if item.size is not None]
        if len(items) - len(sizes) > (0 if early else 1):
            raise ValueError("a record can have one item of open size, and none where it may end early")
        self.items = tuple(items)
        self._early = early
        self._fixed = sum(sizes)
        self.size = self._fixed if len(sizes) == len(items) and not early else None

    def decode(self, octets: bytes, at: int = 0) -> tuple[Value, ...]:
        """The values in wire order; an item of open size takes what the others leave."""
        spare = len(octets) - self._fixed
        if self._early:
            return self._until_the_end(octets, at)
        if spare < 0 or (spare and self.size is not None):
            raise MalformedError(f"a record of {self._fixed} octets, not {len(octets)}", offset=at)
        values, start = [], 0
        for item in self.items:
            size = spare if item.size is None else item.size
            value = item.decode(octets[start : start + size], at + start)
            start += size
            if not isinstance(item, Constant):
                values.append(value)
        return tuple(values)

    def _until_the_end(self, octets: bytes, at: int) -> tuple[Value, ...]:
        values, start = [], 0
        for item in self.items:
            if start == len(octets):
                break
            size = item.size or 0
            values.append(item.decode(octets[start : start + size], at + start))
            start += size
        if start != len(octets):
            raise MalformedError(f"at most {self._fixed} octets, not {len(octets)}", offset=at + start)
        return tuple(values)

    def encode(self, value: Any) -> bytes:
        """The octets of as many values as the record has items."""
        wanted = sum(not isinstance(item, Constant) for item in self.items)
        given = len(value) if isinstance(value, (list, tuple)) else -1
        if given != wanted and not (self._early and 0 <= given < wanted):
            raise LocalProtocolError(f"{value!r} is not a record of {wanted} values")
        if self._early:
            return b"".join(item.encode(one) for item, one in zip(self.items, value, strict=False))
        values = iter(value)
        return b"".join(item.encode(None if isinstance(item, Constant) else next(values)) for item in self.items)


class Closed:
    """Items each closed by AAH, as the whole blocks of freezes are: a tuple, None for an item that is empty.

    How long a block is depends on the rates and on the freeze mode of the meter. The practice of State Grid meters;
    the text of the standard does not say it. Octets that do not have that form are therefore given as they are, and
    so are octets for encoding. The last AAH and the items at the end may be missing.
    """

    size: int | None = None

    def __init__(self, items: Sequence[Format]) -> None:
        self.items = tuple(items)

    def decode(self, octets: bytes, at: int = 0) -> Value:
        """The values of the items."""
        parts = octets.removesuffix(CLOSING).split(CLOSING)
        if len(parts) > len(self.items):
            return bytes(octets)
        values: list[Value] = []
        start = at
        try:
            for item, part in zip(self.items, parts, strict=False):
                values.append(item.decode(part, start) if part else None)
                start += len(part) + 1
        except MalformedError:
            return bytes(octets)
        return tuple(values + [None] * (len(self.items) - len(values)))

    def encode(self, value: Any) -> bytes:
        """The octets of a tuple of values, or octets as they are."""
        if isinstance(value, (bytes, bytearray)):
            return bytes(value)
        if not isinstance(value, (list, tuple)) or len(value) != len(self.items):
            raise LocalProtocolError(f"{value!r} is not {len(self.items)} values")
        pairs = zip(self.items, value, strict=True)
        return b"".join((b"" if one is None else item.encode(one)) + CLOSING for item, one in pairs)
