"""How a meter is spoken to, whatever it speaks: dialogues that answer in the terms of DL/T 698.45."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Protocol

import msgspec

from meterwire.protocols.dialogue import Patience, Steps
from meterwire.protocols.dlt69845.acquisition import Archived
from meterwire.protocols.dlt69845.descriptors import Oad, Road
from meterwire.protocols.dlt69845.services.action import (
    ActionItem,
    ActionResult,
    ActionThenGetItem,
    ActionThenGetResult,
)
from meterwire.protocols.dlt69845.services.common import ResultNormal, ResultRecord
from meterwire.protocols.dlt69845.services.get import GetRecord
from meterwire.protocols.dlt69845.services.set import SetItem, SetResult, SetThenGetItem, SetThenGetResult
from meterwire.protocols.wire.nodes import Variant


class Span(msgspec.Struct, frozen=True):
    """Rows of a time, both ends included; naive local time."""

    start: dt.datetime
    end: dt.datetime


class Last(msgspec.Struct, frozen=True):
    """One row, so many back: 1 is the last."""

    number: int = 1


Rows = Sequence[tuple[dt.datetime, tuple[Variant, ...]]]
"""The time of each row, None-free and naive, and a cell for each related attribute."""


class Driver(Protocol):
    """What can be done with a meter. Everything raises what its client raises; what is refused alone is a DAR."""

    def attributes(self, meter: Archived, oads: Sequence[Oad], patience: Patience) -> Steps[tuple[ResultNormal, ...]]:
        """Read attributes."""

    def rows(self, meter: Archived, road: Road, which: Span | Last, patience: Patience) -> Steps[Rows]:
        """Read rows of a record table; none where the meter has none."""

    def record(self, meter: Archived, asked: GetRecord, patience: Patience) -> Steps[ResultRecord]:
        """Read a record table as it was asked for."""

    def set(self, meter: Archived, items: Sequence[SetItem], patience: Patience) -> Steps[tuple[SetResult, ...]]:
        """Write attributes."""

    def set_then_get(
        self, meter: Archived, items: Sequence[SetThenGetItem], patience: Patience
    ) -> Steps[tuple[SetThenGetResult, ...]]:
        """Write attributes and read others."""

    def act(self, meter: Archived, items: Sequence[ActionItem], patience: Patience) -> Steps[tuple[ActionResult, ...]]:
        """Run methods."""

    def act_then_get(
        self, meter: Archived, items: Sequence[ActionThenGetItem], patience: Patience
    ) -> Steps[tuple[ActionThenGetResult, ...]]:
        """Run methods and read attributes."""
