"""`meterwire scan`: who is on a line, at which settings; what to check when nobody is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from meterwire.cli.output import print_json
from meterwire.cli.scan_progress import progress
from meterwire.cli.session import session_filters
from meterwire.errors import MeterwireError
from meterwire.scanning.search import Found, Search
from meterwire.transports.endpoint import Endpoint
from meterwire.transports.lines import open_line

TITLES = {"dlt645": "DL/T 645", "dlt69845": "DL/T 698.45", "dlms": "DLMS server", "dlms-hdlc": "DLMS server (HDLC)"}


def scan(url: str, edition: str | None, *, thorough: bool, trace: bool, record: Path | None, json: bool) -> int:
    """Look for meters and print them, also those found before an end; 0 if there is any, else 1 with advice."""
    search = Search(Endpoint.parse(url), edition, thorough=thorough)
    code = 0
    with session_filters(url, trace=trace, record=record, name="scan") as filters:
        line = open_line(search.endpoint, *search.echoes, *filters)
        shown = progress(live=not trace)
        try:
            search.run(line, shown)
            if not search.found:
                code = 1
                _say(*search.advice())
        except KeyboardInterrupt:
            code = 130
        except MeterwireError as error:
            code = 1
            _say(str(error))
        finally:
            shown.close()
            line.close()
    (print_json if json else _print)([_row(found) for found in search.found])
    return code


def _row(found: Found) -> dict[str, Any]:
    row = msgspec.structs.asdict(found)
    note = row.pop("note")
    return row | ({"note": note} if note else {})


def _print(rows: list[dict[str, Any]]) -> None:
    """A line for each meter: dialect, address, settings, and what `meterwire read` wants."""
    for row in rows:
        edition = f"-{row['edition']}" if row["edition"] else ""
        settings = f"  {row['settings']}" if row["settings"] else ""
        note = f"  ({row['note']})" if "note" in row else ""
        print(f"{TITLES[row['dialect']]}{edition}  {row['address']}{settings}{note}")


def _say(*lines: str) -> None:
    for line in lines:
        print(f"meterwire: {line}", file=sys.stderr)
