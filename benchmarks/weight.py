"""What meters weigh that share one process: fresh, after two months of daily freezes and a day of load profile, read.

Measured as the growth of the resident memory for a few meters, after one of them has warmed everything up that all
share; the figure for a thousand is extrapolated from it, with the process itself. ``make weight`` sees a thousand
really live in one process (minutes for each device) and keeps what it saw in ``benchmarks/weight_seen.json``.

Devices: one that keeps what the goal names (daily freezes of the energy, and class 1 of the load profile every 15
minutes), and the three-phase one as it comes, with every freeze and all six classes, a day of each. All have lived 62
days, and at the end the last daily freeze of every meter is read through the module.
"""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec

from benchmarks import machine
from benchmarks.rows import Row
from meterwire.emulate_area import EmulatedArea
from meterwire.meter_model.area import Area, Meters
from meterwire.protocols.dialogue import Patience
from meterwire.protocols.dlt645.client import Meter645
from meterwire.protocols.gdw376_2.client import Module3762
from meterwire.protocols.gdw376_2.codes import MeterProtocol
from meterwire.transports.memory import ResponderLine

METERS: Final = 30
WHOLE: Final = 1000
DAYS: Final = 62
GOAL_MB: Final = 400.0
SEEN: Final = Path(__file__).parent / "weight_seen.json"
DEVICES: Final = {
    "lean": """
        profile = "single-phase"
        [freezes]
        hourly = { depth = 0 }
        monthly = { depth = 0 }
        yearly = { depth = 0 }
        [load_profile]
        capacity = 96
    """,
    "three-phase": """
        profile = "three-phase"
        [load_profile]
        capacity = 96
    """,
}
_MODES: Final = {"lean": {"load_profile_mode": 1, "freeze_mode_daily": 1}, "three-phase": {}}
_LAST_DAILY: Final = "05060101"


class Weighed(msgspec.Struct, frozen=True):
    """Resident memory, MB, of a process with some meters.

    Attributes:
        device: which.
        meters: how many.
        process: before they were made.
        fresh: when they were made.
        lived: after their days.
        read: after each was read through the module.
        seconds: it took.
        seen: when and where.
    """

    device: str
    meters: int
    process: float
    fresh: float
    lived: float
    read: float
    seconds: float
    seen: str = ""

    def of(self, meters: int, stage: float) -> float:
        """A stage with so many meters, MB."""
        return self.process + meters * (stage - self.process) / self.meters


def run() -> list[Row]:
    """The rows of this section: a few meters measured now, and what was last seen of a thousand."""
    rows = [row for device in DEVICES for row in _extrapolated(_apart(device, METERS))]
    return rows + [_whole(weighed) for weighed in _seen().values()]


def _apart(device: str, meters: int) -> Weighed:
    """Measured in a process of its own: memory that was used before would be used again.

    Of few meters what each adds is wanted, so that what passing work leaves free at the top of the heap is given back;
    a thousand are seen as they are.
    """
    command = [sys.executable, "-m", "benchmarks.weight", device, str(meters)]
    trimmed = {} if meters == WHOLE else {"MALLOC_TRIM_THRESHOLD_": "65536"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=os.environ | trimmed)
    return msgspec.json.decode(done.stdout, type=Weighed)


def _extrapolated(weighed: Weighed) -> list[Row]:
    name, peer = f"{WHOLE} {weighed.device} meters", f"the goal, {GOAL_MB:.0f} MB"
    fresh, lived, read = (weighed.of(WHOLE, one) for one in (weighed.fresh, weighed.lived, weighed.read))
    each = (1000 * (one - weighed.process) / weighed.meters for one in (weighed.fresh, weighed.lived, weighed.read))
    note = (
        f"{weighed.device}: measured with {weighed.meters} meters, each {{:.0f}} kB fresh, {{:.0f}} kB after {DAYS} "
        f"days and {{:.0f}} kB read, beside {weighed.process:.0f} MB of the process."
    )
    common = {"peer": peer, "theirs": GOAL_MB, "unit": "MB"}
    return [
        Row(what=f"{name} fresh, extrapolated", ours=fresh, **common),
        Row(what=f"{name} after {DAYS} days, extrapolated", ours=lived, **common),
        Row(what=f"{name} read, extrapolated", ours=read, **common, goal=GOAL_MB, note=note.format(*each)),
    ]


