"""From an area and endpoint URLs to a served HPLC module with meters behind it: a composition root beside `emulate`.

```python
async with await emulate_area(Area.load("area.toml"), ["gdw376-2+tcp://127.0.0.1:0"]) as served:
    print(served.urls)
```
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from typing import Any, Final

from meterwire.area_control import AreaControl
from meterwire.emulate import MakeFilters, background_loop
from meterwire.errors import LocalProtocolError
from meterwire.meter_model.area import Area, Place
from meterwire.meter_model.load import PHASES
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dialogue import Responder
from meterwire.protocols.gdw376_2.codes import MeterProtocol
from meterwire.transports.control import ControlServer, serve_control
from meterwire.transports.endpoint import MODULE, Endpoint
from meterwire.transports.hplc.control import PHASES as NODE_PHASES
from meterwire.transports.hplc.meters import Behind
from meterwire.transports.hplc.module import Module
from meterwire.transports.hplc.settings import ModuleSettings, NetworkSettings, settings_of
from meterwire.transports.serve import Served, serve

_PROTOCOLS: Final = {"dlt645": MeterProtocol.DLT645_2007, "dlt69845": MeterProtocol.DLT69845}


class _Time:
    """What running clocks follow; one that is made later runs from the same moment as those made at first.

    Args:
        base, wall: seconds that only grow, and seconds since 1970 UTC.
    """

    def __init__(self, base: Callable[[], float], wall: Callable[[], float]) -> None:
        self._base, self._begun, self._wall_begun = base, base(), wall()
        self._making = False

    def begun(self, make: Callable[..., Meter]) -> Meter:
        """Make a meter as if it had been made with the area: it catches up when it is first asked."""
        self._making = True
        try:
            return make(base=self._seconds, wall=lambda: self._wall_begun)
        finally:
            self._making = False

    def _seconds(self) -> float:
        return self._begun if self._making else self._base()


class EmulatedArea:
    """A module, its network and the meters behind it.

    Args:
        area: what it consists of.
        clock: replaces the clock of the area.
        base, wall: what running clocks follow.

    Attributes:
        module: the CCO.
        meters: those that somebody has talked to, by address; a meter is made when its node first speaks to it.
    """

    def __init__(
        self,
        area: Area,
        *,
        clock: str = "",
        base: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._area, self._clock = area, clock or area.clock
        self._time = _Time(base, wall)
        self._places = {place.address: place for place in area.places}
        self.meters: dict[str, Meter] = {}
        self.module = Module(
            {place.address: self._behind(place) for place in area.places},
            settings_of(ModuleSettings, area.module),
            settings_of(NetworkSettings, area.network),
            seed=area.seed,
        )

    @property
    def addresses(self) -> tuple[str, ...]:
        """Of all meters, in the order of the area."""
        return tuple(self._places)

    def meter(self, address: str) -> Meter:
        """The meter at an address; raises LocalProtocolError where there is none."""
        place = self._places.get(address)
        if place is None:
            raise LocalProtocolError(f"there is no meter {address!r} in the area")
        if address not in self.meters:
            made = self._time.begun(partial(place.device.meter, clock=self._clock))
            made.be_thrifty()
            self.meters[address] = made
        return self.meters[address]

    def power(self, addresses: Sequence[str], *, on: bool) -> None:
        """The power of meters and their nodes fails or comes back."""
        for address in addresses:
            self.meter(address).powered = on
        self.module.power(list(addresses), on=on)

    def power_phase(self, phase: str, *, on: bool) -> None:
        """One phase of the supply fails or comes back: nodes on it have no power, three-phase meters lose a phase.

        Raises:
            LocalProtocolError: there is no such phase.
        """
        if phase not in PHASES:
            raise LocalProtocolError(f"there is no phase {phase!r}: {', '.join(PHASES)}")
        single: list[str] = []
        for address, node in self.module.network.nodes.items():
            meter = self.meter(address)
            if len(meter.circuit.phases) == len(PHASES):
                (meter.restore_phase if on else meter.cut_phase)(phase)
            elif node.phases == NODE_PHASES[phase]:
                single.append(address)
        self.power(single, on=on)

    def _behind(self, place: Place) -> Behind:
        return Behind(_PROTOCOLS[place.protocol], self.connecting(place), phases=place.device.profile.phases)

    def connecting(self, place: Place) -> Callable[[], Responder]:
        """Makes a connection to the meter of a place, which is made when it is first connected to."""

        def connect() -> Responder:
            meter = self.meter(place.address)
            made: Responder = _face(place.protocol, meter).connect()
            return made

        return connect


class ServedArea:
    """An area that is being served.

    Attributes:
        area: change it in the thread of the event loop only.
        served: one for each endpoint, in the order given.
        control_url: where the control surface is served, empty where it is not.
    """

    def __init__(self, area: EmulatedArea) -> None:
        self.area = area
        self.control_url = ""
        self.served: list[Served] = []
        self.stack = AsyncExitStack()

    @property
    def urls(self) -> list[str]:
        """The endpoints as a client opens them."""
        return [one.url for one in self.served]

    async def aclose(self) -> None:
        """Stop serving; more than once is harmless."""
        await self.stack.aclose()

    async def __aenter__(self) -> ServedArea:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


async def emulate_area(
    area: Area, urls: Sequence[str], *, clock: str = "", control: str | None = None, filters: MakeFilters | None = None
) -> ServedArea:
    """Serve an area on endpoints that speak Q/GDW 10376.2.

    Args:
        area: what to serve.
        urls: the endpoints.
        clock: replaces the clock of the area.
        control: where to serve the control surface, such as `tcp://127.0.0.1:0` or `unix:/run/area.sock`.
        filters: what the connections of each endpoint pass through.

    Raises:
        LocalProtocolError: an endpoint speaks something else, or the settings cannot be.
        TransportError: a place cannot be had.
    """
    endpoints = [Endpoint.parse(url) for url in urls]
    for endpoint in endpoints:
        if endpoint.dialect != MODULE:
            raise LocalProtocolError(f"{endpoint}: a module speaks {MODULE}")
    made = ServedArea(EmulatedArea(area, clock=clock))
    try:
        for endpoint in endpoints:
            around = filters(endpoint) if filters is not None else ()
            served = await serve(endpoint, made.area.module.connect, filters=around)
            made.served.append(served)
            made.stack.push_async_callback(served.aclose)
        if control is not None:
            surface = AreaControl(made.area, asyncio.get_running_loop().time)
            server: ControlServer = await serve_control(control, surface.reply)
            made.control_url = server.url
            made.stack.push_async_callback(server.aclose)
    except BaseException:
        await made.aclose()
        raise
    return made


@contextmanager
def emulated_area(
    area: Area, urls: Sequence[str], *, clock: str = "", control: str | None = None
) -> Iterator[list[str]]:
    """Serve an area in the background for as long as the context lasts; gives the URLs as a client opens them."""
    with background_loop() as loop:
        served = asyncio.run_coroutine_threadsafe(emulate_area(area, urls, clock=clock, control=control), loop).result()
        try:
            yield served.urls
        finally:
            asyncio.run_coroutine_threadsafe(served.aclose(), loop).result()


def _face(protocol: str, meter: Meter) -> Any:
    if protocol == "dlt645":
        from meterwire.meter_model.faces.dlt645.face import Face645  # noqa: PLC0415  loaded when it is served

        return Face645(meter)
    from meterwire.meter_model.faces.dlt69845.face import Face69845  # noqa: PLC0415  see above

    return Face69845(meter)
