"""Middleware: filters that see and change what passes a line, without I/O, and the lines and connections they wrap.

A filter is asked what becomes of octets that are sent or received now, and gives them back, changed or not, each piece
with the time at which it goes on. The same filter object works on a blocking line, an asyncio line and a served
connection. Filters are listed from the line outwards: the first is nearest to the wire.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Generator
from itertools import count
from typing import Any

from meterwire.errors import TransportError
from meterwire.protocols.dialogue import (
    AsyncLine,
    Event,
    Line,
    LineSettings,
    Pause,
    Receive,
    Reconfigure,
    Send,
    Step,
    aconverse,
    converse,
)

Timed = tuple[float, bytes]


class Filter:
    """Passes everything at once. A filter overrides what it wants to see or change.

    Pieces that are due now must not be given before pieces that the filter still holds back, unless it means to
    reorder: whoever delays keeps the order.
    """

    @property
    def passes(self) -> bool:
        """Whether it passes everything just now and wants to see nothing, so that it need not be asked."""
        return False

    def sent(self, now: float, octets: bytes) -> list[Timed]:
        """Octets on their way to the peer: what goes on, and when."""
        return [(now, octets)]

    def received(self, now: float, octets: bytes) -> list[Timed]:
        """Octets that came from the peer: what goes on, and when."""
        return [(now, octets)]

    def idle(self, now: float) -> list[Timed]:  # noqa: ARG002  the signature of the others
        """A read ended with nothing: received octets that the filter held back and now lets go."""
        return []

    def reconfigured(self, now: float, settings: LineSettings) -> LineSettings:  # noqa: ARG002  see above
        """The line changes its settings: what the layers below are to be set to."""
        return settings

    def closed(self, now: float) -> None:
        """The line was closed, by us or by the peer."""


class Chain:
    """Filters in a row, and a calendar of the pieces that they delay; it never reads a clock.

    Attributes:
        out: pieces that are due to go to the line.
        into: pieces that are due to go to the user.
    """

    def __init__(self, filters: tuple[Filter, ...]) -> None:
        self.out: list[bytes] = []
        self.into: list[bytes] = []
        self._filters = filters
        self._numbers = count()
        self._held: list[tuple[float, int, int, bool, bytes]] = []
        self._outgoing = 0

    def send(self, now: float, octets: bytes) -> None:
        """The user sends octets."""
        self._run(now)
        self._pass(now, len(self._filters) - 1, True, octets)

    def deliver(self, now: float, octets: bytes) -> None:
        """The line delivers octets."""
        self._run(now)
        self._pass(now, 0, False, octets)

    def idle(self, now: float) -> None:
        """A read of the user ended with nothing."""
        for index, one in enumerate(self._filters):
            self._enter(now, index + 1, False, one.idle(now))

    def reconfigure(self, now: float, settings: LineSettings) -> LineSettings:
        """The user changes settings; gives those for the line itself."""
        for one in reversed(self._filters):
            settings = one.reconfigured(now, settings)
        return settings

    def close(self, now: float) -> None:
        """Let everything go that is still held, and tell the filters."""
        self._run(math.inf)
        for one in self._filters:
            one.closed(now)

    def run(self, now: float) -> None:
        """Pass on what is due by now."""
        self._run(now)

    def next(self) -> float:
        """When the next delayed piece is due; infinite if there is none."""
        return self._held[0][0] if self._held else math.inf

    @property
    def holding(self) -> bool:
        """Whether anything is still held back."""
        return bool(self._held)

    @property
    def passes(self) -> bool:
        """Whether octets may go past the filters: nothing waits here, and none of them wants to see any."""
        if self._held or self.out or self.into:
            return False
        for one in self._filters:  # noqa: SIM110  asked at every reception: a generator costs twice as much
            if not one.passes:
                return False
        return True

    @property
    def sending(self) -> bool:
        """Whether pieces on their way to the line are still held back."""
        return self._outgoing > 0

    def take(self) -> bytes:
        """What the user is to get."""
        octets = b"".join(self.into)
        self.into.clear()
        return octets

    def _run(self, now: float) -> None:
        while self._held and self._held[0][0] <= now:
            time, _, index, outward, octets = heapq.heappop(self._held)
            self._outgoing -= outward
            self._pass(time, index, outward, octets)

    def _pass(self, now: float, index: int, outward: bool, octets: bytes) -> None:
        if index < 0:
            self.out.append(octets)
        elif index == len(self._filters):
            self.into.append(octets)
        elif outward:
            self._enter(now, index - 1, True, self._filters[index].sent(now, octets))
        else:
            self._enter(now, index + 1, False, self._filters[index].received(now, octets))

    def _enter(self, now: float, index: int, outward: bool, pieces: list[Timed]) -> None:
        for time, octets in pieces:
            if not octets:
                continue
            if time <= now:
                self._pass(now, index, outward, octets)
            else:
                self._outgoing += outward
                heapq.heappush(self._held, (time, next(self._numbers), index, outward, octets))


class _Passage:
    """What both kinds of wrapped line do, as dialogues over the line below."""

    def __init__(self, line: Line | AsyncLine, filters: tuple[Filter, ...]) -> None:
        self._below = line
        self._chain = Chain(filters)
        self._lost: TransportError | None = None

    def now(self) -> float:
        """The time of the line below."""
        return self._below.now()

    def _flush(self, now: float) -> Generator[Step, Event, None]:
        self._chain.run(now)
        while self._chain.out:
            yield Send(self._chain.out.pop(0))

    def _writing(self, octets: bytes) -> Generator[Step, Event, None]:
        now = self._below.now()
        self._chain.send(now, octets)
        yield from self._flush(now)

    def _reading(self, until: float) -> Generator[Step, Event, bytes]:
        now = self._below.now()
        while True:
            yield from self._flush(now)
            if self._chain.into:
                return self._chain.take()
            if self._lost is not None:
                raise self._lost
            now, octets = yield from self._wait(min(until, self._chain.next()))
            if octets:
                self._chain.deliver(now, octets)
            elif now >= until and self._lost is None:
                self._chain.idle(now)
                yield from self._flush(now)
                return self._chain.take()

    def _wait(self, until: float) -> Generator[Step, Event, Event]:
        try:
            return (yield Receive(until))
        except TransportError as error:  # what came before the end is delivered before the end
            self._lost = error
            self._chain.close(self._below.now())
            self._chain.out.clear()
            return self._below.now(), b""

    def _pausing(self, until: float) -> Generator[Step, Event, None]:
        while self._chain.holding and self._chain.next() <= until:
            now, _ = yield Pause(self._chain.next())
            yield from self._flush(now)
        yield Pause(until)

    def _reconfiguring(self, settings: LineSettings) -> Generator[Step, Event, None]:
        now = self._below.now()
        yield from self._flush(now)
        while self._chain.sending:
            now, _ = yield Pause(self._chain.next())
            yield from self._flush(now)
        yield Reconfigure(self._chain.reconfigure(now, settings))

    def _closing(self) -> Generator[Step, Event, None]:
        if self._lost is None:
            self._lost = TransportError("the line has been closed")
            self._chain.close(self._below.now())
            while self._chain.out:
                yield Send(self._chain.out.pop(0))


class FilteredLine(_Passage):
    """A blocking line behind filters."""

    _below: Line

    def write(self, octets: bytes) -> None:
        """Send octets through the filters."""
        converse(self._writing(octets), self._below)

    def read(self, until: float) -> bytes:
        """What has passed the filters by then."""
        return converse(self._reading(until), self._below)

    def pause(self, until: float) -> None:
        """Wait; what the filters delay goes its way meanwhile."""
        converse(self._pausing(until), self._below)

    def reconfigure(self, settings: LineSettings) -> None:
        """Change the line's settings after everything sent has left the filters."""
        converse(self._reconfiguring(settings), self._below)

    def close(self) -> None:
        """Send what the filters still hold, and close the line below."""
        try:
            converse(self._closing(), self._below)
        except TransportError:
            pass  # the peer is gone: nothing is left to be sent to
        finally:
            self._below.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._below, name)


