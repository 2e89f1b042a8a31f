"""The server of the serving benchmark, a process of its own: `python -m benchmarks.served meter|echo`.

It prints its places as one line of JSON. Each line it then reads is answered by the CPU seconds it has used, system
time included; it ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import uvloop

from meterwire.emulate import DIALECTS, emulate_device
from meterwire.meter_model.device import Device


class Echo(asyncio.Protocol):
    """The ceiling: every request is answered by octets that are ready."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    def connection_made(self, transport: Any) -> None:
        self.write = transport.write

    def data_received(self, data: bytes) -> None:  # noqa: ARG002  asyncio's signature
        self.write(self.answer)


async def echo(sizes: list[int]) -> dict[str, Any]:
    """Serve answers of these sizes, each on a port of its own."""
    loop = asyncio.get_running_loop()
    ports = {}
    for size in sizes:
        answer = bytes(size)
        server = await loop.create_server(lambda answer=answer: Echo(answer), "127.0.0.1", 0)
        ports[str(size)] = server.sockets[0].getsockname()[1]
    return ports


async def meter() -> dict[str, Any]:
    """Serve the emulated three-phase meter on its own clock, in every dialect."""
    device = Device.of_profile("three-phase")
    emulation = await emulate_device(device, [f"{dialect}+tcp://127.0.0.1:0" for dialect in DIALECTS], clock="real")
    return {one.endpoint.dialect: one.endpoint.port for one in emulation.served}


async def main(kind: str, *sizes: str) -> None:
    loop = asyncio.get_running_loop()
    places = await (meter() if kind == "meter" else echo([int(size) for size in sizes]))
    print(json.dumps(places), flush=True)
    ended = asyncio.Event()

    def asked() -> None:
        if sys.stdin.readline():
            print(time.process_time(), flush=True)
        else:
            ended.set()

    loop.add_reader(sys.stdin.fileno(), asked)
    await ended.wait()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
