"""TCP and UDP on the loopback interface: both kinds of line, both directions of dialling, serving."""

import asyncio
import contextlib
import socket
import threading

import pytest

from meterwire.errors import Disconnected, LocalProtocolError, TransportError
from meterwire.protocols.dialogue import LineSettings
from meterwire.transports.lines import aopen_line, open_line
from meterwire.transports.serve import serve


@contextlib.contextmanager
def listening():
    """A listening socket and the URL to dial it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server, f"dlt645+tcp://127.0.0.1:{server.getsockname()[1]}"


def read_all(line, size):
    octets, until = b"", line.now() + 5
    while len(octets) < size and line.now() < until:
        octets += line.read(until)
    return octets


async def aread_all(line, size):
    octets, until = b"", line.now() + 5
    while len(octets) < size and line.now() < until:
        octets += await line.read(until)
    return octets


@contextlib.contextmanager
def served_in_thread(endpoint, connect, **options):
    """Serve on an event loop in another thread, for blocking clients."""
    ready, box = threading.Event(), {}

    async def main():
        served = await serve(endpoint, connect, **options)
        box.update(served=served, loop=asyncio.get_running_loop(), stop=asyncio.Event())
        ready.set()
        await box["stop"].wait()
        await served.aclose()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield box["served"]
    finally:
        box["loop"].call_soon_threadsafe(box["stop"].set)
        thread.join(5)
        assert not thread.is_alive()


def test_a_blocking_client_talks_to_a_served_responder(Reverser, frame):
    """Protects the whole way: URL, dialling, pump, answer, closing."""
    with served_in_thread("dlms+tcp://127.0.0.1:0", Reverser) as served:
        line = open_line(served.url)
        line.write(frame(b"abc"))
        assert read_all(line, 5) == frame(b"cba")
        line.reconfigure(LineSettings(9600))
        line.close()
        line.close()
        with pytest.raises(Disconnected, match="closed by us"):
            line.write(b"x")


async def test_an_async_client_talks_to_a_served_responder(Reverser, frame):
    """Protects the same way on asyncio, one responder per connection."""
    made = []

    def connect():
        made.append(Reverser())
        return made[-1]

    async with await serve("dlms+tcp://127.0.0.1:0", connect) as served:
        lines = [await aopen_line(served.url) for _ in range(3)]
        for number, line in enumerate(lines):
            await line.write(frame(bytes([number, 7]))[:2])
        for number, line in enumerate(lines):
            await line.write(frame(bytes([number, 7]))[2:])
            assert await aread_all(line, 4) == frame(bytes([7, number]))
        assert len(made) == served.connections == 3
        for line in lines:
            await line.close()
            await line.close()


async def test_what_is_durable_is_committed_before_it_leaves(Reverser, frame):
    """Protects acknowledged writes: no octet of the answer may leave before the commit."""
    events = []

    class Watched(Reverser):
        def receive(self, octets, now):
            events.append("received")
            return super().receive(octets, now)

    def connect():
        return Watched(durable=True)

    def commit():
        events.append("committed")

    async with await serve("dlms+tcp://127.0.0.1:0", connect, commit=commit) as served:
        line = await aopen_line(served.url)
        await line.write(frame(b"ab") + frame(b"cd"))
        assert await aread_all(line, 8) == frame(b"ba") + frame(b"dc")
        assert events == ["received", "committed"]  # one commit for all answers of one read
        await line.close()


async def test_a_failed_commit_sends_nothing(Reverser, frame):
    """Protects acknowledged writes: when the disk fails, the client must not hear yes."""
    faults = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context["exception"]))

    def commit():
        raise OSError("disk full")

    async with await serve("dlms+tcp://127.0.0.1:0", lambda: Reverser(durable=True), commit=commit) as served:
        line = await aopen_line(served.url)
        await line.write(frame(b"ab"))
        with pytest.raises(Disconnected):
            await aread_all(line, 1)
        assert [str(fault) for fault in faults] == ["disk full"]


async def test_a_responder_that_raises_ends_its_connection_alone(Reverser, frame):
    """Protects the other meters of a server from one broken conversation; a documented error is not even reported."""
    faults = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context["exception"]))

    class Broken(Reverser):
        def receive(self, octets, now):
            if octets == b"\xff":
                raise Disconnected("enough")
            if octets == b"\xfe":
                raise ZeroDivisionError
            return super().receive(octets, now)

    async with await serve("dlms+tcp://127.0.0.1:0", Broken) as served:
        good, bad, worse = [await aopen_line(served.url) for _ in range(3)]
        await bad.write(b"\xff")
        await worse.write(b"\xfe")
        for line in (bad, worse):
            with pytest.raises(Disconnected):
                await aread_all(line, 1)
        await good.write(frame(b"ab"))
        assert await aread_all(good, 4) == frame(b"ba")
        assert [type(fault) for fault in faults] == [ZeroDivisionError]
        await good.close()


async def test_silence_is_told_once(Reverser, frame):
    """Protects framers that end an unfinished frame by time; nothing is told while nothing came."""
    responder = Reverser()
    async with await serve("dlms+tcp://127.0.0.1:0?silence=0.02", lambda: responder) as served:
        line = await aopen_line(served.url)
        await line.write(b"\x09abc")
        assert await aread_all(line, 3) == frame(b"?")
        await asyncio.sleep(0.06)
        assert responder.idles == 1
        await line.close()


async def test_connections_are_limited(Reverser):
    """Protects a server's memory from a peer that only connects."""
    async with await serve("dlms+tcp://127.0.0.1:0?connections=2", Reverser) as served:
        kept = [await aopen_line(served.url) for _ in range(2)]
        refused = await aopen_line(served.url)
        with pytest.raises(Disconnected):
            await aread_all(refused, 1)
        assert served.connections == 2
        for line in kept:
            await line.close()


