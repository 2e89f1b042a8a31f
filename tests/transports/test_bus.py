"""The UART and the bus: parity, speed, half duplex, echo, collisions, on virtual time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.errors import Disconnected
from meterwire.protocols.dialogue import Answer, LineSettings
from meterwire.transports.bus import Bus
from meterwire.transports.echo import DropEcho
from meterwire.transports.filtering import wrap
from meterwire.transports.parity import SoftwareParity
from meterwire.transports.uart import Receiver, Transmission, Waveform, levels

E8, N8, O8 = (LineSettings(2400, 8, parity) for parity in "ENO")
E7 = LineSettings(300, 7, "E")
SETTINGS = st.builds(
    LineSettings,
    st.sampled_from([300, 1200, 2400, 9600]),
    st.sampled_from([7, 8]),
    st.sampled_from("NEO"),
    st.sampled_from([1, 2]),
)


def resample(octets, sender, receiver):
    return Receiver(receiver, 0.0).listen([Transmission(0.5, octets, sender)], 1e6)


def test_a_character_on_the_wire():
    """Protects the order of bits: start, lowest data bit first, parity, stop."""
    assert levels(0x68, E8) == (0, 0, 0, 0, 1, 0, 1, 1, 0, 1, 1)
    assert levels(0x2F, E7) == (0, 1, 1, 1, 1, 0, 1, 0, 1, 1)
    assert levels(0x01, LineSettings(300, 8, "N", 2)) == (0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1)


@given(st.binary(min_size=1, max_size=20), SETTINGS)
def test_equal_settings_lose_nothing(octets, settings):
    """Protects the model itself: the same settings on both sides carry every octet, at the time it is complete."""
    mask = (1 << settings.data_bits) - 1
    heard = resample(octets, settings, settings)
    assert bytes(one.octet for one in heard) == bytes(octet & mask for octet in octets)
    assert not any(one.flaw for one in heard)
    assert heard[-1].time == pytest.approx(
        0.5 + settings.seconds(len(octets)) - (settings.stop_bits - 0.5) / settings.baud
    )


@given(st.binary(min_size=1, max_size=20), SETTINGS, st.lists(st.floats(0, 1), max_size=5))
def test_the_short_cut_and_the_sampling_agree(octets, settings, looks):
    """Protects the fast path: looking at any moments, with and without it, gives the same characters."""
    sender = Transmission(0.5, octets, settings)
    silent = Transmission(0.0, b"\xff", LineSettings(4_000_000))  # a second sender far away forbids the short cut
    silent.start, silent.end = 0.0, 1e9
    silent.lows = lambda: iter(())
    fast, slow = Receiver(settings, 0.0), Receiver(settings, 0.0)
    moments = [0.5 + settings.seconds(len(octets)) * look for look in sorted(looks)] + [1e6]
    for moment in moments:
        one, other = fast.listen([sender], moment), slow.listen([sender, silent], moment)
        assert [(c.octet, c.flaw) for c in one] == [(c.octet, c.flaw) for c in other]
        assert [c.time for c in one] == pytest.approx([c.time for c in other])


@given(st.lists(st.tuples(st.floats(0, 0.01), st.binary(min_size=1, max_size=3), SETTINGS), min_size=1, max_size=4))
def test_several_senders_pull_the_line_low_together(senders):
    """Protects collisions: at any moment the line is low exactly where the bits of one sender are."""
    present = [Transmission(*sender) for sender in senders]
    wave = Waveform(present)
    for one in present:
        for place in range(int((one.end - one.start) / one.bit) * 3):
            moment = one.start + (place + 0.37) * one.bit / 3
            alone = [
                (*levels(other.octets[int((moment - other.start) / other.character)], other.settings), 1)[
                    int((moment - other.start) % other.character / other.bit)
                ]
                for other in present
                if other.start <= moment < other.end
            ]
            assert wave.level(moment) == min(alone)
            fall = wave.fall(moment)
            assert fall is None or (fall >= moment and wave.level(fall) == 0)


def test_seven_bits_read_as_eight_show_the_parity():
    """Protects the classic: 7E1 read as 8N1 has the parity as its top bit, and nothing is wrong on the wire."""
    heard = resample(b"/?!", E7, LineSettings(300))
    assert bytes(one.octet for one in heard) == b"\xaf\x3f\x21"
    assert {one.flaw for one in heard} == {""}


@pytest.mark.parametrize(("sender", "receiver"), [(E8, O8), (O8, E8)])
def test_the_wrong_parity_is_an_error_in_every_character(sender, receiver):
    """Protects parity checks: even read as odd is flagged, with its data bits intact."""
    heard = resample(bytes(range(256)), sender, receiver)
    assert [(one.octet, one.flaw) for one in heard] == [(octet, "parity") for octet in range(256)]


def test_parity_read_as_none_breaks_frames():
    """Protects the field's first complaint: 8E1 read as 8N1 gives framing errors where the parity bit is 0."""
    heard = resample(b"\x68\x00\x07\x00", E8, N8)
    assert (heard[0].octet, heard[0].flaw) == (0x68, "")
    assert "framing" in {one.flaw for one in heard}


