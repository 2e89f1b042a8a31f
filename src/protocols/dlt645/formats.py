"""The formats of annex A: octets of a data item to a value and back.

A format is written as the annex writes it: ``XXXXXX.XX`` is a decimal number (N where it can be set), ``±X.XXX`` one
with a sign, ``YYMMDDhhmm`` a time stamp; ``ASCIIn``, ``DIGITSn`` and ``BITSn`` are a text of n octets, n digits that
are a name rather than a number, and n octets of flags; ``AA`` is that octet, ``SCREEN`` a display item, ``LOADn`` load
records of class n (0 for all), ``RAW`` is not described. ``a;b`` is a record in wire order, ``a;b;...`` one that may
end early, ``a|b`` items closed by AAH octets, ``a*3`` or ``(a;b)*n`` a repetition, n for as many as there are. Every
item travels low octet first (DL/T 645-2007, 5.2, annex A).

Values: Decimal, with the digits of the format; str for stamps, texts and digits; int for flags; tuple for a record;
list for a repetition; bytes where nothing is described; None where every nibble is F, which is how meters say that
there is no value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from meterwire.protocols.dlt645.compounds import Closed, Record, Repeat
from meterwire.protocols.dlt645.load_record import GROUPS, LoadRecords
from meterwire.protocols.dlt645.values import (
    PARTS,
    Bits,
    Constant,
    Digits,
    Format,
    Number,
    Raw,
    Screen,
    Stamp,
    Text,
)

__all__ = ["Closed", "LoadRecords", "Record", "Repeat", "format_of"]

_SIMPLE: Final = re.compile(
    r"(?P<number>±?[XN]+(?:\.[XN]+)?)|(?P<stamp>(?:YY|MM|DD|WW|hh|mm|ss)+)|ASCII(?P<text>\d+)|DIGITS(?P<digits>\d+)"
    r"|BITS(?P<bits>\d+)|LOAD(?P<load>[0-6])|(?P<constant>AA)|(?P<screen>SCREEN)|(?P<raw>RAW)"
)
_REPEATED: Final = re.compile(r"(?P<item>[^;|]+|\(.*\))\*(?P<count>\d+|n)")


def _number(text: str, signed: bool) -> Number:
    whole, _, fraction = text.removeprefix("±").partition(".")
    return Number(len(whole) + len(fraction), len(fraction), signed or text[0] == "±")


_MAKE: Final[dict[str, Callable[[str], Format]]] = {
    "stamp": lambda text: Stamp(PARTS.findall(text)),
    "text": lambda text: Text(int(text)),
    "digits": lambda text: Digits(int(text)),
    "bits": lambda text: Bits(int(text)),
    "load": lambda text: LoadRecords([_item(group, signed=False) for group in GROUPS], int(text)),
    "constant": lambda _: Constant(0xAA),
    "screen": lambda _: Screen(),
    "raw": lambda _: Raw(),
}


def _split(text: str, separator: str) -> list[str]:
    """The parts between separators that stand outside of brackets."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == separator and not depth:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _simple(text: str, signed: bool) -> Format:
    found = _SIMPLE.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a format")
    kind = str(found.lastgroup)
    return _number(found[kind], signed) if kind == "number" else _MAKE[kind](found[kind])


def _in_brackets(text: str) -> bool:
    """Whether the first bracket is closed by the last character."""
    depth = 0
    for at, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if not depth:
            return at > 0 and at == len(text) - 1
    return False


def _repeated(text: str, signed: bool, exact: bool) -> Repeat | None:
    found = _REPEATED.fullmatch(text)
    if not found:
        return None
    count = None if found["count"] == "n" else int(found["count"])
    return Repeat(_item(found["item"], signed), count, exact and count is not None)


def _item(text: str, signed: bool) -> Format:
    members = _split(text, ";")
    if len(members) == 1:
        return _repeated(text, signed, exact=True) or (
            _item(text[1:-1], signed) if _in_brackets(text) else _simple(text, signed)
        )
    early = members[-1] == "..."
    items: list[Format] = []
    for member in members[: len(members) - early]:
        found = _REPEATED.fullmatch(member)
        if found and found["count"] != "n" and not member.startswith("("):
            items += [_item(found["item"], signed)] * int(found["count"])  # XXX.X*3 in a record is three of its items
        else:
            items.append(_item(member, signed))
    return Record(items, early)


@lru_cache(maxsize=1024)
def format_of(text: str, signed: bool = False) -> Format:
    """The reader and writer of a format as this module's annex notation writes it; ValueError when it is not one.

    With `signed` all its numbers have a sign.
    """
    closed = _split(text, "|")
    if len(closed) > 1:
        return Closed([_item(one, signed) for one in closed])
    alone = len(_split(text, ";")) == 1
    return (_repeated(text, signed, exact=False) if alone else None) or _item(text, signed)
