"""The short way for what nearly always comes gives what the long way gives: text, refusal, counter and manner of answer."""

import pytest
from dlms_secured import FULL, METER_TITLE, SIGNED, TITLE, Form, Level, chance, keys, pair
from hypothesis import given, settings
from hypothesis import strategies as st

from meterwire.errors import SecurityError
from meterwire.protocols.dlms.security.ciphering import Ciphering
from meterwire.protocols.dlms.security.counters import ReceivedCounter, SendingCounter
from meterwire.protocols.dlms.security.gcm import AUTHENTICATED, ENCRYPTED

GET = bytes.fromhex("C001C100080000010000FF0200")
TEXTS = [GET, bytes.fromhex("C401C1000600000001"), bytes.fromhex("C101C100010000600101FF020009") + b"\x20" + bytes(32)]
LONG = bytes.fromhex("C401C10009820100") + bytes(256)
DEDICATED = bytes(range(50, 66))


class Long(Ciphering):
    """Without the short way."""

    def _usual(self, octets):
        return None


def made(kind, own, peer, level, *, server, dedicated=b"", first=5):
    return kind(
        0,
        own,
        peer,
        keys(0, None),
        sending=SendingCounter(first),
        received=ReceivedCounter(3),
        level=level,
        server=server,
        dedicated=dedicated,
        random=chance(1),
    )


def outcome(side, octets):
    """What comes of octets, and what has changed by it."""
    try:
        found = side.unprotect(octets)
    except SecurityError as error:
        found = (type(error), str(error))
    manner = side._form, side._globally, side._control, side._signs
    return found, side.received.expected, manner, side.protect(TEXTS[1]) if not side._signs else b""


LEVELS = {
    "both": FULL,
    "authenticated": Level(AUTHENTICATED, AUTHENTICATED),
    "encrypted": Level(ENCRYPTED, ENCRYPTED),
    "nothing required": Level(AUTHENTICATED | ENCRYPTED, 0),
    "general": Level(AUTHENTICATED | ENCRYPTED, AUTHENTICATED | ENCRYPTED, Form.GENERAL),
}


@settings(max_examples=300, deadline=None)
@given(
    level=st.sampled_from(sorted(LEVELS)),
    mine=st.sampled_from(sorted(LEVELS)),
    dedicated=st.booleans(),
    text=st.sampled_from([*TEXTS, LONG]),
    first=st.sampled_from([0, 2, 3, 7]),
    place=st.integers(0, 400),
    change=st.sampled_from([0, 0, 1, 0x80]),
    cut=st.sampled_from([0, 0, 0, 1, 12]),
    server=st.booleans(),
)
def test_both_ways_agree(level, mine, dedicated, text, first, place, change, cut, server):
    """On whole APDUs, on changed ones and on those that are cut off, in either role."""
    key = DEDICATED if dedicated else b""
    sender = made(Long, TITLE, METER_TITLE, LEVELS[level], server=False, dedicated=key, first=first)
    octets = bytearray(sender.protect(text))
    octets[place % len(octets)] ^= change
    octets = bytes(octets[: len(octets) - cut])
    sides = [made(kind, METER_TITLE, TITLE, LEVELS[mine], server=server, dedicated=key) for kind in (Ciphering, Long)]
    assert outcome(sides[0], octets) == outcome(sides[1], octets)


def test_the_short_way_is_taken_for_what_nearly_always_comes():
    """So that it does not fall asleep."""
    sender = made(Ciphering, TITLE, METER_TITLE, FULL, server=False)
    meter = made(Ciphering, METER_TITLE, TITLE, FULL, server=True)
    assert meter._usual(sender.protect(GET)) == GET
    assert meter._usual(sender.protect(LONG)) is None


def test_a_signature_that_must_be_there_is_never_passed_by():
    """D6: who must sign does not come in by the short way."""
    level = Level(AUTHENTICATED | ENCRYPTED | SIGNED, AUTHENTICATED | ENCRYPTED | SIGNED)
    sender = made(Ciphering, TITLE, METER_TITLE, FULL, server=False)
    meter = made(Ciphering, METER_TITLE, TITLE, level, server=True)
    assert pair(1, b"x")
    with pytest.raises(SecurityError, match="signed"):
        meter.unprotect(sender.protect(GET))
