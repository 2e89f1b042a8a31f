"""Cutting a stream into frames of any dialect and garbage: the pieces put together are the stream again.

What is surest is taken first: whole messages that fit closely, frames whose checks match, frames whose only fault is
a check, and what is left between them as bare messages where one fills all that is between two cuts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

import msgspec

from meterwire.protocols.recognise.bare import bare
from meterwire.protocols.recognise.candidate import Candidate
from meterwire.protocols.recognise.faulty import Carrying, Faulty, reason
from meterwire.protocols.recognise.framed import Good, as_frame, despite_checks, sweep
from meterwire.protocols.recognise.kinds import (
    DLT69845,
    FILL,
    GDW376_2,
    HDLC,
    LIKELY,
    SURE,
    Kind,
    kinds_of,
)
from meterwire.protocols.recognise.text_modes import DIALECT as TEXT_DIALECT
from meterwire.protocols.recognise.text_modes import texts

_NEAR: Final = 0.35
"""A second reading is worth mentioning when it is no less likely than the first by more than this."""
_PLAIN: Final = 0.3
_BESIDE_FRAMES: Final = 0.45
"""A bare message beside frames must be more than a single number."""


class Piece(msgspec.Struct, frozen=True):
    """A frame, a bare message, or garbage.

    Attributes:
        offset: where it begins in the stream, wake-up octets included.
        octets: all its octets as they stand in the stream.
        candidate: what it is; None for garbage.
        runner_up: what else it could be, where that is not sure.
        reason: why it is garbage.
        shared: octets in front of it that belong to the piece before as well: the one flag between two HDLC frames.
        parts: of a message put together from several frames, where these begin; its own octets count from 0.
    """

    offset: int
    octets: bytes
    candidate: Candidate | None = None
    runner_up: Candidate | None = None
    reason: str = ""
    shared: bytes = b""
    parts: tuple[int, ...] = ()

    @property
    def preamble(self) -> bytes:
        """Wake-up octets in front of the frame."""
        return self.octets[: self.candidate.start] if self.candidate else b""

    @property
    def frame(self) -> bytes:
        """The octets of the message itself."""
        return self.shared + self.octets[len(self.preamble) :]

    @property
    def frame_offset(self) -> int:
        """Where the message itself begins in the stream."""
        return self.offset + len(self.preamble) - len(self.shared)

    @property
    def is_valid(self) -> bool:
        """Whether it is a frame or message without a fault."""
        return self.candidate is not None and self.candidate.is_valid


class _Claim(msgspec.Struct):
    """Octets that are spoken for."""

    start: int
    end: int
    found: list[Candidate]


def recognise(octets: bytes, dialect: str | None = None) -> list[Candidate]:
    """What one message may be, the likeliest first; empty where it can be nothing that is known.

    Args:
        octets: all of the message, perhaps with wake-up octets in front.
        dialect: one of `DIALECTS`, where it is known.
    """
    octets = bytes(octets)
    found = []
    for kind in kinds_of(dialect):
        start = _filled(octets, kind)
        begin, length = kind.codec.scanner(octets, start, len(octets), True, len(octets))
        if begin == start and start + length == len(octets):
            candidate = as_frame(kind, octets[start:]) or despite_checks(kind, octets[start:])
            if candidate is not None:
                found.append(msgspec.structs.replace(candidate, start=start))
    return _sorted(found + bare(octets, dialect))


def _filled(octets: bytes, kind: Kind) -> int:
    """How many octets in front are fill; the last flag of several is the frame's own."""
    filled = len(octets) - len(octets.lstrip(kind.fill)) if kind.fill else 0
    return max(filled - 1, 0) if kind is HDLC else filled


def _sorted(found: list[Candidate]) -> list[Candidate]:
    return sorted(found, key=lambda candidate: -candidate.likelihood)


def pieces(
    octets: bytes, dialect: str | None = None, *, cuts: Sequence[int] = (), parts: Sequence[Sequence[int]] = ()
) -> list[Piece]:
    """The frames and bare messages in a stream, and the garbage between them; nothing is left out.

    Time grows with the length of the stream, whatever is in it.

    Args:
        octets: the stream.
        dialect: look for this one alone.
        cuts: places where a line of a log ended; frames may run across them, bare messages lie between two of them.
        parts: the same for what is larger than a line, such as paragraphs, the largest first.
    """
    octets = bytes(octets)
    return _Cutter(octets, dialect, [*parts, cuts]).pieces() if octets else []


