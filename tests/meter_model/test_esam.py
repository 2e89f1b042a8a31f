"""The test double of the secure element: both sides agree, and nothing forged, replayed or late passes."""

import pytest

from meterwire.errors import SecurityError
from meterwire.meter_model.esam import EsamDouble, EsamSession, deciphered, enciphered

MASTER, NUMBER = bytes(range(16)), "000000000161"
PINNED = (
    "1ce08033524637e1",
    "60499527",
    "2be877a51f92481f922557415b191c12f8cd7023",
    "8081eb07a8d5e5b6",
)
RANDOM1 = bytes.fromhex("0102030405060708")


class Time:
    now = 0

    def __call__(self) -> int:
        return self.now


def opened() -> tuple[EsamDouble, EsamSession, Time]:
    time = Time()
    esam, session = EsamDouble(MASTER, NUMBER, time), EsamSession(MASTER, NUMBER)
    random2, serial = esam.authenticate(session.cryptogram(RANDOM1), RANDOM1, session.factor)
    assert (len(random2), len(serial)) == (4, 8)
    session.opened(random2)
    return esam, session, time


def test_its_vectors_are_pinned():
    """Another program can be made to agree with the double, and a change of it is seen."""
    esam, session, _ = opened()
    assert session.cryptogram(RANDOM1).hex() == PINNED[0]
    assert session.code(b"message").hex() == PINNED[1]
    assert session.protect(b"plain").hex() == PINNED[2]
    assert esam.serial.hex() == PINNED[3]


def test_a_message_passes_once():
    """A replay is refused, the next message of the session passes."""
    esam, session, _ = opened()
    code = session.code(b"trip")
    esam.verify(b"trip", code)
    with pytest.raises(SecurityError):
        esam.verify(b"trip", code)
    esam.verify(b"close", session.code(b"close"))


def test_the_session_runs_out():
    """After its minutes nothing passes."""
    esam, session, time = opened()
    time.now = 30 * 60 - 1
    esam.verify(b"x", session.code(b"x"))
    time.now += 1
    with pytest.raises(SecurityError, match="run out"):
        esam.verify(b"x", session.code(b"x"))


@pytest.mark.parametrize("other", [(bytes(16), NUMBER), (MASTER, "000000000162")])
def test_another_key_or_meter_opens_nothing_and_ends_what_was_open(other):
    """And a failed authentication leaves no session."""
    esam, session, _ = opened()
    wrong = EsamSession(*other)
    with pytest.raises(SecurityError):
        esam.authenticate(wrong.cryptogram(RANDOM1), RANDOM1, wrong.factor)
    with pytest.raises(SecurityError):
        esam.verify(b"x", session.code(b"x"))


def test_every_flipped_bit_of_a_protected_message_is_noticed():
    """Cipher text or code, head or body."""
    esam, session, _ = opened()
    good = session.protect(b"\x1a\x00", b"head")
    for bit in range(8 * len(good)):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SecurityError):
            esam.verify(b"head" + bytes(bad[:-4]), bytes(bad[-4:]))
    esam.verify(b"head" + good[:-4], good[-4:])
    assert esam.decipher(good[:-4]) == b"\x1a\x00"


@pytest.mark.parametrize("size", [0, 1, 14, 15, 16, 31, 200, 255])
def test_texts_of_every_size_come_back(size):
    """Around the blocks' ends."""
    text = enciphered(MASTER, bytes(size))
    assert len(text) % 16 == 0
    assert deciphered(MASTER, text) == bytes(size)


@pytest.mark.parametrize("text", [b"", bytes(15), bytes(16), bytes(32), b"\xff" * 16])
def test_what_is_no_cipher_text_is_refused(text):
    """With the documented error alone."""
    with pytest.raises(SecurityError):
        deciphered(MASTER, text)


def test_a_restarted_double_never_repeats_a_random_number():
    """The counter is kept."""
    esam, session, time = opened()
    twin = EsamDouble(MASTER, NUMBER, time)
    twin.restore(esam.state())
    first = esam.authenticate(session.cryptogram(RANDOM1), RANDOM1, session.factor)[0]
    second = EsamDouble(MASTER, NUMBER, time).authenticate(session.cryptogram(RANDOM1), RANDOM1, session.factor)[0]
    assert twin.authenticate(session.cryptogram(RANDOM1), RANDOM1, session.factor)[0] == first != second
