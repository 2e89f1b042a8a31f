"""What people may write for an item, and what a reading makes of the Data that comes."""

import datetime as dt
from decimal import Decimal

import pytest

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.dlms.data import Tag, array, octet_string, structure
from meterwire.protocols.dlms.interpret import ScalerUnit, moment, normalised, scaled, scaler_unit, value_of
from meterwire.protocols.dlms.items import Target, item
from meterwire.protocols.wire.nodes import Variant

ACTIVE = bytes((1, 0, 1, 8, 0, 255))
EAST = dt.timezone(dt.timedelta(hours=8))


@pytest.mark.parametrize(
    ("text", "class_id", "instance", "attribute", "name"),
    [
        ("active_energy_import", 3, ACTIVE, 2, "active_energy_import"),
        ("1-0:1.8.0", 3, ACTIVE, 2, "active_energy_import"),
        ("1-0:1.8.0*255", 3, ACTIVE, 2, "active_energy_import"),
        ("1.0.1.8.0.255", 3, ACTIVE, 2, "active_energy_import"),
        ("3/1-0:1.8.0/2", 3, ACTIVE, 2, "active_energy_import"),
        ("3/1-0:1.8.0", 3, ACTIVE, 2, "active_energy_import"),
        ("1-0:1.8.0/3", 3, ACTIVE, 3, None),
        ("0100010800FF", 3, ACTIVE, 2, "active_energy_import"),
        ("8/0-0:1.0.0/3", 8, bytes((0, 0, 1, 0, 0, 255)), 3, None),
        ("0-0:1.0.0", 8, bytes((0, 0, 1, 0, 0, 255)), 2, "date_time"),
        ("1/1-0:1.8.0/2", 1, ACTIVE, 2, None),
        ("3/1-0:1.8.0/-3", 3, ACTIVE, -3, None),
        ("0-1:24.2.1", None, bytes((0, 1, 24, 2, 1, 255)), 2, None),
    ],
)
def test_forms_of_an_item(text, class_id, instance, attribute, name):
    found = item(text)
    assert (found.instance, found.attribute) == (instance, attribute)
    assert class_id is None or found.class_id == class_id
    assert (found.quantity.name if found.quantity else None) == name
    assert found.text == text


@pytest.mark.parametrize(
    "text",
    ["", "active_enrgy", "1.8.0", "256-0:1.8.0", "3/1-0:1.8.0/2/1", "3/1-0:1.8.0/x", "70000/1-0:1.8.0/2", "1-0:1.8.0/300",
     "meter_model", "00010000"],
)  # fmt: skip
def test_what_names_nothing_is_the_callers_fault(text):
    with pytest.raises(LocalProtocolError):
        item(text)


def test_a_mistyped_name_is_told_what_is_near():
    with pytest.raises(LocalProtocolError, match="active_energy_import"):
        item("active_energy_imort")


def test_a_target_is_written_as_people_do():
    assert str(Target(3, ACTIVE, 2)) == "3/1-0:1.8.0/2"


@pytest.mark.parametrize(
    ("raw", "by", "text"),
    [
        ("349343", -2, "3493.43"),
        ("120", -2, "1.20"),
        ("5", 3, "5000"),
        ("0", 5, "0"),
        ("-7", -1, "-0.7"),
        ("1.5", 1, "15"),
    ],
)
def test_digits_are_kept(raw, by, text):
    """A reading keeps the digits that the meter declared; no context rounds it."""
    assert str(scaled(Decimal(raw), by)) == text


@pytest.mark.parametrize(
    ("declared", "wanted", "expected"),
    [
        (ScalerUnit(1, "Wh"), "kWh", ("3493.43", "kWh")),
        (ScalerUnit(0, "Wh"), "kWh", ("349.343", "kWh")),
        (ScalerUnit(-3, "A"), "A", ("349.343", "A")),
        (ScalerUnit(-3, "1/Wh"), "imp/kWh", ("349343", "imp/kWh")),
        (ScalerUnit(2, "Wh"), None, ("34934300", "Wh")),
        (ScalerUnit(0, "m3"), "kWh", ("349343", "m3")),
    ],
)
def test_the_meters_own_scaler_decides(declared, wanted, expected):
    """Real meters differ from the table; where no way leads to its unit, the meter's own unit is said."""
    value, unit = normalised(Decimal(349343), declared, wanted)
    assert (str(value), unit) == expected


def test_hostile_scalers_stay_bounded():
    value, _ = normalised(Decimal((1 << 64) - 1), ScalerUnit(127, "Wh"), "kWh")
    assert value == ((1 << 64) - 1) * 10**124
    for bad in (
        structure(Variant(17, 200), Variant(22, 30)),
        structure(octet_string(b""), Variant(22, 30)),
        structure(Variant(15, 1)),
        Variant(0, None),
        structure(Variant(24, 0.5), Variant(22, 30)),
    ):
        with pytest.raises(MalformedError):
            scaler_unit(bad)
    assert scaler_unit(structure(Variant(15, -1), Variant(22, 199))) == ScalerUnit(-1, "unit 199")


@pytest.mark.parametrize(
    ("text", "data", "value"),
    [
        ("meter_number", octet_string(b"000000000161"), "000000000161"),
        ("meter_number", octet_string(b"\x01\xff"), "01FF"),
        ("meter_number", Variant(Tag.VISIBLE_STRING, "K 1"), "K 1"),
        ("date", octet_string(bytes.fromhex("07EA010104")), dt.date(2026, 1, 1)),
        ("time", octet_string(bytes.fromhex("0C000000")), dt.time(12)),
        ("date_time", octet_string(bytes.fromhex("07EA01010400000000FE2000")), dt.datetime(2026, 1, 1, tzinfo=EAST)),
        ("date_time", Variant(25, bytes.fromhex("07EA01010400000000800000")), dt.datetime(2026, 1, 1, tzinfo=EAST)),
        ("current_transformer_ratio", Variant(6, 20), Decimal(20)),
        ("1/0-0:96.1.7/2", array([Variant(17, 1), octet_string(b"ab"), structure()]), [Decimal(1), "ab", []]),
        ("1/0-0:96.1.7/2", Variant(0, None), None),
        ("1/0-0:96.1.7/2", Variant(4, "01"), "01"),
        ("1/0-0:96.1.7/2", Variant(3, True), "True"),
        ("1/0-0:96.1.7/2", Variant(26, bytes.fromhex("07EAFF0104")), "2026-*-01 *:*:*"),
    ],
)
def test_values_by_what_the_item_is(text, data, value):
    assert value_of(data, item(text), EAST) == value


def test_a_clock_that_is_no_time_is_an_error():
    for data in (octet_string(b"12345"[:3]), Variant(17, 1), octet_string(b"\xff" * 12)):
        with pytest.raises(MalformedError):
            value_of(data, item("date_time"), EAST)
    assert moment(octet_string(b"\xff" * 12), EAST) is None
