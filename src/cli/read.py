"""`meterwire read`: items from a meter, for people or as JSON."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from meterwire.cli.output import print_json, print_rows, rows
from meterwire.cli.session import session_filters
from meterwire.connect import connect
from meterwire.errors import LocalProtocolError
from meterwire.quantities import quantity

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
        readings = meter.read_many(items)
        now = datetime.now(UTC).astimezone()
    found = [row for reading in readings for row in rows(reading, now)]
    (print_json if json else print_rows)(found)
    return 1 if any("error" in row for row in found) else 0


def _secret(file: Path | None) -> bytes:
    if file is None:
        return b""
    try:
        return file.read_bytes().strip()
    except OSError as error:
        raise LocalProtocolError(f"the password file cannot be read: {error}") from error
