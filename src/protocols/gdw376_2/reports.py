"""Data units of AFN 06H: what the module reports of its own accord."""

from meterwire.protocols.gdw376_2.codes import (
    ADDRESS,
    EventKind,
    MeterProtocol,
    ModuleKind,
    PowerChange,
    ReportingDevice,
    StateChange,
)
from meterwire.protocols.wire.declare import field, message
from meterwire.protocols.wire.nodes import REST, U8, U16L, Enum, Many, Octets, Sized


@message(cite="Q/GDW 10376.2-2019, AFN 06H F1")
class NodeFound:
    """One node that registered."""

    address: str = field(ADDRESS, "address")
    protocol: int = field(Enum(U8, MeterProtocol), "protocol type")
    index: int = field(U16L, "index of the node")


@message(cite="Q/GDW 10376.2-2019, AFN 06H F1")
class NodesFound:
    """Nodes that registered."""

    nodes: tuple[NodeFound, ...] = field(Many(U8, NodeFound), "nodes")


@message(cite="Q/GDW 10376.2-2019, AFN 06H F3")
class StateReport:
    """Something that the module was told to do is done."""

    change: int = field(Enum(U8, StateChange), "what is done")


@message(cite="Q/GDW 10376.2-2019, AFN 06H F4 and AFN 11H F1")
class NodeProtocol:
    """A node and what it speaks."""

    address: str = field(ADDRESS, "address")
    protocol: int = field(Enum(U8, MeterProtocol), "protocol type")


@message(cite="Q/GDW 10376.2-2019, AFN 06H F4")
class DeviceFound:
    """One device that registered, and the nodes below it."""

    address: str = field(ADDRESS, "address")
    protocol: int = field(Enum(U8, MeterProtocol), "protocol type")
    index: int = field(U16L, "index of the node")
    device: int = field(Enum(U8, ReportingDevice), "device type: collector or meter")
    total: int = field(U8, "all nodes below it, 32 at most")
    attached: tuple[NodeProtocol, ...] = field(Many(U8, NodeProtocol), "nodes below it in this report, 8 at most")


@message(cite="Q/GDW 10376.2-2019, AFN 06H F4")
class DevicesFound:
    """Devices that registered."""

    devices: tuple[DeviceFound, ...] = field(Many(U8, DeviceFound), "devices")


@message(cite="Q/GDW 10376.2-2019, AFN 06H F5")
class Event:
    """An event of a node."""

    device: int = field(Enum(U8, ReportingDevice), "whose event it is")
    kind: int = field(Enum(U8, EventKind), "what the content is")
    content: bytes = field(Sized(U8, Octets(REST)), "content: a frame of the meter, an outage, refused nodes")


@message(cite="Q/GDW 10376.2-2019, AFN 06H F5, type 04H")
class Outage:
    """Power failure or restoration of nodes."""

    change: int = field(Enum(U8, PowerChange), "lost or restored")
    addresses: tuple[str, ...] = field(Many(REST, ADDRESS), "addresses of the nodes")


@message(cite="Q/GDW 10376.2-2019, AFN 06H F5, type 04H of a collector")
class MeterPower:
    """A meter behind a collector, and whether it has power."""

    address: str = field(ADDRESS, "address")
    powered: int = field(U8, "0 lost, 1 on")


@message(cite="Q/GDW 10376.2-2019, AFN 06H F5, type 04H of a collector")
class CollectorOutage:
    """Power failure or restoration of meters behind a collector."""

    change: int = field(Enum(U8, PowerChange), "lost or restored")
    meters: tuple[MeterPower, ...] = field(Many(REST, MeterPower), "meters")


@message(cite="Q/GDW 10376.2-2019, AFN 06H F5, type 05H")
class RefusedNode:
    """A node that is not in the archive."""

    address: str = field(ADDRESS, "address")
    device: int = field(Enum(U8, ModuleKind), "device type")


@message(cite="Q/GDW 10376.2-2019, AFN 06H F5, type 05H")
class RefusedNodes:
    """Nodes that wanted to join and are not in the archive."""

    nodes: tuple[RefusedNode, ...] = field(Many(U8, RefusedNode), "nodes, 32 at most")
