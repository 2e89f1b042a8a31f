"""Invariant: whatever a client of DL/T 698.45 sends, the meter answers with whole frames of its own, or not at all.

No exception leaves it, frames that are not for it or that ask for nothing get no answer, each answer is an APDU that a
client can read, and there are never more answers than requests. The octets are sent as they are, and once more as the
APDU of a frame with good checks, so that the services are reached.
"""

from fuzz.vectors import seeds
from meterwire.meter_model.faces.dlt69845.face import Face69845
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlt69845.address import ANY
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.link import Fragment, FragmentKind, FrameLength, Link, LinkControl
from meterwire.protocols.wire.codec import codec

NAME = "dlt69845_face"
_LINK, _APDU = codec(Link, 2021), codec(Apdu, 2021)
_FRAMES = seeds("dlt69845", lambda v: v["kind"] == "frame")
SEEDS = (
    seeds("dlt69845", lambda v: v["kind"] == "apdu")
    + [_LINK.parse(frame).user for frame in _FRAMES]
    + _FRAMES
    + [bytes.fromhex(text) for text in ("05020102001002002001020000", "0501021010020000", "05050100010000", "030500")]
)
FACE = Face69845(Meter())
LARGEST = 1500
"""Octets of an APDU that is put into a frame; the meter takes frames of 2048."""


def framed(apdu: bytes) -> bytes:
    """A request to whoever is there."""
    flag, octets = ANY.wire(2021)
    return _LINK.build(Link(FrameLength(), LinkControl(started_by_client=1), flag, octets, 16, apdu))


def target(data: bytes) -> None:
    """One connection: the octets, then the octets as an APDU."""
    connection = FACE.connect()
    answers = connection.receive(data, 0.0) + connection.idle(0.0)
    own = connection.receive(framed(data[:LARGEST]), 0.0)
    assert len(own) <= 1, "one request, several answers"
    for answer in answers + own:
        link = _LINK.parse(answer.octets)
        assert link.control.direction == 1, "an answer that looks like a request"
        assert len(answer.octets) <= 2048, "an answer longer than was agreed"
        if link.control.fragment:
            assert codec(Fragment).parse(link.user).word.kind == FragmentKind.ACKNOWLEDGE, "pieces of a short answer"
        else:
            _APDU.parse(link.user)
