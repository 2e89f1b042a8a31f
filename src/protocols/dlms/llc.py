"""The three LLC octets in front of an APDU in HDLC frames (IEC 62056-46, 6.3)."""

from enum import IntEnum

from meterwire.protocols.wire.declare import field, message
from meterwire.protocols.wire.nodes import REST, U8, Enum, Octets


class LlcAddress(IntEnum):
    """The LSAPs that DLMS/COSEM uses (IEC 62056-46, 6.3.2)."""

    COMMAND = 0xE6
    """Remote LSAP; as source, what a client sends."""
    RESPONSE = 0xE7
    """As source: what a server sends."""


@message(cite="IEC 62056-46, 6.3 (DLMS UA 1000-2, 8.3)")
class Llc:
    """An LLC PDU: destination, source, quality, then the APDU."""

    destination: int = field(Enum(U8, LlcAddress), "destination LSAP")
    source: int = field(Enum(U8, LlcAddress), "source LSAP")
    quality: int = field(U8, "LLC quality, reserved: 0")
    apdu: bytes = field(Octets(REST), "APDU")
