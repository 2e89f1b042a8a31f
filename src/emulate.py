"""From a meter and endpoint URLs to a served meter: the composition root of everybody who emulates.

```python
async with await emulate(Device.of_profile("three-phase").meter(), ["dlms+tcp://127.0.0.1:0"]) as served:
    print(served.urls)
```
"""

from __future__ import annotations

import asyncio
import ipaddress
import threading
import time
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.control import Control
from meterwire.meter_model.device import Device, FaultSettings
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.misbehaviour import Manners, Misbehaviour
from meterwire.meter_model.powered import powered
from meterwire.meter_model.storage import INTERVAL, Storage, StorageError
from meterwire.protocols.dialogue import Responder
from meterwire.transports.control import ControlServer, serve_control
from meterwire.transports.endpoint import Endpoint
from meterwire.transports.filtering import Filter
from meterwire.transports.link_faults import LinkFaults
from meterwire.transports.serve import Served, serve

T = TypeVar("T")

DIALECTS: Final = ("dlt645", "dlt69845", "dlms", "dlms-hdlc", "iec62056-21")
"""Dialects that a meter can be served in."""
ALL: Final = "all"
"""Under this name a device file gives faults to every link."""

_FACE_OPTIONS: Final = ("edition", "info", "window", "dial", "hello", "heartbeat", "mode", "tag", "push", "names")
"""What of an endpoint makes a face of its own."""

MakeFilters = Callable[[Endpoint], Sequence[Callable[[str], Filter]]]


class Emulation:
    """A served meter.

    Attributes:
        meter: its physics; change it in the thread of the event loop only.
        control: what can be done to it, and to its links.
        served: one for each endpoint, in the order given.
        control_url: where the control surface is served, empty where it is not.
    """

    def __init__(self, meter: Meter, control: Control, served: list[Served], control_url: str) -> None:
        self.meter, self.control, self.served, self.control_url = meter, control, served, control_url
        self._stack = AsyncExitStack()

    @property
    def urls(self) -> list[str]:
        """The endpoints as a client opens them."""
        return [one.url for one in self.served]

    def url(self, dialect: str = "") -> str:
        """The first endpoint of a dialect, or of all; raises LocalProtocolError if it is not served."""
        for one in self.served:
            if one.endpoint.dialect == dialect or not dialect:
                return one.url
        raise LocalProtocolError(f"the meter is not served in {dialect or 'any dialect'}: {', '.join(self.urls)}")

    def until_closed(self, end: Callable[[], Awaitable[None] | None]) -> None:
        """Do this when the emulation ends, the latest first."""

        async def ending() -> None:
            if (waiting := end()) is not None:
                await waiting

        self._stack.push_async_callback(ending)

    async def aclose(self) -> None:
        """Stop serving; more than once is harmless."""
        await self._stack.aclose()

    async def __aenter__(self) -> Emulation:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


async def emulate(
    meter: Meter,
    urls: Sequence[str],
    *,
    control: str | None = None,
    faults: Mapping[str, FaultSettings] | None = None,
    seed: int = 0,
    filters: MakeFilters | None = None,
    storage: Storage | None = None,
) -> Emulation:
    """Serve a meter on endpoints.

    Args:
        meter: what is served.
        urls: endpoints; port 0 takes any free one, `pty:` makes a pseudo-terminal.
        control: where to serve the control surface, such as `tcp://127.0.0.1:0` or `unix:/run/meter.sock`.
        faults: settings of link faults by name of the link, or `all`.
        seed: of the faults.
        filters: middleware for the connections of an endpoint, outside the faults.
        storage: keeps the meter's state, which is attached to it already; closed with the emulation.

    Raises:
        LocalProtocolError: an endpoint cannot be served like this.
        TransportError: a place cannot be had.
    """
    endpoints = [Endpoint.parse(url) for url in urls]
    links = _links(endpoints, faults or {}, seed)
    manners = _manners(endpoints, links, seed)
    commit = None if storage is None else storage.commit
    emulation = Emulation(meter, Control(meter, links, manners, commit), [], "")
    if storage is not None:
        emulation.until_closed(storage.close)
        emulation.until_closed(_cancelling(asyncio.create_task(_saving(storage))))
    faces = _Faces(meter)
    try:
        for endpoint, (name, link) in zip(endpoints, links.items(), strict=True):
            _warn_off_loopback(endpoint, meter)
            connect = _connecting(meter, faces.of(endpoint).connect, manners[name])
            around = _filters(endpoint, filters, link, manners[name])
            served = await serve(endpoint, connect, commit=commit, filters=around)
            emulation.served.append(served)
            emulation.until_closed(served.aclose)
        if control is not None:
            server: ControlServer = await serve_control(control, emulation.control.reply)
            emulation.control_url = server.url
            emulation.until_closed(server.aclose)
    except BaseException:
        await emulation.aclose()
        raise
    return emulation


