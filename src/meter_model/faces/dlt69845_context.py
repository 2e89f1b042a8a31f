"""What one client of one DL/T 698.45 connection has: the meter, what was agreed, an answer not fetched yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from meterwire.meter_model.faces.dlt69845_objects import Readable
from meterwire.protocols.dlt69845.services.common import Piid, PiidAcd
from meterwire.protocols.wire.codec import Codec, codec

APDU_SIZE: Final = 1024
"""Longest APDU the meter sends where nothing smaller was agreed, octets."""


class Meter(Readable, Protocol):
    """What the face needs of a meter."""

    @property
    def identity(self) -> Any:
        """Has `address`, twelve digits, and `secrets`."""

    @property
    def answers(self) -> bool:
        """Whether anything is answered: without power only after the button was pressed."""


class Context:
    """What a handler of a service is given beside the request.

    Args:
        meter: what is read and changed.
        edition: of the standard, 2017 or 2021.

    Attributes:
        apdu_size: longest APDU of an answer, octets, as agreed.
        blocks: the pieces of a long answer, kept for GET next.
    """

    def __init__(self, meter: Any, edition: int) -> None:
        self.meter, self.edition = meter, edition
        self.apdu_size = APDU_SIZE
        self.blocks: Any = []

    def codec(self, layout: Any) -> Codec[Any]:
        """The codec of a layout in the edition of this meter."""
        return codec(layout, self.edition)

    def forget(self) -> None:
        """Back to what holds without an application connection."""
        self.apdu_size, self.blocks = APDU_SIZE, []


Handler = Callable[[Context, Any], Any]
"""From a request (of GET, SET, ACTION and PROXY: the one inside) to the body of the answer APDU."""


def echo(piid: Piid) -> PiidAcd:
    """The identifier of the answer to a request."""
    return PiidAcd(priority=piid.priority, access=0, number=piid.number)
