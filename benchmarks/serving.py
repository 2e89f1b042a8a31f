"""Reads served per core by the emulated meter with its full object model, beside the ceiling of the event loop.

The meter and an echo that answers equally many octets are processes of their own on uvloop and loopback TCP, loaded in
turn by connections of a third process with one request under way on each. What counts is the CPU time of the server
for a read, so that a shared machine does not distort it: reads per second are those of a core that does nothing else.
Server and load share one core and take turns (SCHED_BATCH), so that neither wakes the other by an interrupt for every
answer: that would cost a slow server more than a fast one, and several times what it does itself.
Ciphered requests bear a counter of their own each, which the load makes; what it takes is not the server's time.
The goal of half the echo was set beside an echo of 90,000 to 120,000 reads/s, which leaves 8 to 11 us for a read; where
the system takes less for an answer, it leaves less.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, cast

import msgspec
import uvloop

from benchmarks.load import CONNECTIONS, Asking, connections, load
from benchmarks.requests import Asked, Fixed, asked
from benchmarks.rows import Row, number

ROUNDS = 9
SECONDS = 0.4


class Server:
    """A running server process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._in, self._out = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
        self.places: dict[str, int] = json.loads(self._out.readline())

    def cpu(self) -> float:
        """CPU seconds used so far."""
        self._in.write("cpu\n")
        self._in.flush()
        return float(self._out.readline())


@contextmanager
def server(*arguments: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "benchmarks.served", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Server(process)


class Load(msgspec.Struct):
    """One server under one kind of request, and what was measured of each read: seconds of CPU and on the wall."""

    server: Server
    asking: list[Asking]
    size: int
    cpu: list[float] = []
    wall: list[float] = []

    async def measure(self, seconds: float) -> None:
        cpu, wall = self.server.cpu(), time.perf_counter()
        answers = await load(self.asking, self.size, seconds)
        self.wall.append((time.perf_counter() - wall) / answers)
        self.cpu.append((self.server.cpu() - cpu) / answers)


async def _measured(stack: ExitStack, wanted: dict[str, Asked]) -> dict[str, tuple[Load, Load]]:
    meter = stack.enter_context(server("meter"))
    talks = {name: [one.talk(number) for number in range(CONNECTIONS)] for name, one in wanted.items()}
    opened = {name: await connections(meter.places[one.dialect], talks[name]) for name, one in wanted.items()}
    sizes = {name: len(await opened[name][0].ask(talks[name][0].request())) for name in wanted}
    echo = stack.enter_context(server("echo", *(str(size) for size in sizes.values())))
    loads = {}
    for name, size in sizes.items():
        same = Fixed(talks[name][0].request())
        echoing = await connections(echo.places[str(size)], [same] * CONNECTIONS)
        loads[name] = Load(meter, opened[name], size), Load(echo, echoing, size)
    for pair in loads.values():
        for each in pair:
            await load(each.asking, each.size, SECONDS / 4)
    for _ in range(ROUNDS):
        for pair in loads.values():
            for each in pair:
                await each.measure(SECONDS)
    for name, one in wanted.items():
        for connection in opened[name]:
            one.check(connection.talk, connection.last)
    return loads


def _row(asked_for: Asked, ours: Load, echo: Load) -> Row:
    what = asked_for.what
    own, theirs = statistics.median(ours.cpu), statistics.median(echo.cpu)
    own_wall, their_wall = statistics.median(ours.wall), statistics.median(echo.wall)
    return Row(
        what=f"served: {what}",
        ours=1 / own,
        peer=f"uvloop echo of {ours.size} octets",
        theirs=1 / theirs,
        unit="reads/s",
        goal=asked_for.share,
        goal_is_ratio=True,
        note=f"{what}: {own * 1e6:.1f} us of CPU a read, the echo {theirs * 1e6:.1f}; on the wall clock of this run, "
        f"on a core shared with the load and whatever else ran, {number(1 / own_wall)} and {number(1 / their_wall)} "
        "reads/s",
    )


@contextmanager
def one_core() -> Iterator[None]:
    """This process and those it starts run on one core, in turns as long as the system allows."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores, policy, parameters = os.sched_getaffinity(0), os.sched_getscheduler(0), os.sched_getparam(0)
    os.sched_setaffinity(0, {max(cores)})
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)
        os.sched_setaffinity(0, cores)


async def _run() -> list[Row]:
    wanted = asked()
    with ExitStack() as stack:
        stack.enter_context(one_core())
        loads = await _measured(stack, wanted)
        return [_row(wanted[name], *pair) for name, pair in loads.items()]


def run() -> list[Row]:
    """All rows of this file."""
    return list(uvloop.run(_run()))
