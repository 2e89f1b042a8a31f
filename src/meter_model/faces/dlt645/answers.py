"""What the meter answers to a function, and the refusals that it answers with."""

from __future__ import annotations

from typing import Any

import msgspec

from meterwire.protocols.dialogue import LineSettings
from meterwire.protocols.dlt645.messages import Error, ErrorWord
from meterwire.protocols.wire.codec import codec


class Served(msgspec.Struct, frozen=True):
    """The normal answer of a function.

    Attributes:
        data: its data field.
        more: whether D5 is set.
        changed: whether the meter is no longer as it was, so that its state must be stored before the answer leaves.
        settings: of the line once the answer has left.
    """

    data: bytes = b""
    more: bool = False
    changed: bool = False
    settings: LineSettings | None = None


class Denied(Exception):  # noqa: N818  an answer, which becomes an abnormal frame
    """The abnormal answer of a function, with its data field."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        super().__init__(data.hex())


class Silent(Exception):  # noqa: N818  see above
    """What the standard answers with silence."""


def denied(**bits: Any) -> Denied:
    """A refusal with bits of the error word set."""
    return Denied(codec(Error).build(Error(ErrorWord(**bits))))


def other_error() -> Denied:
    """Bit 0."""
    return denied(other=1)


def no_data() -> Denied:
    """Bit 1."""
    return denied(no_requested_data=1)


def unauthorised() -> Denied:
    """Bit 2: also where the programming switch is off, or too many passwords were wrong."""
    return denied(password_wrong_or_unauthorised=1)