def test_another_speed_is_garbage():
    """Protects scanning: 2400 read at 9600 gives more characters, 9600 read at 2400 fewer, never the octets."""
    octets = bytes.fromhex("68610100000000681104333334331f16")
    fast, slow = LineSettings(9600, 8, "E"), E8
    assert len(resample(octets, slow, fast)) > len(octets) > len(resample(octets, fast, slow))
    for sender, receiver in ((slow, fast), (fast, slow)):
        assert bytes(one.octet for one in resample(octets, sender, receiver)) != octets


# ---------------------------------------------------------------- the bus


def ask(line, octets, seconds=3.0):
    """Send, and everything that comes within the time."""
    line.write(octets)
    return gather(line, seconds)


def gather(line, seconds):
    got, until = b"", line.now() + seconds
    while line.now() < until:
        got += line.read(until)
    return got


def test_an_exchange_takes_its_time(Reverser, frame):
    """Protects pacing: request, turnaround and answer take as long as the line says, and octets come as they are sent."""
    bus = Bus()
    bus.attach(Reverser(), E8, delay=0.05)
    line = bus.line(E8, latency=0.0)
    line.write(frame(b"abcdefgh"))
    assert line.now() == 0.0
    arrivals = []
    while sum(len(octets) for octets, _ in arrivals) < 10:
        arrivals.append((line.read(10.0), line.now()))
    assert b"".join(octets for octets, _ in arrivals) == frame(b"hgfedcba")
    assert len(arrivals) == 10
    assert arrivals[0][1] == pytest.approx(E8.seconds(10) + 0.05 + E8.seconds(1), abs=E8.seconds(1))
    assert arrivals[-1][1] == pytest.approx(2 * E8.seconds(10) + 0.05, abs=E8.seconds(1))
    assert line.read(20.0) == b""
    assert line.now() == 20.0


def test_the_same_run_twice(Reverser, frame):
    """Protects determinism: the same calls give the same octets at the same times."""

    def run():
        bus = Bus()
        for delay in (0.02, 0.03):
            bus.attach(Reverser(), E8, delay=delay)
        line = bus.line(E8)
        log = []
        for number in range(5):
            line.write(frame(bytes([number] * 9)))
            until = line.now() + 2
            while line.now() < until:
                log.append((line.read(until), line.now()))
        return log

    assert run() == run()


@pytest.mark.parametrize(
    "wrong", [N8, O8, LineSettings(1200, 8, "E"), LineSettings(9600, 8, "E"), LineSettings(2400, 7, "E")]
)
@pytest.mark.parametrize("flawed", ["keep", "zero", "drop"])
def test_wrong_settings_never_give_a_valid_frame(wrong, flawed, Reverser, frame):
    """Protects people from believing a value that came over a line with the wrong settings."""
    bus, responder = Bus(), Reverser(quiet=True)
    device = bus.attach(responder, E8)
    line = bus.line(wrong, flawed=flawed)
    request = bytes([0xFE] * 4) + frame(bytes.fromhex("aaaa1104"))
    assert ask(line, request) == b""
    assert request not in responder.heard
    assert device.flaws
    # and what the device sends to others is garbage, too
    other = bus.line(E8)
    other.write(frame(b"good"))
    if flawed != "keep" or wrong.baud != 2400 or wrong.data_bits == 7:  # who ignores errors may read right octets
        assert frame(b"doog") not in gather(line, 3.0)
    assert gather(other, 3.0) == frame(b"doog")


def test_a_device_changes_its_speed_after_the_answer(Reverser, frame):
    """Protects baud changes: the answer leaves at the old speed, everything after at the new."""
    faster = LineSettings(9600, 8, "E")
    bus = Bus()
    bus.attach(Reverser(settings=faster, quiet=True), E8)
    line = bus.line(E8)
    assert ask(line, frame(b"ab")) == frame(b"ba")
    assert ask(line, frame(b"ab")) == b""
    line.reconfigure(faster)
    assert ask(line, frame(b"cd")) == frame(b"dc")


