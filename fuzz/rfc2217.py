"""Invariant: whatever a port server says, opening a port ends in a line or in a TransportError, in bounded time.

Octets for the meter are never made of negotiations, replies are few, and octets given one at a time give the same.
"""

from meterwire.errors import TransportError
from meterwire.protocols.dialogue import LineSettings, Receive
from meterwire.transports.rfc2217 import ComPort

NAME = "rfc2217"
_ACCEPTED = bytes.fromhex("FFFD2CFFFB2CFFFB00FFFD00FFFB03FFFD03")
_SET = bytes.fromhex("FFFA2C6500000960FFF0FFFA2C6608FFF0FFFA2C6703FFF0FFFA2C6801FFF0")
SEEDS = [
    _ACCEPTED,
    _SET,
    _ACCEPTED + _SET,
    _ACCEPTED + b"\x68\x61\xff\xff\x16" + _SET,
    bytes.fromhex("FFFE2C"),
    bytes.fromhex("FFFA2C6C10FFF0FFFA2C6A00FFF0"),
    bytes.fromhex("FFFA2C650000FFFF60FFF0"),
]
SETTINGS = LineSettings(2400, 8, "E", 1)
_MOST_REPLIES = 3 * 4 * 256


def target(data: bytes) -> None:
    """Cut in several ways, and in the middle of the negotiation."""
    port = ComPort("there:1")
    found, replies = port.received(data)
    assert len(found) <= len(data)
    assert len(replies) <= _MOST_REPLIES, "replies out of all proportion"
    if len(data) <= 512:
        again, singly, told = ComPort("there:1"), b"", b""
        for octet in data:
            some, answers = again.received(bytes((octet,)))
            singly, told = singly + some, told + answers
        assert (singly, told) == (found, replies)
    some = data[:4096]
    assert ComPort("there:1").received(port.sent(some)) == (some, b"")
    for before in (b"", _ACCEPTED):
        _open([before, some, some])


def _open(heard: list[bytes]) -> None:
    steps, now, pieces = ComPort("there:1").opening(SETTINGS), 0.0, list(heard)
    try:
        step = next(steps)
        for _ in range(200):
            octets = b""
            if isinstance(step, Receive):
                octets = pieces.pop(0) if pieces else b""
                now = now if octets else step.until
            step = steps.send((now, octets))
        raise AssertionError("a conversation without an end")
    except (StopIteration, TransportError):
        pass
