"""Logical names: OBIS codes of six value groups A to F (IEC 62056-6-1), read, written and named.

``obis.csv`` names the common codes of media 0 (abstract) and 1 (electricity): a row has the groups it fixes, ranges as
``1-63``, and an empty group where any value will do. Electricity codes that no row names in full are put together from
the rows of their quantity (group C) and of their processing (group D). Group F is 255 but for stored billing periods.
"""

from __future__ import annotations

import csv
import re
from functools import cache, lru_cache
from typing import Final

import msgspec

from meterwire.errors import LocalProtocolError

_WRITTEN: Final = re.compile(r"(\d{1,3})-(\d{1,3}):(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:[.*](\d{1,3}))?", re.ASCII)
_DOTTED: Final = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})", re.ASCII)
_HEX: Final = re.compile(r"[0-9A-Fa-f]{12}")


class Obis(bytes):
    """A logical name: the six octets themselves, which know how to be written.

    ``str`` gives the short form ``1-0:1.8.0``, with ``*F`` where F is not 255; `dotted` gives ``1.0.1.8.0.255``.
    """

    __slots__ = ()

    def __new__(cls, octets: bytes) -> Obis:
        """From six octets; raises LocalProtocolError for any other number of them."""
        if len(octets) != 6:
            raise LocalProtocolError(f"a logical name has 6 octets, not {len(octets)}")
        return super().__new__(cls, octets)

    @classmethod
    def parse(cls, text: str) -> Obis:
        """From ``1-0:1.8.0``, ``1-0:1.8.0*255``, ``1.0.1.8.0.255`` or twelve hex digits; else LocalProtocolError."""
        text = text.strip()
        if _HEX.fullmatch(text):
            return cls(bytes.fromhex(text))
        found = _WRITTEN.fullmatch(text) or _DOTTED.fullmatch(text)
        groups = [int(group or 255) for group in found.groups()] if found else []
        if not groups or max(groups) > 255:
            raise LocalProtocolError(f"{text!r} is not a logical name such as 1-0:1.8.0 or 1.0.1.8.0.255")
        return cls(bytes(groups))

    @property
    def dotted(self) -> str:
        """All six groups joined by dots."""
        return ".".join(map(str, self))

    @property
    def name(self) -> str:
        """What the code stands for, in English; empty where no table has it."""
        return _name(bytes(self))

    @property
    def class_id(self) -> int | None:
        """The interface class that usually carries this code; None where the table does not say."""
        found = _found(bytes(self))
        return found.class_id if found else None

    def __str__(self) -> str:
        a, b, c, d, e, f = self
        return f"{a}-{b}:{c}.{d}.{e}" + (f"*{f}" if f != 255 else "")

    def __repr__(self) -> str:
        return f"Obis.parse({str(self)!r})"


class _Row(msgspec.Struct, frozen=True):
    """One row of the table: the range of each of the groups A to E."""

    ranges: tuple[tuple[int, int], ...]
    name: str
    class_id: int | None

    def holds(self, code: bytes) -> bool:
        return all(low <= group <= high for group, (low, high) in zip(code, self.ranges, strict=False))


class _Table(msgspec.Struct, frozen=True):
    """The rows: whole codes by groups A and C; quantities by group C and processings by group D."""

    whole: dict[tuple[int, int], list[_Row]]
    quantities: dict[int, str]
    processings: dict[int, str]


def _range(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    return (int(low), int(high or low)) if text else (0, 255)


@cache
def _table() -> _Table:
    from importlib.resources import files  # noqa: PLC0415  costly, and needed only once a name is asked for

    table = _Table({}, {}, {})
    text = files(__package__).joinpath("obis.csv").read_text("utf-8")
    for line in csv.DictReader(text.splitlines()):
        if not line["c"]:
            table.processings[int(line["d"])] = line["name"]
        elif line["a"] == "1" and not line["d"]:
            table.quantities[int(line["c"])] = line["name"]
        else:
            ranges = tuple(_range(line[group]) for group in "abcde")
            row = _Row(ranges, line["name"], int(line["class_id"]) if line["class_id"] else None)
            table.whole.setdefault((int(line["a"]), int(line["c"])), []).append(row)
    return table


def _found(code: bytes) -> _Row | None:
    rows = _table().whole.get((code[0], code[2]), ())
    return next((row for row in rows if row.holds(code)), None)


_INTEGRALS: Final = {8, 9, 10, 29, 30, 58}
"""Processings (group D) that make an energy of a power."""


def _element(code: bytes) -> str:
    """What group E says for an electricity quantity: a rate, or a harmonic of an instantaneous value."""
    e = code[4]
    if e == 0:
        return ""
    if code[3] in {7, 24} and e <= 120:
        return f", harmonic {e}"
    if code[3] in {7, 24} and e == 124:
        return ", total harmonic distortion"
    return f", rate {e}" if e <= 63 else f", element {e}"


@lru_cache(maxsize=1024)
def _name(code: bytes) -> str:
    table, row = _table(), _found(code)
    period = "" if code[5] == 255 else f", billing period {code[5]}"
    if row is not None:
        return row.name.replace("{b}", str(code[1])).replace("{e}", str(code[4])) + period
    quantity, processing = table.quantities.get(code[2]), table.processings.get(code[3])
    if code[0] != 1 or quantity is None or processing is None:
        return ""
    if code[3] in _INTEGRALS:
        quantity = quantity.replace("power", "energy")
    return f"{quantity}, {processing}{_element(code)}{period}"
