"""Invariant: whatever a line delivers, the push listener gives pushes and lost pieces, and nothing else leaves it.

The octets come whole and, where they are few, in two pieces, with a good push behind them. What the listener holds
stays bounded, and it goes on afterwards.
"""

from fuzz.vectors import seeds
from meterwire.protocols.dlms.decipher import CipherKeys
from meterwire.protocols.dlms.listen import LARGEST_PUSH, Lost, Push, PushListener
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.recognise.keys import TitleKeys
from meterwire.protocols.wire.codec import codec

NAME = "dlms_listen"
_KEY = bytes.fromhex("4d5944554d4d59474c4f42414c4b4559")
KEYS = (TitleKeys(b"", CipherKeys(_KEY, _KEY)),)
GOOD = codec(Wrapper).build(Wrapper(1, 1, bytes.fromhex("0F00000001000600000001")))
_LONGEST, _MOST = 300, 1024
SEEDS = [
    seed
    for seed in seeds("dlms", lambda v: v["layer"] in ("wrapper", "hdlc", "mbus"))
    + [codec(Wrapper).build(Wrapper(1, 1, apdu)) for apdu in seeds("dlms", lambda v: v["layer"] == "apdu")]
    if len(seed) <= _LONGEST
]


def target(data: bytes) -> None:
    """Listen to the octets in several ways."""
    data = data[:_MOST]
    half = len(data) // 2
    for pieces in ((data,), (data[:half], data[half:]))[: 1 if len(data) > _LONGEST else 2]:
        listener = PushListener(KEYS)
        found = [one for piece in pieces for one in listener.receive(piece)] + listener.idle()
        assert all(isinstance(one, (Push, Lost)) for one in found)
        assert len(listener._held) <= LARGEST_PUSH
        listener.replies()
        (push,) = listener.receive(GOOD)
        assert isinstance(push, Push), "a good push behind a silence is not heard"
