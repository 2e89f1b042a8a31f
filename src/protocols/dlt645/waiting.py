"""How long to wait for an answer, and what to say when none comes."""

from __future__ import annotations

from typing import Final

from meterwire.protocols.dialogue import LineSettings, Patience
from meterwire.protocols.dlt645.frame import OVERHEAD, PREAMBLE, READ_LIMIT

SETTINGS: Final = LineSettings(2400, 8, "E", 1)
"""RS-485 and contact IR probe (DL/T 645-2007, 4); a modulated IR probe begins at 1200 8E1."""

_TURNAROUND: Final = 1.0
"""Seconds: a meter answers within 500 ms (DL/T 645-2007, 5, Td); adapters and their drivers take the rest."""
_NETWORK: Final = 10.0
_LONGEST_REQUEST: Final = len(PREAMBLE) + OVERHEAD + 10
_LONGEST_ANSWER: Final = len(PREAMBLE) + OVERHEAD + READ_LIMIT


def seconds_to_answer(settings: LineSettings, request: int = _LONGEST_REQUEST, answer: int = _LONGEST_ANSWER) -> float:
    """Seconds from writing a request of so many octets until its answer must have come; both travel at line speed."""
    return settings.seconds(request) + settings.seconds(answer) + _TURNAROUND


def patience_for(address: str, settings: LineSettings | None = None, tries: int = 3) -> Patience:
    """Tries, time-out and words for a meter on a serial line with these settings; without settings on a network."""
    if settings is None:
        return Patience(tries, _NETWORK, address, "check the address, and parity and speed behind the gateway")
    return Patience(tries, seconds_to_answer(settings), f"{address} at {settings}", "check parity and address")
