"""Data units of AFN 04H, test the link, and AFN 05H, control, that are not queried under the same layout."""

from typing import Final

from meterwire.protocols.gdw376_2.codes import ADDRESS, MeterProtocol, UartRate
from meterwire.protocols.wire.declare import field, message
from meterwire.protocols.wire.nodes import REST, U8, U16L, Bcd, Enum, Octets, Sized

_FRAME: Final = Sized(U8, Octets(REST))


@message(cite="Q/GDW 10376.2-2019, AFN 04H F1")
class SendTest:
    """Send a test pattern."""

    seconds: int = field(U8, "duration, seconds")


@message(cite="Q/GDW 10376.2-2019, AFN 04H F3")
class LocalTest:
    """Send a frame to a node at a given rate."""

    rate: int = field(U8, "index of the rate")
    target: str = field(ADDRESS, "address of the node")
    protocol: int = field(Enum(U8, MeterProtocol), "protocol type")
    frame: bytes = field(_FRAME, "frame")


@message(cite="Q/GDW 10376.2-2019, AFN 05H F2, F6 and F200")
class Switch:
    """Permit or forbid: event reports, identification of the area, reports of refused nodes."""

    on: int = field(U8, "0 off, 1 on")


@message(cite="Q/GDW 10376.2-2019, AFN 05H F3")
class Broadcast:
    """Send a frame to all nodes."""

    control: int = field(U8, "0 to 2 protocol type, 3 identification of phases")
    frame: bytes = field(_FRAME, "frame")


@message(cite="Q/GDW 10376.2-2024, AFN 05H F10")
class LocalRate:
    """Speed of the local interface; confirmed at the old one."""

    rate: int = field(Enum(U8, UartRate), "speed")


@message(cite="Q/GDW 10376.2-2024, AFN 05H F20")
class LongBroadcast:
    """Send a frame of any length to all nodes."""

    control: int = field(U8, "0 to 2 protocol type, 3 identification of phases")
    frame: bytes = field(Sized(U16L, Octets(REST)), "frame")


@message(cite="Q/GDW 10376.2-2019, AFN 05H F101, AFN 14H F2 downlink")
class ClockTime:
    """The concentrator's time."""

    time: str = field(Bcd(6), "time, YYMMDDhhmmss, sent second first")
