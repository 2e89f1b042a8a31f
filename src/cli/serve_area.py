"""`meterwire serve --gateway`: an emulated HPLC module with meters behind it until it is interrupted."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from meterwire.cli.serve import ServedLike, serve_until_interrupted
from meterwire.emulate import MakeFilters
from meterwire.emulate_area import emulate_area
from meterwire.errors import LocalProtocolError
from meterwire.meter_model.area import Area


def serve(path: Path, listen: list[str], clock: str, control: str | None, *, trace: bool, record: Path | None) -> int:
    """Serve, print where, and wait for SIGINT or SIGTERM."""
    if not listen:
        raise LocalProtocolError("say where to listen: --listen gdw376-2+tcp://127.0.0.1:0, --listen gdw376-2+pty:")
    area = Area.load(path)
    wanted = clock if clock != "real" or not area.clock else ""

    def start(filters: MakeFilters) -> Coroutine[Any, Any, ServedLike]:
        return emulate_area(area, listen, clock=wanted, control=control, filters=filters)

    return serve_until_interrupted(start, trace=trace, record=record)
