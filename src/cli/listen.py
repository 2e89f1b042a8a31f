"""`meterwire listen`: the pushes and reports that meters send unasked, as they come."""

from __future__ import annotations

import json as json_module
import sys
import tomllib
from pathlib import Path
from typing import Any

from meterwire.cli.output import text_of
from meterwire.cli.session import session_filters
from meterwire.errors import Disconnected, LocalProtocolError
from meterwire.protocols.dlms.listen import Heard, Push, PushListener
from meterwire.protocols.recognise import TitleKeys, keys_of
from meterwire.transports.endpoint import Endpoint
from meterwire.transports.lines import open_line

_QUIET = 0.5
"""Seconds of silence after which what is incomplete is given up."""


def listen(
    url: str, count: int | None, seconds: float | None, keys: Path | None, *, record: Path | None, json: bool
) -> int:
    """Show pushes until so many have come, so long has passed, or the line ends; 1 if none came."""
    endpoint = Endpoint.parse(url)
    if endpoint.dialect == "dlt69845":
        from meterwire.cli.listen_dlt69845 import listen as reports  # noqa: PLC0415  a dialect is loaded when it is used

        return reports(url, count, seconds, record=record, json=json)
    if endpoint.dialect not in ("dlms", "dlms-hdlc"):
        raise LocalProtocolError("dlms and dlms-hdlc (HDLC or M-Bus) endpoints are listened to, and dlt69845 ones")
    listener = PushListener(_keys(keys))
    with session_filters(url, trace=False, record=record, name="listen") as filters:
        line = open_line(endpoint, *filters)
        try:
            _run(line, listener, count, seconds, json=json)
        finally:
            line.close()
    print(f"{listener.pushes} pushes, {listener.lost} pieces that are none", file=sys.stderr)
    return 0 if listener.pushes else 1


def _run(line: Any, listener: PushListener, count: int | None, seconds: float | None, *, json: bool) -> None:
    end = float("inf") if seconds is None else line.now() + seconds
    while line.now() < end and (count is None or listener.pushes < count):
        try:
            octets = line.read(min(line.now() + _QUIET, end))
        except Disconnected:
            octets, end = b"", 0.0
        found = listener.receive(octets) if octets else listener.idle()
        for one in found:
            _show(one, json=json)
        replies = listener.replies()
        if replies and end:
            line.write(replies)


def _show(one: Heard, *, json: bool) -> None:
    if json:
        print(json_module.dumps(_as_object(one), ensure_ascii=False), flush=True)
        return
    if not isinstance(one, Push):
        print(f"not understood: {one.reason}: {one.octets[:64].hex().upper()}", file=sys.stderr)
        return
    sender = f" from {one.title.hex().upper()}" if one.title else ""
    print(f"push {one.number}{sender}{f' at {text_of(one.time)}' if one.time else ''}")
    for reading in one.readings:
        unit = f" {reading.unit}" if reading.unit else ""
        named = f"  {reading.quantity}" if reading.quantity else ""
        print(f"  {reading.item:<24}{text_of(reading.value)}{unit}{named}", flush=True)


def _as_object(one: Heard) -> dict[str, Any]:
    if not isinstance(one, Push):
        return {"error": one.reason, "octets": one.octets.hex().upper()}
    readings = [
        {"item": reading.item, "quantity": reading.quantity, "value": text_of(reading.value), "unit": reading.unit}
        for reading in one.readings
    ]
    time = None if one.time is None else text_of(one.time)
    return {
        "kind": one.kind,
        "title": one.title.hex().upper(),
        "number": one.number,
        "time": time,
        "readings": readings,
    }


def _keys(path: Path | None) -> tuple[TitleKeys, ...]:
    if path is None:
        return ()
    try:
        return keys_of(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise LocalProtocolError(f"the keys file cannot be read: {error}") from error
    except tomllib.TOMLDecodeError:
        raise LocalProtocolError("the keys file is no TOML") from None
