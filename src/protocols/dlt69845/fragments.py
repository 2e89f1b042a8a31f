"""An APDU that is longer than a frame crosses the link in pieces, each acknowledged before the next one is sent.

Everything that a piece or an acknowledgement can bring about is in the two tables below, once it is known not to come
late; neither knows whether it is the client or the server who sends. DL/T 698.45-2017, 6, fragmented transfer.

Theory of operation. The sender waits for the acknowledgement of each piece, the last one too, and repeats the piece
when its time has run out. So a piece may come twice, because its acknowledgement was lost or late, and must then be
acknowledged again and not be taken again; and an acknowledgement may come twice, and must not make the sender send
twice, or each further exchange would carry everything double. A receiver therefore compares: a piece that it has is
acknowledged if it has the same octets, and ends the transfer if it has others, because pieces carry no name of their
APDU and those of two APDUs must never be mixed. On a line that doubles and delays, a piece of a former APDU can even
come where one of the same number is due: a piece with the very octets of a namesake in one of the APDUs before is
therefore left aside once, where the line has been seen to repeat, and taken when its sender insists. A sender takes
the acknowledgement of the piece it waits for and no other. Nothing in the standard's text says how long to wait and
how often to repeat: both are parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt69845.link import Fragment, FragmentKind, FragmentWord
from meterwire.protocols.wire.codec import codec

LIMIT: Final = 1 << 20
"""Octets of the longest APDU that is put together, where nobody says otherwise."""
NUMBERS: Final = 1 << 12
"""Numbers of pieces go round."""
WORD: Final = 2
"""Octets of the word in front of a piece."""
LEAST: Final = 8
"""Octets of the smallest piece but the last that is sent."""
REMEMBERED: Final = 1 << 10
"""Pieces of the APDUs before that are known again when they come late."""
MOST: Final = 1 << 15
"""Pieces of one APDU that are taken, so that small ones do not cost far more than they carry."""
WAIT: Final = 5.0
"""Seconds to wait for an acknowledgement, where nobody says otherwise."""
TRIES: Final = 5
"""How often a piece is sent, where nobody says otherwise."""

FIRST, LAST, ACKNOWLEDGE, MIDDLE = FragmentKind.FIRST, FragmentKind.LAST, FragmentKind.ACKNOWLEDGE, FragmentKind.MIDDLE


class Place(Enum):
    """Where the number of a piece stands among those received."""

    DUE = "the one that comes next"
    SEEN = "one that is here, with the same octets"
    OTHER = "one that is here, with other octets"
    BEYOND = "one that cannot come yet"


class Receiving(Enum):
    """What a receiver is doing."""

    RESTING = "nothing has come, or everything"
    COLLECTING = "pieces are missing"


class Act(Enum):
    """What a receiver does with a piece."""

    BEGIN = "forget what is here, keep the piece, acknowledge"
    KEEP = "keep the piece, acknowledge"
    FINISH = "keep the piece, acknowledge, hand over the APDU"
    AGAIN = "acknowledge again"
    ABORT = "forget what is here; the pieces are of two APDUs"


RECEIVER: Final[Mapping[tuple[Receiving, FragmentKind, Place], tuple[Act, Receiving]]] = {
    (Receiving.RESTING, FIRST, Place.DUE): (Act.BEGIN, Receiving.COLLECTING),
    (Receiving.RESTING, LAST, Place.SEEN): (Act.AGAIN, Receiving.RESTING),
    (Receiving.COLLECTING, MIDDLE, Place.DUE): (Act.KEEP, Receiving.COLLECTING),
    (Receiving.COLLECTING, LAST, Place.DUE): (Act.FINISH, Receiving.RESTING),
    (Receiving.COLLECTING, FIRST, Place.SEEN): (Act.AGAIN, Receiving.COLLECTING),
    (Receiving.COLLECTING, MIDDLE, Place.SEEN): (Act.AGAIN, Receiving.COLLECTING),
    (Receiving.COLLECTING, FIRST, Place.OTHER): (Act.BEGIN, Receiving.COLLECTING),
    (Receiving.COLLECTING, MIDDLE, Place.OTHER): (Act.ABORT, Receiving.RESTING),
    (Receiving.COLLECTING, LAST, Place.OTHER): (Act.ABORT, Receiving.RESTING),
}
"""From state, kind and place of a piece to what is done and the next state. What is not here is dropped in silence."""


class Sending(Enum):
    """What a sender is doing."""

    RESTING = "nothing to send"
    WAITING = "a piece was sent and is not acknowledged"


class Move(Enum):
    """What a sender does."""

    NEXT = "send the next piece"
    DONE = "everything has arrived"
    REPEAT = "send the piece again"
    GIVE_UP = "nobody is there"


class Cue(Enum):
    """What happens to a sender."""

    ACKNOWLEDGED = "the piece is acknowledged"
    LAST_ACKNOWLEDGED = "the last piece is acknowledged, or answered, which says the same"
    LATE = "the time of the piece has run out"
    TOO_LATE = "it has run out, and the piece was sent as often as it may be"


SENDER: Final[Mapping[tuple[Sending, Cue], tuple[Move, Sending]]] = {
    (Sending.WAITING, Cue.ACKNOWLEDGED): (Move.NEXT, Sending.WAITING),
    (Sending.WAITING, Cue.LAST_ACKNOWLEDGED): (Move.DONE, Sending.RESTING),
    (Sending.WAITING, Cue.LATE): (Move.REPEAT, Sending.WAITING),
    (Sending.WAITING, Cue.TOO_LATE): (Move.GIVE_UP, Sending.RESTING),
}
"""From state and cue to what is done and the next state. What is not here is dropped in silence."""


class Taken(msgspec.Struct, frozen=True):
    """What became of a piece.

    Attributes:
        reply: user data of the acknowledgement to send, empty for none.
        apdu: the APDU that is now whole.
        news: whether the piece brought something new, so that waiting for more is worth while.
        fault: why the transfer ended without an APDU, empty where it did not.
    """

    reply: bytes = b""
    apdu: bytes | None = None
    news: bool = False
    fault: str = ""


NOTHING: Final = Taken()


class Incoming:
    """An APDU that comes in pieces.

    Args:
        limit: most octets of it.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._state = Receiving.RESTING
        self._pieces: list[bytes] = []
        self._octets = 0
        self._finished: tuple[int, bytes] | None = None
        self._former: dict[tuple[int, int], None] = {}
        self._doubted: tuple[int, bytes] | None = None
        self._repeats = self._trusting = False

    @property
    def busy(self) -> bool:
        """Whether pieces are missing."""
        return self._state == Receiving.COLLECTING

    def forget(self) -> None:
        """Give up what is not whole."""
        self._remember()
        self._state, self._pieces, self._octets = Receiving.RESTING, [], 0
        self._trusting = False

    def receive(self, fragment: Fragment) -> Taken:
        """Take a piece; an acknowledgement is none and is dropped."""
        kind, number, piece = FragmentKind(fragment.word.kind), fragment.word.number, fragment.piece
        if kind == ACKNOWLEDGE or (kind != LAST and not piece):
            return NOTHING
        place = self._place(kind, number, piece)
        self._repeats = self._repeats or place is not Place.DUE
        if self._is_late(place, number, piece):
            return NOTHING
        found = RECEIVER.get((self._state, kind, place))
        if found is None:
            return NOTHING
        act, self._state = found
        return _ACTS[act](self, number, piece)

    def _place(self, kind: FragmentKind, number: int, piece: bytes) -> Place:
        if self._state == Receiving.RESTING:
            if kind == FIRST:
                return Place.DUE if number == 0 else Place.BEYOND
            return Place.SEEN if self._finished == (number, piece) else Place.BEYOND
        index = len(self._pieces) - (len(self._pieces) - number) % NUMBERS
        if kind == FIRST and number:  # number 0 alone begins an APDU
            return Place.BEYOND
        if index == len(self._pieces):
            return Place.DUE
        if index < 0:
            return Place.BEYOND
        return Place.SEEN if self._pieces[index] == piece else Place.OTHER

    def _is_late(self, place: Place, number: int, piece: bytes) -> bool:
        """Whether a piece may be one of an APDU before that comes late: it is like that one, and comes once."""
        if place in {Place.SEEN, Place.BEYOND} or not self._repeats:
            return False
        if self._trusting or (number, hash(piece)) not in self._former:
            return False
        self._trusting = self._doubted == (number, piece)  # whoever insists sends an APDU again that was there before
        self._doubted = number, piece
        return not self._trusting

    def _remember(self) -> None:
        """The pieces that are here may come again, late."""
        self._former |= {(place % NUMBERS, hash(piece)): None for place, piece in enumerate(self._pieces)}
        for old in list(self._former)[: max(0, len(self._former) - REMEMBERED)]:
            del self._former[old]

    def _begin(self, number: int, piece: bytes) -> Taken:
        self._remember()
        self._pieces, self._octets, self._finished = [], 0, None
        self._trusting = self._doubted == (number, piece)
        self._doubted = None
        return self._keep(number, piece)

    def _keep(self, number: int, piece: bytes) -> Taken:
        self._octets += len(piece)
        if self._octets > self._limit or len(self._pieces) == MOST:
            self.forget()
            return Taken(fault=f"an APDU in pieces is longer than {self._limit} octets, or has more than {MOST} pieces")
        self._pieces.append(piece)
        return Taken(acknowledgement(number), news=True)

    def _finish(self, number: int, piece: bytes) -> Taken:
        kept = self._keep(number, piece)
        if kept.fault:
            return kept
        apdu = b"".join(self._pieces)
        self.forget()
        self._finished = number, piece
        return Taken(kept.reply, apdu, news=True)

    def _again(self, number: int, piece: bytes) -> Taken:
        del piece
        return Taken(acknowledgement(number))

    def _abort(self, number: int, piece: bytes) -> Taken:
        del piece
        self.forget()
        return Taken(fault=f"piece {number} of an APDU came twice with different octets")


