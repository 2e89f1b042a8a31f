"""Profiles of DLMS/COSEM for `meterwire profile`: by logical name, or by the words of the other dialects."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlms.data import integer
from meterwire.protocols.dlms.obis import Obis
from meterwire.protocols.dlt645.profile_rows import Field, Profile, ProfileRow

KINDS: Final = {
    "load": "1-0:99.1.4",
    **{f"load-{number}": f"1-0:99.1.{number}" for number in range(1, 7)},
    "month": "1-0:98.1.0",
    "day": "1-0:98.2.0",
    "hour": "1-0:99.2.0",
}
"""Words for profiles that our own meter has; any other is asked for by its logical name."""
_NAME: Final = re.compile(r"\d+-\d+:\d+\.\d+\.\d+(\*\d+)?|\d+\.\d+\.\d+\.\d+\.\d+\.\d+")
_PROFILE_GENERIC, _ENTRIES_IN_USE = 7, 7


def name_of(kind: str) -> str:
    """The logical name of a profile; raises LocalProtocolError."""
    found = KINDS.get(kind, kind)
    if not _NAME.fullmatch(found):
        raise LocalProtocolError(f"there is no {kind!r}, but {', '.join(KINDS)}, or a logical name such as 1-0:99.1.0")
    return found


def read(meter: Any, kind: str, start: datetime | None, end: datetime | None, count: int | None) -> Profile:
    """The rows of a profile: the latest so many, or from a time on; raises what `profile` raises."""
    name = name_of(kind)
    if count is not None and start is None and end is None:
        used = integer(meter.get(_PROFILE_GENERIC, bytes(Obis.parse(name)), _ENTRIES_IN_USE)) or 0
        if not used:
            return Profile(())
        table = meter.profile(name, entries=(max(1, used - count + 1), 0))
    else:
        table = meter.profile(name, start, end)
    rows = tuple(
        ProfileRow(
            name,
            when,
            tuple(Field(one.quantity or one.item, one.unit or "", one.values[place]) for one in table.columns),
        )
        for place, when in enumerate(table.times)
    )
    return Profile(rows[:count])
