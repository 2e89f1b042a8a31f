"""The meter as a DL/T 698.45 server: pure and synchronous, octets in, answers out."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.faces.dlt69845.association import LEAST_SIZE
from meterwire.meter_model.faces.dlt69845.context import APDU_SIZE, Context, Meter
from meterwire.meter_model.faces.dlt69845.link import Asked, ServerLink
from meterwire.meter_model.faces.dlt69845.report import Reporter
from meterwire.meter_model.faces.dlt69845.security import unasked
from meterwire.meter_model.faces.dlt69845.services import respond
from meterwire.protocols.dialogue import Answer
from meterwire.protocols.dlt69845.dates import DateTimeS
from meterwire.protocols.dlt69845.link import EDITION, EDITIONS, Link
from meterwire.protocols.dlt69845.login import HEARTBEAT, Presence
from meterwire.protocols.dlt69845.services.common import PiidAcd
from meterwire.protocols.dlt69845.services.connect import ReleaseNotification

_MOST_LATE: Final = 16
"""Answers that may wait to leave; of more the oldest are given up, as a busy device does."""


class Face69845:
    """A meter seen through DL/T 698.45.

    Args:
        meter: what is read.
        edition: of the standard, 2017 or 2021; raises LocalProtocolError for another.
        logic: logical address of the meter within its device; other logical addresses are not answered.
        groups: numbers of the groups that the meter belongs to, beside those written to it (4005); what is sent to one
            is done and never answered.
        heartbeat: seconds between LINK heartbeats, where the meter dials in (it logs in first, by itself); None where
            it is dialled.
        tag: seconds that a report may be on its way (time tag), 0 for no tag.
    """

    def __init__(
        self,
        meter: Meter,
        *,
        edition: int = EDITION,
        logic: int = 0,
        groups: Collection[str] = (),
        heartbeat: int | None = None,
        tag: int = 0,
    ) -> None:
        if edition not in EDITIONS:
            raise LocalProtocolError(f"there is no edition {edition} of DL/T 698.45: {' or '.join(map(str, EDITIONS))}")
        self.meter, self.edition = meter, edition
        self.logic, self.groups, self.heartbeat, self.tag = logic, frozenset(groups), heartbeat, tag

    def memberships(self) -> frozenset[str]:
        """The groups that the meter belongs to now."""
        written = self.meter.parameters
        numbers = range(1, int(written["group_address_count"]) + 1)
        return self.groups | {written[f"group_address_{number}"] for number in numbers}

    def connect(self) -> Connection69845:
        """One connection of a client."""
        return Connection69845(self)


class _Late(msgspec.Struct, frozen=True):
    """An answer that leaves later."""

    due: float
    user: bytes
    link: Link
    durable: bool


class Connection69845:
    """One connection: its link, and what its client has.

    Attributes:
        context: what handlers of services are given.
        link: frames and pieces.
        reporter: what has happened and is told unasked.
    """

    def __init__(self, face: Face69845) -> None:
        self._face = face
        meter = face.meter
        self.context = Context(meter, face.edition)
        dials = face.heartbeat is not None
        presence = Presence(self.context.now, face.heartbeat or HEARTBEAT) if dials else None
        self.link = ServerLink(
            lambda: meter.identity.address, face.edition, logic=face.logic, groups=face.memberships, presence=presence
        )
        self._heard = math.inf
        self._late: list[_Late] = []
        self.reporter = self.context.reporter = Reporter(self.context, face.tag, lambda: self.link.present)

    def receive(self, octets: bytes, now: float) -> list[Answer]:
        """Octets arrived; answers to the requests that are now complete."""
        return self._answers(self.link.receive(octets, now), now)

    def idle(self, now: float) -> list[Answer]:
        """The line fell silent: what is incomplete is given up."""
        return self._answers(self.link.idle(now), now)

    def next(self) -> float:
        """When the meter wants to speak of its own accord: pieces again, LINK, the end of an idle connection."""
        due = min(self.link.next(), self.reporter.next())
        if self._late:
            due = min(due, *(one.due for one in self._late))
        return due if self.context.connected is None else min(due, self._ends())

    def run(self, now: float) -> list[Answer]:
        """What it says of its own accord."""
        if not self._face.meter.answers:
            return []
        self.link.run(now)
        said = [Answer(octets) for octets in self.link.take()] + self._answers_due(now)
        if now >= self._ends() and not self.link.busy:
            said.append(self._end(now))
        report = None if self.link.busy else self.reporter.run(now)
        if report is not None:
            said.append(Answer(self.link.notify(report, self.context.client, now), durable=True))
        return said

    def goodbye(self) -> list[Answer]:
        """What the meter says before it hangs up: LINK logout, where it has dialled in."""
        return [Answer(octets) for octets in self.link.logout()]

    def _ends(self) -> float:
        return math.inf if self.context.connected is None else self._heard + self.context.timeout

    def _end(self, now: float) -> Answer:
        """The connection was idle for too long: say so, and forget it."""
        connected, client = self.context.connected or self.context.now(), self.context.client
        body = ReleaseNotification(PiidAcd(), DateTimeS.of(connected), DateTimeS.of(self.context.now()))
        octets = self.link.notify(unasked(self.context, body), client, now)
        self.context.forget()
        self.link.frame_size = self.context.frame_size
        return Answer(octets)

    def _answers(self, asked: list[Asked], now: float) -> list[Answer]:
        if not self._face.meter.answers:
            self.link.take()
            return []
        answers = [Answer(octets) for octets in waiting] if (waiting := self.link.take()) else []
        for one in asked:
            answer = self._answer(one, now)
            if answer is not None:
                answers.append(answer)
        return answers

    def _answer(self, asked: Asked, now: float) -> Answer | None:
        self._heard, context, link = now, self.context, asked.link
        context.client, context.changed, context.delay = link.client, False, 0.0
        user = respond(context, asked.user)
        if user is None or not asked.answered:
            return None
        if context.delay and (after := self._line_seconds(context.delay)):
            self._late.append(_Late(now + after, user, link, context.changed))
            self._late = self._late[-_MOST_LATE:]
            return None
        octets = self.link.answer(user, link, now)
        self.link.frame_size = context.frame_size  # what was agreed holds from the next answer on
        return Answer(octets, context.changed)

    def _line_seconds(self, seconds: float) -> float:
        """The time of the line in which so much of the device's own passes; none where its clock stands still."""
        clock = self.context.meter.clock
        return 0.0 if clock.frozen else seconds / float(clock.rate)

    def _answers_due(self, now: float) -> list[Answer]:
        """Answers whose time has come: meters behind this device have been asked meanwhile."""
        due = [one for one in self._late if one.due <= now] if not self.link.busy else []
        self._late = [one for one in self._late if one not in due]
        return [Answer(self.link.answer(one.user, one.link, now), durable=one.durable) for one in due]


__all__ = ["APDU_SIZE", "LEAST_SIZE", "Connection69845", "Face69845"]