class _Cutter:
    def __init__(self, octets: bytes, dialect: str | None, cuts: Sequence[Sequence[int]]) -> None:
        self._octets, self._dialect, self._kinds = octets, dialect, kinds_of(dialect)
        lines = {(0, len(octets)): None}  # all of it, then ever smaller parts, each once
        for inner in cuts:
            edges = sorted({0, len(octets), *(cut for cut in inner if 0 < cut < len(octets))})
            lines.update(dict.fromkeys(pairwise(edges)))
        self._lines = list(lines)
        self._claims: list[_Claim] = []
        self._unsure = False

    def pieces(self) -> list[Piece]:
        """All of the stream."""
        self._firm()
        self._each_gap(self._good)
        if self._dialect in (None, TEXT_DIALECT):
            self._each_gap(self._texts)
        self._each_gap(lambda low, high: self._faulty(low, high, LIKELY))
        self._carriers()
        if self._unsure:
            self._each_gap(lambda low, high: self._faulty(low, high, 0.0))
        self._loose()
        return self._cut()

    def _gaps(self) -> list[tuple[int, int]]:
        gaps, at = [], 0
        for claim in self._claims:
            if claim.start > at:
                gaps.append((at, claim.start))
            at = max(at, claim.end)
        if at < len(self._octets):
            gaps.append((at, len(self._octets)))
        return gaps

    def _each_gap(self, look: Callable[[int, int], list[_Claim]]) -> None:
        for low, high in self._gaps():
            self._claims += look(low, high)
        self._claims.sort(key=lambda claim: (claim.start, claim.end))

    def _firm(self) -> None:
        """Bare messages that fit so closely that frames inside them are a part of them."""
        for low, high in self._lines:
            free = all(claim.end <= low or claim.start >= high for claim in self._claims)
            if free and self._octets[low] not in FILL | {0x68}:
                found = _sorted([one for one in bare(self._octets[low:high], self._dialect) if one.firm])
                if found and found[0].likelihood >= SURE:
                    self._claims.append(_Claim(low, high, found))
        self._claims.sort(key=lambda claim: claim.start)

    def _good(self, low: int, high: int) -> list[_Claim]:
        """Frames without a fault."""
        good = Good(self._octets, LIKELY if self._dialect is None else _PLAIN)
        return [_Claim(*one) for one in sweep(self._octets, low, high, self._kinds, good)]

    def _texts(self, low: int, high: int) -> list[_Claim]:
        """Messages of IEC 62056-21."""
        return [_Claim(start, end, [found]) for start, end, found in texts(self._octets, low, high)]

    def _carriers(self) -> None:
        """Frames with a wrong check around frames that they forward."""
        kinds = [kind for kind in (DLT69845, GDW376_2) if kind in self._kinds]
        if not kinds or not self._claims:
            return
        attempt = Carrying(self._octets, [(claim.start, claim.end) for claim in self._claims])
        found = [_Claim(*one) for one in sweep(self._octets, 0, len(self._octets), kinds, attempt, lenient=True)]
        covered = {place for claim in found for place in attempt.inside(claim.start, claim.end)}
        self._claims = [claim for claim in self._claims if (claim.start, claim.end) not in covered] + found
        self._claims.sort(key=lambda claim: (claim.start, claim.end))

    def _faulty(self, low: int, high: int, floor: float) -> list[_Claim]:
        attempt = Faulty(self._octets, floor if self._dialect is None else 0.0, any_function=self._dialect is not None)
        found = [_Claim(*one) for one in sweep(self._octets, low, high, self._kinds, attempt, lenient=True)]
        self._unsure = self._unsure or attempt.passed_over
        return found

    def _loose(self) -> None:
        """Bare messages that could be something else, where nothing better was found in all of a line."""
        floor = 0.0 if self._dialect else _BESIDE_FRAMES if self._claims else _PLAIN
        gaps = self._gaps()
        for low, high in self._lines:
            if not any(start <= low and high <= end for start, end in gaps):
                continue
            line = self._octets[low:high]
            weak = [one for kind in self._kinds if (one := as_frame(kind, line)) is not None]
            found = _sorted(bare(line, self._dialect) + weak)
            if found and found[0].likelihood >= floor:
                self._claims.append(_Claim(low, high, found))
                self._claims.sort(key=lambda claim: claim.start)
                gaps = self._gaps()

    def _cut(self) -> list[Piece]:
        made: list[Piece] = []
        at = 0
        for claim in self._claims:
            start = self._before_fill(claim, at)
            if start > at:
                made.append(self._garbage(at, start))
            made.append(self._piece(claim, start, at))
            at = claim.end
        if at < len(self._octets):
            made.append(self._garbage(at, len(self._octets)))
        return made

    def _before_fill(self, claim: _Claim, low: int) -> int:
        fill = next((k.fill for k in self._kinds if k.codec is claim.found[0].codec), b"")
        start = max(claim.start, low)
        while start > low and self._octets[start - 1] in fill:
            start -= 1
        return start

    def _piece(self, claim: _Claim, start: int, low: int) -> Piece:
        best = msgspec.structs.replace(claim.found[0], start=max(claim.start - start, 0))
        others = claim.found[1:]
        if best.likelihood < SURE and best.is_valid and not others:
            others = [one for one in recognise(self._octets[claim.start : claim.end]) if one.codec is not best.codec]
        near = [one for one in others if one.likelihood >= best.likelihood - _NEAR]
        shared = self._octets[claim.start : low] if claim.start < low else b""
        return Piece(start, self._octets[start : claim.end], best, near[0] if near else None, shared=shared)

    def _garbage(self, low: int, high: int) -> Piece:
        octets = self._octets[low:high]
        return Piece(low, octets, reason=reason(octets, low, self._kinds))
