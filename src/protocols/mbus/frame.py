"""The M-Bus long frame that some meters push DLMS in, and the short one that stands in front of it on the line."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from meterwire.protocols.wire.checks import sum8
from meterwire.protocols.wire.declare import bits, field, hidden, message, part
from meterwire.protocols.wire.nodes import REST, U8, Check, Const, Enum, Octets, Size

_HEADER: Final = 5
"""Octets from C to DTSAP: L cannot be less."""


@bits(U8)
class ControlInformation:
    """CI field of a DLMS transport over M-Bus."""

    reserved: int = part(3, "reserved")
    last: int = part(1, "FIN: the last segment")
    sequence: int = part(4, "segment number")


@message(cite="EN 13757-2, 5.7; EN 13757-3, annex on DLMS transport")
class LongFrame:
    """An M-Bus long frame with the transport header of DLMS.

    Real meters send frames that are longer than L can say, whose L begins again at 0 (257 octets, L = 1).
    """

    start = hidden(Const(b"\x68"), "start")
    length = hidden(Size(U8, "length", "data", plus=3, least=_HEADER), "L: octets from C to the last of data")
    again = hidden(Size(U8, "again", "data", plus=2, least=_HEADER), "L repeated")
    start2 = hidden(Const(b"\x68"), "start repeated")
    control: int = field(U8, "C field")
    address: int = field(U8, "A field")
    information: ControlInformation = field(ControlInformation, "CI field")
    source: int = field(U8, "STSAP")
    destination: int = field(U8, "DTSAP")
    data: bytes = field(Octets(REST), "user data")
    checksum = hidden(Check(U8, sum8, "control"), "check sum")
    end = hidden(Const(b"\x16"), "stop")


class ShortFunction(IntEnum):
    """What a short frame asks for; the frame count bit makes two of each request."""

    SND_NKE = 0x40
    """Reset of the link: meters that push begin with it."""
    REQ_UD1 = 0x5A
    REQ_UD1_NEXT = 0x7A
    REQ_UD2 = 0x5B
    REQ_UD2_NEXT = 0x7B


@message(cite="EN 13757-2, 5.7")
class ShortFrame:
    """An M-Bus short frame: it has no data."""

    start = hidden(Const(b"\x10"), "start")
    control: int = field(Enum(U8, ShortFunction), "C field")
    address: int = field(U8, "A field")
    checksum = hidden(Check(U8, sum8, "control"), "check sum")
    end = hidden(Const(b"\x16"), "stop")


SHORT_OCTETS: Final = 5
"""Octets of a short frame."""
