"""One end of an HDLC link in normal response mode: frames in, events and frames out. Pure; time is an argument.

The primary station (the client) speaks first and hands the turn over with the poll bit; the secondary hands it back
with the final bit. Memory is bounded by the longest message and the window.
"""

from __future__ import annotations

from typing import Final

import msgspec

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.hdlc.control import Control, Kind, control
from meterwire.protocols.hdlc.frame import Format, Frame
from meterwire.protocols.hdlc.numbers import Numbers, segments
from meterwire.protocols.hdlc.parameters import Parameters, encoded, offered
from meterwire.protocols.hdlc.reject import NO_INFORMATION, TOO_LONG, UNKNOWN, WRONG_NUMBER, reason_in_words
from meterwire.protocols.hdlc.states import NUMBERED, TRANSITIONS, Role, State, may_send
from meterwire.protocols.wire.codec import codec

INACTIVITY: Final = 120.0
"""Seconds without a frame after which the secondary takes the link for gone (Blue Book, class 23, attribute 7)."""
LONGEST_MESSAGE: Final = 0x10000 + 3
"""Octets of all segments of one message."""


class Connected(msgspec.Struct, frozen=True):
    """The link has been set up, perhaps anew: whatever was known of the other end is void."""


class Disconnected(msgspec.Struct, frozen=True):
    """The link has ended."""

    reason: str


class Message(msgspec.Struct, frozen=True):
    """A whole message, its segments put together; from UI frames, `numbered` is False."""

    octets: bytes
    numbered: bool = True


class Rejected(msgspec.Struct, frozen=True):
    """The secondary has rejected a frame (FRMR)."""

    reason: str


class Endless(msgspec.Struct, frozen=True):
    """The secondary sends segments of one message and comes to no end: the link is given up."""

    reason: str


Event = Connected | Disconnected | Message | Rejected | Endless


