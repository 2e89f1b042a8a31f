"""`meterwire serve --gateway`: an emulated HPLC module with meters behind it until it is interrupted."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path

from meterwire.cli.serve import fastest_loop, filters_of, interruption
from meterwire.emulate import MakeFilters
from meterwire.emulate_area import emulate_area
from meterwire.errors import LocalProtocolError
from meterwire.meter_model.area import Area


def serve(path: Path, listen: list[str], clock: str, control: str | None, *, trace: bool, record: Path | None) -> int:
    """Serve, print where, and wait for SIGINT or SIGTERM."""
    if not listen:
        raise LocalProtocolError("say where to listen: --listen gdw376-2+tcp://127.0.0.1:0, --listen gdw376-2+pty:")
    area = Area.load(path)
    with ExitStack() as recordings:
        filters = filters_of(recordings, trace=trace, record=record)
        with asyncio.Runner(loop_factory=fastest_loop()) as runner:
            runner.run(_serve(area, listen, clock if clock != "real" or not area.clock else "", control, filters))
    return 0


async def _serve(area: Area, listen: list[str], clock: str, control: str | None, filters: MakeFilters) -> None:
    stop = interruption()
    async with await emulate_area(area, listen, clock=clock, control=control, filters=filters) as served:
        for url in served.urls:
            print(f"listening {url}")
        if served.control_url:
            print(f"control {served.control_url}")
        print("ready", flush=True)
        await stop.wait()
