"""Load curves 0610ggii (State Grid supplement of 2014): points of one quantity, or of a group, from a time on.

Asked for with N, mm hh DD MM YY; the answer is the time of the first point and up to N points at equal distances. Where
the meter has recorded nothing, as without power, an instantaneous value is FFH octets and an energy repeats its last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.clock import local_seconds, local_time
from meterwire.meter_model.columns import column
from meterwire.meter_model.faces.dlt645.answers import other_error
from meterwire.meter_model.faces.dlt645.numbers import cut
from meterwire.meter_model.load_profile import CLASSES
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.row import Row
from meterwire.meter_model.values import NotServed
from meterwire.protocols.dlt645.formats import format_of
from meterwire.protocols.dlt645.identifiers import Identifier, identifier
from meterwire.quantities import Kind

CURVES: Final = 0x0610
"""DI3 and DI2."""
_BLOCK: Final = 0xFF
_SELECTION: Final = 6
_TIME: Final = 5
_WITH_TOTAL: Final = (3, 4, 5)
_GROUPS: Final[Mapping[int, tuple[str, ...]]] = {
    1: CLASSES[1][:3],
    2: CLASSES[1][3:6],
    3: CLASSES[2][:4],
    4: CLASSES[2][4:],
    5: CLASSES[3],
    6: CLASSES[4],
    7: CLASSES[5],
    8: CLASSES[6],
}
"""By DI1; DI0 counts from 00 where a total comes first, else from 01."""
_NUMBERS: Final = re.compile(r"(±?[XN]+(?:\.[XN]+)?)(?:\*(\d+))?")


class CurveItems:
    """The load curves of one meter.

    Args:
        meter: whose load profile it is.
        longest: octets of the longest item that follow-up frames can carry.
    """

    def __init__(self, meter: Meter, longest: int) -> None:
        self._meter, self._longest = meter, longest

    def octets(self, di: int, selection: bytes) -> bytes | None:
        """The curve; empty where nothing was recorded since that time, None where the meter has no such curve.

        Args:
            di: data identifier.
            selection: how many points, one octet BCD, and from when on, mm hh DD MM YY.

        Raises:
            Denied: the selection is none.
        """
        found, names = identifier(di), self._names(di)
        number = self._class_of(names)
        if found is None or not number:
            return None
        count, start = _selected(selection)
        layouts = _layouts(found)
        size = sum(format_of(one, found.signed).size or 0 for one in layouts)
        points = self._points(number, names, start, min(count, (self._longest - _TIME) // size))
        if not points:
            return b""
        time = format_of("YYMMDDhhmm").encode(f"{local_time(points[0][0]):%y-%m-%d %H:%M}")
        return time + b"".join(_point(values, layouts, found) for _, values in points)

    def _names(self, di: int) -> tuple[str, ...]:
        """The quantities of a curve that the meter has; empty unless it has them all: a block knows no holes."""
        group, which = di >> 8 & 0xFF, di & 0xFF
        names = _GROUPS.get(group, ())
        place = which - (0 if group in _WITH_TOTAL else 1)
        if which != _BLOCK:
            names = names[place : place + 1] if place >= 0 else ()
        try:
            for name in names:
                self._meter.read(column(name))
        except NotServed:
            return ()
        return names

    def _class_of(self, names: tuple[str, ...]) -> int:
        """The class of the load profile that stores them, 0 for none."""
        profile = self._meter.load_profile
        stored = {number: {one.name for one in profile.columns(number)} for number in profile.classes}
        return next((number for number, columns in stored.items() if names and set(names) <= columns), 0)

    def _points(
        self, number: int, names: tuple[str, ...], start: datetime, count: int
    ) -> list[tuple[int, Mapping[str, Any]]]:
        """Time and values of each point; those at which nothing was recorded have no values, or the last energies."""
        rows = self._meter.load_profile.rows(number)
        if not rows:
            return []
        step = self._meter.load_profile.interval(number) * 60
        recorded: dict[int, Row] = {row.second: row for row in rows if not (rows[-1].second - row.second) % step}
        oldest, latest, wanted = min(recorded), max(recorded), local_seconds(start)
        first = max(oldest, wanted + (oldest - wanted) % step)
        seconds = range(first, latest + 1, step)[:count]
        repeats = column(names[0]).kind == Kind.ENERGY
        earlier = [second for second in recorded if second < first]
        last: Mapping[str, Any] = recorded[max(earlier)].values if repeats and earlier else {}
        points: list[tuple[int, Mapping[str, Any]]] = []
        for second in seconds:
            row = recorded.get(second)
            values = row.values if row is not None else last
            last = values if repeats else {}
            points.append((second, {name: values.get(name) for name in names}))
        return points


def _selected(selection: bytes) -> tuple[int, datetime]:
    digits = selection[:1].hex()
    if len(selection) != _SELECTION or not digits.isdecimal() or not int(digits):
        raise other_error()
    try:
        start = datetime.strptime(selection[:0:-1].hex(), "%y%m%d%H%M")  # noqa: DTZ007  the meter's local time
    except ValueError as error:
        raise other_error() from error
    return int(digits), start


def _layouts(found: Identifier) -> list[str]:
    """The formats of the numbers of one point; the time of the first point stands before them."""
    _, _, points = found.format.partition(";")
    return [one for one, times in _NUMBERS.findall(points) for _ in range(int(times or 1))]


def _point(values: Mapping[str, Any], layouts: list[str], found: Identifier) -> bytes:
    parts = []
    for value, layout in zip(values.values(), layouts, strict=True):
        number = format_of(layout, found.signed)
        try:
            parts.append(number.encode(cut(value, layout)))
        except LocalProtocolError:
            parts.append(number.encode(None))  # what the digits cannot carry is no value, never another one
    return b"".join(parts)
