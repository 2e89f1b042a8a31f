"""Finding meters on a line: one, several whose answers collide, old ones, and lines on which nothing can be found."""

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterwire.protocols.dialogue import Answer, LineSettings, converse
from meterwire.protocols.dlt645.address import covers
from meterwire.protocols.dlt645.edition1997 import Item1997
from meterwire.protocols.dlt645.frame import WILDCARD, Frame, answering
from meterwire.protocols.dlt645.messages import ReadAnswer
from meterwire.protocols.dlt645.questions import attention_for, edition, opening_questions
from meterwire.protocols.dlt645.search import FRUITLESS, NOBODY, Found, Happening, Search
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Frame as Whole
from meterwire.protocols.wire.framing import Framer
from meterwire.transports.bus import Bus
from meterwire.transports.echo import DropEcho
from meterwire.transports.filtering import wrap
from meterwire.transports.memory import connected

E8 = LineSettings(2400, 8, "E")
ONE = "000000000161"


class SmallMeter:
    """Answers reads and the question for its address as meters do, each kind of meter in its own way.

    Args:
        address: its own.
        year: edition it speaks.
        nibbles: whether it takes a wildcard in half an octet.
        reads: whether it takes the full wildcard in front of a read.
        tells: whether it answers the question for its address.
        refuses: whether it refuses every read.
        repeats: whether it answers under the address it was asked under.
    """

    def __init__(self, address, *, year=2007, nibbles=True, reads=True, tells=True, refuses=False, repeats=False):
        self.address, self.year = address, year
        self.nibbles, self.reads, self.tells, self.refuses, self.repeats = nibbles, reads, tells, refuses, repeats
        self.framer = Framer(codec(Frame), fill=b"\xfe")
        self.asked = []

    def receive(self, octets, now):
        return self._answers(self.framer.receive(octets))

    def idle(self, now):
        return self._answers(self.framer.idle())

    def _answers(self, pieces):
        frames = [self._answer(piece.message) for piece in pieces if isinstance(piece, Whole)]
        return [Answer(b"\xfe\xfe" + codec(Frame).build(frame)) for frame in frames if frame is not None]

    def _answer(self, asked):
        self.asked.append(asked.address)
        if asked.control.direction or not self._is_meant(asked.address):
            return None
        function = int(asked.control.function)
        own = asked.address if self.repeats else self.address
        if function == 0x13 and self.year == 2007 and self.tells:
            return Frame(own, answering(0x13), bytes.fromhex(self.address)[::-1])
        if function != {2007: 0x11, 1997: 0x01}[self.year] or (asked.address == WILDCARD and not self.reads):
            return None
        if self.refuses:
            return Frame(own, answering(function, abnormal=True), b"\x02")
        size = 4 if self.year == 2007 else 2
        value = zlib.crc32(self.address.encode() + asked.data).to_bytes(4, "little")
        return Frame(own, answering(function), asked.data[:size] + value)

    def _is_meant(self, address):
        octets = [address[at : at + 2] for at in range(0, 12, 2)]
        if not self.nibbles and any("A" in octet and octet != "AA" for octet in octets):
            return False
        return covers(address, self.address)


class Told(list):
    def __call__(self, happening, detail):
        self.append((happening, detail))

    def of(self, wanted):
        return [detail for happening, detail in self if happening == wanted]


def bus_with(meters, delays=None, settings=E8):
    bus = Bus()
    for place, meter in enumerate(meters):
        bus.attach(meter, settings, delay=delays[place] if delays else 0.02 + 0.011 * place)
    return bus


def searched(bus, echo="off", **more):
    told = Told()
    line = bus.line(E8, echo=echo)
    line = line if echo == "off" else wrap(line, DropEcho("on"))
    search = Search(E8, tell=told, **more)
    return converse(search.run(), line), search, told


def addresses(found):
    return {one.address for one in found}


@pytest.mark.parametrize("echo", ["off", "on", "short"])
@pytest.mark.parametrize(
    "kind", [{}, {"nibbles": False}, {"reads": False}, {"tells": False}, {"refuses": True}, {"repeats": True}], ids=str
)
def test_one_meter_of_any_kind_is_found_at_once(kind, echo):
    """Protects the usual case: a meter alone on the line costs the wildcard and two questions, whatever it can do."""
    found, search, told = searched(bus_with([SmallMeter(ONE, **kind)]), echo)
    assert found == [Found(ONE, 2007)]
    assert told.of(Happening.FOUND) == [ONE]
    assert search.tally.asked <= 6
    assert told.of(Happening.SEVERAL) == []


def test_nobody_is_asked_only_the_opening_questions():
    """Protects the estimate: a silent line costs exactly the questions and the time that are announced."""
    bus = bus_with([])
    found, search, told = searched(bus)
    assert found == []
    assert told.of(Happening.ASKING) == [WILDCARD] * opening_questions((2007, 1997)) == [WILDCARD] * 3
    assert bus.clock.now() == pytest.approx(3 * attention_for(E8).begin)
    assert (search.tally.asked, search.tally.answers, search.tally.garbage) == (3, 0, 0)


