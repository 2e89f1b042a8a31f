"""An asyncio event loop on virtual time: waiting costs nothing, and the same program runs the same way every time.

Everything that is written for asyncio and touches no real socket runs on it unchanged: clients, served connections
over lines in memory, tasks, time-outs.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import Any


class _Selector(selectors.DefaultSelector):
    """Looks for events without waiting, and lets virtual time pass instead."""

    time = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise RuntimeError("the simulation has come to a stop: every task waits for something that cannot happen")
        self.time += max(0.0, timeout)
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time starts at 0 and jumps to whatever is due next."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        """Virtual seconds."""
        return self._virtual.time


def run(main: Any) -> Any:
    """Run a coroutine on a simulated loop, as `asyncio.run` does on a real one."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(main)
