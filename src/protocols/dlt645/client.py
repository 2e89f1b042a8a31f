"""A meter of either edition, read, written and controlled over a blocking or an asyncio line."""

from __future__ import annotations

from meterwire.protocols.dialogue import AsyncFace, AsyncLine, Line, SyncFace
from meterwire.protocols.dlt645.controlling import ControlProcedures
from meterwire.protocols.dlt645.conversation import LONGEST_FRAME, L
from meterwire.protocols.dlt645.credentials import Credentials
from meterwire.protocols.dlt645.profile_curve import CurveProcedures

__all__ = ["LONGEST_FRAME", "AsyncMeter645", "Credentials", "Meter645", "Procedures"]


class Procedures(CurveProcedures[L], ControlProcedures[L]):
    """What both clients can do; see `Conversation` for how they are made."""


class Meter645(SyncFace, Procedures[Line]):
    """A meter behind a blocking line."""


class AsyncMeter645(AsyncFace, Procedures[AsyncLine]):
    """A meter behind an asyncio line."""
