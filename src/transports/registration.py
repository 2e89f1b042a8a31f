"""A meter or its data terminal unit (DTU) that dials in sends octets of its own: registration and heartbeat.

They belong to no dialect and look different with every maker: a MAC address, a number, a text. A pattern tells them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from meterwire.transports.filtering import Filter, Timed

_WITHIN = 512  # octets in which the pattern is looked for, so that a careless pattern costs little
_PATIENCE = 1.0  # seconds for a registration that arrives in pieces


class StripRegistration(Filter):
    """Takes registration and heartbeat octets out of what is received and reports them.

    They are recognised at the start of what arrives together, as often as they repeat there, never in the middle of
    it: frames may contain anything. Until we have sent something the beginning of a registration may arrive in pieces
    and is waited for.
    """

    def __init__(self, pattern: str, report: Callable[[float, bytes], None] | None = None) -> None:
        self._pattern = re.compile(pattern.encode("latin-1"), re.DOTALL)
        self._report = report
        self._awaited = True
        self._held = b""
        self._since = 0.0

    def sent(self, now: float, octets: bytes) -> list[Timed]:
        """From now on answers come, and nothing is held any more."""
        self._awaited = False
        return [(now, octets)]

    def received(self, now: float, octets: bytes) -> list[Timed]:
        """Strip and report; pass the rest."""
        octets, self._held = self._held + octets, b""
        position = 0
        while found := self._pattern.match(octets, position, position + _WITHIN):
            if found.end() == position:
                break
            if self._report is not None:
                self._report(now, found.group())
            position = found.end()
            self._awaited = False
        if self._awaited and len(octets) < _WITHIN:
            self._held, self._since = octets, now
            return []
        return [(now, octets[position:])]

    def idle(self, now: float) -> list[Timed]:
        """Give up waiting for the rest of a registration."""
        if not self._held or (self._awaited and now - self._since < _PATIENCE):
            return []
        octets, self._held, self._awaited = self._held, b"", False
        return [(now, octets)]
