"""The wrapper of the TCP-UDP/IP profile: version, ports and length in front of each APDU (IEC 62056-47, 5)."""

from meterwire.protocols.wire.declare import field, hidden, message
from meterwire.protocols.wire.nodes import REST, U16, Const, Octets, Size


@message(cite="IEC 62056-47, 5.2.3 (DLMS UA 1000-2, 7.3.3.2)")
class Wrapper:
    """One wrapped APDU. A wPort names the application process: 1 management logical device, 16 public client."""

    version = hidden(Const(b"\x00\x01"), "version")
    source: int = field(U16, "source wPort")
    destination: int = field(U16, "destination wPort")
    length = hidden(Size(U16, "apdu"), "length")
    apdu: bytes = field(Octets(REST), "APDU")


MANAGEMENT_DEVICE = 1
"""wPort of the management logical device, which every physical device has."""
PUBLIC_CLIENT = 16
"""wPort of the public client: lowest rights, no security."""
LARGEST_APDU = 0xFFFF
"""The length field cannot say more."""
TCP_PORT = 4059
"""Registered port of DLMS/COSEM over TCP and UDP."""