def _whole(weighed: Weighed) -> Row:
    return Row(
        what=f"{weighed.meters} {weighed.device} meters, seen whole",
        ours=weighed.read,
        peer=f"the goal, {GOAL_MB:.0f} MB",
        theirs=GOAL_MB,
        unit="MB",
        goal=GOAL_MB,
        note=f"{weighed.device}, seen whole by `make weight` {weighed.seen}: {weighed.process:.0f} MB of the process, "
        f"{weighed.fresh:.0f} MB with {weighed.meters} fresh meters, {weighed.lived:.0f} MB after {DAYS} days, "
        f"{weighed.read:.0f} MB when each had been read through the module; {weighed.seconds / 60:.1f} minutes.",
    )


def _seen() -> dict[str, Weighed]:
    return msgspec.json.decode(SEEN.read_bytes(), type=dict[str, Weighed]) if SEEN.exists() else {}


def weighed(device: str, count: int = METERS) -> Weighed:
    """Weigh so many meters, in this process."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "meter.toml"
        path.write_text(DEVICES[device])
        area = Area.of([Meters(device=str(path), count=count + 1)], seed=1, network={"levels": 3, "loss": 0.0})
    emulated = EmulatedArea(area, clock="frozen:2026-01-01T00:00:00")
    warm, *others = [place.address for place in area.places]
    _live(emulated, device, warm)
    _read(emulated, [warm])
    process = _resident()
    for address in others:
        emulated.meter(address)
    fresh = _resident()
    for address in others:
        _live(emulated, device, address)
    lived = _resident()
    _read(emulated, others)
    return Weighed(device, count, process, fresh, lived, _resident(), time.perf_counter() - started)


def _live(emulated: EmulatedArea, device: str, address: str) -> None:
    meter = emulated.meter(address)
    for name, mode in _MODES[device].items():
        meter.parameters.set(name, mode)
    meter.clock.step(86_400 * DAYS)
    meter.advance()


def _read(emulated: EmulatedArea, addresses: list[str]) -> None:
    """Read the last daily freeze of each through the module; raises what a reading ended with."""
    line = ResponderLine(emulated.module.connect())
    client = Module3762(line)
    while not all(node.joined for node in emulated.module.network.nodes.values()):
        client.listen(60.0)
    patience = Patience(tries=2, timeout=95.0)
    jobs = {
        client.tunnel(address, MeterProtocol.DLT645_2007, "concurrent"): Meter645.read.steps(
            Meter645(None, address=address, patience=patience),  # type: ignore[arg-type]  the module's line is used
            _LAST_DAILY,
        )
        for address in addresses
    }
    for outcome in client.gather(jobs).values():
        if isinstance(outcome, Exception):
            raise outcome


def _resident() -> float:
    """Resident memory of this process now, MB."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main(words: list[str]) -> None:
    """``DEVICE METERS`` weighs and prints; ``whole`` weighs a thousand of each device and keeps what it saw."""
    if words != ["whole"]:
        print(msgspec.json.encode(weighed(words[0], int(words[1]))).decode())
        return
    for device in DEVICES:
        when = f"on {time.strftime('%Y-%m-%d', time.gmtime())}, {machine.description()}"
        found = msgspec.structs.replace(_apart(device, WHOLE), seen=when)
        SEEN.write_bytes(msgspec.json.format(msgspec.json.encode(_seen() | {device: found}), indent=1) + b"\n")
        print(_whole(found).note, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
