"""Rows of freezes and load profiles: which kinds there are, and one stored record as named columns with units."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Any, Final

import msgspec

from meterwire.errors import LocalProtocolError, MeterwireError
from meterwire.protocols.dlt645.cells import Cell, cells
from meterwire.protocols.dlt645.identifiers import identifier
from meterwire.protocols.dlt645.table import Identifier
from meterwire.protocols.dlt645.values import moment

__all__ = [
    "CURVES",
    "FREEZES",
    "LOADS",
    "Field",
    "Profile",
    "ProfileRow",
    "curve_number",
    "freeze_items",
    "freeze_number",
    "load_number",
    "row_of",
]

FREEZES: Final = {
    "timed": 0x00,
    "instant": 0x01,
    "season-switch": 0x02,
    "schedule-switch": 0x03,
    "hour": 0x04,
    "price-switch": 0x05,
    "day": 0x06,
    "step-switch": 0x07,
    "month": 0x07,
}
"""Kinds of freezes by DI2 (DL/T 645-2007, annex A, table A.6). From 04H on they are of later filings; 05H and 07H are
recalled. 07H is the change of step tariffs, or where a vendor has it so the monthly freeze."""
LOADS: Final = {"load": 0} | {f"load-{number}": number for number in range(1, 7)}
"""Load profiles by class (table A.7); 0 is all classes together."""
CURVES: Final = {
    "curve-voltage": 1,
    "curve-current": 2,
    "curve-active-power": 3,
    "curve-reactive-power": 4,
    "curve-power-factor": 5,
    "curve-energy": 6,
    "curve-quadrants": 7,
    "curve-demand": 8,
}
"""Groups of load curves by DI1 (State Grid supplement of 2014)."""
_FREEZE_CLASS: Final = 0x05
_PAIR: Final = 2
NEVER: Final = "00-00-00 00:00"
"""The time of what has not been, such as a maximum demand of 0; recalled: of freezes that a meter does not have yet."""


class Field(msgspec.Struct, frozen=True):
    """One value of a row: its column, the unit of the column, and the value, None where the meter has none."""

    name: str
    unit: str
    value: Any

    @property
    def column(self) -> str:
        """Name and unit, as a table is headed."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


class ProfileRow(msgspec.Struct, frozen=True):
    """One stored record.

    Attributes:
        item: its data identifier, of eight hex digits.
        time: the meter's time of the record; None where it is none of the calendar.
        fields: the values, without those of groups that the meter does not keep.
    """

    item: str
    time: datetime | None
    fields: tuple[Field, ...]


class Profile(msgspec.Struct, frozen=True):
    """What was read.

    Attributes:
        rows: the oldest first.
        error: why it is not complete; None where it is.
    """

    rows: tuple[ProfileRow, ...]
    error: MeterwireError | None = None


def freeze_number(kind: str) -> int:
    """DI2 of a kind of freezes; raises LocalProtocolError."""
    found = FREEZES.get(kind)
    if found is None:
        raise LocalProtocolError(f"there is no freeze {kind!r}: {', '.join(FREEZES)}")
    return found


def load_number(kind: str) -> int:
    """The class of a load profile; raises LocalProtocolError."""
    found = LOADS.get(kind)
    if found is None:
        raise LocalProtocolError(f"there is no load profile {kind!r}: {', '.join(LOADS)}")
    return found


def curve_number(kind: str) -> int:
    """DI1 of a group of load curves; raises LocalProtocolError."""
    found = CURVES.get(kind)
    if found is None:
        raise LocalProtocolError(f"there is no load curve {kind!r}: {', '.join(CURVES)}")
    return found


def freeze_items(kind: str, number: int) -> tuple[int, tuple[int, ...]]:
    """The block of a kind's freeze so many back, and its items, the time first; without items where no table has it."""
    base = _FREEZE_CLASS << 24 | freeze_number(kind) << 16 | number
    whole = base | 0xFF00
    known = tuple(base | item << 8 for item in range(0xFF) if identifier(base | item << 8) is not None)
    return whole, known if identifier(whole) is not None else ()


def row_of(found: Identifier, value: Any, zone: tzinfo) -> ProfileRow:
    """The row that one decoded record makes; octets of no known form are one field `raw`.

    Args:
        found: the block of a freeze, or the load records.
        value: a decoded block, or one of the decoded load records.
        zone: of the meter's clock.
    """
    item = f"{found.di:08X}"
    if not isinstance(value, (list, tuple)):
        return ProfileRow(item, None, (Field("raw", "", value),))
    groups = {column.name for column in found.columns if column.inner}
    time = None
    fields: list[Field] = []
    for cell in cells(found, value):
        if cell.name == "time" and time is None:
            local = moment(cell.value) if isinstance(cell.value, str) else None
            time = None if local is None else local.replace(tzinfo=zone)
            if time is not None:
                continue
        if cell.value is not None or cell.name not in groups:
            fields.extend(_fields(cell, zone))
    return ProfileRow(item, time, tuple(fields))


def _fields(cell: Cell, zone: tzinfo) -> Iterator[Field]:
    """One field, or two of a maximum demand and its time."""
    name = "time as sent" if cell.name == "time" else cell.name
    if isinstance(cell.value, tuple) and len(cell.value) == _PAIR:
        number, stamp = cell.value
        yield Field(name, cell.unit, number)
        yield Field(f"{name}, time", "", _time(stamp, zone))
        return
    yield Field(name, cell.unit, cell.value)


def _time(stamp: Any, zone: tzinfo) -> Any:
    """A time of the calendar, None for none, and as it was sent where it is neither."""
    local = moment(stamp) if isinstance(stamp, str) else None
    if local is not None:
        return local.replace(tzinfo=zone)
    return None if stamp == NEVER else stamp
