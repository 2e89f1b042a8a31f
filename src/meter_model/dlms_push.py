"""What a meter pushes through DLMS/COSEM and how it tries: the settings of its push setup, and that it was asked to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

UNCONFIRMED, RETRIED, CONFIRMED = 0, 1, 2
"""How a push is sent (class 40, push_operation_method): once; again where the line failed; until it is confirmed."""
SETUP: Final = bytes((0, 0, 25, 9, 0, 255))


class Pushed(msgspec.Struct, frozen=True):
    """An entry of the push object list.

    Attributes:
        class_id: of the object; likewise `instance` and `attribute`.
        index: 0 for all of the attribute, else a member of it, counted from 1; of a profile, so many of its last rows.
    """

    class_id: int
    instance: bytes
    attribute: int
    index: int = 0


DEFAULT: Final = (
    Pushed(40, SETUP, 2),
    Pushed(8, bytes((0, 0, 1, 0, 0, 255)), 2),
    Pushed(1, bytes((0, 0, 42, 0, 0, 255)), 2),
    Pushed(3, bytes((1, 0, 1, 8, 0, 255)), 2),
    Pushed(3, bytes((1, 0, 1, 8, 0, 255)), 3),
    Pushed(3, bytes((1, 0, 1, 7, 0, 255)), 2),
    Pushed(3, bytes((1, 0, 1, 7, 0, 255)), 3),
)
"""What a new meter pushes: the list itself, its time and name, active energy and active power with scaler and unit."""


class PushSettings(msgspec.Struct, frozen=True):
    """The attributes of a push setup that can be set.

    Attributes:
        objects: what is pushed.
        service: transport service of the destination, as the class numbers them: 0 TCP, 1 UDP.
        destination: text, such as `10.0.0.1:4059`; kept for those who read it, the endpoint says where a push goes.
        message: type of the message: 0 A-XDR.
        windows: pairs of date-times, 12 octets each, between which pushes are allowed; none for always.
        start_interval: most seconds that a push may wait for its turn.
        retries: how often one that failed is sent again.
        delay: seconds between two tries.
        client: whom it is for, the client's address.
        method: how it is sent.
    """

    objects: tuple[Pushed, ...] = DEFAULT
    service: int = 0
    destination: bytes = b""
    message: int = 0
    windows: tuple[tuple[bytes, bytes], ...] = ()
    start_interval: int = 0
    retries: int = 3
    delay: int = 10
    client: int = 1
    method: int = CONFIRMED


_NEW: Final = PushSettings()


class DlmsPush:
    """The push setup of one meter.

    Attributes:
        settings: as they are now.
        asked: how often somebody has asked for a push, since the meter runs.
        confirmed: when a push was confirmed last, as a date-time of 12 octets; empty for never.
    """

    def __init__(self) -> None:
        self.settings = _NEW
        self.asked = 0
        self.confirmed = b""

    def change(self, **changes: Any) -> None:
        """Set attributes."""
        self.settings = msgspec.structs.replace(self.settings, **changes)

    def state(self) -> dict[str, Any]:
        """What outlives a loss of power, as builtins."""
        changed: dict[str, Any] = msgspec.to_builtins(self.settings, builtin_types=(bytes,))
        return {"settings": changed, "confirmed": self.confirmed}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over."""
        self.settings = msgspec.convert(state["settings"], PushSettings, builtin_types=(bytes,))
        self.confirmed = bytes(state["confirmed"])
