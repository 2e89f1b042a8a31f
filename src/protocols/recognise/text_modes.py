"""Messages of IEC 62056-21 as candidates beside those of binary protocols."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from meterwire.errors import ChecksumError, MalformedError
from meterwire.protocols.iec62056_21.telegrams import Telegram, telegrams, without_parity
from meterwire.protocols.recognise.candidate import Candidate
from meterwire.protocols.wire.codec import Codec
from meterwire.protocols.wire.limits import LIMITS, Limits
from meterwire.protocols.wire.nodes import NOTHING
from meterwire.protocols.wire.tracer import SPANS, Trace

DIALECT: Final = "iec62056-21"
_LIKELY: Final = 0.95


class _TextCodec(Codec[Any]):
    """Reads one message of IEC 62056-21, which is text and therefore has no layout."""

    def __init__(self) -> None:
        self.layout, self.edition = NOTHING, None

    @property
    def name(self) -> str:
        """As in trees."""
        return "iec62056_21.Message"

    def trace(self, octets: bytes, *, spans: int = SPANS, lenient: bool = False, limits: Limits = LIMITS) -> Trace[Any]:
        """The parts of the message."""
        del lenient, limits
        found = next(telegrams(without_parity(octets) or octets), None)
        if found is None:
            return Trace(None, MalformedError("a message of IEC 62056-21", self.name, 0), [], [], 0)
        checks = [ChecksumError(found.error, self.name, found.end - 1)] if found.error else []
        parts = [msgspec.structs.replace(one) for one in found.spans[:spans]]
        return Trace((), None, parts, checks, found.end)


TEXT: Final = _TextCodec()


def texts(octets: bytes, low: int, high: int) -> Iterator[tuple[int, int, Candidate]]:
    """The messages between two places: start, end, and what each is."""
    plain = without_parity(octets[low:high])
    if plain is not None:
        for found in telegrams(plain):
            yield low + found.start, low + found.end, _candidate(found, ", with parity bits")
        return
    for found in telegrams(octets, low, high):
        yield found.start, found.end, _candidate(found, "")


def _candidate(found: Telegram, remark: str) -> Candidate:
    error = ChecksumError(found.error, TEXT.name, found.end - 1) if found.error else None
    return Candidate(DIALECT, f"IEC 62056-21 {found.kind}{remark}", TEXT, found.value, _LIKELY, error=error)
