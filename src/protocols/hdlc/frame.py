"""The HDLC frame of DLMS/COSEM, frame format type 3."""

from __future__ import annotations

from meterwire.protocols.wire.checks import crc_x25
from meterwire.protocols.wire.declare import bits, field, hidden, message, part
from meterwire.protocols.wire.nodes import REST, U8, U16, U16L, Chain, Check, Const, Octets, Size


@bits(U16)
class Format:
    """Frame format field."""

    type: int = part(4, "format type: 10 is type 3", default=10, fixed=True)
    segmented: int = part(1, "S: more segments of this information follow", default=0)
    size: int = part(11, "octets between the flags", default=0)


@message(cite="IEC 62056-46, 6.4.1; ISO/IEC 13239, 4.9")
class Frame:
    """An HDLC frame between its flags. There is no octet stuffing: the length says where it ends."""

    opening = hidden(Const(b"\x7e"), "opening flag")
    format: Format = field(Size(Format, "format", "fcs"), "frame format")
    destination: bytes = field(Chain(4), "destination address")
    source: bytes = field(Chain(4), "source address")
    control: int = field(U8, "control field")
    hcs = hidden(Check(U16L, crc_x25, "format", guards="information"), "header check sequence (HCS)")
    information: bytes = field(Octets(REST), "information field", default=b"")
    fcs = hidden(Check(U16L, crc_x25, "format"), "frame check sequence (FCS)")
    closing = hidden(Const(b"\x7e"), "closing flag")


UNNUMBERED = {0x83: "SNRM", 0x63: "UA", 0x43: "DISC", 0x0F: "DM", 0x87: "FRMR", 0x03: "UI"}
"""Unnumbered frames by their control field without the poll/final bit."""
POLL = 0x10


def control_name(control: int) -> str:
    """A control field in words: `I N(S)=2 N(R)=1 P/F`, `RR N(R)=3`, `SNRM`."""
    final = " P/F" if control & POLL else ""
    if not control & 1:
        return f"I N(S)={control >> 1 & 7} N(R)={control >> 5}{final}"
    if control & 3 == 1:
        kind = {1: "RR", 5: "RNR"}.get(control & 0x0F, "supervisory")
        return f"{kind} N(R)={control >> 5}{final}"
    return UNNUMBERED.get(control & ~POLL, "unknown") + final


def address_value(octets: bytes) -> int:
    """The address that a chain of octets carries, seven bits in each."""
    value = 0
    for octet in octets:
        value = value << 7 | octet >> 1
    return value


def address_parts(octets: bytes) -> tuple[int, int | None]:
    """Upper (logical) and lower (physical) address; a single octet has no lower one."""
    half = len(octets) // 2 or 1
    return address_value(octets[:half]), address_value(octets[half:]) if len(octets) > 1 else None
