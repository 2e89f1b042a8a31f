"""Invariant: arbitrary octets are cut into wrapped APDUs and garbage that together are the octets again.

Nothing but the documented errors leaves, in bounded time and memory, and octets given one at a time are cut alike.
"""

from fuzz.framing import check_framing
from fuzz.vectors import seeds
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.wire.codec import codec

NAME = "dlms_wrapper"
SEEDS = seeds("dlms", lambda v: v["layer"] == "wrapper") + [
    codec(Wrapper).build(Wrapper(16, 1, apdu)) for apdu in seeds("dlms", lambda v: v["layer"] in ("acse", "apdu"))
]


def target(data: bytes) -> None:
    """Cut, and take every frame apart."""
    check_framing(Wrapper, data)
