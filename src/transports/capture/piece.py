"""What every reading of a capture gives: octets, when, and which way they went."""

from __future__ import annotations

from typing import Literal

import msgspec


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """Octets that were together in a capture.

    Attributes:
        octets: what passed.
        time: seconds since 1970 (of a time of day without a date: since midnight), or None.
        direction: as the one who recorded it saw it, where the capture says so.
        flow: which stream the octets belong to; pieces with the same flow follow each other.
        missing: octets of the stream that the capture does not have before these.
        remark: what else is said about them.
        begins: in text, 2 where a paragraph begins, 1 an entry of a log, 0 where they go on with the line above.
    """

    octets: bytes
    time: float | None = None
    direction: Literal["sent", "received"] | None = None
    flow: str = ""
    missing: int = 0
    remark: str = ""
    begins: int = 2