class AsyncFilteredLine(_Passage):
    """An asyncio line behind filters."""

    _below: AsyncLine

    async def write(self, octets: bytes) -> None:
        """Send octets through the filters."""
        await aconverse(self._writing(octets), self._below)

    async def read(self, until: float) -> bytes:
        """What has passed the filters by then."""
        return await aconverse(self._reading(until), self._below)

    async def pause(self, until: float) -> None:
        """Wait; what the filters delay goes its way meanwhile."""
        await aconverse(self._pausing(until), self._below)

    async def reconfigure(self, settings: LineSettings) -> None:
        """Change the line's settings after everything sent has left the filters."""
        await aconverse(self._reconfiguring(settings), self._below)

    async def close(self) -> None:
        """Send what the filters still hold, and close the line below."""
        try:
            await aconverse(self._closing(), self._below)
        except TransportError:
            pass  # the peer is gone: nothing is left to be sent to
        finally:
            await self._below.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._below, name)


def wrap(line: Line, *filters: Filter) -> Line:
    """The line behind filters, the first nearest to the wire; the line itself when there is none."""
    return FilteredLine(line, filters) if filters else line


def awrap(line: AsyncLine, *filters: Filter) -> AsyncLine:
    """The asyncio line behind filters, the first nearest to the wire; the line itself when there is none."""
    return AsyncFilteredLine(line, filters) if filters else line
