"""Serving on an open asyncio line: a transport of asyncio over it, by one task that reads and one that writes."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final

from meterwire.errors import TransportError
from meterwire.protocols.dialogue import AsyncLine, LineSettings
from meterwire.transports.serving import BACKLOG, Connection, Service

_LONG: Final = 3600.0  # seconds; a read that ends with nothing is only repeated


class LineTransport(asyncio.Transport):
    """Makes an asyncio line look like a transport to the connection that is served on it."""

    def __init__(self, line: AsyncLine, connection: Connection) -> None:
        super().__init__()
        self._line, self._connection = line, connection
        self._queue: deque[bytes | LineSettings] = deque()
        self._size = 0
        self._more = asyncio.Event()
        self._go = asyncio.Event()
        self._go.set()
        self._closing = False
        loop = asyncio.get_running_loop()
        connection.reconfigure = self.reconfigure
        connection.connection_made(self)
        self._reading = loop.create_task(self._read())
        self._writing = loop.create_task(self._write())

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ARG002  asyncio's signature
        """Nothing is known beyond the line."""
        return default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """They are fixed."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Queue octets."""
        self._size += len(data)
        self._put(bytes(data))
        if self._size > BACKLOG:
            self._connection.pause_writing()

    def reconfigure(self, settings: LineSettings) -> None:
        """Queue new settings behind the octets that announce them."""
        self._put(settings)

    def pause_reading(self) -> None:
        """Take nothing from the line."""
        self._go.clear()

    def resume_reading(self) -> None:
        """Take octets from the line."""
        self._go.set()

    def is_closing(self) -> bool:
        """Whether it is closed or closes."""
        return self._closing

    def close(self) -> None:
        """Close once everything queued has been written."""
        self._closing = True
        self._reading.cancel()
        self._more.set()

    def abort(self) -> None:
        """Close now."""
        self._queue.clear()
        self.close()

    def _put(self, item: bytes | LineSettings) -> None:
        self._queue.append(item)
        self._more.set()

    async def _read(self) -> None:
        try:
            while True:
                await self._go.wait()
                octets = await self._line.read(self._line.now() + _LONG)
                if octets and not self._closing:
                    self._connection.data_received(octets)
        except TransportError:
            self.abort()

    async def _write(self) -> None:
        try:
            while self._queue or not self._closing:
                await self._more.wait()
                self._more.clear()
                while self._queue:
                    await self._one(self._queue.popleft())
        except TransportError:
            self._closing = True
            self._reading.cancel()
        finally:
            await self._line.close()
            self._connection.connection_lost(None)

    async def _one(self, item: bytes | LineSettings) -> None:
        if isinstance(item, LineSettings):
            self._connection.reformat(item)
            await self._line.reconfigure(item)
            return
        await self._line.write(item)
        before, self._size = self._size, self._size - len(item)
        if before > BACKLOG >= self._size:
            self._connection.resume_writing()


def pump(line: AsyncLine, service: Service, peer: str) -> Connection:
    """Serve one connection on a line until either ends."""
    connection = Connection(service)
    connection.peer = peer
    LineTransport(line, connection)
    return connection
