"""`meterwire read`: items from a meter, for people or as JSON."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from meterwire.cli.output import print_json, print_rows, rows
from meterwire.cli.session import session_filters
from meterwire.connect import Client, connect
from meterwire.errors import LocalProtocolError
from meterwire.quantities import QUANTITIES, quantity
from meterwire.quantities.reading import Reading, ReadingError

_NAMED_BY: Final = {"dlt645": "di", "dlt69845": "oad", "dlms": "obis"}
"""Where the table of quantities holds the name that a dialect has for one."""
_NAME: Final = re.compile(r"[a-z]+(_[a-z0-9]+)+|[a-z]{3,}")


def read(
    url: str,
    items: list[str],
    address: str | None,
    password_file: Path | None,
    *,
    trace: bool,
    record: Path | None,
    json: bool,
) -> int:
    """Read and print; 1 if any item has no value."""
    if not items:
        raise LocalProtocolError(
            "say what to read: a quantity (see `meterwire quantities`), a DI, an OAD or an OBIS code"
        )
    for item in items:
        if _NAME.fullmatch(item):
            quantity(item)  # a name that nobody knows is wrong usage, whoever is at the other end
    secret = _secret(password_file)
    with (
        session_filters(url, trace=trace, record=record, name="read") as filters,
        connect(url, address=address, secret=secret, filters=filters) as meter,
    ):
        readings = _readings(meter, url.split("+", 1)[0], items)
        now = datetime.now(UTC).astimezone()
    found = [row for reading in readings for row in rows(reading, now)]
    (print_json if json else print_rows)(found)
    return 1 if any("error" in row for row in found) else 0


def _readings(meter: Client, dialect: str, items: list[str]) -> list[Reading]:
    """What the meter says; a quantity that the dialect has no name for fails alone."""
    missing = {item: _unnamed(item, dialect) for item in items if _unnamed(item, dialect) is not None}
    asked = [item for item in items if item not in missing]
    given = iter(meter.read_many(asked) if asked else [])
    return [missing.get(item) or next(given) for item in items]


def _unnamed(item: str, dialect: str) -> Reading | None:
    row = QUANTITIES.get(item)
    if row is None or getattr(row, _NAMED_BY[dialect]) is not None:
        return None
    return Reading(item, item, error=ReadingError("unnamed", f"{dialect} has no name for this quantity"))


def _secret(file: Path | None) -> bytes:
    if file is None:
        return b""
    try:
        return file.read_bytes().strip()
    except OSError as error:
        raise LocalProtocolError(f"the password file cannot be read: {error}") from error
