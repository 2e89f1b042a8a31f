"""`meterwire profile`: what a meter has stored, freezes and load records, as a table with times."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from meterwire.cli.objects import objects_in
from meterwire.cli.output import print_json, text_of
from meterwire.cli.profile_files import STDOUT, destination, table_of
from meterwire.cli.scan_progress import Progress, progress
from meterwire.cli.secrets import secret
from meterwire.cli.session import session_filters
from meterwire.connect import connect
from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt645.profile_rows import CURVES, FREEZES, LOADS, Profile
from meterwire.transports.endpoint import Endpoint

DLMS: Final = ("dlms", "dlms-hdlc")


def profile(
    url: str,
    kind: str,
    start: str | None,
    end: str | None,
    count: int | None,
    address: str | None,
    csv: str | None,
    edition: str | None,
    objects: Path | None = None,
    password_file: Path | None = None,
    keys: Path | None = None,
    *,
    trace: bool,
    record: Path | None,
    json: bool,
) -> int:
    """Read and write the table; 1 if the meter stopped on the way: what came until then is written."""
    dialect = Endpoint.parse(url).dialect
    _refuse_wrong_kind(dialect, kind, start, edition)
    wanted = (_moment("--from", start), _moment("--to", end), count)
    if json and csv == STDOUT:
        raise LocalProtocolError("either --json or --csv - can have the standard output")
    more: dict[str, Any] = {} if edition is None else {"edition": edition}
    if objects is not None:
        more["objects"] = objects_in(objects, dialect)
    read = {"dlt69845": _read_tables, **dict.fromkeys(DLMS, _read_buffers)}.get(dialect, _read)
    if password_file is not None:
        more["secret"] = secret(password_file).encode()
    if keys is not None:
        more["keys"] = keys
    with (
        destination(csv or STDOUT) as write,
        session_filters(url, trace=trace, record=record, name="profile") as filters,
    ):
        with connect(url, address=address, filters=filters, **more) as meter:
            found = read(meter, kind, wanted, progress(live=not trace))
        if json:
            print_json(_objects(found))
        if csv or not json:
            write(table_of(found.rows))
    return 0 if found.error is None else 1


def _refuse_wrong_kind(dialect: str, kind: str, start: str | None, edition: str | None) -> None:
    if dialect == "dlt69845":
        if edition is not None:
            raise LocalProtocolError("--edition is for DL/T 645")
        return  # any object may be asked for; its name is looked up when it is read
    if dialect in DLMS:
        from meterwire.cli.profile_dlms import name_of  # noqa: PLC0415  a dialect is loaded when it is spoken

        name_of(kind)
        if edition is not None:
            raise LocalProtocolError("--edition is for DL/T 645")
        return
    if dialect != "dlt645":
        raise LocalProtocolError("only DL/T 645, DL/T 698.45 and DLMS/COSEM have profiles to read so far")
    if not any(kind in kinds for kinds in (FREEZES, LOADS, CURVES)):
        known = "; ".join(", ".join(kinds) for kinds in (FREEZES, LOADS, CURVES))
        raise LocalProtocolError(f"there is no {kind!r}, but {known}")
    if kind in CURVES and start is None:
        raise LocalProtocolError("load curves are read from a time on: give --from")


def _read_tables(
    meter: Any, kind: str, wanted: tuple[datetime | None, datetime | None, int | None], shown: Progress
) -> Profile:
    from meterwire.cli import profile_dlt69845  # noqa: PLC0415  a dialect is loaded when it is spoken

    shown.say(f"reading records ({kind})")
    try:
        found = profile_dlt69845.read(meter, kind, *wanted)
    finally:
        shown.close()
    print(_told(found), file=sys.stderr)
    return found


def _read_buffers(
    meter: Any, kind: str, wanted: tuple[datetime | None, datetime | None, int | None], shown: Progress
) -> Profile:
    from meterwire.cli import profile_dlms  # noqa: PLC0415  a dialect is loaded when it is spoken

    shown.say(f"reading the profile ({kind})")
    try:
        found = profile_dlms.read(meter, kind, *wanted)
    finally:
        shown.close()
    print(_told(found), file=sys.stderr)
    return found


def _read(
    meter: Any, kind: str, wanted: tuple[datetime | None, datetime | None, int | None], shown: Progress
) -> Profile:
    what, read = (
        (f"freezes ({kind})", meter.read_freezes)
        if kind in FREEZES
        else (f"load records ({kind})", meter.read_records)
        if kind in LOADS
        else (f"points ({kind})", meter.read_points)
    )
    shown.say(f"reading {what}")
    shown.expect(wanted[2])
    come = 0

    def seen(rows: int) -> None:
        nonlocal come
        for _ in range(rows - come):
            shown.asking(what)
        come = rows

    try:
        found: Profile = read(kind, *wanted, seen=seen)
    finally:
        shown.close()
    print(_told(found), file=sys.stderr)
    return found


def _told(found: Profile) -> str:
    rows = f"{len(found.rows)} row{'' if len(found.rows) == 1 else 's'}"
    if found.error is not None:
        return f"{rows}, and then no more: {found.error}"
    if not found.rows:
        return "no rows: the meter has stored nothing of the kind in that time"
    return f"{rows}, {text_of(found.rows[0].time)} to {text_of(found.rows[-1].time)}"


def _moment(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise LocalProtocolError(f"{option} {text!r} is no time such as 2026-01-31T00:00") from error


def _objects(found: Profile) -> list[dict[str, Any]]:
    """One object for a row: its identifier, its time, and its columns by name with unit."""
    now = datetime.now(UTC).astimezone().isoformat(timespec="milliseconds")
    return [
        {
            "item": row.item,
            "time": text_of(row.time),
            "read_at": now,
            "columns": {field.column: text_of(field.value) for field in row.fields},
        }
        for row in found.rows
    ]
