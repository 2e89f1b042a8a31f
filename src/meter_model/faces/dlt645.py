"""The meter as DL/T 645-2007 shows it: reads with follow-up frames, its address, the broadcast time.

What it does not serve it refuses with the error word that says why; what the standard answers with silence it leaves
unanswered: other addresses, broadcasts, a wrong sum, and an address that cannot be written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.meter_model.faces.dlt645_items import Items, Metered
from meterwire.protocols.dialogue import Answer
from meterwire.protocols.dlt645.address import covers
from meterwire.protocols.dlt645.frame import BROADCAST, READ_LIMIT, WAKE_UP, Frame, Function, answering
from meterwire.protocols.dlt645.messages import (
    Address,
    BroadcastTime,
    Error,
    ErrorWord,
    FollowUpAnswer,
    FollowUpRequest,
    ReadAnswer,
    ReadRequest,
    SecurityError,
    SecurityErrorWord,
)
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Frame as Found
from meterwire.protocols.wire.framing import Framer, Garbage

LONGEST_STEP: Final = timedelta(minutes=5)
"""How far a broadcast may set the clock (DL/T 645-2007, 7, broadcast time)."""

_LONGEST_FRAME: Final = 12 + 0xFF
_IN_FIRST: Final = 4  # octets of an answer's data field beside the data: DI
_IN_NEXT: Final = 5  # DI and SEQ
_LAST_SEQUENCE: Final = 0xFF

_OTHER: Final = ErrorWord(other=1)
_NO_DATA: Final = ErrorWord(no_requested_data=1)
_UNAUTHORISED: Final = ErrorWord(password_wrong_or_unauthorised=1)  # nobody has pressed the programming key
_REASONS: Final[Mapping[int, ErrorWord]] = {
    Function.WRITE: _UNAUTHORISED,
    Function.CHANGE_PASSWORD: _UNAUTHORISED,
    Function.CLEAR_DEMAND: _UNAUTHORISED,
    Function.CLEAR_METER: _UNAUTHORISED,
    Function.CLEAR_EVENTS: _UNAUTHORISED,
    Function.CHANGE_BAUD: ErrorWord(baud_cannot_change=1),
}
"""Why a function is refused; every other one for another error."""
_SILENT: Final = frozenset({Function.READ_ADDRESS, Function.WRITE_ADDRESS, Function.BROADCAST_TIME})
"""Functions that have no abnormal answer."""


class Face645:
    """One meter behind DL/T 645-2007, for any number of connections.

    Args:
        meter: what is read.
        preamble: wake-up octets in front of each answer, 0 to 4: meters in the field differ.
        fixed: further items with octets that never change, by data identifier.
        limit: longest data field of an answer, in octets; longer items are split into follow-up frames.

    Raises:
        LocalProtocolError: `preamble`, `limit` or an item is out of range.
    """

    def __init__(
        self, meter: Metered, *, preamble: int = 4, fixed: Mapping[int, bytes] | None = None, limit: int = READ_LIMIT
    ) -> None:
        if not 0 <= preamble <= 4 or not _IN_NEXT < limit <= 0xFF:
            raise LocalProtocolError("0 to 4 wake-up octets, and a data field of 6 to 255 octets")
        longest = limit - _IN_FIRST + _LAST_SEQUENCE * (limit - _IN_NEXT)
        if any(len(octets) > longest for octets in (fixed or {}).values()):
            raise LocalProtocolError(f"an item has at most {longest} octets")
        self.meter = meter
        self.items = Items(meter, fixed or {})
        self.preamble = WAKE_UP * preamble
        self.limit = limit
        self._set_on: date | None = None

    def connect(self) -> Responder645:
        """The responder of a new connection."""
        return Responder645(self)

    @property
    def address(self) -> str:
        """The meter's address, 12 digits."""
        return self.meter.identity.address

    def set_time(self, text: str) -> bool:
        """Obey a broadcast time (YYMMDDhhmmss) where the rules allow it; say whether it was obeyed.

        Once a day, and by at most five minutes.
        """
        year, month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(0, 12, 2))
        now = self.meter.clock.now()
        try:
            wanted = datetime(2000 + year, month, day, hour, minute, second, tzinfo=now.tzinfo)
        except ValueError:
            return False
        if self._set_on == now.date() or abs(wanted - now) > LONGEST_STEP:
            return False
        self.meter.clock.jump(wanted)
        self._set_on = now.date()
        return True


