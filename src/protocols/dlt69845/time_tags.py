"""Time tags: when an APDU was sent and how long it may have been on its way, as either side checks them.

Without a delay that is allowed, a tag only tells when the APDU was sent. A tag from the future is as wrong as an old
one: one of the clocks is. DL/T 698.45-2017, TimeTag.
"""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Any, Final

from meterwire.protocols.dlt69845.dates import DateTimeS, Interval, IntervalUnit
from meterwire.protocols.dlt69845.services.common import TimeTag

_SECONDS: Final = {IntervalUnit.SECOND: 1, IntervalUnit.MINUTE: 60, IntervalUnit.HOUR: 3600, IntervalUnit.DAY: 86400}


def tag_of(now: dt.datetime, seconds: int) -> TimeTag:
    """The tag of what is sent now and may be on its way so many seconds, 1 to 65535; `now` is local time."""
    return TimeTag(DateTimeS.of(now), Interval(IntervalUnit.SECOND, seconds))


def holds(body: Any, now: dt.datetime) -> bool:
    """Whether the time tag of an APDU's body holds at a local time; what has none always does."""
    tag = getattr(body, "time_tag", None)
    if tag is None or tag.delay.value == 0:
        return True
    sent = tag.sent.datetime()
    if sent is None:
        return False
    allowed = _allowed(sent, tag.delay)
    return bool(sent - allowed <= now.replace(tzinfo=None) <= sent + allowed)


def _allowed(sent: dt.datetime, delay: Interval) -> dt.timedelta:
    unit, value = delay.unit, delay.value
    if unit in _SECONDS:
        return dt.timedelta(seconds=min(_SECONDS[IntervalUnit(unit)] * value, 10**9))
    months = value if unit == IntervalUnit.MONTH else 12 * value if unit == IntervalUnit.YEAR else 0
    return dt.timedelta(days=min(months, 1200) * calendar.monthrange(sent.year, sent.month)[1])
