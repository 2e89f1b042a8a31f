"""Seven data bits with parity on a line that carries eight without: the parity bit is the eighth data bit.

`7E1` and `8N1` are the same ten bits on the wire, so a port or gateway that only knows 8N can carry 7E1 and 7O1.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from meterwire.protocols.dialogue import LineSettings
from meterwire.transports.filtering import Filter, Timed

_ONES: Final = tuple(value.bit_count() for value in range(256))
EVEN: Final = bytes(value & 0x7F | (_ONES[value & 0x7F] & 1) << 7 for value in range(256))
ODD: Final = bytes(octet ^ 0x80 for octet in EVEN)
SEVEN: Final = bytes(value & 0x7F for value in range(256))
_WRONG: Final = {table: bytes(value for value in range(256) if table[value] != value) for table in (EVEN, ODD)}


class SoftwareParity(Filter):
    """Adds and takes away the parity of seven-bit characters, whatever the layers below can do.

    The layers below are set to 8N while the user wants seven bits. A line whose octets never carry the eighth bit
    (a gateway that took the parity away) is read as it is.

    Attributes:
        errors: how many octets came with the wrong parity.
    """

    def __init__(self, settings: LineSettings, wrong: Literal["keep", "drop"] = "keep") -> None:
        self.errors = 0
        self._drop = wrong == "drop"
        self._carried = False  # whether an eighth bit has ever been seen
        self._table = _table(settings)

    def sent(self, now: float, octets: bytes) -> list[Timed]:
        """Add the parity bit."""
        return [(now, octets.translate(self._table) if self._table else octets)]

    def received(self, now: float, octets: bytes) -> list[Timed]:
        """Take the parity bit away; count, and on demand drop, octets in which it is wrong."""
        if self._table is None:
            return [(now, octets)]
        self._carried = self._carried or not octets.isascii()
        if self._carried and self._table is not SEVEN:
            kept = octets.translate(None, _WRONG[self._table])
            self.errors += len(octets) - len(kept)
            octets = kept if self._drop else octets
        return [(now, octets.translate(SEVEN))]

    def reconfigured(self, now: float, settings: LineSettings) -> LineSettings:  # noqa: ARG002  a filter's signature
        """Follow the user; the layers below see eight bits without parity in place of seven with."""
        self._table = _table(settings)
        self._carried = False
        return carried(settings)


def carried(settings: LineSettings) -> LineSettings:
    """What a line that only knows eight bits without parity is set to in order to carry these settings."""
    if settings.data_bits == 8:
        return settings
    stop_bits = settings.stop_bits if settings.parity == "N" else 1
    return msgspec.structs.replace(settings, data_bits=8, parity="N", stop_bits=stop_bits)


def _table(settings: LineSettings) -> bytes | None:
    if settings.data_bits == 8:
        return None
    return {"E": EVEN, "O": ODD, "N": SEVEN}[settings.parity]
