"""The control field: which frame it is, its numbers and the poll/final bit (IEC 62056-46, 6.4.3)."""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from meterwire.protocols.hdlc.frame import POLL


class Kind(Enum):
    """Commands and responses of the unbalanced class that DLMS/COSEM uses. There is no REJ."""

    I = "I"  # noqa: E741  the standard's name
    RR = "RR"
    RNR = "RNR"
    SNRM = "SNRM"
    UA = "UA"
    DISC = "DISC"
    DM = "DM"
    FRMR = "FRMR"
    UI = "UI"


_UNNUMBERED: Final = {
    0x83: Kind.SNRM,
    0x63: Kind.UA,
    0x43: Kind.DISC,
    0x0F: Kind.DM,
    0x87: Kind.FRMR,
    0x03: Kind.UI,
}
_CODES: Final = {kind: code for code, kind in _UNNUMBERED.items()} | {Kind.RR: 0x01, Kind.RNR: 0x05}


class Control(msgspec.Struct, frozen=True):
    """A control field taken apart; numbers that a frame does not have are 0."""

    kind: Kind
    final: bool = True
    send: int = 0
    receive: int = 0

    @property
    def octet(self) -> int:
        """As in the frame."""
        final = POLL if self.final else 0
        if self.kind is Kind.I:
            return self.receive << 5 | final | self.send << 1
        if self.kind in (Kind.RR, Kind.RNR):
            return self.receive << 5 | final | _CODES[self.kind]
        return _CODES[self.kind] | final


def control(octet: int) -> Control | None:
    """The control field of a frame, None for a code that DLMS/COSEM does not use."""
    final = bool(octet & POLL)
    if not octet & 1:
        return Control(Kind.I, final, octet >> 1 & 7, octet >> 5)
    if octet & 3 == 1:
        kind = {0x01: Kind.RR, 0x05: Kind.RNR}.get(octet & 0x0F)
        return Control(kind, final, receive=octet >> 5) if kind else None
    kind = _UNNUMBERED.get(octet & ~POLL & 0xFF)
    return Control(kind, final) if kind else None
