"""From an endpoint to an open line, blocking or for asyncio; what a transport needs is imported when asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dialogue import AsyncLine, Line
from meterwire.transports.echo import DropEcho
from meterwire.transports.endpoint import Endpoint
from meterwire.transports.filtering import Filter, awrap, wrap
from meterwire.transports.parity import SoftwareParity
from meterwire.transports.registration import StripRegistration

CONNECT: Final = 10.0  # seconds to connect
WAIT: Final = 60.0  # seconds to wait for somebody who dials in


def open_line(
    endpoint: Endpoint | str, *filters: Filter, registered: Callable[[float, bytes], None] | None = None
) -> Line:
    """Open a blocking line.

    Args:
        endpoint: where; of an `hplc+` transport the carrier is opened.
        filters: further filters, from the line outwards; they see octets after echo, parity and registration.
        registered: is told of registration and heartbeat octets of a DTU: time and octets.

    Raises:
        LocalProtocolError: the endpoint cannot be opened by a client.
        TransportError: the place cannot be opened or reached; the text names it.
    """
    endpoint = _given(endpoint)
    return wrap(_open(endpoint), *_own_filters(endpoint, registered), *filters)


async def aopen_line(
    endpoint: Endpoint | str, *filters: Filter, registered: Callable[[float, bytes], None] | None = None
) -> AsyncLine:
    """Open an asyncio line; everything else as for `open_line`."""
    endpoint = _given(endpoint)
    return awrap(await _aopen(endpoint), *_own_filters(endpoint, registered), *filters)


def _given(endpoint: Endpoint | str) -> Endpoint:
    endpoint = Endpoint.parse(endpoint) if isinstance(endpoint, str) else endpoint
    if endpoint.carrier == "pty":
        raise LocalProtocolError("a pty is for serving: open the path that it prints with serial")
    if endpoint.carrier in {"tcp", "udp", "rfc2217"} and not (endpoint.host and endpoint.port):
        raise LocalProtocolError(f"{endpoint}: a host and a port to connect to must be given")
    return endpoint


def _open(endpoint: Endpoint) -> Line:
    if endpoint.carrier == "serial":
        from meterwire.transports.serial_port import SerialLine  # noqa: PLC0415  see the module's docstring

        return SerialLine(endpoint.path, endpoint.settings)
    from meterwire.transports import tcp  # noqa: PLC0415  see the module's docstring

    if endpoint.carrier == "rfc2217":
        from meterwire.transports.rfc2217 import Rfc2217Line  # noqa: PLC0415  see the module's docstring

        line = tcp.dial(endpoint.host, endpoint.port, endpoint.place, CONNECT)
        return Rfc2217Line(line, endpoint.place, endpoint.settings)
    if endpoint.carrier == "tcp":
        return tcp.dial(endpoint.host, endpoint.port, endpoint.place, endpoint.option("timeout", CONNECT))
    if endpoint.carrier == "udp":
        return tcp.udp(endpoint.host, endpoint.port, endpoint.place)
    listening = tcp.listener(endpoint.host, endpoint.port, endpoint.place)
    return tcp.ListeningLine(listening, endpoint.option("wait", WAIT))


async def _aopen(endpoint: Endpoint) -> AsyncLine:
    if endpoint.carrier == "serial":
        from meterwire.transports.serial_port import aopen_serial  # noqa: PLC0415  see the module's docstring

        return await aopen_serial(endpoint.path, endpoint.settings)
    from meterwire.transports import stream  # noqa: PLC0415  see the module's docstring

    if endpoint.carrier == "rfc2217":
        from meterwire.transports.rfc2217 import aopen_rfc2217  # noqa: PLC0415  see the module's docstring

        line = await stream.adial(endpoint.host, endpoint.port, endpoint.place, CONNECT)
        return await aopen_rfc2217(line, endpoint.place, endpoint.settings)
    if endpoint.carrier == "tcp":
        return await stream.adial(endpoint.host, endpoint.port, endpoint.place, endpoint.option("timeout", CONNECT))
    if endpoint.carrier == "udp":
        return await stream.audp(endpoint.host, endpoint.port, endpoint.place)
    return await stream.alisten(endpoint.host, endpoint.port, endpoint.place, endpoint.option("wait", WAIT))


def _own_filters(endpoint: Endpoint, registered: Callable[[float, bytes], None] | None) -> list[Filter]:
    """What the options of the endpoint ask for, from the line outwards."""
    filters: list[Filter] = []
    serial = endpoint.has_settings
    if not serial and {"bits", "parity"} & set(endpoint.options):  # a gateway hands parity through as the eighth bit
        filters.append(SoftwareParity(endpoint.settings))
    pattern = endpoint.option("registration")
    if pattern is not None:
        filters.append(StripRegistration(cast("str", pattern), registered))
    echo = endpoint.option("echo", "auto" if serial else "off")
    if echo != "off":
        filters.append(DropEcho(echo))
    return filters
