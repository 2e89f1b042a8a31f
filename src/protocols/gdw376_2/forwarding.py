"""The data field where a frame is passed on to a meter or back, and where a command is confirmed or denied.

The length in front of a forwarded frame counts its octets; several frames stand back to back only in the concurrent
service.
"""

from typing import Final

from meterwire.protocols.gdw376_2.codes import ADDRESS, Denial, MeterProtocol
from meterwire.protocols.wire.declare import bits, field, message, part
from meterwire.protocols.wire.nodes import REST, U8, U16L, U32L, Enum, Many, Octets, Sized

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
    attached: tuple[str, ...] = field(Many(U8, ADDRESS), "addresses of attached nodes")
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


@message(cite="Q/GDW 10376.2-2024, AFN 13H F2, downlink")
class LongMonitorRequest:
    """Read one meter now, with a frame of any length."""

    protocol: int = field(_PROTOCOL, "protocol type")
    delayed: int = field(U8, "1 where the frame must be corrected for the delay of the link")
    attached: tuple[str, ...] = field(Many(U8, ADDRESS), "addresses of attached nodes")
    frame: bytes = field(_FRAMES, "frame")


@message(cite="Q/GDW 10376.2-2024, AFN 13H F2, uplink")
class LongMonitorAnswer:
    """What the meter answered, of any length."""

    seconds: int = field(U16L, "time the local channel took, seconds")
    protocol: int = field(_PROTOCOL, "protocol type")
    frame: bytes = field(_FRAMES, "frame; none where the meter did not answer")
