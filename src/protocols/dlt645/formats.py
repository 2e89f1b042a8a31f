"""The formats of annex A: octets of a data item to a value and back.

A format is written as the annex writes it: ``XXXXXX.XX`` is a decimal number (N where it can be set), ``YYMMDDhhmm`` a
time stamp; ``ASCIIn``, ``DIGITSn`` and ``BITSn`` are a text of n octets, n digits that are a name rather than a number,
and n octets of flags; ``AA`` is that octet, ``RAW`` is not described. ``a;b`` is a record in wire order, ``a*3`` or
``(a;b)*n`` a repetition, n for as many as there are. Every item travels low octet first (DL/T 645-2007, 5.2, annex A).

Values: Decimal, with the digits of the format; str for stamps, texts and digits; int for flags; tuple for a record;
list for a repetition; bytes where nothing is described; None where every nibble is F, which is how meters say that
there is no value.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.dlt645.values import PARTS, Bits, Constant, Digits, Format, Number, Raw, Stamp, Text, Value


class Repeat:
    """The same item several times: a list, of `count` items or, where `count` is a limit only, of what is there."""

    def __init__(self, item: Format, count: int | None, exact: bool) -> None:
        if not item.size:
            raise ValueError("only an item of known size can be repeated")
        self._item = item
        self._each = item.size
        self.count = count
        self.size = self._each * count if exact and count else None
        self.exact = exact

    def decode(self, octets: bytes, at: int = 0) -> list[Value]:
        """The values of as many whole items as there are octets for."""
        count, rest = divmod(len(octets), self._each)
        if rest or not self._fits(count):
            raise MalformedError(f"{self.count or 'whole'} items of {self._each} octets, not {len(octets)}", offset=at)
        each = self._each
        return [self._item.decode(octets[i : i + each], at + i) for i in range(0, len(octets), each)]

    def encode(self, value: Any) -> bytes:
        """The octets of a list or tuple of values."""
        if not isinstance(value, (list, tuple)) or not self._fits(len(value)):
            raise LocalProtocolError(f"{value!r} is not a list of {self.count or 'any number of'} values")
        return b"".join(map(self._item.encode, value))

    def _fits(self, count: int) -> bool:
        return self.count is None or (count == self.count if self.exact else count <= self.count)


class Record:
    """Different items one after another: a tuple, without the separators."""

    def __init__(self, items: list[Format]) -> None:
        sizes = [item.size for item in items if item.size is not None]
        if len(items) - len(sizes) > 1:
            raise ValueError("a record can have one item of open size")
        self._items = items
        self._fixed = sum(sizes)
        self.size = self._fixed if len(sizes) == len(items) else None

    def decode(self, octets: bytes, at: int = 0) -> tuple[Value, ...]:
        """The values in wire order; an item of open size takes what the others leave."""
        spare = len(octets) - self._fixed
        if spare < 0 or (spare and self.size is not None):
            raise MalformedError(f"a record of {self._fixed} octets, not {len(octets)}", offset=at)
        values, start = [], 0
        for item in self._items:
            size = spare if item.size is None else item.size
            value = item.decode(octets[start : start + size], at + start)
            start += size
            if not isinstance(item, Constant):
                values.append(value)
        return tuple(values)

    def encode(self, value: Any) -> bytes:
        """The octets of as many values as the record has items."""
        wanted = sum(not isinstance(item, Constant) for item in self._items)
        if not isinstance(value, (list, tuple)) or len(value) != wanted:
            raise LocalProtocolError(f"{value!r} is not a record of {wanted} values")
        values = iter(value)
        return b"".join(item.encode(None if isinstance(item, Constant) else next(values)) for item in self._items)


_SIMPLE: Final = re.compile(
    r"(?P<number>[XN]+(?:\.[XN]+)?)|(?P<stamp>(?:YY|MM|DD|WW|hh|mm|ss)+)|ASCII(?P<text>\d+)|DIGITS(?P<digits>\d+)"
    r"|BITS(?P<bits>\d+)|(?P<constant>AA)|(?P<raw>RAW)"
)
_REPEATED: Final = re.compile(r"(?P<item>[^*()]+|\(.*\))\*(?P<count>\d+|n)")
_MEMBERS: Final = re.compile(r"(?:\([^()]*\)|[^;()])+")


def _simple(text: str, signed: bool) -> Format:
    found = _SIMPLE.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a format")
    kind, body = str(found.lastgroup), found[found.lastgroup or 0]
    if kind == "number":
        whole, _, fraction = body.partition(".")
        return Number(len(whole) + len(fraction), len(fraction), signed)
    if kind == "stamp":
        return Stamp(PARTS.findall(body))
    if kind == "text":
        return Text(int(body))
    if kind == "digits":
        return Digits(int(body))
    if kind == "bits":
        return Bits(int(body))
    return Constant(0xAA) if kind == "constant" else Raw()


def _repeated(text: str, signed: bool, exact: bool) -> Repeat | None:
    found = _REPEATED.fullmatch(text)
    if not found:
        return None
    item = found["item"].removeprefix("(").removesuffix(")")
    count = None if found["count"] == "n" else int(found["count"])
    return Repeat(_item(item, signed), count, exact and count is not None)


def _item(text: str, signed: bool) -> Format:
    members = _MEMBERS.findall(text)
    if len(members) == 1:
        return _repeated(text, signed, exact=True) or _simple(text, signed)
    items: list[Format] = []
    for member in members:
        found = _REPEATED.fullmatch(member)
        if found and found["count"] != "n" and not member.startswith("("):
            items += [_item(found["item"], signed)] * int(
                found["count"]
            )  # XXX.X*3 within a record is three of its items
        else:
            items.append(_item(member, signed))
    return Record(items)


@lru_cache(maxsize=512)
def format_of(text: str, signed: bool = False) -> Format:
    """The reader and writer of a format as this module's annex notation writes it; ValueError when it is not one."""
    alone = _MEMBERS.findall(text) == [text]
    return (_repeated(text, signed, exact=False) if alone else None) or _item(text, signed)
