"""Refusals of the security function."""

from __future__ import annotations

from typing import Any

from meterwire.meter_model.faces.dlt645.answers import Denied
from meterwire.protocols.dlt645.messages import SecurityError, SecurityErrorWord
from meterwire.protocols.wire.codec import codec


def refused(**bits: Any) -> Denied:
    """A refusal with bits of the security error word set."""
    return Denied(codec(SecurityError).build(SecurityError(SecurityErrorWord(**bits))))
