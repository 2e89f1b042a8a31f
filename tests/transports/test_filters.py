"""Filters: the chain and the wrapped lines, echo, parity, registration, trace, pace, faults."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.errors import Disconnected, TransportError
from meterwire.protocols.dialogue import LineSettings
from meterwire.transports import memory, simulation
from meterwire.transports.echo import DropEcho
from meterwire.transports.fault import Fault, Rates
from meterwire.transports.filtering import Chain, Filter, awrap, wrap
from meterwire.transports.pace import Pace
from meterwire.transports.parity import EVEN, ODD, SoftwareParity, carried
from meterwire.transports.registration import StripRegistration
from meterwire.transports.serve import serve_line
from meterwire.transports.trace import Trace

E7 = LineSettings(300, 7, "E")


class Delay(Filter):
    """Holds both directions back for a while."""

    def __init__(self, out=0.0, into=0.0):
        self.out, self.into, self.ends = out, into, 0

    def sent(self, now, octets):
        return [(now + self.out, octets)]

    def received(self, now, octets):
        return [(now + self.into, octets)]

    def closed(self, now):
        self.ends += 1


def traced():
    log = []
    return log, Trace(lambda direction, time, octets: log.append((direction, round(time, 6), octets)))


def test_filters_stand_in_order_from_the_line_outwards():
    """Protects composition: the first filter is nearest to the wire, in both directions, each at its own time."""
    inner, outer = traced(), traced()
    one, other = memory.pair()
    line = wrap(one, inner[1], Delay(out=1.0, into=2.0), outer[1])
    line.write(b"ask")
    assert other.read(0.5) == b""
    assert line.read(1.0) == b""  # what is delayed leaves while the user waits
    assert other.read(1.0) == b"ask"
    other.write(b"tell")
    assert line.read(9.0) == b"tell"
    assert outer[0] == [("sent", 0.0, b"ask"), ("received", 3.0, b"tell")]
    assert inner[0] == [("sent", 1.0, b"ask"), ("received", 1.0, b"tell")]


def test_no_filter_costs_nothing():
    """Protects speed: a line without filters is not wrapped."""
    line, _ = memory.pair()
    assert wrap(line) is line


def test_what_came_before_the_end_is_delivered_before_the_end():
    """Protects the last answer of a peer that hangs up, even if a filter still holds it."""
    one, other = memory.pair()
    delay = Delay(into=5.0)
    line = wrap(one, delay)
    other.write(b"last")
    other.close()
    assert line.read(1.0) == b"last"
    for _ in range(2):
        with pytest.raises(Disconnected):
            line.read(3.0)
    line.close()
    line.close()
    assert delay.ends == 1


def test_closing_sends_what_is_held():
    """Protects a last request without an answer (a broadcast): closing does not swallow it."""
    one, other = memory.pair()
    line = wrap(one, Delay(out=5.0))
    line.write(b"time")
    line.close()
    assert other.read(1.0) == b"time"
    with pytest.raises(TransportError):
        line.read(1.0)


def test_reconfiguring_waits_for_what_is_held():
    """Protects speed changes: what was written before leaves before."""
    one, other = memory.pair()
    line = wrap(one, Delay(out=5.0))
    line.write(b"old")
    line.reconfigure(LineSettings(9600))
    assert (one.settings, other.now(), other.read(5.0)) == (LineSettings(9600), 5.0, b"old")


def test_pausing_lets_held_octets_go():
    """Protects pauses: delayed octets leave at their time, received ones are kept for the next read."""
    one, other = memory.pair()
    line = wrap(one, Delay(out=1.0))
    line.write(b"a")
    other.write(b"b")
    line.pause(3.0)
    assert (other.read(3.0), line.read(3.0)) == (b"a", b"b")


def test_the_same_filters_for_asyncio_and_for_serving(Reverser, frame):
    """Protects one logic in three places: the same delays on an asyncio line and on a served connection."""

    async def main():
        one, other = memory.apair()
        client, server = traced(), traced()
        connection = serve_line(other, Reverser, filters=[lambda _: server[1], lambda _: Delay(1.0, 2.0)])
        line = awrap(one, client[1], Delay(10.0, 20.0))
        await line.write(frame(b"ab"))
        assert await line.read(one.now() + 32.5) == b""
        assert await line.read(one.now() + 60) == frame(b"ba")
        assert one.now() == pytest.approx(33.0)
        assert client[0] == [("sent", 10.0, frame(b"ab")), ("received", 13.0, frame(b"ba"))]
        assert server[0] == [("received", 10.0, frame(b"ab")), ("sent", 13.0, frame(b"ba"))]
        await line.write(frame(b"cd"))
        await line.reconfigure(LineSettings(9600))
        assert one.now() == pytest.approx(43.0)
        await line.pause(one.now() + 1)
        await line.close()
        await connection.ended.wait()
        with pytest.raises(TransportError):
            await line.read(one.now() + 1)

    simulation.run(main())


async def test_a_lost_line_is_told_to_asyncio():
    """Protects the end of an asyncio line behind filters."""
    one, other = memory.apair()
    line = awrap(one, Delay(into=0.01))
    await other.write(b"last")
    await other.close()
    assert await line.read(line.now() + 1) == b"last"
    with pytest.raises(Disconnected):
        await line.read(line.now() + 1)
    with pytest.raises(Disconnected):
        await line.write(b"x")


# ---------------------------------------------------------------- echo


REQUEST = bytes.fromhex("fefefefe68610100000000681104333334331f16")
ANSWER = bytes.fromhex("fefe6861010000000068910833333433785634125e16")
CUTS = st.lists(st.integers(1, 12), max_size=8)


def heard(echo_filter, arriving, cuts=(), request=REQUEST):
    """Send the request and let octets arrive in pieces; what the user gets in the end."""
    chain = Chain((echo_filter,))
    chain.send(0.0, request)
    now, sizes = 0.1, [*cuts, len(arriving)]
    for size in sizes:
        piece, arriving = arriving[:size], arriving[size:]
        if piece:
            now += 0.01
            chain.deliver(now, piece)
    chain.idle(now + 1.0)
    assert chain.out == [request]
    return chain.take()


@given(CUTS, st.sampled_from(["auto", "on"]))
def test_echo_whole_or_short_or_absent(cuts, mode):
    """Protects two-wire adapters, however the echo is cut: whole, one octet short at either end, or not there."""
    for echo in (REQUEST, REQUEST[:-1], REQUEST[1:], b""):
        echoes = DropEcho(mode)
        assert heard(echoes, echo + ANSWER, cuts) == ANSWER
        assert echoes.dropped == len(echo)


@given(CUTS)
def test_an_echo_and_no_answer(cuts):
    """Protects the message about silence: an echo alone is silence, not garbage."""
    for echo in (REQUEST, REQUEST[:-1], REQUEST[1:]):
        assert heard(DropEcho(), echo, cuts) == b""


@given(st.binary(max_size=30), CUTS)
def test_what_is_no_echo_is_not_lost(octets, cuts):
    """Protects everything else: octets that only begin like an echo are delivered, all of them, in order."""
    if not (octets + b"\0").startswith((REQUEST[1:], REQUEST[:-1])):
        assert heard(DropEcho(), octets, cuts) == octets
    assert heard(DropEcho(), REQUEST[:9] + octets, cuts) in (REQUEST[:9] + octets, octets[len(REQUEST) - 9 :])


def test_a_damaged_echo():
    """Protects a line that is known to echo: an echo damaged by a collision is dropped; in doubt nothing is."""
    damaged = REQUEST[:5] + b"\xff" + REQUEST[6:]
    assert heard(DropEcho("on"), damaged + ANSWER) == ANSWER
    assert heard(DropEcho("auto"), damaged + ANSWER) == damaged + ANSWER
    assert heard(DropEcho("on"), ANSWER) == ANSWER


def test_several_writes_and_repeated_requests():
    """Protects retries: each request's echo is its own, also when it was written in two pieces."""
    chain = Chain((echoes := DropEcho(),))
    for _ in range(3):
        chain.send(0.0, REQUEST[:4])
        chain.send(0.0, REQUEST[4:])
        chain.deliver(0.1, REQUEST[:7])
        chain.deliver(0.2, REQUEST[7:] + ANSWER)
        assert chain.take() == ANSWER
    assert echoes.dropped == 3 * len(REQUEST)
    chain.deliver(9.0, REQUEST)  # nothing of ours is outstanding: this is somebody else's
    assert chain.take() == REQUEST


