"""Who is on the line: the only meter by wildcard, several by their addresses from the low digits upwards.

A wildcard is answered by everybody at once, and the answers destroy each other. So the low digits are given and the
high ones left open (short addresses, DL/T 645-2007, 5.2), first ten ways where meters take single nibbles AH, else a
hundred ways for each octet; only where something is heard, an answer or what a collision leaves, the next octet is
tried. An address counts as found when it has answered to its full twelve digits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from meterwire.errors import MalformedError
from meterwire.protocols.dialogue import LineSettings, Reconfigure, Steps
from meterwire.protocols.dlt645.frame import ADDRESS_DIGITS, OVERHEAD, WAKE_UP, Frame, Function
from meterwire.protocols.dlt645.messages import Address
from meterwire.protocols.dlt645.questions import EDITIONS, Edition, Question, attention_for, edition
from meterwire.protocols.listening import Attention, Heard, Tally, listen
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Framer

FRUITLESS: Final = 1000
"""Questions without a new meter after which a search is given up: two meters whose addresses differ in the highest
octet alone take 700."""
MOST_METERS: Final = 1024
"""Of one search; a bus has 32 to 256."""
NOBODY: Final = "979899979899"
"""An address that no meter has: what comes back when it is asked is an echo gone wrong, or noise."""
_DIGITS: Final = "0123456789"
_OCTETS: Final = tuple(f"{octet:02d}" for octet in range(100))


class Found(msgspec.Struct, frozen=True):
    """A meter.

    Attributes:
        address: twelve digits; a meter of 1997 that repeats the wildcard tells none.
        edition: that it answers to.
        shared: more than one meter seems to have this address.
    """

    address: str
    edition: int
    shared: bool = False


class Happening(StrEnum):
    """What there is to tell about a search while it runs."""

    ASKING = "asking"
    """A question is going out; the detail is its address."""
    FOUND = "found"
    """The detail is the meter's address."""
    SEVERAL = "several"
    """More than one meter answers to the low digits in the detail; they are looked at one by one."""
    GIVEN_UP = "given up"
    """The detail says why."""


Tell = Callable[[Happening, str], None]


def _tell_nobody(happening: Happening, detail: str) -> None:
    """Nobody wants to know."""


