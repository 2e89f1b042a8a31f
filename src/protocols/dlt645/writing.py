"""Changing a meter: items, address, speed, passwords, clearings, freezes. Nothing here is ever sent twice.

Where an answer is lost the meter is read back, if the dialect lets it be; else, and where it is not as it was to be,
the outcome is told as unknown.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from meterwire.errors import LocalProtocolError, MeterwireError, OutcomeUnknown, TransportError
from meterwire.protocols.dialogue import LineSettings, Reconfigure, Send, Steps, procedure
from meterwire.protocols.dlt645.address import full_address
from meterwire.protocols.dlt645.conversation import L, nothing, the
from meterwire.protocols.dlt645.credentials import Credentials
from meterwire.protocols.dlt645.edition1997 import ChangePassword1997, ClearDemand1997, Write1997
from meterwire.protocols.dlt645.editions import EDITION_1997
from meterwire.protocols.dlt645.entered import entered
from meterwire.protocols.dlt645.frame import BROADCAST, WILDCARD, Function
from meterwire.protocols.dlt645.identifiers import identifier
from meterwire.protocols.dlt645.messages import (
    Address,
    BaudRate,
    BaudWord,
    ChangePassword,
    ClearEvents,
    ClearRequest,
    Freeze,
    OutputSignal,
    Password,
    TerminalOutput,
    WriteRequest,
)
from meterwire.protocols.dlt645.reading import ReadingProcedures
from meterwire.protocols.dlt645.waiting import SETTINGS
from meterwire.protocols.wire.codec import codec

FIRST_PASSWORD: Final = 0x04000C01
"""Data identifier of the password of level 0; those of levels 1 to 9 follow."""
EVERY_EVENT: Final = 0xFFFFFFFF
_CLOCK: Final = frozenset({0x04000101, 0x04000102, 0x0400010C, 0xC010, 0xC011})
"""Items that do not stay as they were written."""


class WritingProcedures(ReadingProcedures[L]):
    """What changes the meter."""

    @procedure
    def write(self, item: str, value: Any, credentials: Credentials | None = None) -> Steps[None]:
        """Write one item (14H).

        Args:
            item: a quantity's name or a data identifier.
            value: as its format has it: a Decimal, a text of digits, flags as an int, a list for a table; or
                octets as they are sent, without mask.
            credentials: instead of those of the client.

        Raises:
            LocalProtocolError: there is no such item, or the value does not fit it.
            Refused: the meter answered no; nothing has been written.
            OutcomeUnknown: the answer was lost, and the item does not read back as written.
        """
        edition = yield from self._known()
        di = edition.item(item).di
        octets = bytes(value) if isinstance(value, (bytes, bytearray)) else edition.encode(di, value)
        yield from self._write(di, octets, self._shown(credentials))

    @procedure
    def write_text(self, item: str, text: str, credentials: Credentials | None = None) -> Steps[None]:
        """Write one item from a value as people enter it; see `entered`; otherwise as `write`."""
        edition = yield from self._known()
        di = edition.item(item).di
        value = entered(di, text, edition.year)
        octets = value if isinstance(value, bytes) else edition.encode(di, value)
        yield from self._write(di, octets, self._shown(credentials))

    @procedure
    def set_address(self, address: str) -> Steps[None]:
        """Give the only meter of the line another address (15H); it must be in its programming state.

        Raises:
            OutcomeUnknown: it was silent, which is also how meters refuse this, and does not answer to the new address.
        """
        edition = yield from self._known()
        new = full_address(address)
        if "A" in new or new == BROADCAST:
            raise LocalProtocolError(f"{address!r} cannot be the address of one meter")
        request = codec(Address).build(Address(new))
        old, self.address = self.address, new
        try:
            yield from self._ask(edition.write_address, request, nothing, WILDCARD, changes=True)
        except OutcomeUnknown:
            if not (yield from self._answers()):
                self.address = old
                raise
        except MeterwireError:
            self.address = old
            raise

    @procedure
    def change_baud(self, baud: int) -> Steps[None]:
        """Change the speed of meter and line (17H): the answer comes at the old speed, then both change.

        Raises:
            Refused: the meter stays as it was, and so does the line.
            OutcomeUnknown: no answer, and none at the new speed either; the line is as it was.
        """
        edition = yield from self._known()
        word = next((one for one in BaudWord if one.name == f"BAUD_{baud}"), None)
        if word is None:
            raise LocalProtocolError(f"DL/T 645 has no speed of {baud}")
        request = codec(BaudRate).build(BaudRate(word))
        old = self.settings or SETTINGS
        new = msgspec.structs.replace(old, baud=baud)
        try:
            yield from self._ask(edition.change_baud, request, the(BaudRate), changes=True)
        except OutcomeUnknown:
            yield from self._change_line(new)
            if not (yield from self._answers()):
                yield from self._change_line(old)
                raise
            return
        yield from self._change_line(new)

    @procedure
    def change_password(self, level: int, new: str, credentials: Credentials | None = None) -> Steps[None]:
        """Change the password of a level (18H); the old one must be of this level or a higher one.

        Raises:
            Refused: the password stays.
            OutcomeUnknown: the answer was lost; passwords cannot be read back.
        """
        edition = yield from self._known()
        shown = self._shown(credentials)
        fresh = Credentials(new, level, shown.operator)
        if edition is EDITION_1997:
            request = codec(ChangePassword1997).build(ChangePassword1997(shown.shown, fresh.shown))
        else:
            change = ChangePassword(FIRST_PASSWORD + level, shown.shown, fresh.shown)
            request = codec(ChangePassword).build(change)
        yield from self._ask(edition.change_password, request, the(Password), changes=True)
        if shown == self.credentials and shown.level == level:
            self.credentials = fresh

    @procedure
    def clear_demand(self, credentials: Credentials | None = None) -> Steps[None]:
        """Clear the maximum demands (19H). Raises Refused, OutcomeUnknown."""
        edition = yield from self._known()
        shown = self._shown(credentials)
        if edition is EDITION_1997:
            request = codec(ClearDemand1997).build(ClearDemand1997(shown.shown))
        else:
            request = codec(ClearRequest).build(ClearRequest(shown.shown, shown.operator))
        yield from self._ask(edition.clear_demand, request, nothing, changes=True)

    @procedure
    def clear_meter(self, credentials: Credentials | None = None) -> Steps[None]:
        """Clear everything that the meter has registered (1AH). Raises Refused, OutcomeUnknown."""
        self._only(2007, "clear the meter")
        shown = self._shown(credentials)
        request = codec(ClearRequest).build(ClearRequest(shown.shown, shown.operator))
        yield from self._ask(Function.CLEAR_METER, request, nothing, changes=True)

    @procedure
    def clear_events(self, di: int = EVERY_EVENT, credentials: Credentials | None = None) -> Steps[None]:
        """Clear all events, or those of an identifier with FFH at its end (1BH). Raises Refused, OutcomeUnknown."""
        self._only(2007, "clear events")
        shown = self._shown(credentials)
        request = codec(ClearEvents).build(ClearEvents(shown.shown, shown.operator, di | 0xFF))
        yield from self._ask(Function.CLEAR_EVENTS, request, nothing, changes=True)

    @procedure
    def freeze(self, moment: str = "99999999", *, everybody: bool = False) -> Steps[None]:
        """Freeze (16H).

        Args:
            moment: MMDDhhmm; 99 for any month, day or hour; all 99 is now.
            everybody: ask all meters of the line, of which none answers.

        Raises:
            Refused, OutcomeUnknown.
        """
        self._only(2007, "freeze")
        request = codec(Freeze).build(Freeze(moment))
        if everybody:
            yield Send(self._request(Function.FREEZE, request, BROADCAST))
        else:
            yield from self._ask(Function.FREEZE, request, nothing, changes=True)

    @procedure
    def set_output(self, signal: OutputSignal) -> Steps[None]:
        """Choose what the multi-function output terminal carries (1DH). Raises Refused, OutcomeUnknown."""
        self._only(2007, "choose the output signal")
        request = codec(TerminalOutput).build(TerminalOutput(signal))
        yield from self._ask(Function.TERMINAL_OUTPUT, request, the(TerminalOutput), changes=True)

    def _write(self, di: int, data: bytes, shown: Credentials) -> Steps[None]:
        edition = yield from self._known()
        if edition is EDITION_1997:
            request = codec(Write1997).build(Write1997(di, shown.shown, data))
        else:
            request = codec(WriteRequest).build(WriteRequest(di, shown.shown, shown.operator, data))
        try:
            yield from self._ask(edition.write, request, nothing, changes=True)
        except OutcomeUnknown as error:
            if di in _CLOCK or not _is_readable(di):
                raise
            yield from self._confirm(di, data, error)

    def _confirm(self, di: int, data: bytes, lost: OutcomeUnknown) -> Steps[None]:
        """Whether an item is as it was to be written."""
        edition = yield from self._known()
        try:
            found = yield from self._data(edition, di)
        except MeterwireError as error:
            raise OutcomeUnknown(f"{lost}; it could not be read back ({error})") from error
        if found != data:
            raise OutcomeUnknown(f"{lost}; it reads back as {found.hex().upper()}, not {data.hex().upper()}")

    def _answers(self) -> Steps[bool]:
        """Whether the meter answers to its address at all."""
        edition = yield from self._known()
        try:
            yield from self._data(edition, 0x9010 if edition is EDITION_1997 else 0x00010000)
        except MeterwireError as error:
            return not isinstance(error, TransportError)
        return True

    def _change_line(self, settings: LineSettings) -> Steps[None]:
        yield Reconfigure(settings)
        if self.settings is not None:
            self.settings = settings


def _is_readable(di: int) -> bool:
    found = identifier(di)
    return found is None or "r" in found.access
