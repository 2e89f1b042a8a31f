"""Every format of both tables: whatever value fits goes out and comes in exactly, digits, signs and gaps alike."""

from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.dlt645.formats import Closed, LoadRecords, Record, Repeat, format_of
from meterwire.protocols.dlt645.identifiers import EDITIONS
from meterwire.protocols.dlt645.values import Bits, Constant, Digits, Number, Raw, Screen, Stamp, Text


def formats():
    """The formats of both tables, with the sign rule of their rows."""
    found = {}
    for edition in EDITIONS.values():
        for row in {id(row): row for rows in edition.table.rows.values() for row in rows}.values():
            for octets in product(*row.ranges) if "#" in row.layout else [[values[0] for values in row.ranges]]:
                one = row.identifier(bytes(octets))
                found[one.format, one.signed] = one.codec
    return found


FORMATS = formats()


def numbers(codec):
    top = (8 * 10 ** (codec._digits - 1) if codec._signed else 10**codec._digits) - 1
    return st.integers(-top if codec._signed else 0, top).map(lambda raw: Decimal(raw).scaleb(-codec._decimals))


def stamps(codec):
    parts = st.integers(0, 99).map("{:02d}".format) | st.just("FF")
    octets = st.lists(parts, min_size=codec.size, max_size=codec.size).filter(lambda all_: set(all_) != {"FF"})
    return octets.map("".join).map(codec.encode).map(codec.decode)


def texts(codec):
    return st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=codec.size)


def digits(codec):
    size = 2 * codec.size
    return st.text("0123456789ABCDE", min_size=size, max_size=size)


def repeats(codec):
    most = min(codec.count or 4, 4)
    if codec.exact:
        return st.lists(values(codec.item), min_size=codec.count, max_size=codec.count)
    return st.lists(values(codec.item), max_size=most)


def records(codec):
    return st.tuples(*(values(item) for item in codec.items if not isinstance(item, Constant)))


def load_records(codec):
    stamp = st.just("26-08-15 10:00") | st.none()
    groups = (st.none() | values(group) for group in codec.groups)
    return st.lists(st.tuples(st.sampled_from(["valid", "invalid", "wrong sum"]), stamp, *groups), max_size=2)


def closed(codec):
    """An empty list of rates is sent as nothing at all, which reads as an item that is not kept."""
    return st.tuples(*(st.none() | values(item).filter(lambda value: value != []) for item in codec.items))


STRATEGIES = {
    Number: lambda codec: st.none() | numbers(codec),
    Stamp: lambda codec: st.none() | stamps(codec),
    Text: lambda codec: st.none() | texts(codec),
    Digits: lambda codec: st.none() | digits(codec),
    Bits: lambda codec: st.integers(0, (1 << 8 * codec.size) - 1),
    Screen: lambda _: st.none() | st.sampled_from(["00010000", "02010100.01"]),
    Raw: lambda _: st.binary(max_size=20),
    Repeat: repeats,
    Record: records,
    Closed: closed,
    LoadRecords: load_records,
}


def values(codec):
    """What a format can carry."""
    return STRATEGIES[type(codec)](codec)


LONG = 60


def is_short(codec):
    """Whether a value is quickly made up."""
    return (codec.size or LONG) <= LONG


@given(st.sampled_from([codec for codec in FORMATS.values() if is_short(codec)]), st.data())
def test_values_round_trip(codec, data):
    """Exactly: numbers with their digits, stamps with wildcards, gaps as None."""
    value = data.draw(values(codec))
    octets = codec.encode(value)
    assert codec.size in (None, len(octets))
    assert codec.decode(octets) == value
    assert str(codec.decode(octets)) == str(value)


@pytest.mark.parametrize(
    "key", [key for key, codec in FORMATS.items() if not is_short(codec)], ids=lambda key: key[0][:60]
)
def test_long_records_round_trip(key):
    """The longest records with the same octet in each place: digits, none, and every sign."""
    codec = FORMATS[key]
    for octet in (0x00, 0x11, 0xFF):
        octets = bytes([octet]) * (codec.size or 0)
        assert codec.encode(codec.decode(octets)) == octets


def test_enough_formats_are_walked():
    """The walks above are not empty."""
    assert len(FORMATS) > 100
    assert {type(codec) for codec in FORMATS.values()} >= {Number, Stamp, Text, Digits, Bits, Repeat, Record, Closed}


@pytest.mark.parametrize(
    "text", ["", "(", "XX.", "a;b", "XX*", "(XX;XX", "XX.XX*n*2", "LOAD7", "±", "RAW*3", "((XX)", ";..."]
)
def test_what_is_no_format_is_refused(text):
    """A misspelled row of the table is found by whoever wrote it."""
    with pytest.raises(ValueError):
        format_of(text)


def test_signs_per_field():
    """In one record the same octets are a sign in one field and a digit in the next."""
    codec = format_of("±XX.XXXX;XX.XXXX")
    assert codec.decode(bytes.fromhex("563492563492")) == (Decimal("-12.3456"), Decimal("92.3456"))
    assert codec.encode((Decimal("-12.3456"), Decimal("92.3456"))).hex() == "563492563492"


def test_brackets_nest():
    """A list of lists, and a record within a record."""
    assert format_of("(XX*2)*n").decode(bytes(range(4))) == [[Decimal(0), Decimal(1)], [Decimal(2), Decimal(3)]]
    assert format_of("XX;(XX;(XX;XX)*2)").decode(bytes(6)) == (0, (0, [(0, 0), (0, 0)]))


def test_a_record_may_end_early():
    """Only behind an item, and only where the format says so."""
    codec = format_of("XX;XXXX;...")
    assert codec.decode(b"\x12") == (Decimal(12),)
    assert codec.encode((12,)) == b"\x12"
    for octets in (b"\x12\x34", b"\x12\x34\x56\x78"):
        with pytest.raises(MalformedError):
            codec.decode(octets)
    with pytest.raises(LocalProtocolError):
        codec.encode((1, 2, 3))
