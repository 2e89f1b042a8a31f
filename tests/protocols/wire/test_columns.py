"""Rows to columns: the fast way and the reader of single values agree, whatever is done to the octets."""

import struct
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterwire.errors import MalformedError
from meterwire.protocols.dlms.data import DATA
from meterwire.protocols.dlms.date_time import CosemDateTime
from meterwire.protocols.wire import columns as module
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.columns import columns, columns_of
from meterwire.protocols.wire.limits import Limits

CODEC = codec(DATA)
START = datetime(2026, 1, 1)


def clock(place):
    return b"\x09\x0c" + CosemDateTime.of_datetime(START + timedelta(minutes=15 * place)).octets


def row(place, when=None):
    """Clock, status, three energies, a voltage: what a load profile has."""
    energies = b"".join(b"\x06" + struct.pack(">I", (place + 1) * factor) for factor in (7, 70000, 1))
    return (
        b"\x02\x06" + (clock(place) if when is None else when) + b"\x11\x08" + energies + struct.pack(">BH", 18, 2200)
    )


def profile(rows):
    count = bytes((rows,)) if rows < 128 else b"\x82" + rows.to_bytes(2, "big")
    return b"\x01" + count + b"".join(row(place) for place in range(rows))


@pytest.fixture(autouse=True)
def forgetful():
    """No shape is remembered from another test."""
    module._recent.clear()


def fast(octets, offset=0):
    """What the fast way alone makes of octets."""
    return module._viewed(DATA, octets, offset)


def same(found, octets):
    slow = columns_of(CODEC, CODEC.parse(octets))
    assert found.tolist() == slow.tolist()
    assert [array.dtype for array in found.arrays] == [array.dtype for array in slow.arrays]
    return True


def test_a_load_profile():
    octets = profile(1000)
    found = columns(CODEC, octets)
    assert found.rows == 1000
    assert [str(array.dtype) for array in found.arrays] == ["object", "uint8", "uint32", "uint32", "uint32", "uint16"]
    assert fast(octets) is not None
    assert same(found, octets)
    assert found.arrays[2][999] == 7000
    assert CosemDateTime.of_octets(found.arrays[0][999]).calendar() == START + timedelta(minutes=15 * 999)


def test_inside_a_response():
    """From an offset, so that nobody has to copy 41 kB."""
    octets = profile(50)
    assert columns(DATA, b"\xc4\x01\xc1\x00" + octets, 4).tolist() == columns(CODEC, octets).tolist()


def test_the_shape_is_remembered_and_never_trusted():
    """The next profile has other rows: one with another tag in any place goes the general way, or is refused."""
    octets = profile(20)
    columns(CODEC, octets)
    assert module._recent
    assert columns(CODEC, profile(30)).rows == 30
    other = bytearray(octets)
    other[2 + 16] = 0x17  # the status becomes another type in the first row
    with pytest.raises(MalformedError):
        columns(CODEC, bytes(other))


TYPES = {
    "null": b"\x00",
    "boolean": b"\x03\x01",
    "double-long": b"\x05\xff\xff\xff\xfe",
    "visible-string": b"\x0a\x02AB",
    "utf8-string": b"\x0c\x02\xc3\xa4",
    "not utf8": b"\x0c\x02\xc3\x28",
    "bcd": b"\x0d\x12",
    "integer": b"\x0f\xfe",
    "long": b"\x10\xff\xfe",
    "long64": b"\x14" + b"\xff" * 8,
    "long64-unsigned": b"\x15" + b"\xff" * 8,
    "enum": b"\x16\x1e",
    "float32": b"\x17\x3f\xc0\x00\x00",
    "float64": b"\x18\x3f\xf8" + bytes(6),
    "date-time": b"\x19" + bytes(12),
    "date": b"\x1a" + bytes(5),
    "time": b"\x1b" + bytes(4),
    "delta-long": b"\x1d\xff\xfe",
    "dont-care": b"\xff",
    "empty string": b"\x09\x00",
    "long string": b"\x09\x81\x80" + bytes(range(128)),
    "a longer length than needed": b"\x09\x82\x00\x02AB",
}


