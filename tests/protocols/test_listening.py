"""Listening for any number of answers: what ends it, what is an answer, an echo, garbage, somebody else's."""

import pytest

from meterwire.protocols.dialogue import Receive, Send
from meterwire.protocols.dlt645.frame import Frame, answering, asking
from meterwire.protocols.listening import GLITCH, Attention, Heard, Tally, listen
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Framer

ATTENTION = Attention(begin=1.0, quiet=0.3, most=4.0)
REQUEST = b"\xfe\xfe" + codec(Frame).build(Frame("AAAAAAAAAA61", asking(0x11), b"\0\0\1\0"))
ANSWER = codec(Frame).build(Frame("000000000161", answering(0x11), b"\0\0\1\0\1\2\3\4"))
OTHER = codec(Frame).build(Frame("000000000099", answering(0x14)))


def played(*arrivals, late=(), attention=ATTENTION):
    """Listen while pieces arrive, each at its time behind the request; gives what was heard, the tally, when it ended."""
    tally, now, waiting, late = Tally(), 10.0, list(arrivals), list(late)
    steps = listen(
        REQUEST,
        Framer(codec(Frame), fill=b"\xfe", limit=300),
        lambda frame: frame.control.direction == 1 and frame.control.function == 0x11,
        attention,
        tally,
    )
    step = next(steps)
    while True:
        octets = b""
        if isinstance(step, Send):
            assert step.octets == REQUEST
        else:
            assert isinstance(step, Receive)
            if step.until == 0.0:
                octets = late.pop(0) if late else b""
            elif waiting and 10.0 + waiting[0][0] <= step.until:
                moment, octets = waiting.pop(0)
                now = max(now, 10.0 + moment)
            else:
                now = step.until
        try:
            step = steps.send((now, octets))
        except StopIteration as done:
            return done.value, tally, now - 10.0


def test_silence_ends_when_an_answer_should_have_begun():
    """Protects the estimate: nobody costs exactly the time to begin."""
    heard, tally, ended = played()
    assert heard == Heard()
    assert heard.silent
    assert ended == pytest.approx(1.0)
    assert tally == Tally(asked=1)


def test_an_answer_ends_with_quiet():
    """Protects time: once somebody has answered only the quiet is waited for, which others may still break."""
    heard, tally, ended = played((0.1, ANSWER))
    assert [one.address for one in heard.answers] == ["000000000161"]
    assert not heard.silent
    assert ended == pytest.approx(0.4)
    heard, _, ended = played((0.1, ANSWER), (0.35, ANSWER[:5]), (0.4, ANSWER[5:]))
    assert len(heard.answers) == 2
    assert ended == pytest.approx(0.7)
    assert tally.answers == 1


def test_an_echo_is_no_answer_and_cuts_nothing_short():
    """Protects lines that echo: whole, without its wake-up octets or its last octet, it is ours, and the answer counts."""
    for echo in (REQUEST, REQUEST[2:], REQUEST[:-1]):
        heard, tally, ended = played((0.05, echo))
        assert heard.silent
        assert ended == pytest.approx(1.0)
        assert tally.echoed >= len(REQUEST) - 3
        heard, tally, _ = played((0.05, echo), (0.8, ANSWER))
        assert len(heard.answers) == 1
        assert not heard.garbage
        assert tally.garbage == 0


def test_garbage_is_told_from_glitches():
    """Protects collisions from the switching of drivers: a few octets are nobody's, more are somebody's."""
    heard, tally, ended = played((0.2, b"\0" * GLITCH))
    assert heard.silent
    assert (tally.garbage, ended) == (0, pytest.approx(1.0))
    heard, tally, _ = played((0.2, ANSWER[:-2] + b"\0\0"))
    assert heard.collided
    assert not heard.silent
    assert tally.garbage == len(ANSWER)
    assert tally.sample == ANSWER[:-2] + b"\0\0"


def test_what_answers_somebody_else_is_stray():
    """Protects evidence: frames of others, and frames that came too late for their question, are kept apart."""
    heard, tally, _ = played((0.2, OTHER), late=[ANSWER[:4], ANSWER[4:]])
    assert heard.answers == ()
    assert [one.address for one in heard.strays] == ["000000000161", "000000000099"]
    assert heard.silent
    assert tally.foreign == 2


def test_a_line_that_never_stops_is_left():
    """Protects time and memory: neither a babbler nor a flood of octets holds a search up."""
    heard, _, ended = played(*((0.1 * tick, b"\x55") for tick in range(1, 1000)))
    assert ended <= ATTENTION.most + 0.1
    assert heard.collided
    heard, _, ended = played(*((0.1, bytes(4096)) for _ in range(1000)))
    assert len(heard.garbage) <= 1 << 17
    assert ended < 1.0
