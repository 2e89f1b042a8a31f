"""Data units of AFN 10H, query routes: nodes, state, topology, phases and identifiers."""

from typing import Final

from meterwire.protocols.gdw376_2.codes import ADDRESS, IdFormat, ModuleKind, Production, Role
from meterwire.protocols.gdw376_2.queries import Rate
from meterwire.protocols.wire.declare import bits, field, message, part
from meterwire.protocols.wire.nodes import (
    REST,
    U8,
    U16L,
    Bcd,
    Enum,
    Many,
    Octets,
    Ref,
    Sized,
    Text,
    UInt,
)

CHIP_OCTETS: Final = 24
_NID: Final = UInt(3, "<")


@message(cite="Q/GDW 10376.2-2019, AFN 10H F1, uplink")
class NodeCount:
    """How many nodes the archive holds."""

    nodes: int = field(U16L, "nodes")
    capacity: int = field(U16L, "most nodes")


@message(cite="Q/GDW 10376.2-2019, AFN 10H F2, F5 to F7, F21, F31 and F112, downlink")
class Page:
    """Which rows are wanted."""

    start: int = field(U16L, "first row, from 1")
    count: int = field(U8, "how many")


@bits(U16L)
class NodeState:
    """What the module knows of a node."""

    reserved: int = part(2, "D15 to D14: reserved")
    protocol: int = part(3, "D13 to D11: protocol type")
    phase: int = part(3, "D10 to D8: phases A, B, C, a bit each from D8")
    quality: int = part(4, "D7 to D4: signal quality, 1 worst")
    relays: int = part(4, "D3 to D0: relay level")


@message(cite="Q/GDW 10376.2-2019, AFN 10H F2")
class Node:
    """One node of the archive."""

    address: str = field(ADDRESS, "address")
    state: NodeState = field(NodeState, "relay level, quality, phase and protocol")


@message(cite="Q/GDW 10376.2-2019, AFN 10H F2, F5 and F6, uplink")
class Nodes:
    """Nodes of the archive: all, those not read yet, or those that registered."""

    total: int = field(U16L, "all of them")
    nodes: tuple[Node, ...] = field(Many(U8, Node), "nodes of this answer")


@message(cite="Q/GDW 10376.2-2019, AFN 10H F3 and F40, AFN 11H F3: a node")
class NodeQuery:
    """Which node is meant."""

    address: str = field(ADDRESS, "address")


@message(cite="Q/GDW 10376.2-2019, AFN 10H F3, uplink")
class Relays:
    """The relays on the way to a node."""

    nodes: tuple[Node, ...] = field(Many(U8, Node), "relays")


@bits(U8)
class RunState:
    """State of the route."""

    coding: int = part(4, "D7 to D4: error correction")
    reserved: int = part(1, "D3: reserved")
    event: int = part(1, "D2: an event waits")
    working: int = part(1, "D1: working")
    learned: int = part(1, "D0: routes are learned")


@bits(U8)
class RouteSwitches:
    """What the route is permitted to do and does."""

    work: int = part(2, "D7 to D6: 0 reading, 1 searching, 2 upgrading, 3 other")
    reserved: int = part(2, "D5 to D4: reserved")
    area: int = part(1, "D3: identification of the area")
    event: int = part(1, "D2: event reports")
    register: int = part(1, "D1: registration permitted")
    learning: int = part(1, "D0: learning")


@message(cite="Q/GDW 10376.2-2019, AFN 10H F4, uplink")
class RouteState:
    """How far the route has come."""

    run: RunState = field(RunState, "state")
    nodes: int = field(U16L, "nodes of the archive")
    read: int = field(U16L, "nodes read")
    relayed: int = field(U16L, "nodes read through relays")
    switches: RouteSwitches = field(RouteSwitches, "switches and present work")
    rate: Rate = field(Rate, "rate")
    levels: tuple[int, ...] = field(Many(3, U8), "relay levels of phases A, B, C")
    steps: tuple[int, ...] = field(
        Many(3, U8),
        "steps of phases A, B, C: 1 initial, 2 direct, 3 relay, 4 monitor, 5 broadcast, 6 broadcast read, "
        "7 list of nodes heard, 8 idle",
    )


@message(cite="Q/GDW 10376.2-2019, AFN 10H F7, uplink")
class NodeModule:
    """Identifier of a node's module."""

    address: str = field(ADDRESS, "address")
    kind: int = field(U8, "node type")
    vendor: str | bytes = field(Text(2), "vendor code")
    length: int = field(U8, "octets of the identifier")
    form: int = field(Enum(U8, IdFormat), "format of the identifier")
    identifier: bytes = field(Octets(Ref("length")), "identifier")


@message(cite="Q/GDW 10376.2-2019, AFN 10H F7, uplink")
class NodeModules:
    """Identifiers of the nodes' modules."""

    total: int = field(U16L, "all nodes")
    modules: tuple[NodeModule, ...] = field(Many(U8, NodeModule), "modules of this answer")


@message(cite="Q/GDW 10376.2-2019, AFN 10H F9 and F100, AFN 11H F100")
class NetworkSize:
    """Size of the network."""

    nodes: int = field(U16L, "nodes")


@bits(U8)
class Place:
    """Where a node stands in the network."""

    role: int = part(4, "D7 to D4: role", names=Role)
    level: int = part(4, "D3 to D0: level, 0 the CCO")


@message(cite="Q/GDW 10376.2-2019, AFN 10H F21, uplink")
class TopologyNode:
    """One node of the network."""

    address: str = field(ADDRESS, "address")
    tei: int = field(U16L, "identifier of the terminal (TEI)")
    proxy: int = field(U16L, "TEI of its proxy")
    place: Place = field(Place, "level and role")


