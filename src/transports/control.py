"""Serving and using a control surface: one JSON object per line, over a Unix socket or loopback TCP.

Places are `unix:/run/meter.sock`, and `tcp://127.0.0.1:5000` with port 0 for any free one. Who can reach the place can
do everything to the meter: a Unix socket is for its owner alone, and TCP is bound to loopback unless told otherwise.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import os
import socket
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from meterwire.errors import Disconnected, LocalProtocolError, MalformedError, NoAnswer, TransportError

LONGEST_LINE: Final = 65_536
"""Octets of a request, its line end included."""
LONGEST_REPLY: Final = 1 << 22
MOST_CLIENTS: Final = 64

Reply = Callable[[bytes], bytes]
Place = Path | tuple[str, int]


class ControlServer:
    """A control surface that is being served.

    Attributes:
        url: the place, with the real port.
    """

    def __init__(self, url: str, server: asyncio.Server, path: Path | None, clients: set[asyncio.Task[None]]) -> None:
        self.url = url
        self._server, self._path, self._clients = server, path, clients

    async def aclose(self) -> None:
        """Stop, close every connection and remove the socket's file; more than once is harmless."""
        self._server.close()
        for client in list(self._clients):
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    async def __aenter__(self) -> ControlServer:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


async def serve_control(url: str, reply: Reply, *, anywhere: bool = False) -> ControlServer:
    """Serve a control surface.

    Args:
        url: where.
        reply: gives the line that answers a line, both without line end; called in the loop's thread.
        anywhere: whether TCP may be bound to something else than loopback.

    Raises:
        LocalProtocolError: no such place, or one that is not loopback.
        TransportError: the place cannot be had.
    """
    place = _place(url)
    clients: set[asyncio.Task[None]] = set()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(clients) >= MOST_CLIENTS:
            writer.close()
            return
        clients.add(task)
        try:
            await _converse(reader, writer, reply)
        finally:
            clients.discard(task)
            writer.close()

    try:
        if isinstance(place, Path):
            _remove_stale(place)
            server = await asyncio.start_unix_server(client, sock=_unix(place), limit=LONGEST_LINE)
            return ControlServer(f"unix:{place}", server, place, clients)
        if not anywhere:
            _refuse_remote(place[0])
        server = await asyncio.start_server(client, *place, limit=LONGEST_LINE)
    except (OSError, UnicodeError, OverflowError) as error:
        raise TransportError(f"cannot serve a control surface at {url}: {error}") from error
    host, port = server.sockets[0].getsockname()[:2]
    return ControlServer(f"tcp://{f'[{host}]' if ':' in host else host}:{port}", server, None, clients)


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, reply: Reply) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            try:
                line = await reader.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                return
            except asyncio.LimitOverrunError:
                writer.write(b'{"ok":false,"error":"a request is at most %d octets"}\n' % LONGEST_LINE)
                await writer.drain()
                return
            writer.write(reply(line.rstrip(b"\r\n")) + b"\n")
            await writer.drain()


def control(url: str, request: Mapping[str, Any], *, timeout: float = 10.0) -> dict[str, Any]:
    """Ask a served control surface one thing and give its reply.

    Raises:
        LocalProtocolError: no such place, or a request that is no JSON.
        TransportError: nobody is there, or nobody answers in time.
        MalformedError: the answer is no reply.
    """
    place = _place(url)
    try:
        line = json.dumps(request).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise LocalProtocolError(f"a request is JSON: {error}") from error
    try:
        deadline = time.monotonic() + timeout
        with _dial(place, timeout) as connection:
            connection.sendall(line)
            answer = _line(connection, deadline)
    except TimeoutError as error:
        raise NoAnswer(f"no answer from {url} within {timeout:g} s") from error
    except (OSError, UnicodeError, OverflowError) as error:
        raise TransportError(f"cannot reach a control surface at {url}: {error}") from error
    try:
        reply = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise MalformedError("one line of JSON") from error
    if not isinstance(reply, dict) or not isinstance(reply.get("ok"), bool):
        raise MalformedError('an object with "ok"')
    return reply


def _dial(place: Place, timeout: float) -> socket.socket:
    if not isinstance(place, Path):
        return socket.create_connection(place, timeout)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(timeout)
        connection.connect(str(place))
    except BaseException:
        connection.close()
        raise
    return connection


def _line(connection: socket.socket, deadline: float) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n"):
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        piece = connection.recv(65_536)
        if not piece:
            raise Disconnected("the control surface closed the connection before it answered")
        received += piece
        if len(received) > LONGEST_REPLY:
            raise MalformedError(f"a reply of at most {LONGEST_REPLY} octets")
    return bytes(received)


def _place(url: str) -> Place:
    scheme, _, rest = url.partition(":")
    if scheme == "unix" and rest:
        return Path(rest.removeprefix("//"))
    if scheme == "tcp" and rest.startswith("//"):
        host, _, port = rest[2:].rstrip("/").rpartition(":")
        if host and port.isascii() and port.isdigit() and int(port) <= 0xFFFF:
            return host.removeprefix("[").removesuffix("]"), int(port)
    raise LocalProtocolError(f"{url!r} is no place of a control surface: unix:/PATH or tcp://127.0.0.1:PORT")


def _refuse_remote(host: str) -> None:
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise LocalProtocolError(f"a control surface is served on loopback alone, not on {host}")


def _unix(path: Path) -> socket.socket:
    """A listening socket that its owner alone can open."""
    listening = socket.socket(socket.AF_UNIX)
    try:
        before = os.umask(0o177)
        try:
            listening.bind(str(path))
        finally:
            os.umask(before)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening


def _remove_stale(path: Path) -> None:
    """Take away the file of a socket that nobody listens on any more."""
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            return
    except OSError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
