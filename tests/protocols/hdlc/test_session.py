"""An HDLC link, both ends: the table of states, numbers, windows, segments, recovery, and what must not be believed."""

import pytest

from meterwire.errors import LocalProtocolError
from meterwire.protocols.hdlc.address import CALLING, client_address, parsed, server_address
from meterwire.protocols.hdlc.control import Control, Kind, control
from meterwire.protocols.hdlc.frame import Format, Frame
from meterwire.protocols.hdlc.framer import HdlcFramer
from meterwire.protocols.hdlc.numbers import Numbers, segments
from meterwire.protocols.hdlc.parameters import Parameters, encoded, offered
from meterwire.protocols.hdlc.session import Connected, Disconnected, Link, Message, Rejected
from meterwire.protocols.hdlc.states import TRANSITIONS, Role, State
from meterwire.protocols.wire.codec import codec

CLIENT, SERVER = client_address(16), server_address(1, 17).octets
SMALL = Parameters(8, 8, 3, 3)


def frames(octets):
    return [piece.message for piece in HdlcFramer().receive(octets)]


class Pair:
    """Two ends, and the line between them as a function from the frames of one turn to those that arrive."""

    def __init__(self, client=None, server=None):
        self.client = Link(Role.PRIMARY, CLIENT, SERVER, client)
        self.server = Link(Role.SECONDARY, SERVER, CLIENT, server or Parameters(2030, 2030, 7, 7))
        self.heard = []

    def to_server(self, octets, now=0.0):
        for frame in frames(octets):
            self.heard += self.server.receive(frame, now)
        answer = self.server.replies()
        return answer + (self.server.turn() if self.server.has_turn else b"")

    def to_client(self, octets, now=0.0):
        return [event for frame in frames(octets) for event in self.client.receive(frame, now)]

    def connect(self):
        assert self.to_client(self.to_server(self.client.connect())) == [Connected()]
        self.heard.clear()
        return self


def test_both_ends_agree_on_the_smaller_of_what_each_can():
    """Protects negotiation: what one end sends, the other takes, and the defaults need not be written."""
    pair = Pair(Parameters(200, 1000, 2, 5), Parameters(500, 300, 7, 1)).connect()
    assert pair.client.agreed == Parameters(200, 500, 1, 5)
    assert pair.server.agreed == Parameters(500, 200, 5, 1)
    plain = Pair().connect()
    assert plain.client.agreed == plain.server.agreed == Parameters()
    assert len(plain.client.connect()) == 10


def test_an_ua_without_parameters_means_the_defaults():
    """Protects talking to meters that acknowledge without a word about sizes."""
    pair = Pair(Parameters(500, 500, 7, 7))
    pair.client.connect()
    ua = codec(Frame).build(Frame(Format(), CLIENT, SERVER, Control(Kind.UA).octet))
    assert pair.to_client(ua) == [Connected()]
    assert pair.client.agreed == Parameters()


def test_parameters_out_of_range_are_moved_into_it():
    """Protects the meter's memory and the division by sizes from an SNRM with zero or enormous values."""
    hostile = bytes.fromhex("81800c 0504ffffffff 060100 070100".replace(" ", ""))
    assert offered(hostile) == Parameters(2030, 8, 1, 1)
    assert offered(bytes.fromhex("818006 0a0105 080109".replace(" ", ""))) == Parameters(window_rx=7)
    assert offered(encoded(Parameters(2030, 300, 7, 2))) == Parameters(2030, 300, 7, 2)


def test_messages_are_cut_into_segments_and_put_together():
    """Protects long messages in both directions, over a window of three."""
    pair = Pair(SMALL).connect()
    request, answer = bytes(range(50)), bytes(range(100, 190))
    pair.client.send(request)
    while Message(request) not in pair.heard:
        assert pair.to_client(pair.to_server(pair.client.turn())) == []
    pair.server.send(answer)
    got = []
    for _ in range(10):
        got += pair.to_client(pair.to_server(pair.client.turn()))
    assert got == [Message(answer)]
    assert pair.client.numbers.resent == pair.server.numbers.resent == 0


@pytest.mark.parametrize("lost", range(8))
@pytest.mark.parametrize("window", [1, 2, 3, 7])
def test_what_is_lost_is_sent_again(lost, window):
    """Protects the recovery by N(R) and the poll/final checkpoint: each frame of both ends lost once, at any window."""
    pair = Pair(Parameters(8, 8, window, window)).connect()
    request = bytes(range(60))
    pair.client.send(request)
    count, got = 0, []

    def through(octets):
        nonlocal count
        kept = b""
        for frame in frames(octets):
            count += 1
            kept += b"" if count - 1 == lost else codec(Frame).build(frame)
        return kept

    answered, said = False, pair.client.turn()
    for _ in range(60):
        events = pair.to_client(through(pair.to_server(through(said))))
        got += [event for event in events if isinstance(event, Message)]
        if Message(request) in pair.heard and not answered:
            answered = True
            pair.server.send(request[::-1])
        said = pair.client.turn() if pair.client.has_turn else pair.client.enquire()
        if got:
            break
    assert pair.heard == [Message(request)]
    assert got == [Message(request[::-1])]


