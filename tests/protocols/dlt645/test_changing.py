"""Clients that write and control: the octets sent, one try alone, reading back, refusals in words."""

import datetime as dt
from decimal import Decimal

import pytest

from meterwire.errors import LocalProtocolError, OutcomeUnknown, Refused
from meterwire.protocols.dialogue import LineSettings, Reconfigure
from meterwire.protocols.dlt645.client import Procedures
from meterwire.protocols.dlt645.credentials import Credentials
from meterwire.protocols.dlt645.frame import BROADCAST, WILDCARD, Frame, answering
from meterwire.protocols.dlt645.messages import OutputSignal, RelayOrder
from meterwire.protocols.wire.codec import codec

from .script import ADDRESS, Script, client, read_answer, refused

WHO = Credentials("735246", 4, "12345678")
DELAY = 0x04001401


def meter(**more):
    return client(**({"credentials": WHO} | more))


def answer(function: int, data: bytes = b"", address: str = ADDRESS) -> bytes:
    return codec(Frame).build(Frame(address, answering(function), data))


def run(script: Script, procedure: str, *arguments, of=None, **more):
    return script.run(getattr(Procedures, procedure).steps(of or meter(), *arguments, **more))


def sent(script: Script) -> list[str]:
    """Address, function and data field of what was sent."""
    frames = [codec(Frame).parse(octets) for octets in script.sent]
    return [f"{frame.address} {int(frame.control.function):02X} {frame.data.hex().upper()}" for frame in frames]


UNTIL = dt.datetime(2026, 3, 31, 23, 59)
REQUESTS = {
    "write": (("04001401", 5), f"{ADDRESS} 14 01140004 04465273 78563412 0500", 0x14, b""),
    "write_text": (("04001401", "5"), f"{ADDRESS} 14 01140004 04465273 78563412 0500", 0x14, b""),
    "change_password": ((4, "112233"), f"{ADDRESS} 18 050C0004 04465273 04332211", 0x18, bytes.fromhex("04332211")),
    "clear_demand": ((), f"{ADDRESS} 19 04465273 78563412", 0x19, b""),
    "clear_meter": ((), f"{ADDRESS} 1A 04465273 78563412", 0x1A, b""),
    "clear_events": ((), f"{ADDRESS} 1B 04465273 78563412 FFFFFFFF", 0x1B, b""),
    "freeze": ((), f"{ADDRESS} 16 99999999", 0x16, b""),
    "set_output": ((OutputSignal.RATE_SWITCH,), f"{ADDRESS} 1D 02", 0x1D, b"\x02"),
    "control": ((RelayOrder.TRIP, UNTIL), f"{ADDRESS} 1C 04465273 78563412 1A00 005923310326", 0x1C, b""),
    "security": ((0x070002FF, b""), f"{ADDRESS} 03 FF020007 00000000", 0x03, bytes.fromhex("FF020007")),
}


@pytest.mark.parametrize("procedure", REQUESTS)
def test_a_change_is_sent_as_the_table_of_the_standard_has_it(procedure):
    """Level, password and operator low octet first."""
    arguments, request, function, data = REQUESTS[procedure]
    script = Script([answer(function, data)])
    run(script, procedure, *arguments)
    assert [one.replace(" ", "") for one in sent(script)] == [request.replace(" ", "")]


@pytest.mark.parametrize("procedure", REQUESTS)
def test_a_change_is_never_sent_twice(procedure):
    """Its answer lost, the outcome is unknown, whatever the patience says of tries."""
    arguments, _, function, _ = REQUESTS[procedure]
    script = Script()
    with pytest.raises(OutcomeUnknown):
        run(script, procedure, *arguments)
    assert [int(codec(Frame).parse(octets).control.function) for octets in script.sent].count(function) == 1


@pytest.mark.parametrize("procedure", REQUESTS)
def test_a_refusal_is_told_in_words(procedure):
    """With the bits of the word as the code."""
    arguments, _, function, _ = REQUESTS[procedure]
    word = b"\x08\x00" if function == 0x03 else b"\x04"
    with pytest.raises(
        Refused, match="authentication failed" if function == 0x03 else "password wrong or unauthorised"
    ):
        run(Script([refused(function, word)]), procedure, *arguments)


@pytest.mark.parametrize(
    ("bit", "words"),
    enumerate(
        [
            "other",
            "no requested data",
            "password wrong or unauthorised",
            "baud cannot change",
            "too many year zones",
            "too many day slots",
            "too many rates",
        ]
    ),
)
def test_every_bit_of_the_error_word_has_its_words(bit, words):
    """Seven bits."""
    with pytest.raises(Refused, match=words):
        run(Script([refused(0x14, bytes([1 << bit]))]), "write", "04001401", 5)


def test_two_octets_of_error_from_a_control():
    """The word of the supplement of 2014."""
    with pytest.raises(Refused, match="trip guarded"):
        run(Script([refused(0x1C, b"\x20\x00")]), "control", RelayOrder.TRIP, UNTIL)


def test_the_status_of_a_relay_is_given():
    """Two octets behind 9CH."""
    status = run(Script([answer(0x1C, b"\x04\x01")]), "control", RelayOrder.TRIP, UNTIL)
    assert (status.tripped, status.keep_power, status.closed) == (1, 1, 0)
    assert run(Script([answer(0x1C)]), "control", RelayOrder.TRIP, UNTIL) is None


# ---------------------------------------------------------------- reading back


def test_a_write_whose_answer_is_lost_is_read_back():
    """It has been written: nothing is wrong."""
    script = Script([], [read_answer(DELAY, b"\x05\x00")])
    assert run(script, "write", "04001401", 5) is None
    assert [request.split()[1] for request in sent(script)] == ["14", "11"]


