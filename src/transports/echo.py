"""Two-wire adapters and optical heads give our own octets back: this filter recognises and drops them.

Some adapters lose the first or the last octet of the echo, because their receiver is switched late or early.
"""

from __future__ import annotations

from typing import Literal

from meterwire.transports.filtering import Filter, Timed

_PATIENCE = 0.2  # seconds without octets after which a beginning of an echo is not going to be completed
_LOST = 1.0  # seconds between two writes after which the first one's echo is not expected any more
_MOST = 1 << 16  # octets of echo that are waited for
_TOLERATED = 4  # one octet in four may be wrong for a damaged echo (a collision) to be taken for one
_SHORTEST = 4  # an echo of fewer octets must be complete: a shorter likeness proves nothing


class DropEcho(Filter):
    """Drops what equals the octets last sent, whole or one octet short.

    Octets that begin like an echo are held until they are one or are not; when they are not, nothing is lost. With
    `expected` the line is known to echo, and an echo that a collision has damaged is dropped as well. An answer never
    equals its request: every dialect says in it which way it goes.

    Attributes:
        dropped: how many octets of echo have been dropped.
    """

    def __init__(self, mode: Literal["auto", "on"] = "auto") -> None:
        self.dropped = 0
        self._expected = mode == "on"
        self._own = b""
        self._held = b""
        self._stale = b""  # held for an echo that never came; goes out with the next octets
        self._since = self._asked = 0.0

    def sent(self, now: float, octets: bytes) -> list[Timed]:
        """Remember what is to come back."""
        if (
            now - self._asked > _LOST or len(self._own) > _MOST
        ):  # the echo of what was sent before is not going to come any more
            self._stale += self._held
            self._own = self._held = b""
        self._own += octets
        self._asked = now
        return [(now, octets)]

    def received(self, now: float, octets: bytes) -> list[Timed]:
        """Drop the echo, hold what may become one, pass everything else."""
        if not self._own:
            return [(now, octets)]
        self._held += octets
        self._since = now
        length = self._echo(final=False)
        return [] if length is None else [(now, self._let_go(length))]

    def idle(self, now: float) -> list[Timed]:
        """The line is silent: what is held will not grow."""
        if not (self._held or self._stale) or now - self._since < _PATIENCE:
            return []
        return [(now, self._let_go(self._echo(final=True) or 0))]

    def _let_go(self, echo: int) -> bytes:
        rest = self._stale + self._held[echo:]
        self.dropped += echo
        self._own = self._held = self._stale = b""
        return rest

    def _echo(self, *, final: bool) -> int | None:
        """How many of the held octets are an echo; None when more octets must decide."""
        own, held = self._own, self._held
        if held.startswith(own):
            return len(own)
        if len(own) > _SHORTEST:
            if held.startswith(own[1:]):  # the first octet was lost
                return len(own) - 1
            if held.startswith(own[:-1]) and (final or len(held) >= len(own)):  # the last was
                return len(own) - 1
        if not final and (own.startswith(held) or own[1:].startswith(held)):
            return None
        if self._expected:
            if len(held) < len(own) and not final:
                return None
            return len(own) if _like(own, held) else 0
        return 0


def _like(own: bytes, held: bytes) -> bool:
    wrong = sum(a != b for a, b in zip(own, held, strict=False))
    return len(held) >= len(own) and wrong * _TOLERATED <= len(own)
