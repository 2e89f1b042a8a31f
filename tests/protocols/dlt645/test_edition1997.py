"""The edition of 1997, against published frames."""

import pytest
from vector_files import vectors

from meterwire.protocols.dlt645.edition1997 import (
    ClearDemand1997,
    Error1997,
    Item1997,
    data_text_1997,
    describe_1997,
    identifier_text_1997,
    is_of_1997,
    payload_of_1997,
)
from meterwire.protocols.dlt645.frame import Control, Frame
from meterwire.protocols.wire.codec import codec

OF_645 = [v for v in vectors("dlt645_and_376_2") if v["protocol"].startswith("dlt645")]
OF_1997 = [v for v in OF_645 if v["protocol"] == "dlt645-1997"]


def parsed(vector):
    return codec(Frame).parse(vector["octets"].lstrip(b"\xfe"))


@pytest.mark.parametrize("vector", OF_645, ids=[v["name"] for v in OF_645])
def test_the_edition_is_told_by_function_and_length(vector):
    """Protects both editions on one bus: no frame of either is taken for one of the other."""
    assert is_of_1997(parsed(vector)) == (vector["protocol"] == "dlt645-1997")


@pytest.mark.parametrize("vector", OF_1997, ids=[v["name"] for v in OF_1997])
def test_published_frames_say_what_is_known(vector):
    """Protects the two-octet identifier and the formats of the common items."""
    frame, expect = parsed(vector), vector["expect"]
    item = codec(payload_of_1997(frame.control, len(frame.data))).parse(frame.data)
    assert isinstance(item, Item1997)
    assert f"{item.identifier:04X}" == expect["di"]
    assert identifier_text_1997(item.identifier).startswith(expect["di"])
    if "value" in expect:
        assert data_text_1997(item.identifier, item.data) == f"{expect['value']} {expect['unit']}"


def test_security_commands_of_2007_are_not_of_1997():
    """Protects 03H, which both editions have: the older one has two octets there, the newer one eight and more."""
    assert is_of_1997(Frame("000000000161", Control(function=3), bytes(2)))
    assert not is_of_1997(Frame("000000000161", Control(function=3), bytes(8)))
    assert not is_of_1997(Frame("000000000161", Control(direction=1, abnormal=1, function=3), bytes(2)))


def test_identifiers_are_named():
    """Protects the names of months and rates, and that unknown identifiers are not given one."""
    assert describe_1997(0x9412) == ("forward active energy, rate 2, last month", "kWh", "XXXXXX.XX")
    assert describe_1997(0x911F) == ("forward reactive energy, block", "kvarh", "XXXXXX.XX*n")
    assert describe_1997(0x9170) is None
    assert identifier_text_1997(0xD013) == "D013 (in no table)"
    assert data_text_1997(0xD013, b"\x01") is None
    assert data_text_1997(0xE899, b"\x01") == "01"
    assert data_text_1997(0xB611, b"\x01").startswith("not as known")
    assert data_text_1997(0x901F, bytes(8)) == "total: 0.00 kWh; rate 1: 0.00 kWh"
    assert data_text_1997(0xB611, b"\xff\xff") == "no value"


def test_an_abnormal_answer_is_an_error_word():
    """Protects refusals of old meters."""
    assert payload_of_1997(Control(direction=1, abnormal=1, function=1), 1) is Error1997
    assert payload_of_1997(Control(function=0x10), 4) is ClearDemand1997
    assert payload_of_1997(Control(function=0x1E), 4) is None
