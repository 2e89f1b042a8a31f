"""1CH: the truth table of orders and states, validity, guard, status and error words, plain and enciphered."""

import datetime as dt

import pytest

from meterwire.meter_model.esam import EsamSession
from meterwire.meter_model.relay import Position
from meterwire.protocols.dlt645.frame import BROADCAST

from .dialect645 import ADDRESS, HIGH, LOW, NOON, OPERATOR, OTHER, UNAUTHORISED, WRONG, done, new_face, refused, sent

LATER = NOON + dt.timedelta(minutes=10)
PAST = NOON - dt.timedelta(seconds=1)
TRIP, PERMIT, CLOSE, TRIP_CLOSE, TRIP_PERMIT = 0x1A, 0x1B, 0x1C, 0x1D, 0x1E
ALARM, NO_ALARM, GUARD, NO_GUARD = 0x2A, 0x2B, 0x3A, 0x3B
CLOSED, PERMITTED, OPEN = Position.CLOSED, Position.PERMITTED, Position.OPEN


def plain(order: int, periods: int = 0, until: dt.datetime = LATER, password: bytes = LOW) -> bytes:
    return password + OPERATOR + bytes([order, periods]) + bytes.fromhex(until.strftime("%y%m%d%H%M%S"))[::-1]


class Ciphered:
    """A head-end with the test keys, authenticated."""

    def __init__(self, face) -> None:
        self.face = face
        self.session = EsamSession(face.meter.identity.secrets.master_key, face.meter.identity.number)
        self.authenticate()

    def authenticate(self) -> None:
        random1 = b"\x11" * 8
        parts = (self.session.cryptogram(random1), random1, self.session.factor)
        data = bytes.fromhex("FF000007") + OPERATOR + b"".join(part[::-1] for part in parts)
        answer = done(self.face, 0x03, data)
        self.session.opened(answer[4:8][::-1])

    def order(self, order: int, periods: int = 0, until: dt.datetime = LATER, *, status: bool = True) -> bytes:
        inside = bytes([order, periods]) + bytes.fromhex(until.strftime("%y%m%d%H%M%S"))
        return bytes([0x98, 0, 0, int(status)]) + OPERATOR + self.session.protect(inside, OPERATOR)


@pytest.mark.parametrize("before", [CLOSED, PERMITTED, OPEN])
@pytest.mark.parametrize("guarded", [False, True])
@pytest.mark.parametrize(
    ("order", "periods", "from_closed", "from_permitted", "from_open"),
    [
        (TRIP, 0, OPEN, OPEN, OPEN),
        (PERMIT, 0, CLOSED, PERMITTED, PERMITTED),
        (CLOSE, 0, CLOSED, CLOSED, CLOSED),
        (TRIP_CLOSE, 1, OPEN, "already", "already"),
        (TRIP_PERMIT, 255, OPEN, "already", "already"),
        (TRIP_CLOSE, 0, "zero", "zero", "zero"),
        (TRIP_PERMIT, 0, "zero", "zero", "zero"),
        (ALARM, 0, CLOSED, PERMITTED, OPEN),
        (NO_ALARM, 0, CLOSED, PERMITTED, OPEN),
        (GUARD, 0, CLOSED, CLOSED, CLOSED),
        (NO_GUARD, 0, CLOSED, PERMITTED, OPEN),
        (0x1F, 0, "none", "none", "none"),
        (0x00, 0, "none", "none", "none"),
    ],
)
def test_the_truth_table(order, periods, from_closed, from_permitted, from_open, before, guarded):
    """Every order from every position, with and without guard: where the relay is then, or which bit says why not.

    A guard closes the relay, so that only the closed position exists under it.
    """
    errors = {"already": "0001", "zero": "8000", "none": "0400", "guarded": "2000", "restoration": "4000"}
    after = {CLOSED: from_closed, PERMITTED: from_permitted, OPEN: from_open}[before]
    if guarded:
        before, after = CLOSED, CLOSED if isinstance(from_closed, Position) else from_closed
        if order in (TRIP, TRIP_CLOSE, TRIP_PERMIT) and after != "zero":
            after = "guarded" if order == TRIP else "restoration"
    for ciphered in (False, True):
        face = new_face()
        head_end = Ciphered(face)
        relay = face.meter.relay
        if before is not CLOSED:
            relay.trip()
        if before is PERMITTED:
            relay.permit()
        relay.guard(guarded)
        request = head_end.order(order, periods) if ciphered else plain(order, periods)
        if isinstance(after, Position):
            answer = done(face, 0x1C, request)
            assert len(answer) == (2 if ciphered else 0)
            assert relay.position is after
        else:
            assert refused(face, 0x1C, request) == (errors[after] if ciphered else OTHER)
            assert relay.position is before