@message(cite="Q/GDW 10376.2-2019, AFN 10H F21, uplink")
class Topology:
    """Nodes of the network with their proxies."""

    total: int = field(U16L, "all nodes")
    start: int = field(U16L, "first node of this answer, 1 is the CCO")
    nodes: tuple[TopologyNode, ...] = field(Many(U8, TopologyNode), "nodes of this answer")


@bits(U16L)
class DualIdentity:
    """Identifier of a node in a dual-mode network."""

    module: int = part(4, "D15 to D12: module type")
    tei: int = part(12, "D11 to D0: identifier of the terminal (TEI)")


@bits(U8)
class DualPlace:
    """Where a node stands in a dual-mode network."""

    radio: int = part(1, "D7: link to the proxy, 0 power line, 1 radio")
    role: int = part(3, "D6 to D4: role", names=Role)
    level: int = part(4, "D3 to D0: level, 0 the CCO")


@message(cite="Q/GDW 10376.2-2024, AFN 10H F20, uplink")
class DualTopologyNode:
    """One node of a dual-mode network."""

    address: str = field(ADDRESS, "address")
    identity: DualIdentity = field(DualIdentity, "TEI and module type")
    proxy: int = field(U16L, "TEI of its proxy")
    place: DualPlace = field(DualPlace, "level, role and link")


@message(cite="Q/GDW 10376.2-2024, AFN 10H F20, uplink")
class DualTopology:
    """Nodes of a dual-mode network with their proxies."""

    total: int = field(U16L, "all nodes")
    start: int = field(U16L, "first node of this answer, 1 is the CCO")
    nodes: tuple[DualTopologyNode, ...] = field(Many(U8, DualTopologyNode), "nodes of this answer, 64 at most")


@bits(U16L)
class PhaseState:
    """What was found of the phases of a node."""

    reserved: int = part(8, "D15 to D8: reserved")
    sequence: int = part(3, "D7 to D5: 0 ABC, 1 ACB, 2 BAC, 3 BCA, 4 CAB, 5 CBA, 6 live and neutral reversed")
    fault: int = part(1, "D4: the line is at fault")
    three_phase: int = part(1, "D3: a three-phase node")
    phases: int = part(3, "D2 to D0: phases A, B, C, a bit each from D0")


@message(cite="Q/GDW 10376.2-2019, AFN 10H F31, uplink")
class NodePhase:
    """Phases of a node."""

    address: str = field(ADDRESS, "address")
    phase: PhaseState = field(PhaseState, "phases")


@message(cite="Q/GDW 10376.2-2019, AFN 10H F31, uplink")
class Phases:
    """Phases of the nodes."""

    total: int = field(U16L, "all nodes")
    start: int = field(U16L, "first node of this answer, from 1")
    nodes: tuple[NodePhase, ...] = field(Many(U8, NodePhase), "nodes of this answer, 64 at most")


@message(cite="Q/GDW 10376.2-2019, AFN 10H F40, downlink")
class ProductionQuery:
    """Which production identifier is wanted."""

    device: int = field(Enum(U8, ModuleKind), "device type")
    address: str = field(ADDRESS, "address")
    kind: int = field(Enum(U8, Production), "chip or module")


@message(cite="Q/GDW 10376.2-2019, AFN 10H F40, uplink")
class ProductionIdentifier:
    """Production identifier of a chip or a module."""

    device: int = field(Enum(U8, ModuleKind), "device type")
    address: str = field(ADDRESS, "address")
    kind: int = field(Enum(U8, Production), "chip or module")
    identifier: bytes = field(Sized(U8, Octets(REST)), "identifier: 24 octets of a chip, 11 of a module")


@message(cite="Q/GDW 10376.2-2019, AFN 10H F101, uplink")
class RadioNode:
    """One node of a radio network."""

    address: str = field(ADDRESS, "address")
    state: NodeState = field(NodeState, "relay level, quality, phase and protocol")
    version: bytes = field(Octets(3), "version of software and hardware")


@message(cite="Q/GDW 10376.2-2019, AFN 10H F101, uplink")
class RadioNodes:
    """Nodes of a radio network."""

    total: int = field(U16L, "all nodes")
    nodes: tuple[RadioNode, ...] = field(Many(U8, RadioNode), "nodes of this answer")


@message(cite="Q/GDW 10376.2-2019, AFN 10H F111, uplink")
class Networks:
    """Networks that are heard beside the module's own."""

    count: int = field(U8, "other networks")
    nid: int = field(_NID, "identifier of the own network (NID)")
    address: str = field(ADDRESS, "address of the own CCO")
    heard: tuple[int, ...] = field(Many(Ref("count"), _NID), "identifiers of the other networks")


@message(cite="Q/GDW 10376.2-2019, AFN 10H F112, uplink")
class Chip:
    """The chip of a node."""

    address: str = field(ADDRESS, "address")
    device: int = field(Enum(U8, ModuleKind), "device type")
    chip: bytes = field(Octets(CHIP_OCTETS), "identifier of the chip")
    version: str = field(Bcd(2), "version of the software")


@message(cite="Q/GDW 10376.2-2019, AFN 10H F112, uplink")
class Chips:
    """The chips of the nodes."""

    total: int = field(U16L, "all nodes")
    start: int = field(U16L, "first node of this answer, from 1")
    chips: tuple[Chip, ...] = field(Many(U8, Chip), "nodes of this answer")
