"""Invariant: arbitrary octets are an APDU of DL/T 698.45, or a MalformedError with path and offset within them.

What is accepted is built again, and that reads back as the same value; it is shown without an exception. Time and
memory stay bounded whatever counts, lengths and nesting the octets claim.
"""

from fuzz.vectors import seeds
from meterwire.errors import MalformedError
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.explain import annotator, opener
from meterwire.protocols.dlt69845.link import Link
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.dissect import dissect, render

NAME = "dlt69845_apdu"
_FRAMES = seeds("dlt69845", lambda v: v["kind"] == "frame")
SEEDS = seeds("dlt69845", lambda v: v["kind"] == "apdu") + [codec(Link, 2021).parse(frame).user for frame in _FRAMES]
APDU = codec(Apdu, 2021)


def target(data: bytes) -> None:
    """Read, build again, read again; and show."""
    failed = None
    try:
        value = APDU.parse(data)
    except MalformedError as error:
        failed = error
    if failed is None:
        again = APDU.build(value)
        assert repr(APDU.parse(again)) == repr(value), "built again it says something else"  # repr: NaN is not NaN
    else:
        assert 0 <= failed.offset <= len(data), "the place of the failure lies outside"
    render(dissect(APDU, data[:2048], opener, annotator, spans=256))
