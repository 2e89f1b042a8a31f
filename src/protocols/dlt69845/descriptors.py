"""What an APDU points at: object attributes, methods, columns of a record; and how a raw number is to be read."""

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt69845.enums import Unit698
from meterwire.protocols.wire.declare import field, message
from meterwire.protocols.wire.nodes import AXDR_LENGTH, I8, U8, U16, Choice, Enum, Many


def _descriptor(text: str) -> tuple[int, int, int]:
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        octets = b""
    if len(octets) != 4:
        raise LocalProtocolError(f"{text!r} is no descriptor: eight hexadecimal digits such as 00100200")
    return octets[0] << 8 | octets[1], octets[2], octets[3]


@message(cite="DL/T 698.45-2017, data types: OAD")
class Oad:
    """Object attribute descriptor: one attribute of an object, or one element of it. Written as `00100200`."""

    oi: int = field(U16, "object identifier (OI)")
    attribute: int = field(U8, "attribute: D4 to D0 its number, 0 for all; D7 to D5 its feature")
    index: int = field(U8, "element from 1, 0 for the whole attribute; in a record table the n-th last record")

    @classmethod
    def of(cls, value: str | int) -> "Oad":
        """From eight hexadecimal digits, or from a number of 32 bits; raises LocalProtocolError for other text."""
        return cls(*_descriptor(f"{value:08X}" if isinstance(value, int) else value))

    @property
    def packed(self) -> int:
        """The descriptor as a number of 32 bits, as the table of quantities has it."""
        return self.oi << 16 | self.attribute << 8 | self.index

    @property
    def number(self) -> int:
        """Number of the attribute without its feature bits."""
        return self.attribute & 0x1F

    def __str__(self) -> str:
        return f"{self.packed:08X}"


@message(cite="DL/T 698.45-2017, data types: OMD")
class Omd:
    """Object method descriptor: one method of an object. Written as `00100100`."""

    oi: int = field(U16, "object identifier (OI)")
    method: int = field(U8, "number of the method")
    mode: int = field(U8, "operation mode, 0", default=0)

    @classmethod
    def of(cls, text: str) -> "Omd":
        """From eight hexadecimal digits; raises LocalProtocolError for other text."""
        return cls(*_descriptor(text))

    def __str__(self) -> str:
        return f"{self.oi:04X}{self.method:02X}{self.mode:02X}"


@message(cite="DL/T 698.45-2017, data types: ROAD")
class Road:
    """Record object attribute descriptor: a record table, and which of its related attributes."""

    oad: Oad = field(Oad, "the record table (OAD)")
    related: tuple[Oad, ...] = field(Many(AXDR_LENGTH, Oad), "related attributes")

    def __str__(self) -> str:
        return f"{self.oad}({', '.join(map(str, self.related))})"


CSD = Choice(U8, {0: Oad, 1: Road})
"""Column selection descriptor (CSD): an attribute, or attributes of a record table."""

RCSD = Many(AXDR_LENGTH, CSD)
"""Record column selection descriptor (RCSD); none means all columns."""


@message(cite="DL/T 698.45-2017, data types: Scaler_Unit")
class ScalerUnit:
    """How a raw number is to be read: it counts ten to the power of the scaler, in this unit."""

    scaler: int = field(I8, "power of ten")
    unit: Unit698 | int = field(Enum(U8, Unit698), "unit")

    def __str__(self) -> str:
        return f"10^{self.scaler} {getattr(self.unit, 'symbol', f'unit {self.unit}')}".rstrip()