def test_reconfiguring_waits_for_what_is_being_sent(Reverser, frame):
    """Protects the sign-on of IEC 62056-21: the acknowledgement leaves at the old speed whatever comes after."""
    bus, responder = Bus(), Reverser()
    bus.attach(responder, E7)
    line = bus.line(E7)
    line.write(b"\x06050\r\n")
    line.reconfigure(LineSettings(9600, 7, "E"))
    assert responder.heard == b"\x06050\r\n"
    assert line.now() == pytest.approx(E7.seconds(6))


def test_software_parity_meets_a_real_seven_bit_device(Reverser, frame):
    """Protects 7E1 over an 8N1 port: on the wire both are the same bits."""
    bus = Bus()
    bus.attach(Reverser(), E7)
    line = wrap(bus.line(LineSettings(300)), SoftwareParity(E7))
    assert ask(line, b"\x03abc\x26") == b"\x03cba\x26"


@pytest.mark.parametrize("echo", ["on", "short"])
def test_an_echo_is_heard_and_dropped(echo, Reverser, frame):
    """Protects two-wire adapters and optical heads: the echo is there, and the filter takes it away, short or not."""
    bus = Bus()
    bus.attach(Reverser(), E8)
    request = frame(b"abcdef")
    heard = ask(bus.line(E8, echo=echo), request)
    assert heard == (request if echo == "on" else request[:-1]) + frame(b"fedcba")
    echoes = DropEcho()
    line = wrap(bus.line(E8, echo=echo), echoes)
    assert ask(line, request) == frame(b"fedcba")
    assert echoes.dropped == len(request) - (echo == "short")


def test_two_devices_at_once_collide(Reverser, frame):
    """Protects wildcard reads: two answers at the same time are garbage, one after the other both are heard."""
    bus = Bus()

    class Other(Reverser):
        def receive(self, octets, now):
            return [Answer(frame(b"zz" + answer.octets[3:-1])) for answer in super().receive(octets, now)]

    first = bus.attach(Reverser(), E8)
    bus.attach(Other(), E8)
    line = bus.line(E8)
    heard = ask(line, frame(b"abcdef"))
    assert heard
    assert frame(b"fedcba") not in heard
    first.remove()
    assert ask(line, frame(b"abcdef")) == frame(b"zzdcba")


def test_who_talks_into_an_answer_destroys_it(Reverser, frame):
    """Protects half duplex: a client that does not wait hears nothing of the answer it talked into."""
    bus = Bus()
    bus.attach(Reverser(), E8)
    line, listener = bus.line(E8), bus.line(E8)
    line.write(frame(b"abcdef"))
    line.pause(line.now() + E8.seconds(8) + 0.02 + E8.seconds(3))
    line.write(b"\x00\xff\x00")
    assert frame(b"fedcba") not in gather(line, 1.0)
    assert frame(b"fedcba") not in gather(listener, 1.0)


def test_an_adapter_that_turns_late_loses_the_start(Reverser, frame):
    """Protects turnaround: a slow adapter cuts the answer of a quick meter, not of one that waits long enough."""
    for delay, whole in ((0.005, False), (0.05, True)):
        bus = Bus()
        bus.attach(Reverser(), E8, delay=delay)
        line = bus.line(E8, turnaround=0.02)
        assert (ask(line, frame(b"abc")) == frame(b"cba")) is whole


def test_silence_on_the_bus(Reverser, frame):
    """Protects framers of devices: an unfinished frame is given up after the silence, once."""
    bus, responder = Bus(), Reverser()
    bus.attach(responder, E8, silence=0.5)
    line = bus.line(E8)
    assert ask(line, b"\x09abc") == frame(b"?")
    assert ask(line, frame(b"ab")) == frame(b"ba")
    assert responder.idles == 2


async def test_the_bus_for_asyncio(Reverser, frame):
    """Protects the other face: the same line, awaited."""
    bus = Bus()
    bus.attach(Reverser(), E8)
    line = bus.aline(E8)
    await line.write(frame(b"ab"))
    octets = b""
    while len(octets) < 4:
        octets += await line.read(5.0)
    assert octets == frame(b"ba")
    await line.close()
    with pytest.raises(Disconnected):
        await line.write(b"x")
    assert len(bus.stations) == 1


def test_a_long_run_keeps_nothing(Reverser, frame):
    """Protects memory: what everybody has heard is forgotten."""
    bus = Bus()
    bus.attach(Reverser(), E8)
    line = bus.line(E8)
    for _ in range(200):
        assert ask(line, frame(b"abc"), 0.2) == frame(b"cba")
    assert len(bus._transmissions) <= 2
