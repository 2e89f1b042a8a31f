"""Invariant: whatever comes over an HDLC line, the meter answers with whole frames to whoever asked, or not at all.

Nothing but frames leaves it, none is longer than was agreed, and the link can be set up afterwards. The octets are sent
as they are; as the information field of each kind of frame within a link; and as what a client hears in answer.
"""

from fuzz.vectors import seeds
from meterwire.errors import MeterwireError
from meterwire.meter_model.faces.dlms.hdlc import FaceDlmsHdlc
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dialogue import Patience, Receive
from meterwire.protocols.dlms.hdlc_carrier import HdlcCarrier
from meterwire.protocols.hdlc.address import server_address
from meterwire.protocols.hdlc.control import Control, Kind
from meterwire.protocols.hdlc.frame import Format, Frame
from meterwire.protocols.hdlc.framer import HdlcFramer
from meterwire.protocols.hdlc.parameters import Parameters, encoded
from meterwire.protocols.wire.codec import codec

NAME = "hdlc_session"
_FRAME = codec(Frame)
_CLIENT, _SERVER = b"\x21", b"\x03"
AARQ = bytes.fromhex("e6e600601da109060760857405080101be10040e01000000065f1f0400001e1dffff")


def frame(said: Control, information: bytes = b"", segmented: int = 0) -> bytes:
    """A client's frame."""
    return _FRAME.build(Frame(Format(segmented=segmented), _SERVER, _CLIENT, said.octet, information[:2000]))


SNRM = frame(Control(Kind.SNRM))
SEEDS = [
    *seeds("dlms", lambda v: v["layer"] == "hdlc"),
    SNRM,
    SNRM + frame(Control(Kind.I), AARQ),
    SNRM + frame(Control(Kind.I, send=0), AARQ[:9], 1)[1:] + frame(Control(Kind.I, send=1), AARQ[9:])[1:],
    frame(Control(Kind.SNRM), encoded(Parameters(2030, 2030, 7, 7)))
    + frame(Control(Kind.RNR))
    + frame(Control(Kind.RR)),
    frame(Control(Kind.DISC)) + frame(Control(Kind.UI), AARQ),
    encoded(Parameters(300, 200, 3, 7)),
    AARQ,
]
FACE = FaceDlmsHdlc(Meter())
LARGEST = 4096
"""Octets looked at: each is delivered several times over."""


def target(data: bytes) -> None:
    """One line: the octets, then frames that hold them; and a client that hears them."""
    data = data[:LARGEST]
    connection = FACE.connect()
    answers = connection.receive(data, 0.0) + connection.idle(1.0)
    (ua,) = connection.receive(SNRM, 2.0)
    answers.append(ua)
    answers += connection.receive(frame(Control(Kind.I), data[:128]), 3.0)
    answers += connection.receive(frame(Control(Kind.SNRM), data), 4.0)
    assert connection.receive(SNRM, 6.0), "the link cannot be set up any more"
    for answer in answers:
        pieces = HdlcFramer().receive(answer.octets)
        assert pieces, "no frame in an answer"
        assert all(hasattr(piece, "message") for piece in pieces), "an answer that is no frame"
    _client(data)


def _client(data: bytes) -> None:
    """Open a link and exchange an APDU with a line on which the octets are all that comes, in frames and bare."""
    for heard in ((data,), (_reply(Control(Kind.UA), data), data, _reply(Control(Kind.I), b"\xe6\xe7\x00" + data))):
        carrier = HdlcCarrier(16, server_address(1))
        steps = carrier.exchange(b"\xc0", lambda apdu: apdu, Patience(tries=2, timeout=1.0), repeatable=True)
        now, waiting = 0.0, list(heard)
        try:
            step = next(steps)
            for _ in range(1000):
                octets = b""
                if isinstance(step, Receive):
                    octets = waiting.pop(0) if waiting else b""
                    now = now + 0.01 if octets else max(now, step.until)
                step = steps.send((now, octets))
            raise AssertionError("an exchange without end")
        except StopIteration:
            continue
        except MeterwireError:
            continue


def _reply(said: Control, information: bytes) -> bytes:
    return _FRAME.build(Frame(Format(), _CLIENT, _SERVER, said.octet, information[:2000]))
