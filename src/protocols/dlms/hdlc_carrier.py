"""HDLC below a session: the client's side of the link, and the LLC octets in front of each APDU (IEC 62056-46)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from meterwire.errors import (
    Disconnected,
    MeterwireError,
    NoAnswer,
    OutcomeUnknown,
    Refused,
    SequenceError,
)
from meterwire.protocols.dialogue import IGNORED, Ignored, Patience, Receive, Send, Steps, exchange
from meterwire.protocols.dlms.llc import LlcAddress
from meterwire.protocols.hdlc import session
from meterwire.protocols.hdlc.address import Address, client_address
from meterwire.protocols.hdlc.frame import Frame
from meterwire.protocols.hdlc.framer import HdlcFramer
from meterwire.protocols.hdlc.parameters import Parameters
from meterwire.protocols.hdlc.session import Link
from meterwire.protocols.hdlc.states import Role, State

T = TypeVar("T")

COMMAND: Final = bytes((LlcAddress.COMMAND, LlcAddress.COMMAND, 0))
"""LLC octets in front of what a client sends."""
RESPONSE: Final = bytes((LlcAddress.COMMAND, LlcAddress.RESPONSE, 0))
"""LLC octets in front of what a server sends."""
POLL: Final = 0.1
"""Seconds before a server that had nothing to say yet is asked again."""


class HdlcCarrier:
    """The link between one client and one server.

    Args:
        client: HDLC address of the client, 0 to 127.
        address: of the server.
        offer: information field and window that this end can do.
    """

    recovers = True

    def __init__(self, client: int, address: Address, offer: Parameters | None = None) -> None:
        self.client, self.server, self.address = client, address.upper, address
        self.link = Link(Role.PRIMARY, client_address(client), address.octets, offer)
        self._framer = HdlcFramer()

    def open(self, patience: Patience) -> Steps[None]:
        """SNRM and UA, unless the link is connected.

        Raises:
            Refused: the meter answers DM.
            NoAnswer: nothing usable came.
        """
        if self.link.state is State.CONNECTED:
            return
        self.link.lost()
        request = self.link.connect()
        yield from exchange(request, self._framer, self._awaiting(session.Connected), patience, repeatable=True)

    def close(self, patience: Patience) -> Steps[None]:
        """DISC, and UA or DM, if the link is connected."""
        if self.link.state is not State.CONNECTED:
            return
        request = self.link.disconnect()
        try:
            yield from exchange(request, self._framer, self._awaiting(session.Disconnected), patience, repeatable=True)
        finally:
            self.link.lost()

    def _awaiting(self, kind: type) -> Callable[[Any], Ignored | None]:
        def accept(piece: Any) -> Ignored | None:
            for event in self._events(piece, 0.0):
                if isinstance(event, kind):
                    return None
                if isinstance(event, session.Disconnected):
                    raise Refused(0x0F, "the meter refuses an HDLC connection (DM)")
            return IGNORED

        return accept

    def _events(self, piece: Any, now: float) -> list[session.Event]:
        """What a frame means, if it is the server's to this client."""
        message = getattr(piece, "message", None)
        if not isinstance(message, Frame) or message.destination != self.link.own or message.source != self.link.peer:
            return []
        return self.link.receive(message, now)

    def exchange(
        self, apdu: bytes, accept: Callable[[bytes], T | Ignored], patience: Patience, *, repeatable: bool
    ) -> Steps[T]:
        """Send an APDU and wait for the one that `accept` takes. What the line loses the link repeats, never the APDU.

        Raises:
            NoAnswer: nothing usable came.
            OutcomeUnknown: the same, and the APDU must not be repeated though the meter may have it.
            Disconnected: the meter says that there is no link.
            SequenceError: the meter rejects a frame.
        """
        yield from self.open(patience)
        self.link.send(COMMAND + apdu)
        talk = _Talk(self, accept, patience)
        try:
            found: T = yield from talk.run()
        except (NoAnswer, Disconnected) as error:
            given = self.link.numbers.unsent == 0
            self.link.lost()
            if repeatable or not given:
                raise
            raise OutcomeUnknown(f"{error}: read back before trying again") from error
        except MeterwireError:
            if self.link.state is not State.CONNECTED:
                self.link.lost()
            raise
        return found

    def queue(self, apdu: bytes) -> Steps[None]:
        """Put an APDU into the turn of the next exchange, in front of its own.

        Raises:
            Disconnected: the link has gone.
        """
        yield from ()
        self._check_connected()
        self.link.send(COMMAND + apdu)

    def tell(self, apdu: bytes) -> Steps[None]:
        """Send an APDU in unnumbered frames, which nobody acknowledges.

        Raises:
            Disconnected: the link has gone.
        """
        self._check_connected()
        yield Send(self.link.unnumbered(COMMAND + apdu))

    def _check_connected(self) -> None:
        if self.link.state is not State.CONNECTED:
            raise Disconnected(f"there is no HDLC link to server {self.server}")


