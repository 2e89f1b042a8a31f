"""Pushes of real meters, out of the octets of a line: HDLC, wrapper or M-Bus frames, in one piece or several.

Sans-IO: octets in, pushes out. What belongs together is put together (HDLC segments, M-Bus segments, general block
transfer), what is ciphered is opened for those who have the keys, and what cannot be understood is told and forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any, Final, TypeAlias

import msgspec

from meterwire.errors import MalformedError, MeterwireError, SequenceError
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.block_transfer import Receiving
from meterwire.protocols.dlms.ciphering import GeneralBlockTransfer
from meterwire.protocols.dlms.date_time import CosemDateTime
from meterwire.protocols.dlms.pushed_ciphers import KnownKeys, Opened, opened
from meterwire.protocols.dlms.pushed_readings import readings_of
from meterwire.protocols.dlms.wrapper import LARGEST_APDU, Wrapper
from meterwire.protocols.dlms.xdlms.notify import DataNotification, DataNotificationConfirm, EventNotification
from meterwire.protocols.dlms.xdlms.short_names import InformationReport
from meterwire.protocols.hdlc.frame import Frame as HdlcFrame
from meterwire.protocols.hdlc.framer import HdlcFramer
from meterwire.protocols.mbus.frame import SHORT_OCTETS, LongFrame, ShortFrame
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Framer
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities.reading import METER_ZONE, Reading

LARGEST_PUSH: Final = 1 << 16
"""Most octets of one push, put together."""
_HDLC_FLAG, _MBUS_STARTS, _WRAPPED = 0x7E, (0x68, 0x10), 0x00
_LLC: Final = (b"\xe6\xe7\x00", b"\xe6\xe6\x00")
_LONGEST_FRAME: Final = 0x7FF + 2


class Push(msgspec.Struct, frozen=True):
    """One notification.

    Attributes:
        kind: `data`, `event` or `report`.
        title: system title of the sender where it was ciphered, else empty.
        number: long invoke id; 0 where there is none.
        time: of the notification, None where it has none.
        readings: what it says: with an object list by logical name, else by position (`[1]`).
        apdu: the plain APDU.
        verified: whether its authentication tag was checked, which needs the authentication key.
    """

    kind: str
    title: bytes
    number: int
    time: datetime | None
    readings: list[Reading]
    apdu: bytes
    verified: bool = False


class Lost(msgspec.Struct, frozen=True):
    """Octets that are no push, or one that cannot be read."""

    octets: bytes
    reason: str


Heard: TypeAlias = "Push | Lost"


class PushListener:
    """Listens to one line.

    Args:
        keys: for what is ciphered.
        zone: of a meter that does not say its deviation.

    Attributes:
        pushes: how many have come; likewise `lost`.
    """

    def __init__(self, keys: Sequence[KnownKeys] = (), zone: tzinfo = METER_ZONE) -> None:
        self._keys, self._zone = keys, zone
        self._framer: Any = None
        self._held = bytearray()
        self._segment = -1
        self._blocks: Receiving | None = None
        self._replies = bytearray()
        self.pushes = self.lost = 0

    def receive(self, octets: bytes) -> list[Heard]:
        """Octets arrived; the pushes that are now complete."""
        if self._framer is None:
            octets = octets.lstrip(b"\xff")
            if not octets:
                return []
            self._framer = _Undecided(octets[0])
        pieces = self._framer.receive(octets)
        if isinstance(self._framer, _Undecided) and self._framer.decided is not None:
            self._framer = self._framer.decided
        return self._heard(pieces)

    def idle(self) -> list[Heard]:
        """The line fell silent: what is incomplete is given up, and what comes next decides anew what it is."""
        found = self._heard(self._framer.idle()) if self._framer is not None else []
        if self._held or self._blocks is not None:
            found.append(self._lose(bytes(self._held), "a push that does not end"))
        self._forget()
        self._framer = None
        return found

    def replies(self) -> bytes:
        """Confirmations of wrapped pushes that want one: to be sent by whoever can. They are given once."""
        found = bytes(self._replies)
        self._replies.clear()
        return found

    # ------------------------------------------------------------ frames

    def _heard(self, pieces: list[Any]) -> list[Heard]:
        found: list[Heard] = []
        for piece in pieces:
            if hasattr(piece, "reason"):
                if piece.octets.strip(b"\x7e") and not _is_reset(piece.octets):
                    found.append(self._lose(piece.octets, piece.reason))
                continue
            try:
                one = self._frame(piece.message)
            except MeterwireError as error:
                self._forget()
                one = self._lose(piece.octets, str(error))
            if one is not None:
                found.append(one)
        return found

    def _frame(self, frame: Any) -> Heard | None:
        if isinstance(frame, Wrapper):
            return self._apdu(frame.apdu, frame)
        if isinstance(frame, HdlcFrame):
            return self._hdlc(frame)
        return self._mbus(frame)

    def _hdlc(self, frame: HdlcFrame) -> Heard | None:
        self._hold(frame.information)
        return None if frame.format.segmented else self._whole()

    def _mbus(self, frame: LongFrame) -> Heard | None:
        number = frame.information.sequence
        if number == 0:
            self._forget()
        elif number != (self._segment + 1) & 0x0F:
            raise SequenceError(f"segment {number} came, segment {self._segment + 1} was due")
        self._segment = number
        self._hold(frame.data)
        return self._whole() if frame.information.last else None

    def _hold(self, octets: bytes) -> None:
        if len(self._held) + len(octets) > LARGEST_PUSH:
            raise SequenceError(f"more than {LARGEST_PUSH} octets in one push")
        self._held += octets

    def _whole(self) -> Heard | None:
        octets = bytes(self._held)
        self._held.clear()
        self._segment = -1
        if octets[:3] in _LLC:
            octets = octets[3:]
        return self._apdu(octets, None)

    def _forget(self) -> None:
        self._held.clear()
        self._segment, self._blocks = -1, None

    def _lose(self, octets: bytes, reason: str) -> Lost:
        self.lost += 1
        return Lost(octets, reason)

    # ------------------------------------------------------------ APDUs

    def _apdu(self, octets: bytes, wrapper: Wrapper | None) -> Heard | None:
        if not octets:
            return None  # a keep-alive
        value = codec(APDU).parse(octets).value
        if isinstance(value, GeneralBlockTransfer):
            return self._block(value, wrapper)
        return self._push(opened(octets, self._keys), wrapper)

    def _block(self, block: GeneralBlockTransfer, wrapper: Wrapper | None) -> Heard | None:
        if block.block == 1 or self._blocks is None:
            self._blocks = Receiving(LARGEST_PUSH)
        self._blocks.receive(block)
        if self._blocks.received != block.block:
            self._blocks = None
            raise SequenceError(f"block {block.block} came out of turn")
        whole = self._blocks.whole
        if whole is None:
            return None
        self._blocks = None
        if whole[:1] == bytes((ApduTag.GENERAL_BLOCK_TRANSFER,)):
            raise SequenceError("blocks within blocks")
        return self._apdu(whole, wrapper)

    def _push(self, plain: Opened, wrapper: Wrapper | None) -> Heard:
        value, octets, title = codec(APDU).parse(plain.apdu).value, plain.apdu, plain.title
        if isinstance(value, DataNotification):
            if wrapper is not None and value.invoke.service_class:
                self._confirm(value, wrapper)
            when = value.date_time.value
            found = Push(
                "data",
                title,
                value.invoke.number,
                self._time(when),
                readings_of(value.body, self._zone),
                octets,
                plain.verified,
            )
        elif isinstance(value, EventNotification):
            target, data = value.descriptor, value.value
            named = readings_of(data, self._zone, (target.class_id, target.instance, target.attribute))
            found = Push("event", title, 0, self._time(value.time), named, octets, plain.verified)
        elif isinstance(value, InformationReport):
            many = [one for data in value.values for one in readings_of(data, self._zone)]
            found = Push("report", title, 0, None, many, octets, plain.verified)
        else:
            raise SequenceError(f"{type(value).__name__} is no push")
        self.pushes += 1
        return found

    def _confirm(self, value: DataNotification, wrapper: Wrapper) -> None:
        apdu = Variant(ApduTag.DATA_NOTIFICATION_CONFIRM, DataNotificationConfirm(value.invoke, b""))
        octets = codec(APDU).build(apdu)
        self._replies += codec(Wrapper).build(Wrapper(wrapper.destination, wrapper.source, octets))
        del self._replies[:-LARGEST_APDU]

    def _time(self, octets: bytes | None) -> datetime | None:
        if not octets:
            return None
        try:
            return CosemDateTime.of_octets(octets).calendar(self._zone)
        except MalformedError:
            return None


def _is_reset(octets: bytes) -> bool:
    """Whether octets are M-Bus short frames, which meters send in front of what they push."""
    whole = [octets[at : at + SHORT_OCTETS] for at in range(0, len(octets), SHORT_OCTETS)]
    return all(isinstance(codec(ShortFrame).attempt(one), ShortFrame) for one in whole)


class _Undecided:
    """Cuts a line whose kind of frames is not known yet in every way, until one of them gives a frame.

    Args:
        first: octet that came first, which says what is told of a line that gives none.

    Attributes:
        decided: the framer whose frames they are.
    """

    def __init__(self, first: int) -> None:
        self._framers: dict[int, Any] = {
            _HDLC_FLAG: HdlcFramer(),
            _MBUS_STARTS[0]: Framer(codec(LongFrame), limit=_LONGEST_FRAME),
            _WRAPPED: Framer(codec(Wrapper), limit=LARGEST_APDU + 8),
        }
        first = _MBUS_STARTS[0] if first in _MBUS_STARTS else first
        self._first = first if first in self._framers else _WRAPPED
        self.decided: Any = None

    def receive(self, octets: bytes) -> list[Any]:
        """Take octets; before there is a frame, garbage alone is given."""
        return self._decided({kind: framer.receive(octets) for kind, framer in self._framers.items()})

    def idle(self) -> list[Any]:
        """The line fell silent."""
        return self._decided({kind: framer.idle() for kind, framer in self._framers.items()})

    def _decided(self, given: dict[int, list[Any]]) -> list[Any]:
        for kind, pieces in given.items():
            if any(map(_is_frame, pieces)):
                self.decided = self._framers[kind]
                return pieces
        return [piece for piece in given[self._first] if hasattr(piece, "reason")]


def _is_frame(piece: Any) -> bool:
    """Whether a piece is a frame beyond doubt: a wrapper has no check, so what it holds must be an APDU."""
    message = getattr(piece, "message", None)
    if not isinstance(message, Wrapper):
        return message is not None
    return not isinstance(codec(APDU).attempt(message.apdu), MalformedError)
