"""Selections as people make them: rows (RSD 0 to 11), meters (MS), columns (CSD) and target addresses (TSA).

```python
between("20210200", datetime(2026, 1, 1), datetime(2026, 2, 1))
newest(7)
columns("00100200", "50040200(00100200,00200200)")
```
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, Final

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt69845.address import Address, address
from meterwire.protocols.dlt69845.dates import Date, DateTimeS, Interval, IntervalUnit, Time
from meterwire.protocols.dlt69845.descriptors import Oad, Road
from meterwire.protocols.dlt69845.selection import (
    Bounds,
    Region,
    SelectorEqual,
    SelectorMoment,
    SelectorNewest,
    SelectorPeriod,
    SelectorRange,
)
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    from collections.abc import Iterable

_ROAD: Final = re.compile(r"([0-9A-Fa-f]{8})\(([0-9A-Fa-f, ]*)\)")
_MOST_COLUMNS: Final = 255
NULL: Final = Variant(0, None)
NO_INTERVAL: Final = Interval(IntervalUnit.SECOND, 0)

NO_METERS: Final = Variant(0, None)
"""MS 0: no meter; what a meter answers about itself."""
ALL_METERS: Final = Variant(1, None)
"""MS 1: every meter."""

# ---------------------------------------------------------------- values


def data_of(value: Any) -> Variant:
    """A Python value as Data: datetime as date_time_s, int as double-long-unsigned or double-long, and so on.

    Data are handed through; raises LocalProtocolError for what has no natural type.
    """
    if isinstance(value, Variant):
        return value
    for kind, tag, make in _TYPES:
        if isinstance(value, kind):
            return Variant(tag, make(value))
    if isinstance(value, int):
        tag = 5 if value < 0 else 6
        if not -(1 << 31) <= value < 1 << 32:
            tag = 20 if value < 0 else 21
        return Variant(tag, value)
    raise LocalProtocolError(f"{value!r} has no natural type of DL/T 698.45: give Data")


_TYPES: Final[tuple[tuple[type, int, Any], ...]] = (
    (type(None), 0, lambda value: value),
    (bool, 3, lambda value: value),
    (dt.datetime, 28, DateTimeS.of),
    (dt.date, 26, Date.of),
    (dt.time, 27, lambda value: Time(value.hour, value.minute, value.second)),
    (DateTimeS, 28, lambda value: value),
    (Oad, 81, lambda value: value),
    (Interval, 84, lambda value: value),
    (bytes, 9, lambda value: value),
    (str, 10, lambda value: value),
)


def every(value: int, unit: str = "minute") -> Interval:
    """An interval (TI): so many of second, minute, hour, day, month or year; raises LocalProtocolError."""
    try:
        return Interval(IntervalUnit[unit.upper().removesuffix("S")], value)
    except KeyError as error:
        raise LocalProtocolError(
            f"{unit!r} is no unit of an interval: second, minute, hour, day, month, year"
        ) from error


# ---------------------------------------------------------------- rows


def all_rows() -> Variant:
    """RSD 0: every row."""
    return Variant(0, None)


def equal(column: str | Oad, value: Any) -> Variant:
    """RSD 1: rows whose column has this value."""
    return Variant(1, SelectorEqual(_oad(column), data_of(value)))


def between(column: str | Oad, start: Any, end: Any, step: Any = None) -> Variant:
    """RSD 2: rows whose column lies from a start, included, to an end, excluded; of times the step is an interval."""
    return Variant(2, _range(column, start, end, step))


def ranges(*several: tuple[str | Oad, Any, Any] | tuple[str | Oad, Any, Any, Any]) -> Variant:
    """RSD 3: several ranges, each a tuple of what `between` takes."""
    return Variant(3, tuple(_range(*one) for one in several))


def started_at(time: dt.datetime, meters: Variant = ALL_METERS) -> Variant:
    """RSD 4: what was acquired beginning at this time."""
    return Variant(4, SelectorMoment(DateTimeS.of(time), meters))


def stored_at(time: dt.datetime, meters: Variant = ALL_METERS) -> Variant:
    """RSD 5: what was acquired and stored under this time."""
    return Variant(5, SelectorMoment(DateTimeS.of(time), meters))


def started(
    start: dt.datetime, end: dt.datetime, interval: Interval = NO_INTERVAL, meters: Variant = ALL_METERS
) -> Variant:
    """RSD 6: acquisitions that began from a start, included, to an end, excluded."""
    return _period(6, start, end, interval, meters)


def stored(
    start: dt.datetime, end: dt.datetime, interval: Interval = NO_INTERVAL, meters: Variant = ALL_METERS
) -> Variant:
    """RSD 7: acquisitions stored under times from a start, included, to an end, excluded."""
    return _period(7, start, end, interval, meters)


def succeeded(
    start: dt.datetime, end: dt.datetime, interval: Interval = NO_INTERVAL, meters: Variant = ALL_METERS
) -> Variant:
    """RSD 8: acquisitions that succeeded from a start, included, to an end, excluded."""
    return _period(8, start, end, interval, meters)


def nth_last(number: int) -> Variant:
    """RSD 9: the n-th last row, 1 the last."""
    return Variant(9, _octet(number, "the number of a row counted from the last"))


def newest(count: int, meters: Variant = ALL_METERS) -> Variant:
    """RSD 10: so many of the newest rows."""
    return Variant(10, SelectorNewest(_octet(count, "a number of rows"), meters))


def any_of(*selections: Variant) -> Variant:
    """RSD 11 (2021): several of 1, 2 and 9."""
    if any(one.tag not in (1, 2, 9) for one in selections):
        raise LocalProtocolError("only selectors 1, 2 and 9 can be put together")
    return Variant(11, tuple(selections))


def _range(column: str | Oad, start: Any, end: Any, step: Any = None) -> SelectorRange:
    return SelectorRange(_oad(column), data_of(start), data_of(end), data_of(step))


def _period(selector: int, start: dt.datetime, end: dt.datetime, interval: Interval, meters: Variant) -> Variant:
    return Variant(selector, SelectorPeriod(DateTimeS.of(start), DateTimeS.of(end), interval, meters))


def _octet(number: int, what: str) -> int:
    if not 1 <= number <= 255:
        raise LocalProtocolError(f"{what} is 1 to 255, not {number}")
    return number


# ---------------------------------------------------------------- meters


def tsa(target: str | Address) -> bytes:
    """A target server address: flag octet, then the digits, high octet first; raises LocalProtocolError."""
    found = address(target) if isinstance(target, str) else target
    octets = found.octets()[::-1]
    return bytes([found.kind << 6 | (found.logic & 3) << 4 | len(octets) - 1]) + octets


def user_types(*types: int) -> Variant:
    """MS 2: meters of these types of users."""
    return Variant(2, types)


def meters_at(*addresses: str | Address) -> Variant:
    """MS 3: meters with these addresses."""
    return Variant(3, tuple(tsa(one) for one in addresses))


def archives(*numbers: int) -> Variant:
    """MS 4: meters under these numbers of the archive."""
    return Variant(4, numbers)


def user_types_between(*regions: tuple[int, int]) -> Variant:
    """MS 5: meters whose type of user lies between two, both included."""
    return Variant(5, tuple(Region(Bounds.BOTH, Variant(17, low), Variant(17, high)) for low, high in regions))


def meters_between(*regions: tuple[str, str]) -> Variant:
    """MS 6: meters whose address lies between two, both included."""
    return Variant(
        6, tuple(Region(Bounds.BOTH, Variant(85, tsa(low)), Variant(85, tsa(high))) for low, high in regions)
    )


def archives_between(*regions: tuple[int, int]) -> Variant:
    """MS 7: meters whose archive number lies between two, both included."""
    return Variant(7, tuple(Region(Bounds.BOTH, Variant(18, low), Variant(18, high)) for low, high in regions))


def device_types(*types: int) -> Variant:
    """MS 8 (2021): devices of these types."""
    return Variant(8, types)


def logical_device(number: int) -> Variant:
    """MS 9 (2021): one logical device."""
    return Variant(9, number)


# ---------------------------------------------------------------- columns


def column(text: str | Oad | Road) -> Oad | Road:
    """A column: an OAD of eight digits, or a record table and its attributes, `50040200(00100200,00200200)`.

    Raises LocalProtocolError for other text.
    """
    if not isinstance(text, str):
        return text
    found = _ROAD.fullmatch(text.strip())
    if found is None:
        return Oad.of(text)
    related = tuple(Oad.of(one.strip()) for one in found[2].split(",") if one.strip())
    return Road(Oad.of(found[1]), related)


def columns(*texts: str | Oad | Road) -> tuple[Oad | Road, ...]:
    """Columns (RCSD), at most 255; none means all that the table has."""
    return columns_of(texts)


def columns_of(texts: Iterable[str | Oad | Road]) -> tuple[Oad | Road, ...]:
    """The same from any iterable."""
    found = tuple(column(text) for text in texts)
    if len(found) > _MOST_COLUMNS:
        raise LocalProtocolError(f"at most {_MOST_COLUMNS} columns can be asked for, not {len(found)}")
    return found


def _oad(given: str | Oad) -> Oad:
    return Oad.of(given) if isinstance(given, str) else given
