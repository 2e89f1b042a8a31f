"""The table of functions: every Fn of every AFN, its name, its data units, and who begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from meterwire.protocols.gdw376_2 import archive, asking, commands, forwarding, queries, reports, routes

APPLICATIONS: Final[Mapping[int, str]] = {
    0x00: "confirm or deny",
    0x01: "initialise",
    0x02: "forward data",
    0x03: "query data",
    0x04: "test the link",
    0x05: "control",
    0x06: "active report",
    0x10: "query routes",
    0x11: "set routes",
    0x12: "control routes",
    0x13: "forward data by route",
    0x14: "route data",
    0x15: "transfer a file",
    0xF0: "internal debugging",
    0xF1: "read meters concurrently",
}
"""Application functions by AFN."""

CONFIRMED: Final = (0x00, 1)
DENIED: Final = (0x00, 2)


class Unknown:
    """In place of a layout: there is a data unit, and its layout is not known; it stays octets."""


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Function:
    """One Fn of one AFN.

    Attributes:
        afn, number: what it is.
        name: in the words of the standard.
        down: data unit from the concentrator; None for none, UNKNOWN where its layout is not known.
        up: data unit from the module, likewise.
        edition: of the standard in which it first stands, as far as known.
    """

    afn: int
    number: int
    name: str
    down: Any = None
    up: Any = None
    edition: int = 2019

    @property
    def by_module(self) -> bool:
        """Whether the module begins."""
        return self.afn in {0x06, 0x14}

    @property
    def answer(self) -> Any:
        """Data unit of the answer; None where the answer is a confirmation."""
        return self.down if self.by_module else self.up

    @property
    def is_query(self) -> bool:
        """Whether asking twice does no harm: only such a request is repeated."""
        return self.afn in {0x03, 0x10}


FUNCTIONS: Final[Mapping[tuple[int, int], Function]] = {
    (row.afn, row.number): row
    for row in (
        Function(0x00, 1, "confirm", forwarding.Confirm, forwarding.Confirm),
        Function(0x00, 2, "deny", forwarding.Deny, forwarding.Deny),
        Function(0x01, 1, "hardware"),
        Function(0x01, 2, "archive"),
        Function(0x01, 3, "communication data"),
        Function(0x02, 1, "forward a frame", forwarding.Forward, forwarding.Forward),
        Function(0x03, 1, "vendor and version", None, queries.Version),
        Function(0x03, 2, "noise", None, queries.Noise),
        Function(0x03, 3, "nodes heard", queries.HeardPage, queries.HeardNodes),
        Function(0x03, 4, "primary address", None, queries.PrimaryAddress),
        Function(0x03, 5, "state and rates", None, queries.StateAndRates),
        Function(0x03, 6, "interference", queries.InterferenceQuery, queries.Interference),
        Function(0x03, 7, "monitoring time-out", None, queries.MonitorTimeout),
        Function(0x03, 8, "radio parameters", None, queries.Radio),
        Function(0x03, 9, "delay of a broadcast", forwarding.Forward, forwarding.MonitorAnswer),
        Function(0x03, 10, "running mode", None, queries.RunningMode),
        Function(0x03, 11, "index of functions", queries.IndexQuery, queries.FunctionIndex),
        Function(0x03, 12, "identifier of the module", None, queries.ModuleIdentifier),
        Function(0x03, 16, "frequency band", None, queries.FrequencyBand),
        Function(0x03, 17, "radio band", None, queries.RadioBand, 2024),
        Function(0x03, 18, "encryption", None, queries.Encryption, 2024),
        Function(0x03, 100, "field strength threshold", None, queries.FieldStrength),
        Function(0x04, 1, "send test", commands.SendTest),
        Function(0x04, 2, "roll call"),
        Function(0x04, 3, "local communication test", commands.LocalTest),
        Function(0x05, 1, "primary address", queries.PrimaryAddress),
        Function(0x05, 2, "event report", commands.Switch),
        Function(0x05, 3, "broadcast", commands.Broadcast),
        Function(0x05, 4, "monitoring time-out", queries.MonitorTimeout),
        Function(0x05, 5, "radio parameters", queries.Radio),
        Function(0x05, 6, "area identification", commands.Switch),
        Function(0x05, 10, "rate of the local interface", commands.LocalRate, edition=2024),
        Function(0x05, 16, "frequency band", queries.FrequencyBand),
        Function(0x05, 17, "radio band", UNKNOWN, edition=2024),
        Function(0x05, 18, "encryption", UNKNOWN, edition=2024),
        Function(0x05, 20, "long broadcast", commands.LongBroadcast, edition=2024),
        Function(0x05, 100, "field strength threshold", queries.FieldStrength),
        Function(0x05, 101, "time", commands.ClockTime),
        Function(0x05, 200, "report of refused nodes", commands.Switch),
        Function(0x06, 1, "nodes", None, reports.NodesFound),
        Function(0x06, 2, "data read", None, forwarding.ReadReport),
        Function(0x06, 3, "change of state", None, reports.StateReport),
        Function(0x06, 4, "nodes and device types", None, reports.DevicesFound),
        Function(0x06, 5, "event", None, reports.Event),
        Function(0x10, 1, "number of nodes", None, routes.NodeCount),
        Function(0x10, 2, "nodes", routes.Page, routes.Nodes),
        Function(0x10, 3, "relays of a node", routes.NodeQuery, routes.Relays),
        Function(0x10, 4, "state of the route", None, routes.RouteState),
        Function(0x10, 5, "nodes not read", routes.Page, routes.Nodes),
        Function(0x10, 6, "nodes registered", routes.Page, routes.Nodes),
        Function(0x10, 7, "identifiers of modules", routes.Page, routes.NodeModules),
        Function(0x10, 9, "size of the network", None, routes.NetworkSize),
        Function(0x10, 20, "topology of a dual-mode network", routes.Page, routes.DualTopology, 2024),
        Function(0x10, 21, "topology", routes.Page, routes.Topology),
        Function(0x10, 31, "phases", routes.Page, routes.Phases),
        Function(0x10, 40, "production identifier", routes.ProductionQuery, routes.ProductionIdentifier),
        Function(0x10, 100, "size of the radio network", None, routes.NetworkSize),
        Function(0x10, 101, "nodes of the radio network", routes.Page, routes.RadioNodes),
        Function(0x10, 104, "versions after an upgrade", UNKNOWN, UNKNOWN),
        Function(0x10, 111, "networks", None, routes.Networks),
        Function(0x10, 112, "chips", routes.Page, routes.Chips),
        Function(0x11, 1, "add nodes", archive.AddNodes),
        Function(0x11, 2, "delete nodes", archive.DeleteNodes),
        Function(0x11, 3, "fixed path", archive.FixedPath),
        Function(0x11, 4, "working mode", archive.WorkingMode),
        Function(0x11, 5, "start registration", archive.StartRegistration),
        Function(0x11, 6, "stop registration"),
        Function(0x11, 100, "size of the radio network", routes.NetworkSize),
        Function(0x11, 101, "maintenance of the radio network"),
        Function(0x11, 102, "build the radio network"),
        Function(0x12, 1, "restart"),
        Function(0x12, 2, "pause"),
        Function(0x12, 3, "resume"),
        Function(0x13, 1, "read a meter", forwarding.MonitorRequest, forwarding.MonitorAnswer),
        Function(
            0x13, 2, "read a meter, long frames", forwarding.LongMonitorRequest, forwarding.LongMonitorAnswer, 2024
        ),
        Function(0x14, 1, "data to read", asking.ReadOrder, asking.ReadQuery),
        Function(0x14, 2, "time", commands.ClockTime, None),
        Function(0x14, 3, "correction of delay", asking.Correction, asking.CorrectionQuery),
        Function(0x14, 4, "value of the concentrator", asking.AreaValue, asking.AreaQuery),
        Function(0x15, 1, "file", asking.FileSegment, asking.FileAnswer),
        Function(0xF1, 1, "read a meter", forwarding.ConcurrentRequest, forwarding.ConcurrentAnswer),
        Function(0xF1, 2, "report received", UNKNOWN, UNKNOWN, 2024),
    )
}
"""Every function by AFN and number of Fn; AFN F0H is the makers' own."""


def function(afn: int, number: int | None) -> Function | None:
    """The row of a function; None for one that the table does not have."""
    return None if number is None else FUNCTIONS.get((afn, number))


def layout(afn: int, number: int | None, *, up: bool) -> Any:
    """The data unit of a function in one direction; None where there is none or it stays octets."""
    row = function(afn, number)
    found = None if row is None else (row.up if up else row.down)
    return None if isinstance(found, Unknown) else found
