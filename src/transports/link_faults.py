"""Faults of a served link that can be changed while it is used: one setting for all its connections."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.transports.fault import Fault, Rates
from meterwire.transports.filtering import Filter

LONGEST_DELAY: Final = 60.0
_NAMES: Final = Rates.__struct_fields__
_WAYS: Final = ("sent", "received")


class LinkFaults:
    """The faults of one link; `filter` is what `serve` takes as one of its filters.

    Args:
        seed: of the random numbers; each connection has its own, by its number.

    Attributes:
        sent: what goes wrong with what the meter sends.
        received: what goes wrong on the way to the meter.
    """

    def __init__(self, seed: int | str = 0) -> None:
        self.sent = self.received = Rates()
        self._seed = seed
        self._connections = 0
        self._filters: weakref.WeakSet[Fault] = weakref.WeakSet()

    def filter(self, _peer: str = "") -> Filter:
        """The filter of a new connection."""
        self._connections += 1
        made = Fault(f"{self._seed}/{self._connections}", self.sent, self.received)
        self._filters.add(made)
        return made

    def change(self, settings: Mapping[str, Any]) -> None:
        """Change rates by their names: of both directions, or of one under `sent` or `received`.

        Raises:
            LocalProtocolError: no such fault, or no such rate; nothing has changed then.
        """
        both = {name: value for name, value in settings.items() if name not in _WAYS}
        wanted = [_changed(_changed(getattr(self, way), both), settings.get(way, {})) for way in _WAYS]
        self._apply(*wanted)

    def clear(self) -> None:
        """No faults."""
        self._apply(Rates(), Rates())

    def settings(self) -> dict[str, Any]:
        """The rates that are not zero, by direction, as `change` takes them."""
        return {way: _told(getattr(self, way)) for way in _WAYS}

    def injected(self) -> dict[str, int]:
        """How often each fault has happened on the connections there are."""
        total: dict[str, int] = {}
        for made in self._filters:
            for name, count in made.injected.items():
                total[name] = total.get(name, 0) + count
        return total

    def _apply(self, sent: Rates, received: Rates) -> None:
        self.sent, self.received = sent, received
        for made in self._filters:
            made.change(sent, received)


def _changed(rates: Rates, changes: Any) -> Rates:
    if not isinstance(changes, dict):
        raise LocalProtocolError("faults of a direction are given by name")
    for name, value in changes.items():
        if name not in _NAMES:
            raise LocalProtocolError(f"no fault is called {name!r}: {', '.join(_NAMES)}")
        most = LONGEST_DELAY if name == "seconds" else 1.0
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
            raise LocalProtocolError(f"{name}: a number from 0 to {most:g} is needed")
    return msgspec.structs.replace(rates, **{name: float(value) for name, value in changes.items()})


def _told(rates: Rates) -> dict[str, float]:
    quiet = Rates()
    return {name: getattr(rates, name) for name in _NAMES if getattr(rates, name) != getattr(quiet, name)}
