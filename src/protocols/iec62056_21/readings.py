"""Data sets as readings: identification codes, whole or reduced, and the quantities they name (6.5; IEC 62056-6-1)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time, tzinfo
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Final

from meterwire.errors import LocalProtocolError
from meterwire.protocols.iec62056_21.text import DataSet, Item
from meterwire.quantities import QUANTITIES, Quantity
from meterwire.quantities.reading import Reading, ReadingError

_LETTERS: Final = {"C": 96, "F": 97, "L": 98, "P": 99}
_CODE: Final = re.compile(
    r"(?:(?P<a>\d{1,3})-(?P<b>\d{1,3}):)?(?P<c>\d{1,3}|[CFLP])\.(?P<d>\d{1,3}|[CFLP])(?:\.(?P<e>\d{1,3}))?"
    r"(?:[*&](?P<f>\d{1,3}))?"
)
_PREFIXES: Final = {"": 0, "k": 3, "M": 6, "G": 9, "m": -3}
_MEDIUM_FREE: Final = frozenset({96, 97, 98, 99})


def code(text: str) -> bytes | None:
    """The logical name that an identification code stands for, six octets; None where it is none.

    A reduced code means electricity (1-0), and the general groups C, F, L and P (96 to 99) the meter itself (0-0).
    """
    found = _CODE.fullmatch(text)
    if found is None:
        return None
    c, d = (_LETTERS.get(found[group]) or int(found[group]) for group in ("c", "d"))
    a = int(found["a"]) if found["a"] else 0 if c in _MEDIUM_FREE else 1
    parts = (a, int(found["b"] or 0), c, d, int(found["e"] or 0), int(found["f"] or 255))
    return bytes(parts) if max(parts) < 256 else None


def reduced(name: bytes) -> str:
    """The shortest code of a logical name."""
    a, b, c, d, e, f = name
    letters = {value: letter for letter, value in _LETTERS.items()}
    whole = b != 0 or a != (0 if c in _MEDIUM_FREE else 1)
    group = f"{a}-{b}:" if whole else ""
    history = "" if f == 255 else f"*{f}"
    return f"{group}{letters.get(c, c)}.{d}.{e}{history}"


@cache
def _by_name() -> dict[bytes, Quantity]:
    found: dict[bytes, Quantity] = {}
    for row in QUANTITIES.values():
        if row.obis is not None:
            found.setdefault(row.obis, row)
    return found


def quantity_of(address: str) -> Quantity | None:
    """The row of the table of quantities that an identification code names."""
    name = code(address)
    return None if name is None else _by_name().get(name)


def name_of(item: str) -> bytes:
    """The logical name of what somebody asks for: a quantity, or a code; raises `LocalProtocolError`."""
    row = QUANTITIES.get(item)
    if row is not None and row.obis is not None:
        return row.obis
    name = code(item)
    if name is None:
        raise LocalProtocolError(f"{item!r} is neither a quantity nor an identification code such as 1.8.0")
    return name


class Listed:
    """What one readout, or single answers, told: readings of what was asked for."""

    def __init__(self, sets: Iterable[DataSet], zone: tzinfo) -> None:
        self._zone = zone
        self._found: dict[bytes, DataSet] = {}
        for one in sets:
            name = code(one.address)
            if name is not None:
                self._found.setdefault(name, one)

    def __contains__(self, item: str) -> bool:
        return name_of(item) in self._found or item == "date_time"

    def reading(self, item: str) -> Reading:
        """The reading of an item; its error says where the meter does not tell it."""
        row = QUANTITIES.get(item) or _by_name().get(name_of(item))
        named = row.name if row else None
        if named in {"date", "time", "date_time"}:
            return self._clock(item, str(named))
        one = self._found.get(name_of(item))
        if one is None:
            return Reading(item, named, error=ReadingError("absent", "the meter's data do not contain it"))
        return reading(one, item, row, self._zone)

    def _clock(self, item: str, named: str) -> Reading:
        day, hour = (self._found.get(bytes((1, 0, 0, 9, e, 255))) for e in (2, 1))
        on = _day(day.items[0].value) if day and day.items else None
        at = _hour(hour.items[0].value) if hour and hour.items else None
        value: datetime | date | time | None = {"date": on, "time": at}.get(named)
        if named == "date_time" and on is not None and at is not None:
            value = datetime.combine(on, at, self._zone)
        if value is None:
            return Reading(item, named, error=ReadingError("absent", "the meter's data contain no date and time"))
        return Reading(item, named, value)


def reading(one: DataSet, item: str, row: Quantity | None, zone: tzinfo) -> Reading:
    """A data set as a reading: its first value, in the row's unit, and the time that follows it."""
    named = row.name if row else None
    if not one.items:
        return Reading(item, named, error=ReadingError("empty", "no value"))
    first = one.items[0]
    value, unit = _number(first, row)
    when = next((moment for other in one.items[1:] if (moment := _moment(other.value, zone))), None)
    return Reading(item, named, value, unit or None, when)


def _number(item: Item, row: Quantity | None) -> tuple[Decimal | str, str]:
    if row.kind == "text" if row else not item.unit and "." not in item.value:
        return item.value, ""
    try:
        value = Decimal(item.value)
    except InvalidOperation:
        return item.value, item.unit
    if not value.is_finite() or value.adjusted() > 40:
        return item.value, item.unit
    if row is None or not row.unit or item.unit in ("", row.unit):
        return value, item.unit or (row.unit if row else "")
    for mine, power in _PREFIXES.items():
        for theirs, other in _PREFIXES.items():
            if row.unit.startswith(mine) and item.unit == theirs + row.unit[len(mine) :]:
                return value.scaleb(other - power), row.unit
    return value, item.unit


def _moment(text: str, zone: tzinfo) -> datetime | None:
    """YYMMDDhhmm[ss], as meters print it; with a leading status digit, too (recalled)."""
    digits = text.replace("-", "").replace(":", "").replace(" ", "").replace(",", "")
    digits = digits[1:] if len(digits) in (11, 13) else digits
    if len(digits) not in (10, 12) or not (digits.isascii() and digits.isdecimal()):
        return None
    on, at = _day(digits[:6]), _hour(digits[6:])
    return datetime.combine(on, at, zone) if on and at else None


def _day(text: str) -> date | None:
    digits = text.replace("-", "").replace(".", "").replace("/", "")
    digits = digits[-6:] if len(digits) in (7, 8) else digits
    if len(digits) != 6 or not (digits.isascii() and digits.isdecimal()):
        return None
    year, month, day = (int(digits[at : at + 2]) for at in (0, 2, 4))
    try:
        return date(2000 + year, month, day)
    except ValueError:
        return None


def _hour(text: str) -> time | None:
    digits = text.replace(":", "")
    digits = digits[-6:] if len(digits) == 7 else digits
    if len(digits) not in (4, 6) or not (digits.isascii() and digits.isdecimal()):
        return None
    parts = [int(digits[at : at + 2]) for at in range(0, len(digits), 2)]
    over = parts[0] == 24 and not any(parts[1:])
    try:
        return time(0 if over else parts[0], parts[1], parts[2] if len(parts) > 2 else 0)
    except ValueError:
        return None
