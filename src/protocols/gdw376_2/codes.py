"""Numbers with names that several data units of the concentrator's local interface share."""

from enum import IntEnum
from typing import Final

from meterwire.protocols.wire.nodes import Bcd

ADDRESS: Final = Bcd(6, also="ABCDEF")
"""Address of a meter or node: twelve digits; hexadecimal ones for modules, and for nodes as the network knows them."""


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


class Band(IntEnum):
    """Frequency band of the power-line network."""

    MHZ_1_953_TO_11_96 = 0
    MHZ_2_441_TO_5_615 = 1
    MHZ_0_781_TO_2_930 = 2
    MHZ_1_758_TO_2_930 = 3


class UartRate(IntEnum):
    """Speed of the local interface, bit/s; any reset goes back to 9600 (2024 edition)."""

    BAUD_9600 = 0
    BAUD_19200 = 1
    BAUD_38400 = 2
    BAUD_57600 = 3
    BAUD_115200 = 4

    @property
    def baud(self) -> int:
        """Bits per second."""
        return int(self.name.removeprefix("BAUD_"))


class StateChange(IntEnum):
    """What the module has finished."""

    READING_DONE = 1
    SEARCH_DONE = 2
    AREA_IDENTIFIED = 3


class ReportingDevice(IntEnum):
    """Whose event is reported (AFN 06H F5)."""

    COLLECTOR = 0
    METER = 1
    HPLC_UNIT = 2
    NARROWBAND_UNIT = 3
    RADIO_UNIT = 4
    RADIO_HPLC_UNIT = 5
    RADIO_NARROWBAND_UNIT = 6


class EventKind(IntEnum):
    """What the content of an event report is; 01H to 03H are frames of the meter."""

    METER_FRAME_1 = 1
    METER_FRAME_2 = 2
    METER_FRAME_3 = 3
    OUTAGE = 4
    REFUSED_NODES = 5


class PowerChange(IntEnum):
    """First octet of an outage report."""

    LOST = 1
    RESTORED = 2


class ModuleKind(IntEnum):
    """Device type of a node of the network."""

    HANDSET = 1
    CCO = 2
    SINGLE_PHASE = 3
    REPEATER = 4
    COLLECTOR_II = 5
    COLLECTOR_I = 6
    THREE_PHASE = 7


class Role(IntEnum):
    """Role of a node: leaf, relay or centre."""

    STA = 1
    PCO = 2
    CCO = 4


class IdFormat(IntEnum):
    """How the identifier of a module is to be read."""

    MIXED = 0
    BCD = 1
    BIN = 2
    ASCII = 3


class Production(IntEnum):
    """Which production identifier is meant: 24 octets of the chip, 11 of the module."""

    CHIP = 1
    MODULE = 2


class ReadFlag(IntEnum):
    """What the concentrator says of the meter that the module asks for (AFN 14H F1)."""

    FAILED = 0
    DONE = 1
    READ = 2


class FileTarget(IntEnum):
    """Whom a file is for (AFN 15H F1)."""

    CLEAR = 0
    CCO = 3
    CCO_AND_STA = 7
    STA = 8