async def emulate_device(
    device: Device, urls: Sequence[str], *, clock: str = "", state: str | Path | None = None, **settings: Any
) -> Emulation:
    """Start the meter of a device on the computer's clocks and serve it; see `emulate`.

    With `state`, a folder, the meter goes on from what is stored there, and is stored there.
    """
    meter = device.meter(clock=clock, base=time.monotonic, wall=time.time)
    storage = None if state is None else Storage(state, wall=time.time)
    try:
        if storage is not None:
            storage.attach(meter)
        return await emulate(meter, urls, faults=device.faults, seed=device.seed, storage=storage, **settings)
    except BaseException:
        if storage is not None:
            storage.close()
        raise


class Background:
    """A meter served by an event loop in a thread of its own, for programs that block.

    Attributes:
        emulation: change it only through `call`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, emulation: Emulation) -> None:
        self._loop, self.emulation = loop, emulation

    def url(self, dialect: str = "") -> str:
        """The first endpoint of a dialect, or of all, as a client opens it; see `Emulation.url`."""
        return self.emulation.url(dialect)

    def call(self, function: Callable[..., T], *arguments: Any, **settings: Any) -> T:
        """Run a function in the thread of the loop, between two requests, and give its result."""

        async def run() -> T:
            return function(*arguments, **settings)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()


@contextmanager
def background_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that runs in a thread of its own for as long as the context lasts."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="meterwire", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def emulated(device: Device, urls: Sequence[str], *, clock: str = "", **settings: Any) -> Iterator[Background]:
    """Serve a device in the background for as long as the context lasts; arguments as for `emulate_device`."""
    with background_loop() as loop:

        def run(steps: Coroutine[Any, Any, T]) -> T:
            return asyncio.run_coroutine_threadsafe(steps, loop).result()

        emulation = run(emulate_device(device, urls, clock=clock, **settings))
        try:
            yield Background(loop, emulation)
        finally:
            run(emulation.aclose())


class _Faces:
    """What a meter shows, made when it is first served: one face for each dialect and what its endpoint asks for."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._made: dict[tuple[Any, ...], Any] = {}

    def of(self, endpoint: Endpoint) -> Any:
        """The face behind an endpoint; raises LocalProtocolError for a dialect that no meter speaks."""
        kind = (endpoint.dialect, *map(endpoint.option, _FACE_OPTIONS))
        if kind not in self._made:
            self._made[kind] = face_of(endpoint, self._meter)
        return self._made[kind]


def face_of(endpoint: Endpoint, meter: Meter) -> Any:
    """What a meter shows at an endpoint; raises LocalProtocolError for a dialect that no meter speaks."""
    dialect, edition = endpoint.dialect, endpoint.option("edition")
    of_edition = {} if edition is None else {"edition": edition}
    if dialect == "dlt645":
        from meterwire.meter_model.faces.dlt645.face import Face645  # noqa: PLC0415  a dialect is loaded when it is served

        return Face645(meter, **of_edition)
    if dialect == "dlt69845":
        from meterwire.meter_model.faces.dlt69845.face import Face69845  # noqa: PLC0415  see above

        return Face69845(meter, heartbeat=_heartbeat(endpoint), tag=endpoint.option("tag", 0), **of_edition)
    if dialect == "dlms":
        from meterwire.meter_model.faces.dlms.face import FaceDlms  # noqa: PLC0415  see above

        return _pushing(endpoint, meter) or FaceDlms(meter)
    if dialect == "iec62056-21":
        from meterwire.meter_model.faces.dlms.hdlc import FaceDlmsHdlc  # noqa: PLC0415  see above
        from meterwire.meter_model.faces.iec62056_21 import Face6205621  # noqa: PLC0415  see above

        return Face6205621(meter, endpoint.option("mode", "C"), binary=FaceDlmsHdlc(meter).connect)
    if dialect == "dlms-hdlc":
        from meterwire.meter_model.faces.dlms.hdlc import OFFER, FaceDlmsHdlc  # noqa: PLC0415  see above
        from meterwire.protocols.hdlc.parameters import Parameters  # noqa: PLC0415  see above

        information, window = endpoint.option("info", OFFER.info_tx), endpoint.option("window", OFFER.window_tx)
        settings: dict[str, Any] = {
            "offer": Parameters(information, information, window, window),
            "calling": bool(endpoint.option("dial")),
        }
        return _pushing(endpoint, meter, **settings) or FaceDlmsHdlc(meter, **settings)
    raise LocalProtocolError(f"a meter cannot be served in {dialect} yet: {', '.join(DIALECTS)}")