class _Talk:
    """One exchange over a connected link."""

    def __init__(self, carrier: HdlcCarrier, accept: Callable[[bytes], Any], patience: Patience) -> None:
        self._carrier, self._link, self._accept, self._patience = carrier, carrier.link, accept, patience
        self._found: Any = IGNORED
        self._silences = 0

    def run(self) -> Steps[Any]:
        """In turns, until the answer is there and it is ours to speak again."""
        link, timeout = self._link, self._patience.timeout
        now, _ = yield Send(link.turn())
        last = now
        while True:
            before = self._progress()
            now = yield from self._listen(now + timeout)
            if not isinstance(self._found, Ignored):
                return self._found
            if self._progress() != before:
                last, self._silences = now, 0
            elif now - last > timeout * self._patience.tries:
                raise NoAnswer(f"no answer from {self._patience.peer}: the link works, but nothing comes over it")
            if link.has_turn:
                idle = not link.numbers.waiting or link.peer_busy
                if idle and self._progress() == before:
                    now, _ = yield from self._rest(now)
                now, _ = yield Send(link.turn())
            else:
                self._silences += 1
                if self._silences >= self._patience.tries:
                    tries = self._patience.tries
                    plural = "try" if tries == 1 else "tries"
                    raise NoAnswer(
                        f"no answer from {self._patience.peer} after {tries} {plural}: {self._patience.hint}"
                    )
                now, _ = yield Send(link.enquire())  # the checkpoint: its answer says what was lost

    def _progress(self) -> tuple[int, int, int]:
        numbers = self._link.numbers
        return numbers.receive, numbers.base, numbers.waiting

    def _rest(self, now: float) -> Steps[tuple[float, bytes]]:
        """The server had nothing to say, or is busy: ask again a little later."""
        until = now + POLL
        while now < until:
            now, octets = yield Receive(until)
            self._take(octets, now)
        return now, b""

    def _listen(self, until: float) -> Steps[float]:
        """Until the turn is ours, or time is up."""
        now = until - self._patience.timeout
        while now < until and not self._link.has_turn:
            now, octets = yield Receive(until)
            self._take(octets, now, silent=now >= until)
        return now

    def _take(self, octets: bytes, now: float, *, silent: bool = False) -> None:
        pieces = self._carrier._framer.receive(octets) if octets else []  # noqa: SLF001  its own
        if silent:
            pieces += self._carrier._framer.idle()  # noqa: SLF001  see above
        for piece in pieces:
            for apdu in self._apdus(piece, now):
                if isinstance(self._found, Ignored):
                    self._found = self._accept(apdu)

    def _apdus(self, piece: Any, now: float) -> Iterator[bytes]:
        for event in self._carrier._events(piece, now):  # noqa: SLF001  its own
            if isinstance(event, session.Disconnected):
                raise Disconnected(f"{self._patience.peer}: {event.reason}")
            if isinstance(event, session.Rejected):
                raise SequenceError(f"{self._patience.peer} rejects a frame: {event.reason}")
            if isinstance(event, session.Endless):
                raise SequenceError(f"{self._patience.peer} sends {event.reason}")
            if isinstance(event, session.Message) and event.octets[:3] in (RESPONSE, COMMAND):
                yield event.octets[3:]
