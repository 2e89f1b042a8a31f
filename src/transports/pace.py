"""A filter that lets octets pass no faster than a serial line would carry them."""

from __future__ import annotations

from typing import Final

from meterwire.protocols.dialogue import LineSettings
from meterwire.transports.filtering import Filter, Timed

GRAIN: Final = 0.01  # seconds of line time that travel together, so that fast lines are not cut into single octets


class Pace(Filter):
    """Gives octets on when the line would have carried them; each direction has a line of its own.

    Follows the user's settings when they change.
    """

    def __init__(self, settings: LineSettings, grain: float = GRAIN) -> None:
        self._settings, self._grain = settings, grain
        self._sent = self._received = 0.0  # when the last octet has passed

    def sent(self, now: float, octets: bytes) -> list[Timed]:
        """Delay."""
        pieces = self._paced(max(now, self._sent), octets)
        self._sent = pieces[-1][0]
        return pieces

    def received(self, now: float, octets: bytes) -> list[Timed]:
        """Delay."""
        pieces = self._paced(max(now, self._received), octets)
        self._received = pieces[-1][0]
        return pieces

    def reconfigured(self, now: float, settings: LineSettings) -> LineSettings:  # noqa: ARG002  a filter's signature
        """Follow."""
        self._settings = settings
        return settings

    def _paced(self, start: float, octets: bytes) -> list[Timed]:
        together = max(1, int(self._grain / self._settings.seconds(1)))
        return [
            (start + self._settings.seconds(min(index + together, len(octets))), octets[index : index + together])
            for index in range(0, len(octets), together)
        ]