def test_a_frame_sent_twice_is_taken_once():
    """Protects the meter from doing twice what was asked once."""
    pair = Pair().connect()
    pair.client.send(b"once")
    said = pair.client.turn()
    first, second = pair.to_server(said), pair.to_server(said)
    assert pair.heard == [Message(b"once")]
    assert [control(frame.control) for frame in frames(first)] == [Control(Kind.RR, receive=1)]
    assert first == second


def test_more_frames_than_the_window_are_not_taken():
    """Protects the meter's buffers: what exceeds the agreed window is left for the next turn."""
    pair = Pair(Parameters(8, 8, 7, 7), Parameters(8, 8, 7, 2)).connect()
    pair.client.agreed = Parameters(8, 8, 7, 7)
    pair.client.send(bytes(40))
    (answer,) = frames(pair.to_server(pair.client.turn()))
    assert control(answer.control).receive == 2


@pytest.mark.parametrize(
    ("said", "information", "reason"),
    [
        (Control(Kind.I, True, 0, 5), b"x", "acknowledges"),
        (Control(Kind.RR, True, 0, 1), b"", "acknowledges"),
        (Control(Kind.RR, True), b"x", "that has none"),
        (Control(Kind.I, True), bytes(129), "too long"),
    ],
)
def test_a_frame_against_the_rules_is_rejected_until_the_link_is_set_up_anew(said, information, reason):
    """Protects the state of the link: FRMR says why, everything else gets FRMR again, SNRM helps."""
    pair = Pair().connect()
    bad = codec(Frame).build(Frame(Format(), SERVER, CLIENT, said.octet, information))
    (frmr,) = frames(pair.to_server(bad))
    assert control(frmr.control) == Control(Kind.FRMR)
    assert len(frmr.information) == 3
    (rejected,) = pair.heard
    assert reason in rejected.reason
    pair.client.send(b"later")
    (again,) = frames(pair.to_server(pair.client.turn()))
    assert again.information == frmr.information
    assert pair.to_client(codec(Frame).build(frmr)) == [Rejected(rejected.reason)]
    assert pair.to_client(pair.to_server(pair.client.connect())) == [Connected()]


def test_a_control_field_that_nobody_knows_is_rejected():
    pair = Pair().connect()
    (frmr,) = frames(pair.to_server(codec(Frame).build(Frame(Format(), SERVER, CLIENT, 0x19))))
    assert control(frmr.control) == Control(Kind.FRMR)
    assert frmr.information == bytes((0x19, 0, 1))


def test_without_a_connection_the_answer_is_dm():
    """Protects whoever asks a meter that has forgotten the link: it is told so, when it polls."""
    server = Link(Role.SECONDARY, SERVER, CLIENT)
    for said in (Control(Kind.I), Control(Kind.RR), Control(Kind.DISC)):
        assert server.receive(Frame(Format(), SERVER, CLIENT, said.octet), 0.0) == []
        (dm,) = frames(server.replies())
        assert control(dm.control) == Control(Kind.DM)
    server.receive(Frame(Format(), SERVER, CLIENT, Control(Kind.I, False).octet, b"x"), 0.0)
    assert server.replies() == b""


def test_a_silent_client_loses_its_link():
    """Protects the meter from clients that went away, and the next one from their association."""
    pair = Pair().connect()
    late = Frame(Format(), SERVER, CLIENT, Control(Kind.RR).octet)
    (gone,) = pair.server.receive(late, 121.0)
    assert isinstance(gone, Disconnected)
    (dm,) = frames(pair.server.replies())
    assert control(dm.control) == Control(Kind.DM)


def test_disconnecting():
    pair = Pair().connect()
    (event,) = pair.to_client(pair.to_server(pair.client.disconnect()))
    assert isinstance(event, Disconnected)
    assert pair.client.state is pair.server.state is State.DISCONNECTED
    with pytest.raises(LocalProtocolError):
        pair.client.send(b"x")


def test_a_busy_end_takes_nothing_and_says_so():
    pair = Pair().connect()
    pair.server.busy = True
    pair.client.send(b"wait")
    (rnr,) = frames(pair.to_server(pair.client.turn()))
    assert control(rnr.control) == Control(Kind.RNR)
    pair.to_client(codec(Frame).build(rnr))
    assert control(frames(pair.client.turn())[0].control).kind is Kind.RR
    pair.server.busy = False
    pair.to_client(pair.to_server(pair.client.enquire()))
    pair.to_server(pair.client.turn())
    assert pair.heard == [Message(b"wait")]


