"""The client's side of the link: frames to one meter and from it, and APDUs in pieces, both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from meterwire.errors import LocalProtocolError, NoAnswer, SequenceError
from meterwire.protocols.dialogue import IGNORED, Ignored, Patience, Reply, Steps, exchange
from meterwire.protocols.dlt69845.address import ANY, Address, address, address_in
from meterwire.protocols.dlt69845.fragments import LIMIT, NUMBERS, TRIES, WORD, Incoming, pieces
from meterwire.protocols.dlt69845.link import (
    EDITIONS,
    Fragment,
    FragmentKind,
    FrameLength,
    Function,
    Link,
    LinkControl,
)
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Frame, Framer

if TYPE_CHECKING:
    from collections.abc import Callable

    from meterwire.protocols.dlt69845.services.connect import ConnectResponse

T = TypeVar("T")

UNAGREED: Final = 2048
"""Longest frame that is sent where nothing was agreed; what is longer goes in pieces."""
_UNASKED: Final = (b"\x84", b"\x88")
"""RELEASE-Notification and REPORT-Notification; other APDUs in pieces of an exchange that the meter began (PRM 0) are
answers of meters that set the bit so."""
_PROTECTED: Final = b"\x90"
"""SECURITY-Response: one of the two, or an answer."""
WAKE: Final = b"\xfe"
"""What may stand in front of a frame on a serial line, four times."""


class ClientLink:
    """The link between one client and one meter.

    Args:
        at: the meter's address, as text or `Address`; without one whoever is there.
        client: the client's own address (CA), 0 to 255.
        edition: of the standard, 2017 or 2021.
        wake: FEH octets in front of each frame.
        scrambled: whether to add 33H to the user data (SC).
        frame_size: longest frame that the client sends, octets.
        answer_limit: most octets of an APDU that is put together from pieces.
        unasked: what to send for an APDU that the meter sends of its own accord.

    Attributes:
        address: of the meter; once an answer has come, the true one.
        granted: what the meter granted to the application connection that holds, None without one.

    Raises:
        LocalProtocolError: one of these does not exist, or nobody answers at the address.
    """

    def __init__(
        self,
        at: str | Address | None,
        client: int,
        edition: int,
        *,
        wake: int,
        scrambled: bool,
        frame_size: int,
        answer_limit: int = LIMIT,
        unasked: Callable[[bytes, Link], Ignored],
    ) -> None:
        if edition not in EDITIONS:
            raise LocalProtocolError(f"there is no edition {edition} of DL/T 698.45: {' or '.join(map(str, EDITIONS))}")
        if not 0 <= client <= 255:
            raise LocalProtocolError(f"a client address is a number from 0 to 255, not {client}")
        self.address = _address(at)
        self.client, self.edition, self.frame_size = client, edition, frame_size
        self.granted: ConnectResponse | None = None
        self.unasked = unasked
        self._wake, self._scrambled = WAKE * wake, scrambled
        self.codec = codec(Link, edition)
        self._incoming = {prm: Incoming(answer_limit) for prm in (0, 1)}

    def forget(self) -> None:
        """Give up pieces of answers to what is no longer waited for."""
        for incoming in self._incoming.values():
            incoming.forget()

    def send(
        self, user: bytes, take: Callable[[Frame[Link]], T | Ignored], patience: Patience, *, repeatable: bool
    ) -> Steps[T]:
        """Send an APDU, in pieces where it is too long for a frame, and wait for what `take` takes."""
        framer = Framer(self.codec, fill=WAKE)
        room = self._room()
        if len(user) <= room:
            return (yield from exchange(self.frame(user), framer, take, patience, repeatable=repeatable))
        if self.granted is not None and len(user) > self.granted.apdu_size:
            raise LocalProtocolError(f"the meter takes APDUs of {self.granted.apdu_size} octets, not of {len(user)}")
        tries = patience.tries if repeatable else 1
        once = msgspec.structs.replace(patience, tries=1)
        each = msgspec.structs.replace(patience, tries=max(patience.tries, TRIES))  # a piece again does no harm
        while True:
            tries -= 1
            *before, last = pieces(user, room)
            for number, piece in enumerate(before):
                frame = self.frame(piece, fragment=1)
                yield from exchange(frame, framer, self._receipt(number), each, repeatable=True)
            try:
                # the last piece alone makes the meter act: it is not repeated where its answer is lost
                return (yield from exchange(self.frame(last, fragment=1), framer, take, once, repeatable=repeatable))
            except NoAnswer:
                if tries <= 0:
                    raise

    def _receipt(self, number: int) -> Callable[[Frame[Link]], bool | Ignored]:
        """Takes the acknowledgement of a piece."""

        def take(frame: Frame[Link]) -> bool | Ignored:
            link = frame.message
            if not link.control.fragment or not self.is_from_server(link) or len(link.user) < WORD:
                return IGNORED
            word = codec(Fragment).parse(link.user).word
            return True if word.kind == FragmentKind.ACKNOWLEDGE and word.number == number % NUMBERS else IGNORED

        return take

    def frame(self, user: bytes, *, fragment: int = 0, started_by_client: int = 1) -> bytes:
        """A frame around an APDU, a piece of one, or an acknowledgement."""
        flag, octets = self.address.wire(self.edition)
        control = LinkControl(
            started_by_client=started_by_client,
            fragment=fragment,
            scrambled=int(self._scrambled),
            function=Function.USER,
        )
        return self._wake + self.codec.build(Link(FrameLength(), control, flag, octets, self.client, user))

    def _room(self) -> int:
        """Octets of user data that fit a frame which the meter takes."""
        size = UNAGREED if self.granted is None else min(self.frame_size, self.granted.receive_size)
        return size - len(self.frame(b"")) + len(self._wake)

    def is_from_server(self, link: Link) -> bool:
        """From the meter that was asked, to us."""
        sender = address_in(link)
        mine = sender.logic == self.address.logic and self.address.matches(sender.digits)
        return bool(link.control.direction) and mine and link.client in (self.client, 0)

    def whole(self, link: Link) -> tuple[bytes | None, Ignored]:
        """The APDU of an answer, whole or from its last piece, None where there is none; and what to send now.

        Raises SequenceError where pieces cannot belong together.
        """
        control = link.control
        if not control.fragment:
            return (link.user, IGNORED) if control.started_by_client else (None, self.unasked(link.user, link))
        if len(link.user) < WORD:
            return None, IGNORED
        prm = int(control.started_by_client)
        taken = self._incoming[prm].receive(codec(Fragment).parse(link.user))
        if taken.fault:
            raise SequenceError(taken.fault)
        if not taken.reply:
            return None, IGNORED
        self.learn(link)  # the acknowledgement is for this meter alone
        reply = Reply(self.frame(taken.reply, fragment=1, started_by_client=prm), more=taken.news)
        if taken.apdu is not None and not prm and taken.apdu[:1] in (*_UNASKED, _PROTECTED):
            said = self.unasked(taken.apdu, link)
            if isinstance(said, Reply) or taken.apdu[:1] in _UNASKED:
                return None, Reply(reply.octets + (said.octets if isinstance(said, Reply) else b""))
        return taken.apdu, reply

    def learn(self, link: Link) -> None:
        """Whoever was there has told his address."""
        if "A" in self.address.digits:
            self.address = address_in(link)

    def say(self, apdu: bytes, function: Function) -> bytes:
        """A frame in an exchange that the meter began."""
        flag, octets = self.address.wire(self.edition)
        control = LinkControl(scrambled=int(self._scrambled), function=function)
        return self._wake + self.codec.build(Link(FrameLength(), control, flag, octets, self.client, apdu))


def _address(given: str | Address | None) -> Address:
    made = ANY if given is None else address(given) if isinstance(given, str) else given
    if not made.is_answered:
        raise LocalProtocolError(f"nobody answers at {made}: a client needs the address of one meter")
    return made
