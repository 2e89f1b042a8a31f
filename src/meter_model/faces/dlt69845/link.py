"""The link of the DL/T 698.45 face: frames for this meter, pieces of long APDUs both ways, LINK where it dials in."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any, Final

import msgspec

from meterwire.errors import MalformedError
from meterwire.meter_model.faces.dlt69845.conformance import FRAME_SIZE
from meterwire.protocols.dlt69845.address import Address, address_in
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.fragments import WAIT, WORD, Incoming, Outgoing
from meterwire.protocols.dlt69845.link import (
    AddressKind,
    Flag17,
    Flag21,
    Fragment,
    FragmentKind,
    FrameLength,
    Function,
    Link,
    LinkControl,
)
from meterwire.protocols.dlt69845.login import Presence, Standing
from meterwire.protocols.dlt69845.services.presence import LinkResponse
from meterwire.protocols.wire.codec import Codec, codec
from meterwire.protocols.wire.framing import Frame, Framer

LONGEST_REQUEST: Final = 0xFFFF
"""Octets of the longest APDU that the meter puts together from pieces."""
_RECEIPTS: Final = (b"\x08", b"\x10", b"\x6e")
"""What a client says in an exchange that the meter began: REPORT-Response, protected or not, and ERROR-Response."""
_COST: Final = 11
"""Octets of a frame beside the digits of its address and the user data."""
_LENGTH: Final = FrameLength()  # what it says follows when the frame is built
_USER, _SINGLE = Function.USER, AddressKind.SINGLE  # of nearly every frame: members are looked up slowly


class Asked(msgspec.Struct, frozen=True):
    """An APDU for this meter.

    Attributes:
        user: its octets.
        link: the frame that it came with, or the last of its pieces.
        answered: whether it may be answered: nobody answers a group or a broadcast.
    """

    user: bytes
    link: Link
    answered: bool


class ServerLink:
    """One connection's link layer.

    Args:
        own: gives the meter's number.
        edition: of the standard.
        logic: logical address of this meter within its device.
        groups: gives the numbers of the groups that it belongs to.
        presence: logs in, where the meter dials in.

    Attributes:
        frame_size: longest frame that is sent, octets, as agreed.
    """

    def __init__(
        self,
        own: Callable[[], str],
        edition: int,
        *,
        logic: int = 0,
        groups: Callable[[], Collection[str]] = tuple,
        presence: Presence | None = None,
    ) -> None:
        self._own, self._edition, self._logic, self._groups = own, edition, logic, groups
        self._presence = presence
        self._link: Codec[Link] = codec(Link, edition)
        self._apdu: Codec[Apdu] = codec(Apdu, edition)
        self._framer: Framer[Link] = Framer(self._link, fill=b"\xfe", limit=FRAME_SIZE, again=True)
        self._incoming, self._outgoing = Incoming(LONGEST_REQUEST), Outgoing(wait=WAIT)
        self._sending = LinkControl(), 0
        self._out: list[bytes] = []
        self.frame_size = FRAME_SIZE

    # ------------------------------------------------------------ received

    def receive(self, octets: bytes, now: float) -> list[Asked]:
        """Octets arrived; the APDUs that are now complete. What is to be sent for them is in `take`."""
        return self._asked(self._framer.receive(octets), now)

    def idle(self, now: float) -> list[Asked]:
        """The line fell silent: an incomplete frame is given up."""
        return self._asked(self._framer.idle(), now)

    def take(self) -> list[bytes]:
        """Frames to send now: acknowledgements, pieces, LINK requests."""
        if not self._out:
            return []
        out, self._out = self._out, []
        return out

    def _asked(self, found: list[Any], now: float) -> list[Asked]:
        asked = []
        for piece in found:
            one = self._heard(piece.message, now) if type(piece) is Frame else None
            if one is not None:
                asked.append(one)
        return asked

    def _heard(self, link: Link, now: float) -> Asked | None:
        control, meant = link.control, address_in(link)
        if control.direction or not self._is_meant(meant):
            return None
        if control.function != _USER:
            if control.function == Function.LINK:
                self._linked(link, now)
            return None
        if control.fragment:
            return self._piece(link, now) if meant.is_answered else None
        if control.started_by_client:
            self._outgoing.forget()  # who asks anew no longer waits for what is being sent
            return Asked(link.user, link, meant.is_answered)
        self._outgoing.answered(now)
        return Asked(link.user, link, answered=False) if link.user[:1] in _RECEIPTS else None

    def _is_meant(self, meant: Address) -> bool:
        if meant.kind is _SINGLE and meant.digits == self._own():
            return meant.logic == self._logic
        if meant.logic != self._logic and meant.kind != AddressKind.BROADCAST:
            return False
        if meant.kind == AddressKind.GROUP:
            return any(meant.matches(group) for group in self._groups())
        return meant.matches(self._own())

    def _piece(self, link: Link, now: float) -> Asked | None:
        if len(link.user) < WORD:
            return None
        fragment = codec(Fragment).parse(link.user)
        if fragment.word.kind == FragmentKind.ACKNOWLEDGE:
            self._put(self._outgoing.acknowledged(fragment.word.number, now))
            return None
        taken = self._incoming.receive(fragment)
        if taken.reply:
            control = _control(link.control.started_by_client, link.control.scrambled, 1)
            self._out.append(self._frame(taken.reply, control, link.client))
        if taken.apdu is None:
            return None
        self._outgoing.forget()
        return Asked(taken.apdu, link, answered=True)

    def _linked(self, link: Link, now: float) -> None:
        if self._presence is None:
            return
        try:
            body = self._apdu.parse(link.user).body
        except MalformedError:
            return
        if isinstance(body, LinkResponse):
            self._presence.answered(body, now)

    # ------------------------------------------------------------ sent

    def answer(self, user: bytes, to: Link, now: float) -> bytes:
        """The frame that answers the sender of a frame, or the first piece where it is too long for one."""
        return self._say(user, to.client, _control(to.control.started_by_client, to.control.scrambled, 0), now)

    def notify(self, user: bytes, client: int, now: float) -> bytes:
        """The frame of an APDU that nobody has asked for (PRM 0), or its first piece."""
        return self._say(user, client, _control(0, 0, 0), now)

    @property
    def present(self) -> bool:
        """Whether the meter has dialled in and its login was taken."""
        return self._presence is not None and self._presence.standing is Standing.PRESENT

    @property
    def busy(self) -> bool:
        """Whether a long APDU is on its way, so that no other may begin."""
        return self._outgoing.busy

    def _say(self, user: bytes, client: int, control: LinkControl, now: float) -> bytes:
        flag, octets = _wire(self._own(), self._logic, self._edition)
        room = self.frame_size - _COST - len(octets)
        if len(user) <= room:
            return self._link.build(Link(_LENGTH, control, flag, octets, client, user))
        self._sending = _control(control.started_by_client, control.scrambled, 1), client
        return self._frame(self._outgoing.send(user, room, now), *self._sending)

    def _put(self, piece: bytes) -> None:
        if piece:
            self._out.append(self._frame(piece, *self._sending))

    def _frame(self, user: bytes, control: LinkControl, client: int) -> bytes:
        flag, octets = _wire(self._own(), self._logic, self._edition)
        return self._link.build(Link(_LENGTH, control, flag, octets, client, user))

    # ------------------------------------------------------------ time

    def next(self) -> float:
        """When to call `run`, infinite for not at all."""
        due = self._outgoing.due
        return due if self._presence is None else min(due, self._presence.next())

    def run(self, now: float) -> None:
        """Time has passed: repeat a piece, log in, say that we are there; see `take`."""
        self._put(self._outgoing.late(now))
        request = None if self._presence is None else self._presence.run(now)
        if request is not None:
            self._request_link(request)

    def logout(self) -> list[bytes]:
        """What to send before the connection is ended; nothing where the meter has not dialled in."""
        if self._presence is not None:
            self._request_link(self._presence.logout())
        return self.take()

    def _request_link(self, request: Any) -> None:
        control = LinkControl(direction=1, started_by_client=0, function=Function.LINK)
        self._out.append(self._frame(self._apdu.build(Apdu.of(request)), control, 0))


@lru_cache(maxsize=16)
def _control(started_by_client: int, scrambled: int, fragment: int) -> LinkControl:
    return LinkControl(
        direction=1,
        started_by_client=started_by_client,
        fragment=fragment,
        scrambled=scrambled,
        function=Function.USER,
    )


@lru_cache(maxsize=4096)
def _wire(digits: str, logic: int, edition: int) -> tuple[Flag17 | Flag21, bytes]:
    return Address(digits, logic=logic).wire(edition)
