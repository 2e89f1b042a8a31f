"""All data types, octets by hand from the table of the standard; dates and descriptors as people write them."""

import datetime as dt

import pytest

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.axdr.plain import pretty
from meterwire.protocols.dlt69845.data import (
    DATA,
    DATA_CASES,
    DATA_NAMES,
    Baud,
    FlowControl,
    IdentifiedMac,
    Parity,
    PortSettings,
    QualifiedValue,
    SecurityIdentifier,
)
from meterwire.protocols.dlt69845.dates import NOT_SPECIFIED, Date, DateTime, DateTimeS, Interval, IntervalUnit, Time
from meterwire.protocols.dlt69845.descriptors import Oad, Omd, Road, ScalerUnit
from meterwire.protocols.dlt69845.enums import Unit698
from meterwire.protocols.dlt69845.selection import Bounds, Region, SelectorNewest, SelectorRange
from meterwire.protocols.wire.codec import Codec, codec
from meterwire.protocols.wire.nodes import Variant

MIDNIGHT = DateTimeS(2016, 1, 20, 0, 0, 0)
NOON = DateTimeS(2016, 1, 20, 12, 0, 0)
VOLTAGE = Oad(0x2000, 2, 1)
FREEZE = Oad(0x5004, 2, 0)

BY_HAND = [
    ("0102 1101 1102", Variant(1, (Variant(17, 1), Variant(17, 2)))),
    ("0202 1101 0903AABBCC", Variant(2, (Variant(17, 1), Variant(9, b"\xaa\xbb\xcc")))),
    ("0100", Variant(1, ())),
    ("19 07E0 05 13 04 08 05 00 0086", Variant(25, DateTime(2016, 5, 19, 4, 8, 5, 0, 134))),
    ("1A 07E0 05 13 04", Variant(26, Date(2016, 5, 19, 4))),
    ("1B 080500", Variant(27, Time(8, 5, 0))),
    ("1C 07E0 01 14 00 00 00", Variant(28, MIDNIGHT)),
    ("50 4001", Variant(80, 0x4001)),
    ("51 20000201", Variant(81, VOLTAGE)),
    ("52 50040200 01 20000201", Variant(82, Road(FREEZE, (VOLTAGE,)))),
    ("53 00100100", Variant(83, Omd(0x0010, 1, 0))),
    ("54 01 000F", Variant(84, Interval(IntervalUnit.MINUTE, 15))),
    ("55 07 05 201601200001", Variant(85, bytes.fromhex("05201601200001"))),
    ("55 00", Variant(85, b"")),
    ("56 04 12345678", Variant(86, bytes.fromhex("12345678"))),
    ("57 02 0102", Variant(87, b"\x01\x02")),
    ("58 02 1101 1105", Variant(88, Region(Bounds.BOTH, Variant(17, 1), Variant(17, 5)))),
    ("59 FE 21", Variant(89, ScalerUnit(-2, Unit698.KILOWATT_HOUR))),
    ("59 00 FE", Variant(89, ScalerUnit(0, 0xFE))),
    ("5A 00", Variant(90, Variant(0, None))),
    (
        "5A 02 20000201 1C07E00114000000 1C07E001140C0000 54010001",
        Variant(
            90,
            Variant(
                2,
                SelectorRange(
                    VOLTAGE, Variant(28, MIDNIGHT), Variant(28, NOON), Variant(84, Interval(IntervalUnit.MINUTE, 1))
                ),
            ),
        ),
    ),
    ("5A 09 03", Variant(90, Variant(9, 3))),
    ("5A 0A 05 01", Variant(90, Variant(10, SelectorNewest(5, Variant(1, None))))),
    ("5B 00 20000201", Variant(91, VOLTAGE)),
    ("5B 01 50040200 01 20000201", Variant(91, Road(FREEZE, (VOLTAGE,)))),
    ("5C 01", Variant(92, Variant(1, None))),
    ("5C 03 01 07 05201601200001", Variant(92, Variant(3, (bytes.fromhex("05201601200001"),)))),
    ("5C 04 02 0001 0002", Variant(92, Variant(4, (1, 2)))),
    ("5D 801C3110 02 0014", Variant(93, SecurityIdentifier(0x801C3110, b"\x00\x14"))),
    (
        "5E 801C3110 00 04 12345678",
        Variant(94, IdentifiedMac(SecurityIdentifier(0x801C3110, b""), bytes.fromhex("12345678"))),
    ),
    ("5F 06 02 08 01 00", Variant(95, PortSettings(Baud.B9600, Parity.EVEN, 8, 1, FlowControl.NONE))),
    ("60 02 00 20000201 01 50040200 00", Variant(96, (VOLTAGE, Road(FREEZE, ())))),
    ("61 1105 80", Variant(97, QualifiedValue(Variant(17, 5), "10000000"))),
]


@pytest.mark.parametrize("engine", ["generated", "construct"])
@pytest.mark.parametrize(("octets", "value"), BY_HAND)
def test_types_both_ways(engine, octets, value):
    """Each type is read from, and built to, the octets that the table gives."""
    data = Codec(DATA, 2017, engine)
    assert data.parse(bytes.fromhex(octets)) == value
    assert data.build(value) == bytes.fromhex(octets)


