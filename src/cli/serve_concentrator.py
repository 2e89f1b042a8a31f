"""`meterwire serve --concentrator`: an emulated concentrator with meters behind it until it is interrupted."""

from __future__ import annotations

import asyncio
import sys
import warnings
from contextlib import ExitStack
from pathlib import Path

from meterwire.cli.serve import fastest_loop, filters_of, interruption
from meterwire.emulate import MakeFilters
from meterwire.emulate_concentrator import emulate_concentrator
from meterwire.errors import LocalProtocolError
from meterwire.meter_model.area import Area


def serve(
    path: Path,
    listen: list[str],
    clock: str,
    control: str | None,
    state: Path | None,
    *,
    trace: bool,
    record: Path | None,
) -> int:
    """Serve, print where, and wait for SIGINT or SIGTERM."""
    if not listen:
        raise LocalProtocolError("say where to listen: --listen dlt69845+tcp://127.0.0.1:0")
    area = Area.load(path)
    warnings.showwarning = lambda message, *_, **__: print(f"meterwire: WARNING: {message}", file=sys.stderr)
    with ExitStack() as recordings:
        filters = filters_of(recordings, trace=trace, record=record)
        with asyncio.Runner(loop_factory=fastest_loop()) as runner:
            wanted = clock if clock != "real" or not area.clock else ""
            runner.run(_serve(area, listen, wanted, control, state, filters))
    return 0


async def _serve(
    area: Area, listen: list[str], clock: str, control: str | None, state: Path | None, filters: MakeFilters
) -> None:
    stop = interruption()
    async with await emulate_concentrator(
        area, listen, clock=clock, state=state, control=control, filters=filters
    ) as served:
        for url in served.urls:
            print(f"listening {url}")
        if served.control_url:
            print(f"control {served.control_url}")
        print("ready", flush=True)
        await stop.wait()
