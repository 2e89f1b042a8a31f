"""LINK: a server that dials in logs in, says again and again that it is there, and logs out; and whom it tells.

Both ends are pure: time is handed in, `clock` gives the local time that the messages carry. DL/T 698.45-2017, LINK.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from enum import Enum
from typing import Final

from meterwire.protocols.dlt69845.dates import UNSPECIFIED, UNSPECIFIED_WORD, DateTime
from meterwire.protocols.dlt69845.services.common import Piid, PiidAcd
from meterwire.protocols.dlt69845.services.presence import (
    LinkKind,
    LinkOutcome,
    LinkRequest,
    LinkResponse,
    LinkResult,
)

Clock = Callable[[], dt.datetime]

HEARTBEAT: Final = 180
"""Seconds between heartbeats; the annex of the standard shows the same."""
WAIT: Final = 30.0
"""Seconds to wait for the answer to a LINK request."""
TRIES: Final = 3
"""How often in a row a LINK request stays unanswered before the server logs in anew."""
NO_TIME: Final = DateTime(UNSPECIFIED_WORD, *(UNSPECIFIED,) * 6, UNSPECIFIED_WORD)


class Reception:
    """Answers those who dial in.

    Args:
        clock: local time, which the answer carries and says to be trustworthy; without one it has no times.
        accept: what to think of a login.

    Attributes:
        present: whether the server has logged in and not out.
        heartbeat: seconds between heartbeats, as the server says.
    """

    def __init__(self, clock: Clock | None = None, accept: Callable[[LinkRequest], LinkOutcome] | None = None) -> None:
        self._clock, self._accept = clock, accept
        self.present, self.heartbeat = False, 0

    def answer(self, request: LinkRequest) -> LinkResponse:
        """The response to a LINK request."""
        outcome = LinkOutcome.OK if self._accept is None else self._accept(request)
        if request.kind == LinkKind.LOGOUT:
            self.present = False
        elif outcome == LinkOutcome.OK:
            self.present, self.heartbeat = True, request.heartbeat
        else:
            self.present = False
        now = NO_TIME if self._clock is None else DateTime.of(self._clock())
        result = LinkResult(clock_trusted=int(self._clock is not None), outcome=outcome)
        piid = Piid(priority=request.piid.priority, number=request.piid.number)
        return LinkResponse(piid, result, request.time, now, now)


class Standing(Enum):
    """How a server that dials in stands with its client."""

    STRANGER = "not logged in"
    PRESENT = "logged in"
    REFUSED = "not wanted"
    GONE = "logged out"


class Presence:
    """Logs a server in, and keeps it there.

    Args:
        clock: the server's local time.
        heartbeat: seconds between heartbeats, 1 to 65535.
        wait: seconds to wait for an answer.
        tries: unanswered requests in a row after which it logs in anew.

    Attributes:
        standing: how it stands.
    """

    def __init__(self, clock: Clock, heartbeat: int = HEARTBEAT, *, wait: float = WAIT, tries: int = TRIES) -> None:
        self._clock, self.heartbeat = clock, min(max(heartbeat, 1), 0xFFFF)
        self._wait, self._tries = wait, tries
        self._number = 0
        self._asked: LinkRequest | None = None
        self._unanswered = 0
        self._due = -math.inf
        self.standing = Standing.STRANGER

    def next(self) -> float:
        """When to call `run`, infinite for not at all."""
        return math.inf if self.standing == Standing.GONE else self._due

    def run(self, now: float) -> LinkRequest | None:
        """The request that is due now, if any: a login, again a login, a heartbeat."""
        if now < self.next() or self.standing == Standing.GONE:
            return None
        if self._asked is not None:
            self._unanswered += 1
            if self._unanswered >= self._tries:
                self.standing, self._unanswered = Standing.STRANGER, 0
        kind = LinkKind.HEARTBEAT if self.standing == Standing.PRESENT else LinkKind.LOGIN
        self._due = now + self._wait
        return self._request(kind)

    def logout(self) -> LinkRequest:
        """The request that ends it; nothing more is due afterwards."""
        self.standing = Standing.GONE
        return self._request(LinkKind.LOGOUT)

    def answered(self, response: LinkResponse, now: float) -> bool:
        """A response came; whether it answers the latest request."""
        asked = self._asked
        if asked is None or response.piid.number != asked.piid.number or response.requested != asked.time:
            return False
        self._asked, self._unanswered = None, 0
        if self.standing == Standing.GONE:
            return True
        self.standing = Standing.PRESENT if response.result.outcome == LinkOutcome.OK else Standing.REFUSED
        self._due = now + self.heartbeat
        return True

    def _request(self, kind: LinkKind) -> LinkRequest:
        self._asked = LinkRequest(PiidAcd(number=self._number), kind, self.heartbeat, DateTime.of(self._clock()))
        self._number = (self._number + 1) & 0x3F
        return self._asked
