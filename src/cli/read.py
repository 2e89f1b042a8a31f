"""`meterwire read`: items from a meter, for people or as JSON."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from meterwire.cli.objects import objects_in
from meterwire.cli.output import print_json, print_rows, rows
from meterwire.cli.session import session_filters
from meterwire.connect import Client, connect
from meterwire.errors import LocalProtocolError, MeterwireError
from meterwire.quantities import QUANTITIES, quantity
from meterwire.quantities.reading import Reading, ReadingError
from meterwire.transports.endpoint import Endpoint

_NAMED_BY: Final = {"dlt645": "di", "dlt69845": "oad", "dlms": "obis", "dlms-hdlc": "obis", "iec62056-21": "obis"}
"""Where the table of quantities holds the name that a dialect has for one."""
_NAME: Final = re.compile(r"[a-z]+(_[a-z0-9]+)+|[a-z]{3,}")


def read(
    url: str,
    items: list[str],
    address: str | None,
    password_file: Path | None,
    addresses: Path | None = None,
    edition: str | None = None,
    objects: Path | None = None,
    keys: Path | None = None,
    *,
    trace: bool,
    record: Path | None,
    json: bool,
) -> int:
    """Read and print; 1 if any item has no value, of any of the meters."""
    if not items:
        raise LocalProtocolError(
            "say what to read: a quantity (see `meterwire quantities`), a DI, an OAD or an OBIS code"
        )
    for item in items:
        if _NAME.fullmatch(item):
            quantity(item)  # a name that nobody knows is wrong usage, whoever is at the other end
    secret = _secret(password_file)
    if edition is not None and Endpoint.parse(url).dialect != "dlt645":
        raise LocalProtocolError("--edition is for DL/T 645")
    if addresses is not None and address is not None:
        raise LocalProtocolError("either one --address, or --addresses of many")
    more: dict[str, Any] = {} if edition is None else {"edition": edition}
    if keys is not None:
        more["keys"] = keys
    if objects is not None:
        more["objects"] = objects_in(objects, Endpoint.parse(url).dialect)
    found: list[dict[str, Any]] = []
    with session_filters(url, trace=trace, record=record, name="read") as filters:
        if addresses is None:
            with connect(url, address=address, secret=secret, filters=filters, **more) as meter:
                found = _rows(_readings(meter, url.split("+", 1)[0], items))
        else:
            for one in listed(addresses):
                found += _of_one(url, items, one, secret=secret, filters=filters, **more)
    (print_json if json else print_rows)(found)
    return 1 if any("error" in row for row in found) else 0


def _readings(meter: Client, dialect: str, items: list[str]) -> list[Reading]:
    """What the meter says; a quantity that the dialect has no name for fails alone."""
    missing = {item: _unnamed(item, dialect) for item in items if _unnamed(item, dialect) is not None}
    asked = [item for item in items if item not in missing]
    given = iter(meter.read_many(asked) if asked else [])
    if dialect == "dlt69845":
        from meterwire.cli.listen_dlt69845 import tell  # noqa: PLC0415  a dialect is loaded when it is spoken

        tell(meter)
    return [missing.get(item) or next(given) for item in items]


def _unnamed(item: str, dialect: str) -> Reading | None:
    row = QUANTITIES.get(item)
    if row is None or getattr(row, _NAMED_BY[dialect]) is not None:
        return None
    return Reading(item, item, error=ReadingError("unnamed", f"{dialect} has no name for this quantity"))


def listed(file: Path) -> list[str]:
    """The addresses in a file, one a line; behind # are remarks. Raises LocalProtocolError."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LocalProtocolError(f"the addresses cannot be read: {error}") from error
    found = [line.partition("#")[0].strip() for line in lines]
    if not any(found):
        raise LocalProtocolError(f"{file} has no addresses")
    return [address for address in found if address]


def _of_one(url: str, items: list[str], address: str, **settings: Any) -> list[dict[str, Any]]:
    """The rows of one meter of many; where it cannot be read, one row for each item that says why."""
    try:
        with connect(url, address=address, **settings) as meter:
            found = _rows(_readings(meter, url.split("+", 1)[0], items))
    except MeterwireError as error:
        why = ReadingError(type(error).__name__, str(error))
        found = _rows([Reading(item, None, error=why) for item in items])
    return [{"address": address, **row} for row in found]


def _rows(readings: list[Reading]) -> list[dict[str, Any]]:
    now = datetime.now(UTC).astimezone()
    return [row for reading in readings for row in rows(reading, now)]


def _secret(file: Path | None) -> bytes:
    if file is None:
        return b""
    try:
        return file.read_bytes().strip()
    except OSError as error:
        raise LocalProtocolError(f"the password file cannot be read: {error}") from error
