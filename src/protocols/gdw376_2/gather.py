"""Many meters at once: each has a dialogue of its own, and all of them share the one line to the module.

As many as `limit` are outstanding at a time, one for each meter. What the module denies for being too much at once is
offered again a little later; everything else is the affair of the dialogue.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Generic, TypeVar

from meterwire.errors import MeterwireError, Refused
from meterwire.protocols.dialogue import Receive, Send, Step, Steps
from meterwire.protocols.gdw376_2.codes import Denial
from meterwire.protocols.gdw376_2.tunnel import NOTHING, Reported, Serve, Tunnel, acknowledgement, framer
from meterwire.protocols.gdw376_2.unit import Unit, unit
from meterwire.protocols.wire.framing import Frame

T = TypeVar("T")

LIMIT: Final = 20
"""Meters outstanding at a time that every module must take."""
BACK_OFF: Final = 1.0
"""Seconds after which a frame is offered again that was denied for being too much at once."""
_BUSY: Final = frozenset({Denial.TOO_MANY_AT_ONCE, Denial.METER_BUSY, Denial.PRIMARY_BUSY})

Outcome = Any
"""What a dialogue returned, or the documented error that it ended with."""
Done = Callable[[str, Outcome], None]


class _Job(Generic[T]):
    """One dialogue between two of its steps."""

    def __init__(self, tunnel: Tunnel, steps: Steps[T]) -> None:
        self.tunnel, self._steps = tunnel, steps
        self.step: Step | None = None
        self.ended, self.outcome = False, None
        self.again = math.inf
        self._octets = b""
        self._move(lambda: next(steps))

    def _move(self, move: Callable[[], Step]) -> None:
        try:
            self.step = move()
        except StopIteration as done:
            self.ended, self.outcome = True, done.value
        except MeterwireError as error:
            self.ended, self.outcome = True, error  # type: ignore[assignment]

    def resume(self, now: float, octets: bytes = b"") -> None:
        """What it waited for has come, or its time is over."""
        self._move(lambda: self._steps.send((now, octets)))

    def frame(self) -> bytes | None:
        """What it wants to send now, None for nothing."""
        if not isinstance(self.step, Send):
            return None
        self._octets, self.again = self.step.octets, math.inf
        return self.tunnel.wrap(self._octets)

    def repeated(self) -> bytes:
        """What the module had no room for, once more."""
        self.again = math.inf
        return self.tunnel.wrap(self._octets)

    def until(self) -> float:
        """Until when it waits."""
        until: float = getattr(self.step, "until", 0.0)
        return min(until, self.again)

    def hear(self, heard: Unit, now: float) -> None:
        """The module answered its frame."""
        try:
            octets = self.tunnel.content(heard)
        except Refused as refused:
            if refused.code in _BUSY:
                self.again = now + BACK_OFF
                return
            error = refused
            self._move(lambda: self._steps.throw(error))
            return
        if isinstance(self.step, Receive) and octets:
            self.resume(now, octets)

    def close(self) -> None:
        """Nobody waits for it any more."""
        self._steps.close()


def gather(
    jobs: Mapping[Tunnel, Steps[T]],
    *,
    limit: int = LIMIT,
    reported: Reported | None = None,
    serve: Serve = NOTHING,
    done: Done | None = None,
) -> Steps[dict[str, Outcome]]:
    """Run dialogues with many meters over the one line to their module.

    Args:
        jobs: a dialogue for each tunnel; the tunnels share their sequence numbers, one tunnel for each meter.
        limit: meters outstanding at a time.
        reported: is told of every report of the module, which is confirmed whatever happens.
        serve: answers to what the module asks, see `tunnel.acknowledgement`.
        done: is told of every end: the meter's address, and what its dialogue returned or the error it ended with.

    Returns:
        What each dialogue returned, or the documented error it ended with, by the meter's address.
    """
    waiting = iter(jobs.items())
    running: list[_Job[T]] = []
    outcomes: dict[str, Outcome] = {}
    ears, now = framer(), 0.0
    try:
        while True:
            for job in _turn(running, waiting, limit):
                outcomes[job.tunnel.address] = job.outcome
                if done is not None:
                    done(job.tunnel.address, job.outcome)
            if not running:
                return outcomes
            now, sent = yield from _speak(running, now)
            if sent:
                continue
            now, octets = yield Receive(min(job.until() for job in running))
            back = b""
            for piece in ears.receive(octets) if octets else ears.idle():
                if isinstance(piece, Frame):
                    back += _deliver(unit(piece.message), running, now, reported, serve)
            if back:
                now, _ = yield Send(back)
            for job in running:
                if job.again > now and job.until() <= now and not job.ended:
                    job.resume(now)
    finally:
        for job in running:
            job.close()


def _turn(running: list[_Job[T]], waiting: Iterator[tuple[Tunnel, Steps[T]]], limit: int) -> list[_Job[T]]:
    """Put new ones in the place of those that ended, and give those."""
    ended: list[_Job[T]] = []
    while True:
        ended += [job for job in running if job.ended]
        running[:] = [job for job in running if not job.ended]
        if len(running) >= limit:
            return ended
        new = next(waiting, None)
        if new is None:
            return ended
        running.append(_Job(*new))


def _speak(running: list[_Job[T]], now: float) -> Steps[tuple[float, bool]]:
    """Send for everybody who wants to; tells whether anybody did."""
    sent = False
    for job in running:
        frame = job.frame()
        if frame is not None:
            now, _ = yield Send(frame)
            job.resume(now)
            sent = True
        elif job.again <= now:
            now, _ = yield Send(job.repeated())
    return now, sent


def _deliver(heard: Unit, running: list[_Job[T]], now: float, reported: Reported | None, serve: Serve) -> bytes:
    """Give an answer to whom it is for; what a report is to be answered."""
    back = acknowledgement(heard, serve)
    if back is not None:
        if reported is not None:
            reported(heard)
        return back
    for job in running:
        if job.tunnel.is_answer(heard) and not job.ended:
            job.hear(heard, now)
            break
    return b""
