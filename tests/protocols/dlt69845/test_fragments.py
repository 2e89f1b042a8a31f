"""Pieces of long APDUs: the two tables, their edges, and a lossy link between both ends."""

import math
import random

import pytest

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt69845.fragments import (
    LEAST,
    NUMBERS,
    RECEIVER,
    SENDER,
    Act,
    Cue,
    Incoming,
    Move,
    Outgoing,
    Place,
    Receiving,
    Sending,
    acknowledgement,
    pieces,
)
from meterwire.protocols.dlt69845.link import Fragment, FragmentKind
from meterwire.protocols.wire.codec import codec

FRAGMENT = codec(Fragment)
ROOM = 34


def text(octets, seed=1):
    return random.Random(seed).randbytes(octets)


def take(incoming, user):
    return incoming.receive(FRAGMENT.parse(user))


def test_tables_name_every_act_and_lead_nowhere_else():
    """Each act and move is used, each state is left, so that no row is dead and no transfer hangs."""
    assert {act for act, _ in RECEIVER.values()} == set(Act)
    assert {move for move, _ in SENDER.values()} == set(Move)
    assert {state for state, *_ in RECEIVER} == set(Receiving)
    assert {cue for _, cue in SENDER} == set(Cue)
    assert {after for _, after in SENDER.values()} == set(Sending)
    assert not any(kind == FragmentKind.ACKNOWLEDGE or place == Place.BEYOND for _, kind, place in RECEIVER)


@pytest.mark.parametrize("octets", [1, 2, 31, 32, 33, 64, 65, 1000])
def test_pieces_fit_and_add_up(octets):
    """No piece exceeds the room, the first is 0, the last says so, and together they are the APDU."""
    apdu = text(octets)
    cut = pieces(apdu, ROOM)
    parsed = [FRAGMENT.parse(user) for user in cut]
    assert all(len(user) <= ROOM for user in cut)
    assert b"".join(one.piece for one in parsed) == apdu
    assert [one.word.number for one in parsed] == list(range(len(cut)))
    kinds = [FragmentKind(one.word.kind) for one in parsed]
    assert kinds[0] == FragmentKind.FIRST
    assert kinds[-1] == FragmentKind.LAST
    assert set(kinds[1:-1]) <= {FragmentKind.MIDDLE}


def test_room_too_small():
    """A frame that cannot hold a sensible piece is the caller's fault, not an endless transfer."""
    with pytest.raises(LocalProtocolError):
        pieces(b"x" * 100, LEAST + 1)


def test_acknowledgement_as_captured():
    """The acknowledgement of number 261 is 0581H on the wire, as in the capture."""
    assert acknowledgement(261).hex() == "0581"


def test_words_of_pieces_as_captured():
    """Number 261 as first and 263 as last piece have the words of the captures."""
    first, last = FRAGMENT.parse(bytes.fromhex("0501AA")), FRAGMENT.parse(bytes.fromhex("0741AA"))
    assert (first.word.kind, first.word.number) == (FragmentKind.FIRST, 261)
    assert (last.word.kind, last.word.number) == (FragmentKind.LAST, 263)


def test_each_piece_is_acknowledged_and_the_last_hands_over():
    """The acknowledgement carries the number of the piece; the APDU appears once, with the last."""
    apdu, incoming = text(100), Incoming()
    cut = pieces(apdu, ROOM)
    for number, user in enumerate(cut):
        taken = take(incoming, user)
        assert taken.reply == acknowledgement(number)
        assert taken.apdu == (apdu if user is cut[-1] else None)
    assert not incoming.busy


def test_repeated_pieces_are_acknowledged_and_taken_once():
    """A lost acknowledgement makes a piece come twice, the last one too; the APDU comes once."""
    apdu, incoming = text(100), Incoming()
    found = []
    for number, user in enumerate(pieces(apdu, ROOM)):
        for again in (0, 1, 2):
            taken = take(incoming, user)
            assert taken.reply == acknowledgement(number)
            assert taken.news == (not again)
            found += [] if taken.apdu is None else [taken.apdu]
    assert found == [apdu]


