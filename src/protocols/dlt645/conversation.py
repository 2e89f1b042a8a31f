"""One request and its answer: what every procedure of the client is made of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from typing import Any, Final, Generic, TypeVar

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dialogue import (
    IGNORED,
    AsyncLine,
    Ignored,
    Line,
    LineSettings,
    Patience,
    Receive,
    Steps,
    exchange,
)
from meterwire.protocols.dlt645.address import covers, full_address
from meterwire.protocols.dlt645.credentials import Credentials
from meterwire.protocols.dlt645.editions import EDITION_2007, Edition, edition_of
from meterwire.protocols.dlt645.frame import PREAMBLE, WAKE_UP, WILDCARD, Frame, asking
from meterwire.protocols.dlt645.refusal import refusal
from meterwire.protocols.dlt645.waiting import patience_for
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Frame as Found
from meterwire.protocols.wire.framing import Framer
from meterwire.quantities.reading import METER_ZONE

T = TypeVar("T")
L = TypeVar("L", Line, AsyncLine)

LONGEST_FRAME: Final = 12 + 0xFF
AUTO: Final = "auto"
_STALE_READS: Final = 16


class Conversation(Generic[L]):
    """A meter at the end of a line, or on a bus.

    Args:
        line: to the meter, or to the bus it is on.
        address: 12 digits; fewer are filled with zeros; A in front stands for any digit. AAAAAAAAAAAA asks the only
            meter of the line.
        patience: tries and time-out; by default those for `settings`, or for a network where there are none.
        settings: speed and character format of a serial line, for time-outs, messages and changes of speed.
        zone: of the meter's clock; the protocol does not tell it.
        preamble: wake-up octets sent in front of each request.
        edition: 2007, 1997, or `auto`: the first request finds out.
        credentials: for procedures that change the meter; each can also be given its own.

    Attributes:
        report: data of the active report (04001501H, edition of 2014) that the meter put behind the last item read
            with follow-up frames; empty if it did not.
    """

    line: L

    def __init__(
        self,
        line: L,
        address: str = WILDCARD,
        *,
        patience: Patience | None = None,
        settings: LineSettings | None = None,
        zone: tzinfo = METER_ZONE,
        preamble: bytes = PREAMBLE,
        edition: int | str = 2007,
        credentials: Credentials | None = None,
    ) -> None:
        self.line = line
        self.address = full_address(address)
        self.patience = patience or patience_for(self.address, settings)
        self.settings = settings
        self.zone = zone
        self.credentials = credentials
        self.report = b""
        self._edition: Edition | None = None if edition == AUTO else edition_of(edition)
        self._preamble = preamble
        self._framer = Framer(codec(Frame), fill=WAKE_UP, limit=LONGEST_FRAME)

    @property
    def edition(self) -> int | None:
        """The edition that the meter speaks; None while it is not known."""
        return self._edition.year if self._edition else None

    def _ask(
        self,
        function: int,
        data: bytes,
        understand: Callable[[Frame], T | Ignored],
        address: str = "",
        *,
        changes: bool = False,
        patience: Patience | None = None,
    ) -> Steps[T]:
        """Send a request until it is answered; one that changes the meter is sent once."""
        asked = address or self.address
        edition = self._edition or EDITION_2007

        def accept(found: Found[Frame]) -> T | Ignored:
            control = found.message.control
            if not control.direction or control.function != function or not covers(asked, found.message.address):
                return IGNORED  # our own octets come back, or somebody else is meant
            if control.abnormal:
                raise refusal(found.message, edition.payload_of)
            return understand(found.message)

        yield from self._forget()
        request = self._request(function, data, asked)
        answer: T = yield from exchange(
            request, self._framer, accept, patience or self.patience, repeatable=not changes
        )
        return answer

    def _request(self, function: int, data: bytes, address: str) -> bytes:
        return self._preamble + codec(Frame).build(Frame(address, asking(function), data))

    def _forget(self) -> Steps[None]:
        """Throw away what came before the request: a late or repeated answer must not be taken for the next one."""
        for _ in range(_STALE_READS):
            _, octets = yield Receive(0.0)
            if not octets:
                break
        self._framer.idle()

    def _shown(self, credentials: Credentials | None) -> Credentials:
        found = credentials or self.credentials
        if found is None:
            raise LocalProtocolError("a password is needed to change a meter")
        return found

    def _only(self, year: int, what: str) -> None:
        if self.edition not in (None, year):
            raise LocalProtocolError(f"the edition of {self.edition} has no function to {what}")


def nothing(frame: Frame) -> bool:
    """The understanding of an answer that only says yes."""
    del frame
    return True


def the(message: Any) -> Callable[[Frame], Any]:
    """The understanding of an answer whose data field is one message; raises MalformedError."""
    return lambda frame: codec(message).parse(frame.data)
