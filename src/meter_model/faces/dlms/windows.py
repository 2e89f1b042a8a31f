"""Communication windows: pairs of date-times with wildcards, between which something may happen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from meterwire.protocols.dlms.date_time import CosemDateTime

_FIELDS: Final = ("year", "month", "day", "weekday", "hour", "minute", "second")


def allows(windows: Sequence[tuple[bytes, bytes]], now: dt.datetime) -> bool:
    """Whether a moment lies in one of the windows; without any it always does."""
    return not windows or any(_within(first, last, now) for first, last in windows)


def _within(begins: bytes, ends: bytes, now: dt.datetime) -> bool:
    """By the fields that both ends specify; one whose end lies before its beginning goes over midnight, or a year."""
    first, last = CosemDateTime.of_octets(begins), CosemDateTime.of_octets(ends)
    blank, moment = CosemDateTime(), CosemDateTime.of_datetime(now)
    given = [
        name
        for name in _FIELDS
        if getattr(first, name) != getattr(blank, name) and getattr(last, name) != getattr(blank, name)
    ]
    begin, end, here = ([getattr(one, name) for name in given] for one in (first, last, moment))
    return begin <= here <= end if begin <= end else here >= begin or here <= end
