"""03H and the levels 98H and 99H, against the test double of the secure element."""

import pytest

from meterwire.meter_model.esam import EsamSession

from .dialect645 import ADDRESS, HIGH, OPERATOR, OTHER, UNAUTHORISED, di, done, new_face, refused, sent
from .test_dlt645_control import TRIP, Ciphered

AUTHENTICATE, VALIDITY, END, KEY = "070000FF", "070001FF", "070002FF", "070201FF"


def command(item: str, data: bytes = b"") -> bytes:
    return di(item) + OPERATOR + data


def protected(level: int, session: EsamSession, item: str, data: bytes) -> bytes:
    """14H with data that the secure element vouches for."""
    head = di(item) + OPERATOR
    body = session.protect(data, head) if level == 0x98 else data + session.code(head + data)
    return di(item) + bytes([level, 0, 0, 0]) + OPERATOR + body


def test_authentication_gives_a_fresh_random_number_and_the_serial_number():
    """Twelve octets behind the identifier, and another random number each time."""
    face = new_face()
    session = EsamSession(face.meter.identity.secrets.master_key, ADDRESS)
    random1 = bytes(range(8))
    data = command(AUTHENTICATE, session.cryptogram(random1)[::-1] + random1[::-1] + session.factor[::-1])
    first, second = done(face, 0x03, data), done(face, 0x03, data)
    assert first[:4] == di(AUTHENTICATE)
    assert len(first) == 16
    assert (first[8:] == second[8:], first[4:8] == second[4:8]) == (True, False)
    assert first[8:] == face.meter.esam.serial[::-1]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (command(AUTHENTICATE, bytes(24)), "0800"),
        (command(AUTHENTICATE, bytes(23)), "0100"),
        (command(VALIDITY, bytes(6)), "0100"),
        (command(VALIDITY, b"\x30\x00" + bytes(4)), "0800"),
        (command(END, b"\x00"), "0100"),
        (command(KEY, bytes(40)), "0800"),
        (command("07010BFF", bytes(8)), "0100"),
        (b"", "0100"),
        (bytes(7), "0100"),
    ],
)
def test_what_the_element_refuses_has_two_octets_that_say_why(data, error):
    """Security error words, where no session is open."""
    assert refused(new_face(), 0x03, data) == error


def test_the_validity_is_set_and_the_session_ended():
    """Minutes in BCD under a MAC, which is checked."""
    face = new_face()
    head_end = Ciphered(face)
    wrong = b"\x05\x00" + bytes(4)
    assert refused(face, 0x03, command(VALIDITY, wrong)) == "0400"
    done(face, 0x03, command(VALIDITY, b"\x05\x00" + head_end.session.code(b"\x05\x00")))
    assert face.meter.programming.last(1)[0].item == VALIDITY
    head_end.authenticate()
    face.meter.clock.step(299)
    assert face.meter.esam.open
    face.meter.clock.step(1)
    assert not face.meter.esam.open
    head_end.authenticate()
    assert done(face, 0x03, command(END)) == di(END)
    assert refused(face, 0x1C, head_end.order(TRIP)) == "0800"


def test_a_key_is_replaced_and_the_replacement_recorded():
    """The old key opens nothing any more."""
    face = new_face()
    head_end = Ciphered(face)
    new_key = bytes(range(100, 116))
    text = head_end.session.protect(new_key)[:32]
    head_end.authenticate()
    body = text + bytes(4)
    assert refused(face, 0x03, command(KEY, body + bytes(4))) == "0400"
    done(face, 0x03, command(KEY, body + head_end.session.code(body)))
    assert face.meter.events.count("key_update") == 1
    with pytest.raises(AssertionError):
        head_end.authenticate()
    head_end.session.replace_key(new_key)
    head_end.authenticate()


@pytest.mark.parametrize("level", [0x98, 0x99])
def test_protected_writes_need_no_switch_and_no_password(level):
    """The MAC over identifier, operator and data is what is checked; each works once."""
    face = new_face(programming=False)
    head_end = Ciphered(face)
    request = protected(level, head_end.session, "04001401", b"\x07\x00")
    assert done(face, 0x14, request) == b""
    assert face.meter.parameters["trip_delay"] == 7
    assert face.meter.programming.last(1)[0].operator == "12345678"
    assert refused(face, 0x14, request) == UNAUTHORISED


@pytest.mark.parametrize("level", [0x98, 0x99])
def test_a_tampered_protected_write_changes_nothing(level):
    """Identifier, operator, data and MAC are all covered."""
    face = new_face()
    head_end = Ciphered(face)
    request = protected(level, head_end.session, "04001401", b"\x07\x00")
    for bit in [*range(32), *range(64, 8 * len(request))]:
        bad = bytearray(request)
        bad[bit // 8] ^= 1 << bit % 8
        assert refused(face, 0x14, bytes(bad)) == UNAUTHORISED
    assert face.meter.parameters["trip_delay"] == 0
    assert refused(face, 0x14, request[:12]) == UNAUTHORISED


def test_a_protected_write_of_what_cannot_be_is_refused_like_any_other():
    """The right MAC makes no wrong value right."""
    face = new_face()
    head_end = Ciphered(face)
    assert refused(face, 0x14, protected(0x98, head_end.session, "04000103", b"\x99")) == OTHER
    assert refused(face, 0x14, protected(0x99, head_end.session, "0400FF01", b"\x99")) == "02"


def test_a_protected_clearing():
    """Over the operator alone, since there are no data."""
    face = new_face(programming=False)
    head_end = Ciphered(face)
    request = bytes([0x99, 0, 0, 0]) + OPERATOR
    assert refused(face, 0x19, request) == UNAUTHORISED
    assert done(face, 0x19, request + head_end.session.code(OPERATOR)) == b""
    assert face.meter.events.count("demand_clear") == 1
    assert refused(face, 0x19, HIGH + OPERATOR + bytes(4)) == OTHER


def test_security_is_not_for_broadcasts():
    """Silence, and no session."""
    face = new_face()
    assert sent(face, 0x03, command(END), "9" * 12) == []
