"""The two engines that read and build: generated Python, the default, and construct, the reference.

`METERWIRE_CODEC=construct` in the environment runs the whole stack on the reference.
"""

from __future__ import annotations

import os
import struct
from functools import cache
from typing import Any, Protocol

from meterwire.errors import LocalProtocolError
from meterwire.protocols.wire.declare import info
from meterwire.protocols.wire.facts import is_flat
from meterwire.protocols.wire.generated.build import Built, building_function
from meterwire.protocols.wire.generated.parse import reading_function
from meterwire.protocols.wire.limits import Limits
from meterwire.protocols.wire.tracer import Stop

ENGINES = ("generated", "construct")
_BUILD_FAULTS = (
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    IndexError,
    OverflowError,
    struct.error,
    RecursionError,
)


class Engine(Protocol):
    """What a codec asks of an engine."""

    def parse(self, octets: bytes, limits: Limits) -> Any:
        """The value of octets; raises `Stop` or a `MalformedError`."""

    def build(self, value: Any) -> bytes:
        """The octets of a value; raises `LocalProtocolError`."""

    def stand_in(self, value: Any, octets: bytes) -> Any:
        """What `build` of a larger message takes in place of a message whose octets are known."""


class GeneratedEngine:
    """Straight-line Python, written on first use."""

    def __init__(self, layout: Any, edition: int | None) -> None:
        self._layout, self._edition = layout, edition
        self._parse: Any = None
        self._build: Any = None
        declared = info(layout)
        self._stands_alone = declared is None or is_flat(declared, edition)

    def parse(self, octets: bytes, limits: Limits) -> Any:
        """The value of octets; raises `Stop`."""
        if self._parse is None:
            self._parse = reading_function(self._layout, self._edition, "parse")
        end = len(octets)
        value, position = self._parse(octets, 0, end, limits.depth, [limits.memory_factor * end + limits.memory_floor])
        if position != end:
            raise Stop(position, f"{end - position} octets less")
        return value

    def build(self, value: Any) -> bytes:
        """The octets of a value; raises `LocalProtocolError`."""
        if self._build is None:
            self._build = building_function(self._layout, self._edition, "octets")
        try:
            octets: bytes = self._build(value)
        except _BUILD_FAULTS as error:
            name = getattr(info(self._layout), "name", None) or getattr(self._layout, "name", "the layout")
            raise LocalProtocolError(f"{name} cannot carry this value: {error}") from error
        return octets

    def stand_in(self, value: Any, octets: bytes) -> Any:
        """The octets, with what they are octets of; what has no class, or is taken apart by others, stays as it is."""
        return value if self._stands_alone else Built(self._layout, self._edition, octets)


@cache
def chosen() -> str:
    """The engine that the environment asked for when a codec was first needed."""
    name = os.environ.get("METERWIRE_CODEC", ENGINES[0])
    if name not in ENGINES:
        raise LocalProtocolError(f"METERWIRE_CODEC is {name!r}: choose one of {', '.join(ENGINES)}")
    return name


def engine(layout: Any, edition: int | None, name: str) -> Engine:
    """An engine for a layout."""
    if name == "generated":
        return GeneratedEngine(layout, edition)
    from meterwire.protocols.wire.reference import ReferenceEngine  # noqa: PLC0415  construct is imported when asked for

    return ReferenceEngine(layout, edition)