async def test_a_peer_that_reads_nothing_is_not_read_from(Repeater):
    """Protects a server's memory from a peer that asks and never listens."""
    async with await serve("dlms+tcp://127.0.0.1:0", Repeater) as served:
        line = await aopen_line(served.url)
        (connection,) = served._service.connections
        line._transport.pause_reading()
        for _ in range(400):
            line._transport.write(bytes(0x10000))
            await asyncio.sleep(0)
        for _ in range(50):
            await asyncio.sleep(0.001)
            if not connection._transport.is_reading():
                break
        assert not connection._transport.is_reading()
        assert connection._transport.get_write_buffer_size() < 1 << 20
        line._transport.resume_reading()  # and it goes on when the peer listens again
        while len(line._inbox) < 1 << 18:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        line.abort("done")


def test_a_place_that_cannot_be_reached_is_named():
    """Protects that people read where, and why not, in one documented error."""
    with listening() as (_, url):
        pass
    with pytest.raises(TransportError, match=r"cannot connect to 127.0.0.1:\d+: .*refused"):
        open_line(url)
    with pytest.raises(TransportError, match=r"cannot connect to \.\.a:1: "):
        open_line("dlt645+tcp://..a:1")
    with pytest.raises(LocalProtocolError, match="a host and a port"):
        open_line("dlt645+tcp://:1")
    with pytest.raises(LocalProtocolError, match="for serving"):
        open_line("dlt645+pty:")


async def test_a_place_that_cannot_be_reached_is_named_async():
    """Protects the same for asyncio, and for serving on a port that is taken."""
    with listening() as (_, url), pytest.raises(TransportError, match="cannot listen on"):
        await serve(url, lambda: None)
    with pytest.raises(TransportError, match=r"cannot connect to 127.0.0.1:\d+: .*"):
        await aopen_line(url)
    with pytest.raises(TransportError, match=r"cannot connect to"):
        await aopen_line("dlt645+tcp://..a:1")


def test_the_peer_is_killed_in_the_middle_of_a_frame(peer):
    """Protects that what came is delivered, and then the loss is told, for ever after."""

    def half(server):
        connection, _ = server.accept()
        connection.sendall(b"\x68half")
        connection.close()

    with listening() as (server, url):
        peer(half, server)
        line = open_line(url)
        assert read_all(line, 5) == b"\x68half"
        for _ in range(2):
            with pytest.raises(Disconnected, match="closed by the other side"):
                line.read(line.now() + 5)
        with pytest.raises(Disconnected):
            line.write(b"x")


async def test_the_peer_is_killed_in_the_middle_of_a_frame_async(peer):
    """Protects the same on asyncio, with a reset in place of a close."""

    def half(server):
        connection, _ = server.accept()
        connection.sendall(b"\x68half")
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        connection.close()

    with listening() as (server, url):
        peer(half, server)
        line = await aopen_line(url)
        assert await aread_all(line, 5) == b"\x68half"
        await line.write(b"x")
        for _ in range(2):
            with pytest.raises(Disconnected):
                await line.read(line.now() + 5)
        with pytest.raises(Disconnected):
            await line.write(b"x")
        await line.close()