class _Transfer:
    """A long item that is being fetched in parts: what was read when it was asked for."""

    def __init__(self, di: int, octets: bytes, limit: int) -> None:
        self.di = di
        self._octets = octets
        self._limit = limit
        self._sequence = 0

    def part(self, sequence: int) -> bytes:
        """The part with that number; 0 is the one in the answer to the read."""
        if not sequence:
            return self._octets[: self._limit - _IN_FIRST]
        size = self._limit - _IN_NEXT
        start = self._limit - _IN_FIRST + (sequence - 1) * size
        return self._octets[start : start + size]

    def take(self, sequence: int) -> bytes | None:
        """The next part, or the last one again; None for any other."""
        if sequence not in (self._sequence, self._sequence + 1) or not sequence or not self.part(sequence):
            return None
        self._sequence = sequence
        return self.part(sequence)


_Served = tuple[bytes, bool]  # data field of an answer, and whether more follows


class Responder645:
    """One connection: frames in, answers out."""

    def __init__(self, face: Face645) -> None:
        self._face = face
        self._frame = codec(Frame)
        self._framer = Framer(self._frame, fill=WAKE_UP, limit=_LONGEST_FRAME)
        self._read_request, self._read_answer = codec(ReadRequest), codec(ReadAnswer)
        self._transfer: _Transfer | None = None
        self._handlers: Mapping[int, Callable[[bytes], _Served | None]] = {
            Function.READ: self._read,
            Function.READ_FOLLOW_UP: self._read_follow_up,
            Function.READ_ADDRESS: self._read_address,
        }

    def receive(self, octets: bytes, now: float) -> list[Answer]:  # noqa: ARG002  the meter has its own clock
        """Octets arrived; give the answers."""
        return self._answers(self._framer.receive(octets))

    def idle(self, now: float) -> list[Answer]:  # noqa: ARG002  see above
        """The line has been silent: an unfinished frame will not be finished."""
        return self._answers(self._framer.idle())

    def _answers(self, pieces: list[Found[Frame] | Garbage]) -> list[Answer]:
        frames = (self._answer(piece.message) for piece in pieces if isinstance(piece, Found))
        return [Answer(self._face.preamble + self._frame.build(frame)) for frame in frames if frame is not None]

    def _answer(self, frame: Frame) -> Frame | None:
        control, address = frame.control, self._face.address
        if control.direction or control.abnormal or control.follow_up:
            return None  # another meter answers
        if control.function == Function.BROADCAST_TIME and (
            frame.address == BROADCAST or covers(frame.address, address)
        ):
            self._set_time(frame.data)
        if control.function == Function.BROADCAST_TIME or not covers(frame.address, address):
            return None
        return self._served(control.function, frame.data, address)

    def _served(self, function: int, request: bytes, address: str) -> Frame | None:
        handler = self._handlers.get(function)
        reason = _REASONS.get(function, _OTHER)
        if handler is not None:
            try:
                served = handler(request)
            except MalformedError:
                served = None
            else:
                reason = _NO_DATA
            if served is not None:
                data, more = served
                return Frame(address, answering(function, follow_up=more), data)
        if function in _SILENT:
            return None
        return Frame(address, answering(function, abnormal=True), _why(function, reason))

    def _read(self, request: bytes) -> _Served | None:
        asked = self._read_request.parse(request)
        self._transfer = None
        octets = None if asked.selection else self._face.items.octets(asked.identifier)
        if octets is None:
            return None
        transfer = _Transfer(asked.identifier, octets, self._face.limit)
        more = bool(transfer.part(1))
        self._transfer = transfer if more else None
        return self._read_answer.build(ReadAnswer(asked.identifier, transfer.part(0))), more

    def _read_follow_up(self, request: bytes) -> _Served | None:
        asked = codec(FollowUpRequest).parse(request)
        transfer = self._transfer
        if transfer is None or transfer.di != asked.identifier:
            return None
        part = transfer.take(asked.sequence)
        if part is None:
            return None
        answer = FollowUpAnswer(asked.identifier, part, asked.sequence)
        return codec(FollowUpAnswer).build(answer), bool(transfer.part(asked.sequence + 1))

    def _read_address(self, request: bytes) -> _Served | None:
        return None if request else (codec(Address).build(Address(self._face.address)), False)

    def _set_time(self, request: bytes) -> None:
        found: Any = codec(BroadcastTime).attempt(request)
        if not isinstance(found, MalformedError):
            self._face.set_time(found.time)


def _why(function: int, reason: ErrorWord) -> bytes:
    if function == Function.SECURITY:
        word = SecurityErrorWord(other=1)  # there is no secure element
        return codec(SecurityError).build(SecurityError(word))
    return codec(Error).build(Error(reason))