class Link:
    """One end of one link.

    Args:
        role: which end.
        own, peer: addresses in frames.
        offer: what this end can take and send.
        inactivity: seconds after which the secondary gives the link up; 0 for never.
        longest: octets of the longest message taken.

    Attributes:
        state: as in `states.TRANSITIONS`.
        agreed: parameters in force.
        has_turn: whether the other end has handed the turn over.
        numbers: sequence numbers.
        peer_busy: the other end has said RNR.
        busy: say RNR instead of RR.
    """

    def __init__(
        self,
        role: Role,
        own: bytes,
        peer: bytes,
        offer: Parameters | None = None,
        *,
        inactivity: float = INACTIVITY,
        longest: int = LONGEST_MESSAGE,
    ) -> None:
        self.role, self.own, self.peer = role, own, peer
        self.offer, self.agreed = offer or Parameters(), Parameters()
        self.state, self.has_turn = State.DISCONNECTED, False
        self.numbers = Numbers()
        self.peer_busy = self.busy = False
        self._inactivity, self._longest = inactivity, longest
        self._heard = 0.0
        self._assembly = bytearray()
        self._in_ui = bytearray()
        self._replies: list[bytes] = []
        self._frmr = b""
        self._taken = 0  # frames since this end spoke last
        self._poll = False  # whether the frame being answered hands over the turn

    # ------------------------------------------------------------ what the owner does

    def connect(self) -> bytes:
        """SNRM with what this end offers; the standard's own values are not written."""
        return self._frame(Control(Kind.SNRM), b"" if self.offer == Parameters() else encoded(self.offer))

    def disconnect(self) -> bytes:
        """DISC."""
        return self._frame(Control(Kind.DISC))

    def send(self, message: bytes) -> None:
        """Put a message into the queue; raises `LocalProtocolError` without a connection."""
        if self.state is not State.CONNECTED:
            raise LocalProtocolError("an HDLC link must be connected before anything is sent")
        self.numbers.add(segments(message, self.agreed.info_tx))

    def unnumbered(self, message: bytes) -> bytes:
        """UI frames with a message that is neither acknowledged nor repeated; the turn is kept."""
        said = Control(Kind.UI, final=False)
        parts = segments(message, self.agreed.info_tx)
        return b"".join(self._frame(said, part.information, more=part.more) for part in parts)

    def turn(self) -> bytes:
        """The frames of this end's turn; the last one hands the turn over."""
        self.has_turn, self._taken = False, 0
        burst = [] if self.peer_busy else self.numbers.burst(self.agreed.window_tx)
        if not burst:
            return self.enquire()
        frames = b""
        for place, (number, segment) in enumerate(burst, 1):
            said = Control(Kind.I, place == len(burst), number, self.numbers.receive)
            frames += self._frame(said, segment.information, more=segment.more)
        return frames

    def enquire(self) -> bytes:
        """RR, or RNR while busy: what was heard so far, and the turn."""
        self.has_turn, self._taken = False, 0
        return self._frame(Control(Kind.RNR if self.busy else Kind.RR, receive=self.numbers.receive))

    def replies(self) -> bytes:
        """Unnumbered frames that answer what has been received."""
        octets = b"".join(self._replies)
        self._replies.clear()
        return octets

    def expire(self, now: float) -> list[Event]:
        """Whether nothing has been heard for so long that the link is gone."""
        gone = self._inactivity and now - self._heard > self._inactivity
        if not gone or self.state is State.DISCONNECTED or self.role is Role.PRIMARY:
            return []
        self._reset(State.DISCONNECTED)
        return [Disconnected("nothing has been heard for the inactivity time-out")]

    def lost(self) -> None:
        """The owner has given the link up without a word."""
        self._reset(State.DISCONNECTED)

    # ------------------------------------------------------------ frames received

    def receive(self, frame: Frame, now: float) -> list[Event]:
        """A frame from the other end to this one."""
        events = self.expire(now)
        self._heard = now
        said = control(frame.control)
        self._poll = bool(frame.control & 0x10)
        if said is None:
            return events + self._unfit(frame, UNKNOWN)
        if not may_send(Role.PRIMARY if self.role is Role.SECONDARY else Role.SECONDARY, said.kind):
            return events  # our own kind of frame: an echo
        if said.kind not in TRANSITIONS[self.state]:
            return events + self._misplaced(frame, said)
        return events + _HANDLERS[said.kind](self, frame, said)

    def _misplaced(self, frame: Frame, said: Control) -> list[Event]:
        """A frame that does not belong to this state."""
        del frame
        if self.role is Role.SECONDARY and self._poll:
            if self.state is State.REJECTED:
                self._replies.append(self._frame(Control(Kind.FRMR), self._frmr))
            elif said.kind in NUMBERED:
                self._replies.append(self._frame(Control(Kind.DM)))
        return []

    def _snrm(self, frame: Frame, said: Control) -> list[Event]:
        before = self.state
        if not said.final:
            return []
        try:
            offer = offered(frame.information)
        except MalformedError:
            return []  # neither accepted nor refused: it is not an SNRM that can be answered
        self._reset(State.DISCONNECTED)
        self._move(Kind.SNRM)
        self.agreed = self.offer.agreed(offer)
        self._replies.append(self._frame(Control(Kind.UA), encoded(self.agreed)))
        ended: list[Event] = [Disconnected("set up anew")] if before is State.CONNECTED else []
        return [*ended, Connected()]

    def _disc(self, frame: Frame, said: Control) -> list[Event]:
        del frame
        if not said.final:
            return []
        if self.state is State.DISCONNECTED:
            self._replies.append(self._frame(Control(Kind.DM)))
            return []
        self._move(Kind.DISC)
        self._replies.append(self._frame(Control(Kind.UA)))
        self._reset(State.DISCONNECTED)
        return [Disconnected("the client has disconnected")]

    def _ua(self, frame: Frame, said: Control) -> list[Event]:
        del said
        if self.state is not State.CONNECTING:
            self._reset(State.DISCONNECTED)
            return [Disconnected("acknowledged")]
        try:
            offer = offered(frame.information)
        except MalformedError:
            offer = Parameters()
        self._reset(State.CONNECTING)
        self._move(Kind.UA)
        self.agreed, self.has_turn = self.offer.agreed(offer), True
        return [Connected()]

    def _dm(self, frame: Frame, said: Control) -> list[Event]:
        del frame, said
        self._reset(State.DISCONNECTED)
        return [Disconnected("the meter says that it is disconnected (DM)")]

    def _rejected(self, frame: Frame, said: Control) -> list[Event]:
        del said
        self._move(Kind.FRMR)
        return [Rejected(reason_in_words(frame.information[2] if len(frame.information) > 2 else 0))]

    def _ui(self, frame: Frame, said: Control) -> list[Event]:
        del said
        self._in_ui += frame.information
        if len(self._in_ui) > self._longest:
            self._in_ui.clear()
            return []
        if frame.format.segmented:
            return []
        message = Message(bytes(self._in_ui), numbered=False)
        self._in_ui.clear()
        return [message]

    def _ready(self, frame: Frame, said: Control) -> list[Event]:
        if frame.information:
            return self._unfit(frame, NO_INFORMATION)
        if not self.numbers.acknowledge(said.receive):
            return self._unfit(frame, WRONG_NUMBER)
        self.peer_busy = said.kind is Kind.RNR
        self.has_turn = said.final
        return []

    def _information(self, frame: Frame, said: Control) -> list[Event]:
        if len(frame.information) > self.agreed.info_rx:
            return self._unfit(frame, TOO_LONG)
        if not self.numbers.acknowledge(said.receive):
            return self._unfit(frame, WRONG_NUMBER)
        self.has_turn = said.final
        self.peer_busy = False
        if self.busy or self._taken >= self.agreed.window_rx or not self.numbers.take(said.send):
            return []  # too many, a repetition, or one before it was lost: our N(R) says which is wanted
        self._taken += 1
        if len(self._assembly) + len(frame.information) > self._longest:
            self._assembly.clear()
            if self.role is Role.SECONDARY:
                return self._unfit(frame, TOO_LONG)
            self._reset(State.DISCONNECTED)
            return [Endless(f"segments of more than {self._longest} octets")]
        self._assembly += frame.information
        if frame.format.segmented:
            return []
        message = Message(bytes(self._assembly))
        self._assembly.clear()
        return [message]

    # ------------------------------------------------------------ the small parts

    def _unfit(self, frame: Frame, reason: int) -> list[Event]:
        """A frame that breaks the rules of the link: FRMR from the secondary; the primary drops it."""
        if self.role is Role.PRIMARY:
            self.has_turn = self._poll and self.state is State.CONNECTED
            return []
        if self.state is State.CONNECTED:
            numbers = self.numbers.send << 1 | self.numbers.receive << 5
            self._frmr = bytes((frame.control, numbers, reason))
            self._move(Kind.FRMR)
            self.has_turn = False
            if self._poll:
                self._replies.append(self._frame(Control(Kind.FRMR), self._frmr))
            return [Rejected(reason_in_words(reason))]
        if self._poll:
            rejected = self.state is State.REJECTED
            self._replies.append(
                self._frame(Control(Kind.FRMR if rejected else Kind.DM), self._frmr if rejected else b"")
            )
        return []

    def _frame(self, said: Control, information: bytes = b"", *, more: bool = False) -> bytes:
        self._move(said.kind)
        return codec(Frame).build(Frame(Format(segmented=int(more)), self.peer, self.own, said.octet, information))

    def _move(self, kind: Kind) -> None:
        following = TRANSITIONS[self.state].get(kind)
        if following is not None:
            self.state = following

    def _reset(self, state: State) -> None:
        self.state, self.has_turn = state, False
        self.agreed, self.numbers = Parameters(), Numbers()
        self.peer_busy, self._taken = False, 0
        self._assembly.clear()
        self._in_ui.clear()


_HANDLERS: Final = {
    Kind.SNRM: Link._snrm,  # noqa: SLF001  part of the class
    Kind.DISC: Link._disc,  # noqa: SLF001
    Kind.UA: Link._ua,  # noqa: SLF001
    Kind.DM: Link._dm,  # noqa: SLF001
    Kind.FRMR: Link._rejected,  # noqa: SLF001
    Kind.UI: Link._ui,  # noqa: SLF001
    Kind.RR: Link._ready,  # noqa: SLF001
    Kind.RNR: Link._ready,  # noqa: SLF001
    Kind.I: Link._information,  # noqa: SLF001
}
