"""Which rows of a record table a selector means (RSD 0 to 11), and whether it means this meter (MS).

Ranges include their first end and not their second; an end that is NULL or not fully specified is open. Rows come the
oldest first, as captures show it. How ranges of selector 3 combine is not said by the facts at hand: ranges of one
column are alternatives, different columns must all fit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.protocols.dlt69845.dates import DateTime, DateTimeS, Interval, IntervalUnit
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.selection import SelectorRange
from meterwire.protocols.wire.nodes import Variant

_NULL, _ENUM, _TI = 0, 22, 84
_NUMBERS: Final = frozenset({3, 5, 6, 15, 16, 17, 18, 20, 21, _ENUM})
_TEXTS: Final = frozenset({4, 9, 10, 12})
_TIMES: Final = frozenset({25, 28})
_SECONDS: Final = {IntervalUnit.SECOND: 1, IntervalUnit.MINUTE: 60, IntervalUnit.HOUR: 3600, IntervalUnit.DAY: 86_400}
_MONTHS: Final = {IntervalUnit.MONTH: 1, IntervalUnit.YEAR: 12}
_DEPTH: Final = 8
"""Selectors inside selectors (RSD 11) that are followed."""
_MOST_TESTS: Final = 64
"""Values and ranges that one request may name: each is held against every row."""

Key = int | float | str | bytes | dt.datetime
Test = Callable[[int], bool]


class Entry(Protocol):
    """One row of a record table."""

    def value(self, oad: Oad) -> Variant:
        """What stands in a column, NULL for nothing."""


class Rows(Protocol):
    """A record table, as far as a selection needs it."""

    def time_for(self, selector: int) -> Oad:
        """The column with the time that one of the selectors 4 to 8 is about."""

    def meant(self, meters: Variant, address: bytes) -> Callable[[Any], bool]:
        """Whether a row is of a set of meters (MS); `address` is that of the server itself."""

    def newest(self, count: int) -> Sequence[int]:
        """The places of the newest rows, so many of each meter."""

    def knows(self, oad: Oad) -> bool:
        """Whether it has such a column."""

    def entries(self) -> Sequence[Entry]:
        """All rows, the oldest first."""


class OwnRows:
    """What all record tables of a meter have in common: every row is its own, and has one time.

    Attributes:
        time: the column that tells when a row was made.
    """

    time: Oad

    def time_for(self, selector: int) -> Oad:
        """The time of the row, whatever the selector."""
        del selector
        return self.time

    def meant(self, meters: Variant, address: bytes) -> Callable[[Any], bool]:
        """All rows, or none."""
        mine = means(meters, address)
        return lambda _: mine

    def newest(self, count: int) -> Sequence[int]:
        """The last ones."""
        whole = len(self.entries())
        return range(max(0, whole - count), whole)

    def entries(self) -> Sequence[Entry]:
        """All rows, the oldest first."""
        raise NotImplementedError


def selected(rows: Rows, rsd: Variant, address: bytes) -> Sequence[Entry]:
    """The rows that a selector means.

    Args:
        rows: the table.
        rsd: selector and its content.
        address: of this meter as a TSA has it: flag octet, then digits, high octet first.

    Raises:
        Denied: it names a column that is not there, or compares it with something of another kind.
    """
    entries = rows.entries()
    places = _Selection(rows, entries, address).places(rsd, _DEPTH)
    return entries if len(places) == len(entries) else [entries[at] for at in places]


class _Selection:
    """One selection: each column that it looks at is worked out once, however many selectors name it."""

    def __init__(self, rows: Rows, entries: Sequence[Entry], address: bytes) -> None:
        self._rows, self._entries, self._address = rows, entries, address
        self._values: dict[int, list[Variant]] = {}
        self._keys: dict[int, list[Key | None]] = {}
        self._tests = 0

    def places(self, rsd: Variant, depth: int) -> Sequence[int]:
        """The places of the rows, in order."""
        everything = range(len(self._entries))
        value = rsd.value
        if rsd.tag == 0:
            return everything
        if rsd.tag == 9:
            return [len(everything) - value] if 1 <= value <= len(everything) else []
        if rsd.tag == 10:
            meant = self._rows.meant(value.meters, self._address)
            return [at for at in self._rows.newest(value.count) if meant(self._entries[at])]
        if rsd.tag == 11:
            if not depth:
                raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
            return sorted({at for one in value for at in self.places(one, depth - 1)})
        test = self._test(rsd)
        return [at for at in everything if test(at)]

    def _test(self, rsd: Variant) -> Test:
        value = rsd.value
        if rsd.tag == 1:
            return self._equal(value.column, value.value)
        if rsd.tag == 2:
            return self._within(value)
        if rsd.tag == 3:
            return self._ranges(value)
        meant, time = self._rows.meant(value.meters, self._address), self._rows.time_for(rsd.tag)
        if rsd.tag in {4, 5}:
            fits = self._equal(time, Variant(28, value.time))
        else:
            step = Variant(_TI, value.interval)
            fits = self._within(SelectorRange(time, Variant(28, value.start), Variant(28, value.end), step))
        return lambda at: fits(at) and meant(self._entries[at])

    def _ranges(self, ranges: Sequence[SelectorRange]) -> Test:
        by_column: dict[int, list[Test]] = {}
        for one in ranges:
            by_column.setdefault(one.column.packed, []).append(self._within(one))
        return lambda at: all(any(test(at) for test in tests) for tests in by_column.values())

    def _equal(self, column: Oad, value: Variant) -> Test:
        values, keys, wanted = *self._column(column), key_of(value)
        if wanted is None:
            return lambda at: values[at] == value
        return lambda at: bool(_same_kind(keys[at], wanted) == wanted)

    def _within(self, selector: SelectorRange) -> Test:
        _, keys = self._column(selector.column)
        start, end = key_of(selector.start), key_of(selector.end)
        fits = _step(start, selector.step)

        def test(at: int) -> bool:
            key = keys[at]
            if key is None or (start is not None and _same_kind(key, start) < start):
                return False
            return (end is None or _same_kind(key, end) < end) and fits(key)

        return test

    def _column(self, column: Oad) -> tuple[list[Variant], list[Key | None]]:
        self._tests += 1
        if self._tests > _MOST_TESTS:
            raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
        if not self._rows.knows(column):
            raise Denied(Dar.OBJECT_UNAVAILABLE)
        packed = column.packed
        if packed not in self._values:
            self._values[packed] = [entry.value(column) for entry in self._entries]
            self._keys[packed] = [key_of(value) for value in self._values[packed]]
        return self._values[packed], self._keys[packed]


def _step(start: Key | None, step: Variant) -> Callable[[Any], bool]:
    """Whether a value lies a whole number of steps behind the start; without a start, behind midnight or 0."""
    if step.tag == _NULL:
        return lambda _: True
    if step.tag == _TI and isinstance(step.value, Interval):
        return _time_step(start, step.value)
    if step.tag not in _NUMBERS or not isinstance(start, int | None):
        raise Denied(Dar.TYPE_UNMATCHED)
    size = int(step.value)
    return lambda key: not size or (_same_kind(key, size) - (start or 0)) % size == 0


def _time_step(start: Key | None, step: Interval) -> Callable[[Any], bool]:
    if not step.value:
        return lambda _: True
    origin = start if isinstance(start, dt.datetime) else dt.datetime(2000, 1, 1)  # noqa: DTZ001  local time
    if step.unit in _MONTHS:
        months = step.value * _MONTHS[IntervalUnit(step.unit)]
        return lambda key: _months_behind(origin, key) % months == 0 if _fits_month(origin, key) else False
    if step.unit not in _SECONDS:
        raise Denied(Dar.TYPE_UNMATCHED)
    seconds = step.value * _SECONDS[IntervalUnit(step.unit)]
    return lambda key: int((_same_kind(key, origin) - origin).total_seconds()) % seconds == 0


def _months_behind(origin: dt.datetime, key: dt.datetime) -> int:
    return (key.year - origin.year) * 12 + key.month - origin.month


def _fits_month(origin: dt.datetime, key: Any) -> bool:
    return (_same_kind(key, origin).day, key.time()) == (origin.day, origin.time())


def _same_kind(key: Key | None, other: Key) -> Any:
    """A value of the same kind, to be compared; raises `Denied` where they cannot be."""
    if key is None or type(key) is type(other) or (isinstance(key, int | float) and isinstance(other, int | float)):
        return key
    raise Denied(Dar.TYPE_UNMATCHED)


def key_of(data: Variant) -> Key | None:
    """A value as something that can be compared: a number, a text, octets, a local time; None for what cannot be."""
    value = data.value
    if data.tag in _TIMES and isinstance(value, DateTime | DateTimeS):
        return value.datetime()
    if data.tag in _NUMBERS and isinstance(value, int):
        return int(value)
    if data.tag in {23, 24} and isinstance(value, float):
        return value if value == value else None  # noqa: PLR0124  NaN compares with nothing
    if data.tag in _TEXTS and isinstance(value, str | bytes):
        return value
    return None


# ---------------------------------------------------------------- meters


def means(meters: Variant, address: bytes) -> bool:
    """Whether a set of meters means this one.

    A meter has no archive: numbers, user types and device types of it mean nobody. No set (0) is taken as the meter's
    own records; that a server without meters behind it answers so is assumed.
    """
    value = meters.value
    if meters.tag in {0, 1}:
        return True
    if meters.tag == 3:
        return any(bare(one) == bare(address) for one in value)
    if meters.tag == 6:
        return any(one.holds(bare(address), _bare_end) for one in value)
    return meters.tag == 9 and value == 0


def bare(tsa: bytes) -> bytes:
    """The digits of a TSA, without its flag octet."""
    return tsa[1:]


def _bare_end(end: Any) -> Any:
    return bare(end) if isinstance(end, bytes) else None


def tsa_of(digits: str) -> bytes:
    """The TSA of a meter with twelve digits."""
    octets = bytes.fromhex(digits if len(digits) % 2 == 0 else digits + "F")
    return bytes([len(octets) - 1]) + octets
