"""Exchanges by hand: tries, time-outs, and what people are told when nobody answers."""

import pytest

from meterwire.errors import NoAnswer, OutcomeUnknown
from meterwire.protocols.dialogue import IGNORED, Dialogue, Patience, Receive, Send, exchange
from meterwire.protocols.dlt645.frame import Frame
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Framer

REQUEST = bytes.fromhex("68610100000000681104333334331416")
ANSWER = bytes.fromhex("6801011900000068910833333433333333331D16")
PATIENCE = Patience(tries=3, timeout=1.0, peer="000000000161 at 2400 8E1", hint="check parity and address")


def run(came, *, repeatable=True, accept=lambda frame: frame.message, patience=PATIENCE):
    """Run an exchange; each try brings the octets of one entry, then silence. Gives result and number of sends."""
    steps = exchange(REQUEST, Framer(codec(Frame), fill=b"\xfe"), accept, patience, repeatable=repeatable)
    now, sends, waiting = 0.0, 0, b""
    step = next(steps)
    try:
        while True:
            octets = b""
            if isinstance(step, Send):
                waiting = came[min(sends, len(came) - 1)]
                sends += 1
            elif isinstance(step, Receive):
                octets, waiting = waiting, b""
                now = now + 0.1 if octets else step.until
            step = steps.send((now, octets))
    except StopIteration as done:
        return done.value, sends


def test_the_first_answer_ends_it():
    """Protects the common case: one request, one answer."""
    message, sends = run([ANSWER])
    assert message.address == "000000190101"
    assert sends == 1


def test_a_read_is_tried_again():
    """Protects reads over bad lines: silence and garbage are survived."""
    assert run([b"", ANSWER[:9], ANSWER])[1] == 3


def test_a_write_is_never_sent_twice():
    """Protects meters: a write whose answer is lost is not repeated, and the caller is told that nobody knows."""
    with pytest.raises(OutcomeUnknown, match="read back"):
        run([b""], repeatable=False)


@pytest.mark.parametrize(
    ("came", "said"),
    [
        (b"", "no answer from 000000000161 at 2400 8E1 after 3 tries: check parity and address"),
        (REQUEST, "our own request came back and nothing else"),
        (bytes(range(0x20, 0x2C)), "speed or parity may be wrong"),
        (bytes(octet | (octet.bit_count() & 1) << 7 for octet in range(0x20, 0x40)), "wrong data bits or parity"),
        (ANSWER[:-3], "a frame began and did not end"),
        (b"\x68" + ANSWER[:-1] + b"\x00" * 3, "garbage came"),
    ],
    ids=["silence", "echo", "garbage", "seven bits", "no end", "no terminator"],
)
def test_advice_fits_what_came(came, said):
    """Protects people at the line: each way of not being answered has its own advice."""
    with pytest.raises(NoAnswer) as error:
        run([came], accept=lambda frame: IGNORED if frame.octets == REQUEST else frame.message)
    assert said in str(error.value)


def test_somebody_elses_answer_is_told():
    """Protects people on a bus: an answer that is not ours is named as such."""
    with pytest.raises(NoAnswer, match="3 frames came that do not answer it: somebody else answers"):
        run([ANSWER], accept=lambda _: IGNORED)


def test_frames_that_come_together_are_cut(capsys):
    """Protects clients behind a TCP bridge: an answer glued to garbage and to another frame is still found."""
    message, _ = run([b"\x00\xfe" + ANSWER + ANSWER[:5]])
    assert message.address == "000000190101"


def test_a_dialogue_that_is_never_run_warns():
    """Protects people who forget to await or to run."""
    forgotten = [Dialogue(iter(()), "reading")]
    with pytest.warns(RuntimeWarning, match="never run"):
        forgotten.clear()
