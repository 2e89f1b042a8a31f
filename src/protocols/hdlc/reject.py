"""Why a secondary station rejects a frame: the information field of FRMR (ISO/IEC 13239, 5.5.3.4)."""

from __future__ import annotations

from typing import Final

from meterwire.protocols.wire.declare import bits, field, message, part
from meterwire.protocols.wire.nodes import U8

UNKNOWN, NO_INFORMATION, TOO_LONG, WRONG_NUMBER = 1, 3, 4, 8
"""Reasons as their octet."""
REASONS: Final = {
    UNKNOWN: "a control field that is not implemented",
    NO_INFORMATION: "information in a frame that has none",
    TOO_LONG: "an information field that is too long",
    WRONG_NUMBER: "an N(R) that acknowledges what was never sent",
}


def reason_in_words(octet: int) -> str:
    """Why a frame was rejected."""
    return REASONS.get(octet, f"reason {octet:02X}H")


@bits(U8)
class RejectNumbers:
    """Where the secondary stands."""

    receive: int = part(3, "N(R)", default=0)
    response: int = part(1, "1 if a response was rejected", default=0)
    send: int = part(3, "N(S)", default=0)
    reserved: int = part(1, "reserved", default=0)


@bits(U8)
class RejectReasons:
    """What was wrong."""

    reserved: int = part(4, "reserved", default=0)
    wrong_number: int = part(1, "Z: N(R)", default=0)
    too_long: int = part(1, "Y: too long", default=0)
    no_information: int = part(1, "X: information, with W", default=0)
    unknown: int = part(1, "W: control field", default=0)


@message(cite="ISO/IEC 13239, 5.5.3.4 (IEC 62056-46, 6.4.3.11)")
class FrameReject:
    """The frame that was rejected, and why."""

    control: int = field(U8, "control field of the rejected frame")
    numbers: RejectNumbers = field(RejectNumbers, "sequence numbers of the secondary")
    reasons: RejectReasons = field(RejectReasons, "reasons")
