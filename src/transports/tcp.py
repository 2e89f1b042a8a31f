"""Blocking lines over TCP: we dial, or we listen and the meter or its DTU dials in; and over UDP."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Iterator
from typing import Final

from meterwire.errors import Disconnected, TransportError
from meterwire.protocols.dialogue import LineSettings
from meterwire.transports.alive import keep_alive

READ: Final = 0x10000  # octets taken from the kernel at a time
STALL: Final = 30.0  # seconds after which a peer that takes no octets counts as gone


def trouble(error: Exception) -> str:
    """What the operating system says, without its number."""
    if isinstance(error, TimeoutError):
        return "timed out"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


class SocketLine:
    """A line over a connected socket, which it owns.

    Attributes:
        place: host and port of the peer, for messages.
    """

    def __init__(self, connection: socket.socket, place: str) -> None:
        self.place = place
        self._socket = connection
        self._lost: Disconnected | None = None
        if connection.type == socket.SOCK_STREAM:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        keep_alive(connection)

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def write(self, octets: bytes) -> None:
        """Send everything; raises `Disconnected`."""
        self._check()
        try:
            self._socket.settimeout(STALL)
            self._socket.sendall(octets)
        except OSError as error:
            raise self._lose(trouble(error)) from error

    def read(self, until: float) -> bytes:
        """What has arrived, waiting until then; raises `Disconnected`."""
        self._check()
        try:
            self._socket.settimeout(max(0.0, until - time.monotonic()))
            octets = self._socket.recv(READ)
        except (TimeoutError, BlockingIOError, InterruptedError):
            return b""
        except OSError as error:
            raise self._lose(trouble(error)) from error
        if not octets and self._socket.type == socket.SOCK_STREAM:
            raise self._lose("closed by the other side")
        return octets

    def pause(self, until: float) -> None:
        """Wait."""
        time.sleep(max(0.0, until - time.monotonic()))

    def reconfigure(self, settings: LineSettings) -> None:
        """Nothing to set: whatever serial line lies behind a gateway is the gateway's business."""

    def close(self) -> None:
        """Close the connection."""
        if self._lost is None:
            self._lose("closed by us")

    def fileno(self) -> int:
        """For waiting on several lines."""
        return self._socket.fileno()

    def _check(self) -> None:
        if self._lost is not None:
            raise self._lost

    def _lose(self, why: str) -> Disconnected:
        self._lost = Disconnected(f"{self.place}: {why}")
        self._socket.close()
        return self._lost


def dial(host: str, port: int, place: str, timeout: float) -> SocketLine:
    """Connect to a listening peer; raises `TransportError` naming the place."""
    try:
        connection = socket.create_connection((host, port), timeout)
    except (OSError, UnicodeError, OverflowError) as error:  # UnicodeError: a name that no resolver can be asked for
        raise TransportError(f"cannot connect to {place}: {trouble(error)}") from error
    return SocketLine(connection, place)


def udp(host: str, port: int, place: str) -> SocketLine:
    """A line of datagrams, one write each; a read gives one datagram."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        connection = socket.socket(family, kind, protocol)
        connection.connect(address)
    except (OSError, UnicodeError, OverflowError) as error:
        raise TransportError(f"cannot reach {place}: {trouble(error)}") from error
    return SocketLine(connection, place)


def listener(host: str, port: int, place: str) -> socket.socket:
    """A listening socket; an empty host is every interface; raises `TransportError` naming the place."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except (OSError, UnicodeError, OverflowError) as error:
        raise TransportError(f"cannot listen on {place}: {trouble(error)}") from error


class ListeningLine:
    """A line to whoever dials in. The newest connection is the line: a DTU that redials replaces its lost one.

    Nothing waits at opening. The first write waits for the peer, and a read waits for it as for octets.

    Attributes:
        host, port: where it really listens.
        place: the same, for messages.
        connections: how many have been accepted.
    """

    def __init__(self, listening: socket.socket, wait: float) -> None:
        self.host, self.port = listening.getsockname()[:2]
        self.place = f"{self.host}:{self.port}"
        self.connections = 0
        self._listening = listening
        self._wait = wait
        self._line: SocketLine | None = None
        self._closed = False

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def write(self, octets: bytes) -> None:
        """Send to whoever dialled in, waiting for somebody; raises `Disconnected`, `TransportError` if nobody does."""
        self._accept(0.0)
        if self._line is None:
            self._accept(self._wait)
        if self._line is None:
            raise TransportError(f"nobody has dialled in to {self.place} within {self._wait:g} s")
        with self._losing():
            self._line.write(octets)

    def read(self, until: float) -> bytes:
        """What has arrived, waiting until then for octets and for somebody who dials in; raises `Disconnected`."""
        while True:
            self._check()
            ready = self._select(until)
            if self._listening.fileno() in ready:
                self._accept(0.0)
            elif ready and self._line is not None:
                with self._losing():
                    return self._line.read(time.monotonic())
            elif time.monotonic() >= until:
                return b""

    def pause(self, until: float) -> None:
        """Wait."""
        time.sleep(max(0.0, until - time.monotonic()))

    def reconfigure(self, settings: LineSettings) -> None:
        """Nothing to set."""

    def close(self) -> None:
        """Stop listening and close the connection."""
        self._closed = True
        self._listening.close()
        if self._line is not None:
            self._line.close()

    def _check(self) -> None:
        if self._closed:
            raise Disconnected(f"{self.place}: closed by us")

    def _select(self, until: float) -> set[int]:
        poll = select.poll()
        poll.register(self._listening, select.POLLIN)
        if self._line is not None:
            poll.register(self._line, select.POLLIN)
        return {ready for ready, _ in poll.poll(max(0.0, until - time.monotonic()) * 1000)}

    def _accept(self, wait: float) -> None:
        self._check()
        try:
            self._listening.settimeout(wait)
            connection, address = self._listening.accept()
        except OSError:  # nobody, or somebody who left again at once
            return
        if self._line is not None:
            self._line.close()
        self._line = SocketLine(connection, f"{address[0]}:{address[1]}")
        self.connections += 1

    @contextlib.contextmanager
    def _losing(self) -> Iterator[None]:
        try:
            yield
        except Disconnected:
            self._line = None
            raise