_ACTS: Final[Mapping[Act, Callable[[Incoming, int, bytes], Taken]]] = {
    Act.BEGIN: Incoming._begin,  # noqa: SLF001  of this module
    Act.KEEP: Incoming._keep,  # noqa: SLF001
    Act.FINISH: Incoming._finish,  # noqa: SLF001
    Act.AGAIN: Incoming._again,  # noqa: SLF001
    Act.ABORT: Incoming._abort,  # noqa: SLF001
}


class Outgoing:
    """An APDU that is sent in pieces. It gives user data of frames: one piece with its word each.

    Args:
        wait: seconds to wait for an acknowledgement.
        tries: how often a piece is sent.

    Attributes:
        gave_up: whether the last APDU was given up because nobody acknowledged.
        due: when to call `late`, infinite for not at all.
    """

    def __init__(self, *, wait: float = WAIT, tries: int = TRIES) -> None:
        self._wait, self._tries = wait, tries
        self._state = Sending.RESTING
        self._pieces: list[bytes] = []
        self._place = self._sent = 0
        self.due = math.inf
        self.gave_up = False

    @property
    def busy(self) -> bool:
        """Whether a piece waits for its acknowledgement."""
        return self._state == Sending.WAITING

    def send(self, apdu: bytes, room: int, now: float) -> bytes:
        """Begin with an APDU, in place of one that is under way; gives the first piece. See `pieces`."""
        self._pieces = pieces(apdu, room)
        self._state, self._place, self._sent, self.gave_up = Sending.WAITING, 0, 1, False
        self.due = now + self._wait
        return self._pieces[0]

    def acknowledged(self, number: int, now: float) -> bytes:
        """The other end has this piece; gives the next one, or nothing."""
        if self._state != Sending.WAITING or number != self._place % NUMBERS:
            return b""
        last = self._place + 1 == len(self._pieces)
        return self._move(Cue.LAST_ACKNOWLEDGED if last else Cue.ACKNOWLEDGED, now)

    def answered(self, now: float) -> None:
        """The other end answers: so it has everything, where everything was sent."""
        if self._place + 1 == len(self._pieces):
            self._move(Cue.LAST_ACKNOWLEDGED, now)

    def late(self, now: float) -> bytes:
        """Time has passed; gives the piece again where it is due and may be sent again, or nothing."""
        if now < self.due:
            return b""
        return self._move(Cue.LATE if self._sent < self._tries else Cue.TOO_LATE, now)

    def forget(self) -> None:
        """Give up what is under way."""
        if self.due < math.inf:
            self._state, self._pieces, self.due = Sending.RESTING, [], math.inf

    def _move(self, cue: Cue, now: float) -> bytes:
        found = SENDER.get((self._state, cue))
        if found is None:
            return b""
        move, self._state = found
        if self._state == Sending.RESTING:
            self.gave_up = move == Move.GIVE_UP
            self._pieces, self.due = [], math.inf
            return b""
        self._place, self._sent = (self._place + 1, 1) if move == Move.NEXT else (self._place, self._sent + 1)
        self.due = now + self._wait
        return self._pieces[self._place]


