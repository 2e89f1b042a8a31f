"""What a meter stored at one moment, in as few octets as keep it exact.

A row holds the copied state of the meter until somebody asks, or until it settles: then the values are worked out and
packed. Fractions of one column mostly have denominators that divide a common one (whole pulses of 2**-32, millivolts);
rows with the same columns share a layout that knows it, and a value is one integer. What does not fit is stored whole.
"""

from __future__ import annotations

import datetime as dt
import math
import struct
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from meterwire.meter_model.clock import local_seconds, local_time
from meterwire.meter_model.columns import columns_named
from meterwire.meter_model.plain import plain, revived
from meterwire.meter_model.values import Demand, NotServed, Value
from meterwire.quantities import Kind, Quantity

if TYPE_CHECKING:
    from meterwire.meter_model.sample import Sample

_WIDE: Final = 1 << 63
_FINEST: Final = 1 << 46
"""The largest common denominator of a column: a register of 10**6 kWh still fits into 64 bits, nearly always."""
_NOT_SAMPLED: Final = frozenset({Kind.TEXT, Kind.NUMBER})
"""Kinds whose values come from parameters and the name plate, of which a sample keeps no copy."""
_MINUTE: Final = 60
_SECOND: Final = struct.Struct("<q")
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder()


class Layout:
    """How the values of some rows are packed.

    Args:
        family: of the layouts of all rows with the same columns.
        scales: the common denominator of each column; 0 where there is none.
    """

    __slots__ = ("columns", "family", "scales", "zone")

    def __init__(self, family: Layouts, scales: tuple[int, ...]) -> None:
        self.family, self.scales = family, scales
        self.zone, self.columns = family.zone, family.columns

    def pack(self, values: Sequence[Value | None]) -> bytes:
        """The values as octets."""
        stored = map(_stored, values, self.scales, (self.zone,) * len(values))
        return _ENCODER.encode(list(stored))

    def unpack(self, octets: bytes) -> list[Any]:
        """The values again."""
        return [
            _restored(value, scale, self.zone)
            for value, scale in zip(_DECODER.decode(octets), self.scales, strict=True)
        ]

    def fitting(self, values: Sequence[Value | None]) -> Layout:
        """This one, or one with denominators that suit these values too."""
        scales = tuple(map(_common, values, self.scales))
        return self if scales == self.scales else Layout(self.family, scales)


class Layouts:
    """The layouts of rows of one zone with the same columns, of all meters.

    Attributes:
        present: the one in use.
        at_once: whether rows are to settle at once, because a sample does not keep all that they come from.
    """

    def __init__(self, zone: dt.timezone, columns: tuple[Quantity, ...]) -> None:
        self.zone, self.columns = zone, columns
        self.present = Layout(self, (1,) * len(columns))
        self.at_once = any(column.kind in _NOT_SAMPLED for column in columns)

    def packed(self, second: int, values: Sequence[Value | None]) -> tuple[Layout, bytes]:
        """A second and its values as octets, and the layout that reads them."""
        self.present = layout = self.present.fitting(values)
        return layout, _SECOND.pack(second) + layout.pack(values)


@lru_cache(maxsize=4096)
def layouts_of(zone: dt.timezone, columns: tuple[Quantity, ...]) -> Layouts:
    """The one of these columns: to find it takes longer than to store a row, so whoever stores many keeps it."""
    return Layouts(zone, columns)


