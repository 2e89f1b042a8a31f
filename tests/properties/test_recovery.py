"""After noise, a damaged or a truncated frame, the good frame that follows is found: counted over seeded cases, per link.

`make recovery` counts 10,000 cases; fewer are counted with the other tests. Without an idle gap other frames follow
at once, as on a busy line; with one the line is silent for a moment.
"""

import os
import random

import pytest

from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.dlms.wrapper_framer import WrapperFramer
from meterwire.protocols.hdlc.control import Control, Kind
from meterwire.protocols.hdlc.frame import Format, Frame
from meterwire.protocols.hdlc.framer import HdlcFramer
from meterwire.protocols.iec62056_21.messages import Block, Command
from meterwire.protocols.iec62056_21.reader import Reader
from meterwire.protocols.wire.codec import codec

CASES = int(os.environ.get("METERWIRE_RECOVERY_CASES", "400"))
APDUS = [
    bytes.fromhex(text)
    for text in (
        "c001c1000f0000280000ff0200",
        "c001c100030100010800ff0200",
        "c401c1000600055d8f",
        "c401c10009060000010000ff",
        "601da109060760857405080101be10040e01000000065f1f0400001e1dffff",
        "c401c1000102020312000809060000010000ff0203120003090601000108" + "00ff" + "02031200030906010001080" + "1ff",
        "c501c100",
        "c002c100000001",
    )
]


def hdlc(chance):
    information = b"\xe6\xe6\x00" + chance.randbytes(chance.choice((0, 5, 20, 120)))
    said = Control(Kind.I, send=chance.randrange(8), receive=chance.randrange(8))
    return codec(Frame).build(Frame(Format(), b"\x03", b"\x21", said.octet, information))


def wrapper(chance):
    apdu = chance.choice(APDUS)
    if apdu[0] != 0x60:  # with an invoke id of its own, so that the one frame is not the other
        apdu = apdu[:2] + bytes((0xC0 | chance.randrange(16),)) + apdu[3:]
    return codec(Wrapper).build(Wrapper(16, 1, apdu))


def optical(chance):
    number = f"{chance.randrange(1, 99)}.{chance.randrange(1, 9)}.0({chance.randrange(10**8):08d}*kWh)"
    if chance.random() < 0.5:
        return Command("R5", number.encode()).octets
    return Block("\r\n".join([number] * chance.randrange(1, 9)).encode()).octets


LINKS = {
    "hdlc": (hdlc, HdlcFramer),
    "wrapper": (wrapper, lambda: WrapperFramer(lambda source, destination: destination == 1, limit=2048)),
    "iec62056_21": (optical, Reader),
}


def spoilt(chance, frame):
    """Noise, or a frame with a bit flipped, or one cut short."""
    how = chance.randrange(3)
    if how == 0:
        return chance.randbytes(chance.randrange(1, 41))
    if how == 1:
        octets = bytearray(frame)
        octets[chance.randrange(len(octets))] ^= 1 << chance.randrange(8)
        return bytes(octets)
    return frame[: chance.randrange(1, len(frame))]


def found(make, framer, seed, *, gap):
    """Whether the good frame of one case is found."""
    chance = random.Random(seed)
    bad, good = spoilt(chance, make(chance)), make(chance)
    line, pieces = framer(), []
    pieces += line.receive(bad)
    if gap:
        pieces += line.idle()
        pieces += line.receive(good)
    else:
        pieces += line.receive(good)
        for _ in range(60):
            pieces += line.receive(make(chance))
    return any(piece.octets == good for piece in pieces if hasattr(piece, "message"))


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize(("gap", "share"), [(False, 0.99), (True, 0.999)], ids=["busy", "gap"])
def test_the_next_good_frame_is_found(link, gap, share):
    """Protects readings on bad lines: at least 99 % of the frames behind a damaged one, 99.9 % behind a pause."""
    make, framer = LINKS[link]
    count = sum(found(make, framer, f"{link}/{seed}", gap=gap) for seed in range(CASES))
    print(f"{link}: {count} of {CASES} found {'with' if gap else 'without'} an idle gap")
    assert count >= share * CASES
