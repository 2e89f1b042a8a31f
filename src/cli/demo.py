"""`meterwire demo`: one emulated meter, read through every dialect, the numbers side by side."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from meterwire.cli.output import text_of
from meterwire.cli.session import recording
from meterwire.connect import connect
from meterwire.emulate import emulated
from meterwire.emulate_area import emulated_area
from meterwire.meter_model.area import Area, Place
from meterwire.meter_model.device import Device
from meterwire.protocols.gdw376_2.client import Module3762
from meterwire.quantities import QUANTITIES, Quantity
from meterwire.quantities.reading import Reading
from meterwire.transports.lines import open_line

LISTEN: Final = ("dlt645+pty:", "dlt69845+tcp://127.0.0.1:0", "dlms+tcp://127.0.0.1:0")
DIALECTS: Final = ("dlt645", "dlt69845", "dlms")
TITLES: Final = {"dlt645": "DL/T 645", "dlt69845": "DL/T 698.45", "dlms": "DLMS/COSEM", "hplc": "698.45 by HPLC"}
MODULE: Final = "gdw376-2+tcp://127.0.0.1:0"
NETWORK: Final = {"levels": 2, "near": 0.0, "beacon_seconds": 0.05, "hop_seconds": 0.002, "loss": 0.02}
"""A small network that is up at once: the meter lies two hops from the module, behind its neighbour."""
NEIGHBOUR: Final = "000000000162"
COLUMN: Final = 18
CLOCK: Final = "frozen:2026-01-01T00:00:00"
LEAST: Final = 20
"""The demo has failed if fewer quantities than this could be compared."""

QUANTITIES_SHOWN: Final = (
    *("active_energy_import", *(f"active_energy_import_rate_{rate}" for rate in range(1, 5))),
    *("active_energy_export", "reactive_energy_q1", "reactive_energy_q4"),
    *(f"active_energy_import_phase_{phase}" for phase in "abc"),
    *(f"voltage_{phase}" for phase in "abc"),
    *(f"current_{phase}" for phase in "abc"),
    *("active_power", *(f"active_power_{phase}" for phase in "abc")),
    *("reactive_power", "apparent_power", "power_factor", "frequency"),
    *("demand_active_import", "demand_active_import_max", "active_constant", "meter_number"),
)


def demo(keep: Path | None) -> int:
    """Run the demo; 0 only if enough quantities were read through every dialect and all agree."""
    device = Device.of_profile("three-phase")
    with emulated(device, LISTEN, clock=CLOCK) as meter:
        print(f"An emulated three-phase meter, number {device.identity.number}, its clock stopped at {CLOCK[7:]}:")
        for dialect in DIALECTS:
            print(f"  {TITLES[dialect]:<14} {meter.url(dialect)}")
        found = {dialect: _read(meter.url(dialect), dialect, keep) for dialect in DIALECTS}
    found["hplc"] = _through_module(device, keep)
    return _compare(found)


def _through_module(device: Device, keep: Path | None) -> dict[str, Reading]:
    """The same meter behind an HPLC module, two hops away in an emulated power-line network."""
    address = device.identity.address
    neighbour = msgspec.structs.replace(
        device, identity=msgspec.structs.replace(device.identity, number=NEIGHBOUR, address=NEIGHBOUR)
    )
    places = (Place(NEIGHBOUR, "dlt645", neighbour), Place(address, "dlt69845", device))
    area = Area(seed=1, clock=CLOCK, network=NETWORK, module={"meter_baud": 115_200}, places=places)
    with emulated_area(area, [MODULE]) as (url,):
        print(f"  {TITLES['hplc']:<14} {url}")
        _wait_for(url, address)
        return _read(f"dlt69845+hplc+{url.partition('+')[2]}", "hplc", keep, address=address)


def _wait_for(url: str, address: str) -> None:
    """Until the node of a meter has joined the network."""
    line = open_line(url)
    try:
        module = Module3762(line)
        while not any(node.address == address for node in module.topology()):
            module.listen(0.05)
    finally:
        line.close()


def _read(url: str, dialect: str, keep: Path | None, address: str | None = None) -> dict[str, Reading]:
    with ExitStack() as stack:
        filters = [stack.enter_context(recording(url, keep, f"demo-{dialect}"))] if keep else []
        client = stack.enter_context(connect(url, address=address, filters=filters))
        readings = client.read_many(QUANTITIES_SHOWN)
    return {reading.item: reading for reading in readings}


def _compare(found: Mapping[str, Mapping[str, Reading]]) -> int:
    width = max(map(len, QUANTITIES_SHOWN))
    print(f"\n{'quantity':<{width}} {''.join(f'{TITLES[way]:>{COLUMN}}' for way in found)}  agree")
    agreed = 0
    for name in QUANTITIES_SHOWN:
        readings = [read[name] for read in found.values()]
        same = agree(QUANTITIES[name], readings)
        agreed += same
        shown = "".join(f"{_shown(reading):>{COLUMN}}" for reading in readings)
        print(f"{name:<{width}} {shown}  {'yes' if same else 'NO'}")
    print(
        f"\n{agreed} of {len(QUANTITIES_SHOWN)} quantities read the same through {len(DIALECTS)} dialects "
        "and an HPLC gateway."
    )
    return 0 if agreed == len(QUANTITIES_SHOWN) >= LEAST else 1


def agree(quantity: Quantity, readings: list[Reading]) -> bool:
    """Whether readings of one quantity are the same, cut to the coarsest resolution that a dialect declares."""
    if any(reading.error is not None or reading.value is None for reading in readings):
        return False
    values = {_cut(reading.value, quantity) for reading in readings}
    times = {reading.time for reading in readings if reading.time is not None}
    return len(values) == 1 and len(times) <= 1 and len({reading.unit for reading in readings}) == 1


def _cut(value: Any, quantity: Quantity) -> Any:
    if not isinstance(value, Decimal) or quantity.coarsest is None:
        return value
    return value.quantize(Decimal(1).scaleb(quantity.coarsest), ROUND_DOWN)


def _shown(reading: Reading) -> str:
    if reading.error is not None:
        return f"error: {reading.error.text}"[: COLUMN - 1]
    return f"{text_of(reading.value)} {reading.unit or ''}".strip()