class Search:
    """A search for all meters of a line at one setting.

    Args:
        settings: what the line is set to first; None where it has no settings.
        attention: how long to listen after each question; by default what the settings need.
        years: editions to look for.
        thorough: ask for all hundred values of the lowest octet whatever is heard, and for no single nibbles: finds
            also a meter whose answer a stronger one covers, and old meters among new ones.
        known: addresses that have been found already, and are not told again.
        tell: is told what happens.

    Attributes:
        tally: what came in all.
        noisy: octets came that no meter had sent, so that the search was given up.
    """

    def __init__(
        self,
        settings: LineSettings | None = None,
        *,
        attention: Attention | None = None,
        years: Sequence[int] = EDITIONS,
        thorough: bool = False,
        known: Collection[Found] = (),
        tell: Tell = _tell_nobody,
    ) -> None:
        self.settings = settings
        self.tally = Tally()
        self.noisy = False
        self._attention = attention or attention_for(settings)
        self._editions = [edition(year) for year in years]
        self._thorough = thorough
        self._known = {(one.edition, one.address) for one in known}
        self._tell = tell
        self._framer = Framer(codec(Frame), fill=WAKE_UP, limit=OVERHEAD + 0xFF)
        self._found: dict[tuple[int, str], Found] = {}
        self._strays: dict[str, None] = {}
        self._takes_nibbles = True
        self._fruitless = 0
        self._given_up = False

    def run(self) -> Steps[list[Found]]:
        """Search; gives the meters in the order in which they were found."""
        if self.settings is not None:
            yield Reconfigure(self.settings)
        for one in self._editions:
            self._takes_nibbles = not self._thorough
            yield from self._everybody(one)
            for address in list(self._strays):
                if not any(address == known for _, known in self._found):
                    yield from self._meet(one, address)
            self._strays.clear()
        return self.found

    @property
    def found(self) -> list[Found]:
        """The meters found so far, but those that were known."""
        return [found for key, found in self._found.items() if key not in self._known]

    def _everybody(self, of: Edition) -> Steps[None]:
        """Ask under the full wildcard; look closer where more than one meter answered."""
        opening = (yield from self._twice_if_torn(of.opening)) if of.opening else Heard[Frame]()
        first = yield from self._twice_if_torn(of.first)
        if opening.silent and first.silent:
            return
        if len(_addresses(opening)) == 1:  # a meter that repeats the wildcard in its answers has told its address
            first = _signed(first, *_addresses(opening))
        yield from self._meet_all(of, opening)
        yield from self._meet_all(of, first)
        if self._thorough:
            alone = False
        elif opening.silent:
            alone = yield from self._is_alone(of, "", first)
        else:  # some meters take the wildcard for their address alone
            alone = self._single(of, opening) and (first.silent or _same(first, opening))
        if not alone and not self._is_newer(of) and not (yield from self._is_noisy(of)):
            yield from self._behind(of, "")

    def _twice_if_torn(self, question: Question) -> Steps[Heard[Frame]]:
        """Ask everybody, again where garbage alone came: a disturbance comes once, a collision each time."""
        heard = yield from self._ask(question, "")
        if heard.collided and not heard.answers:
            heard = yield from self._ask(question, "")
        return heard

    def _is_newer(self, of: Edition) -> bool:
        """Whether meters of a later edition are there: their refusals, which collide, are not looked into."""
        return not self._thorough and any(year > of.year for year, _ in self._found)

    def _is_noisy(self, of: Edition) -> Steps[bool]:
        """Whether octets come that no meter sends: then what is heard says nothing about meters."""
        heard = yield from self._ask(of.first, NOBODY)
        self.noisy = heard.collided
        if self.noisy:
            self._give_up("octets come back even from an address that nobody has")
        return self._given_up

    def _behind(self, of: Edition, digits: str) -> Steps[None]:
        """Find the meters that answer to these low digits (whole octets), an octet further."""
        if len(digits) == ADDRESS_DIGITS:
            again = yield from self._ask(of.second, digits)
            if not again.silent:
                self._record(Found(digits, of.year, shared=True))
            return
        self._tell(Happening.SEVERAL, digits)
        tried: set[str] = set()
        if self._takes_nibbles:
            lows = yield from self._by_nibbles(of, digits, tried)
            met = [address[-len(digits) - 1] for address in self._met(of, digits)]
            if len(met) > 1 and lows.issuperset(met):  # a collision has at least two, and all met so far take nibbles
                return
        for octet in _OCTETS:
            if octet not in tried:
                yield from self._visit(of, octet + digits)

    def _by_nibbles(self, of: Edition, digits: str, tried: set[str]) -> Steps[set[str]]:
        """The same in twice ten ways, for meters that take a wildcard in half an octet.

        Gives the digits that somebody answered to, and adds the whole octets that were asked for to those tried.
        """
        lows: set[str] = set()
        for low in _DIGITS:
            heard = yield from self._ask(of.first, low + digits)
            if heard.silent:
                continue
            lows.add(low)
            if (yield from self._settles(of, low + digits, heard)):
                continue
            for high in _DIGITS:
                yield from self._visit(of, high + low + digits)
                tried.add(high + low)
        if not lows and not digits:  # all meters were asked, and none understood
            self._takes_nibbles = False
        return lows

    def _visit(self, of: Edition, digits: str) -> Steps[None]:
        """Whether anybody answers to these low digits, and who."""
        heard = yield from self._ask(of.first, digits)
        if heard.silent or (yield from self._settles(of, digits, heard)):
            return
        yield from self._behind(of, digits)

    def _settles(self, of: Edition, digits: str, heard: Heard[Frame]) -> Steps[bool]:
        """Meet those whose answers came whole; say whether it was one alone, so that there is nothing behind it."""
        yield from self._meet_all(of, heard, digits)
        return (yield from self._is_alone(of, digits, heard))

    def _is_alone(self, of: Edition, digits: str, heard: Heard[Frame]) -> Steps[bool]:
        if not self._single(of, heard):
            return False
        if len(digits) == ADDRESS_DIGITS:
            return True
        again = yield from self._ask(of.second, digits)
        return _same(again, heard)

    def _single(self, of: Edition, heard: Heard[Frame]) -> bool:
        """Whether one meter answered, one that exists: colliding answers can look like somebody else's."""
        addresses = _addresses(heard)
        return len(addresses) == 1 and not heard.collided and (of.year, addresses.pop()) in self._found

    def _meet_all(self, of: Edition, heard: Heard[Frame], asked: str = "") -> Steps[None]:
        for address in _addresses(heard):
            yield from self._meet(of, address, asked)

    def _meet(self, of: Edition, address: str, asked: str = "") -> Steps[None]:
        """Ask an address by itself, unless that was done just now."""
        if (of.year, address) in self._found:
            return
        if address == asked or address in _addresses((yield from self._ask(of.first, address))):
            self._record(Found(address, of.year))

    def _met(self, of: Edition, digits: str) -> list[str]:
        return [address for year, address in self._found if year == of.year and address.endswith(digits)]

    def _record(self, found: Found) -> None:
        self._found[found.edition, found.address] = found
        self._fruitless = 0
        if (found.edition, found.address) not in self._known:
            self._tell(Happening.FOUND, found.address)
        if len(self._found) >= MOST_METERS:
            self._give_up(f"{MOST_METERS} meters")

    def _ask(self, question: Question, digits: str) -> Steps[Heard[Frame]]:
        """Ask all meters whose address ends with these digits; nothing more once the search is given up."""
        if self._given_up:
            return Heard()
        pattern = digits.rjust(ADDRESS_DIGITS, "A")
        self._tell(Happening.ASKING, pattern)
        heard = yield from listen(
            question.request(pattern),
            self._framer,
            lambda frame: question.is_answered_by(frame, pattern),
            self._attention,
            self.tally,
        )
        if len(self._strays) < MOST_METERS:
            self._strays |= {frame.address: None for frame in heard.strays[:MOST_METERS] if frame.control.direction}
        self._fruitless += 1
        if self._fruitless > FRUITLESS:
            self._give_up(f"{FRUITLESS} questions have found nobody else")
        return heard

    def _give_up(self, why: str) -> None:
        self._given_up = True
        self._tell(Happening.GIVEN_UP, why)


def _same(heard: Heard[Frame], as_before: Heard[Frame]) -> bool:
    """Whether the same answered as before, undisturbed."""
    return not heard.collided and _addresses(heard) == _addresses(as_before)


def _signed(heard: Heard[Frame], address: str) -> Heard[Frame]:
    """The same, with an address in the answers that repeat the wildcard."""
    signed = [Frame(address, one.control, one.data) if "A" in one.address else one for one in heard.answers]
    return Heard(tuple(signed), heard.strays, heard.garbage)


def _addresses(heard: Heard[Frame]) -> set[str]:
    return {_address(frame) for frame in heard.answers}


def _address(frame: Frame) -> str:
    """Of the meter that sent a frame. One that repeats the wildcard may tell its address in the data."""
    if frame.control.function == Function.READ_ADDRESS and "A" in frame.address:
        told: Any = codec(Address).attempt(frame.data)
        if not isinstance(told, MalformedError):
            return str(told.address)
    return frame.address