def test_every_type_has_octets_by_hand_and_a_name():
    """A type that is added needs both; those shared with DLMS have theirs with the shared ones."""
    here = {value.tag for _, value in BY_HAND}
    shared = {0, 3, 4, 5, 6, 9, 10, 12, 15, 16, 17, 18, 20, 21, 22, 23, 24}
    assert here | shared == set(DATA_CASES) == set(DATA_NAMES)


def test_selections_of_2021_need_its_edition():
    """RSD 11 and MS 8 and 9 exist since 2021; a meter of 2017 does not know them."""
    for octets in ("5A 0B 01 0901", "5C 08 01 0010", "5C 09 01"):
        parsed = codec(DATA, 2021).parse(bytes.fromhex(octets))
        assert codec(DATA, 2021).build(parsed) == bytes.fromhex(octets)
        with pytest.raises(MalformedError):
            codec(DATA, 2017).parse(bytes.fromhex(octets))


@pytest.mark.parametrize("octets", ["07", "0D00", "1D", "4F", "62", "FF", "5A 0C", "5B 02 00000000"])
def test_reserved_tags_are_malformed(octets):
    """A reserved tag has no size, so nothing behind it can be read."""
    with pytest.raises(MalformedError):
        codec(DATA, 2021).parse(bytes.fromhex(octets))


def test_nesting_is_bounded():
    """Thirty levels are read, a bomb of them is refused at once, through every type that nests."""
    assert codec(DATA, 2021).parse(b"\x01\x01" * 30 + b"\x00").tag == 1
    for bomb in (b"\x01\x01" * 5000, b"\x58\x00" * 5000, b"\x5a\x01\x20\x00\x02\x01" * 3000, b"\x61" * 9000):
        with pytest.raises(MalformedError):
            codec(DATA, 2021).parse(bomb)


def test_dates_become_datetimes_and_back():
    """Times of a meter are local: a zone is given, not sent; what is not specified is no datetime."""
    zone = dt.timezone(dt.timedelta(hours=8))
    when = dt.datetime(2016, 5, 19, 8, 5, 0, 134000, tzinfo=zone)
    assert DateTime.of(when).datetime(zone) == when
    assert DateTime.of(when).weekday == 4
    assert DateTimeS.of(when).datetime(zone) == when.replace(microsecond=0)
    assert Date.of(dt.date(2026, 1, 4)).weekday == 0
    assert NOT_SPECIFIED.datetime() is None
    assert DateTimeS(2016, 2, 30, 0, 0, 0).datetime() is None
    assert str(NOT_SPECIFIED) == "****-**-** **:**:**"
    assert str(DateTime(2016, 5, 19, 4, 8, 5, 0, 0xFFFF)) == "2016-05-19 08:05:00"
    assert (str(Date(2016, 0xFF, 1, 0xFF)), str(Time(8, 5, 0xFF))) == ("2016-**-01", "08:05:**")


def test_descriptors_as_text():
    """OAD and OMD are written as eight hexadecimal digits, as meters' manuals do."""
    assert Oad.of("00100201") == Oad.of(0x00100201) == Oad(0x0010, 2, 1)
    assert str(Oad.of("f2090201")) == "F2090201"
    assert Oad(0x5004, 0x62, 0).number == 2
    assert Oad(0x0010, 2, 1).packed == 0x00100201
    assert str(Omd.of("80008100")) == "80008100"
    assert str(ScalerUnit(-2, Unit698.KILOWATT_HOUR)) == "10^-2 kWh"
    for text in ("0010020", "001002011", "0010020G", "", "+0100201"):
        with pytest.raises(LocalProtocolError):
            Oad.of(text)


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        ("5F0602080100", "COMDCB 9600 bit/s 8E1"),
        ("5FFF00070201", "COMDCB automatic speed 7N2, hardware flow control"),
        ("5F3009080100", "COMDCB unknown (48) speed 8(9)1"),
        ("580211051109", "Region {both, unsigned 5, unsigned 9}"),
        ("5A0A0501", "RSD 10 the newest 5, all meters"),
        ("5A0407E60101000000" + "03010705201601200001", "RSD 4 2022-01-01 00:00:00, meters 05201601200001"),
        (
            "5A0607E6010100000007E6020100000001000F07010112000112000A",
            "RSD 6 2022-01-01 00:00:00 to 2022-02-01 00:00:00 every 15 minute, archive numbers (1, 10]",
        ),
        ("5D801C31100401020304", "SID {2149331216, 01020304}"),
        ("6106000000AB80", "VQDS {double-long-unsigned 171, '10000000'}"),
    ],
)
def test_types_without_a_word_of_their_own_are_told_without_python(octets, said):
    """Ports, regions, selectors, sets of meters and qualities as people write them."""
    assert pretty(codec(DATA, 2021).parse(bytes.fromhex(octets)), DATA_NAMES) == said