def test_gaps_and_strays_are_dropped_in_silence():
    """A piece that cannot come yet, one without a beginning, a first that is not 0: no acknowledgement."""
    incoming, cut = Incoming(), pieces(text(200), ROOM)
    assert take(incoming, cut[1]) == take(incoming, cut[-1]) == take(incoming, acknowledgement(0))
    assert take(incoming, cut[1]).reply == b""
    assert take(incoming, bytes.fromhex("0501") + b"x" * 20).reply == b""
    take(incoming, cut[0])
    assert take(incoming, cut[2]).reply == b""
    assert take(incoming, cut[1]).reply == acknowledgement(1)


def test_pieces_of_two_apdus_are_never_mixed():
    """Another piece under a number that is here ends the transfer; another first piece begins anew."""
    one, two = pieces(text(100, 1), ROOM), pieces(text(100, 2), ROOM)
    incoming = Incoming()
    for user in one[:3]:
        take(incoming, user)
    taken = take(incoming, two[1])
    assert "twice" in taken.fault
    assert not incoming.busy
    for user in one[:2]:
        take(incoming, user)
    assert [take(incoming, user).apdu for user in two][-1] == text(100, 2)


def test_a_restart_of_the_same_apdu_goes_on():
    """A sender that lost its place and begins again is acknowledged until it has caught up."""
    apdu, incoming = text(200), Incoming()
    cut = pieces(apdu, ROOM)
    for user in cut[:4]:
        take(incoming, user)
    assert [take(incoming, user).apdu for user in cut][-1] == apdu


def test_memory_is_bounded():
    """More octets than the limit end the transfer; pieces of no size are not taken at all."""
    incoming = Incoming(limit=100)
    taken = [take(incoming, user) for user in pieces(text(200), ROOM)]
    assert [bool(one.fault) for one in taken] == [False, False, False, True, False, False, False]
    assert not incoming.busy
    assert not any(one.apdu for one in taken)
    assert take(Incoming(), bytes.fromhex("0000")).reply == b""


def test_numbers_go_round():
    """More than 4096 pieces: the numbers begin again and the APDU is whole."""
    apdu = text((NUMBERS + 10) * LEAST)
    incoming, found = Incoming(), None
    for user in pieces(apdu, LEAST + 2):
        taken = take(incoming, user)
        assert taken.reply
        found = taken.apdu or found
    assert found == apdu


def test_only_the_acknowledgement_waited_for_counts():
    """Old, doubled and future acknowledgements send nothing, or each exchange would double all that follow."""
    outgoing, cut = Outgoing(), pieces(text(100), ROOM)
    assert outgoing.send(text(100), ROOM, 0.0) == cut[0]
    assert outgoing.acknowledged(1, 0.0) == b""
    assert outgoing.acknowledged(0, 0.0) == cut[1]
    assert outgoing.acknowledged(0, 0.0) == b""
    assert outgoing.busy


def test_a_late_piece_is_repeated_and_then_given_up():
    """Each piece is sent as often as said, at its time; then nothing more is due."""
    outgoing = Outgoing(wait=2.0, tries=3)
    first = outgoing.send(text(100), ROOM, 10.0)
    assert outgoing.late(11.9) == b""
    assert outgoing.late(12.0) == first
    assert outgoing.late(outgoing.due) == first
    assert (outgoing.late(outgoing.due), outgoing.gave_up, outgoing.busy, outgoing.due) == (b"", True, False, math.inf)


def test_an_answer_acknowledges_the_last_piece_alone():
    """Who answers has everything; before the last piece was sent an answer says nothing."""
    outgoing, cut = Outgoing(), pieces(text(60), ROOM)
    outgoing.send(text(60), ROOM, 0.0)
    outgoing.answered(0.0)
    assert outgoing.busy
    assert outgoing.acknowledged(0, 0.0) == cut[1]
    outgoing.answered(0.0)
    assert (outgoing.busy, outgoing.gave_up) == (False, False)