def pieces(apdu: bytes, room: int) -> list[bytes]:
    """An APDU cut into pieces, each with its word, so that none has more than `room` octets of user data.

    Raises LocalProtocolError where the room is too small for pieces.
    """
    size = room - WORD
    if size < LEAST:
        raise LocalProtocolError(f"{room} octets of user data are too few for pieces of an APDU")
    cut = [apdu[start : start + size] for start in range(0, len(apdu), size)]
    if len(cut) < 2:  # a first piece and a last one there must be
        cut = [apdu[:-1], apdu[-1:]]
    kinds = [FIRST, *(MIDDLE,) * (len(cut) - 2), LAST]
    return [_piece(kind, place % NUMBERS, piece) for place, (kind, piece) in enumerate(zip(kinds, cut, strict=True))]


def acknowledgement(number: int) -> bytes:
    """User data that acknowledge a piece."""
    return _piece(ACKNOWLEDGE, number, b"")


def _piece(kind: FragmentKind, number: int, piece: bytes) -> bytes:
    return codec(Fragment).build(Fragment(FragmentWord(kind=kind, number=number), piece))


__all__ = [
    "LIMIT",
    "RECEIVER",
    "SENDER",
    "TRIES",
    "WAIT",
    "Act",
    "Cue",
    "Incoming",
    "Move",
    "Outgoing",
    "Place",
    "Receiving",
    "Sending",
    "Taken",
    "acknowledgement",
    "pieces",
]
