"""Lines in memory: pairs that are connected to each other, and lines that end in a responder.

The blocking ones live on a virtual clock that passes only while somebody waits. A pair for asyncio follows its event
loop, which may be a `simulation.SimulatedLoop`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Final

from meterwire.errors import Disconnected
from meterwire.protocols.dialogue import AGAIN, Answer, AsyncLine, Line, LineSettings, Responder, timed
from meterwire.transports.clock import VirtualClock

SILENCE: Final = 0.5  # seconds without octets after which a responder is told that the line is idle


class MemoryLine:
    """One end of a pair; what is written arrives at the other end at once.

    Attributes:
        settings: what the line was last set to; both ends may differ, nothing is garbled here.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.settings: LineSettings | None = None
        self._inbox = bytearray()
        self._other: MemoryLine | None = None
        self._closed = False

    def now(self) -> float:
        """The time of the clock that both ends share."""
        return self.clock.now()

    def write(self, octets: bytes) -> None:
        """Send; raises `Disconnected` when either end is closed."""
        if self._closed or self._other is None or self._other._closed:  # noqa: SLF001  the other half of this object
            raise Disconnected("the line in memory has been closed")
        self._other._inbox += octets  # noqa: SLF001  see above

    def read(self, until: float) -> bytes:
        """What has arrived; runs the clock until something has, at most to `until`."""
        while not self._inbox:
            if self._closed or self._other is None or self._other._closed:  # noqa: SLF001  see above
                raise Disconnected("the line in memory has been closed")
            if not self.clock.step(until):
                break
        octets = bytes(self._inbox)
        self._inbox.clear()
        return octets

    def pause(self, until: float) -> None:
        """Run the clock."""
        self.clock.advance(until)

    def reconfigure(self, settings: LineSettings) -> None:
        """Remember the settings."""
        self.settings = settings

    def close(self) -> None:
        """Close this end; the other reads what is left and then finds the line gone."""
        self._closed = True


def pair(clock: VirtualClock | None = None) -> tuple[MemoryLine, MemoryLine]:
    """Two blocking lines that are connected to each other."""
    clock = clock or VirtualClock()
    one, other = MemoryLine(clock), MemoryLine(clock)
    one._other, other._other = other, one  # noqa: SLF001  this function is part of the class
    return one, other


class AsyncMemoryLine:
    """One end of a pair for asyncio, on the time of the event loop."""

    def __init__(self) -> None:
        self.settings: LineSettings | None = None
        self._inbox = bytearray()
        self._news = asyncio.Event()
        self._other: AsyncMemoryLine | None = None
        self._closed = False

    def now(self) -> float:
        """The time of the event loop."""
        return asyncio.get_running_loop().time()

    async def write(self, octets: bytes) -> None:
        """Send; raises `Disconnected` when either end is closed."""
        if self._closed or self._other is None or self._other._closed:  # noqa: SLF001  the other half of this object
            raise Disconnected("the line in memory has been closed")
        self._other._inbox += octets  # noqa: SLF001  see above
        self._other._news.set()  # noqa: SLF001  see above

    async def read(self, until: float) -> bytes:
        """What has arrived, waiting until then."""
        if not self._inbox and not self._gone():
            self._news.clear()
            try:
                async with asyncio.timeout_at(until):
                    await self._news.wait()
            except TimeoutError:
                return b""
        if not self._inbox:
            raise Disconnected("the line in memory has been closed")
        octets = bytes(self._inbox)
        self._inbox.clear()
        return octets

    async def pause(self, until: float) -> None:
        """Wait."""
        await asyncio.sleep(max(0.0, until - self.now()))

    async def reconfigure(self, settings: LineSettings) -> None:
        """Remember the settings."""
        self.settings = settings

    async def close(self) -> None:
        """Close this end; the other reads what is left and then finds the line gone."""
        self._closed = True
        self._news.set()
        if self._other is not None:
            self._other._news.set()  # noqa: SLF001  see above

    def _gone(self) -> bool:
        return self._closed or self._other is None or self._other._closed  # noqa: SLF001  see above


