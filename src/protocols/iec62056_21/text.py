"""Data sets as text: `1.8.0(003493.43*kWh)(...)`, cut by an ordinary tokenizer (IEC 62056-21, 6.5)."""

from __future__ import annotations

from typing import Final

import msgspec

from meterwire.errors import LocalProtocolError, MalformedError

MOST_SETS: Final = 8192
"""Data sets of one block; more are refused."""
_FORBIDDEN: Final = frozenset("()/!")


class Item(msgspec.Struct, frozen=True):
    """A value in parentheses, with its unit if it has one."""

    value: str
    unit: str = ""


class DataSet(msgspec.Struct, frozen=True):
    """An address (identification code) and what stands in the parentheses behind it.

    Attributes:
        address: such as `1.8.0` or `1-0:1.8.0*255`; empty where a meter leaves it out.
        items: one or more.
    """

    address: str
    items: tuple[Item, ...]


def parse(octets: bytes) -> list[DataSet]:
    """The data sets of a block.

    Raises:
        MalformedError: parentheses do not match, text that is not ASCII, or too many data sets.
    """
    try:
        text = octets.decode("ascii")
    except UnicodeDecodeError as error:
        raise MalformedError("seven-bit text", "data block", error.start) from None
    sets: list[DataSet] = []
    at, size = 0, len(text)
    while at < size:
        if text[at] in "\r\n":
            at += 1
            continue
        opening = text.find("(", at)
        if opening < 0:
            raise MalformedError("a value in parentheses", "data block", at)
        address = text[at:opening].strip()
        if not _FORBIDDEN.isdisjoint(address):
            raise MalformedError("an address without parentheses, / and !", "data block", at)
        items, at = _items(text, opening)
        if len(sets) >= MOST_SETS:
            raise MalformedError(f"at most {MOST_SETS} data sets", "data block", at)
        sets.append(DataSet(address, tuple(items)))
    return sets


def _items(text: str, at: int) -> tuple[list[Item], int]:
    items = []
    while text[at : at + 1] == "(":
        closing = text.find(")", at)
        if closing < 0:
            raise MalformedError("a closing parenthesis", "data block", at)
        inside = text[at + 1 : closing]
        if "(" in inside:
            raise MalformedError("no parenthesis within parentheses", "data block", at)
        value, star, unit = inside.rpartition("*")
        items.append(Item(value, unit) if star else Item(inside))
        at = closing + 1
    return items, at


def shown(one: DataSet) -> str:
    """A data set as text; raises `LocalProtocolError` for text that would end it."""
    for part in (one.address, *(half for item in one.items for half in (item.value, item.unit))):
        if not part.isascii() or not _FORBIDDEN.isdisjoint(part) or any(ord(sign) < 0x20 for sign in part):
            raise LocalProtocolError(f"{part!r} cannot stand in a data set")
    values = "".join(f"({item.value}{'*' if item.unit else ''}{item.unit})" for item in one.items)
    return f"{one.address}{values}"
