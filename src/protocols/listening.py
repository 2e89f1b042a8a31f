"""Asking a line on which nobody knows who is there: any number of answers may come to one question, even at once.

`exchange` waits for one answer and is done. Here everything that comes is kept until the line is quiet, since garbage
tells something, too: that somebody answered and others answered at the same time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

import msgspec

from meterwire.protocols.dialogue import Receive, Send, Steps
from meterwire.protocols.wire.framing import Frame, Framer, Garbage

T = TypeVar("T")

GLITCH: Final = 2
"""So few octets are what a driver makes when it is switched, not somebody's answer."""
_SAMPLE: Final = 32
_MOST_OCTETS: Final = 1 << 16
_STALE_READS: Final = 16


class Attention(msgspec.Struct, frozen=True):
    """How long to listen after one question; all in seconds.

    Attributes:
        begin: from writing the question until an answer must have begun to arrive.
        quiet: without octets that end the answers.
        most: for one question in all, whatever comes.
    """

    begin: float
    quiet: float
    most: float


class Tally(msgspec.Struct):
    """What has come in answer to all questions: for advice when nobody was found.

    Attributes:
        asked: questions.
        answers: frames that answered.
        echoed: octets of our own that came back.
        garbage: octets that form no frame.
        sample: the first of them.
        foreign: frames of others: another master polls the line, or an answer came too late.
    """

    asked: int = 0
    answers: int = 0
    echoed: int = 0
    garbage: int = 0
    sample: bytes = b""
    foreign: int = 0


class Heard(msgspec.Struct, Generic[T], frozen=True):
    """What came in answer to one question.

    Attributes:
        answers: messages of the frames that answered.
        strays: messages of frames that did not, our own left out.
        garbage: octets that form no frame, ours left out.
    """

    answers: tuple[T, ...] = ()
    strays: tuple[T, ...] = ()
    garbage: bytes = b""

    @property
    def silent(self) -> bool:
        """Whether nobody answered: neither a frame came nor what a collision of frames leaves."""
        return not self.answers and not self.collided

    @property
    def collided(self) -> bool:
        """Whether more octets came that are no frame than the switching of a driver makes."""
        return len(self.garbage) > GLITCH


def listen(
    request: bytes, framer: Framer[T], answers: Callable[[T], bool], attention: Attention, tally: Tally
) -> Steps[Heard[T]]:
    """Ask one question and keep everything that comes until the line is quiet.

    Args:
        request: octets to send.
        framer: cuts what comes into frames.
        answers: whether a frame's message answers the question.
        attention: how long to listen.
        tally: is brought up to date.
    """
    late = yield from _leftovers(framer)
    now, _ = yield Send(request)
    begin, end = now + attention.begin, now + attention.most
    until, answered, room = begin, False, _MOST_OCTETS
    pieces: list[Any] = []
    while now < until and room > 0:
        now, octets = yield Receive(until)
        if octets:
            room -= len(octets)
            new = framer.receive(octets)
            pieces += new
            answered = answered or any(isinstance(piece, Frame) and answers(piece.message) for piece in new)
            until = min(now + attention.quiet if answered else max(begin, now + attention.quiet), end)
    tally.asked += 1
    return _sorted(late, pieces + framer.idle(), request, answers, tally)


def _leftovers(framer: Framer[T]) -> Steps[list[Frame[T]]]:
    """Frames that came since the last question was given up."""
    pieces: list[Any] = []
    for _ in range(_STALE_READS):
        _, octets = yield Receive(0.0)
        if not octets:
            break
        pieces += framer.receive(octets)
    return [piece for piece in pieces + framer.idle() if isinstance(piece, Frame)]


def _sorted(
    late: list[Frame[T]], pieces: list[Any], request: bytes, answers: Callable[[T], bool], tally: Tally
) -> Heard[T]:
    good: list[T] = []
    strays = [frame.message for frame in late]
    garbage = b""
    for piece in pieces:
        if piece.octets in request:
            tally.echoed += len(piece.octets) + len(getattr(piece, "preamble", b""))
        elif isinstance(piece, Garbage):
            garbage += piece.octets
        else:
            (good if answers(piece.message) else strays).append(piece.message)
    tally.answers += len(good)
    tally.foreign += len(strays)
    if len(garbage) > GLITCH:
        tally.garbage += len(garbage)
        tally.sample = tally.sample or garbage[:_SAMPLE]
    return Heard(tuple(good), tuple(strays), garbage)