def apair() -> tuple[AsyncMemoryLine, AsyncMemoryLine]:
    """Two asyncio lines that are connected to each other."""
    one, other = AsyncMemoryLine(), AsyncMemoryLine()
    one._other, other._other = other, one  # noqa: SLF001  this function is part of the class
    return one, other


class ResponderLine:
    """A blocking line that ends in a responder: what is written is answered there and then.

    Attributes:
        settings: what the line was last set to, by either end.
    """

    def __init__(
        self,
        responder: Responder,
        clock: VirtualClock | None = None,
        *,
        latency: float = 0.0,
        silence: float = SILENCE,
        commit: Callable[[], None] | None = None,
    ) -> None:
        self.clock = clock or VirtualClock()
        self.settings: LineSettings | None = None
        self._responder, self._commit = responder, commit
        self._timed = timed(responder)
        self._earliest = -math.inf
        self._latency, self._silence = latency, silence
        self._idle_at = math.inf
        self._inbox = bytearray()
        self._closed = False

    def now(self) -> float:
        """The time of the virtual clock."""
        return self.clock.now()

    def write(self, octets: bytes) -> None:
        """Send to the responder, which answers after the line's latency."""
        self._open()
        self._hear(self._responder.receive(octets, self.now()))
        self._idle_at = self.now() + self._silence

    def read(self, until: float) -> bytes:
        """What the responder has answered, running the clock until something has come, at most to `until`."""
        self._open()
        while not self._inbox:
            due = math.inf if self._timed is None else max(self._timed.next(), self._earliest)
            if self._timed is not None and due <= min(until, self.clock.next(), self._idle_at):
                self.clock.advance(due)
                self._hear(self._timed.run(self.now()))
                self._earliest = self.now() + AGAIN
            elif self._idle_at <= min(until, self.clock.next()):
                self.clock.advance(self._idle_at)
                self._idle_at = math.inf
                self._hear(self._responder.idle(self.now()))
            elif not self.clock.step(until):
                break
        octets = bytes(self._inbox)
        self._inbox.clear()
        return octets

    def pause(self, until: float) -> None:
        """Run the clock."""
        self.clock.advance(until)

    def reconfigure(self, settings: LineSettings) -> None:
        """Remember the settings."""
        self.settings = settings

    def close(self) -> None:
        """Refuse everything from now on."""
        self._closed = True

    def _open(self) -> None:
        if self._closed:
            raise Disconnected("the line in memory has been closed")

    def _hear(self, answers: list[Answer]) -> None:
        if self._commit is not None and any(answer.durable for answer in answers):
            self._commit()
        octets = b"".join(answer.octets for answer in answers)
        if octets:
            self.clock.at(self.now() + self._latency, lambda: self._inbox.extend(octets))


class Immediate:
    """A line on a virtual clock, for asyncio: its waits are over at once, so that it never suspends anybody."""

    def __init__(self, line: Line) -> None:
        self.line = line

    def now(self) -> float:
        """The time of the virtual clock."""
        return self.line.now()

    async def write(self, octets: bytes) -> None:
        """Send."""
        self.line.write(octets)

    async def read(self, until: float) -> bytes:
        """What has arrived by then."""
        return self.line.read(until)

    async def pause(self, until: float) -> None:
        """Run the clock."""
        self.line.pause(until)

    async def reconfigure(self, settings: LineSettings) -> None:
        """Change the line's settings."""
        self.line.reconfigure(settings)

    async def close(self) -> None:
        """Close the line."""
        self.line.close()


def connected(responder: Responder, clock: VirtualClock | None = None, *, latency: float = 0.0) -> ResponderLine:
    """A blocking line to a responder; with a latency in seconds if given."""
    return ResponderLine(responder, clock, latency=latency)


def aconnected(responder: Responder, clock: VirtualClock | None = None, *, latency: float = 0.0) -> AsyncLine:
    """The same for asyncio."""
    return Immediate(ResponderLine(responder, clock, latency=latency))