def test_an_echo_that_never_came_does_not_spoil_the_next():
    """Protects retries over a line that swallowed one request whole: the echo of the next is still recognised."""
    chain = Chain((echoes := DropEcho(),))
    chain.send(0.0, REQUEST)
    chain.deliver(0.1, REQUEST[:3])
    chain.send(5.0, REQUEST)
    chain.deliver(5.1, REQUEST + ANSWER)
    assert chain.take() == REQUEST[:3] + ANSWER
    assert echoes.dropped == len(REQUEST)


# ---------------------------------------------------------------- parity in software


@given(st.binary(max_size=60), st.sampled_from("EO"))
def test_software_parity_there_and_back(octets, parity):
    """Protects 7E1 and 7O1 over 8N: what is added is taken away, every octet has the right number of ones."""
    chain = Chain((both := SoftwareParity(LineSettings(300, 7, parity)),))
    chain.send(0.0, octets)
    wire = b"".join(chain.out)
    assert all(octet.bit_count() % 2 == (parity == "O") for octet in wire)
    chain.deliver(0.0, wire)
    assert chain.take() == bytes(octet & 0x7F for octet in octets)
    assert both.errors == 0


def test_wrong_parity_is_counted_or_dropped():
    """Protects the check that seven-bit lines have: a flipped bit does not pass unnoticed."""
    wire = bytes([EVEN[0x2F], EVEN[0x41] ^ 0x04, EVEN[0x42]])
    for wrong, got in (("keep", b"/EB"), ("drop", b"/B")):
        chain = Chain((parity := SoftwareParity(E7, wrong),))
        chain.deliver(0.0, wire)
        assert (chain.take(), parity.errors) == (got, 1)


