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
    from pathlib import Path

    from meterwire.protocols.dialogue import Patience
    from meterwire.protocols.gdw376_2.tunnel import Tunnel
    from meterwire.quantities.reading import Reading
    from meterwire.transports.endpoint import Endpoint
    from meterwire.transports.filtering import Filter

DIALECTS: Final = ("dlt645", "dlt69845", "dlms", "dlms-hdlc", "iec62056-21")
"""Dialects that a client exists for."""

_COSEM: Final = ("dlms", "dlms-hdlc")

TCP_TIMEOUT: Final = 10.0
LOGIN: Final = 3.0
"""Seconds that a meter which has dialled in has to log in (LINK of DL/T 698.45), where it does not register."""
PUSH_EVERY: Final = 10.0
"""Seconds between two pushes of IEC 62056-21, mode D (as common; the standard leaves it open)."""
MODULE_TIMEOUT: Final = 95.0
"""A module gives a meter 90 s to answer."""
_REQUEST: Final = 64
_LONGEST_ANSWER: Final = {
    "dlt645": 4 + 12 + 255,
    "dlt69845": 2048,
    "dlms": 2048,
    "dlms-hdlc": 146,
    "gdw376-2": 2048,
    "iec62056-21": 64,
}
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
    keys: str | Path | None = None,
    filters: Sequence[Filter] = (),
    registered: Callable[[float, bytes], None] | None = None,
    **more: Any,
) -> Iterator[Any]:
    """Open a line and give the client of its dialect; closes association and line at the end.

    Args:
        url: endpoint, such as `dlms+tcp://meter.lan` or `dlt69845+tcp-listen://:6000`.
        address: of the meter in the dialect's form; none asks whoever is there (AA wildcard, DLMS server 1).
        secret: password of a DLMS association; never part of a URL.
        keys: key file of a DLMS association with ciphering or high-level security, see `transports.key_file`.
        filters: middleware of `meterwire.transports`, from the line outwards.
        registered: is told of registration octets of whoever dials in.
        more: what else the client of the dialect takes, such as `edition` and `credentials` of DL/T 645.

    Raises:
        LocalProtocolError: the URL or an option of it cannot be right.
        TransportError: the line cannot be opened.
    """
    from meterwire.transports.lines import open_line  # noqa: PLC0415

    endpoint, make, _, settings = _prepared(url, address, secret, keys)
    tunnel = _tunnel(endpoint, address)
    line = open_line(endpoint, *filters, registered=registered)
    if tunnel is not None:
        line = _behind().HplcLine(line, tunnel)
    try:
        client = make(line, **settings | more)
        if _logs_in(endpoint, client):
            client.attend(LOGIN)
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
    keys: str | Path | None = None,
    filters: Sequence[Filter] = (),
    registered: Callable[[float, bytes], None] | None = None,
    **more: Any,
) -> AsyncIterator[Any]:
    """The same for asyncio: every call of the client is awaited."""
    from meterwire.transports.lines import aopen_line  # noqa: PLC0415

    endpoint, _, make, settings = _prepared(url, address, secret, keys)
    tunnel = _tunnel(endpoint, address)
    line = await aopen_line(endpoint, *filters, registered=registered)
    if tunnel is not None:
        line = _behind().AsyncHplcLine(line, tunnel)
    try:
        client = make(line, **settings | more)
        if _logs_in(endpoint, client):
            await client.attend(LOGIN)
        yield client
        with suppress(MeterwireError):  # the work is done; the meter forgets the association by itself
            if hasattr(client, "release"):
                await client.release()
    finally:
        await line.close()


def _prepared(
    url: str, address: str | None, secret: bytes, keys: str | Path | None = None
) -> tuple[Endpoint, Any, Any, dict[str, Any]]:
    """The endpoint, the two client classes of its dialect, and what they are made with."""
    from meterwire.transports.endpoint import Endpoint  # noqa: PLC0415

    endpoint = Endpoint.parse(url)
    if endpoint.dialect not in DIALECTS:
        raise LocalProtocolError(f"there is no client for {endpoint.dialect}+{endpoint.transport} yet")
    address = address or endpoint.option("address")
    keys = keys or endpoint.option("keys")
    if endpoint.dialect in _COSEM:
        return _secured(endpoint, address, secret, keys)
    if keys is not None:
        raise LocalProtocolError(f"{endpoint.dialect} has no association with keys")
    if endpoint.dialect == "iec62056-21":
        return endpoint, *_optical(endpoint, address, secret)
    if secret:
        raise LocalProtocolError(f"{endpoint.dialect} has no association to give a secret to")
    return endpoint, *(_dlt645 if endpoint.dialect == "dlt645" else _dlt69845)(endpoint, address)


def _secured(
    endpoint: Endpoint, address: str | None, secret: bytes, keys: str | Path | None
) -> tuple[Endpoint, Any, Any, dict[str, Any]]:
    """A client of DLMS/COSEM; a key file says how its association is secured."""
    make = _dlms if endpoint.dialect == "dlms" else _hdlc
    mechanism = endpoint.option("mechanism", "")
    if keys is None and not mechanism:
        return endpoint, *make(endpoint, address, secret)
    from meterwire.transports import key_file  # noqa: PLC0415  for those who have one

    if keys is None:
        blocking, waiting, settings = make(endpoint, address, b"")
        return endpoint, blocking, waiting, settings | {"security": key_file.security_by_secret(mechanism, secret)}
    client = key_file.client_of(key_file.read_keys(keys), endpoint.option("client"))
    endpoint = endpoint.with_option("client", client)
    blocking, waiting, settings = make(endpoint, address, secret)
    server = f"{endpoint.place} {address or endpoint.option('server', 1)}"
    return (
        endpoint,
        blocking,
        waiting,
        settings | {"security": key_file.security_of(keys, client, server=server, mechanism=mechanism)},
    )


