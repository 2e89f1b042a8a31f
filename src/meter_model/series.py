"""Rows of quantities that a meter stores at set moments: the ring behind each kind of freeze and class of load profile.

A row keeps the state of the meter, copied, and works its values out when somebody asks: storing is cheap, and a value
is exactly what a reading at that moment gave. Where many meters share one process, rows settle as soon as newer ones
follow: then each costs time once and little memory for ever.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.clock import local_time
from meterwire.meter_model.load import PHASES
from meterwire.meter_model.plain import plain, revived
from meterwire.meter_model.tariff import NO_MORE
from meterwire.meter_model.values import NotServed, Value
from meterwire.quantities import QUANTITIES, Kind, Quantity

if TYPE_CHECKING:
    from meterwire.meter_model.sample import Sample

Schedule = Callable[[int], int]
"""The first moment later than a minute since 1970 local; NO_MORE where there is none."""
_RATED: Final = frozenset({Kind.ENERGY, Kind.MAX_DEMAND})


@cache
def column(name: str) -> Quantity:
    """The quantity of that name, of any of 63 rates; raises LocalProtocolError."""
    if name in QUANTITIES:
        return QUANTITIES[name]
    base, _, rate = name.rpartition("_rate_")
    row = QUANTITIES.get(base)
    if row is None or row.kind not in _RATED or not (rate.isascii() and rate.isdigit() and 1 <= int(rate) <= 63):
        raise LocalProtocolError(f"no quantity is called {name!r}")
    return msgspec.structs.replace(row, name=f"{base}_rate_{int(rate)}", rate=int(rate))


def needs_everything(columns: Iterable[Quantity]) -> bool:
    """Whether the totals and the instantaneous values are not enough."""
    return any(
        row.kind == Kind.MAX_DEMAND or (row.kind == Kind.ENERGY and (row.rate or row.phase in PHASES))
        for row in columns
    )


class Row:
    """What was stored at one moment.

    Attributes:
        second: when, seconds since 1970 local.
    """

    __slots__ = ("_columns", "_packed", "_sample", "_zone", "second")

    def __init__(self, second: int, zone: dt.timezone, columns: tuple[Quantity, ...], sample: Sample | None) -> None:
        self.second, self._zone = second, zone
        self._columns, self._sample = columns, sample
        self._packed = _NOTHING_STORED

    @property
    def time(self) -> dt.datetime:
        """When, aware."""
        return local_time(self.second).replace(tzinfo=self._zone)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of what was to be stored; the meter may lack some of it."""
        return tuple(row.name for row in self._columns)

    @property
    def values(self) -> Mapping[str, Value]:
        """The values by name of the quantity, exact; what the meter did not have is not there."""
        self.settle()
        found = zip(self.columns, _unpacked(self._packed), strict=True)
        return {name: value for name, value in found if value is not None}

    def settle(self) -> None:
        """Work the values out, and forget the copy of the meter that they come from: it is many times their size."""
        if self._sample is None:
            return
        self._packed = _packed([_read(self._sample, quantity) for quantity in self._columns])
        self._sample = None

    def state(self) -> list[Any]:
        """As builtins."""
        self.settle()
        return [self.second, list(self.columns), [plain(value) for value in _unpacked(self._packed)]]

    @staticmethod
    def of(state: Sequence[Any], zone: dt.timezone) -> Row:
        """From builtins."""
        second, names, values = state
        row = Row(second, zone, columns_named(tuple(names)), None)
        if len(names) != len(values):
            raise ValueError("a stored row with a value too many or too few")
        row._packed = _packed([revived(value) for value in values])
        return row


@cache
def columns_named(names: tuple[str, ...]) -> tuple[Quantity, ...]:
    """The quantities of these names, one tuple for all rows that have them; raises LocalProtocolError."""
    return tuple(map(column, names))


def _read(sample: Sample, quantity: Quantity) -> Value | None:
    try:
        return sample.read(quantity)
    except NotServed:
        return None


