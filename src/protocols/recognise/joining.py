"""Messages that came in several frames, put together: what each frame shows alone is only a piece of them.

HDLC and M-Bus segments, pieces of DL/T 698.45 link frames and follow-up frames of DL/T 645 are put together here, the
blocks of DLMS APDUs in `blocks`. Nothing is checked beyond what tells the pieces apart: a message is shown only if it
can be read when it is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, Final

import msgspec

from meterwire.protocols.dlms.apdu import APDU
from meterwire.protocols.dlms.llc import Llc
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.dlt645.explain import opener as opener_645
from meterwire.protocols.dlt645.frame import Frame as Frame645
from meterwire.protocols.dlt645.messages import FollowUpAnswer, ReadAnswer
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.fragments import Incoming
from meterwire.protocols.dlt69845.link import EDITION, Fragment, Link
from meterwire.protocols.hdlc.control import Kind, control
from meterwire.protocols.hdlc.frame import Frame as HdlcFrame
from meterwire.protocols.mbus.frame import LongFrame
from meterwire.protocols.recognise.bare import is_apdu
from meterwire.protocols.recognise.blocks import Blocks
from meterwire.protocols.recognise.candidate import Candidate
from meterwire.protocols.recognise.scanning import Piece
from meterwire.protocols.wire.codec import Codec, codec
from meterwire.protocols.wire.nodes import Variant

_HEADS: Final = (b"\xe6\xe6\x00", b"\xe6\xe7\x00")
_NUMBERS: Final = 8
"""Send sequence numbers of HDLC count to this."""
_SEGMENTS: Final = 16
_MOST: Final = 64
"""Messages that may be incomplete at the same time, each between two addresses."""


class _Held(msgspec.Struct):
    """The pieces of one message so far: where their frames begin, their octets, the number of the last one."""

    parts: list[int] = msgspec.field(default_factory=list)
    octets: bytearray = msgspec.field(default_factory=bytearray)
    number: int = 0

    def add(self, part: int, octets: bytes, number: int) -> None:
        """One more piece."""
        self.parts.append(part)
        self.octets += octets
        self.number = number


class Joiner:
    """Takes the pieces of one stream in order; gives the messages that become whole with each."""

    def __init__(self) -> None:
        self._held: dict[Hashable, Any] = {}
        self._blocks = Blocks()

    def take(self, piece: Piece) -> list[Piece]:
        """The messages that this piece completes: their octets are new ones, counted from 0."""
        if piece.candidate is None or not piece.is_valid:
            return []
        message, at = piece.candidate.message, piece.frame_offset
        for kind, join in _JOINS.items():
            if isinstance(message, kind):
                return list(join(self, message, at))
        return []

    # ------------------------------------------------------------ links

    def _hdlc(self, frame: HdlcFrame, at: int) -> Iterator[Piece]:
        found = control(frame.control)
        if found is None or found.kind not in (Kind.I, Kind.UI):
            return
        key = ("hdlc", frame.destination, frame.source)
        held = self._held.get(key)
        numbered, begins = found.kind is Kind.I, frame.information.startswith(_HEADS)
        if held is not None and begins and not numbered:
            held = None  # nothing else tells that the end of the one before is missing
        if held is not None and numbered and found.send != (held.number + 1) % _NUMBERS:
            if found.send == held.number:
                return  # sent again
            held = None
        if held is None:
            if not begins:
                self._held.pop(key, None)
                if not numbered and not frame.format.segmented and is_apdu(frame.information):
                    yield from self._apdu(key, frame.information, [at])  # the next block of a push, without LLC octets
                return
            held = self._keep(key, _Held())
        held.add(at, frame.information, found.send)
        if not frame.format.segmented:
            yield from self._whole(key, held, codec(Llc), "APDU behind an LLC header", 3)

    def _mbus(self, frame: LongFrame, at: int) -> Iterator[Piece]:
        key = ("mbus", frame.source, frame.destination)
        number = frame.information.sequence
        held = self._keep(key, _Held()) if number == 0 else self._held.get(key)
        if held is None or (held.parts and number != (held.number + 1) % _SEGMENTS):
            self._held.pop(key, None)
            return
        held.add(at, frame.data, number)
        if frame.information.last:
            yield from self._whole(key, held, codec(APDU), "APDU", 0)

    def _whole(self, key: Hashable, held: _Held, reader: Codec[Any], title: str, head: int) -> Iterator[Piece]:
        self._held.pop(key, None)
        octets = bytes(held.octets)
        if len(held.parts) > 1:
            yield from joined("dlms", title, reader, octets, held.parts)
        yield from self._apdu(key, octets[head:], held.parts)

    def _keep(self, key: Hashable, new: Any) -> Any:
        """A new message between two addresses; the oldest unfinished one is given up when there are too many."""
        self._held.pop(key, None)
        if len(self._held) >= _MOST:
            del self._held[next(iter(self._held))]
        self._held[key] = new
        return new

    # ------------------------------------------------------------ other carriers of APDUs

    def _wrapper(self, message: Wrapper, at: int) -> Iterator[Piece]:
        yield from self._apdu(("tcp", message.source, message.destination), message.apdu, [at])

    def _llc(self, message: Llc, at: int) -> Iterator[Piece]:
        yield from self._apdu(("llc", message.source), message.apdu, [at])

    def _bare(self, message: Variant, at: int) -> Iterator[Piece]:
        for octets, reader, title, parts in self._blocks.take("bare", message, [at]):
            yield from joined("dlms", title, reader, octets, parts)

    def _apdu(self, key: Hashable, octets: bytes, parts: list[int]) -> Iterator[Piece]:
        message = codec(APDU).attempt(octets) if octets else None
        if isinstance(message, Variant):
            for whole, reader, title, all_parts in self._blocks.take(key, message, parts):
                yield from joined("dlms", title, reader, whole, all_parts)

    # ------------------------------------------------------------ Chinese links

    def _link(self, link: Link, at: int) -> Iterator[Piece]:
        if not link.control.fragment:
            return
        fragment = codec(Fragment, EDITION).attempt(link.user)
        if not isinstance(fragment, Fragment):
            return
        key = ("698", link.control.direction, link.flag, link.server, link.client)
        found = self._held.get(key) or self._keep(key, (Incoming(), []))
        incoming, parts = found
        taken = incoming.receive(fragment)
        if taken.news:
            parts.append(at)
        if taken.apdu is not None:
            yield from joined("dlt69845", "APDU", codec(Apdu, EDITION), taken.apdu, parts)
        if taken.apdu is not None or taken.fault:
            del self._held[key]

    def _follow_up(self, frame: Frame645, at: int) -> Iterator[Piece]:
        if not frame.control.direction or frame.control.abnormal:
            return
        reader = opener_645(frame, "data", frame.data)
        answer = reader.attempt(frame.data) if reader is not None else None
        key = ("645", frame.address)
        if isinstance(answer, ReadAnswer) and frame.control.follow_up:
            self._keep(key, (answer.identifier, _Held([at], bytearray(answer.data))))
            return
        identifier, held = self._held.get(key) or (None, _Held())
        if not isinstance(answer, FollowUpAnswer) or identifier != answer.identifier:
            return
        if answer.sequence == held.number + 1:
            held.add(at, answer.data, answer.sequence)
        if not frame.control.follow_up:
            del self._held[key]
            octets = codec(ReadAnswer).build(ReadAnswer(identifier, bytes(held.octets)))
            yield from joined("dlt645", "item", codec(ReadAnswer), octets, held.parts)


_JOINS: Final[Mapping[type, Callable[[Joiner, Any, int], Iterator[Piece]]]] = {
    HdlcFrame: Joiner._hdlc,  # noqa: SLF001  of this module
    LongFrame: Joiner._mbus,  # noqa: SLF001
    Wrapper: Joiner._wrapper,  # noqa: SLF001
    Llc: Joiner._llc,  # noqa: SLF001
    Link: Joiner._link,  # noqa: SLF001
    Frame645: Joiner._follow_up,  # noqa: SLF001
    Variant: Joiner._bare,  # noqa: SLF001
}


def joined(dialect: str, title: str, reader: Codec[Any], octets: bytes, parts: list[int]) -> Iterator[Piece]:
    """The message that some octets are, if they are one and came in more than one piece."""
    message = reader.attempt(octets)
    if len(parts) > 1 and not isinstance(message, Exception):
        found = Candidate(dialect, f"{title}, put together from {len(parts)} frames", reader, message, 1.0)
        yield Piece(0, octets, found, parts=tuple(parts))
