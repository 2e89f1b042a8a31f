"""Invariant: arbitrary octets are cut into M-Bus long frames and garbage that together are the octets again.

Nothing but the documented errors leaves, in bounded time and memory, and octets given one at a time are cut alike.
"""

from fuzz.framing import check_framing
from fuzz.vectors import seeds
from meterwire.protocols.mbus.frame import LongFrame

NAME = "mbus_frame"
SEEDS = seeds("dlms", lambda v: v["layer"] == "mbus")


def target(data: bytes) -> None:
    """Cut, and take every frame apart."""
    check_framing(LongFrame, data)
