"""Record tables of DL/T 698.45 for `meterwire profile`; columns are called as in DL/T 645 where it has them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from meterwire.protocols.dlt645.identifiers import identifier
from meterwire.protocols.dlt645.profile_rows import Field, Profile, ProfileRow
from meterwire.protocols.dlt69845.client_records import FREEZES, table_oad
from meterwire.protocols.dlt69845.selecting import all_rows
from meterwire.protocols.dlt69845.stored_rows import TIMES, Heading, RecordTable
from meterwire.quantities import QUANTITIES

KINDS: Final = {"load": "minute", "timed": "minute", "instant": "instant"}
"""Words of DL/T 645 whose records lie in another object of DL/T 698.45."""
_MOST: Final = 255
_FREEZE_NUMBER: Final = 0x2023
_TIME: Final = ", time"
_LOAD_GROUPS: Final = (
    (re.compile(r"(voltage|current) phase .|.*frequency"), "voltages, currents, frequency, "),
    (re.compile(r"(re)?active power.*"), "active and reactive power, "),
    (re.compile(r"quadrant .*"), "quadrant energies, "),
    (re.compile(r".*energy"), "energies, "),
    (re.compile(r".*demand"), "demands, "),
)
"""Groups of a load record of DL/T 645, whose names stand in front of their members."""


def kinds() -> str:
    """What can be asked for, in words."""
    return f"{', '.join(FREEZES)}, load; or an object such as 3011"


def read(meter: Any, kind: str, start: datetime | None, end: datetime | None, count: int | None) -> Profile:
    """The rows of a kind; raises LocalProtocolError where there is no such kind, and what `records` raises."""
    table = table_oad(KINDS.get(kind, kind))
    ranged = start is not None or end is not None
    last = count if count is not None and not ranged and count <= _MOST else None
    rows = all_rows() if last is None and not ranged else None
    found = meter.records(table, last=last, start=start, end=end, rows=rows)
    made = rows_of(found, kind)
    return Profile(made[:count] if ranged else made[-count:] if count else made, found.error)


def rows_of(found: RecordTable, kind: str) -> tuple[ProfileRow, ...]:
    """Rows with their times; the number of a freeze, which DL/T 645 has not, is left out."""
    item = str(found.oad)
    shown = [
        (name_of(heading, kind), heading.unit, values)
        for heading, values in zip(found.headings, found.columns, strict=True)
        if heading.oad.oi not in TIMES and heading.oad.oi != _FREEZE_NUMBER
    ]
    made = []
    for place, when in enumerate(found.times):
        fields = tuple(Field(name, unit, values[place]) for name, unit, values in shown)
        made.append(ProfileRow(item, when if isinstance(when, datetime) else None, fields))
    return tuple(made)


def name_of(heading: Heading, kind: str) -> str:
    """The name of the column of the same quantity that DL/T 645 stores in a record of this kind, else its own."""
    row = QUANTITIES.get(heading.quantity or "")
    known = identifier(row.di) if row is not None and row.di is not None else None
    if known is None:
        return heading.name
    name = known.name.removesuffix(", current").removesuffix(" + time").removesuffix(" + times")
    name = name.replace("max demand ", "maximum demand, ")
    if heading.name.endswith(_TIME):
        name += _TIME
    if kind == "hour":
        whole = name.removesuffix(", total")
        return f"total {whole}" if whole != name else name
    if kind in {"load", "minute", "timed"}:
        return _in_load(name)
    power = re.fullmatch(r"((?:re)?active power)(?: total)?( phase .)?", name)
    return f"powers, {power[1]}{power[2] or ''}" if power else name


def _in_load(name: str) -> str:
    factor = re.fullmatch(r"power factor (.*)", name)
    if factor:
        return f"power factors, {factor[1]}"
    short = name.removesuffix(" total").removesuffix(",").removeprefix("present ").removeprefix("grid ")
    return next((group + short for pattern, group in _LOAD_GROUPS if pattern.fullmatch(short)), short)