def test_unnumbered_information():
    """Protects pushes: UI frames need no link, segmented ones are put together, within bounds."""
    client = Link(Role.PRIMARY, CLIENT, SERVER, longest=10)
    assert client.receive(Frame(Format(segmented=1), CLIENT, SERVER, 0x03, b"abc"), 0.0) == []
    assert client.receive(Frame(Format(), CLIENT, SERVER, 0x03, b"def"), 0.0) == [Message(b"abcdef", numbered=False)]
    for _ in range(5):
        assert client.receive(Frame(Format(segmented=1), CLIENT, SERVER, 0x03, b"1234"), 0.0) == []


def test_endless_segments_are_given_up():
    """Protects memory: a message without end is rejected at the limit."""
    server = Link(Role.SECONDARY, SERVER, CLIENT, longest=100)
    server.receive(Frame(Format(), SERVER, CLIENT, Control(Kind.SNRM).octet), 0.0)
    events = []
    for number in range(20):
        frame = Frame(Format(segmented=1), SERVER, CLIENT, Control(Kind.I, True, number % 8).octet, bytes(20))
        events += server.receive(frame, 0.0)
        server.replies()
        if server.has_turn:
            server.turn()
    assert [event for event in events if isinstance(event, Rejected)]
    assert server.state is State.REJECTED


def test_our_own_kind_of_frame_is_not_for_us():
    """Protects from echoes: a secondary does not react to what only secondaries send."""
    pair = Pair().connect()
    for kind in (Kind.UA, Kind.DM, Kind.FRMR):
        pair.server.receive(Frame(Format(), SERVER, CLIENT, Control(kind).octet), 0.0)
    assert pair.server.state is State.CONNECTED
    assert pair.heard == []


def test_the_table_of_states_is_complete():
    """Protects the table: every state can be left for NDM and for NRM, and no state is without a row."""
    assert set(TRANSITIONS) == set(State)
    for row in TRANSITIONS.values():
        assert set(row.values()) <= set(State)
        assert Kind.SNRM in row


def test_control_fields_are_read_as_they_are_built():
    for octet in range(256):
        said = control(octet)
        assert said is None or said.octet == octet


@pytest.mark.parametrize(
    ("octets", "upper", "lower"),
    [("21", 16, None), ("0223", 1, 17), ("00020023", 1, 17), ("fefefeff", 0x3FFF, 0x3FFF)],
)
def test_addresses(octets, upper, lower):
    found = parsed(bytes.fromhex(octets))
    assert (found.upper, found.lower) == (upper, lower)
    assert found.octets.hex() == octets


def test_addresses_take_the_octets_they_need():
    assert parsed(bytes.fromhex("020403")) is None
    assert server_address(1).octets == b"\x03"
    assert server_address(1, 17).octets.hex() == "0223"
    assert server_address(1, 300).octets.hex() == "00020459"
    assert server_address(1, 17, 4).octets.hex() == "00020023"
    assert server_address(0x3FFF, CALLING[2]).octets.hex() == "fefefefd"
    assert server_address(0x7F, 17).is_broadcast
    for wrong in ((200, None, 1), (1, 17, 1), (1, 300, 2), (1, 0x4000, 4), (1, 1, 3)):
        with pytest.raises(LocalProtocolError):
            server_address(*wrong)


def test_one_flag_between_frames_is_enough():
    """Protects the cutting: shared flags, many flags, and garbage that is reported once."""
    one = codec(Frame).build(Frame(Format(), SERVER, CLIENT, 0x93))
    two = codec(Frame).build(Frame(Format(), SERVER, CLIENT, 0x10, b"\x7e\x7e"))
    stream = b"\x7e" * 9 + one + two[1:] + one[1:] + b"\x01\x02" + two
    for size in (1, 2, 7, len(stream)):
        framer, found = HdlcFramer(), []
        for at in range(0, len(stream), size):
            found += framer.receive(stream[at : at + size])
        found += framer.idle()
        assert [piece.octets for piece in found if hasattr(piece, "message")] == [one, two, one, two]
        assert b"".join(piece.octets for piece in found if hasattr(piece, "reason")) == b"\x01\x02"


def test_numbers_go_round():
    numbers = Numbers()
    for _ in range(3):
        numbers.add(segments(bytes(40), 10))
        while numbers.waiting:
            numbers.burst(2)
            assert numbers.acknowledge((numbers.base + 1) % 8)
    assert not numbers.acknowledge((numbers.base + 1) % 8)
