"""What is read again and again is read once, without that anybody could tell or fill the memory."""

import pytest

from meterwire.errors import MalformedError
from meterwire.protocols.dlt645.frame import WAKE_UP, Frame, Function, asking
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Framer
from meterwire.protocols.wire.remembering import LONGEST, MOST, Remembering


def frame(number: int, data: bytes = b"") -> bytes:
    return codec(Frame).build(Frame(f"{number:012d}", asking(Function.READ), data))


def test_the_same_octets_give_the_same_message_and_others_theirs():
    """A message never changes, so it may be the very same object."""
    reader = Remembering(codec(Frame))
    first, other = reader.parse(frame(1)), reader.parse(frame(2))
    assert reader.parse(frame(1)) is reader.attempt(frame(1)) is first
    assert (first, other) == (codec(Frame).parse(frame(1)), codec(Frame).parse(frame(2)))


def test_what_is_malformed_is_malformed_each_time():
    """Failures are not remembered, and both ways of asking give them as the codec does."""
    reader = Remembering(codec(Frame))
    spoilt = frame(1)[:-2] + b"\0\x16"
    for _ in range(2):
        assert isinstance(reader.attempt(spoilt), MalformedError)
        with pytest.raises(MalformedError):
            reader.parse(spoilt)


def test_neither_many_messages_nor_long_ones_fill_the_memory():
    """Whoever sends something else each time, or something long, costs no more than a fixed amount."""
    reader = Remembering(codec(Frame))
    for number in range(3 * MOST):
        assert reader.parse(frame(number)).address == f"{number:012d}"
        assert len(reader._known) <= MOST
    before = len(reader._known)
    long = frame(7, bytes(LONGEST))
    assert reader.parse(long) is not reader.parse(long)
    assert len(reader._known) == before


@pytest.mark.parametrize("wake", [0, 1, 4, 9])
def test_a_framer_that_remembers_gives_the_same_frames(wake):
    """Wake-up octets, places in the stream and octets are those of this reception, not of the first."""
    framers = [Framer(codec(Frame), fill=WAKE_UP, again=again) for again in (False, True)]
    for octets in (frame(1), WAKE_UP * wake + frame(1), frame(2) + frame(1), frame(1)[:5], frame(1)[5:], frame(1)):
        one, other = (framer.receive(octets) for framer in framers)
        assert one == other
