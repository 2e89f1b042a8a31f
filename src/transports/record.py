"""A filter that writes what passes into a capture file."""

from __future__ import annotations

import time
from collections.abc import Callable

from meterwire.transports.capture.pcapng import CaptureFile
from meterwire.transports.filtering import Filter, Timed


class Record(Filter):
    """Records one line or connection as an interface of a capture file; several may share the file.

    Args:
        file: where to.
        name: of the connection.
        endpoint: what is said about it, usually the endpoint URL.
        wall: gives seconds since 1970 for the time of the line; by default the system's clock at the first octet.
    """

    def __init__(
        self, file: CaptureFile, name: str, endpoint: str = "", wall: Callable[[float], float] | None = None
    ) -> None:
        self._file = file
        self._interface = file.interface(name, endpoint)
        self._wall = wall

    def sent(self, now: float, octets: bytes) -> list[Timed]:
        """Write and pass."""
        self._file.packet(self._interface, self._time(now), octets, "sent")
        return [(now, octets)]

    def received(self, now: float, octets: bytes) -> list[Timed]:
        """Write and pass."""
        self._file.packet(self._interface, self._time(now), octets, "received")
        return [(now, octets)]

    def _time(self, now: float) -> float:
        if self._wall is None:
            difference = time.time() - now
            self._wall = lambda then: then + difference
        return self._wall(now)
