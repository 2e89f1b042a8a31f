"""What a client gives back for an item that was asked for: the same through every dialect."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

import msgspec

METER_ZONE: Final = timezone(timedelta(hours=8))
"""Zone of a meter's clock where the dialect does not send one and nobody says otherwise."""

Value = Decimal | str | datetime | date | time | list[Any] | None
"""A number in the unit of the reading, a text, a time, several of these, or nothing."""


class ReadingError(msgspec.Struct, frozen=True):
    """Why an item has no value: the dialect's code, and the same in words."""

    code: int | str
    text: str


class Reading(msgspec.Struct, frozen=True):
    """One item as it was read.

    Attributes:
        item: what was asked for, as it was written.
        quantity: name of the row of the table of quantities, None where the item is none of its rows.
        value: in `unit`, with the digits the meter declared; None where it has none, or where `error` says why not.
        unit: unit of the value, None where it has none.
        time: the meter's time of the value, such as of a maximum demand; None where there is none.
        error: why there is no value.
    """

    item: str
    quantity: str | None = None
    value: Value = None
    unit: str | None = None
    time: datetime | None = None
    error: ReadingError | None = None