async def test_nothing_comes():
    """Protects time-outs: a read ends at its time, with nothing, and the line is still good."""
    with listening() as (_, url):
        line, aline = open_line(url), await aopen_line(url)
        for until in (line.now() - 1, line.now() + 0.02):
            assert line.read(until) == b""
            assert line.now() >= until
        for until in (aline.now() - 1, aline.now() + 0.02):
            assert await aline.read(until) == b""
        reading = asyncio.create_task(aline.read(aline.now() + 5))
        await asyncio.sleep(0)
        with pytest.raises(LocalProtocolError, match="two tasks"):
            await aline.read(aline.now() + 5)
        reading.cancel()
        line.pause(line.now() + 0.01)
        await aline.pause(aline.now() + 0.01)
        line.close()
        await aline.close()


def test_the_meter_dials_in(peer):
    """Protects listening: nobody waits at opening, a redialling DTU replaces its lost connection."""
    line = open_line("dlt645+tcp-listen://127.0.0.1:0?wait=0.02")
    with pytest.raises(TransportError, match=r"nobody has dialled in to 127.0.0.1:\d+ within 0.02 s"):
        line.write(b"a")
    assert line.read(line.now()) == b""
    first = socket.create_connection((line.host, line.port))
    line.write(b"one")
    assert first.recv(3) == b"one"
    second = socket.create_connection((line.host, line.port))
    second.sendall(b"two")
    assert read_all(line, 3) == b"two"
    assert first.recv(1) == b""  # replaced
    second.close()
    with pytest.raises(Disconnected):
        line.read(line.now() + 5)
    third = socket.create_connection((line.host, line.port))
    third.sendall(b"three")
    assert read_all(line, 5) == b"three"
    assert line.connections == 3
    line.close()
    with pytest.raises(Disconnected, match="closed by us"):
        line.read(line.now())
    for one in (first, third):
        one.close()


async def test_the_meter_dials_in_async(Reverser, frame):
    """Protects listening on asyncio with a served meter that dials out as a DTU does, registers and redials."""
    registered = []
    line = await aopen_line(
        "dlt645+tcp-listen://127.0.0.1:0?registration=MW.{6}", registered=lambda _, octets: registered.append(octets)
    )
    url = f"dlt645+tcp://127.0.0.1:{line.port}?dial=on&hello=4d57000000000161&heartbeat=0.03"
    served = await serve(url, Reverser)
    await line.write(frame(b"abc"))
    assert await aread_all(line, 5) == frame(b"cba")
    assert await line.read(line.now() + 0.1) == b""  # heartbeats are no octets of the dialect
    assert len(registered) >= 3
    assert set(registered) == {b"MW\0\0\0\0\x01\x61"}
    await served.aclose()
    with pytest.raises(Disconnected):
        await line.read(line.now() + 5)
    await line.close()


async def test_a_dtu_dials_until_somebody_listens(Reverser, frame, monkeypatch):
    """Protects a meter in the field: the head-end may come up later, and may go away."""
    monkeypatch.setattr("meterwire.transports.serve.REDIAL", 0.01)
    with listening() as (_, url):
        pass
    served = await serve(url + "?dial=on", Reverser)
    await asyncio.sleep(0.02)
    line = await aopen_line(url.replace("+tcp:", "+tcp-listen:"))
    await line.write(frame(b"abc"))
    assert await aread_all(line, 5) == frame(b"cba")
    await line.close()
    await served.aclose()


async def test_datagrams(Reverser, frame):
    """Protects the wrapper over UDP: one responder per peer, one datagram per answer, a port that is closed."""
    served = await serve("dlms+udp://127.0.0.1:0", Reverser)
    line, aline = open_line(served.url), await aopen_line(served.url)
    line.write(frame(b"abc")[:3])
    await aline.write(frame(b"xyz"))
    assert await aline.read(aline.now() + 5) == frame(b"zyx")
    line.write(frame(b"abc")[3:])
    await asyncio.sleep(0.02)
    assert line.read(line.now() + 5) == frame(b"cba")
    assert served.connections == 2
    await served.aclose()
    await asyncio.sleep(0)
    await aline.write(b"x")
    with pytest.raises(Disconnected, match="refused"):
        await aline.read(aline.now() + 5)
    line.close()


@pytest.mark.parametrize("cut", range(1, 7))
async def test_a_request_cut_at_every_octet(cut, Reverser, frame):
    """Protects the pump from the way TCP cuts: every cut of two frames gives the same two answers."""
    octets = frame(b"ab") + frame(b"c")
    async with await serve("dlms+tcp://127.0.0.1:0", Reverser) as served:
        line = await aopen_line(served.url)
        await line.write(octets[:cut])
        await asyncio.sleep(0.005)
        await line.write(octets[cut:])
        assert await aread_all(line, 7) == frame(b"ba") + frame(b"c")
        await line.close()
