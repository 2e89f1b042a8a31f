"""A read whose request the meter has never seen, beside one that comes again, both without the socket.

Whoever polls a meter repeats a few short requests, which it remembers (`wire/remembering.py`); the figures over sockets
are of such requests. Here everything that was remembered is forgotten before each read on one side.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from benchmarks.codecs import ROUNDS
from benchmarks.requests import Asked, asked
from benchmarks.rows import Row
from benchmarks.timing import cpu_medians
from meterwire.emulate import face_of
from meterwire.meter_model.meter import Meter
from meterwire.protocols.wire.remembering import Remembering
from meterwire.transports.endpoint import Endpoint


def run() -> list[Row]:
    """A row for each dialect; ciphered requests never repeat."""
    meter = Meter()
    return [_row(meter, one) for name, one in asked().items() if "ciphered" not in name]


def _row(meter: Meter, one: Asked) -> Row:
    connection = face_of(Endpoint.parse(f"{one.dialect}+tcp://127.0.0.1:0"), meter).connect()
    talk = one.talk(0)
    if talk.greeting:
        connection.receive(talk.greeting, 0.0)
    octets = talk.request()

    def again() -> Any:
        return connection.receive(octets, 0.0)

    one.check(talk, again()[0].octets)
    new, same = cpu_medians(ROUNDS, _forgetting(again), again)
    return Row(
        what=f"{one.what}: never seen before",
        ours=1 / new,
        peer="the same request again",
        theirs=1 / same,
        unit="reads/s",
    )


def _forgetting(ask: Callable[[], Any]) -> Callable[[], Any]:
    known = [one._known for one in gc.get_objects() if isinstance(one, Remembering)]

    def run() -> Any:
        for memory in known:
            memory.clear()
        return ask()

    return run
