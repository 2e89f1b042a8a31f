"""Invariant: arbitrary octets are cut into HDLC frames and garbage that together are the octets again.

Nothing but the documented errors leaves, in bounded time and memory, and octets given one at a time are cut alike.
"""

from fuzz.framing import check_framing
from fuzz.vectors import seeds
from meterwire.protocols.hdlc.frame import Frame

NAME = "hdlc_frame"
SEEDS = seeds("dlms", lambda v: v["layer"] == "hdlc")


def target(data: bytes) -> None:
    """Cut, and take every frame apart."""
    check_framing(Frame, data)
