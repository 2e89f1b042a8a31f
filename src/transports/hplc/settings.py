"""What the network and the module are like. Each figure says where it comes from.

*standard*: stands in Q/GDW 10376.2-2019; *test*: thresholds of public test systems; *plausible*: chosen so that the
network behaves like those people describe, neither measured nor standard.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.protocols.gdw376_2.codes import Band

NODES: int = 1015
"""Most nodes of one network (recalled)."""
DEFAULT_BAND = Band.MHZ_2_441_TO_5_615


class NetworkSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The power-line network.

    Attributes:
        levels: deepest level; 15 is the most that test systems use (test).
        near: share of the nodes on level 1; the rest is spread over the other levels (plausible).
        loss: probability that a frame is lost on one hop in one direction (plausible).
        tries: how often one hop is tried before the frame is given up (plausible).
        hop_seconds: what one try on one hop costs beside its octets (plausible).
        octets_per_second: at which octets pass the medium, which all nodes share (plausible).
        beacon_seconds: period of the beacons, at each of which nodes may join (recalled: 1 to 10 s).
        route_seconds: after so long a node looks for a better proxy (recalled: 20 to 420 s).
        join: probability that a node which hears a joined proxy joins at one beacon (plausible).
        last_gasp: probability that the last report of a node without power arrives (plausible).
        three_phase: share of nodes on all three phases, where nobody says what their meters are (plausible).
    """

    levels: int = 5
    near: float = 0.35
    loss: float = 0.02
    tries: int = 4
    hop_seconds: float = 0.03
    octets_per_second: float = 12_500.0
    beacon_seconds: float = 2.0
    route_seconds: float = 60.0
    join: float = 0.6
    last_gasp: float = 0.95
    three_phase: float = 0.1

    def __post_init__(self) -> None:
        for name in ("near", "loss", "join", "last_gasp", "three_phase"):
            if not 0 <= getattr(self, name) <= 1:
                raise LocalProtocolError(f"network.{name}: a number from 0 to 1 is needed")
        for name in ("octets_per_second", "beacon_seconds", "route_seconds"):
            if not getattr(self, name) > 0:
                raise LocalProtocolError(f"network.{name}: a number above 0 is needed")
        if not 1 <= self.levels <= 15 or not 1 <= self.tries <= 100 or self.hop_seconds < 0:
            raise LocalProtocolError("network: levels from 1 to 15, tries from 1 to 100, hop_seconds from 0")


class ModuleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The module itself.

    Attributes:
        address: its own, until the concentrator gives it another (05H F1).
        vendor, chip: codes of two letters.
        version: of its software, and of the nodes' (BCD).
        outstanding: meters that may be read at once; one more is denied with 109 (test: 20 at least).
        frames: most meter frames in one request; one more draws 110 (test: 2 to 18 configured, 13 usual).
        meter_seconds: after so long a meter that has not answered is given up (test: 90).
        meter_baud: of the line between a node and its meter (plausible).
        silence_seconds: a meter that has not answered its node after so long is silent (plausible).
        merge_seconds: for so long power failures are gathered into one report (recalled: up to 60).
        report_seconds: a report is repeated after so long without confirmation (standard: answers within 6 s).
        report_tries: how often it is sent in all (plausible).
        area_seconds: how long identification of the area takes (plausible).
        upgrade_seconds: how long distribution of a file takes (plausible).
        device_reports: whether nodes that register are reported with their device type (06H F4, else F1).
        asks_time: whether the module asks the concentrator for the time when it starts (14H F2).
        module_leads: whether the module asks for what is to be read when it is restarted (12H F1).
        archived: whether the archive holds all meters from the start.
    """

    address: str = "000000002401"
    vendor: str = "MW"
    chip: str = "01"
    version: str = "0102"
    outstanding: int = 20
    frames: int = 13
    meter_seconds: float = 90.0
    meter_baud: int = 9600
    silence_seconds: float = 2.0
    merge_seconds: float = 60.0
    report_seconds: float = 6.0
    report_tries: int = 3
    area_seconds: float = 120.0
    upgrade_seconds: float = 60.0
    device_reports: bool = False
    asks_time: bool = False
    module_leads: bool = False
    archived: bool = True

    def __post_init__(self) -> None:
        if len(self.address) != 12 or not self.address.isdecimal():
            raise LocalProtocolError("module.address: twelve digits are needed")
        if not 1 <= self.outstanding <= NODES or not 2 <= self.frames <= 18:
            raise LocalProtocolError(f"module: outstanding from 1 to {NODES}, frames from 2 to 18")
        if self.meter_baud < 300 or self.report_tries < 1:
            raise LocalProtocolError("module: meter_baud from 300, report_tries from 1")


def settings_of(kind: type[Any], given: Mapping[str, Any]) -> Any:
    """Settings of a table; raises LocalProtocolError."""
    try:
        return msgspec.convert(dict(given), kind)
    except msgspec.ValidationError as error:
        raise LocalProtocolError(f"{kind.__name__}: {error}") from error
