"""An area behind an emulated HPLC module: what its network carries, and what the emulation itself costs.

The bound of the model: all nodes share one medium, so that the frames that were sent, retries included, take at least
their airtime. Real time is that of this process; the network's time is virtual.
"""

from __future__ import annotations

import time

from benchmarks.rows import Row
from meterwire.protocols.dialogue import Answer, Patience
from meterwire.protocols.dlt645.client import Meter645
from meterwire.protocols.gdw376_2.client import Module3762
from meterwire.protocols.gdw376_2.codes import MeterProtocol
from meterwire.transports.hplc.meters import Behind
from meterwire.transports.hplc.module import Module
from meterwire.transports.hplc.settings import ModuleSettings, NetworkSettings
from meterwire.transports.memory import ResponderLine

METERS = 500
_ANSWER = bytes.fromhex("68AAAAAAAAAAAA68910833333433444333332716")


class _Still:
    """A meter with one answer, so that the network is measured and not the meter."""

    def __init__(self, address: str) -> None:
        head = b"\x68" + bytes.fromhex(address)[::-1] + _ANSWER[7:-2]
        self._answer = head + bytes([sum(head) & 0xFF, 0x16])

    def receive(self, octets: bytes, now: float) -> list[Answer]:
        del octets, now
        return [Answer(self._answer)]

    def idle(self, now: float) -> list[Answer]:
        del now
        return []


def run() -> list[Row]:
    """The rows of this section."""
    return [row for loss in (0.0, 0.1) for row in _area(loss)]


def _area(loss: float) -> list[Row]:
    addresses = [f"{place:012d}" for place in range(1, METERS + 1)]
    behind = {
        address: Behind(MeterProtocol.DLT645_2007, lambda address=address: _Still(address)) for address in addresses
    }
    network = NetworkSettings(levels=6, loss=loss, tries=4)
    module = Module(behind, ModuleSettings(meter_baud=115_200), network, seed=1)
    line = ResponderLine(module.connect())
    client = Module3762(line)
    while not all(node.joined for node in module.network.nodes.values()):
        client.listen(10.0)
    once = Patience(tries=3, timeout=95.0)
    jobs = {
        client.tunnel(address, MeterProtocol.DLT645_2007, "concurrent"): Meter645.read.steps(
            Meter645(None, address=address, patience=once),  # type: ignore[arg-type]  the module's line is used
            "00010000",
        )
        for address in addresses
    }
    started, began = time.perf_counter(), line.now()
    octets, airtime = module.network.octets, module.network.airtime
    outcomes = client.gather(jobs)
    seconds, virtual = time.perf_counter() - started, line.now() - began
    read = sum(not isinstance(one, Exception) for one in outcomes.values())
    hops = 2 * sum(node.level for node in module.network.nodes.values()) / METERS
    carried = (module.network.octets - octets) / (module.network.airtime - airtime)
    label = f"{METERS} meters, {loss:.0%} loss per hop"
    return [
        Row(
            what=f"{label}: meters read",
            ours=read / virtual,
            peer="bound of the model: the medium never idle",
            theirs=carried / ((module.network.octets - octets) / read),
            unit="meters/s",
            note=f"{label}: {read} of {METERS} read in {virtual:.0f} s of the network's time, {hops:.1f} hops there "
            f"and back on the average, {module.network.airtime - airtime:.0f} s of airtime, retries included.",
        ),
        Row(
            what=f"{label}: emulation",
            ours=read / seconds,
            peer="the network's own time",
            theirs=read / virtual,
            unit="meters/s",
        ),
    ]
