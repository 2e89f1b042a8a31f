"""Asyncio lines over any transport of asyncio: TCP, serial ports, datagrams."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any, Final, cast

from meterwire.errors import Disconnected, LocalProtocolError, TransportError
from meterwire.protocols.dialogue import LineSettings
from meterwire.transports.alive import keep_alive
from meterwire.transports.tcp import STALL, listener, trouble

UNREAD: Final = 1 << 18  # octets that may wait for a reader before the peer is held back


class StreamLine(asyncio.Protocol):
    """An asyncio line that is the protocol of its own transport.

    Attributes:
        place: who is at the other end, for messages.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._inbox = bytearray()
        self._held_back = False
        self._reader: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._ended = asyncio.Event()
        self._lost: Disconnected | None = None

    # ------------------------------------------------------------ what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)
        keep_alive(transport.get_extra_info("socket"))

    def data_received(self, data: bytes) -> None:
        """Keep octets for the reader, and hold the peer back when nobody reads."""
        self._inbox += data
        if len(self._inbox) > UNREAD and self._transport is not None and not self._held_back:
            self._held_back = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note why, and wake everybody."""
        self._lost = self._lost or Disconnected(f"{self.place}: {trouble(exc) if exc else 'closed by the other side'}")
        self._writable.set()
        self._ended.set()
        self._wake()

    def pause_writing(self) -> None:
        """The peer takes nothing: writers wait."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The peer takes octets again."""
        self._writable.set()

    # ------------------------------------------------------------ the line

    def now(self) -> float:
        """Seconds of the event loop."""
        return self._loop.time()

    async def write(self, octets: bytes) -> None:
        """Send everything; raises `Disconnected`."""
        if self._lost is not None or self._transport is None:
            raise self._lost or Disconnected(f"{self.place}: not connected")
        self._transport.write(octets)
        await self._taken()

    async def _taken(self) -> None:
        if not self._writable.is_set():
            try:
                async with asyncio.timeout(STALL):
                    await self._writable.wait()
            except TimeoutError as error:
                self.abort("takes no octets")
                raise self._lost or Disconnected(self.place) from error
        if self._lost is not None:
            raise self._lost

    async def read(self, until: float) -> bytes:
        """What has arrived, waiting until then; raises `Disconnected`."""
        if not self._inbox and self._lost is None:
            await self._news(until)
        octets = bytes(self._inbox)
        self._inbox.clear()
        if self._held_back and self._transport is not None and self._lost is None:
            self._held_back = False
            self._transport.resume_reading()
        if not octets and self._lost is not None:
            raise self._lost
        return octets

    async def pause(self, until: float) -> None:
        """Wait."""
        await asyncio.sleep(max(0.0, until - self._loop.time()))

    async def reconfigure(self, settings: LineSettings) -> None:
        """Nothing to set: whatever serial line lies behind a gateway is the gateway's business."""

    async def close(self) -> None:
        """Close the transport and wait until it is."""
        if self._lost is None:
            self._lost = Disconnected(f"{self.place}: closed by us")
            if self._transport is not None:
                self._transport.close()
        if self._transport is not None and not self._ended.is_set():
            try:
                async with asyncio.timeout(1.0):
                    await self._ended.wait()
            except TimeoutError:
                self._transport.abort()

    def abort(self, why: str) -> None:
        """Drop the connection now."""
        self._lost = self._lost or Disconnected(f"{self.place}: {why}")
        if self._transport is not None and not self._ended.is_set():
            self._transport.abort()
        self._wake()

    @property
    def lost(self) -> bool:
        """Whether the connection is gone; octets may still be unread."""
        return self._lost is not None

    async def _news(self, until: float) -> None:
        if self._reader is not None:
            raise LocalProtocolError(f"{self.place}: two tasks read the same line at once")
        self._reader = self._loop.create_future()
        timer = self._loop.call_at(until, self._wake)
        try:
            await self._reader
        finally:
            timer.cancel()
            self._reader = None

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


async def adial(host: str, port: int, place: str, timeout: float) -> StreamLine:  # noqa: ASYNC109  bounds connecting
    """Connect to a listening peer; raises `TransportError` naming the place."""
    try:
        async with asyncio.timeout(timeout):
            _, line = await asyncio.get_running_loop().create_connection(lambda: StreamLine(place), host, port)
    except (OSError, UnicodeError, OverflowError) as error:
        raise TransportError(f"cannot connect to {place}: {trouble(error)}") from error
    return line


