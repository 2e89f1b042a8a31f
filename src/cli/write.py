"""`meterwire write`: items of a meter, by value; each is written once, and told one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from meterwire.cli.objects import objects_in
from meterwire.cli.output import print_json
from meterwire.cli.secrets import credentials, secret
from meterwire.cli.session import session_filters
from meterwire.connect import connect
from meterwire.errors import LocalProtocolError, MeterwireError, NoAnswer, OutcomeUnknown
from meterwire.transports.endpoint import Endpoint

DLMS: Final = ("dlms", "dlms-hdlc")


def write(
    url: str,
    items: list[str],
    address: str | None,
    password_file: Path | None,
    operator: str,
    level: int,
    edition: str | None,
    objects: Path | None = None,
    keys: Path | None = None,
    *,
    trace: bool,
    record: Path | None,
    json: bool,
) -> int:
    """Write and tell; 1 if any item was refused or its outcome is unknown. Stops when the meter is silent."""
    wanted = [_assignment(item) for item in items]
    if not wanted:
        raise LocalProtocolError("say what to write: ITEM=VALUE, such as 04001401=5")
    dialect = Endpoint.parse(url).dialect
    if dialect not in ("dlt645", "dlt69845", *DLMS):
        raise LocalProtocolError("only DL/T 645, DL/T 698.45 and DLMS/COSEM can be written so far")
    more: dict[str, Any] = {}
    if dialect == "dlt645":
        more["credentials"] = credentials(password_file, level, operator)
    password = secret(password_file) if keys is None else ""
    if keys is not None:
        more["keys"] = keys
    elif dialect in DLMS:
        more["secret"] = password.encode()
    if edition is not None:
        if dialect != "dlt645":
            raise LocalProtocolError("--edition is for DL/T 645")
        more["edition"] = edition
    if objects is not None:
        more["objects"] = objects_in(objects, dialect)
    rows: list[dict[str, Any]] = []
    with (
        session_filters(url, trace=trace, record=record, name="write") as filters,
        connect(url, address=address, filters=filters, **more) as meter,
    ):
        if dialect == "dlt69845":
            meter.connect(password)
        for item, text in wanted:
            row = {"item": item, "value": text, "written": True}
            rows.append(row)
            try:
                (meter.write if dialect in DLMS else meter.write_text)(item, text)
            except LocalProtocolError:
                raise
            except MeterwireError as error:
                row |= {"written": None if isinstance(error, OutcomeUnknown) else False, "error": str(error)}
                if isinstance(error, (NoAnswer, OutcomeUnknown)):
                    break
    print_json(rows) if json else _tell(rows)
    return 0 if all(row["written"] for row in rows) and len(rows) == len(wanted) else 1


def _assignment(text: str) -> tuple[str, str]:
    item, equals, value = text.partition("=")
    if not equals or not item:
        raise LocalProtocolError(f"{text!r} is not ITEM=VALUE, such as 04001401=5")
    return item, value


def _tell(rows: list[dict[str, Any]]) -> None:
    width = max(len(row["item"]) for row in rows)
    for row in rows:
        print(f"{row['item']:<{width}}  {'written' if row['written'] else row['error']}")
