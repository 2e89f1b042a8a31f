"""A DL/T 698.45 meter that dials in to its master over real TCP: login, heartbeat, reads, logout."""

import asyncio
import socket

import meterwire
from meterwire.emulate import emulate
from meterwire.meter_model.inputs import Inputs
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.link import Link
from meterwire.protocols.dlt69845.services.presence import LinkKind
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Framer


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def test_the_meter_logs_in_and_is_read():
    """The client that listens answers the login, knows the meter from it, and answers heartbeats while it reads."""
    port = free_port()
    dialling = await emulate(Meter(), [f"dlt69845+tcp://127.0.0.1:{port}?dial=on&heartbeat=1"])
    async with dialling, meterwire.aconnect(f"dlt69845+tcp-listen://127.0.0.1:{port}?wait=20") as client:
        assert client.session.reception.present
        assert client.address.digits == "000000000161"
        assert client.session.reception.heartbeat == 1
        await asyncio.sleep(1.2)
        assert (await client.read("address")).value == "000000000161"


async def test_a_meter_that_dials_in_reports_to_who_has_asked_nothing():
    """After its login, and not before, an event is told to the head-end that only listens; its receipt counts."""
    port = free_port()
    meter = Meter()
    for name, value in (("active_report", 1), ("report_channel_count", 1)):
        meter.parameters.set(name, value)
    meter.reports.set_flag("cover_open", 1)
    meter.change_inputs(Inputs(cover_open=True))
    dialling = await emulate(meter, [f"dlt69845+tcp://127.0.0.1:{port}?dial=on"])
    async with dialling, meterwire.aconnect(f"dlt69845+tcp-listen://127.0.0.1:{port}?wait=20") as client:
        (told,) = await client.listen(10, most=1)
        assert str(told.tables[0].oad) == "301B0200"
        assert await client.listen(0.5) == []
    assert not meter.reports.notices


async def test_the_meter_logs_out_when_it_stops():
    """A served meter that is stopped says so before it hangs up."""
    heard = bytearray()
    said, ended = asyncio.Event(), asyncio.Event()

    async def listen(reader, writer):
        while octets := await reader.read(4096):
            heard.extend(octets)
            said.set()
        writer.close()
        ended.set()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    dialling = await emulate(Meter(), [f"dlt69845+tcp://127.0.0.1:{port}?dial=on"])
    async with asyncio.timeout(5):
        await said.wait()
    await dialling.aclose()
    async with asyncio.timeout(5):
        await ended.wait()
    server.close()
    frames = Framer(codec(Link, 2021)).receive(bytes(heard))
    kinds = [codec(Apdu, 2021).parse(frame.message.user).body.kind for frame in frames]
    assert (kinds[0], kinds[-1]) == (LinkKind.LOGIN, LinkKind.LOGOUT)
