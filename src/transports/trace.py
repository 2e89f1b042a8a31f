"""A filter that tells what passes: the frame log, once somebody plugs a dissector into `log`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from meterwire.transports.filtering import Filter, Timed

Direction = Literal["sent", "received"]
Log = Callable[[Direction, float, bytes], None]

SENT: Final = "sent"
RECEIVED: Final = "received"


class Trace(Filter):
    """Calls `log(direction, time, octets)` for everything, in the time of the line.

    Directions are ours: what a served meter answers is `sent`.
    """

    def __init__(self, log: Log) -> None:
        self._log = log

    def sent(self, now: float, octets: bytes) -> list[Timed]:
        """Tell and pass."""
        self._log(SENT, now, octets)
        return [(now, octets)]

    def received(self, now: float, octets: bytes) -> list[Timed]:
        """Tell and pass."""
        self._log(RECEIVED, now, octets)
        return [(now, octets)]
