"""The frame against published frames: whole, octet by octet, and in the noise of a real line."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterwire.errors import ChecksumError, LocalProtocolError, MalformedError
from meterwire.protocols.dlt645.address import covers, full_address
from meterwire.protocols.dlt645.frame import Control, Frame, Function, answering, asking
from meterwire.protocols.dlt645.interpret import interpret
from meterwire.protocols.dlt645.messages import RelayCommand, RelayOrder
from meterwire.protocols.dlt645.names import item
from meterwire.protocols.dlt645.payload import payload_of
from meterwire.protocols.dlt645.refusal import set_bits
from meterwire.protocols.dlt645.report import REPORT, events
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.framing import Frame as Found
from meterwire.protocols.wire.framing import Framer, Garbage

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "dlt645_and_376_2.json").read_text("utf-8"))
OF_645 = [v for v in VECTORS if v["protocol"].startswith("dlt645")]
OF_2007 = [v for v in OF_645 if v["protocol"] == "dlt645-2007"]
OF_1997 = [v for v in OF_645 if v["protocol"] == "dlt645-1997"]
NOISE = bytes.fromhex("00FF68AA6816FE")  # false starts, an end and a wake-up octet

COMMENTS = {"kind", "note", "format", "block_separator", "ok"}
"""What a vector says to people, or says again; everything else in it is compared."""


def framer() -> Framer[Frame]:
    return Framer(codec(Frame), fill=b"\xfe")


def ids(vector) -> str:
    return vector["name"]


def octet_by_octet(octets: bytes) -> list:
    cutter, pieces = framer(), []
    for octet in octets:
        pieces += cutter.receive(bytes([octet]))
    return pieces + cutter.idle()


def whole(octets: bytes) -> list:
    cutter = framer()
    return cutter.receive(octets) + cutter.idle()


# ---------------------------------------------------------------- what a frame says, in the words of the vectors


def said(frame: Frame, preamble: bytes) -> dict:
    control = frame.control
    word = control.direction << 7 | control.abnormal << 6 | control.follow_up << 5 | control.function
    out = {"control": f"{word:02X}", "address": frame.address, "preamble": len(preamble)}
    out |= {"more": bool(control.follow_up), "wildcard": frame.address == "A" * 12}
    payload = payload_of(control, len(frame.data))
    if payload is None:
        assert frame.data == b""
        return out
    message = codec(payload).parse(frame.data)
    out |= PARTS[payload.__name__](message)
    if control.abnormal:
        out["request_function"] = f"{control.function:02X}"
    return out


def _read(message) -> dict:
    out = {"di": f"{message.identifier:08X}"}
    if message.identifier == REPORT:
        flags, counts = interpret(item(out["di"]), message.data).value
        bits = [bit for bit in range(96) if int(flags) >> bit & 1]
        return out | {"status_bits": bits, "status_names": events(int(flags)), "new_counts": [int(n) for n in counts]}
    reading = interpret(item(out["di"]), message.data)
    return out | {"value": str(reading.value), "unit": reading.unit or ""}


def _relay(message) -> dict:
    command = codec(RelayCommand).parse(message.command)
    until = command.valid_until
    return _key(message) | {
        "n1": f"{command.order:02X}",
        "command": RelayOrder(command.order).name.lower(),
        "n2": f"{command.periods:02X}",
        "valid_until": f"{until[:2]}-{until[2:4]}-{until[4:6]} {until[6:8]}:{until[8:10]}:{until[10:]}",
    }


def _key(message) -> dict:
    password, operator = message.password.digits, message.operator
    return {
        "pa": f"{message.password.level:02X}",
        "password_p0p1p2": _turned(password),
        "password_wire_p0p1p2": _turned(password),
        "operator_c0c1c2c3": _turned(operator),
        "operator_wire_c0c3": _turned(operator),
    }


def _turned(digits: str) -> str:
    return bytes.fromhex(digits)[::-1].hex().upper()


def _clock(message) -> dict:
    t = message.time
    return {"time": f"{t[:2]}-{t[2:4]}-{t[4:6]} {t[6:8]}:{t[8:10]}:{t[10:]}"}


PARTS = {
    "ReadRequest": lambda m: {"di": f"{m.identifier:08X}"},
    "ReadAnswer": _read,
    "FollowUpRequest": lambda m: {"di": f"{m.identifier:08X}", "seq": m.sequence},
    "FollowUpAnswer": lambda m: _read(m) | {"seq": m.sequence},
    "Address": lambda m: {"data_address": m.address},
    "BroadcastTime": _clock,
    "WriteRequest": lambda m: _key(m) | {"di": f"{m.identifier:08X}", "data": m.data.hex().upper()},
    "ControlRequest": _relay,
    "Error": lambda m: {"err": f"{int(m.word):02X}", "bits": set_bits(m.word)},
}


@pytest.mark.parametrize("vector", OF_2007, ids=ids)
def test_published_frames_say_what_they_are_published_to_say(vector):
    """Every frame of the edition of 2007 decodes to its whole expectation: no key of it is left out."""
    (found,) = whole(bytes.fromhex(vector["hex"]))
    assert isinstance(found, Found)
    got, wanted = said(found.message, found.preamble), vector["expect"]
    for key in wanted.keys() - COMMENTS:
        mine, theirs = got[key], wanted[key]
        if key == "status_names":
            mine, theirs = [name.lower() for name in mine], [name.lower() for name in theirs]
        assert mine == theirs, key


@pytest.mark.parametrize("vector", OF_1997, ids=ids)
def test_frames_of_1997_are_frames_too(vector):
    """The older edition has the same frame; its functions are not looked into, and not mistaken for those of 2007."""
    (found,) = whole(bytes.fromhex(vector["hex"]))
    assert found.message.address == vector["expect"]["address"]
    assert found.message.data[:2][::-1].hex().upper() == vector["expect"]["di"]
    assert payload_of(found.message.control, len(found.message.data)) is None


@pytest.mark.parametrize("vector", OF_645, ids=ids)
def test_one_octet_at_a_time_gives_the_same_frame(vector):
    """Serial adapters hand over any pieces."""
    octets = bytes.fromhex(vector["hex"])
    assert octet_by_octet(octets) == whole(octets)


@pytest.mark.parametrize("vector", OF_645, ids=ids)
def test_noise_around_a_frame_does_not_hide_it(vector):
    """Garbage before, between and behind is reported, and no octet is lost or counted twice."""
    octets = bytes.fromhex(vector["hex"])
    stream = NOISE + octets + NOISE + b"\xfe" * 8 + octets + NOISE
    for pieces in (whole(stream), octet_by_octet(stream)):
        frames = [piece for piece in pieces if isinstance(piece, Found)]
        assert [frame.octets for frame in frames] == [octets.lstrip(b"\xfe")] * 2
        rest = [p.octets if isinstance(p, Garbage) else p.preamble + p.octets for p in pieces]
        assert b"".join(rest) == stream


@pytest.mark.parametrize("vector", OF_645, ids=ids)
def test_building_gives_the_published_octets_back(vector):
    """What we send is what others send."""
    (found,) = whole(bytes.fromhex(vector["hex"]))
    assert codec(Frame).build(found.message) == found.octets


# ---------------------------------------------------------------- the frame alone

REQUEST = bytes.fromhex("68610100000000681104333334331416")


@pytest.mark.parametrize("count", range(9))
def test_any_number_of_wake_up_octets_is_taken(count):
    """Meters send none to four, masters four, gateways more."""
    (found,) = whole(b"\xfe" * count + REQUEST)
    assert (len(found.preamble), found.offset) == (count, count)


def test_a_wrong_sum_is_a_checksum_error():
    """A direct parse says that only the check failed."""
    with pytest.raises(ChecksumError):
        codec(Frame).parse(REQUEST[:-2] + b"\x15\x16")


@pytest.mark.parametrize("at", [0, 7, 15])
def test_wrong_constants_are_malformed(at):
    """Both start octets and the end are looked at."""
    broken = bytearray(REQUEST)
    broken[at] ^= 1
    with pytest.raises(MalformedError):
        codec(Frame).parse(bytes(broken))


def test_a_false_start_does_not_swallow_the_frame_behind_it():
    """A start whose length octet promises 255 more must not make a client wait for them."""
    false = bytes.fromhex("6861010000000068 11FF")
    frames = [p for p in framer().receive(false + REQUEST) if isinstance(p, Found)]
    assert [f.octets for f in frames] == [REQUEST]


@settings(max_examples=300, deadline=None)
@given(
    address=st.text("0123456789A", min_size=12, max_size=12),
    control=st.integers(0, 255),
    data=st.binary(max_size=255)
    | st.binary(max_size=60).map(lambda b: b.translate(bytes([0x16, 0xFE, 0x68, 0x35] * 64))),
    fill=st.integers(0, 8),
)
def test_every_frame_survives_the_line(address, control, data, fill):
    """End, start and wake-up octets may stand anywhere in address, data and sum (they must not cut the frame)."""
    frame = Frame(address, Control.of(control), data)
    octets = codec(Frame).build(frame)
    (found,) = whole(b"\xfe" * fill + octets)
    assert (found.message, found.octets) == (frame, octets)


def test_control_codes_of_requests_and_answers():
    """Normal is request | 80H, more A0H, abnormal C0H."""
    codes = [asking(0x11), answering(0x11), answering(0x11, follow_up=True), answering(0x11, abnormal=True)]
    assert [int(code) for code in codes] == [0x11, 0x91, 0xB1, 0xD1]
    assert codes[0].function is Function.READ


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("given_", "full"),
    [
        ("161", "000000000161"),
        ("aaaaaaaa0161", "AAAAAAAA0161"),
        ("A" * 12, "A" * 12),
        (" 000000000161 ", "000000000161"),
    ],
)
def test_addresses_as_people_write_them(given_, full):
    """Zeros fill up a short one; wildcards are written out."""
    assert full_address(given_) == full


@pytest.mark.parametrize("wrong", ["", "1A1", "0000000000161", "12B4", "１６１"])
def test_what_is_no_address_is_the_callers_fault(wrong):
    """Refused before anything is sent."""
    with pytest.raises(LocalProtocolError):
        full_address(wrong)


@pytest.mark.parametrize(
    ("asked", "carried", "meant"),
    [
        ("AAAAAAAAAAAA", "000000000161", True),
        ("AAAAAAAA0161", "123456780161", True),
        ("AAAAAAAA0161", "123456780162", False),
        ("000000000161", "000000000161", True),
        ("000000000161", "AAAAAAAAAAAA", False),
        ("AAAAAAAAAAAA", "AAAAAAAAAAAA", True),
    ],
)
def test_wildcards_mean_the_real_address(asked, carried, meant):
    """The answer to a short form carries the whole address; another meter's answer is not ours."""
    assert covers(asked, carried) is meant
