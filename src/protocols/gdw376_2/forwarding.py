"""The data field where a frame is passed on to a meter or back, and where a command is confirmed or denied.

The length in front of a forwarded frame counts its octets; several frames stand back to back only in the concurrent
service.
"""

from enum import IntEnum
from typing import Final

from meterwire.protocols.wire.declare import bits, field, message, part
from meterwire.protocols.wire.nodes import REST, U8, U16L, U32L, Bcd, Enum, Many, Octets, Sized


class MeterProtocol(IntEnum):
    """Protocol type of a node and of what is forwarded to it."""

    TRANSPARENT = 0
    DLT645_1997 = 1
    DLT645_2007 = 2
    DLT69845 = 3


class Denial(IntEnum):
    """Why a command was denied; 109 to 111 concern the concurrent service."""

    TIMEOUT = 0
    INVALID_UNIT = 1
    WRONG_LENGTH = 2
    WRONG_CHECK = 3
    UNKNOWN_FUNCTION = 4
    WRONG_FORMAT = 5
    METER_TWICE = 6
    UNKNOWN_METER = 7
    METER_SILENT = 8
    PRIMARY_BUSY = 9
    UNSUPPORTED = 10
    SECONDARY_SILENT = 11
    NOT_IN_NETWORK = 12
    TOO_MANY_AT_ONCE = 109
    TOO_MANY_FRAMES = 110
    METER_BUSY = 111


_PROTOCOL: Final = Enum(U8, MeterProtocol)
_FRAME: Final = Sized(U8, Octets(REST))
_FRAMES: Final = Sized(U16L, Octets(REST))


@bits(U32L)
class CommandState:
    """State word of a confirmation."""

    channels: int = part(31, "D31 to D1: channel idle 0, busy 1")
    handled: int = part(1, "D0: 1 where the command was handled")


@message(cite="Q/GDW 10376.2-2019, AFN 00H F1")
class Confirm:
    """The command was received, and perhaps handled."""

    state: CommandState = field(CommandState, "state of command and channels")
    wait: int = field(U16L, "time to wait, seconds")


@message(cite="Q/GDW 10376.2-2019, AFN 00H F2")
class Deny:
    """The command was denied."""

    error: int = field(Enum(U8, Denial), "error")


@message(cite="Q/GDW 10376.2-2019, AFN 02H F1, AFN 03H F9 downlink")
class Forward:
    """A frame for a meter, or its answer, as it is."""

    protocol: int = field(_PROTOCOL, "protocol type")
    frame: bytes = field(_FRAME, "frame")


@message(cite="Q/GDW 10376.2-2019, AFN 13H F1, downlink")
class MonitorRequest:
    """Read one meter now."""

    protocol: int = field(_PROTOCOL, "protocol type")
    delayed: int = field(U8, "1 where the frame must be corrected for the delay of the link")
    attached: tuple[str, ...] = field(Many(U8, Bcd(6)), "addresses of attached nodes")
    frame: bytes = field(_FRAME, "frame")


@message(cite="Q/GDW 10376.2-2019, AFN 13H F1 and AFN 03H F9, uplink")
class MonitorAnswer:
    """What the meter answered, and how long it took."""

    seconds: int = field(U16L, "time the local channel took, seconds")
    protocol: int = field(_PROTOCOL, "protocol type")
    frame: bytes = field(_FRAME, "frame; none where the meter did not answer")


@message(cite="Q/GDW 10376.2-2019, AFN 06H F2")
class ReadReport:
    """A meter's answer, reported by the module of its own accord."""

    index: int = field(U16L, "index of the node")
    protocol: int = field(_PROTOCOL, "protocol type")
    seconds: int = field(U16L, "time the uplink took, seconds")
    frame: bytes = field(_FRAME, "frame")


@message(cite="Q/GDW 10376.2-2019, AFN F1H F1, downlink")
class ConcurrentRequest:
    """Frames for one meter, while other meters are being read."""

    protocol: int = field(_PROTOCOL, "protocol type")
    reserved: int = field(U8, "reserved")
    frames: bytes = field(_FRAMES, "frames, back to back")


@message(cite="Q/GDW 10376.2-2019, AFN F1H F1, uplink")
class ConcurrentAnswer:
    """What the meter answered to the concurrent service."""

    protocol: int = field(_PROTOCOL, "protocol type")
    frames: bytes = field(_FRAMES, "frames, back to back; none where reading failed: A1 is the meter that failed")
