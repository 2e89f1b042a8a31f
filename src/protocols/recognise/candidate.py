"""What some octets may be."""

from __future__ import annotations

from typing import Any

import msgspec

from meterwire.errors import ChecksumError
from meterwire.protocols.wire.codec import Codec


class Candidate(msgspec.Struct, frozen=True):
    """One reading of the octets of a message.

    Attributes:
        dialect: one of `DIALECTS`.
        title: the layer and, where it can be told, the edition, for people.
        codec: reads it.
        message: what it says.
        likelihood: 0 to 1, for putting readings in order; not a measured probability.
        start: wake-up octets in front of it.
        firm: whether its structure fits so closely that it cannot be noise with a frame behind it.
        error: set where its only fault is a check.
    """

    dialect: str
    title: str
    codec: Codec[Any]
    message: Any
    likelihood: float
    start: int = 0
    firm: bool = True
    error: ChecksumError | None = None

    @property
    def is_valid(self) -> bool:
        """Whether nothing is wrong with it as a frame or as a bare message."""
        return self.error is None