SHARED = ["000000000161", "000000000162", "000000000163", "000000000261", "990000000161", "123456780161"]


@pytest.mark.parametrize("nibbles", [True, False])
def test_several_meters_are_told_apart_by_their_low_digits(nibbles):
    """Protects the search: meters that differ in any octet are found, and asked by octets where nibbles are no use."""
    meters = [SmallMeter(address, nibbles=nibbles) for address in SHARED]
    found, search, told = searched(bus_with(meters), "on")
    assert addresses(found) == set(SHARED)
    assert len(found) == len(SHARED)
    assert "" in told.of(Happening.SEVERAL)
    if nibbles:
        assert search.tally.asked < 200
    else:  # a hundred ways for each of six octets, ten of nibbles before each but where they were found useless
        assert 500 < search.tally.asked < 800


def test_a_bus_of_both_kinds():
    """Protects old meters beside new ones: where nibbles find fewer than must be there, octets are tried."""
    meters = [SmallMeter("000000000131"), SmallMeter("000000000142", nibbles=False)]
    assert addresses(searched(bus_with(meters))[0]) == {"000000000131", "000000000142"}


def test_thorough_finds_whom_nibbles_hide():
    """Protects `--thorough`: three meters of which one takes no nibbles are all found by asking for every octet."""
    hidden = "000000000147"
    meters = [SmallMeter("000000000131"), SmallMeter("000000000142"), SmallMeter(hidden, nibbles=False)]
    assert hidden not in addresses(searched(bus_with(meters))[0])
    assert addresses(searched(bus_with(meters), thorough=True)[0]) == {meter.address for meter in meters}


def test_meters_that_need_a_digit_before_they_read():
    """Protects meters that take AA x 6 for their address alone: a collision there is still searched."""
    meters = [SmallMeter("000000000131", reads=False), SmallMeter("000000000142", reads=False)]
    assert addresses(searched(bus_with(meters))[0]) == {"000000000131", "000000000142"}


def test_two_meters_with_one_address_are_said_to_be():
    """Protects people who mounted a copy: the address is given, with what is wrong with it."""
    one, other = SmallMeter(ONE), SmallMeter(ONE)
    other._answer = lambda asked: (
        (frame := SmallMeter._answer(other, asked))
        and Frame(frame.address, frame.control, frame.data[:-1] + bytes([frame.data[-1] ^ 0x2D]))
    )
    found, _, told = searched(bus_with([one, other]))
    assert found == [Found(ONE, 2007, shared=True)]
    assert told.of(Happening.SEVERAL)[-1] == ONE[2:]


@pytest.mark.parametrize("repeats", [True, False])
def test_a_meter_of_1997_is_noticed(repeats):
    """Protects old meters: nobody answers the functions of 2007, and one answers 9010 under AA, as itself or as AA."""
    found, search, _ = searched(bus_with([SmallMeter(ONE, year=1997, repeats=repeats)]))
    assert found == [Found(WILDCARD if repeats else ONE, 1997)]
    assert search.tally.asked <= 6
    assert searched(bus_with([SmallMeter(ONE, year=1997)]), years=(2007,))[0] == []


def test_both_editions_on_one_bus():
    """Protects mixed buses: one old meter beside a new one is found, and the new one's refusals are no meter."""
    meters = [SmallMeter("000000000131"), SmallMeter("000000000142", year=1997)]
    found, _, _ = searched(bus_with(meters))
    assert {(one.address, one.edition) for one in found} == {("000000000131", 2007), ("000000000142", 1997)}


def test_several_meters_of_1997():
    """Protects the fallback's search: collisions of old meters alone are looked into as well."""
    meters = [SmallMeter(address, year=1997, nibbles=False) for address in ("000000000131", "000000000142")]
    assert addresses(searched(bus_with(meters))[0]) == {"000000000131", "000000000142"}


def test_an_address_that_only_collisions_made_is_no_meter():
    """Protects people from phantoms: 12 and 21 answering together can look like 00 with a right sum."""
    phantom = "000000000100"

    class Phantom(SmallMeter):
        def _answer(self, asked):
            answer = super()._answer(asked)
            return answer and Frame(phantom, answer.control, answer.data)

    class Real(SmallMeter):
        def _is_meant(self, address):
            return "A" not in address and super()._is_meant(address)

    class Together(Phantom):  # what a wildcard brings; by itself nobody answers
        def _is_meant(self, address):
            return address[-4:] in ("AAAA", "AAA0", "AA00")

    found, _, _ = searched(bus_with([Together(phantom), Real("000000000131")]))
    assert phantom not in addresses(found)


def test_a_known_meter_is_not_told_twice():
    """Protects scans of several speeds on a line that has none: who was found before is no news."""
    found, _, told = searched(bus_with([SmallMeter(ONE)]), known=[Found(ONE, 2007)])
    assert found == []
    assert told.of(Happening.FOUND) == []


