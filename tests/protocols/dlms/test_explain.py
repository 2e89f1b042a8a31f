"""What people see of a frame: layers opened, objects named, results and dates in words, nothing lost on the way."""

import json
from pathlib import Path

import pytest

from meterwire.protocols.dlms.apdu import APDU
from meterwire.protocols.dlms.cosem.classes import ATTRIBUTE_NAMES, CLASS_NAMES, attribute_name
from meterwire.protocols.dlms.data import DATA
from meterwire.protocols.dlms.explain import annotator, opener, title_text
from meterwire.protocols.dlms.llc import Llc
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.dissect import dissect, render

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "dlms.json").read_text("utf-8"))
LAYOUTS = {"wrapper": Wrapper, "llc": Llc, "acse": APDU, "apdu": APDU, "axdr": DATA}
MINE = [vector for vector in VECTORS if vector["layer"] in LAYOUTS]


def seen(layout, octets):
    octets = bytes.fromhex(octets) if isinstance(octets, str) else octets
    return dissect(codec(layout), octets, opener, annotator)


def text_of(layout, octets):
    return "\n".join(render(seen(layout, octets)))


@pytest.mark.parametrize("vector", MINE, ids=[vector["name"] for vector in MINE])
def test_every_vector_is_taken_apart(vector):
    """Without an error, also of the two meters whose notifications are no Data."""
    found = seen(LAYOUTS[vector["layer"]], vector["hex"])
    assert not found.error
    for _, item in found.root.walk():
        assert 0 <= item.start <= item.end <= len(found.buffers[item.buffer])


@pytest.mark.parametrize(
    ("layout", "octets", "texts"),
    [
        (APDU, "C001C100030100010800FF0200", ["Register", "1-0:1.8.0", "active energy", "[value]"]),
        (APDU, "C401C10006000004D2", ["double-long-unsigned 1234"]),
        (APDU, "C401C10104", ["object undefined"]),
        (APDU, "C401C10002020FFF1623", ["10^-1 V"]),
        (APDU, "C402C10100000001" + "0110", ["no long get in progress"]),
        (APDU, "D80101", ["service_not_allowed", "operation not possible"]),
        (APDU, "C5" + "01C103", ["read_write_denied"]),
        (APDU, "D80106000000FF", ["invocation counter error, at least 255 expected"]),
        (APDU, "D8010F", ["[error 15]"]),
        (APDU, "0E050504", ["[read]", "[access]", "[object unavailable]"]),
        (APDU, "0E010603", ["[initiate]", "[pdu size too short]"]),
        (APDU, "0E63FF09", ["[service 99]", "[class 255]", "[error 9]"]),
        (APDU, "0D03000103020005", ["success", "read write denied", "block 5 came"]),
        (APDU, "0C0300060000000A0104030007", ["double-long-unsigned 10", "object undefined", "block 7 came"]),
        (APDU, "DA00000001000001000103FA", ["other reason"]),
        (DATA, "090C07EA01010400000000FE2000", ["2026-01-01 00:00:00.00+08:00"]),
        (DATA, "0904" + "41424344", ["'ABCD'"]),
        (DATA, "09020102", ["octet-string 0102"]),
        (DATA, "0906" + "0100010800FF", ["1-0:1.8.0"]),
        (DATA, "06000004D2", ["double-long-unsigned 1234"]),
    ],
)
def test_meanings(layout, octets, texts):
    shown = text_of(layout, octets)
    for text in texts:
        assert text in shown, shown


def vector(name):
    return next(found["hex"] for found in VECTORS if found["name"] == name)


def test_an_association_request_down_to_the_initiate():
    shown = text_of(APDU, vector("AARQ LLS"))
    for text in (
        "logical names",
        "[low]",
        "3132333435363738",
        "initiate_request",
        "max_pdu = 1200",
        "selective access",
    ):
        assert text in shown, shown


def test_a_refused_association():
    shown = text_of(APDU, vector("AARE rejected dlms version too low"))
    for text in ("rejected_permanent", "no_reason_given", "dlms version too low"):
        assert text in shown, shown


def test_a_ciphered_push_shows_its_header():
    """Title, security control and counter; the content stays closed without keys."""
    shown = text_of(Wrapper, vector("wrapper general-glo data-notification #0"))
    for text in (
        "management",
        "general_glo_ciphering",
        "2F19229199164103",
        "encrypted, authenticated",
        "counter = 485",
    ):
        assert text in shown, shown


def test_what_is_only_authenticated_can_be_read():
    inner = bytes.fromhex("C001C100030100010800FF0200")
    protected = b"\x10\x00\x00\x00\x01" + inner + bytes(12)
    shown = text_of(APDU, b"\xc8" + bytes((len(protected),)) + protected)
    assert "not encrypted" in shown
    assert "1-0:1.8.0" in shown


def test_spans_of_inner_layers_count_from_the_outermost_octet():
    octets = bytes.fromhex(vector("HAN kaifa se_list"))
    found = seen(Llc, octets)
    (voltage,) = [item for _, item in found.root.walk() if "1-0:32.7.0" in item.text]
    assert octets[voltage.start : voltage.end].hex() == "09060100200700ff"


def test_titles():
    assert title_text(bytes.fromhex("4D57520000000161")) == "MWR 0000000161"
    assert title_text(b"\0" * 8) is None
    assert title_text(b"MWR") is None


def test_names_of_attributes():
    assert attribute_name(3, 1) == attribute_name(999, 1) == "logical_name"
    assert attribute_name(3, 3) == "scaler_unit"
    assert attribute_name(3, 4) == attribute_name(3, -1) == ""
    assert set(ATTRIBUTE_NAMES) <= set(CLASS_NAMES)
    assert len(CLASS_NAMES) == 106