@pytest.mark.parametrize("seed", range(20))
def test_lossy_link(seed):
    """Pieces and acknowledgements are lost, doubled and late: the APDU arrives as it was, once, or it is given up."""
    chance = random.Random(seed)
    apdu, room = chance.randbytes(chance.randrange(200, 5000)), chance.randrange(20, 200)
    outgoing, incoming = Outgoing(wait=1.0, tries=6), Incoming()
    events, now, found = [(0.0, 0, True, outgoing.send(apdu, room, 0.0))], 0.0, []

    def put(user, to_receiver):
        if user and chance.random() > 0.1:
            for _ in range(1 + (chance.random() < 0.1)):
                late = chance.uniform(0.5, 3.0) if chance.random() < 0.1 else 0.01
                events.append((now + late, chance.random(), to_receiver, user))

    while outgoing.busy:
        if events and min(events)[0] <= outgoing.due:
            events.sort()
            now, _, to_receiver, user = events.pop(0)
            if to_receiver:
                taken = take(incoming, user)
                found += [] if taken.apdu is None else [taken.apdu]
                assert not taken.fault
                put(taken.reply, False)
            else:
                put(outgoing.acknowledged(FRAGMENT.parse(user).word.number, now), True)
        else:
            now = outgoing.due
            put(outgoing.late(now), True)
    assert found in ([apdu], [])
    assert found or outgoing.gave_up


def whole(incoming, cut):
    """The APDU that pieces give one after the other, each sent again while it is not acknowledged."""
    for piece in cut:
        taken = take(incoming, piece)
        taken = taken if taken.reply else take(incoming, piece)
    return taken.apdu


def troubled():
    """A receiver on a line that has been seen to repeat, with two APDUs behind it."""
    incoming, first, second = Incoming(), pieces(text(100, 1), ROOM), pieces(text(100, 2), ROOM)
    for piece in first:
        take(incoming, piece)
    take(incoming, second[0])
    take(incoming, second[0])
    for piece in second[1:]:
        take(incoming, piece)
    return incoming, first, second


@pytest.mark.parametrize("late", range(4))
def test_a_late_piece_of_an_apdu_before_is_not_taken_for_a_due_one(late):
    """Whichever piece of whichever APDU comes late, at every place of the next one: that one is whole, or nothing is."""
    apdu = text(100, 3)
    for place in range(4):
        for older in range(2):
            incoming, *before = troubled()
            cut = pieces(apdu, ROOM)
            for piece in cut[:place]:
                take(incoming, piece)
            assert take(incoming, before[older][late]).apdu is None
            assert whole(incoming, cut[place:]) in (apdu, None)


def test_a_late_beginning_is_not_acknowledged_in_place_of_a_lost_one():
    """Else the sender would go on, and its second piece would stand behind another beginning."""
    incoming, first, _ = troubled()
    assert take(incoming, first[0]).reply == b""
    assert whole(incoming, pieces(text(100, 3), ROOM)) == text(100, 3)


def test_an_apdu_that_is_really_sent_again_costs_one_repetition():
    """Who insists on one piece is believed all others: a repeated request or answer still comes."""
    incoming, first, _ = troubled()
    silent = 0
    for piece in first:
        taken = take(incoming, piece)
        if not taken.reply:
            silent += 1
            taken = take(incoming, piece)
    assert (taken.apdu, silent) == (text(100, 1), 1)


def test_a_clean_line_is_never_doubted():
    """Where nothing was ever repeated the same APDU may come as often as one likes, at no cost."""
    incoming, cut = Incoming(), pieces(text(100), ROOM)
    for _ in range(5):
        replies = [take(incoming, piece) for piece in cut]
        assert all(one.reply for one in replies)
        assert replies[-1].apdu == text(100)


def test_what_is_remembered_is_bounded():
    """A thousand pieces or so, however many APDUs there were."""
    incoming = Incoming()
    for seed in range(200):
        for piece in pieces(text(1000, seed), ROOM):
            take(incoming, piece)
    assert len(incoming._former) <= 1024
