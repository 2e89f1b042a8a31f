"""The load of the serving benchmark: connections that each send a request, wait for the answer, and send it again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

CONNECTIONS = 32
_PATIENCE = 10.0


class Talk(Protocol):
    """What one connection says."""

    @property
    def greeting(self) -> bytes:
        """What must be said once, before anything else; empty for nothing."""

    def greeted(self, answer: bytes) -> None:
        """The answer to it."""

    def request(self) -> bytes:
        """The next request: the same one again, or one with another counter."""


class Asking(asyncio.Protocol):
    """One connection with one request under way; answers are counted by their octets.

    Attributes:
        talk: what it says.
        answered: how many answers came.
        last: the last answer.
    """

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.answered = 0
        self.last = b""
        self._heard = b""
        self._size = 0
        self._first: asyncio.Future[bytes] | None = None
        self._done: asyncio.Future[None] | None = None
        self._until = 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._loop = asyncio.get_running_loop()

    async def ask(self, request: bytes) -> bytes:
        """One exchange whose answer is of unknown length, but comes in one piece, as short ones do."""
        self._first = self._loop.create_future()
        self.transport.write(request)
        async with asyncio.timeout(_PATIENCE):
            return await self._first

    def begin(self, size: int, until: float) -> asyncio.Future[None]:
        """Ask again and again until this time of the loop; done when the last answer has come."""
        self._size, self._until, self._heard = size, until, b""
        self._done = self._loop.create_future()
        self.transport.write(self.talk.request())
        return self._done

    def data_received(self, data: bytes) -> None:
        if self._first is not None:
            self._first.set_result(data)
            self._first = None
            return
        if len(data) != self._size or self._heard:
            data = self._heard = self._heard + data
            if len(data) < self._size:
                return
            if len(data) > self._size:
                raise AssertionError("an answer longer than the first one")
            self._heard = b""
        self.answered += 1
        self.last = data
        if self._loop.time() < self._until:
            self.transport.write(self.talk.request())
        elif self._done is not None:
            self._done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(exc or ConnectionError("the server hung up"))


async def connections(port: int, talks: Sequence[Talk]) -> list[Asking]:
    """Open a connection for each talk, and greet where it wants it."""
    loop = asyncio.get_running_loop()
    made = [(await loop.create_connection(lambda talk=talk: Asking(talk), "127.0.0.1", port))[1] for talk in talks]
    await asyncio.gather(*[_greet(one) for one in made])
    return made


async def _greet(one: Asking) -> None:
    if one.talk.greeting:
        one.talk.greeted(await one.ask(one.talk.greeting))


async def load(asking: list[Asking], size: int, seconds: float) -> int:
    """Ask over all connections for so long; the number of answers."""
    before = sum(one.answered for one in asking)
    until = asyncio.get_running_loop().time() + seconds
    await asyncio.gather(*[one.begin(size, until) for one in asking])
    return sum(one.answered for one in asking) - before
