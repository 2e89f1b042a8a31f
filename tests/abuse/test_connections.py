"""Abuse of connections, by the numbers of the list of abuse cases: slow peers (B14), and peers that are gone (B15)."""

import asyncio
import contextlib
import socket
import struct

import pytest

import meterwire
from meterwire.errors import MeterwireError, TransportError
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.meter import Meter
from meterwire.transports import serve as serving
from meterwire.transports.alive import GONE, IDLE
from meterwire.transports.serve import serve
from meterwire.transports.tcp import dial

METER = Meter()
SLOW = 1000
REQUEST = bytes.fromhex(
    "0001001000010038" + "6036A1090607608574050801018A0207808B0760857405080201AC0A80083132333435363738"
)


@contextlib.asynccontextmanager
async def served(options="", patience=0.3):
    """A meter whose connections must be of use once in so many seconds, where others want their place."""
    async with await serve(f"dlms+tcp://127.0.0.1:0{options}", FaceDlms(METER).connect) as one:
        one._service.patience = patience
        yield one


async def slow_ones(one, count):
    """So many connections that each send an octet of a request every 0.1 seconds, before anybody loses patience."""
    writers = [(await asyncio.open_connection(one.endpoint.host, one.endpoint.port))[1] for _ in range(count)]

    async def drip():
        for octet in range(len(REQUEST)):
            for writer in writers:
                with contextlib.suppress(OSError):
                    writer.write(REQUEST[octet : octet + 1])
            await asyncio.sleep(0.1)

    return writers, asyncio.create_task(drip())


async def read(one):
    async with meterwire.aconnect(one.url) as meter:
        return (await meter.read("voltage_a")).unit


async def eventually(condition):
    for _ in range(400):
        if condition():
            return True
        await asyncio.sleep(0.01)
    return condition()


async def test_B14_a_thousand_slow_connections():
    """All places are taken by them: an honest client is served all the same, again and again, and no more come in."""
    async with served(f"?connections={SLOW}") as one:
        writers, dripping = await slow_ones(one, SLOW)
        assert await eventually(lambda: one.connections == SLOW)
        await asyncio.sleep(0.4)
        for _ in range(5):
            async with asyncio.timeout(5):
                assert await read(one) == "V"
            assert one.connections <= SLOW
        dripping.cancel()
        for writer in writers:
            writer.close()
    assert one.connections == 0


async def test_B14_who_is_served_keeps_its_place():
    """Only those that nobody has answered for a while make room; while there are none, newcomers are refused."""
    async with (
        served("?connections=2", patience=0.5) as one,
        meterwire.aconnect(one.url) as first,
        meterwire.aconnect(one.url) as second,
    ):
        assert (await first.read("voltage_a")).unit == (await second.read("voltage_a")).unit == "V"
        with pytest.raises(TransportError):
            await read(one)
        await asyncio.sleep(0.6)
        assert (await second.read("voltage_a")).unit == "V"
        assert await read(one) == "V"  # in the place of the first
        assert (await second.read("voltage_a")).unit == "V"
        with pytest.raises(MeterwireError):
            await first.read("voltage_a")


def test_B14_there_are_no_more_places_than_files():
    """A process that has no file descriptor left could serve nobody."""
    resource = pytest.importorskip("resource")
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert 1 <= serving._affordable() <= max(1, files - serving.OTHER_FILES)


def reset(connection):
    """Hang up without a word: RST in place of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("end", [reset, socket.socket.close], ids=["RST", "FIN"])
@pytest.mark.parametrize("octets", [0, 1, 7, 20, len(REQUEST)])
async def test_B15_a_client_that_is_gone_in_the_middle_of_an_apdu(end, octets):
    """The meter forgets it, and serves the next one."""
    async with served() as one:
        connection = await asyncio.to_thread(socket.create_connection, (one.endpoint.host, one.endpoint.port))
        connection.sendall(REQUEST[:octets])
        assert await eventually(lambda: one.connections == 1)
        end(connection)
        assert await eventually(lambda: one.connections == 0)
        assert await read(one) == "V"


@pytest.mark.parametrize("octets", [b"", b"\0\1\0\1\0\x10", b"\0\1\0\1\0\x10\0\x2b\x61\x29"])
@pytest.mark.parametrize("end", [reset, socket.socket.close], ids=["RST", "FIN"])
def test_B15_a_meter_that_is_gone_in_the_middle_of_an_apdu(end, octets):
    """The client says so at once, it does not wait for its time-out; a new connection is a new start."""
    import threading

    listening = socket.create_server(("127.0.0.1", 0))

    def hang_up():
        connection, _ = listening.accept()
        connection.recv(4096)
        connection.sendall(octets)
        end(connection)

    thread = threading.Thread(target=hang_up)
    thread.start()
    place = f"dlms+tcp://127.0.0.1:{listening.getsockname()[1]}?timeout=60"
    with meterwire.connect(place) as meter, pytest.raises(TransportError):
        meter.read("voltage_a")
    thread.join(5)
    listening.close()


async def test_B15_half_open_connections_are_found_out_by_the_kernel():
    """Both ends of a connection, ours and theirs, are asked for after a minute of silence; it is over in a minute more."""
    assert IDLE < GONE <= 120
    async with served() as one:
        line = await asyncio.to_thread(dial, one.endpoint.host, one.endpoint.port, "here", 5.0)
        async with meterwire.aconnect(one.url) as meter:
            assert await eventually(lambda: one.connections == 2)
            theirs = [each._transport.get_extra_info("socket") for each in one._service.connections]
            ours = meter.line._transport.get_extra_info("socket")
            for each in [*theirs, ours, line._socket]:
                assert each.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                assert each.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == IDLE
                assert each.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == GONE * 1000
        line.close()
