"""A codec: everything one does with the octets of one message or layout."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final, Generic, Protocol, TypeVar, cast, overload

from meterwire.errors import ChecksumError, MalformedError
from meterwire.protocols.wire.declare import info
from meterwire.protocols.wire.engine import chosen, engine
from meterwire.protocols.wire.generated.measure import measuring_function
from meterwire.protocols.wire.generated.parse import reading_function
from meterwire.protocols.wire.limits import LIMITS, Limits
from meterwire.protocols.wire.nodes import Named, Node, Record, node_of
from meterwire.protocols.wire.tracer import SPANS, Stop, Trace, Tracer

T = TypeVar("T")

KEEP_CHECKS, WHOLE = 1, 2
Scanner = Callable[[bytes | bytearray, int, int, int, int], tuple[int, int]]
"""Octets, first place, end, flags, longest length; gives the next place and the length, 0 if not known yet."""
_LONGEST = 1 << 62


class Codec(Generic[T]):
    """Reads, builds, traces and measures one layout in one edition of its standard.

    Attributes:
        layout: a message class, or a node.
        edition: of the standard, where the layout differs by it.
    """

    def __init__(self, layout: Any, edition: int | None = None, engine_name: str | None = None) -> None:
        node = node_of(layout)
        self.layout = node.cls if isinstance(node, Record) else node
        self.edition = edition
        self._engine = engine(self.layout, edition, engine_name or chosen())
        declared = self.layout if isinstance(self.layout, Named) else info(self.layout)
        self._name = declared.name if declared is not None else type(self.layout).__name__
        self._trace: Any = None
        self._scan: Any = None

    @property
    def name(self) -> str:
        """The registered name of the layout, such as `dlt645.Frame`."""
        return self._name

    def parse(self, octets: bytes, *, limits: Limits = LIMITS) -> T:
        """The value of exactly these octets.

        Raises:
            MalformedError: with path and offset; `ChecksumError` if a check was the first thing wrong.
        """
        octets = bytes(octets)
        try:
            value: T = self._engine.parse(octets, limits)
        except Stop as stop:
            found = self.trace(octets, spans=0, limits=limits).error
            raise found or MalformedError(stop.expected, self.name, stop.position) from None
        return value

    def build(self, value: T) -> bytes:
        """The octets of a value: sizes and checks are computed.

        Raises:
            LocalProtocolError: the layout cannot carry the value.
        """
        return self._engine.build(value)

    def prepared(self, value: T) -> tuple[bytes, T]:
        """The octets of a message, and what stands for it in a larger one, so that it is built only once.

        Raises:
            LocalProtocolError: the layout cannot carry the value.
        """
        octets = self._engine.build(value)
        return octets, self._engine.stand_in(value, octets)

    def trace(self, octets: bytes, *, spans: int = SPANS, lenient: bool = False, limits: Limits = LIMITS) -> Trace[T]:
        """The value or the error, and where each field lies. A lenient trace goes on past checks that do not match."""
        if self._trace is None:
            self._trace = reading_function(self.layout, self.edition, "trace")
        octets = bytes(octets)
        end = len(octets)
        tracer = Tracer(spans, lenient=lenient)
        try:
            value, position = self._trace(octets, 0, end, limits.depth, [limits.budget(end)], tracer)
            if position != end:
                raise Stop(position, f"{end - position} octets less")
        except Stop as stop:
            return Trace(None, tracer.error(stop), tracer.spans, tracer.checks, stop.position)
        return Trace(value, None, tracer.spans, tracer.checks, position)

    def measure(self, octets: bytes | bytearray, offset: int = 0, *, lenient: bool = False) -> int | None:
        """The length of the message that begins here, None while too few octets are there to know.

        A lenient measure goes on past a check of the header that does not match.

        Raises:
            MalformedError: the message cannot begin like this.
        """
        start, length = self.scanner(octets, offset, len(octets), lenient, _LONGEST)
        if start != offset:
            found = self.trace(bytes(octets[offset:]), spans=0).error
            raise MalformedError(found.expected if found else "another beginning", self.name, offset)
        return length or None

    @property
    def scanner(self) -> Scanner:
        """The bare function that finds the next place where the message may begin; see `generated.measure`."""
        if self._scan is None:
            self._scan = measuring_function(self.layout, self.edition)
        scan: Scanner = self._scan
        return scan

    def attempt(self, octets: bytes, *, limits: Limits = LIMITS) -> T | MalformedError:
        """Like `parse`, but gives a failure back, without its path: for those who try at every octet of a stream."""
        try:
            value: T = self._engine.parse(octets, limits)
        except Stop as stop:
            return (ChecksumError if stop.check else MalformedError)(stop.expected, self.name, stop.position)
        except MalformedError as error:
            return error
        return value


class _CodecOf(Protocol):
    @overload
    def __call__(self, layout: type[T], edition: int | None = None) -> Codec[T]: ...
    @overload
    def __call__(self, layout: Node[T], edition: int | None = None) -> Codec[T]: ...


@cache
def _codec(layout: Any, edition: int | None = None) -> Codec[Any]:
    return Codec(layout, edition)


codec: Final = cast("_CodecOf", _codec)
"""`codec(layout, edition=None)`: the codec of a message class or layout, made once for each edition."""
