"""`meterwire listen`: the pushes and reports that meters send unasked, as they come."""

from __future__ import annotations

import asyncio
import json as json_module
import sys
import tomllib
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from meterwire.cli.output import text_of
from meterwire.cli.serve import filters_of
from meterwire.errors import Disconnected, LocalProtocolError
from meterwire.protocols.dialogue import Answer
from meterwire.protocols.dlms.listen import Heard, Push, PushListener
from meterwire.protocols.recognise import TitleKeys, keys_of
from meterwire.transports.endpoint import Endpoint
from meterwire.transports.filtering import Filter
from meterwire.transports.lines import open_line
from meterwire.transports.registration import StripRegistration
from meterwire.transports.serve import serve

_QUIET = 0.5
"""Seconds of silence after which what is incomplete is given up."""


def listen(
    url: str, count: int | None, seconds: float | None, keys: Path | None, *, record: Path | None, json: bool
) -> int:
    """Show pushes until so many have come, so long has passed, or the line ends; 1 if none came.

    Whoever dials in, or sends datagrams, is listened to beside the others, and again when it comes again.
    """
    endpoint = Endpoint.parse(url)
    if endpoint.dialect == "dlt69845":
        from meterwire.cli.listen_dlt69845 import listen as reports  # noqa: PLC0415  a dialect is loaded when it is used

        return reports(url, count, seconds, record=record, json=json)
    if endpoint.dialect not in ("dlms", "dlms-hdlc"):
        raise LocalProtocolError("dlms and dlms-hdlc (HDLC or M-Bus) endpoints are listened to, and dlt69845 ones")
    ears = _Ears(_keys(keys), count, json=json)
    with ExitStack() as recordings:
        make = filters_of(recordings, trace=False, record=record)(endpoint)
        if endpoint.carrier in ("tcp-listen", "udp"):
            asyncio.run(_answer_calls(endpoint, ears, make, seconds))
        else:
            line = open_line(endpoint, *(one("listen") for one in make))
            try:
                _run(line, ears, seconds)
            finally:
                line.close()
    print(f"{ears.pushes} pushes, {ears.lost} pieces that are none", file=sys.stderr)
    return 0 if ears.pushes else 1


class _Ears:
    """Everything that is heard, whoever says it."""

    def __init__(self, keys: tuple[TitleKeys, ...], count: int | None, *, json: bool) -> None:
        self._keys, self._count, self._json = keys, count, json
        self.pushes = self.lost = 0
        self.enough = asyncio.Event()

    def listener(self) -> PushListener:
        """For one line or connection."""
        return PushListener(self._keys)

    def hear(self, found: list[Heard]) -> None:
        """Show it and count it."""
        for one in found:
            _show(one, json=self._json)
            self.pushes += isinstance(one, Push)
            self.lost += not isinstance(one, Push)
        if self._count is not None and self.pushes >= self._count:
            self.enough.set()


class _Caller:
    """A connection that somebody has made to us: a responder that confirms and says nothing else."""

    def __init__(self, ears: _Ears) -> None:
        self._ears, self._listener = ears, ears.listener()

    def receive(self, octets: bytes, now: float) -> list[Answer]:
        """Octets have come."""
        del now
        self._ears.hear(self._listener.receive(octets))
        replies = self._listener.replies()
        return [Answer(replies)] if replies else []

    def idle(self, now: float) -> list[Answer]:
        """Nothing more comes for now."""
        del now
        self._ears.hear(self._listener.idle())
        return []


async def _answer_calls(
    endpoint: Endpoint, ears: _Ears, make: Sequence[Callable[[str], Filter]], seconds: float | None
) -> None:
    pattern = endpoint.option("registration")
    own = [] if pattern is None else [lambda _: StripRegistration(pattern)]
    async with await serve(endpoint, lambda: _Caller(ears), filters=[*own, *make]) as served:
        print(f"listening at {served.endpoint.place}", file=sys.stderr, flush=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await ears.enough.wait()


def _run(line: Any, ears: _Ears, seconds: float | None) -> None:
    listener, end = ears.listener(), float("inf") if seconds is None else line.now() + seconds
    while line.now() < end and not ears.enough.is_set():
        try:
            octets = line.read(min(line.now() + _QUIET, end))
        except Disconnected:
            octets, end = b"", 0.0
        ears.hear(listener.receive(octets) if octets else listener.idle())
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
    sender = f" from {one.title.hex().upper()}{'' if one.verified else ' (not verified)'}" if one.title else ""
    named = f"push {one.number}" if one.kind == "data" else one.kind
    print(f"{named}{sender}{f' at {text_of(one.time)}' if one.time else ''}")
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
        "verified": one.verified,
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