@pytest.mark.parametrize(
    ("orders", "status"),
    [
        ([(CLOSE, 0)], 1 << 0),
        ([(TRIP, 0), (PERMIT, 0)], 1 << 1),
        ([(TRIP, 0)], 1 << 2),
        ([(TRIP_CLOSE, 3)], 1 << 4),
        ([(TRIP_PERMIT, 3)], 1 << 4),
        ([(GUARD, 0)], 1 << 8 | 1 << 0),
        ([(GUARD, 0), (NO_GUARD, 0)], 1 << 9 | 1 << 0),
        ([(ALARM, 0)], 1 << 10 | 1 << 0),
        ([(ALARM, 0), (NO_ALARM, 0)], 1 << 11 | 1 << 0),
    ],
)
def test_the_status_word(orders, status):
    """Each bit, as the answer to an enciphered order that asks for it."""
    face = new_face()
    head_end = Ciphered(face)
    for order, periods in orders:
        answer = done(face, 0x1C, head_end.order(order, periods))
    assert int.from_bytes(answer, "little") == status


@pytest.mark.parametrize(("parameter", "value", "bit"), [("trip_delay", 5, 3), ("trip_current_limit", 1, 5)])
def test_the_status_word_of_a_trip_that_waits(parameter, value, bit):
    """For its delay, or for the current."""
    face = new_face()
    head_end = Ciphered(face)
    face.meter.parameters.set(parameter, value)
    answer = done(face, 0x1C, head_end.order(TRIP))
    assert int.from_bytes(answer, "little") == 1 << bit
    assert face.meter.relay.position is CLOSED


@pytest.mark.parametrize(
    ("until", "obeyed"), [(NOON, True), (LATER, True), (PAST, False), (dt.datetime(2025, 12, 31), False)]
)
def test_an_order_holds_until_its_time(until, obeyed):
    """An order that arrives late, by whatever way, does nothing."""
    for ciphered in (False, True):
        face = new_face()
        head_end = Ciphered(face)
        request = head_end.order(TRIP, until=until) if ciphered else plain(TRIP, until=until)
        if obeyed:
            done(face, 0x1C, request)
        else:
            assert refused(face, 0x1C, request) == ("1000" if ciphered else OTHER)
        assert face.meter.relay.position is (OPEN if obeyed else CLOSED)


@pytest.mark.parametrize("until", ["000000000000", "FFFFFFFFFFFF", "000060010126", "AA0000010126"])
def test_a_time_that_is_none_makes_no_order(until):
    """Seen in the field: all zeros."""
    face = new_face()
    request = LOW + OPERATOR + b"\x1a\x00" + bytes.fromhex(until)
    assert refused(face, 0x1C, request) == OTHER
    assert face.meter.relay.position is CLOSED


def test_no_switch_is_needed_but_a_password():
    """Control is remote by its nature."""
    face = new_face(programming=False)
    assert refused(face, 0x1C, plain(TRIP, password=WRONG)) == UNAUTHORISED
    assert face.meter.relay.position is CLOSED
    assert done(face, 0x1C, plain(TRIP, password=HIGH)) == b""
    assert face.meter.relay.position is OPEN


def test_the_record_of_the_relay_names_who_ordered_it():
    """Also where it opens later."""
    face = new_face()
    face.meter.parameters.set("trip_delay", 5)
    done(face, 0x1C, plain(TRIP))
    face.meter.clock.step(300)
    face.meter.advance()
    assert face.meter.relay.position is OPEN
    record = face.meter.events.record("relay_trip")
    assert (record.source, record.start.replace(tzinfo=None)) == ("12345678", NOON + dt.timedelta(minutes=5))


def test_a_broadcast_trips_nobody():
    """A street must not go dark by one frame."""
    face = new_face()
    assert sent(face, 0x1C, plain(TRIP), BROADCAST) == []
    assert face.meter.relay.position is CLOSED


# ---------------------------------------------------------------- enciphered


def test_an_enciphered_order_works_once():
    """A replay is refused: MAC error, bit 1."""
    face = new_face()
    request = Ciphered(face).order(TRIP)
    done(face, 0x1C, request)
    face.meter.relay.close()
    assert refused(face, 0x1C, request) == "0200"
    assert face.meter.relay.position is CLOSED


def test_a_session_that_has_run_out_is_told():
    """Bit 3; without the wish for the status the error word alone."""
    face = new_face()
    head_end = Ciphered(face)
    face.meter.clock.step(30 * 60)
    until = NOON + dt.timedelta(hours=2)
    assert refused(face, 0x1C, head_end.order(TRIP, until=until)) == "0800"
    assert refused(face, 0x1C, head_end.order(TRIP, until=until, status=False)) == UNAUTHORISED
    head_end.authenticate()
    assert done(face, 0x1C, head_end.order(TRIP, until=until, status=False)) == b""


def test_every_flipped_bit_of_an_enciphered_order_is_noticed():
    """The relay never moves on a tampered command."""
    face = new_face()
    request = Ciphered(face).order(TRIP)
    for bit in range(32, 8 * len(request)):
        bad = bytearray(request)
        bad[bit // 8] ^= 1 << bit % 8
        assert refused(face, 0x1C, bytes(bad)) == "0200"
    assert face.meter.relay.position is CLOSED
    done(face, 0x1C, request)
    assert face.address == ADDRESS
