"""`meterwire scan`: who is on a line, at which settings; what to check when nobody is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from meterwire.cli.output import print_json
from meterwire.cli.scan_dialects import Meter, Scanner, scanner
from meterwire.cli.scan_plan import Settings, Trial, advice, estimate, estimate_search, stages
from meterwire.cli.scan_progress import Progress, progress
from meterwire.cli.session import session_filters
from meterwire.errors import Disconnected, LocalProtocolError, MeterwireError, TransportError
from meterwire.protocols.dialogue import Line
from meterwire.transports.echo import DropEcho
from meterwire.transports.endpoint import Endpoint
from meterwire.transports.lines import open_line

TITLES = {"dlt645": "DL/T 645", "dlt69845": "DL/T 698.45", "dlms": "DLMS server", "dlms-hdlc": "DLMS server (HDLC)"}


def scan(url: str, edition: str | None, *, thorough: bool, trace: bool, record: Path | None, json: bool) -> int:
    """Look for meters and print them; 0 if there is any, else 1 with advice."""
    endpoint = Endpoint.parse(url)
    looking = scanner(endpoint, edition, thorough=thorough)
    echoes, bare = _echoes(endpoint)
    code = 0
    with session_filters(url, trace=trace, record=record, name="scan") as filters:
        line = open_line(bare, *echoes, *filters)
        shown = progress(live=not trace)
        try:
            trials = _try_all(looking, endpoint, line, shown)
            if not looking.meters:
                code = 1
                _say(*advice(trials, sum(one.dropped for one in echoes), serial=endpoint.carrier == "serial"))
        except KeyboardInterrupt:
            code = 130
        except MeterwireError as error:
            code = 1
            _say(str(error))
        finally:
            shown.close()
            line.close()
    (print_json if json else _print)([_row(endpoint, meter) for meter in looking.meters])
    return code


def _echoes(endpoint: Endpoint) -> tuple[list[DropEcho], Endpoint]:
    """The echo filter that the endpoint asks for, where we can ask it what it dropped, and the endpoint without it."""
    mode = endpoint.option("echo", "auto" if endpoint.carrier == "serial" else "off")
    bare = msgspec.structs.replace(endpoint, options=endpoint.options | {"echo": "off"})
    return ([] if mode == "off" else [DropEcho(mode)]), bare


def _try_all(looking: Scanner, endpoint: Endpoint, line: Line, shown: Progress) -> list[Trial]:
    plan = stages(endpoint, looking.bauds, pseudo=_is_pseudo(endpoint, line))
    for text in estimate(plan, looking.questions, looking.attention, looking.scope):
        shown.say(text)
    if looking.ways:
        usual: Settings = endpoint.settings if endpoint.carrier == "serial" else None
        shown.say(estimate_search(looking.ways, usual, looking.attention(usual)))
    trials: list[Trial] = []
    for stage in plan:
        if looking.meters:
            break
        shown.expect((len(trials) + len(stage.settings)) * looking.questions)
        for settings in stage.settings:
            trials += _try(looking, line, settings, shown)
    return trials


def _try(looking: Scanner, line: Line, settings: Settings, shown: Progress) -> list[Trial]:
    """One setting; one that the port cannot do is told of and left out."""
    try:
        trial = looking.search(line, settings, shown)
    except Disconnected:
        raise
    except (TransportError, LocalProtocolError) as error:
        if settings is None:
            raise
        shown.say(f"{settings} is left out: {error}")
        return []
    if settings is not None and not trial.found:
        shown.say(f"{settings}: nobody {'else' if looking.meters else 'found'}{_came(trial)}")
    return [trial]


def _came(trial: Trial) -> str:
    return f", {trial.tally.garbage} octets of garbage came" if trial.tally.garbage else ""


def _is_pseudo(endpoint: Endpoint, line: Line) -> bool:
    number = getattr(line, "fileno", None)
    if endpoint.carrier != "serial" or number is None:
        return False
    from meterwire.transports import termios_settings  # noqa: PLC0415  for serial ports alone

    return termios_settings.is_pseudo(number())


def _row(endpoint: Endpoint, meter: Meter) -> dict[str, Any]:
    options = dict(endpoint.options)
    if meter.settings is not None:
        options |= {"baud": meter.settings.baud, "parity": meter.settings.parity}
    options |= meter.options
    row: dict[str, Any] = {
        "dialect": meter.dialect,
        "address": meter.address,
        "settings": None if meter.settings is None else str(meter.settings),
        "edition": meter.edition,
        "url": str(msgspec.structs.replace(endpoint, dialect=meter.dialect, options=options)),
    }
    return row | ({"note": meter.note} if meter.note else {})


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
