"""What is asked of a line on which nobody knows who is there: the questions of each edition, and how long to listen."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from meterwire.protocols.dialogue import LineSettings
from meterwire.protocols.dlt645.address import covers
from meterwire.protocols.dlt645.edition1997 import Item1997
from meterwire.protocols.dlt645.frame import OVERHEAD, PREAMBLE, Frame, Function, asking
from meterwire.protocols.dlt645.messages import ReadRequest
from meterwire.protocols.listening import Attention
from meterwire.protocols.wire.codec import codec

BAUDS: Final = (2400, 1200, 9600, 4800, 19200, 600)
"""The standard's speeds, the usual ones first (DL/T 645-2007, 4)."""

ENERGY: Final = 0x00010000
OWN_ADDRESS: Final = 0x04000401
ENERGY_1997: Final = 0x9010
VOLTAGE_1997: Final = 0xB611
READ_1997: Final = 0x01

_TURNAROUND: Final = 0.5  # seconds: the longest delay of an answer (DL/T 645-2007, 5, Td)
_SLACK: Final = 0.1  # seconds: adapters, their drivers, and a filter that looks whether an echo comes
_UNDECIDED: Final = 8  # octets of an answer that such a filter may hold
_REQUEST: Final = len(PREAMBLE) + OVERHEAD + 4
_NETWORK: Final = 2.0
_LONGEST: Final = 5.0


class Question(msgspec.Struct, frozen=True):
    """What is asked of every address.

    Attributes:
        function: code of the request.
        data: of the request.
        refusable: whether a refusal is an answer; meters of 2007 refuse what only those of 1997 know.
    """

    function: int
    data: bytes
    refusable: bool = True

    def request(self, pattern: str) -> bytes:
        """The octets that ask the meters that a pattern covers."""
        return PREAMBLE + codec(Frame).build(Frame(pattern, asking(self.function), self.data))

    def is_answered_by(self, frame: Frame, pattern: str) -> bool:
        """Whether a frame answers; a refusal tells the address just as well."""
        control = frame.control
        if not control.direction or (control.abnormal and not self.refusable):
            return False
        return control.function == self.function and covers(pattern, frame.address)


class Edition(msgspec.Struct, frozen=True):
    """The questions of one edition of the standard.

    Attributes:
        year: of the edition.
        opening: is asked under the full wildcard alone.
        first: is asked of every pattern; every meter can answer it.
        second: whether a single answer stays single: what one question hides another shows.
    """

    year: int
    opening: Question | None
    first: Question
    second: Question


def _read(di: int) -> Question:
    return Question(Function.READ, codec(ReadRequest).build(ReadRequest(di)))


def _read_1997(di: int) -> Question:
    return Question(READ_1997, codec(Item1997).build(Item1997(di)), refusable=False)


def edition(year: int) -> Edition:
    """The questions of the edition of 2007, or of 1997 (recalled in part: `edition1997`)."""
    if year == 1997:
        return Edition(1997, None, _read_1997(ENERGY_1997), _read_1997(VOLTAGE_1997))
    return Edition(2007, Question(Function.READ_ADDRESS, b""), _read(ENERGY), _read(OWN_ADDRESS))


EDITIONS: Final = (2007, 1997)


def attention_for(settings: LineSettings | None, timeout: float | None = None) -> Attention:
    """How long to listen on a serial line with these settings, or on a network; a time-out in seconds changes it."""
    if settings is None:
        begin = _NETWORK if timeout is None else timeout
    else:
        begin = settings.seconds(_REQUEST) + (
            _TURNAROUND + _SLACK + settings.seconds(_UNDECIDED) if timeout is None else timeout
        )
    quiet = _TURNAROUND + _SLACK
    return Attention(begin, quiet if timeout is None else min(quiet, timeout), begin + _LONGEST)


def opening_questions(years: Collection[int]) -> int:
    """How many questions find out whether anybody is there."""
    return sum(2 if edition(year).opening else 1 for year in years)


WAYS: Final = (10, 110)
"""Fewest and most questions that one octet of the address takes where several meters answer."""
