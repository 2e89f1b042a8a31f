"""Who is on the line: everybody is asked for his address under the wildcard (flag octet 45H, AAH six times).

Where several meters answer, what comes whole is looked at and the rest is told as a collision.
"""

from __future__ import annotations

from typing import Final

from meterwire.protocols.dialogue import LineSettings, Reconfigure, Steps
from meterwire.protocols.dlt69845.address import ANY, Address, address_in
from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.client_link import WAKE
from meterwire.protocols.dlt69845.items import item
from meterwire.protocols.dlt69845.link import EDITION, FrameLength, Function, Link, LinkControl
from meterwire.protocols.dlt69845.services.common import Piid
from meterwire.protocols.dlt69845.services.get import GetRequest, GetRequestNormal
from meterwire.protocols.listening import Attention, Heard, Tally, listen
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Framer

BAUDS: Final = (9600, 2400, 4800, 19200, 115200, 1200, 600)
"""Speeds of meters, the usual ones first."""
QUESTIONS: Final = 2
"""How many questions find out whether anybody is there: the first may be lost on a meter that sleeps."""

CLIENT: Final = 16
COMMUNICATION_ADDRESS: Final = "40010200"
_REQUEST: Final = 32
_TURNAROUND: Final = 1.0
_NETWORK: Final = 2.0
_LONGEST: Final = 5.0
_MOST_METERS: Final = 64


def attention_for(settings: LineSettings | None, timeout: float | None = None) -> Attention:
    """How long to listen on a serial line with these settings, or on a network; a time-out in seconds changes it."""
    if settings is None:
        begin = _NETWORK if timeout is None else timeout
    else:
        begin = settings.seconds(_REQUEST) + (_TURNAROUND if timeout is None else timeout)
    quiet = _TURNAROUND / 2
    return Attention(begin, quiet if timeout is None else min(quiet, timeout), begin + _LONGEST)


class Search:
    """A search at one setting of the line.

    Args:
        settings: what the line is set to first; None where it has no settings.
        attention: how long to listen after each question; by default what the settings need.
        edition: of the standard, 2017 or 2021; the frames that are exchanged here are the same in both.
        wake: FEH octets in front of each frame.

    Attributes:
        tally: what came in all.
        collided: several meters answered at once, so that there are more than were found.
    """

    def __init__(
        self,
        settings: LineSettings | None = None,
        *,
        attention: Attention | None = None,
        edition: int = EDITION,
        wake: int = 4,
    ) -> None:
        self.settings = settings
        self.tally = Tally()
        self.collided = False
        self._attention = attention or attention_for(settings)
        self._edition, self._wake = edition, WAKE * wake
        self._link = codec(Link, edition)
        self._framer = Framer(self._link, fill=WAKE)

    def run(self) -> Steps[list[str]]:
        """Search; gives the addresses of the meters that answer to them."""
        if self.settings is not None:
            yield Reconfigure(self.settings)
        heard: list[Heard[Link]] = []
        for _ in range(QUESTIONS):
            heard += [(yield from self._ask(ANY))]
        seen = dict.fromkeys(address_in(frame) for one in heard for frame in one.answers)
        met: list[str] = []
        for sender in [one for one in seen if one.digits.isdecimal()][:_MOST_METERS]:
            address = Address(sender.digits, logic=sender.logic)
            if (yield from self._ask(address)).answers:  # colliding answers can look like somebody else's
                met += [str(address)]
        self.collided = any(one.collided for one in heard) or len(met) > 1
        return met

    def _ask(self, address: Address) -> Steps[Heard[Link]]:
        def answers(frame: Link) -> bool:
            control = frame.control
            mine = bool(control.direction and control.started_by_client) and frame.client in (CLIENT, 0)
            return mine and address.matches(address_in(frame).digits)

        request = self._wake + self._request(address)
        return (yield from listen(request, self._framer, answers, self._attention, self.tally))

    def _request(self, address: Address) -> bytes:
        flag, octets = address.wire(self._edition)
        asked = GetRequest(GetRequestNormal(Piid(number=1), item(COMMUNICATION_ADDRESS).oad))
        user = codec(Apdu, self._edition).build(Apdu.of(asked))
        control = LinkControl(started_by_client=1, function=Function.USER)
        return self._link.build(Link(FrameLength(), control, flag, octets, CLIENT, user))
