"""`meterwire serve`: one emulated meter until it is interrupted."""

from __future__ import annotations

import asyncio
import signal
import sys
import warnings
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import msgspec

from meterwire.cli.session import recording, trace_filter
from meterwire.emulate import MakeFilters, emulate_device
from meterwire.errors import LocalProtocolError
from meterwire.meter_model.device import Device
from meterwire.transports.endpoint import Endpoint
from meterwire.transports.filtering import Filter


def serve(
    profile: str,
    listen: list[str],
    seed: int | None,
    device: Path | None,
    clock: str,
    control: str | None,
    *,
    trace: bool,
    record: Path | None,
    state: Path | None = None,
) -> int:
    """Serve, print where, and wait for SIGINT or SIGTERM."""
    if not listen:
        raise LocalProtocolError("say where to listen: --listen dlms+tcp://127.0.0.1:0, --listen dlt645+pty:")
    made = Device.load(device) if device else Device.of_profile(profile)
    if seed is not None:
        made = msgspec.structs.replace(made, seed=seed)

    def start(filters: MakeFilters) -> Coroutine[Any, Any, ServedLike]:
        return emulate_device(made, listen, clock=clock, state=state, control=control, filters=filters)

    return serve_until_interrupted(start, trace=trace, record=record)


class ServedLike(Protocol):
    """What is served: where, and how it ends."""

    control_url: str

    @property
    def urls(self) -> list[str]:
        """The endpoints as a client opens them."""

    async def aclose(self) -> None:
        """Stop serving."""


Start = Callable[[MakeFilters], Coroutine[Any, Any, ServedLike]]


def serve_until_interrupted(start: Start, *, trace: bool, record: Path | None) -> int:
    """Serve what `start` gives with the filters that are wanted, print where, and wait for SIGINT or SIGTERM."""
    warnings.showwarning = lambda message, *_, **__: print(f"meterwire: WARNING: {message}", file=sys.stderr)
    with ExitStack() as recordings:
        filters = filters_of(recordings, trace=trace, record=record)
        with asyncio.Runner(loop_factory=fastest_loop()) as runner:
            runner.run(_until_interrupted(start(filters)))
    return 0


async def _until_interrupted(starting: Coroutine[Any, Any, ServedLike]) -> None:
    stop = interruption()
    served = await starting
    try:
        for url in served.urls:
            print(f"listening {url}")
        if served.control_url:
            print(f"control {served.control_url}")
        print("ready", flush=True)
        await stop.wait()
    finally:
        await served.aclose()


def fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The event loop of the extra `fast` where it is installed, else the standard library's."""
    try:
        import uvloop  # noqa: PLC0415  an extra
    except ImportError:
        return None
    made: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return made


def interruption() -> asyncio.Event:
    """Set when the process is told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


def filters_of(stack: ExitStack, *, trace: bool, record: Path | None) -> MakeFilters:
    """What the connections of each endpoint pass through."""
    numbers: dict[str, int] = {}

    def make(endpoint: Endpoint) -> list[object]:
        filters: list[object] = []
        if trace:
            filters.append(lambda _: trace_filter(endpoint.dialect))
        if record is not None:

            def recorded(_: str) -> Filter:
                numbers[endpoint.dialect] = numbers.get(endpoint.dialect, 0) + 1
                name = f"{endpoint.dialect}-{numbers[endpoint.dialect]}"
                return stack.enter_context(recording(str(endpoint), record, name))

            filters.append(recorded)
        return filters

    return make  # type: ignore[return-value]
