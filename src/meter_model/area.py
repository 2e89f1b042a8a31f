"""Area files: one TOML file says which meters lie behind a module, and what module and network are like.

    seed = 7
    clock = "frozen:2026-01-01T00:00:00"

    [module]
    address = "000000002401"

    [network]
    levels = 6
    loss = 0.1

    [[meters]]
    profile = "single-phase"
    protocol = "dlt645"
    first = "000000000001"
    count = 180

    [[meters]]
    device = "substation.toml"
    protocol = "dlt69845"
    first = "000000009001"

The tables `module`, `network` and `concentrator` belong to whoever makes these. Meters get ascending addresses and
seeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.device import Device, TomlFile
from meterwire.meter_model.identity import Digits

MOST: Final = 1015
_KEYS: Final = frozenset({"seed", "clock", "module", "network", "meters", "concentrator"})


class Meters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Meters that differ in address and seed alone.

    Attributes:
        profile: of the meters, or `device`, a device file beside this one.
        protocol: what they speak to their nodes.
        first: address of the first; the others follow.
        count: how many.
    """

    profile: str = "single-phase"
    device: str = ""
    protocol: Literal["dlt645", "dlt69845"] = "dlt645"
    first: Digits = "000000000001"
    count: Annotated[int, msgspec.Meta(ge=1, le=MOST)] = 1


class Place(msgspec.Struct, frozen=True):
    """One meter of the area: where it is, what it speaks, and what it is."""

    address: str
    protocol: str
    device: Device


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """An area whose meters have not been started yet.

    Attributes:
        clock: of all meters, a text for `parse_clock`; empty for the default.
        module, network, concentrator: settings, as the file has them.
    """

    seed: int = 1
    clock: str = ""
    module: dict[str, Any] = {}
    network: dict[str, Any] = {}
    concentrator: dict[str, Any] = {}
    places: tuple[Place, ...] = ()

    @staticmethod
    def load(path: str | Path) -> Area:
        """Read an area file; raises DeviceFileError."""
        return _AreaFile(Path(path)).area()

    @staticmethod
    def of(
        groups: list[Meters], *, seed: int = 1, clock: str = "", module: dict[str, Any] | None = None,
        network: dict[str, Any] | None = None, concentrator: dict[str, Any] | None = None, beside: Path | None = None,
    ) -> Area:  # fmt: skip
        """An area without a file; raises LocalProtocolError for addresses given twice and unknown profiles."""
        places: dict[str, Place] = {}
        for place in _places(groups, seed, beside):
            if place.address in places:
                raise LocalProtocolError(f"two meters have the address {place.address}")
            places[place.address] = place
        if not 1 <= len(places) <= MOST:
            raise LocalProtocolError(f"an area has 1 to {MOST} meters, not {len(places)}")
        return Area(
            seed=seed,
            clock=clock,
            module=module or {},
            network=network or {},
            concentrator=concentrator or {},
            places=tuple(places.values()),
        )


def _places(groups: list[Meters], seed: int, beside: Path | None) -> Iterator[Place]:
    number = 0
    for group in groups:
        made = Device.load((beside or Path()) / group.device) if group.device else Device.of_profile(group.profile)
        for place in range(group.count):
            address = f"{int(group.first) + place:012d}"
            if len(address) > 12:
                raise LocalProtocolError(f"there is no address behind {group.first} for {group.count} meters")
            identity = msgspec.structs.replace(made.identity, number=address, address=address)
            yield Place(address, group.protocol, msgspec.structs.replace(made, identity=identity, seed=seed + number))
            number += 1


class _AreaFile(TomlFile):
    def area(self) -> Area:
        """What the file describes."""
        for key in self.table:
            if key not in _KEYS:
                raise self.fault(key, f"unknown; known are {', '.join(sorted(_KEYS))}")
        groups = self.convert(self.table.get("meters", []), list[Meters], "meters")
        try:
            return Area.of(
                groups,
                seed=self.convert(self.table.get("seed", 1), int, "seed"),
                clock=self.convert(self.table.get("clock", ""), str, "clock"),
                module=self.convert(self.table.get("module", {}), dict[str, Any], "module"),
                network=self.convert(self.table.get("network", {}), dict[str, Any], "network"),
                concentrator=self.convert(self.table.get("concentrator", {}), dict[str, Any], "concentrator"),
                beside=self.path.parent,
            )
        except LocalProtocolError as error:
            raise error if hasattr(error, "path") else self.fault("meters", str(error)) from error
