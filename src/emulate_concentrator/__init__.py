"""From an area and endpoint URLs to a served concentrator with meters behind it: a composition root above `emulate`.

```python
async with await emulate_concentrator(Area.load("area.toml"), ["dlt69845+tcp://127.0.0.1:0"]) as served:
    print(served.urls)
```
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import msgspec

from meterwire.emulate import Background, Emulation, background_loop, emulate
from meterwire.emulate_area import EmulatedArea
from meterwire.emulate_concentrator.ports import Behind, Bus, Network
from meterwire.errors import LocalProtocolError
from meterwire.meter_model.area import Area
from meterwire.meter_model.concentrator.concentrator import Concentrator
from meterwire.meter_model.concentrator.ports import Port
from meterwire.meter_model.device import Device
from meterwire.meter_model.identity import Digits
from meterwire.meter_model.storage import Storage
from meterwire.protocols.dlt69845.acquisition import MODULE, RS485, MeterProtocol, archived
from meterwire.transports.endpoint import Endpoint

T = TypeVar("T")

_DIALECT: Final = "dlt69845"
_PROTOCOLS: Final = {"dlt645": MeterProtocol.DLT645_2007, "dlt69845": MeterProtocol.DLT69845}
_OADS: Final = {"rs485": RS485, "module": MODULE}
_REPORTING: Final[Mapping[str, int | str]] = {
    "active_report": 1,
    "report_channel_1": "45000200",
    "report_channel_count": 1,
}
"""A concentrator may report, through its first channel to the master."""
_SHORTEST, _LONGEST = 0.02, 60.0
"""Seconds between two looks at what is due."""


class ConcentratorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `concentrator` of an area file.

    Attributes:
        address: of the concentrator.
        port: what its meters are on: an RS-485 bus, or the module of a power-line network.
        archived: whether it knows them already; else a master enters them.
        profile: of its own metering.
    """

    address: Digits = "000000008001"
    port: Literal["rs485", "module"] = "rs485"
    archived: bool = False
    profile: str = "three-phase"


class EmulatedConcentrator:
    """A concentrator and the meters behind it.

    Args:
        area: the meters, and what the concentrator is like.
        clock: replaces the clock of the area.
        base, wall: what running clocks follow.

    Attributes:
        area: the meters.
        meter: the concentrator's own metering: its address, clock and secrets.
        concentrator: what it collects.

    Raises:
        LocalProtocolError: the settings cannot be.
    """

    def __init__(
        self,
        area: Area,
        *,
        clock: str = "",
        base: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        settings = _settings(area)
        self.area = EmulatedArea(area, clock=clock, base=base, wall=wall)
        device = Device.of_profile(settings.profile, seed=area.seed)
        identity = msgspec.structs.replace(device.identity, number=settings.address, address=settings.address)
        device = msgspec.structs.replace(device, identity=identity)
        self.meter = device.meter(clock=clock or area.clock, base=base, wall=wall)
        for name, value in _REPORTING.items():
            self.meter.parameters.set(name, value)
        oad = _OADS[settings.port]
        self.concentrator = Concentrator(self.meter, {str(oad): self._port(area, settings.port)})
        if settings.archived:
            units = (
                archived(number, place.address, _PROTOCOLS[place.protocol], oad)
                for number, place in enumerate(area.places, 1)
            )
            self.concentrator.archive.put(*units)

    def _port(self, area: Area, name: str) -> Port:
        if name == "module":
            return Network(self.area.module, lambda: float(self.meter.clock.seconds()))
        return Bus(
            {place.address: Behind(_PROTOCOLS[place.protocol], self.area.connecting(place)) for place in area.places}
        )

    async def collect(self) -> None:
        """Do what is due, for ever."""
        while True:
            self.concentrator.run()
            await asyncio.sleep(self._pause())

    def _pause(self) -> float:
        clock = self.meter.clock
        if clock.frozen:
            return 1.0
        ahead = (self.concentrator.next() - self.concentrator.now()).total_seconds()
        return min(max(ahead / float(clock.rate), _SHORTEST), _LONGEST)


async def emulate_concentrator(
    area: Area, urls: Sequence[str], *, clock: str = "", state: str | Path | None = None, **settings: Any
) -> Emulation:
    """Serve a concentrator on endpoints that speak DL/T 698.45; other settings as for `emulate`.

    With `state`, a folder, it goes on from what is stored there, and is stored there.

    Raises:
        LocalProtocolError: an endpoint speaks something else, or the settings cannot be.
        TransportError: a place cannot be had.
    """
    for url in urls:
        if Endpoint.parse(url).dialect != _DIALECT:
            raise LocalProtocolError(f"{url}: a concentrator speaks {_DIALECT}")
    made = EmulatedConcentrator(area, clock=clock)
    storage = None if state is None else Storage(state, wall=time.time)
    try:
        if storage is not None:
            storage.attach(made.meter)
        emulation = await emulate(made.meter, urls, seed=area.seed, storage=storage, **settings)
    except BaseException:
        if storage is not None:
            storage.close()
        raise
    work = asyncio.create_task(made.collect())

    async def stop() -> None:
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work

    emulation.until_closed(stop)
    return emulation


@contextmanager
def emulated_concentrator(area: Area, urls: Sequence[str], *, clock: str = "", **settings: Any) -> Iterator[Background]:
    """Serve a concentrator in the background for as long as the context lasts; arguments as `emulate_concentrator`."""
    with background_loop() as loop:

        def run(steps: Coroutine[Any, Any, T]) -> T:
            return asyncio.run_coroutine_threadsafe(steps, loop).result()

        emulation = run(emulate_concentrator(area, urls, clock=clock, **settings))
        try:
            yield Background(loop, emulation)
        finally:
            run(emulation.aclose())


def _settings(area: Area) -> ConcentratorSettings:
    try:
        return msgspec.convert(area.concentrator, ConcentratorSettings)
    except msgspec.ValidationError as error:
        raise LocalProtocolError(f"concentrator: {error}") from error
