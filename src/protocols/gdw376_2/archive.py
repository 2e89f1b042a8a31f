"""Data units of AFN 11H, set routes."""

from meterwire.protocols.gdw376_2.codes import ADDRESS
from meterwire.protocols.gdw376_2.queries import Rate
from meterwire.protocols.gdw376_2.reports import NodeProtocol
from meterwire.protocols.wire.declare import bits, field, message, part
from meterwire.protocols.wire.nodes import U8, U16L, Many


@message(cite="Q/GDW 10376.2-2019, AFN 11H F1")
class AddNodes:
    """Enter nodes into the archive."""

    nodes: tuple[NodeProtocol, ...] = field(Many(U8, NodeProtocol), "nodes")


@message(cite="Q/GDW 10376.2-2019, AFN 11H F2")
class DeleteNodes:
    """Take nodes out of the archive."""

    addresses: tuple[str, ...] = field(Many(U8, ADDRESS), "addresses")


@message(cite="Q/GDW 10376.2-2019, AFN 11H F3")
class FixedPath:
    """The way to a node is given."""

    address: str = field(ADDRESS, "address of the node")
    relays: tuple[str, ...] = field(Many(U8, ADDRESS), "addresses of the relays, nearest first")


@bits(U8)
class WorkingState:
    """What the route is to do."""

    coding: int = part(4, "D7 to D4: error correction")
    reserved: int = part(2, "D3 to D2: reserved")
    register: int = part(1, "D1: registration permitted")
    learn: int = part(1, "D0: 0 reading, 1 learning")


@message(cite="Q/GDW 10376.2-2019, AFN 11H F4")
class WorkingMode:
    """What the route is to do, and how fast."""

    state: WorkingState = field(WorkingState, "state")
    rate: Rate = field(Rate, "rate")


@message(cite="Q/GDW 10376.2-2019, AFN 11H F5")
class StartRegistration:
    """Let nodes register for some time."""

    time: str = field(ADDRESS, "begin, YYMMDDhhmmss, sent second first")
    minutes: int = field(U16L, "duration, minutes")
    retries: int = field(U8, "retries of a secondary node")
    slots: int = field(U8, "slots of 150 ms to wait at random")
