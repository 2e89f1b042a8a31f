"""What a dissection of DL/T 645 says to people."""

import json
from pathlib import Path

import pytest

from meterwire.protocols.dlt645.explain import annotator, data_text, identifier_text, opener
from meterwire.protocols.dlt645.frame import Control, Frame, answering, asking
from meterwire.protocols.dlt645.messages import (
    ControlError,
    ControlRequest,
    FollowUpAnswer,
    ReadAnswer,
    ReadRequest,
    RelayCommand,
    SecurityError,
)
from meterwire.protocols.dlt645.payload import payload_of
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.dissect import dissect, render

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "dlt645_and_376_2.json").read_text("utf-8"))
HEX = {v["name"]: bytes.fromhex(v["hex"]).lstrip(b"\xfe") for v in VECTORS if v["protocol"].startswith("dlt645")}


def lines(octets: bytes) -> str:
    return "\n".join(render(dissect(codec(Frame), octets, opener, annotator)))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (
            "js_energy_123456_78",
            ["read: answer", "00010000 forward active energy, total, current (kWh)", "[123456.78 kWh]"],
        ),
        ("req_current_a", ["read: request", "02020100 ", "(A)]"]),
        ("read_addr_request", ["[any meter]", "read address: request"]),
        ("bcast_time_nw", ["[all meters]", "[2022-03-17 14:07:47]"]),
        ("js_err_06", ["read: refused", "[no requested data, password wrong or unauthorised]"]),
        ("ctl_trip", ["dlt645.RelayCommand", "trip (26)", "[2099-12-30 00:00:00]"]),
        ("notice_follow_status", ["[programming 1 times]", "read follow up: answer"]),
        ("97_energy", ["read (edition of 1997): answer"]),
        ("hplc_evt_trip", ["1D000101"]),
    ],
)
def test_published_frames_are_explained(name, wanted):
    """Names, units, values and outcomes, in the tree of the frame."""
    text = lines(HEX[name])
    assert [part for part in wanted if part not in text] == []


def test_spans_count_the_octets_of_the_line():
    """The value lies in octets 14 to 18 of the frame, under its mask."""
    tree = dissect(codec(Frame), HEX["js_energy_123456_78"], opener, annotator)
    spans = {item.name: (item.start, item.end) for _, item in tree.root.walk() if item.text}
    assert spans == {"control": (8, 9), "identifier": (10, 14), "data": (14, 18)}


@pytest.mark.parametrize(
    ("control", "size", "layout"),
    [
        (asking(0x11), 4, ReadRequest),
        (answering(0x11), 8, ReadAnswer),
        (answering(0x12, follow_up=True), 9, FollowUpAnswer),
        (asking(0x13), 0, None),
        (answering(0x14), 0, None),
        (answering(0x1C, abnormal=True), 2, ControlError),
        (answering(0x03, abnormal=True), 2, SecurityError),
        (asking(0x01), 2, None),
        (answering(0x1F), 3, None),
    ],
)
def test_the_control_code_chooses_the_message(control, size, layout):
    """Direction, outcome, function, and for control answers the length."""
    assert payload_of(control, size) is layout


def test_every_control_code_and_length_has_an_answer():
    """256 codes and whatever follows: nothing but messages or None, and their text."""
    for code in range(256):
        for size in (0, 1, 2, 4, 12, 255):
            frame = Frame("A" * 12, Control.of(code), bytes(size))
            assert lines(codec(Frame).build(frame))


def test_enciphered_commands_stay_closed():
    """Behind level 98H the command is no relay command."""
    layout = codec(ControlRequest)
    plain, secret = (layout.parse(bytes([level]) + bytes(7) + bytes(8)) for level in (0x02, 0x98))
    assert opener(plain, "command", plain.command).layout is RelayCommand
    assert opener(secret, "command", secret.command) is None


@pytest.mark.parametrize(
    ("di", "hexa", "text"),
    [
        (0x00010000, "78563412", "123456.78 kWh"),
        (0x02020100, "994980", "-4.999 A"),
        (0x01010000, "5634123008150826", "12.3456 kW at 2026-08-15 08:30"),
        (0x0001FF00, "3412000078560000", "total: 12.34 kWh; rate 1: 56.78 kWh"),
        (0x04000102, "325318", "18:53:32"),
        (0x00010000, "FFFFFFFF", "no value"),
        (0x00010000, "", "no such record"),
        (0xEE000000, "00", "of an identifier that no table has"),
    ],
)
def test_data_as_text(di, hexa, text):
    """The number with its unit, the demand with its time, the lack of either."""
    assert data_text(di, bytes.fromhex(hexa)) == text


def test_data_that_are_not_as_declared_say_so():
    """A part of an item, or another length than the table knows."""
    assert data_text(0x00010000, b"\x00").startswith("1 octets, a part of the item or not as declared")


def test_identifiers_that_no_table_has_are_named_as_such():
    """Rather than left without a word."""
    assert identifier_text(0xEE000000) == "EE000000 (in no table)"
