"""Load curves (State Grid supplement of 2014, identifiers 0610ggii): the time of each point."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt645.values import moment

__all__ = ["points"]


def points(value: Any, interval: timedelta) -> list[tuple[datetime, Any]]:
    """The points of a decoded load curve with the meter's local time of each.

    The answer tells the time of the first point alone; the interval is a parameter of the meter (04000A02H and
    following). A point without a value is None: in curves of instantaneous values the meter was off then, in those of
    energies it repeats the last value.

    Args:
        value: the time of the first point as decoded, and the list of points.
        interval: between two points.

    Raises:
        LocalProtocolError: that is no load curve, or its first time or the interval is none.
    """
    if not isinstance(value, tuple) or len(value) != 2 or not isinstance(value[1], list):
        raise LocalProtocolError(f"{value!r} is not a load curve")
    first = moment(value[0])
    if first is None or interval <= timedelta(0):
        raise LocalProtocolError(f"no points can be placed from {value[0]} on, {interval} apart")
    try:
        return [(first + number * interval, point) for number, point in enumerate(value[1])]
    except OverflowError as error:
        raise LocalProtocolError(f"{interval} is too long for {len(value[1])} points") from error