def test_a_gateway_that_took_the_parity_away():
    """Protects gateways that deliver plain seven-bit octets: no eighth bit was ever there, so none is missed."""
    chain = Chain((parity := SoftwareParity(E7, "drop"),))
    chain.deliver(0.0, b"/MWT5METER\r\n")
    assert (chain.take(), parity.errors) == (b"/MWT5METER\r\n", 0)


def test_the_layers_below_see_eight_bits():
    """Protects the port: it is told what it can do, and the filter follows when the user leaves seven bits."""
    parity = SoftwareParity(E7)
    assert parity.reconfigured(0.0, LineSettings(9600, 7, "E")) == LineSettings(9600)
    assert parity.reconfigured(0.0, LineSettings(9600, 8, "E")) == LineSettings(9600, 8, "E")
    assert parity.sent(0.0, b"\xff") == [(0.0, b"\xff")]
    assert parity.reconfigured(0.0, LineSettings(300, 7, "O")) == LineSettings(300)
    assert parity.sent(0.0, b"0") == [(0.0, bytes([ODD[0x30]]))]
    assert carried(LineSettings(300, 7, "E", 2)) == LineSettings(300)


# ---------------------------------------------------------------- registration


def registered(pattern, *arrivals, ask_after=None):
    told = []
    chain = Chain((StripRegistration(pattern, lambda _, octets: told.append(octets)),))
    for number, octets in enumerate(arrivals):
        if number == ask_after:
            chain.send(float(number), b"ask")
        chain.deliver(float(number), octets)
    return chain.take(), told, chain


@given(st.binary(max_size=8))
def test_registration_and_heartbeat_are_stripped_and_told(rest):
    """Protects DTUs: what the pattern says comes off, alone, repeated or in front of a frame."""
    got, told, _ = registered("MW[0-9]{4}", b"MW0001", b"MW0001MW0001\x68" + rest, b"\x16MW0001", ask_after=1)
    assert got == b"\x68" + rest + b"\x16MW0001"  # never in the middle: frames may contain anything
    assert told == [b"MW0001"] * 3


def test_a_registration_in_pieces():
    """Protects slow modems: until we have asked anything, the rest of a registration is waited for, not for ever."""
    assert registered("MW[0-9]{4}", b"MW", b"00", b"01\x68")[:2] == (b"\x68", [b"MW0001"])
    got, told, chain = registered("MW[0-9]{4}", b"\x68 no registration")
    assert (got, told) == (b"", [])
    chain.idle(5.0)
    assert chain.take() == b"\x68 no registration"
    got, told, chain = registered("MW[0-9]{4}", b"\x68held")
    chain.send(0.1, b"ask")
    chain.deliver(0.2, b"\x16")
    assert chain.take() == b"\x68held\x16"
    assert registered("MW[0-9]{4}", bytes(600))[0] == bytes(600)


def test_a_pattern_that_matches_nothing_at_all_does_not_hang():
    """Protects from a careless pattern: an empty match strips nothing."""
    assert registered("x*", b"abc", ask_after=0)[0] == b"abc"


# ---------------------------------------------------------------- pace


