"""What lies between the concentrator and its meters: it runs dialogues with them and tells how long that took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from meterwire.protocols.dialogue import Patience, Steps
from meterwire.protocols.dlt69845.acquisition import MeterProtocol


class Job(msgspec.Struct):
    """A dialogue with one meter.

    Attributes:
        address: of the meter, digits.
        protocol: that it speaks, a `MeterProtocol`.
        steps: what is said.
    """

    address: str
    protocol: int
    steps: Steps[Any]


class Outcome(msgspec.Struct):
    """How a dialogue has ended.

    Attributes:
        value: what it returned, or the documented error that ended it.
        seconds: from the beginning of all of them until it ended.
        sent, received: frames.
    """

    value: Any
    seconds: float
    sent: int = 0
    received: int = 0


class Port(Protocol):
    """A line to meters. What is on it takes its time, but nobody waits for that: it is told.

    Attributes:
        patience: how often and how long a meter on it is asked.
    """

    patience: Patience

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Run dialogues, one for each meter, in their order or side by side; the outcome of each."""

    def pass_on(self, octets: bytes, timeout: float) -> tuple[bytes, float]:
        """Send octets as they are: what came back, nothing for silence, and how many seconds that took."""

    def there(self) -> Sequence[tuple[str, MeterProtocol]]:
        """Who a search finds: address and protocol."""


def busy(outcomes: Sequence[Outcome]) -> float:
    """For how many seconds jobs have kept a port busy."""
    return max((one.seconds for one in outcomes), default=0.0)
