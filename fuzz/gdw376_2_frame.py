"""Invariant: arbitrary octets are cut into frames of Q/GDW 10376.2 and garbage that together are the octets again.

Nothing but the documented errors leaves, in bounded time and memory, and octets given one at a time are cut alike.
"""

from fuzz.framing import check_framing
from fuzz.vectors import seeds
from meterwire.protocols.gdw376_2.frame import Frame

NAME = "gdw376_2_frame"
SEEDS = seeds("dlt645_and_376_2", lambda v: v["protocol"] == "gdw376.2")


def target(data: bytes) -> None:
    """Cut, and take every frame apart."""
    check_framing(Frame, data)
