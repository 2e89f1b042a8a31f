"""`meterwire concentrator`: what a concentrator of DL/T 698.45 knows, does and has collected, and meters through it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from meterwire.cli.concentrator_plan import plan_in
from meterwire.cli.output import print_json, print_rows, print_table, rows, text_of
from meterwire.cli.secrets import secret
from meterwire.cli.session import session_filters
from meterwire.connect import connect
from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt69845.acquisition import (
    METER,
    RECORDS,
    STORED,
    MeterProtocol,
    RunState,
)
from meterwire.protocols.dlt69845.address import address_text
from meterwire.protocols.dlt69845.client import Meter69845
from meterwire.protocols.dlt69845.client_proxy import TIMEOUT
from meterwire.protocols.dlt69845.items import item, reading
from meterwire.protocols.dlt69845.selecting import ALL_METERS, column, meters_at, newest, stored
from meterwire.quantities.reading import METER_ZONE
from meterwire.transports.endpoint import Endpoint

_DIALECT: Final = "dlt69845"
_NAMES: Final[Mapping[int, str]] = {
    MeterProtocol.DLT645_1997: "dlt645-1997",
    MeterProtocol.DLT645_2007: "dlt645",
    MeterProtocol.DLT69845: "dlt69845",
}
_EARLIEST, _LATEST = "2000-01-01", "2099-12-31"


def concentrator(
    url: str,
    what: str,
    items: list[str],
    address: str | None,
    meters: list[str],
    start: str | None,
    end: str | None,
    password_file: Path | None,
    *,
    trace: bool,
    record: Path | None,
    json: bool,
) -> int:
    """Ask, and print; 1 if anything was refused."""
    if Endpoint.parse(url).dialect != _DIALECT:
        raise LocalProtocolError(f"a concentrator speaks {_DIALECT}")
    known = [*_TABLES, "rows", "read", "enter"]
    if what not in known:
        raise LocalProtocolError(f"there is no {what!r}: {', '.join(known)}")
    if what in {"read", "rows"} and not items:
        raise LocalProtocolError(f"say what: concentrator URL {what} 00100200")
    if what == "enter" and len(items) != 1:
        raise LocalProtocolError("say which plan: concentrator URL enter plan.toml")
    plan = plan_in(Path(items[0])) if what == "enter" else ()
    secrets = {"secret": secret(password_file)} if what == "enter" else {}
    with (
        session_filters(url, trace=trace, record=record, name="concentrator") as filters,
        connect(url, address=address, filters=filters) as client,
    ):
        assert isinstance(client, Meter69845)
        if what == "enter":
            client.connect(secrets["secret"])
            client.enter(*plan)
            print(f"entered: {len(plan)} meters, schemes and tasks")
            return 0
        if what == "read":
            return _read(client, items, meters, json=json)
        found = _rows(client, items, meters, start, end) if what == "rows" else _TABLES[what](client)
    (print_json if json else print_table)(found)
    return 0


# ---------------------------------------------------------------- tables


def _archive(client: Meter69845) -> list[dict[str, Any]]:
    return [
        {
            "number": unit.number,
            "address": _digits(unit.basic.address),
            "protocol": _NAMES.get(unit.basic.protocol, str(unit.basic.protocol)),
            "port": str(unit.basic.port),
            "user_type": unit.basic.user_type,
        }
        for unit in client.archive()
    ]


def _tasks(client: Meter69845) -> list[dict[str, Any]]:
    return [
        {
            "task": one.task,
            "state": RunState(one.state).name.lower() if one.state in set(RunState) else str(one.state),
            "begun": _time(one.begun),
            "ended": _time(one.ended),
            "meters": one.meters,
            "succeeded": one.succeeded,
            "sent": one.sent,
            "received": one.received,
        }
        for one in client.monitoring()
    ]


def _meters(client: Meter69845) -> list[dict[str, Any]]:
    return [
        {
            "address": _digits(one.address),
            "port": str(one.port),
            "succeeded": _time(one.succeeded),
            "failures": one.failures,
        }
        for one in client.meter_states()
    ]


_TABLES: Final[Mapping[str, Callable[[Meter69845], list[dict[str, Any]]]]] = {
    "archive": _archive,
    "tasks": _tasks,
    "meters": _meters,
}


def _digits(address: bytes) -> str:
    return address_text(address[1:])


def _time(value: Any) -> str | None:
    moment = value.datetime(METER_ZONE)
    return None if moment is None else str(moment.isoformat())


# ---------------------------------------------------------------- rows


def _rows(
    client: Meter69845, items: Sequence[str], meters: Sequence[str], start: str | None, end: str | None
) -> list[dict[str, Any]]:
    """Collected rows, the newest of each meter where no time is given."""
    of = meters_at(*meters) if meters else ALL_METERS
    columns = [METER, STORED, *map(column, items)]
    if start is None and end is None:
        which = newest(1, of)
    else:
        which = stored(_moment(start or _EARLIEST), _moment(end or _LATEST), meters=of)
    table = client.records(RECORDS, columns=columns, rows=which)
    if table.error is not None:
        raise table.error
    names = ["meter", "time", *(heading.column for heading in table.headings[2:])]
    return [dict(zip(names, (str(row[0])[2:], *map(text_of, row[1:])), strict=True)) for row in table.rows]


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError as error:
        raise LocalProtocolError(f"{text!r} is no time such as 2026-01-01T00:15") from error


# ---------------------------------------------------------------- meters through it


def _read(client: Meter69845, items: Sequence[str], meters: Sequence[str], *, json: bool) -> int:
    """Read meters behind it there and then (PROXY); 1 if any item has no value."""
    wanted = list(meters) or [_digits(unit.basic.address) for unit in client.archive()]
    asked = [item(text) for text in items]
    answers = client.proxy_get({address: [one.oad for one in asked] for address in wanted}, timeout=TIMEOUT)
    read_at, found = datetime.now(UTC), []
    for address in wanted:
        for one, result in zip(asked, answers.get(address, ()), strict=False):
            found += [{"address": address, **row} for row in rows(reading(one, result, METER_ZONE), read_at)]
    (print_json if json else print_rows)(found)
    return int(any("error" in row for row in found) or len(answers) < len(wanted))
