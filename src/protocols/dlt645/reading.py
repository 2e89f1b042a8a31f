"""Reading: one item, many, the address; and telling all meters of a line the time or to freeze."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from meterwire.errors import LocalProtocolError, MalformedError, NoAnswer, Refused, SequenceError
from meterwire.protocols.dialogue import IGNORED, Ignored, Send, Steps, procedure
from meterwire.protocols.dlt645.conversation import Conversation, L
from meterwire.protocols.dlt645.edition1997 import Item1997
from meterwire.protocols.dlt645.editions import EDITION_1997, EDITION_2007, Edition
from meterwire.protocols.dlt645.frame import BROADCAST, WILDCARD, Frame, Function
from meterwire.protocols.dlt645.messages import (
    Address,
    BroadcastTime,
    FollowUpAnswer,
    FollowUpRequest,
    ReadAnswer,
    ReadRequest,
)
from meterwire.protocols.dlt645.report import REPORT
from meterwire.protocols.wire.codec import codec
from meterwire.quantities.reading import Reading, ReadingError

_LAST_SEQUENCE: Final = 0xFF
_CLASSES: Final = 6
_MOST_RECORDS: Final = 99
_ENERGY, _ENERGY_1997 = 0x00010000, 0x9010


class ReadingProcedures(Conversation[L]):
    """What asks and changes nothing."""

    @procedure
    def read(self, item: str) -> Steps[Reading]:
        """Read one item: a quantity's name such as `active_energy_import`, or a data identifier such as `00010000`.

        Raises:
            LocalProtocolError: DL/T 645 has no such item.
            Refused: the meter answered no; the code is its `ErrorWord`.
            MalformedError: the data do not have the declared form.
            NoAnswer: nothing usable came.
        """
        edition = yield from self._known()
        return (yield from self._read(edition, item))

    @procedure
    def read_many(self, items: Sequence[str]) -> Steps[list[Reading]]:
        """Read items one after another. One that is refused or malformed is given back with its error.

        Raises:
            LocalProtocolError: DL/T 645 has no such item; nothing has been read then.
            NoAnswer: nothing usable came.
        """
        edition = yield from self._known()
        for text in items:
            edition.item(text)
        readings = []
        for text in items:
            try:
                readings.append((yield from self._read(edition, text)))
            except Refused as error:
                readings.append(_failed(edition, text, int(error.code), error.text))
            except MalformedError as error:
                readings.append(_failed(edition, text, "malformed", str(error)))
        return readings

    @procedure
    def read_data(self, di: int) -> Steps[bytes]:
        """The data of an item, follow-up frames joined, mask taken off.

        Args:
            di: data identifier, 32 bits with DI3 highest; of the edition of 1997 16 bits.
        """
        return (yield from self._data((yield from self._known()), di))

    @procedure
    def read_load(self, number: int = 0, start: datetime | None = None, count: int = 1) -> Steps[Reading]:
        """Load records (class 06): a list of [state, time, and six groups], a group that was not asked for as None.

        Args:
            number: class 1 to 6; 0 is all of them.
            start: of the first record; naive is the meter's local time; None reads the earliest.
            count: how many records, 1 to 99; a meter may send fewer.

        Raises:
            LocalProtocolError: there is no such class, or the edition of 1997 has other records.
            Refused, MalformedError, NoAnswer: as `read`.
        """
        edition = yield from self._known()
        self._only(2007, "read load records like this")
        if not 0 <= number <= _CLASSES or not 1 <= count <= _MOST_RECORDS:
            raise LocalProtocolError(f"a class is 1 to {_CLASSES}, and 1 to {_MOST_RECORDS} records are read at a time")
        selection, which = bytes.fromhex(f"{count:02d}"), 0
        if start is not None:
            local = start if start.tzinfo is None else start.astimezone(self.zone)
            selection, which = selection + bytes.fromhex(local.strftime("%y%m%d%H%M"))[::-1], 1
        wanted = edition.item(f"06{number:02X}00{which:02X}")
        octets = yield from self._data(edition, wanted.di, selection)
        return edition.interpret(wanted, octets, self.zone)

    @procedure
    def read_address(self) -> Steps[str]:
        """Ask the only meter of the line for its address (13H): 12 digits. Meters of 1997 do not know the question."""
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

    def _known(self) -> Steps[Edition]:
        """The edition; where it is not known, the one in which the meter answers to anything.

        Raises:
            NoAnswer: it answers in neither.
        """
        if self._edition is not None:
            return self._edition
        once = msgspec.structs.replace(self.patience, tries=1)
        try:
            if self.address == WILDCARD:
                yield from self._ask(Function.READ_ADDRESS, b"", _address, patience=once)
            else:
                request = codec(ReadRequest).build(ReadRequest(_ENERGY))
                yield from self._ask(Function.READ, request, lambda frame: _first_part(frame, _ENERGY), patience=once)
        except NoAnswer:
            if not (yield from self._is_of_1997()):
                raise
            self._edition = EDITION_1997
        except (Refused, MalformedError):  # it may be a meter of 1997 that says so to what it does not know
            self._edition = EDITION_1997 if (yield from self._is_of_1997()) else EDITION_2007
        else:
            self._edition = EDITION_2007
        return self._edition

    def _is_of_1997(self) -> Steps[bool]:
        """Whether the meter gives its energy by the identifier of 1997."""
        try:
            yield from self._data_of_1997(_ENERGY_1997)
        except (NoAnswer, Refused, MalformedError):
            return False
        return True

    def _read(self, edition: Edition, text: str) -> Steps[Reading]:
        wanted = edition.item(text)
        octets = yield from self._data(edition, wanted.di)
        return edition.interpret(wanted, octets, self.zone)

    def _data(self, edition: Edition, di: int, selection: bytes = b"") -> Steps[bytes]:
        if edition is EDITION_1997:
            return (yield from self._data_of_1997(di))
        self.report = b""
        request = codec(ReadRequest).build(ReadRequest(di, selection))
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

    def _data_of_1997(self, di: int) -> Steps[bytes]:
        """Follow-up frames of 1997 carry no number: a part that is asked for again could be another, so none is."""
        request = codec(Item1997).build(Item1997(di))
        part, more = yield from self._ask(EDITION_1997.read, request, lambda frame: _part_of_1997(frame, di))
        parts = [part]
        once = msgspec.structs.replace(self.patience, tries=1)
        while more:
            if len(parts) > _LAST_SEQUENCE:
                raise SequenceError(f"item {di:04X} does not end after {_LAST_SEQUENCE} follow-up frames")
            part, more = yield from self._ask(
                EDITION_1997.follow_up, request, lambda frame: _part_of_1997(frame, di), patience=once
            )
            parts.append(part)
        return b"".join(parts)


def _failed(edition: Edition, text: str, code: int | str, why: str) -> Reading:
    row = edition.item(text).quantity
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


def _part_of_1997(frame: Frame, di: int) -> tuple[bytes, bool] | Ignored:
    answer = codec(Item1997).parse(frame.data)
    return (answer.data, bool(frame.control.follow_up)) if answer.identifier == di else IGNORED