class Babbler:
    """Sends the same garbage whatever it hears."""

    def __init__(self, octets, when=lambda octets: True):
        self.octets, self.when = octets, when

    def receive(self, octets, now):
        return [Answer(self.octets)] if octets.endswith(b"\x16") and self.when(octets) else []

    def idle(self, now):
        return []


def test_noise_is_not_searched():
    """Protects time: octets that come back even from an address that nobody has are told, not looked into."""
    found, search, told = searched(bus_with([Babbler(bytes(range(40)))]))
    assert found == []
    assert search.noisy
    assert search.tally.asked <= 6
    assert told.of(Happening.GIVEN_UP)


def test_a_search_that_finds_nobody_ends():
    """Protects time and memory from a line that always answers with garbage: the search is given up."""
    nobody = codec(Frame).build(Frame(NOBODY, answering(0))).hex()[2:14]
    babbler = Babbler(bytes(range(40)), lambda octets: nobody not in octets.hex())
    bus = bus_with([babbler])
    found, search, told = searched(bus)
    assert all(one.shared for one in found)
    assert told.of(Happening.GIVEN_UP)
    assert search.tally.asked <= FRUITLESS * (len(found) + 1) + 10


def test_one_disturbance_is_asked_again():
    """Protects time: garbage that came once is no collision."""
    once = iter([True])
    _, search, _ = searched(bus_with([Babbler(bytes(range(40)), lambda _: next(once, False))]))
    assert search.tally.asked == 4
    assert search.tally.garbage == 40


def test_who_answers_late_or_to_somebody_else_is_met():
    """Protects evidence: a whole frame of a meter that was not asked is a meter, and is asked."""
    octets = codec(Frame).build(Frame(ONE, answering(0x12), b""))
    stray = Babbler(octets, lambda octets: octets.hex().count("aa") == 6)
    meter = SmallMeter(ONE)
    meter._is_meant = lambda address: address == ONE
    found, search, _ = searched(bus_with([stray, meter]))
    assert addresses(found) == {ONE}
    assert search.tally.foreign > 0


def test_questions_of_an_edition_are_answered_by_that_edition():
    """Protects the evidence: a refusal is a 2007 meter, an echo of ourselves and another function are none."""
    of = edition(2007)
    refusal = Frame(ONE, answering(0x11, abnormal=True), b"\x02")
    assert of.first.is_answered_by(refusal, "AAAAAAAAAA61")
    assert not of.first.is_answered_by(refusal, "AAAAAAAAAA62")
    assert not of.opening.is_answered_by(refusal, WILDCARD)
    own = codec(Frame).parse(of.first.request(ONE).lstrip(b"\xfe"))
    assert not of.first.is_answered_by(own, ONE)
    old = edition(1997).first
    payload = codec(Item1997).build(Item1997(0x9010, b"\x01\x02\x03\x04"))
    assert old.is_answered_by(Frame(ONE, answering(1), payload), WILDCARD)
    assert not old.is_answered_by(Frame(ONE, answering(1, abnormal=True), b"\x02"), WILDCARD)


def test_the_second_question_is_another():
    """Protects the check for hidden meters: the two questions have different sums, so they do not hide the same."""
    for year in (2007, 1997):
        of = edition(year)
        assert of.first.request(ONE) != of.second.request(ONE)
    assert codec(ReadAnswer).parse(edition(2007).second.data).identifier == 0x04000401


@given(
    st.sets(st.from_regex(r"[0-9]{10}[0-3]{2}", fullmatch=True), min_size=1, max_size=6),
    st.lists(st.integers(0, 45), min_size=6, max_size=6, unique=True),
    st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_any_few_meters_are_all_found(given_addresses, delays, nibbles):
    """Protects the search from corners: whatever the addresses and delays, all meters are found and nobody else."""
    meters = [SmallMeter(address, nibbles=nibbles) for address in sorted(given_addresses)]
    found, _, _ = searched(bus_with(meters, [0.02 + 0.01 * delay for delay in delays]), "on")
    assert sorted(one.address for one in found) == sorted(given_addresses)
    assert {one.edition for one in found} == {2007}


class Hostile:
    """Answers with whatever it is given, one answer after the other."""

    def __init__(self, answers):
        self.answers = answers
        self.place = 0

    def receive(self, octets, now):
        self.place += 1
        return [Answer(self.answers[self.place % len(self.answers)])] if self.answers else []

    def idle(self, now):
        return []


frames = st.builds(
    lambda address, function, abnormal, data: codec(Frame).build(
        Frame(address, answering(function, abnormal=abnormal), data)
    ),
    st.text("0123456789A", min_size=12, max_size=12),
    st.sampled_from([0x11, 0x13, 0x01, 0x12]),
    st.booleans(),
    st.binary(max_size=12),
)


@given(st.lists(st.one_of(st.binary(max_size=30), frames), max_size=5))
@settings(max_examples=25, deadline=None)
def test_whatever_answers_the_search_ends(answers):
    """Protects the library from the line: no octets make a search fail, and none make it go on for ever."""
    search = Search()
    found = converse(search.run(), connected(Hostile(answers)))
    assert search.tally.asked <= (FRUITLESS + 1) * (len(found) + 2)