@pytest.mark.parametrize(
    ("back", "words"),
    [
        ([read_answer(DELAY, b"\x00\x00")], "reads back as 0000, not 0500"),
        ([refused(0x11, b"\x02")], "could not be read"),
    ],
)
def test_what_does_not_read_back_as_written_is_unknown(back, words):
    """It may still be written later, or by another."""
    with pytest.raises(OutcomeUnknown, match=words):
        run(Script([], back), "write", "04001401", 5)


@pytest.mark.parametrize(("item", "value"), [("04000102", "12:00:00"), ("04000C05", "04112233")])
def test_what_cannot_be_read_back_is_not_asked_for(item, value):
    """A clock goes on, a password is secret."""
    script = Script()
    with pytest.raises(OutcomeUnknown):
        run(script, "write", item, value)
    assert len(script.sent) == 1


def test_a_new_address_is_used_from_then_on():
    """Asked with the wildcard; the answer carries the new address."""
    of = meter()
    script = Script([answer(0x15, address="202603040017")])
    run(script, "set_address", "202603040017", of=of)
    assert sent(script) == [f"{WILDCARD} 15 170004032620"]
    assert of.address == "202603040017"


def test_a_new_address_whose_answer_is_lost_is_asked_for():
    """Whoever answers to it has taken it; silence means that nobody did."""
    of = meter()
    energy = read_answer(0x00010000, bytes(4), address="202603040017")
    run(Script([], [energy]), "set_address", "202603040017", of=of)
    assert of.address == "202603040017"
    of = meter()
    with pytest.raises(OutcomeUnknown):
        run(Script(), "set_address", "202603040017", of=of)
    assert of.address == ADDRESS


class Line(Script):
    """A script whose line can change its speed."""

    def __init__(self, *answers) -> None:
        super().__init__(*answers)
        self.speeds: list[int] = []

    def run(self, steps):
        def watched():
            event = None
            while True:
                try:
                    step = steps.send(event)
                except StopIteration as done:
                    return done.value
                if isinstance(step, Reconfigure):
                    self.speeds.append(step.settings.baud)
                    event = (self.now, b"")
                else:
                    event = yield step

        return super().run(watched())


def test_the_line_follows_the_speed():
    """After the answer, which came at the old speed."""
    of = meter(settings=LineSettings(2400, 8, "E", 1))
    line = Line([answer(0x17, b"\x20")])
    run(line, "change_baud", 9600, of=of)
    assert (sent(line), line.speeds, of.settings.baud) == ([f"{ADDRESS} 17 20"], [9600], 9600)


def test_a_speed_whose_answer_is_lost_is_tried_and_the_line_put_back_where_nobody_answers():
    """Both ends must be at the same speed, whatever was lost."""
    of = meter(settings=LineSettings(2400, 8, "E", 1))
    line = Line([], [read_answer(0x00010000, bytes(4))])
    run(line, "change_baud", 9600, of=of)
    assert (line.speeds, of.settings.baud) == ([9600], 9600)
    line = Line()
    with pytest.raises(OutcomeUnknown):
        run(line, "change_baud", 1200, of=of)
    assert (line.speeds, of.settings.baud) == ([1200, 9600], 9600)


def test_a_refused_speed_leaves_the_line():
    """Bit 3."""
    line = Line([refused(0x17, b"\x08")])
    with pytest.raises(Refused, match="baud cannot change"):
        run(line, "change_baud", 9600)
    assert line.speeds == []


def test_a_changed_password_is_the_clients_from_then_on():
    """The next write must not lock the meter."""
    of = meter()
    run(Script([answer(0x18, bytes.fromhex("04332211"))]), "change_password", 4, "112233", of=of)
    assert of.credentials == Credentials("112233", 4, "12345678")
    run(Script([answer(0x18, bytes.fromhex("05332211"))]), "change_password", 5, "112233", of=of)
    assert of.credentials.level == 4


def test_a_freeze_for_everybody_waits_for_nobody():
    """One frame, no answer."""
    script = Script()
    run(script, "freeze", "99999900", everybody=True)
    assert sent(script) == [f"{BROADCAST} 16 00999999"]


# ---------------------------------------------------------------- what is wrong before anything is sent


@pytest.mark.parametrize(
    ("procedure", "arguments"),
    [
        ("write", ("nothing", 1)),
        ("write", ("04001401", "many")),
        ("write", ("04001401", Decimal(10000))),
        ("set_address", ("AAAAAAAAAA61",)),
        ("set_address", (BROADCAST,)),
        ("change_baud", (300,)),
        ("change_password", (4, "12345")),
        ("change_password", (10, "123456")),
        ("freeze", ("9999",)),
        ("authenticate", (None, b"")),
    ],
)
def test_the_callers_faults_are_told_before_anything_is_sent(procedure, arguments):
    """A wrong request to a meter is worse than none."""
    script = Script()
    with pytest.raises(LocalProtocolError):
        run(script, procedure, *arguments)
    assert script.sent == []


@pytest.mark.parametrize(
    "procedure", ["write", "change_password", "clear_demand", "clear_meter", "clear_events", "control"]
)
def test_without_a_password_nothing_is_sent(procedure):
    """And the message says what is missing."""
    script = Script()
    with pytest.raises(LocalProtocolError, match="password"):
        run(script, procedure, *REQUESTS[procedure][0], of=client())
    assert script.sent == []


def test_credentials_do_not_show_their_password():
    """Not in a traceback, not in a log."""
    assert "735246" not in repr(WHO)
    for wrong in (("12345", 4), ("123456", 10), ("123456", 4, "1")):
        with pytest.raises(LocalProtocolError):
            Credentials(*wrong)
