"""Invariant: arbitrary octets are cut into DL/T 698.45 frames and garbage that together are the octets again.

Nothing but the documented errors leaves, in bounded time and memory, and octets given one at a time are cut alike. A
frame that was accepted is built to the octets it came from, and its layers are taken apart without an exception.
"""

from fuzz.framing import check_framing
from fuzz.vectors import seeds
from meterwire.errors import MalformedError
from meterwire.protocols.dlt69845.explain import annotator, opener
from meterwire.protocols.dlt69845.link import Link
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.dissect import dissect, render

NAME = "dlt69845_link"
SEEDS = seeds("dlt69845", lambda v: v["kind"] != "apdu")
LINK = codec(Link, 2021)


def target(data: bytes) -> None:
    """Cut into frames; then read the whole as one frame, build it again, and show its layers."""
    check_framing(Link, data, edition=2021, fill=b"\xfe")
    try:
        frame = LINK.parse(data)
    except MalformedError:
        return
    assert LINK.build(frame) == data, "a frame is built differently"
    render(dissect(LINK, data, opener, annotator, spans=512))
