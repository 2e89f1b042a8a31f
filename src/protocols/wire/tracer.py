"""What a reader leaves behind for people: where each field lies, and where and why reading stopped."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from meterwire.errors import ChecksumError, MalformedError

T = TypeVar("T")

SPANS = 65536
"""How many spans a trace keeps unless told otherwise; reading goes on beyond, unrecorded."""


class Stop(Exception):  # noqa: N818  never leaves the readers
    """A reader gives up at a position: what it expected, and whether a check was all that failed."""

    def __init__(self, position: int, expected: str, *, check: bool = False) -> None:
        super().__init__(expected)
        self.position, self.expected, self.check = position, expected, check


class Span(msgspec.Struct):
    """Where one field, item, tag or length lies: octets start to end, None where reading stopped inside it.

    `node` is the layout it was read with, `doc` the standard's word for it, `owner` the message it belongs to.
    """

    depth: int
    name: str
    start: int
    end: int | None
    value: Any
    node: Any
    doc: str
    error: str = ""


class Trace(msgspec.Struct, Generic[T]):
    """One reading: the value or the error, and the spans in order of their start.

    `checks` are the checks that did not match, when the reader was asked to go on past them.
    """

    value: T | None
    error: MalformedError | None
    spans: list[Span]
    checks: list[ChecksumError]
    end: int


class Tracer:
    """Collects spans while a traced reader runs; always knows the path to where it is."""

    __slots__ = ("_cap", "_lenient", "_open", "checks", "spans")

    def __init__(self, cap: int = SPANS, *, lenient: bool = False) -> None:
        self.spans: list[Span] = []
        self.checks: list[ChecksumError] = []
        self._open: list[tuple[str, Span | None]] = []
        self._cap, self._lenient = cap, lenient

    def open(self, name: str, start: int, node: Any, doc: str) -> None:
        """A field, item, tag or length begins here."""
        span = None
        if len(self.spans) < self._cap:
            span = Span(len(self._open), name, start, None, None, node, doc)
            self.spans.append(span)
        self._open.append((name, span))

    def close(self, end: int, value: Any) -> None:
        """What was opened last ends here and has this value."""
        _, span = self._open.pop()
        if span is not None:
            span.end, span.value = end, value

    def mismatch(self, position: int, found: int, due: int, width: int) -> None:
        """A check does not match; a strict reader stops here."""
        expected = f"check {found:0{2 * width}X}H, the octets give {due:0{2 * width}X}H"
        if not self._lenient:
            raise Stop(position, expected, check=True)
        self.checks.append(ChecksumError(expected, self.path(), position))
        span = self._open[-1][1]
        if span is not None:
            span.error = expected

    def path(self) -> str:
        """Names from the outermost message to here."""
        return ".".join(name for name, _ in self._open).replace(".[", "[")

    def error(self, stop: Stop) -> MalformedError:
        """The documented error for where the reader gave up; the span that failed carries it too."""
        for _, span in reversed(self._open[-1:]):
            if span is not None:
                span.error = stop.expected
        kind = ChecksumError if stop.check else MalformedError
        return kind(stop.expected, self.path(), stop.position)
