"""Invariant: arbitrary octets are cut into frames of DL/T 645 and garbage that together are the octets again.

Octets given one at a time are cut alike. Every frame, and every data field under any control code, can be taken apart
with its names, units and values; nothing but the documented errors leaves, in bounded time and memory.
"""

from fuzz.framing import check_framing
from fuzz.vectors import seeds
from meterwire.errors import MeterwireError
from meterwire.protocols.dlt645.explain import annotator, opener
from meterwire.protocols.dlt645.frame import WAKE_UP, Frame
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.dissect import dissect, render

NAME = "dlt645_frame"
SEEDS = seeds("dlt645_and_376_2", lambda v: v["protocol"].startswith("dlt645"))

_MASK = bytes((octet - 0x33) & 0xFF for octet in range(256))


def target(data: bytes) -> None:
    """Cut, take every frame apart, and take the octets apart as the inside of a frame."""
    check_framing(Frame, data, fill=WAKE_UP)
    for at in (0, 8):  # the octets themselves, and those from the control code of a seed on
        _explain(data[at : at + 1], data[at + 2 : at + 257].translate(_MASK))
    try:
        codec(Frame).parse(data)
    except MeterwireError:
        return


def _explain(control: bytes, content: bytes) -> None:
    if not control:
        return
    layout = codec(Frame)
    head = b"\x68" + bytes(6) + b"\x68" + control + bytes([len(content)])
    octets = head + content.translate(bytes((octet + 0x33) & 0xFF for octet in range(256)))
    octets += bytes([sum(octets) & 0xFF, 0x16])
    assert layout.parse(octets).data == content
    render(dissect(layout, octets, opener, annotator, spans=256))
