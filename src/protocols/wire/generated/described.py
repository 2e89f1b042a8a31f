"""Compact arrays: the layout of the elements is itself part of the octets, so it is walked at run time.

Source: IEC 62056-6-2 (compact-array, type description).
"""

from __future__ import annotations

import itertools
from typing import Any, Final

from meterwire.protocols.wire.limits import ITEM_COST, LIST_COST
from meterwire.protocols.wire.nodes import Compact, Variant
from meterwire.protocols.wire.tracer import Stop

Plan = tuple[dict[int, Any], dict[int, int], int, int]
"""Readers and smallest sizes of the simple types, tag of array, tag of structure."""


def parse_described(plan: Plan, b: bytes, p: int, e: int, d: int, x: list[int]) -> tuple[Compact, int]:
    """Read description, length and elements."""
    description, p = _description(plan, b, p, e, d, x)
    length, p = axdr_length(b, p, e)
    end = p + length
    if end > e:
        raise Stop(p, f"{length} octets, {e - p} are left")
    elements = []
    while p < end:
        at = p
        x[0] -= ITEM_COST
        if x[0] < 0:
            raise Stop(p, "fewer items")
        element, p = _element(plan, description, b, p, end, x)
        if p == at:
            raise Stop(p, "elements that take octets")
        elements.append(element)
    return Compact(description, tuple(elements)), p


def axdr_length(b: bytes, p: int, e: int) -> tuple[int, int]:
    """A length of A-XDR at this position."""
    if p >= e:
        raise Stop(p, "the octets end here")
    first, p = b[p], p + 1
    if first < 0x80:
        return first, p
    n = first & 0x7F
    if not 1 <= n <= 4:
        raise Stop(p - 1, "a length of 1 to 4 octets")
    if p + n > e:
        raise Stop(p, "the octets end here")
    return int.from_bytes(b[p : p + n], "big"), p + n


def _charge(x: list[int], items: int, p: int) -> None:
    x[0] -= LIST_COST + ITEM_COST * items
    if x[0] < 0:
        raise Stop(p, f"fewer items than {items}")


def _description(plan: Plan, b: bytes, p: int, e: int, d: int, x: list[int]) -> tuple[Variant, int]:
    if p >= e:
        raise Stop(p, "the octets end here")
    cases, _, array, structure = plan
    tag, p = b[p], p + 1
    if tag == array:
        if d < 1:
            raise Stop(p, "fewer levels of nesting")
        if p + 2 > e:
            raise Stop(p, "the octets end here")
        count = int.from_bytes(b[p : p + 2], "big")
        inner, p = _description(plan, b, p + 2, e, d - 1, x)
        return Variant(tag, (count, inner)), p
    if tag == structure:
        return _structure(plan, b, p, e, d, x)
    if tag not in cases:
        raise Stop(p - 1, f"no layout for {tag}")
    return Variant(tag, None), p


def _structure(plan: Plan, b: bytes, p: int, e: int, d: int, x: list[int]) -> tuple[Variant, int]:
    if d < 1:
        raise Stop(p, "fewer levels of nesting")
    count, p = axdr_length(b, p, e)
    if count > e - p:
        raise Stop(p, f"{count} items, {e - p} octets are left")
    if count:
        _charge(x, count, p)
    members = []
    for _ in range(count):
        member, p = _description(plan, b, p, e, d - 1, x)
        members.append(member)
    return Variant(plan[3], tuple(members)), p


def _element(plan: Plan, description: Variant, b: bytes, p: int, e: int, x: list[int]) -> tuple[Variant, int]:
    tag = description.tag
    if tag == plan[2]:
        count, inner = description.value
        if count * _fewest(plan, inner) > e - p:
            raise Stop(p, f"{count} items, {e - p} octets are left")
        members_of: Any = itertools.repeat(inner, count)
    elif tag == plan[3]:
        count, members_of = len(description.value), description.value
    else:
        value, p = plan[0][tag](b, p, e, 0, x)
        return (_EMPTY[tag] if value is None else Variant(tag, value)), p
    if count:
        _charge(x, count, p)
    members = []
    for member in members_of:
        value, p = _element(plan, member, b, p, e, x)
        members.append(value)
    return Variant(tag, tuple(members)), p


_EMPTY: Final = [Variant(tag, None) for tag in range(256)]
"""Elements without content are shared: an array of them costs next to nothing."""


def _fewest(plan: Plan, description: Variant) -> int:
    """The fewest octets of one element, counted shallowly: an under-estimate is enough to refuse absurd counts."""
    return plan[1].get(description.tag, 0)
