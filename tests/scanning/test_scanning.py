"""One call finds meters, for programs: what it finds is what `connect` reads, and it tells what it does."""

from __future__ import annotations

import asyncio

import pytest

import meterwire
from meterwire.emulate import emulated
from meterwire.errors import LocalProtocolError, TransportError
from meterwire.meter_model.device import Device
from meterwire.scanning.progress import Unheard


class Heard(Unheard):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.questions = 0

    def say(self, text: str) -> None:
        self.said.append(text)

    def asking(self, text: str) -> None:
        self.questions += 1


@pytest.fixture(scope="module")
def served():
    """A meter behind a gateway and on a port."""
    listen = ["dlt645+tcp://127.0.0.1:0", "dlt645+pty:?baud=1200"]
    with emulated(Device.of_profile("three-phase"), listen, clock="frozen:2026-01-01T00:00:00") as meter:
        yield meter


def test_what_is_found_can_be_read(served):
    """Address, edition and a URL that needs nothing more, also of a port whose speed was not known."""
    heard = Heard()
    for url in served.emulation.urls:
        bare = url.split("?")[0]
        (found,) = meterwire.scan(f"{bare}?timeout=0.15", told=heard)
        assert (found.dialect, found.address, found.edition) == ("dlt645", "000000000161", 2007)
        with meterwire.connect(found.url, address=found.address) as meter:
            assert meter.read("meter_number").value == "000000000161"
    assert heard.questions > 2
    assert any("if nobody answers" in text for text in heard.said)


async def test_the_same_for_asyncio(served):
    """The loop goes on meanwhile."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(tick())
    found = await meterwire.ascan(f"{served.emulation.urls[0]}?timeout=0.15")
    ticking.cancel()
    assert [one.address for one in found] == ["000000000161"]
    assert ticks > 2


async def test_a_cancelled_scan_asks_no_more():
    """The thread ends at its next question and the connection with it."""
    ended = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            pass
        ended.set()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    task = asyncio.create_task(meterwire.ascan(f"dlms+tcp://127.0.0.1:{port}?timeout=0.3"))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(ended.wait(), 2)
    server.close()


async def test_nobody_there():
    """An empty list, and what to check."""

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    heard = Heard()
    assert await meterwire.ascan(f"dlt645+tcp://127.0.0.1:{port}?timeout=0.05&edition=2007", told=heard) == []
    assert "nothing came back at all" in heard.said[-1]
    server.close()


def test_what_cannot_be_scanned():
    """Told before anything is opened; a port that is not there as a fault of the transport."""
    with pytest.raises(LocalProtocolError):
        meterwire.scan("dlms+tcp://127.0.0.1:1", thorough=True)
    with pytest.raises(TransportError):
        meterwire.scan("dlt645+serial:///dev/nothing-here")