def _pushing(endpoint: Endpoint, meter: Meter, **settings: Any) -> Any:
    """The face of a meter that also speaks of its own accord, where the endpoint says so; else None."""
    every = endpoint.option("push")
    if every is None:
        return None
    from meterwire.meter_model.faces.dlms import pushing_links  # noqa: PLC0415  see above
    from meterwire.meter_model.faces.dlms.pushing import Manner  # noqa: PLC0415  see above

    manner = Manner(every, endpoint.option("names") == "short")
    kind: Any = pushing_links.PushingFace if endpoint.dialect == "dlms" else pushing_links.PushingFaceHdlc
    return kind(meter, manner, **settings)


def _heartbeat(endpoint: Endpoint) -> int | None:
    """Seconds between LINK heartbeats of a DL/T 698.45 meter that dials in and has no registration of its own."""
    if not endpoint.option("dial") or endpoint.option("hello"):
        return None
    from meterwire.protocols.dlt69845.login import HEARTBEAT  # noqa: PLC0415  a dialect is loaded when it is served

    seconds: float = endpoint.option("heartbeat", HEARTBEAT)
    return max(1, round(seconds))


async def _saving(storage: Storage) -> None:
    """Save again and again: what a killed process loses of the energy is that of one interval."""
    while True:
        await asyncio.sleep(INTERVAL)
        try:
            storage.commit()
        except StorageError as error:  # it may go well again, and people must know until then
            asyncio.get_running_loop().call_exception_handler({"message": "the state is not saved", "exception": error})


def _cancelling(task: asyncio.Task[None]) -> Callable[[], Awaitable[None]]:
    async def cancel() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    return cancel


def _manners(endpoints: Sequence[Endpoint], links: Mapping[str, LinkFaults], seed: int) -> dict[str, Misbehaviour]:
    return {
        name: Misbehaviour(endpoint.dialect, f"{seed}/{name}") for endpoint, name in zip(endpoints, links, strict=True)
    }


def _connecting(meter: Meter, connect: Callable[[], Responder], manners: Misbehaviour) -> Callable[[], Responder]:
    return lambda: manners.wrap(powered(meter, connect))


class _Late(Filter):
    """Sends answers late, in their order."""

    passes = True

    def __init__(self, misbehaviour: Misbehaviour) -> None:
        self._misbehaviour, self._last = misbehaviour, 0.0
        misbehaviour.tell(self)

    def mannered(self, manners: Manners) -> None:
        """Pass everything while nothing is to be late."""
        self.passes = not manners.late

    def sent(self, now: float, octets: bytes) -> list[tuple[float, bytes]]:
        """What the meter says, later."""
        self._last = max(self._last, now + self._misbehaviour.manners.late)
        return [(self._last, octets)]


def _filters(
    endpoint: Endpoint, outside: MakeFilters | None, link: LinkFaults, manners: Misbehaviour
) -> list[Callable[[str], Filter]]:
    """What lies between a connection and its meter, from the outside: middleware, faults of the link, a late meter."""
    return [*(outside(endpoint) if outside else ()), link.filter, lambda _: _Late(manners)]


def _links(endpoints: Sequence[Endpoint], faults: Mapping[str, FaultSettings], seed: int) -> dict[str, LinkFaults]:
    """One set of faults for each endpoint, named after its dialect, and numbered where that is not enough."""
    links: dict[str, LinkFaults] = {}
    for endpoint in endpoints:
        same = sum(name.split("#")[0] == endpoint.dialect for name in links)
        name = f"{endpoint.dialect}#{same + 1}" if same else endpoint.dialect
        links[name] = LinkFaults(f"{seed}/{name}")
    for name, settings in faults.items():
        if name != ALL and name not in links:
            raise LocalProtocolError(f"faults are given for {name}, but the links are {', '.join(links) or 'none'}")
        for link in links.values() if name == ALL else [links[name]]:
            link.change(settings)
    return links


def _warn_off_loopback(endpoint: Endpoint, meter: Meter) -> None:
    if endpoint.carrier not in {"tcp", "tcp-listen", "udp"} or not meter.identity.secrets.are_public:
        return
    try:
        loopback = ipaddress.ip_address(endpoint.host).is_loopback
    except ValueError:
        loopback = endpoint.host == "localhost"
    if not loopback:
        warnings.warn(
            f"{endpoint} is reachable from elsewhere, and its secrets are published test secrets: protect it",
            stacklevel=3,
        )