def test_pace_takes_the_time_of_the_line():
    """Protects real timing over fast lines: octets pass at the speed of the serial line, in both directions."""
    settings = LineSettings(2400, 8, "E")
    one, other = memory.pair()
    line = wrap(one, Pace(settings))
    line.write(bytes(200))
    line.write(bytes(40))
    line.pause(settings.seconds(120))
    assert len(other.read(line.now())) == pytest.approx(120, abs=2)
    line.pause(settings.seconds(240))
    assert len(other.read(line.now())) == pytest.approx(120, abs=2)
    other.write(bytes(100))
    start, got = line.now(), 0
    while got < 100:
        got += len(line.read(100.0))
    assert line.now() == pytest.approx(start + settings.seconds(100))
    line.reconfigure(LineSettings(9600, 8, "E"))
    line.write(bytes(96))
    line.pause(line.now() + settings.seconds(24))
    assert len(other.read(line.now())) == 96


# ---------------------------------------------------------------- faults


def spoilt(seed, rates, pieces=400):
    """What a seeded fault makes of many pieces, with the times at which they pass."""
    chain = Chain((fault := Fault(seed, rates),))
    passed = []
    for number in range(pieces):
        chain.send(float(number), bytes([number & 0xFF]) * 20)
        passed.append((number, list(chain.out)))
        chain.out.clear()
    chain.close(1e9)
    return [*passed, ("end", chain.out)], fault.injected


def test_the_same_seed_spoils_the_same():
    """Protects replay of a failure by its seed: everything equal, and another seed differs."""
    rates = Rates(
        drop=0.1, duplicate=0.1, split=0.1, truncate=0.1, garbage=0.1, delay=0.1, overtake=0.1, flip=0.01, burst=0.1
    )
    assert spoilt(7, rates) == spoilt(7, rates)
    assert spoilt(7, rates) != spoilt(8, rates)
    assert set(spoilt(7, rates)[1]) == {
        f"sent {fault}"
        for fault in ["drop", "duplicate", "split", "truncate", "garbage", "delay", "overtake", "flip", "burst"]
    }


def test_no_fault_no_change():
    """Protects the base line: a fault filter without rates passes everything at once."""
    passed, injected = spoilt(1, Rates())
    assert passed[:-1] == [(number, [bytes([number & 0xFF]) * 20]) for number in range(400)]
    assert not injected


@pytest.mark.parametrize(
    ("rates", "expected"),
    [(Rates(drop=0.25), 75), (Rates(duplicate=0.25), 125), (Rates(split=0.5), 100), (Rates(delay=0.5), 100)],
)
def test_rates_are_kept(rates, expected):
    """Protects the meaning of a rate, in octets that pass out of a hundred."""
    passed, _ = spoilt(3, rates, 2000)
    assert sum(len(octets) for _, pieces in passed for octets in pieces) / 400 == pytest.approx(expected, rel=0.05)


def test_the_bit_error_rate():
    """Protects the unit of `flip`: wrong bits per bit, counted."""
    chain = Chain((fault := Fault(5, received=Rates(flip=1e-3)),))
    chain.deliver(0.0, bytes(100_000))
    wrong = sum(octet.bit_count() for octet in chain.take())
    assert wrong == fault.injected["received flip"] == pytest.approx(800, rel=0.15)
    chain = Chain((Fault(5, received=Rates(flip=1.0)),))
    chain.deliver(0.0, b"\x0f")
    assert chain.take() == b"\xf0"


def test_delay_keeps_the_order_and_overtaking_does_not():
    """Protects the difference between a slow line and a network."""
    for rates, ordered in ((Rates(delay=0.5, split=0.5, seconds=5.0), True), (Rates(overtake=0.5, seconds=5.0), False)):
        passed, _ = spoilt(11, rates, 200)
        octets = b"".join(octets for _, pieces in passed for octets in pieces)
        assert (octets == b"".join(bytes([number]) * 20 for number in range(200))) is ordered


def test_faults_on_a_line_between_real_ends(Reverser, frame):
    """Protects the use: over a bad line a client with tries gets right answers or none, the same ones every time."""

    async def day(seed):
        one, other = memory.apair()
        serve_line(other, lambda: Reverser(quiet=True), silence=0.5)
        rates = Rates(drop=0.1, truncate=0.1, flip=1e-3, delay=0.2)
        line = awrap(one, Fault(seed, rates, rates))
        answers = []
        for number in range(100):
            await line.write(frame(bytes([number, 1, 2, 3])))
            answers.append(await line.read(line.now() + 1))
            await asyncio.sleep(2.0)
            answers[-1] += await line.read(line.now())
        await line.close()
        return answers

    first = simulation.run(day("a"))
    assert first == simulation.run(day("a")) != simulation.run(day("b"))
    right = sum(answer == frame(bytes([3, 2, 1, number])) for number, answer in enumerate(first))
    assert 30 < right < 90
