"""Finding frames of every kind at once: each kind names its next possible start, the first good one is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from meterwire.errors import ChecksumError, MalformedError
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.dlt645.edition1997 import is_of_1997
from meterwire.protocols.dlt645.frame import Frame as Frame645
from meterwire.protocols.dlt69845.link import Link
from meterwire.protocols.mbus.frame import ShortFrame
from meterwire.protocols.recognise.bare import apdu_likelihood, is_tag
from meterwire.protocols.recognise.candidate import Candidate
from meterwire.protocols.recognise.kinds import GDW376_2, HDLC, KINDS, LIKELY, LONGEST, WRAPPER, Kind
from meterwire.protocols.wire.codec import KEEP_CHECKS, WHOLE
from meterwire.protocols.wire.tracer import Trace

_TITLES = {
    "gdw376-2": "Q/GDW 10376.2",
    "csg": "Southern Power Grid's local interface",
    "dlms-hdlc": "HDLC",
    "mbus": "M-Bus long frame",
    "dlms": "TCP wrapper",
}
_WORK = 8
"""Octets that may be read inside wrappers that turn out to be none, for each octet of the stream."""
_FEW = 1 << 16
_HEADER = 8
"""Octets of a wrapper in front of its APDU."""

Attempt = Callable[[Kind, int, int], Candidate | None]
"""Kind, start and end of a possible frame to what it is."""


def as_frame(kind: Kind, octets: bytes) -> Candidate | None:
    """These octets as a frame of this kind with nothing wrong."""
    message = kind.codec.attempt(octets)
    if isinstance(message, MalformedError):
        return None
    return Candidate(kind.dialect, _title(kind, message), kind.codec, message, _likelihood(kind, message))


def despite_checks(kind: Kind, octets: bytes) -> Candidate | None:
    """These octets as a frame of this kind whose only fault is a check."""
    found = kind.codec.attempt(octets)
    if not isinstance(found, ChecksumError):
        return None
    trace: Trace[object] = kind.codec.trace(octets, spans=0, lenient=True)
    if trace.error is not None or trace.value is None or not trace.checks:
        return None
    doubt = 0.55 if kind is GDW376_2 or any("hcs" in check.path for check in trace.checks) else 0.8
    likelihood = doubt * _likelihood(kind, trace.value)
    return Candidate(
        kind.dialect, _title(kind, trace.value), kind.codec, trace.value, likelihood, error=trace.checks[0]
    )


def _likelihood(kind: Kind, message: object) -> float:
    judged = kind.judge(message)
    if isinstance(message, Wrapper):
        inside = apdu_likelihood(message.apdu)
        judged = judged if inside >= LIKELY else inside
    return judged


def _title(kind: Kind, message: object) -> str:
    if isinstance(message, Frame645):
        return "DL/T 645-1997" if is_of_1997(message) else "DL/T 645-2007"
    if isinstance(message, ShortFrame):
        return "M-Bus short frame"
    return "DL/T 698.45 link frame" if isinstance(message, Link) else _TITLES[kind.dialect]


class Good:
    """Attempts at frames with nothing wrong, in time that grows with the stream and not with its square.

    Args:
        octets: the stream.
        floor: the least likelihood.
    """

    def __init__(self, octets: bytes, floor: float = LIKELY) -> None:
        self._octets, self._floor = octets, floor
        self._sums = b""
        self._work = _WORK * len(octets) + _FEW

    def __call__(self, kind: Kind, start: int, end: int) -> Candidate | None:
        """What the octets from start to end are, None where they are no likely frame of this kind."""
        if kind.summed and not self._sum_fits(start + kind.summed, end - 2):
            return None
        if kind is WRAPPER and not self._affordable(start, end):
            return None
        found = as_frame(kind, self._octets[start:end])
        if found is None or found.likelihood < self._floor:
            return None
        self._work += end - start
        return found

    def _sum_fits(self, start: int, check: int) -> bool:
        """Whether the octet at `check` is the sum of those before it, without adding them up for each start."""
        if not self._sums:
            totals: Iterator[int] = accumulate(self._octets, _add, initial=0)
            self._sums = bytes(totals)
        return check > start and (self._sums[check] - self._sums[start]) & 0xFF == self._octets[check]

    def _affordable(self, start: int, end: int) -> bool:
        """Wrappers have no check, so that all of the APDU must be read to know; noise may ask for that too often."""
        if end - start <= _HEADER or not is_tag(self._octets[start + _HEADER]):
            return False
        self._work -= end - start
        return self._work >= 0


def _add(total: int, octet: int) -> int:
    return (total + octet) & 0xFF


def sweep(
    octets: bytes, low: int, high: int, kinds: Sequence[Kind], attempt: Attempt, *, lenient: bool = False
) -> Iterator[tuple[int, int, list[Candidate]]]:
    """The frames between two places, in order: start, end, and what they may be, the likeliest first.

    The search goes on behind each frame, and one octet behind each start that was none. A lenient search passes over
    checks in headers.
    """
    how = WHOLE | (KEEP_CHECKS if lenient else 0)
    scans = [(kind, kind.codec.scanner) for kind in kinds]
    found_by = [scan(octets, low, high, how, LONGEST) for _, scan in scans]
    starts, lengths = [start for start, _ in found_by], [length for _, length in found_by]
    at = low
    while starts and (begin := min(starts)) < high:
        found: list[tuple[int, Candidate]] = []
        for place, (kind, scan) in enumerate(scans):
            if starts[place] != begin:
                continue
            candidate = attempt(kind, begin, begin + lengths[place])
            if candidate is not None:
                found.append((begin + lengths[place], candidate))
            starts[place], lengths[place] = scan(octets, begin + 1, high, how, LONGEST)
        if not found:
            continue
        found.sort(key=lambda pair: -pair[1].likelihood)
        at = found[0][0]
        yield begin, at, [candidate for _, candidate in found]
        shared = _sharing_flag(octets, at, high, kinds, attempt, lenient=lenient)
        while shared is not None:
            yield shared
            at = shared[1]
            shared = _sharing_flag(octets, at, high, kinds, attempt, lenient=lenient)
        for place, (_, scan) in enumerate(scans):
            if starts[place] < at:
                starts[place], lengths[place] = scan(octets, at, high, how, LONGEST)


def _sharing_flag(
    octets: bytes, at: int, high: int, kinds: Sequence[Kind], attempt: Attempt, *, lenient: bool
) -> tuple[int, int, list[Candidate]] | None:
    """An HDLC frame whose opening flag is the closing flag of the one before (ISO/IEC 13239, 4.3.1)."""
    if HDLC not in kinds or octets[at - 1 : at] != b"\x7e" or octets[at : at + 1] in (b"\x7e", b""):
        return None
    start, length = HDLC.codec.scanner(octets, at - 1, high, lenient, LONGEST)
    if start != at - 1 or not length or start + length > high:
        return None
    candidate = attempt(HDLC, start, start + length)
    return None if candidate is None else (start, start + length, [candidate])


def frames_in(octets: bytes, kinds: Sequence[Kind] = KINDS) -> list[tuple[int, int, Candidate]]:
    """All good frames in some octets: start, end, and what each is."""
    return [(begin, end, found[0]) for begin, end, found in sweep(octets, 0, len(octets), kinds, Good(octets))]
