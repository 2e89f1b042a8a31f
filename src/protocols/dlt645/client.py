"""Reading a meter: one item, many, its address; and telling all of them the time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Final, Generic, TypeVar

from meterwire.errors import MalformedError, Refused, SequenceError
from meterwire.protocols.dialogue import (
    IGNORED,
    AsyncFace,
    AsyncLine,
    Ignored,
    Line,
    LineSettings,
    Patience,
    Receive,
    Send,
    Steps,
    SyncFace,
    exchange,
    procedure,
)
from meterwire.protocols.dlt645.address import covers, full_address
from meterwire.protocols.dlt645.frame import BROADCAST, PREAMBLE, WAKE_UP, WILDCARD, Frame, Function, asking
from meterwire.protocols.dlt645.interpret import interpret
from meterwire.protocols.dlt645.messages import (
    Address,
    BroadcastTime,
    FollowUpAnswer,
    FollowUpRequest,
    ReadAnswer,
    ReadRequest,
)
from meterwire.protocols.dlt645.names import item
from meterwire.protocols.dlt645.refusal import refusal
from meterwire.protocols.dlt645.report import REPORT
from meterwire.protocols.dlt645.waiting import patience_for
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Frame as Found
from meterwire.protocols.wire.framing import Framer
from meterwire.quantities.reading import METER_ZONE, Reading, ReadingError

T = TypeVar("T")
L = TypeVar("L", Line, AsyncLine)

LONGEST_FRAME: Final = 12 + 0xFF
_LAST_SEQUENCE: Final = 0xFF
_STALE_READS: Final = 16


class Procedures(Generic[L]):
    """What both clients can do.

    Args:
        line: to the meter, or to the bus it is on.
        address: 12 digits; fewer are filled with zeros; A in front stands for any digit. AAAAAAAAAAAA asks the only
            meter of the line.
        patience: tries and time-out; by default those for `settings`, or for a network where there are none.
        settings: speed and character format of a serial line, for time-outs and messages.
        zone: of the meter's clock; the protocol does not tell it.
        preamble: wake-up octets sent in front of each request.

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
    ) -> None:
        self.line = line
        self.address = full_address(address)
        self.patience = patience or patience_for(self.address, settings)
        self.zone = zone
        self.report = b""
        self._preamble = preamble
        self._framer = Framer(codec(Frame), fill=WAKE_UP, limit=LONGEST_FRAME)

    @procedure
    def read(self, item: str) -> Steps[Reading]:
        """Read one item: a quantity's name such as `active_energy_import`, or a data identifier such as `00010000`.

        Raises:
            LocalProtocolError: DL/T 645 has no such item.
            Refused: the meter answered no; the code is its `ErrorWord`.
            MalformedError: the data do not have the declared form.
            NoAnswer: nothing usable came.
        """
        return (yield from self._read(item))

    @procedure
    def read_many(self, items: Sequence[str]) -> Steps[list[Reading]]:
        """Read items one after another. One that is refused or malformed is given back with its error.

        Raises:
            LocalProtocolError: DL/T 645 has no such item; nothing has been sent then.
            NoAnswer: nothing usable came.
        """
        for text in items:
            item(text)
        readings = []
        for text in items:
            try:
                readings.append((yield from self._read(text)))
            except Refused as error:
                readings.append(_failed(text, int(error.code), error.text))
            except MalformedError as error:
                readings.append(_failed(text, "malformed", str(error)))
        return readings

    @procedure
    def read_data(self, di: int) -> Steps[bytes]:
        """The data of an item (identifier of 32 bits, DI3 highest), follow-up frames joined, mask taken off."""
        return (yield from self._data(di))

    @procedure
    def read_address(self) -> Steps[str]:
        """Ask the only meter of the line for its address (13H): 12 digits."""
        answer = yield from self._ask(Function.READ_ADDRESS, b"", _address, WILDCARD)
        return answer

    @procedure
    def set_time(self, moment: datetime) -> Steps[None]:
        """Tell all meters of the line the time (08H). None answers; a meter obeys once a day, by up to five minutes.

        A moment without a zone is the meter's local time.
        """
        local = moment if moment.tzinfo is None else moment.astimezone(self.zone)
        request = BroadcastTime(local.strftime("%y%m%d%H%M%S"))
        yield Send(self._request(Function.BROADCAST_TIME, codec(BroadcastTime).build(request), BROADCAST))

    def _read(self, text: str) -> Steps[Reading]:
        wanted = item(text)
        octets = yield from self._data(wanted.di)
        return interpret(wanted, octets, self.zone)

    def _data(self, di: int) -> Steps[bytes]:
        self.report = b""
        request = codec(ReadRequest).build(ReadRequest(di))
        first, more = yield from self._ask(Function.READ, request, lambda frame: _first_part(frame, di))
        parts = [first]
        while more:
            part, more = yield from self._follow_up(di, len(parts))
            parts.append(part)
        return b"".join(parts)

    def _follow_up(self, di: int, sequence: int) -> Steps[tuple[bytes, bool]]:
        if sequence > _LAST_SEQUENCE:
            raise SequenceError(f"item {di:08X} does not end after {_LAST_SEQUENCE} follow-up frames")
        request = codec(FollowUpRequest).build(FollowUpRequest(di, sequence))
        answer, more = yield from self._ask(
            Function.READ_FOLLOW_UP, request, lambda frame: _next_part(frame, di, sequence)
        )
        if answer.identifier == di:
            return answer.data, more
        self.report = answer.data  # it comes when the item is complete, whatever the frame says of more to follow
        return b"", False

    def _ask(
        self, function: Function, data: bytes, understand: Callable[[Frame], T | Ignored], address: str = ""
    ) -> Steps[T]:
        asked = address or self.address

        def accept(found: Found[Frame]) -> T | Ignored:
            control = found.message.control
            if not control.direction or control.function != function or not covers(asked, found.message.address):
                return IGNORED  # our own octets come back, or somebody else is meant
            if control.abnormal:
                raise refusal(found.message)
            return understand(found.message)

        yield from self._forget()
        request = self._request(function, data, asked)
        answer: T = yield from exchange(request, self._framer, accept, self.patience, repeatable=True)
        return answer

    def _request(self, function: Function, data: bytes, address: str) -> bytes:
        return self._preamble + codec(Frame).build(Frame(address, asking(function), data))

    def _forget(self) -> Steps[None]:
        """Throw away what came before the request: a late or repeated answer must not be taken for the next one."""
        for _ in range(_STALE_READS):
            _, octets = yield Receive(0.0)
            if not octets:
                break
        self._framer.idle()


def _failed(text: str, code: int | str, why: str) -> Reading:
    row = item(text).quantity
    return Reading(text, row.name if row else None, error=ReadingError(code, why))


def _address(frame: Frame) -> str:
    return codec(Address).parse(frame.data).address


def _first_part(frame: Frame, di: int) -> tuple[bytes, bool] | Ignored:
    answer = codec(ReadAnswer).parse(frame.data)
    return (answer.data, bool(frame.control.follow_up)) if answer.identifier == di else IGNORED


def _next_part(frame: Frame, di: int, sequence: int) -> tuple[FollowUpAnswer, bool] | Ignored:
    """The part with that number; an earlier one is a repeated answer, a later one cannot be."""
    answer = codec(FollowUpAnswer).parse(frame.data)
    if answer.identifier not in (di, REPORT) or answer.sequence < sequence:
        return IGNORED
    if answer.sequence > sequence:
        raise SequenceError(f"follow-up frame {answer.sequence} came where {sequence} was asked for")
    return answer, bool(frame.control.follow_up)


class Meter645(SyncFace, Procedures[Line]):
    """A meter, read over a blocking line."""


class AsyncMeter645(AsyncFace, Procedures[AsyncLine]):
    """A meter, read over an asyncio line."""
