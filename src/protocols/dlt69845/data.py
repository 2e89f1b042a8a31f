"""Data: every value of the application layer, a tag and what stands behind it."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final

from meterwire.protocols.axdr.simple import COMMON_CASES, COMMON_NAMES
from meterwire.protocols.dlt69845.dates import Date, DateTime, DateTimeS, Interval, Time
from meterwire.protocols.dlt69845.descriptors import CSD, RCSD, Oad, Omd, Road, ScalerUnit
from meterwire.protocols.dlt69845.selection import DATA_NAME, METERS, ROWS, TSA, Region
from meterwire.protocols.wire.declare import field, message, named
from meterwire.protocols.wire.nodes import (
    AXDR_LENGTH,
    REST,
    U8,
    U16,
    U32,
    BitString,
    Choice,
    Enum,
    Many,
    Node,
    Octets,
    Recur,
    Sized,
    Variant,
)

OCTET_STRING: Final = Sized(AXDR_LENGTH, Octets(REST))


class Baud(IntEnum):
    """Speed of a port; 11 and 12 since 2021."""

    B300 = 0
    B600 = 1
    B1200 = 2
    B2400 = 3
    B4800 = 4
    B7200 = 5
    B9600 = 6
    B19200 = 7
    B38400 = 8
    B57600 = 9
    B115200 = 10
    B230400 = 11
    B460800 = 12
    AUTOMATIC = 255


class Parity(IntEnum):
    """Parity of a port."""

    NONE = 0
    ODD = 1
    EVEN = 2


class FlowControl(IntEnum):
    """Flow control of a port."""

    NONE = 0
    HARDWARE = 1
    SOFTWARE = 2


@message(cite="DL/T 698.45-2017, data types: COMDCB")
class PortSettings:
    """COMDCB: speed and character format of a serial port."""

    baud: Baud | int = field(Enum(U8, Baud), "speed")
    parity: Parity | int = field(Enum(U8, Parity), "parity")
    data_bits: int = field(U8, "data bits, 5 to 8")
    stop_bits: int = field(U8, "stop bits, 1 or 2")
    flow: FlowControl | int = field(Enum(U8, FlowControl), "flow control")

    def __str__(self) -> str:
        fixed = isinstance(self.baud, Baud) and self.baud != Baud.AUTOMATIC
        speed = f"{_word(self.baud).removeprefix('b')} bit/s" if fixed else f"{_word(self.baud)} speed"
        parity = self.parity.name[0] if isinstance(self.parity, Parity) else f"({self.parity})"
        flow = f", {_word(self.flow)} flow control" if self.flow else ""
        return f"{speed} {self.data_bits}{parity}{self.stop_bits}{flow}"


def _word(value: int) -> str:
    return value.name.lower() if isinstance(value, IntEnum) else f"unknown ({int(value)})"


@message(cite="DL/T 698.45-2017, data types: SID")
class SecurityIdentifier:
    """SID: the command of the security chip that made the protection, and its parameters."""

    identifier: int = field(U32, "identifier")
    additional: bytes = field(OCTET_STRING, "additional data")


@message(cite="DL/T 698.45-2017, data types: SID_MAC")
class IdentifiedMac:
    """SID_MAC: a message authentication code and how it was made."""

    identifier: SecurityIdentifier = field(SecurityIdentifier, "security identifier (SID)")
    mac: bytes = field(OCTET_STRING, "message authentication code (MAC)")


@message(cite="DL/T 698.45, revision of 2021, data types: VQDS")
class QualifiedValue:
    """VQDS (2021): a value and its quality."""

    value: Variant = field(Recur(DATA_NAME), "value")
    # Whether the bit-string(8) has a length of its own is not certain: taken as of fixed size, which has none.
    quality: str = field(
        BitString(8), "quality, first bit: invalid, not current, substituted, blocked, overflow, calculated"
    )


_LIST: Final = Many(AXDR_LENGTH, Recur(DATA_NAME))

DATA_CASES: Final[Mapping[int, Any]] = {
    **COMMON_CASES,
    1: _LIST,
    2: _LIST,
    25: DateTime,
    26: Date,
    27: Time,
    28: DateTimeS,
    80: U16,
    81: Oad,
    82: Road,
    83: Omd,
    84: Interval,
    85: TSA,
    86: OCTET_STRING,
    87: OCTET_STRING,
    88: Region,
    89: ScalerUnit,
    90: ROWS,
    91: CSD,
    92: METERS,
    93: SecurityIdentifier,
    94: IdentifiedMac,
    95: PortSettings,
    96: RCSD,
    97: QualifiedValue,
}

DATA: Final[Node[Variant]] = named(
    DATA_NAME,
    Choice(U8, DATA_CASES, into=Variant),
    doc="A value of the application layer: its tag and content. Tags not listed are reserved; 97 is of 2021.",
    cite="DL/T 698.45-2017, data types: Data",
)

DATA_NAMES: Final[Mapping[int, str]] = {
    **COMMON_NAMES,
    0: "NULL",
    3: "bool",
    12: "UTF8-string",
    25: "date_time",
    26: "date",
    27: "time",
    28: "date_time_s",
    80: "OI",
    81: "OAD",
    82: "ROAD",
    83: "OMD",
    84: "TI",
    85: "TSA",
    86: "MAC",
    87: "RN",
    88: "Region",
    89: "Scaler_Unit",
    90: "RSD",
    91: "CSD",
    92: "MS",
    93: "SID",
    94: "SID_MAC",
    95: "COMDCB",
    96: "RCSD",
    97: "VQDS",
}
"""The standard's names of the tags."""
