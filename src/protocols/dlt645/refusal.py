"""Abnormal answers as errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from meterwire.errors import MalformedError, Refused
from meterwire.protocols.dlt645.frame import Frame
from meterwire.protocols.dlt645.messages import ErrorWord
from meterwire.protocols.dlt645.payload import payload_of
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.declare import bits_info


def set_bits(word: Any) -> list[str]:
    """The names of the parts of a bit field that are not zero, lowest first."""
    declared = bits_info(word)
    return [part.name for part in reversed(declared.parts) if getattr(word, part.name)] if declared else []


def refusal(frame: Frame, payload_of: Callable[[Any, int], Any] = payload_of) -> Refused:
    """The error that an abnormal answer stands for: its code is the `ErrorWord`, or the one of its function.

    `payload_of` finds the message in a data field, of another edition than 2007 its own.

    One whose data field is empty or too long, as no standard has it, is a refusal without a reason.
    """
    payload = payload_of(frame.control, len(frame.data))
    found = codec(payload).attempt(frame.data) if payload else None
    if found is None or isinstance(found, MalformedError):
        return Refused(cast("int", ErrorWord()), f"no reason given, but {frame.data.hex().upper() or 'nothing'}")
    reasons = ", ".join(name.replace("_", " ") for name in set_bits(found.word))
    return Refused(found.word, reasons or "no reason given")