def _packed(values: Sequence[Value | None]) -> bytes:
    """Values in as few octets as keep them exact."""
    return _ENCODER.encode([_small(value) for value in values])


def _small(value: Value | None) -> Any:
    """A fraction as its two numbers, where they are not too large; everything else as it is stored."""
    if isinstance(value, Fraction) and -_WIDE < value.numerator < _WIDE and value.denominator < _WIDE:
        return (value.numerator, value.denominator)
    return plain(value)


def _unpacked(octets: bytes) -> list[Any]:
    return [
        Fraction(*value) if isinstance(value, list) and isinstance(value[0], int) else revived(value)
        for value in _DECODER.decode(octets)
    ]


_WIDE: Final = 1 << 63
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder()
_NOTHING_STORED: Final = _ENCODER.encode([])
THRIFTY: Final = 2
"""Rows of a ring that keep the copy of the meter where memory is dear."""


class Series:
    """A ring of rows, and when the next one is due.

    Args:
        depth: rows that are kept.
        schedule: when rows are due.
        backfill: of the rows that became due without power, how many of the last are made up for afterwards.

    Attributes:
        next: the minute at which the next row is due.
        fresh: rows that may keep the copy of the meter; older ones are settled.
        total: how many rows there have been since the last clearing.
        end: the number of the row to come, all that ever were being numbered from 0.
    """

    def __init__(self, depth: int, schedule: Schedule, backfill: int = 0) -> None:
        self.depth, self.schedule = depth, schedule
        self.fresh = depth
        self.next = NO_MORE
        self.total = self.end = 0
        self._clears = 0
        self._ring: deque[Row] = deque(maxlen=depth)
        self._backfill = backfill
        self._missed: list[Row] = []

    @property
    def rows(self) -> list[Row]:
        """All rows, the oldest first."""
        return [*self._ring, *self._missed][-self.depth :]

    @property
    def count(self) -> int:
        """How many rows there have been since the last clearing, those that are being made up for among them."""
        return self.total + len(self._missed)

    @property
    def mark(self) -> tuple[int, ...]:
        """Differs whenever the rows do."""
        return self._clears, self.total, len(self._ring), *(row.second for row in self._missed)

    def plan(self, minute: int) -> None:
        """Find the next moment after a minute."""
        self.next = self.schedule(minute)

    def add(self, row: Row, *, powered: bool = True) -> None:
        """Store a row."""
        if not powered:
            self._missed = [*self._missed, row][-self._backfill :] if self._backfill else []
            return
        self.total += len(self._missed) + 1
        self.end += len(self._missed) + 1
        self._ring.extend(self._missed)
        self._ring.append(row)
        for place in range(len(self._missed) + 1):
            if place + self.fresh < len(self._ring):
                self._ring[-1 - self.fresh - place].settle()
        self._missed.clear()

    def clear(self) -> None:
        """Forget all rows."""
        self._ring.clear()
        self._missed.clear()
        self.total = 0
        self._clears += 1

    @property
    def begin(self) -> int:
        """The number of the oldest row that is kept for good."""
        return self.end - len(self._ring)

    def numbered(self, begin: int) -> Iterator[tuple[int, list[Any]]]:
        """The rows that are kept for good, from a number on, each with its number and as builtins."""
        first = max(begin, self.begin)
        return ((first + at, row.state()) for at, row in enumerate(islice(self._ring, first - self.begin, None)))

    def state(self, *, rows: bool = True) -> dict[str, Any]:
        """Everything, or everything but the rows that `numbered` gives, as builtins."""
        kept = {"rows": [row.state() for row in self._ring]} if rows else {}
        return {"total": self.total, "end": self.end, "missed": [row.state() for row in self._missed], **kept}

    def restore(self, state: Mapping[str, Any], zone: dt.timezone) -> None:
        """Take a saved state over."""
        self.clear()
        self.total = state["total"]
        self.end = state.get("end", len(state["rows"]))
        self._ring.extend(Row.of(row, zone) for row in state["rows"])
        self._missed.extend(Row.of(row, zone) for row in state["missed"])