@pytest.mark.parametrize("cell", TYPES.values(), ids=TYPES)
def test_every_type_goes_the_fast_way(cell):
    octets = b"\x01\x03" + 3 * (b"\x02\x02\x11\x01" + cell)
    found = fast(octets)
    assert found is not None
    assert same(found, octets)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"\x01\x02" + row(0) + row(1, b"\x00"), id="null in place of a clock"),
        pytest.param(b"\x01\x02" + row(0, b"\x00") + row(1), id="null first"),
        pytest.param(b"\x01\x02" + b"\x02\x01\x11\x01" + b"\x02\x01\x12\x00\x01", id="another width"),
        pytest.param(b"\x01\x02" + b"\x02\x01\x09\x01A" + b"\x02\x01\x09\x02AB", id="another length"),
        pytest.param(b"\x01\x02" + 2 * b"\x02\x01\x02\x02\x0f\x00\x16\x1e", id="structures inside"),
        pytest.param(b"\x01\x02" + 2 * b"\x02\x01\x04\x09\xa5\x80", id="bit strings"),
        pytest.param(b"\x13\x02\x02\x12\x11\x06\x00\x01\x01\x00\x02\x02", id="a compact array"),
        pytest.param(b"\x02\x02" + b"\x02\x01\x11\x01" + b"\x02\x01\x11\x02", id="a structure of structures"),
        pytest.param(b"\x01\x02\x11\x01\x00", id="a column of its own with a null"),
        pytest.param(b"\x01\x00", id="no rows"),
        pytest.param(b"\x01\x02\x02\x00\x02\x00", id="rows of nothing"),
    ],
)
def test_other_rows_go_the_general_way(octets):
    assert same(columns(CODEC, octets), octets)


def test_one_column_without_structures():
    found = columns(CODEC, b"\x01\x03\x12\x00\x01\x12\x00\x02\x12\x00\x03")
    assert found.tolist() == [[1, 2, 3]]
    assert found.arrays[0].dtype == np.uint16


def test_nulls_stay_where_they_were():
    """What null-data stands for is the business of who asked for the profile."""
    found = columns(CODEC, b"\x01\x02" + row(0) + row(1, b"\x00"))
    assert found.arrays[0][1] is None
    assert found.arrays[2].dtype == np.uint32


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x11\x01", id="a number"),
        pytest.param(b"\x09\x02AB", id="a string"),
        pytest.param(b"\x01\x02" + b"\x02\x01\x11\x01" + b"\x02\x02\x11\x01\x11\x02", id="rows of unequal length"),
        pytest.param(b"\x01\x02" + b"\x02\x01\x11\x01" + b"\x11\x01", id="rows and a number"),
        pytest.param(profile(3) + b"\x00", id="trailing octet"),
        pytest.param(b"\x01\x84\xff\xff\xff\xff" + row(0), id="more rows than octets"),
        pytest.param(b"\x01\x01\x02\x84\xff\xff\xff\xff" + bytes(20), id="more members than octets"),
        pytest.param(b"\x01\x01\x02\x01\x09\x84\xff\xff\xff\xff", id="a cell of four gigabytes"),
    ],
)
def test_what_is_no_table_is_refused(octets):
    with pytest.raises(MalformedError) as refused:
        columns(CODEC, octets)
    assert 0 <= refused.value.offset <= len(octets)


def test_every_cut_is_refused_at_its_place():
    octets = b"\xc4\x01\xc1\x00" + profile(3)
    for end in range(4, len(octets)):
        with pytest.raises(MalformedError) as refused:
            columns(CODEC, octets[:end], 4)
        assert 4 <= refused.value.offset <= end


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_changed_octets_are_refused_or_read_alike(data):
    """A tag or length that was changed is never taken for a value."""
    octets = bytearray(profile(data.draw(st.integers(1, 8))))
    columns(CODEC, bytes(octets))
    for _ in range(data.draw(st.integers(1, 3))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    octets = bytes(octets)
    try:
        value = CODEC.parse(octets)
        expected = columns_of(CODEC, value).tolist()
    except MalformedError:
        with pytest.raises(MalformedError):
            columns(CODEC, octets)
        return
    assert columns(CODEC, octets).tolist() == expected


def test_nesting_is_still_bounded():
    with pytest.raises(MalformedError):
        columns(CODEC, b"\x01\x01" * 40 + b"\x00")
    assert Limits().depth < 40
