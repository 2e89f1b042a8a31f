"""From an endpoint to a served one: `served = await serve("dlt645+tcp://127.0.0.1:0", face.connect)`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec

from meterwire.errors import LocalProtocolError, TransportError
from meterwire.protocols.dialogue import AsyncLine, LineSettings
from meterwire.transports.endpoint import Endpoint
from meterwire.transports.filtering import Filter
from meterwire.transports.parity import SoftwareParity
from meterwire.transports.pump import pump
from meterwire.transports.serving import SILENCE, Connect, Connection, MakeFilter, Service
from meterwire.transports.tcp import listener, trouble

REDIAL: Final = 1.0  # seconds before somebody who dials out tries again; doubled up to
REDIAL_AT_MOST: Final = 60.0
MOST_CONNECTIONS: Final = 1_000_000
OTHER_FILES: Final = 128
"""File descriptors that are left for everything but connections."""


class Served:
    """An endpoint that is being served.

    Attributes:
        endpoint: with the port or path that it really has, as a client opens it.
    """

    def __init__(self, endpoint: Endpoint, service: Service, stop: Callable[[], Awaitable[None]]) -> None:
        self.endpoint = endpoint
        self._service = service
        self._stop = stop

    @property
    def url(self) -> str:
        """The endpoint as a client opens it: the real port, or `serial` with the path of the pseudo-terminal."""
        return str(self.endpoint)

    @property
    def connections(self) -> int:
        """How many connections there are now."""
        return len(self._service.connections)

    async def aclose(self) -> None:
        """Stop, and close every connection; more than once is harmless."""
        await self._stop()
        open_ones = list(self._service.connections)
        for connection in open_ones:
            connection.close()
        for connection in open_ones:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await connection.ended.wait()
            connection.abort()

    async def __aenter__(self) -> Served:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


async def serve(
    endpoint: Endpoint | str,
    connect: Connect,
    *,
    commit: Callable[[], None] | None = None,
    filters: Sequence[MakeFilter] = (),
) -> Served:
    """Serve responders on an endpoint.

    Args:
        endpoint: where. `tcp` and `tcp-listen` listen, or with `dial=on` dial out to the place as a DTU does; `pty`
            makes a pseudo-terminal, and with an explicit `baud` hears only that speed; `serial` opens a port.
        connect: makes the responder of a new connection.
        commit: makes durable what answers acknowledge, before they are sent.
        filters: make a filter for a new connection from the peer's name; listed from the line outwards.

    Raises:
        LocalProtocolError: the endpoint cannot be served.
        TransportError: the place cannot be had; the text names it.
    """
    endpoint = Endpoint.parse(endpoint) if isinstance(endpoint, str) else endpoint
    if endpoint.through_module:
        raise LocalProtocolError(f"{endpoint}: serve the HPLC module itself, as gdw376-2 over its carrier")
    service = Service(
        connect,
        commit,
        [*_own_filters(endpoint), *filters],
        silence=endpoint.option("silence", SILENCE),
        limit=endpoint.option("connections") or _affordable(),
    )
    if endpoint.carrier == "rfc2217":
        raise LocalProtocolError("rfc2217 is for reading: serve a pty and give its path to a server of RFC 2217")
    if endpoint.carrier == "pty":
        return _pty(endpoint, service)
    if endpoint.carrier == "serial":
        return await _serial(endpoint, service)
    if endpoint.carrier == "udp":
        return await _udp(endpoint, service)
    return await (_dial if endpoint.option("dial") else _listen)(endpoint, service)


def _affordable() -> int:
    """How many connections the process has file descriptors for: past that nobody could be served."""
    try:
        import resource  # noqa: PLC0415  POSIX alone has it
    except ImportError:
        return MOST_CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if files == resource.RLIM_INFINITY else max(1, min(files - OTHER_FILES, MOST_CONNECTIONS))


def _own_filters(endpoint: Endpoint) -> list[MakeFilter]:
    """Parity in software where the line has none: on a pseudo-terminal, and where options ask for it."""
    explicit = {"bits", "parity"} & set(endpoint.options) and endpoint.carrier != "serial"
    if not explicit and not (endpoint.carrier == "pty" and endpoint.settings.data_bits == 7):
        return []

    def parity(_: str) -> Filter:
        return SoftwareParity(endpoint.settings)

    return [parity]


async def _listen(endpoint: Endpoint, service: Service) -> Served:
    listening = listener(endpoint.host, endpoint.port, endpoint.place)
    host, port = listening.getsockname()[:2]
    server = await asyncio.get_running_loop().create_server(lambda: Connection(service), sock=listening)

    async def stop() -> None:
        server.close()

    return Served(endpoint.at(host=host, port=port), service, stop)


async def _dial(endpoint: Endpoint, service: Service) -> Served:
    if not (endpoint.host and endpoint.port):
        raise LocalProtocolError(f"{endpoint}: a host and a port to dial must be given")
    dialling = asyncio.get_running_loop().create_task(_keep_dialling(endpoint, service))

    async def stop() -> None:
        dialling.cancel()
        await asyncio.gather(dialling, return_exceptions=True)

    return Served(endpoint, service, stop)


async def _keep_dialling(endpoint: Endpoint, service: Service) -> None:
    loop = asyncio.get_running_loop()
    patience = REDIAL
    while True:
        with contextlib.suppress(OSError, UnicodeError):
            _, connection = await loop.create_connection(lambda: Connection(service), endpoint.host, endpoint.port)
            patience = REDIAL
            await _register(endpoint, connection)
        await asyncio.sleep(patience)
        patience = min(2 * patience, REDIAL_AT_MOST)


async def _register(endpoint: Endpoint, connection: Connection) -> None:
    """Say hello, and again at every heartbeat, until the connection ends."""
    hello, heartbeat = endpoint.option("hello", b""), endpoint.option("heartbeat")
    while not connection.ended.is_set():
        connection.say(hello)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(heartbeat):
                await connection.ended.wait()


def _pty(endpoint: Endpoint, service: Service) -> Served:
    from meterwire.transports.terminal import PseudoTerminal  # noqa: PLC0415  POSIX alone has it

    connection = Connection(service)
    connection.peer = "pty"
    terminal = PseudoTerminal(connection, endpoint.path, endpoint.option("baud"))

    def reconfigure(settings: LineSettings) -> None:
        if terminal.baud is not None:
            terminal.baud = settings.baud
        connection.reformat(settings)

    connection.reconfigure = reconfigure
    return Served(msgspec.structs.replace(endpoint, transport="serial", path=terminal.path), service, _nothing)


async def _serial(endpoint: Endpoint, service: Service) -> Served:
    from meterwire.transports.serial_port import aopen_serial  # noqa: PLC0415  heavy, and POSIX alone has it

    pump(await aopen_serial(endpoint.path, endpoint.settings), service, endpoint.path)
    return Served(endpoint, service, _nothing)


def serve_line(
    line: AsyncLine,
    connect: Connect,
    *,
    commit: Callable[[], None] | None = None,
    filters: Sequence[MakeFilter] = (),
    silence: float = SILENCE,
) -> Connection:
    """Serve a responder on an open line, such as one end of `memory.apair`; the line is closed with the connection."""
    return pump(line, Service(connect, commit, filters, silence=silence), "line")


class _Datagrams(asyncio.DatagramProtocol):
    """Serves each peer by a responder of its own; the one that has been silent longest makes room."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._peers: dict[Any, Connection] = {}

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        connection = self._peers.pop(addr, None)
        if connection is None or connection.ended.is_set():
            if len(self._peers) >= min(self._service.limit, 4096):
                self._peers.pop(next(iter(self._peers))).abort()
            connection = Connection(self._service)
            connection.connection_made(_Peer(self._transport, addr, connection))
        self._peers[addr] = connection
        connection.data_received(data)


class _Peer(asyncio.Transport):
    """What a connection over datagrams writes to: one datagram each."""

    def __init__(self, transport: asyncio.DatagramTransport, address: Any, connection: Connection) -> None:
        super().__init__()
        self._transport, self._address, self._connection = transport, address, connection

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._address if name == "peername" else default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._transport.sendto(bytes(data), self._address)

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if not self._connection.ended.is_set():
            self._connection.connection_lost(None)

    def is_closing(self) -> bool:
        return self._connection.ended.is_set()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass


async def _udp(endpoint: Endpoint, service: Service) -> Served:
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(service), local_addr=(endpoint.host or "0.0.0.0", endpoint.port)
        )
    except (OSError, UnicodeError, OverflowError) as error:
        raise TransportError(f"cannot listen on {endpoint.place}: {trouble(error)}") from error
    host, port = transport.get_extra_info("sockname")[:2]

    async def stop() -> None:
        transport.close()

    return Served(endpoint.at(host=host, port=port), service, stop)


async def _nothing() -> None:
    """The connection is all there is to stop."""
