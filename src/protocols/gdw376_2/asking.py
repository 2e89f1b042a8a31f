"""Data units of AFN 14H, what the module asks of the concentrator, and of AFN 15H, transfer a file."""

from typing import Final

from meterwire.protocols.gdw376_2.codes import ADDRESS, FileTarget, ReadFlag
from meterwire.protocols.wire.declare import field, message
from meterwire.protocols.wire.nodes import REST, U8, U16L, U32L, Enum, Many, Octets, Sized

_FRAME: Final = Sized(U8, Octets(REST))
NO_SEGMENT: Final = 0xFFFFFFFF
"""Segment number of an answer that refuses the segment; the printed text has FFFFH, four octets are meant."""


@message(cite="Q/GDW 10376.2-2019, AFN 14H F1, uplink")
class ReadQuery:
    """The module asks what to read from a meter."""

    phase: int = field(U8, "phase, 0 unknown, 1 to 3")
    address: str = field(ADDRESS, "address of the meter")
    index: int = field(U16L, "index of the node")


@message(cite="Q/GDW 10376.2-2019, AFN 14H F1, downlink")
class ReadOrder:
    """What the module shall send to the meter."""

    flag: int = field(Enum(U8, ReadFlag), "failed, done, or to be read")
    delayed: int = field(U8, "1 where the frame must be corrected for the delay of the link")
    frame: bytes = field(_FRAME, "frame")
    attached: tuple[str, ...] = field(Many(U8, ADDRESS), "addresses of attached nodes")


@message(cite="Q/GDW 10376.2-2019, AFN 14H F3, uplink")
class CorrectionQuery:
    """The module asks for a frame that takes the delay of the link into account."""

    address: str = field(ADDRESS, "address of the meter")
    seconds: int = field(U16L, "time the link is expected to take, seconds")
    frame: bytes = field(_FRAME, "frame as it stands")


@message(cite="Q/GDW 10376.2-2019, AFN 14H F3, downlink")
class Correction:
    """The corrected frame."""

    frame: bytes = field(_FRAME, "frame; none where it shall not be sent")


@message(cite="Q/GDW 10376.2-2019, AFN 14H F4, uplink")
class AreaQuery:
    """The module asks for a value of the concentrator's own."""

    kind: int = field(U8, "1 DL/T 645, 2 DL/T 698.45")
    item: bytes = field(Octets(4), "data identifier or OAD, as it stands on the wire")


@message(cite="Q/GDW 10376.2-2019, AFN 14H F4, downlink")
class AreaValue:
    """The value asked for."""

    kind: int = field(U8, "1 DL/T 645, 2 DL/T 698.45")
    item: bytes = field(Octets(4), "data identifier or OAD, as it stands on the wire")
    value: bytes = field(Octets(REST), "value")


@message(cite="Q/GDW 10376.2-2019, AFN 15H F1, downlink")
class FileSegment:
    """One segment of a file."""

    target: int = field(Enum(U8, FileTarget), "whom the file is for")
    last: int = field(U8, "attribute: 0 in the midst, 1 the last segment")
    command: int = field(U8, "command, 0 report")
    total: int = field(U16L, "segments of the file")
    segment: int = field(U32L, "number of this segment, from 0")
    data: bytes = field(Sized(U16L, Octets(REST)), "octets of this segment")


@message(cite="Q/GDW 10376.2-2019, AFN 15H F1, uplink")
class FileAnswer:
    """Which segment was taken."""

    segment: int = field(U32L, "number of the segment, FFFFFFFFH where it was refused")