class Row:
    """What was stored at one moment."""

    __slots__ = ("_held", "_layout")

    def __init__(self, layout: Layout, held: Sample | bytes) -> None:
        self._layout, self._held = layout, held

    @staticmethod
    def taken(layouts: Layouts, sample: Sample) -> Row:
        """The row of a moment of the meter; what its sample does not keep is worked out at once."""
        row = Row(layouts.present, sample)
        if layouts.at_once:
            row.settle()
        return row

    @property
    def second(self) -> int:
        """When, seconds since 1970 local."""
        held = self._held
        return int(_SECOND.unpack_from(held)[0]) if isinstance(held, bytes) else held.second

    @property
    def time(self) -> dt.datetime:
        """When, aware."""
        return local_time(self.second).replace(tzinfo=self._layout.zone)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of what was to be stored; the meter may lack some of it."""
        return tuple(row.name for row in self._layout.columns)

    @property
    def values(self) -> Mapping[str, Value]:
        """The values by name of the quantity, exact; what the meter did not have is not there."""
        found = zip(self.columns, self._unpacked(), strict=True)
        return {name: value for name, value in found if value is not None}

    def settle(self) -> tuple[Layout, bytes]:
        """Work the values out, and forget the copy of the meter that they come from; gives what is kept instead."""
        held = self._held
        if not isinstance(held, bytes):
            values = [_read(held, quantity) for quantity in self._layout.columns]
            self._layout, held = self._layout.family.packed(held.second, values)
            self._held = held
        return self._layout, held

    def state(self) -> list[Any]:
        """As builtins."""
        values = self._unpacked()
        return [self.second, list(self.columns), [plain(value) for value in values]]

    @staticmethod
    def of(state: Sequence[Any], zone: dt.timezone) -> Row:
        """From builtins; raises ValueError or TypeError for what is no row."""
        second, names, values = state
        if len(names) != len(values) or not -_WIDE <= second < _WIDE:
            raise ValueError("a stored row of no time, or with a value too many or too few")
        layouts = layouts_of(zone, columns_named(tuple(names)))
        return Row(*layouts.packed(second, [revived(value) for value in values]))

    def _unpacked(self) -> list[Any]:
        layout, octets = self.settle()
        return layout.unpack(octets[_SECOND.size :])


def _read(sample: Sample, quantity: Quantity) -> Value | None:
    try:
        return sample.read(quantity)
    except NotServed:
        return None


def _common(value: Value | None, scale: int) -> int:
    """The common denominator of a column that has such a value too."""
    if not isinstance(value, Fraction) or not scale or not scale % value.denominator:
        return scale
    wider = math.lcm(scale, value.denominator)
    return wider if wider <= _FINEST else 0


def _stored(value: Value | None, scale: int, zone: dt.timezone) -> Any:
    """What is encoded of a value.

    An integer counts the parts of the column's denominator; a list that begins with an integer is a fraction of its
    own, or with a third number a demand and its minute; everything else is stored as `plain` has it.
    """
    if isinstance(value, Fraction):
        above, below = value.numerator, value.denominator
        if scale and -_WIDE <= (parts := above * (scale // below)) < _WIDE:
            return parts
        return [above, below] if _fits(above, below) else plain(value)
    if isinstance(value, Demand):
        above, below = value.value.numerator, value.value.denominator
        minute = _minute(value.time, zone)
        if _fits(above, below) and (minute is not None or value.time is None):
            return [above, below, minute]
    return [value] if isinstance(value, int) else plain(value)


def _restored(stored: Any, scale: int, zone: dt.timezone) -> Any:
    """The value again."""
    if isinstance(stored, int):
        return Fraction(stored, scale)
    if not isinstance(stored, list) or isinstance(stored[0], str):
        return revived(stored)
    number, *more = stored
    if not more:
        return number
    value, when = Fraction(number, more[0]), more[1:]
    if not when:
        return value
    return Demand(value, None if when[0] is None else local_time(when[0] * _MINUTE).replace(tzinfo=zone))


def _fits(above: int, below: int) -> bool:
    return -_WIDE <= above < _WIDE and below < _WIDE


def _minute(time: dt.datetime | None, zone: dt.timezone) -> int | None:
    """Minutes since 1970 local of a whole minute of that zone."""
    if time is None or time.tzinfo != zone or time.second or time.microsecond:
        return None
    return local_seconds(time.replace(tzinfo=None)) // _MINUTE
