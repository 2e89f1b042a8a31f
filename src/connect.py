"""From an endpoint URL to a client of the right dialect over an open line: the composition root of everybody who reads.

```python
with connect("dlt645+serial:///dev/ttyUSB0?baud=2400", address="000000000161") as meter:
    print(meter.read("active_energy_import").value)
```
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from meterwire.errors import LocalProtocolError, MeterwireError

if TYPE_CHECKING:  # `import meterwire` stays cheap: what a dialect or transport needs is imported when it is asked for
    from meterwire.protocols.dialogue import Patience
    from meterwire.quantities.reading import Reading
    from meterwire.transports.endpoint import Endpoint
    from meterwire.transports.filtering import Filter

DIALECTS: Final = ("dlt645", "dlt69845", "dlms", "dlms-hdlc")
"""Dialects that a client exists for."""

TCP_TIMEOUT: Final = 10.0
_REQUEST: Final = 64
_LONGEST_ANSWER: Final = {"dlt645": 4 + 12 + 255, "dlt69845": 2048, "dlms": 2048, "dlms-hdlc": 146}
"""Octets of the longest answer that one request brings, for the time-out on a serial line."""


class Client(Protocol):
    """What the clients of all dialects have in common; each has more of its own."""

    def read(self, item: str) -> Reading:
        """Read a quantity by name, or an item in the dialect's own terms; its refusal is in the reading."""

    def read_many(self, items: Sequence[str]) -> list[Reading]:
        """Read several."""


class AsyncClient(Protocol):
    """The same for asyncio."""

    async def read(self, item: str) -> Reading:
        """Read a quantity by name, or an item in the dialect's own terms; its refusal is in the reading."""

    async def read_many(self, items: Sequence[str]) -> list[Reading]:
        """Read several."""


@contextmanager
def connect(
    url: str,
    *,
    address: str | None = None,
    secret: bytes = b"",
    filters: Sequence[Filter] = (),
    registered: Callable[[float, bytes], None] | None = None,
    **more: Any,
) -> Iterator[Any]:
    """Open a line and give the client of its dialect; closes association and line at the end.

    Args:
        url: endpoint, such as `dlms+tcp://meter.lan` or `dlt69845+tcp-listen://:6000`.
        address: of the meter in the dialect's form; none asks whoever is there (AA wildcard, DLMS server 1).
        secret: password of a DLMS association; never part of a URL.
        filters: middleware of `meterwire.transports`, from the line outwards.
        registered: is told of registration octets of whoever dials in.
        more: what else the client of the dialect takes, such as `edition` and `credentials` of DL/T 645.

    Raises:
        LocalProtocolError: the URL or an option of it cannot be right.
        TransportError: the line cannot be opened.
    """
    from meterwire.transports.lines import open_line  # noqa: PLC0415

    endpoint, make, _, settings = _prepared(url, address, secret)
    line = open_line(endpoint, *filters, registered=registered)
    try:
        client = make(line, **settings | more)
        yield client
        with suppress(MeterwireError):  # the work is done; the meter forgets the association by itself
            if hasattr(client, "release"):
                client.release()
    finally:
        line.close()


@asynccontextmanager
async def aconnect(
    url: str,
    *,
    address: str | None = None,
    secret: bytes = b"",
    filters: Sequence[Filter] = (),
    registered: Callable[[float, bytes], None] | None = None,
    **more: Any,
) -> AsyncIterator[Any]:
    """The same for asyncio: every call of the client is awaited."""
    from meterwire.transports.lines import aopen_line  # noqa: PLC0415

    endpoint, _, make, settings = _prepared(url, address, secret)
    line = await aopen_line(endpoint, *filters, registered=registered)
    try:
        client = make(line, **settings | more)
        yield client
        with suppress(MeterwireError):  # the work is done; the meter forgets the association by itself
            if hasattr(client, "release"):
                await client.release()
    finally:
        await line.close()


def _prepared(url: str, address: str | None, secret: bytes) -> tuple[Endpoint, Any, Any, dict[str, Any]]:
    """The endpoint, the two client classes of its dialect, and what they are made with."""
    from meterwire.transports.endpoint import Endpoint  # noqa: PLC0415

    endpoint = Endpoint.parse(url)
    if endpoint.dialect not in DIALECTS or endpoint.through_module:
        raise LocalProtocolError(f"there is no client for {endpoint.dialect}+{endpoint.transport} yet")
    address = address or endpoint.option("address")
    if endpoint.dialect == "dlms":
        return endpoint, *_dlms(endpoint, address, secret)
    if endpoint.dialect == "dlms-hdlc":
        return endpoint, *_hdlc(endpoint, address, secret)
    if secret:
        raise LocalProtocolError(f"{endpoint.dialect} has no association to give a secret to")
    return endpoint, *(_dlt645 if endpoint.dialect == "dlt645" else _dlt69845)(endpoint, address)


