"""Packing: what of neighbouring fields of fixed size is appended at once, and the octets of single values."""

from __future__ import annotations

import struct
from typing import Any, cast

from meterwire.protocols.wire.checks import sum8
from meterwire.protocols.wire.declare import BitsInfo, bits_info, info
from meterwire.protocols.wire.facts import fixed, is_flat
from meterwire.protocols.wire.generated.source import Source
from meterwire.protocols.wire.nodes import (
    Bcd,
    BitString,
    Bool,
    Check,
    Const,
    Enum,
    Node,
    Octets,
    Record,
    Size,
    Text,
    UInt,
)


class Misfit(ValueError):  # noqa: N818  never leaves the codec
    """A value that its layout cannot carry; never leaves the codec."""


class Run:
    """Neighbouring fields of fixed size, which become one expression."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._fields: list[tuple[str, str, str]] = []

    def takes(self, node: Node[Any]) -> bool:
        """Whether a node can join a run."""
        if isinstance(node, (Size, Check)):
            return False
        return fixed(node) is not None or (isinstance(node, Record) and is_flat(info(node.cls), self._source.edition))

    def add(self, node: Node[Any], value: str) -> None:
        """Append a field; a flat message is taken apart."""
        if fixed(node) is not None:
            self.pack(node, packed_expression(node, value))
            return
        cls: Any = cast("Record[Any]", node).cls
        known = self._source.constant(cls, cls.__name__)
        self._source.line(f"if type({value}) is not {known}: raise Misfit(f'{{{value}!r}} is no {cls.__name__}')")
        for f in cls.__wire__.fields:
            inner = f"{value}.{f.name}"
            if not f.derived:
                inner = self._source.fresh(f.name)
                self._source.line(f"{inner} = {value}.{f.name}")
            self.add(self._source.resolve(f.node), inner)

    def pack(self, node: Node[Any], expression: str) -> None:
        """Append what a field of fixed size is packed from."""
        order, code = fixed(node) or ("=", "0s")
        self._fields.append((order, code, expression))

    def take(self) -> list[tuple[str, str]]:
        """What has been added: struct codes and the expression of the octets, in order."""
        taken, self._fields = self._fields, []
        found = []
        while taken:
            order, codes, values = "=", "", []
            while taken and (taken[0][0] == "=" or order in ("=", taken[0][0])):
                order = taken[0][0] if taken[0][0] != "=" else order
                codes += taken[0][1]
                values.append(taken.pop(0)[2])
            found.append((codes, self._expression(order, codes, values)))
        return found

    def _expression(self, order: str, codes: str, values: list[str]) -> str:
        if len(values) == 1 and codes.endswith("s"):
            return values[0]
        pack = self._source.constant(struct.Struct((">" if order == "=" else order) + codes).pack)
        return f"{pack}({', '.join(values)})"

    def flush(self) -> None:
        """Write what appends it to `out`."""
        single = self._fields[0][2] if len(self._fields) == 1 else ""
        for codes, expression in self.take():
            self._source.line(f"out.append({single})" if codes == "B" else f"out += {expression}")


def size_expression(node: Size, octets: str, name: str, source: Source, value: str) -> str:
    """The expression that is packed for a size of so many octets; writes the refusal of more than it can say."""
    held = bits_info(node.base)
    if held is None and node.least:
        source.line(f"if {octets} < {node.least}: raise Misfit(f'{{{octets}}} octets are fewer than {name} can say')")
        overflowed = f"{node.round} <= {octets} < {node.round + node.least}"
        return f"{octets} - {node.round} if {overflowed} else {octets}"
    if held is None:
        return octets
    size = next(p for p in held.parts if p.name == "size")
    clear = ~(size.mask << size.shift)
    source.line(f"if {octets} > {size.mask}: raise Misfit(f'{{{octets}}} octets are more than {name} can say')")
    return f"{_settled(held, value)} & {clear} | ({octets}) << {size.shift}"


def digest_expression(node: Check, octets: str, source: Source) -> str:
    """The expression for the sum of octets that a check carries."""
    return f"sum({octets}) & 255" if node.digest is sum8 else f"{source.constant(node.digest)}({octets})"


def packed_expression(node: Node[Any], value: str) -> str:
    """The expression for what `struct` packs of a fixed node."""
    if isinstance(node, Const):
        return repr(node.raw)
    if isinstance(node, UInt) and node.size not in (1, 2, 4, 8):
        order = "'big'" if node.order == ">" else "'little'"
        return f"({value}).to_bytes({node.size}, {order}{', signed=True' if node.signed else ''})"
    if isinstance(node, Enum):
        known = tuple(int(member) for member in node.names)
        return packed_expression(node.base, f"member({value}, {known})" if node.closed else value)
    if isinstance(node, Record):
        held = bits_info(node.cls)
        return packed_expression(held.base, _settled(held, value)) if held is not None else value
    if isinstance(node, Bcd):
        turned = "[::-1]" if node.order == "<" else ""
        plain = f"bytes.fromhex({value}){turned} if len({value}) == {2 * int(node.size)} and {value}.isdecimal()"  # type: ignore[arg-type]
        return f"({plain} else bcd({value}, {node.size}, {node.order!r}, {node.also!r}))"
    if isinstance(node, Bool):
        return f"({node.true} if {value} else 0)"
    if isinstance(node, Text):
        return f"exact(text({value}, {node.encoding!r}), {node.size})"
    if isinstance(node, BitString):
        return f"bits_({value}, {node.bits})"
    if isinstance(node, Octets):
        return f"exact({value}, {node.size})"
    return value


def _settled(held: BitsInfo, value: str) -> str:
    """A bit field, of which the parts that never change are looked at."""
    fixed_parts = [p for p in held.parts if p.fixed]
    if not fixed_parts:
        return value
    mask, due = sum(p.mask << p.shift for p in fixed_parts), sum(p.default << p.shift for p in fixed_parts)
    return f"settled({value}, {mask}, {due})"


def settled(value: int, mask: int, due: int) -> int:
    """A bit field whose parts that never change are as they should be."""
    if value & mask != due:
        raise Misfit(f"{value!r} has another value in a part that never changes")
    return value


def member(value: int, known: tuple[int, ...]) -> int:
    """A number that has a name."""
    if value not in known:
        raise Misfit(f"{value} has no name")
    return value


def axdr_octets(n: int) -> bytes:
    """The shortest A-XDR form of a length."""
    if n < 0x80:
        return bytes((n,))
    octets = (n.bit_length() + 7) // 8
    if octets > 4:
        raise Misfit(f"{n} does not fit in a length of 4 octets")
    return bytes((0x80 | octets,)) + n.to_bytes(octets, "big")


def bcd_octets(digits: str, size: int | None, order: str, also: str) -> bytes:
    """Packed digits, checked."""
    if digits.strip("0123456789" + also) or len(digits) % 2:
        raise Misfit(f"{digits!r} is not a pair of decimal digits for each octet")
    octets = bytes.fromhex(digits)
    if size is not None and len(octets) != size:
        raise Misfit(f"{digits!r} is {len(octets)} octets, not {size}")
    return octets[::-1] if order == "<" else octets


def bit_octets(bits: str, count: int | None) -> bytes:
    """Bits padded to octets with zeros."""
    if bits.strip("01") or (count is not None and len(bits) != count):
        raise Misfit(f"{bits!r} is not {'a text' if count is None else count} of 0 and 1")
    octets = (len(bits) + 7) // 8
    return int(bits.ljust(octets * 8, "0") or "0", 2).to_bytes(octets, "big")


def exact(octets: bytes, size: int) -> bytes:
    """Octets of just this length."""
    if len(octets) != size:
        raise Misfit(f"{len(octets)} octets, not {size}")
    return octets


def chain_octets(octets: bytes, limit: int) -> bytes:
    """Octets of which only the last has its lowest bit set."""
    if not 0 < len(octets) <= limit or not octets[-1] & 1 or any(octet & 1 for octet in octets[:-1]):
        raise Misfit(f"{octets.hex()} is no chain of at most {limit} octets that ends with its only odd one")
    return octets


def text_octets(value: str | bytes, encoding: str) -> bytes:
    """Text encoded; octets that were no text as they are."""
    return value.encode(encoding) if isinstance(value, str) else value
