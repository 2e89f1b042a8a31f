"""Invariant: whatever arrives, an emulated meter answers with whole frames of its own, or not at all.

Octets given one at a time are answered alike, unless a whole frame lies within another: then the inner one may be
found before the outer one ends. A frame is answered at most once, the next good request is answered, and nothing but
the documented errors leaves, in bounded time and memory.
"""

import datetime as dt

from fuzz.vectors import seeds
from meterwire.meter_model.clock import VirtualClock
from meterwire.meter_model.faces.dlt645.face import Face645, Responder645
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlt645.frame import Frame, asking
from meterwire.protocols.wire.codec import codec

NAME = "dlt645_face"

START = dt.datetime(2026, 1, 1, 12)  # noqa: DTZ001  the meter's local time
METER = Meter(clock=VirtualClock(START, frozen=True))
FIXED = {0x03300201: bytes(202), 0x0E000001: bytes(1000)}
SINGLY = 600
LARGEST = 4096
"""Octets looked at: more would only be more requests, each of which has its price."""


def _request(function: int, content: bytes, address: str = METER.identity.address) -> bytes:
    return codec(Frame).build(Frame(address, asking(function), content))


GOOD = _request(0x11, bytes.fromhex("00000100"))
SEEDS = [
    GOOD,
    GOOD + _request(0x11, bytes.fromhex("00FF0100")),
    _request(0x13, b"", "A" * 12),
    _request(0x11, bytes.fromhex("01023003")) + _request(0x12, bytes.fromhex("0102300301")),
    _request(0x11, bytes.fromhex("0100000E"))
    + b"".join(_request(0x12, bytes.fromhex("0100000E") + bytes([n])) for n in range(1, 6)),
    _request(0x08, bytes.fromhex("040012010126"), "9" * 12),
    _request(0x14, bytes.fromhex("0101000402000000785634120601012600")),
    *(_request(function, b"\x02" + bytes(11)) for function in range(32)),
    *seeds("dlt645_and_376_2", lambda v: v["protocol"].startswith("dlt645")),
]

_MASK = bytes((octet - 0x33) & 0xFF for octet in range(256))


def target(data: bytes) -> None:
    """Ask with the octets, and with requests to this meter whose inside they are."""
    inside = _request(data[0] & 0x1F, data[1:256].translate(_MASK)) if data else b""
    for octets in (data[:LARGEST], inside):
        whole = _asked(octets, len(octets) or 1)
        if len(octets) <= SINGLY and not _nested(octets):
            assert whole == _asked(octets, 1), "answered differently one by one"


def _asked(octets: bytes, size: int) -> list[bytes]:
    if METER.clock.now().replace(tzinfo=None) != START:
        METER.clock.jump(START)
    responder = Face645(METER, fixed=FIXED, preamble=0).connect()
    answers = [a for at in range(0, len(octets), size) for a in _heard(responder, octets[at : at + size])]
    answers += [answer.octets for answer in responder.idle(1.0)]
    for answer in answers:
        frame = codec(Frame).parse(answer)
        assert frame.address == METER.identity.address
        assert frame.control.direction == 1
    assert len(answers) <= len(octets) // 12, "more answers than requests"
    assert len(_heard(responder, GOOD)) == 1, "the next good request was not answered"
    return answers


def _nested(octets: bytes) -> bool:
    layout, end = codec(Frame), 0
    for at in range(len(octets)):
        length = 12 + octets[at + 9] if at + 9 < len(octets) and octets[at] == 0x68 else 0
        if length and isinstance(layout.attempt(octets[at : at + length]), Frame):
            if at < end:
                return True
            end = at + length
    return False


def _heard(responder: Responder645, octets: bytes) -> list[bytes]:
    return [answer.octets for answer in responder.receive(octets, 0.0)]
