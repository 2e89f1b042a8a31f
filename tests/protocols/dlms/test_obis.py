"""Logical names are read and written in every form people use, and named; units and results have COSEM's numbers."""

import pytest
from gurux_dlms.enums import ErrorCode, ObjectType
from gurux_dlms.enums import Unit as PeerUnit
from hypothesis import given
from hypothesis import strategies as st

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlms import enums
from meterwire.protocols.dlms.obis import Obis
from meterwire.protocols.dlms.units import Unit


@pytest.mark.parametrize(
    ("text", "groups", "written"),
    [
        ("1-0:1.8.0", (1, 0, 1, 8, 0, 255), "1-0:1.8.0"),
        ("1-0:1.8.0*255", (1, 0, 1, 8, 0, 255), "1-0:1.8.0"),
        ("1-0:1.8.0.255", (1, 0, 1, 8, 0, 255), "1-0:1.8.0"),
        ("1-0:1.8.0*101", (1, 0, 1, 8, 0, 101), "1-0:1.8.0*101"),
        ("1-0:1.8.0*0", (1, 0, 1, 8, 0, 0), "1-0:1.8.0*0"),
        ("1.0.1.8.0.255", (1, 0, 1, 8, 0, 255), "1-0:1.8.0"),
        ("0100010800FF", (1, 0, 1, 8, 0, 255), "1-0:1.8.0"),
        ("0000600100ff", (0, 0, 96, 1, 0, 255), "0-0:96.1.0"),
        (" 0-0:1.0.0 ", (0, 0, 1, 0, 0, 255), "0-0:1.0.0"),
        ("1-0:81.7.26", (1, 0, 81, 7, 26, 255), "1-0:81.7.26"),
    ],
)
def test_forms(text, groups, written):
    """All forms of one code are the same six octets, written back in one way."""
    code = Obis.parse(text)
    assert code == bytes(groups)
    assert str(code) == written
    assert code.dotted == ".".join(map(str, groups))
    assert Obis.parse(str(code)) == Obis.parse(code.dotted) == Obis.parse(code.hex()) == code
    assert hash(code) == hash(bytes(groups))
    assert eval(repr(code), {"Obis": Obis}) == code


@pytest.mark.parametrize(
    "text",
    ["", "1.8.0", "1-0:1.8", "1-0:1.8.0.0.255", "1-0:1.8.256", "1-0:1.8.0*", "1.0.1.8.0", "1.0.1.8.0.255.1", "01000108",
     "0100010800FG", "1-0:1.8.-1", "256.0.0.0.0.0", "१-0:1.8.0", "1-0:1.8.0\n1"],
)  # fmt: skip
def test_what_is_not_a_code(text):
    """Anything else is the caller's mistake."""
    with pytest.raises(LocalProtocolError):
        Obis.parse(text)


@pytest.mark.parametrize("octets", [b"", b"\x01\x00\x01\x08\x00", bytes(7)])
def test_wrong_number_of_octets(octets):
    """A logical name has six octets."""
    with pytest.raises(LocalProtocolError):
        Obis(octets)


@given(st.binary(min_size=6, max_size=6))
def test_any_six_octets(octets):
    """Every six octets can be written, read back and asked for a name."""
    code = Obis(octets)
    assert Obis.parse(str(code)) == code
    assert isinstance(code.name, str)


@given(st.text(max_size=30))
def test_any_text(text):
    """No text does anything but parse or be refused."""
    try:
        code = Obis.parse(text)
    except LocalProtocolError:
        return
    assert len(code) == 6


@pytest.mark.parametrize(
    ("text", "name", "class_id"),
    [
        ("0-0:1.0.0", "clock", 8),
        ("0-0:40.0.0", "current association", 15),
        ("0-0:40.0.3", "association 3", 15),
        ("0-0:42.0.0", "COSEM logical device name", 1),
        ("0-0:43.1.1", "invocation counter 1", 1),
        ("0-0:96.1.0", "device ID 1 (manufacturing number)", 1),
        ("0-0:96.3.10", "disconnect control", 70),
        ("0-1:24.2.1", "M-Bus value, channel 1", 4),
        ("0-0:44.0.0", "image transfer", 18),
        ("1-0:0.9.1", "local time", 1),
        ("1-0:1.8.0", "active energy +, time integral 1", None),
        ("1-0:2.8.3", "active energy -, time integral 1, rate 3", None),
        ("1-0:1.8.0*101", "active energy +, time integral 1, billing period 101", None),
        ("1-0:21.7.0", "active power +, L1, instantaneous value", None),
        ("1-0:1.6.2", "active power +, maximum 1, rate 2", None),
        ("1-0:72.7.0", "voltage, L3, instantaneous value", None),
        ("1-0:31.7.5", "current, L1, instantaneous value, harmonic 5", None),
        ("1-0:32.7.124", "voltage, L1, instantaneous value, total harmonic distortion", None),
        ("1-0:81.7.15", "angle of I(L2) against U(L2)", 3),
        ("1-0:99.1.0", "load profile 1", 7),
        ("1-0:13.7.0", "power factor +, instantaneous value", None),
        ("1-0:200.7.0", "", None),
        ("7-0:3.0.0", "", None),
        ("0-0:200.0.0", "", None),
    ],
)
def test_names(text, name, class_id):
    """Common codes have an English name, and abstract ones the class that carries them; unknown ones have none."""
    code = Obis.parse(text)
    assert code.name == name
    assert code.class_id == class_id


def test_units_have_the_numbers_a_peer_uses():
    """Every unit number that an independent implementation knows is here, and the telling symbols are pinned."""
    peers = {unit.value for unit in PeerUnit} - {0}
    assert {unit.value for unit in Unit} == peers
    symbols = {27: "W", 28: "VA", 29: "var", 30: "Wh", 31: "VAh", 32: "varh", 33: "A", 35: "V", 44: "Hz", 45: "1/Wh",
               46: "1/varh", 56: "%", 8: "deg", 9: "degC", 6: "min", 255: ""}  # fmt: skip
    assert {number: Unit(number).symbol for number in symbols} == symbols
    assert len({unit.symbol for unit in Unit}) == len(Unit)


def test_access_results_have_the_numbers_a_peer_uses():
    """Results of the access services, against an independent implementation."""
    peers = {code.value for code in ErrorCode if 0 <= code.value <= 250}
    results = {result.value for result in enums.DataAccessResult}
    assert results == {0, 1, 2, 3, 4, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 250}
    assert results - peers == set()
    actions = {result.value for result in enums.ActionResult}
    assert actions == results - {17, 18, 19}


def test_association_results():
    """The numbers of the association answers and diagnostics."""
    assert list(enums.AssociationResult) == [0, 1, 2]
    assert list(enums.AcseServiceUserDiagnostic) == list(range(15))
    assert enums.AcseServiceUserDiagnostic.AUTHENTICATION_FAILURE == 13
    assert list(enums.AcseServiceProviderDiagnostic) == [0, 1, 2]
    assert enums.ReleaseResponseReason.NOT_FINISHED == 1


def test_classes_of_the_table_exist():
    """Every class that the table of names gives is one that an independent implementation knows."""
    from meterwire.protocols.dlms import obis

    classes = {row.class_id for rows in obis._table().whole.values() for row in rows} - {None}
    assert classes - {kind.value for kind in ObjectType} <= {46}
