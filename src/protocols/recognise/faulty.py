"""Frames with a fault: those whose only fault is a check, those around good frames, and what garbage lacks."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from meterwire.errors import MalformedError
from meterwire.protocols.dlms.apdu import APDU
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.link import EDITION
from meterwire.protocols.recognise.bare import is_service, is_tag
from meterwire.protocols.recognise.candidate import Candidate
from meterwire.protocols.recognise.explain import Explanation
from meterwire.protocols.recognise.framed import despite_checks
from meterwire.protocols.recognise.kinds import DLT69845, GDW376_2, LIKELY, LONGEST, MBUS_SHORT, WRAPPER, Kind
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.dissect import dissect

_WORK: Final = 4
"""Octets that may be read for nothing, for each octet of the stream."""
_FEW: Final = 1 << 14
_SMALL: Final = 300
"""Attempts at so few octets are free: a start can have only as many of them as there are kinds."""
_HEAD: Final = 2048
_SHORTEST: Final = 4
"""Fewer octets, such as the end of a line of text, are like nothing."""
_LINK_HEAD: Final = 24
"""Longest header of a DL/T 698.45 link frame, its check included."""
_START: Final = re.compile(rb"\x68|\x7e(?=[\xa0-\xaf])")
_NOTHING: Final = "no frame begins here"


class _Work:
    """How many octets may still be read for nothing."""

    def __init__(self, octets: int) -> None:
        self._left = _WORK * octets + _FEW

    def affords(self, octets: int) -> bool:
        """Whether so many octets may still be tried."""
        return octets <= _SMALL or self._left >= octets

    def spend(self, octets: int) -> None:
        """They were read for nothing."""
        self._left -= octets if octets > _SMALL else 0


class Faulty:
    """Attempts at frames whose only fault is a check.

    Args:
        octets: the stream.
        floor: the least likelihood.
        any_function: take frames of Q/GDW 10376.2 whose function has no name as well.

    Attributes:
        passed_over: whether anything was not looked at, or not taken, that a lower floor would let through.
    """

    def __init__(self, octets: bytes, floor: float, *, any_function: bool) -> None:
        self._octets, self._floor, self._any = octets, floor, any_function
        self._work = _Work(len(octets))
        self.passed_over = False

    def __call__(self, kind: Kind, start: int, end: int) -> Candidate | None:
        """What the octets from start to end are but for their check."""
        if kind in (WRAPPER, MBUS_SHORT):
            return None  # too little of them is left without their check
        if not self._work.affords(end - start):
            self.passed_over = True
            return None
        if self._floor >= LIKELY and not self._may_be_likely(kind, start, end):
            self.passed_over = True
            return None
        found = despite_checks(kind, self._octets[start:end])
        weak = kind is GDW376_2 and not self._any and found is not None and found.likelihood < 0.5
        if found is None or weak or found.likelihood < self._floor:
            self.passed_over = self.passed_over or found is not None
            self._work.spend(end - start)
            return None
        return found

    def _may_be_likely(self, kind: Kind, start: int, end: int) -> bool:
        """Only what repeats its start, or has a good check in its header, says enough for itself."""
        if kind is DLT69845:
            head = min(start + _LINK_HEAD, end)
            return kind.codec.scanner(self._octets, start, head, False, LONGEST)[0] == start
        return kind is not GDW376_2


class Carrying:
    """Attempts at frames with a wrong check around other frames: only if they forward exactly these.

    Args:
        octets: the stream.
        frames: start and end of each frame that was found, in order.
    """

    def __init__(self, octets: bytes, frames: Sequence[tuple[int, int]]) -> None:
        self._octets, self._frames = octets, list(frames)
        self._work = _Work(len(octets))

    def inside(self, start: int, end: int) -> list[tuple[int, int]]:
        """The frames between two places, none where one sticks out or holds the start."""
        first = bisect_left(self._frames, (start, start))
        last = bisect_left(self._frames, (end, end))
        around = first and self._frames[first - 1][1] > start
        found = self._frames[first:last]
        return [] if around or not found or found[-1][1] > end or found[0][0] == start else found

    def __call__(self, kind: Kind, start: int, end: int) -> Candidate | None:
        """What the octets from start to end are, if the frames in them are what they forward."""
        within = self.inside(start, end)
        if not within or not self._work.affords(end - start):
            return None
        self._work.spend(end - start)
        found = despite_checks(kind, self._octets[start:end])
        if found is None:
            return None
        tree = dissect(found.codec, self._octets[start:end], Explanation().opener, offset=start)
        layers = {(item.start, item.end) for _, item in tree.root.walk() if "." in item.name and not item.buffer}
        return found if layers.issuperset(within) else None


def reason(octets: bytes, offset: int, kinds: Sequence[Kind]) -> str:
    """Why there is no frame in some octets: what the likeliest start in them lacks."""
    found = _START.search(octets)
    if found is None:
        return _of_apdu(octets, offset, kinds) if len(octets) >= _SHORTEST else _NOTHING
    at, best, far = found.start(), _NOTHING, 0
    for kind in kinds:
        error = kind.codec.trace(octets[at : at + _HEAD], spans=0).error
        if error is not None and kind is not WRAPPER and error.offset > far:
            far = error.offset
            best = _but_for(f"like {kind.dialect}", offset, at, error)
    return best


def _of_apdu(octets: bytes, offset: int, kinds: Sequence[Kind]) -> str:
    """What the likelier of the two kinds of APDU lacks: the one that is read farther."""
    found = []
    if WRAPPER in kinds and is_tag(octets[0]):
        found.append(("dlms", codec(APDU).trace(octets[:_HEAD], spans=0).error))
    if DLT69845 in kinds and is_service(octets[0]):
        found.append(("dlt69845", codec(Apdu, EDITION).trace(octets[:_HEAD], spans=0).error))
    errors = [(error.offset, dialect, error) for dialect, error in found if error is not None and error.offset]
    if not errors:
        return _NOTHING
    _, dialect, error = max(errors, key=lambda one: one[0])
    return _but_for(f"like an APDU of {dialect}", offset, 0, error)


def _but_for(what: str, offset: int, at: int, error: MalformedError) -> str:
    begins = f" from octet {offset + at}" if offset + at else ""
    return f"{what}{begins}, but it fails at octet {offset + at + error.offset}: {error.expected}"
