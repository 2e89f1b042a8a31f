"""Invariant: arbitrary octets are an APDU of DLMS/COSEM, or a MalformedError with path and offset within them.

What is accepted is built again, and that reads back as the same value; it is shown without an exception. Time and
memory stay bounded whatever counts, lengths and nesting the octets claim.
"""

from fuzz.vectors import seeds
from meterwire.errors import MalformedError
from meterwire.protocols.dlms.apdu import APDU
from meterwire.protocols.dlms.explain import annotator, opener
from meterwire.protocols.dlms.llc import Llc
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.dissect import dissect, render

NAME = "dlms_apdu"
CODEC = codec(APDU)
SEEDS = (
    seeds("dlms", lambda v: v["layer"] in ("acse", "apdu"))
    + [codec(Llc).parse(octets).apdu for octets in seeds("dlms", lambda v: v["layer"] == "llc")]
    + [
        bytes.fromhex(text)
        for text in (
            "c001c100030100010800ff0200",
            "c003c10200030100010800ff020000030100010800ff0300",
            "c002c100000001",
            "c401c10006000004d2",
            "c402c10000000001000401020304",
            "c403c1020006000004d20104",
            "c101c100080000010000ff020000",
            "c301c100460000600300ff010101",
            "6203800100",
            "d80106",
            "dd080000000000000001084d4d4d0000000001084d575200000001610000010000063000000001aa",
            "e08000010000" + "03c401c1",
        )
    ]
)


def target(data: bytes) -> None:
    """Read, build again, read again; and show."""
    failed = None
    try:
        value = CODEC.parse(data)
    except MalformedError as error:
        failed = error
    if failed is None:
        again = CODEC.build(value)
        assert repr(CODEC.parse(again)) == repr(value), "built again it says something else"  # repr: NaN is not NaN
    else:
        assert 0 <= failed.offset <= len(data), "the place of the failure lies outside"
    render(dissect(CODEC, data[:2048], opener, annotator, spans=256))
