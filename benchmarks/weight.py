"""What meters weigh that share one process: fresh, and with two months of daily freezes and a day of load profile.

Measured as the growth of the resident memory for a few meters, after one of them has warmed everything up that all
share; the figure for a thousand is extrapolated from it, with the process itself; ``python -m benchmarks.weight 1000``
sees a thousand really live in one process (half an hour). The device keeps what the goal names: daily freezes of the
energy, and class 1 of the load profile every 15 minutes.
"""

from __future__ import annotations

import gc
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.rows import Row
from meterwire.emulate_area import EmulatedArea
from meterwire.meter_model.area import Area, Meters

METERS = 40
GOAL_MB = 400.0
_DEVICE = """
profile = "single-phase"
[freezes]
hourly = { depth = 0 }
monthly = { depth = 0 }
yearly = { depth = 0 }
[load_profile]
capacity = 96
"""


def run() -> list[Row]:
    """The rows of this section, measured in a process of its own: memory that was used before would be used again."""
    done = subprocess.run([sys.executable, "-m", __name__], check=True, capture_output=True, text=True)
    base, fresh, full = map(float, done.stdout.split())
    unit, peer = "MB", f"the goal, {GOAL_MB:.0f} MB"
    return [
        Row(what="1000 fresh meters, extrapolated", ours=base + 1000 * fresh, peer=peer, theirs=GOAL_MB, unit=unit),
        Row(
            what="1000 meters after 62 days, extrapolated",
            ours=base + 1000 * full,
            peer=peer,
            theirs=GOAL_MB,
            unit=unit,
            goal=GOAL_MB,
            note=f"Measured with {METERS} meters: each {1000 * fresh:.0f} kB fresh and {1000 * full:.0f} kB after "
            f"62 days, beside {base:.0f} MB of the process.",
        ),
    ]


def measured(count: int = METERS) -> tuple[float, float, float]:
    """The process, a fresh meter, and one that has lived, MB; seen with so many meters."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "meter.toml"
        path.write_text(_DEVICE)
        area = Area.of([Meters(device=str(path), count=count + 1)], seed=1)
    emulated = EmulatedArea(area, clock="frozen:2026-01-01T00:00:00")
    first, *others = [place.address for place in area.places]
    _live(emulated, first, days=1)
    base = _resident()
    for address in others:
        emulated.meter(address)
    fresh = (_resident() - base) / count
    for address in others:
        _live(emulated, address, days=62)
    return base, fresh, (_resident() - base) / count


def _live(emulated: EmulatedArea, address: str, days: int) -> None:
    meter = emulated.meter(address)
    meter.parameters.set("load_profile_mode", 1)
    meter.parameters.set("freeze_mode_daily", 1)
    meter.clock.step(86_400 * days)
    meter.read("active_energy_import")


def _resident() -> float:
    """Resident memory of this process now, MB."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


if __name__ == "__main__":
    print(*measured(int(sys.argv[1]) if len(sys.argv) > 1 else METERS))