class DatagramLine(StreamLine, asyncio.DatagramProtocol):
    """The same over UDP: a write is one datagram."""

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002  connected: there is one peer
        """Keep octets for the reader; what nobody reads is lost, as datagrams are."""
        if len(self._inbox) + len(data) <= UNREAD:
            self._inbox += data
        self._wake()

    def error_received(self, exc: Exception) -> None:
        """The peer's host says that nobody is there: as with a stream, the line is gone."""
        self.abort(trouble(exc))

    async def write(self, octets: bytes) -> None:
        """Send one datagram."""
        if self._lost is not None or self._transport is None:
            raise self._lost or Disconnected(f"{self.place}: not connected")
        cast("asyncio.DatagramTransport", self._transport).sendto(octets)


async def audp(host: str, port: int, place: str) -> DatagramLine:
    """A line of datagrams; raises `TransportError` naming the place."""
    loop = asyncio.get_running_loop()
    try:
        _, line = await loop.create_datagram_endpoint(lambda: DatagramLine(place), remote_addr=(host, port))
    except (OSError, UnicodeError, OverflowError) as error:
        raise TransportError(f"cannot reach {place}: {trouble(error)}") from error
    return line


class AsyncListeningLine:
    """A line to whoever dials in. The newest connection is the line: a DTU that redials replaces its lost one.

    Attributes:
        host, port: where it really listens.
        place: the same, for messages.
        connections: how many have been accepted.
    """

    def __init__(self, server: asyncio.Server, listening: socket.socket, wait: float) -> None:
        self.host, self.port = listening.getsockname()[:2]
        self.place = f"{self.host}:{self.port}"
        self.connections = 0
        self._server = server
        self._wait = wait
        self._line: StreamLine | None = None
        self._arrived = asyncio.Event()
        self._closed = False
        self._loop = asyncio.get_running_loop()

    def accepted(self, line: StreamLine) -> None:
        """Somebody dialled in."""
        if self._line is not None:
            self._line.abort("replaced by a newer connection")
        self._line = line
        self.connections += 1
        self._arrived.set()

    def now(self) -> float:
        """Seconds of the event loop."""
        return self._loop.time()

    async def write(self, octets: bytes) -> None:
        """Send to whoever dialled in, waiting for somebody; raises `Disconnected`, `TransportError` if nobody does."""
        line = await self._somebody(self.now() + self._wait)
        if line is None:
            raise TransportError(f"nobody has dialled in to {self.place} within {self._wait:g} s")
        with self._losing():
            await line.write(octets)

    async def read(self, until: float) -> bytes:
        """What has arrived, waiting until then for octets and for somebody who dials in; raises `Disconnected`."""
        while (line := await self._somebody(until)) is not None:
            try:
                with self._losing():
                    return await line.read(until)
            except Disconnected:
                if line is self._line or self._line is None:  # lost, and not replaced by a newer one
                    raise
        return b""

    async def pause(self, until: float) -> None:
        """Wait."""
        await asyncio.sleep(max(0.0, until - self.now()))

    async def reconfigure(self, settings: LineSettings) -> None:
        """Nothing to set."""

    async def close(self) -> None:
        """Stop listening and close the connection."""
        self._closed = True
        self._server.close()
        if self._line is not None:
            await self._line.close()

    async def _somebody(self, until: float) -> StreamLine | None:
        if self._closed:
            raise Disconnected(f"{self.place}: closed by us")
        if self._line is None:
            self._arrived.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._arrived.wait()
        return self._line

    @contextlib.contextmanager
    def _losing(self) -> Iterator[None]:
        line = self._line
        try:
            yield
        except Disconnected:
            if self._line is line:
                self._line = None
            raise


class _Arrival(StreamLine):
    """A connection that announces itself to the line it becomes."""

    def __init__(self, lines: list[AsyncListeningLine]) -> None:
        super().__init__("the side that dialled in")
        self._lines = lines

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        address = transport.get_extra_info("peername")
        self.place = f"{address[0]}:{address[1]}" if address else self.place
        self._lines[0].accepted(self)


async def alisten(host: str, port: int, place: str, wait: float) -> AsyncListeningLine:
    """Listen for a peer that dials in; raises `TransportError` naming the place."""
    listening = listener(host, port, place)
    lines: list[AsyncListeningLine] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Arrival(lines), sock=listening, start_serving=False)
    lines.append(AsyncListeningLine(server, listening, wait))
    await server.start_serving()
    return lines[0]
