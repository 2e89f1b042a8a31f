"""Serving a responder: one connection is one `asyncio.Protocol` that pumps octets through it, whatever carries them.

Octets in, filters, responder, commit of what is durable, filters, one write. No streams, no task per request.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from meterwire.errors import MeterwireError
from meterwire.protocols.dialogue import AGAIN, Answer, LineSettings, Responder, Timed, farewell, timed
from meterwire.transports.alive import keep_alive
from meterwire.transports.filtering import Chain, Filter

SILENCE: Final = 1.0  # seconds without octets after which the responder is told that the line is idle
BACKLOG: Final = 1 << 18  # octets that may wait to be taken by the peer before nothing more is read from it

PATIENCE: Final = 10.0
"""Seconds without an answer after which a connection may have to make room for another one, where all are taken."""

Connect = Callable[[], Responder]
MakeFilter = Callable[[str], Filter]
Speak = Callable[[bytes, float], None]


class Service:
    """What all connections of one endpoint share: how to answer, and how many there may be."""

    def __init__(
        self,
        connect: Connect,
        commit: Callable[[], None] | None = None,
        filters: Sequence[MakeFilter] = (),
        *,
        silence: float = SILENCE,
        limit: int = 1_000_000,
        patience: float = PATIENCE,
    ) -> None:
        self.connect, self.commit, self.filters = connect, commit, filters
        self.silence, self.limit, self.patience = silence, limit, patience
        self.connections: set[Connection] = set()

    def has_room(self, now: float) -> bool:
        """Whether one more may come: where all places are taken, the one that was answered longest ago makes room."""
        if len(self.connections) < self.limit:
            return True
        oldest = min(self.connections, key=lambda one: one.useful, default=None)
        if oldest is None or now - oldest.useful < self.patience:
            return False
        self.connections.discard(oldest)
        oldest.abort()
        return True


class Connection(asyncio.Protocol):
    """One served connection. A subclass or owner may set `reconfigure` where the line has settings.

    Attributes:
        peer: who it is, for messages and filters.
        useful: when it was answered last, in the loop's time.
        reconfigure: called with new line settings once the answer that announces them has left.
    """

    def __init__(self, service: Service) -> None:
        self.peer = ""
        self.reconfigure: Callable[[LineSettings], None] | None = None
        self.ended = asyncio.Event()
        self._service = service
        self._loop = asyncio.get_running_loop()
        self._chain: Chain | None = None
        self._heard = 0.0
        self.useful = self._loop.time()
        self._watch: asyncio.TimerHandle | None = None
        self._wake: asyncio.TimerHandle | None = None
        self._timed: Timed | None = None
        self._appointment: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------ what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Make a responder, or refuse a connection too many."""
        self._transport = cast("asyncio.Transport", transport)
        self._responder: Responder | None = None
        self.peer = self.peer or _name(transport)
        if not self._service.has_room(self._loop.time()):
            self._transport.abort()
            return
        keep_alive(transport.get_extra_info("socket"))
        self._service.connections.add(self)
        self._transport.set_write_buffer_limits(BACKLOG)
        try:
            self._responder = self._service.connect()
            filters = tuple(make(self.peer) for make in self._service.filters)
        except Exception as error:  # noqa: BLE001  a fault of one connection must not stop the others
            self._fail(error)
            return
        self._chain = Chain(filters) if filters else None
        self._timed = timed(self._responder)
        self._appoint()

    def data_received(self, data: bytes) -> None:
        """Pump."""
        now = self._loop.time()
        self._heard = now
        if self._watch is None:
            self._watch = self._loop.call_at(now + self._service.silence, self._silent)
        if self._chain is None or self._chain.passes:
            self._hear(data, now, self._write)
        else:
            self._chain.deliver(now, data)
            self._turn(now)

    def pause_writing(self) -> None:
        """The peer takes nothing: it is not read from either, until it does."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The peer takes octets again."""
        self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        """Forget everything."""
        self._service.connections.discard(self)
        for timer in (self._watch, self._wake, self._appointment):
            if timer is not None:
                timer.cancel()
        if self._chain is not None:
            self._chain.close(self._loop.time())
        self._responder = self._timed = None
        self.ended.set()

    def close(self) -> None:
        """Say goodbye where the responder does so, and close after what has been written has left."""
        if self._responder is not None:
            with contextlib.suppress(MeterwireError):
                self._answer(farewell(self._responder), self._loop.time(), self._speak)
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def reformat(self, settings: LineSettings) -> None:
        """Tell the filters of new line settings."""
        if self._chain is not None:
            self._chain.reconfigure(self._loop.time(), settings)

    def say(self, octets: bytes) -> None:
        """Send octets that are nobody's answer: registration, heartbeat."""
        self._speak(octets, self._loop.time())

    # ------------------------------------------------------------ the pump

    def _hear(self, octets: bytes, now: float, speak: Speak) -> None:
        if self._responder is None:
            return
        try:
            self._answer(self._responder.receive(octets, now), now, speak)
        except Exception as error:  # noqa: BLE001  a fault of one connection must not stop the others
            self._fail(error)
        if self._timed is not None:
            self._appoint()

    def _appoint(self, earliest: float = -math.inf) -> None:
        """Come back when the responder wants to speak of its own accord."""
        if self._appointment is not None:
            self._appointment.cancel()
            self._appointment = None
        due = math.inf if self._timed is None else self._timed.next()
        if due < math.inf:
            self._appointment = self._loop.call_at(max(due, earliest), self._own_accord)

    def _own_accord(self) -> None:
        self._appointment = None
        now = self._loop.time()
        if self._timed is None:
            return
        try:
            self._answer(self._timed.run(now), now, self._speak)
        except Exception as error:  # noqa: BLE001  a fault of one connection must not stop the others
            self._fail(error)
        self._appoint(now + AGAIN)

    def _answer(self, answers: list[Answer], now: float, speak: Speak) -> None:
        if self._service.commit is not None:
            for answer in answers:
                if answer.durable:
                    self._service.commit()
                    break
        if self.reconfigure is None:
            if answers:
                speak(answers[0].octets if len(answers) == 1 else b"".join([one.octets for one in answers]), now)
            return
        for answer in answers:
            speak(answer.octets, now)
            if answer.settings is not None:
                self.reconfigure(answer.settings)

    def _speak(self, octets: bytes, now: float) -> None:
        if self._chain is None or self._chain.passes:
            self._write(octets, now)
        elif octets and not self._transport.is_closing():
            self.useful = now
            self._chain.send(now, octets)
            self._turn(now)

    def _write(self, octets: bytes, now: float) -> None:
        """Past the filters."""
        if octets and not self._transport.is_closing():
            self.useful = now
            self._transport.write(octets)

    def _turn(self, now: float) -> None:
        """Move what the filters let go, in both directions, and come back when more is due."""
        chain = self._chain
        if chain is None:
            return
        chain.run(now)
        if chain.into:
            self._hear(chain.take(), now, self._speak)
        if chain.out:
            octets = b"".join(chain.out)
            chain.out.clear()
            self._transport.write(octets)
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        if chain.holding:
            self._wake = self._loop.call_at(chain.next(), self._due)

    def _due(self) -> None:
        self._wake = None
        self._turn(self._loop.time())

    def _silent(self) -> None:
        now = self._loop.time()
        until = self._heard + self._service.silence
        if now < until:
            self._watch = self._loop.call_at(until, self._silent)
            return
        self._watch = None
        if self._chain is not None:
            self._chain.idle(now)
            self._turn(now)
        if self._responder is None:
            return
        try:
            self._answer(self._responder.idle(now), now, self._speak)
        except Exception as error:  # noqa: BLE001  a fault of one connection must not stop the others
            self._fail(error)
        self._appoint()

    def _fail(self, error: Exception) -> None:
        """A responder that raises has lost its place in the conversation: end it; a fault of ours is reported."""
        self._responder = self._timed = None
        self._transport.abort()
        if not isinstance(error, MeterwireError):
            context: dict[str, Any] = {"message": f"serving {self.peer} failed", "exception": error, "protocol": self}
            self._loop.call_exception_handler(context)


def _name(transport: asyncio.BaseTransport) -> str:
    address = transport.get_extra_info("peername")
    return f"{address[0]}:{address[1]}" if isinstance(address, tuple) else "peer"