def _dlt645(endpoint: Endpoint, address: str | None) -> tuple[Any, Any, dict[str, Any]]:
    from meterwire.protocols.dlt645.client import AsyncMeter645, Meter645  # noqa: PLC0415

    settings: dict[str, Any] = {"patience": patience(endpoint, address or "any meter (AAAAAAAAAAAA)")}
    if endpoint.option("edition"):
        settings["edition"] = endpoint.option("edition")
    if endpoint.carrier == "serial":
        settings["settings"] = endpoint.settings
    return Meter645, AsyncMeter645, settings | ({"address": address} if address else {})


def _dlt69845(endpoint: Endpoint, address: str | None) -> tuple[Any, Any, dict[str, Any]]:
    from meterwire.protocols.dlt69845.client import AsyncMeter69845, Meter69845  # noqa: PLC0415

    settings: dict[str, Any] = {"patience": patience(endpoint, address or "any meter (AAAAAAAAAAAA)")}
    if endpoint.option("edition"):
        settings["edition"] = endpoint.option("edition")
    if endpoint.transport in {"serial", "pty"}:
        settings["wake"] = 4
    return Meter69845, AsyncMeter69845, settings | ({"address": address} if address else {})


def _dlms(endpoint: Endpoint, address: str | None, secret: bytes) -> tuple[Any, Any, dict[str, Any]]:
    from meterwire.protocols.dlms.client import AsyncMeterDlms, MeterDlms  # noqa: PLC0415

    server = endpoint.option("server", 1)
    if address is not None:
        if not (address.isascii() and address.isdecimal() and int(address) <= 0xFFFF):
            raise LocalProtocolError(f"a DLMS address is the number of a logical device, not {address!r}")
        server = int(address)
    settings = {"address": server, "client": endpoint.option("client", 16), "secret": secret}
    return MeterDlms, AsyncMeterDlms, settings | {"patience": patience(endpoint, f"server {server}")}


def _hdlc(endpoint: Endpoint, address: str | None, secret: bytes) -> tuple[Any, Any, dict[str, Any]]:
    from meterwire.protocols.dlms.client import AsyncMeterDlms, MeterDlms  # noqa: PLC0415
    from meterwire.protocols.dlms.hdlc_carrier import HdlcCarrier  # noqa: PLC0415
    from meterwire.protocols.dlms.wrapper import PUBLIC_CLIENT  # noqa: PLC0415
    from meterwire.protocols.hdlc.address import server_address  # noqa: PLC0415
    from meterwire.protocols.hdlc.parameters import Parameters  # noqa: PLC0415

    server, physical = endpoint.option("server", 1), endpoint.option("physical")
    if address is not None:
        halves = address.split("/")
        if len(halves) > 2 or not all(half.isascii() and half.isdecimal() and len(half) < 6 for half in halves):
            raise LocalProtocolError(f"an HDLC address is LOGICAL or LOGICAL/PHYSICAL, not {address!r}")
        server, physical = int(halves[0]), int(halves[1]) if len(halves) == 2 else physical
    place = server_address(server, physical, endpoint.option("size"))
    information, window = endpoint.option("info", 128), endpoint.option("window", 1)
    offer = Parameters(information, information, window, window)
    settings = {"carrier": HdlcCarrier(endpoint.option("client", 16), place, offer), "secret": secret}
    settings |= {"public": HdlcCarrier(PUBLIC_CLIENT, place, offer)}
    return MeterDlms, AsyncMeterDlms, settings | {"patience": patience(endpoint, f"server {place}")}


def patience(endpoint: Endpoint, who: str) -> Patience:
    """Tries and time-out of an endpoint: on a serial line as long as the longest answer takes plus 1 s."""
    from meterwire.protocols.dialogue import Patience  # noqa: PLC0415

    timeout = TCP_TIMEOUT
    where, hint = endpoint.place, "check address and port"
    if endpoint.carrier == "serial":
        settings = endpoint.settings
        longest = _LONGEST_ANSWER[endpoint.dialect]
        if endpoint.dialect == "dlms-hdlc":
            longest = endpoint.option("window", 1) * (endpoint.option("info", 128) + 18)
        timeout = settings.seconds(_REQUEST + longest) + 1.0
        where, hint = str(settings), "check parity and address"
    return Patience(
        tries=endpoint.option("tries", 3),
        timeout=endpoint.option("timeout", timeout),
        peer=f"{who} at {where}",
        hint=hint,
    )