def _behind() -> Any:
    from meterwire.transports.hplc import line  # noqa: PLC0415  loaded where a module is on the way alone

    return line


def _tunnel(endpoint: Endpoint, address: str | None) -> Tunnel | None:
    """The way to one meter behind the module that the line leads to; None where there is no module."""
    if not endpoint.through_module:
        return None
    from meterwire.protocols.gdw376_2.codes import MeterProtocol  # noqa: PLC0415
    from meterwire.protocols.gdw376_2.tunnel import NO_ADDRESS, Tunnel  # noqa: PLC0415

    node = endpoint.option("node") or address or endpoint.option("address")
    if node is None:
        raise LocalProtocolError(f"{endpoint}: behind a module every meter needs its address (address= or node=)")
    protocol = {"dlt645": MeterProtocol.DLT645_2007, "dlt69845": MeterProtocol.DLT69845}.get(endpoint.dialect)
    if endpoint.option("edition") == 1997:
        protocol = MeterProtocol.DLT645_1997
    return Tunnel(
        node,
        MeterProtocol.TRANSPARENT if protocol is None else protocol,
        way=endpoint.option("way", "concurrent"),
        module=endpoint.option("module", NO_ADDRESS),
    )


def _dlt645(endpoint: Endpoint, address: str | None) -> tuple[Any, Any, dict[str, Any]]:
    from meterwire.protocols.dlt645.client import AsyncMeter645, Meter645  # noqa: PLC0415

    settings: dict[str, Any] = {"patience": patience(endpoint, address or "any meter (AAAAAAAAAAAA)")}
    if endpoint.option("edition"):
        settings["edition"] = endpoint.option("edition")
    if endpoint.has_settings and not endpoint.through_module:
        settings["settings"] = endpoint.settings
    return Meter645, AsyncMeter645, settings | ({"address": address} if address else {})


def _dlt69845(endpoint: Endpoint, address: str | None) -> tuple[Any, Any, dict[str, Any]]:
    import datetime as dt  # noqa: PLC0415

    from meterwire.protocols.dlt69845.client import AsyncMeter69845, Meter69845  # noqa: PLC0415
    from meterwire.quantities.reading import METER_ZONE  # noqa: PLC0415

    settings: dict[str, Any] = {"clock": lambda: dt.datetime.now(METER_ZONE)}
    settings |= {"patience": patience(endpoint, address or "any meter (AAAAAAAAAAAA)")}
    if endpoint.option("edition"):
        settings["edition"] = endpoint.option("edition")
    if endpoint.transport in {"serial", "rfc2217", "pty"}:
        settings["wake"] = 4
    if endpoint.option("tag"):
        settings["tag"] = endpoint.option("tag")
    return Meter69845, AsyncMeter69845, settings | ({"address": address} if address else {})


def _logs_in(endpoint: Endpoint, client: Any) -> bool:
    """Whether whoever dials in may log in first in terms of the dialect."""
    return endpoint.carrier == "tcp-listen" and endpoint.option("registration") is None and hasattr(client, "attend")


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
    from meterwire.protocols.dlms.mode_e import ModeECarrier  # noqa: PLC0415
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
    made = ModeECarrier if endpoint.option("mode") == "E" else HdlcCarrier
    settings = {"carrier": made(endpoint.option("client", 16), place, offer), "secret": secret}
    settings |= {"public": made(PUBLIC_CLIENT, place, offer)}
    return MeterDlms, AsyncMeterDlms, settings | {"patience": patience(endpoint, f"server {place}")}


def _optical(endpoint: Endpoint, address: str | None, secret: bytes) -> tuple[Any, Any, dict[str, Any]]:
    from meterwire.protocols.iec62056_21.client import AsyncMeter6205621, Meter6205621  # noqa: PLC0415

    settings: dict[str, Any] = {"device": address or "", "mode": endpoint.option("mode")}
    settings |= {"password": secret.decode("ascii", "replace"), "patience": patience(endpoint, address or "any meter")}
    if endpoint.has_settings and not (endpoint.option("mode") == "D" and endpoint.option("baud") is None):
        settings["settings"] = endpoint.settings
    return Meter6205621, AsyncMeter6205621, settings


def patience(endpoint: Endpoint, who: str) -> Patience:
    """Tries and time-out of an endpoint: on a serial line as long as the longest answer takes plus 1 s."""
    from meterwire.protocols.dialogue import Patience  # noqa: PLC0415

    timeout = TCP_TIMEOUT
    where, hint = endpoint.place, "check address and port"
    if endpoint.through_module:
        timeout, hint = MODULE_TIMEOUT, "check address, archive and network: meterwire gateway"
    elif endpoint.has_settings:
        settings = endpoint.settings
        longest = _LONGEST_ANSWER[endpoint.dialect]
        if endpoint.dialect == "dlms-hdlc":
            longest = endpoint.option("window", 1) * (endpoint.option("info", 128) + 18)
        timeout = settings.seconds(_REQUEST + longest) + 1.0
        if endpoint.option("mode") == "D":
            timeout += PUSH_EVERY
        where, hint = str(settings), "check parity and address"
    return Patience(
        tries=endpoint.option("tries", 3),
        timeout=endpoint.option("timeout", timeout),
        peer=f"{who} at {where}",
        hint=hint,
    )
