"""How long the command line takes to say something: whole processes from start to end, by their CPU time.

Modules are compiled before the first measured start, as those of an installed package are, into a folder of their own.
"""

from __future__ import annotations

import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from benchmarks.rows import Row, quantity

ROUNDS = 7
AIM = 0.3
PEER = "Python doing nothing"

Taken = tuple[float, float]
"""Seconds of CPU, seconds on the wall."""


def refusing() -> int:
    """A port of this machine at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def process(compiled: str, *arguments: str) -> Taken:
    """Run Python with these arguments, and with this folder for compiled modules."""
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    surroundings["PYTHONPYCACHEPREFIX"] = compiled
    cpu, wall = _children(), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=False, capture_output=True, env=surroundings)
    return _children() - cpu, time.perf_counter() - wall


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run() -> list[Row]:
    """All rows of this file."""
    command = "-m", "meterwire"
    works: dict[str, tuple[str, ...]] = {PEER: ("-c", "pass"), "meterwire --help": (*command, "--help")}
    for dialect in ("dlt645", "dlt69845", "dlms"):
        url = f"{dialect}+tcp://127.0.0.1:{refusing()}"
        works[f"meterwire read, {dialect}, connection refused"] = (*command, "read", url, "active_energy_import")
    taken: dict[str, list[Taken]] = {name: [] for name in works}
    with tempfile.TemporaryDirectory() as compiled:
        for arguments in works.values():
            process(compiled, *arguments)
        for _ in range(ROUNDS):
            for name, arguments in works.items():
                taken[name].append(process(compiled, *arguments))
    cpu = {name: statistics.median(one for one, _ in times) for name, times in taken.items()}
    wall = {name: statistics.median(one for _, one in times) for name, times in taken.items()}
    return [
        Row(
            what=name,
            ours=cpu[name],
            peer=PEER,
            theirs=cpu[PEER],
            unit="s",
            goal=AIM,
            note=f"{name}: {quantity(wall[name], 's')} on the wall clock of this run",
        )
        for name in works
        if name != PEER
    ]
