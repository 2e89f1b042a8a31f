"""The table of quantities agrees with the tables of the dialects, row by row, and with itself."""

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlms.obis import Obis
from meterwire.protocols.dlms.units import Unit
from meterwire.protocols.dlt645.identifiers import identifier
from meterwire.protocols.dlt69845.objects import attribute_of, object_of, scaler_unit
from meterwire.quantities import QUANTITIES, Kind, by_di, by_oad, by_obis, quantity

ROWS = list(QUANTITIES.values())
NUMERIC = [q for q in ROWS if q.decimals is not None]


def named(rows):
    """For parametrize: the name as the test's id."""
    return [pytest.param(q, id=q.name) for q in rows]


def test_enough_rows():
    """At least 120 rows, 100 of them in both Chinese dialects and 80 in all three."""
    assert len(ROWS) >= 280
    assert sum(q.di is not None and q.oad is not None for q in ROWS) >= 240
    assert sum(q.di is not None and q.oad is not None and q.obis is not None for q in ROWS) >= 210


def test_no_name_is_given_twice():
    """Each DI, OAD and COSEM attribute belongs to one quantity, so that a read by any name is one row."""
    for keys in (
        [q.name for q in ROWS],
        [q.di for q in ROWS if q.di is not None],
        [q.oad for q in ROWS if q.oad is not None],
        [(q.class_id, q.obis, q.attribute) for q in ROWS if q.obis is not None],
        [(q.kind, q.register, q.phase, q.rate, q.settlement, q.decimals) for q in ROWS],
    ):
        assert len(keys) == len(set(keys))


def test_every_row_has_a_name_in_some_dialect():
    """A row that no dialect names could never be read."""
    assert [q.name for q in ROWS if not q.representations] == []


@pytest.mark.parametrize("q", named(q for q in ROWS if q.di is not None))
def test_di_agrees_with_the_identifier_table(q):
    """The identifier exists, holds one item, and has the unit and decimals that the row says."""
    found = identifier(q.di)
    assert found is not None
    assert found.access != "w"
    layout = found.format.split(";")[0]
    assert "*" not in found.format
    if q.decimals is None:
        assert set(found.format) - set("XN.")
        return
    assert set(layout) <= set("XN.")
    assert q.dlt645.scaler == -len(layout.partition(".")[2])
    assert q.dlt645.unit == found.unit == q.unit
    assert ("YYMMDDhhmm" in found.format) == (q.kind is Kind.MAX_DEMAND)


@pytest.mark.parametrize("q", named(q for q in ROWS if q.oad is not None))
def test_oad_agrees_with_the_object_table(q):
    """The object exists, the type is that of its element, and scaler and unit are the declared ones."""
    row = object_of(q.oad >> 16)
    assert row is not None
    attribute, index = q.oad >> 8 & 0xFF, q.oad & 0xFF
    assert attribute_of(q.oad) is not None
    if row.data_type.startswith("array") and attribute == 2:
        assert index >= 1
        assert q.dlt69845.data_type == row.element_type
    elif attribute == 2 and row.data_type not in {"structure", ""}:
        assert index == 0
        assert q.dlt69845.data_type == row.data_type
    if q.decimals is not None:
        declared = scaler_unit(q.oad)
        assert declared in (None, (q.dlt69845.scaler, q.dlt69845.unit))
        assert (declared is not None) or q.unit == "", "a unit must be declared by the table"


@pytest.mark.parametrize("q", named(q for q in ROWS if q.obis is not None))
def test_obis_is_well_formed(q):
    """Class, logical name, attribute and unit are such as COSEM has them."""
    assert len(q.obis) == 6
    assert q.obis[5] == 255
    assert q.obis[0] in (0, 1)
    assert q.class_id in {1, 3, 4, 5, 8}
    assert q.attribute == 2
    assert q.dlms.data_type in {
        "double-long", "double-long-unsigned", "long", "long-unsigned", "unsigned", "octet-string",
    }  # fmt: skip
    if q.decimals is not None:
        assert q.dlms.unit in {unit.symbol for unit in Unit}
        assert q.class_id != 1 or q.dlms.scaler == 0
    assert Obis(q.obis).name, f"{Obis(q.obis)} has no name in the table of logical names"


@pytest.mark.parametrize("q", named(NUMERIC))
def test_resolutions_agree(q):
    """No dialect declares more digits than a read by name gives, and one of them gives all of them."""
    exponents = [r.exponent for r in q.representations]
    assert min(exponents) == -q.decimals
    assert q.coarsest == max(exponents)
    assert q.coarsest <= 0
    for representation in q.representations:
        assert representation.from_raw(representation.to_raw(Decimal("12.3456789"))) <= Decimal("12.3456789")


@pytest.mark.parametrize("q", named(q for q in ROWS if q.kind is Kind.ENERGY))
def test_energy_rows(q):
    """Energies: 645 and 698.45 in kWh 0.01, DLMS in Wh with scaler 1: the same 10 Wh on every face."""
    if q.dlms is not None:
        assert (q.dlms.scaler, q.dlms.unit, q.class_id) == (1, q.unit.removeprefix("k"), 3)
        assert q.obis[4] == q.rate
    if q.name.endswith("precise") or "precise_rate" in q.name:
        assert q.decimals == 4
    else:
        assert q.decimals == 2
        assert {r.exponent for r in q.representations} == {-2}
    if q.oad is not None:
        assert q.oad & 0xFF == q.rate + 1
        assert q.oad >> 16 & 0x0F == {"total": 0, "a": 1, "b": 2, "c": 3}[q.phase]
    if q.phase == "total":
        assert q.di >> 8 & 0xFF == q.rate
    assert q.di & 0xFF == q.settlement


@pytest.mark.parametrize(
    ("name", "di", "oad", "class_id", "obis"),
    [
        ("active_energy_import", 0x00010000, 0x00100201, 3, "1-0:1.8.0"),
        ("active_energy_export", 0x00020000, 0x00200201, 3, "1-0:2.8.0"),
        ("active_energy_combined", 0x00000000, 0x00000201, 3, "1-0:15.8.0"),
        ("active_energy_import_rate_2", 0x00010200, 0x00100203, 3, "1-0:1.8.2"),
        ("active_energy_import_phase_a", 0x00150000, 0x00110201, 3, "1-0:21.8.0"),
        ("active_energy_export_phase_c", 0x003E0000, 0x00230201, 3, "1-0:62.8.0"),
        ("reactive_energy_q1", 0x00050000, 0x00500201, 3, "1-0:5.8.0"),
        ("reactive_energy_q4_phase_c", 0x00440000, 0x00830201, 3, "1-0:68.8.0"),
        ("reactive_energy_combined_1", 0x00030000, 0x00300201, 3, "1-0:3.8.0"),
        ("apparent_energy_import", 0x00090000, 0x00900201, 3, "1-0:9.8.0"),
        ("voltage_a", 0x02010100, 0x20000201, 3, "1-0:32.7.0"),
        ("voltage_c", 0x02010300, 0x20000203, 3, "1-0:72.7.0"),
        ("current_b", 0x02020200, 0x20010202, 3, "1-0:51.7.0"),
        ("current_neutral", 0x02800001, 0x20010400, 3, "1-0:91.7.0"),
        ("active_power", 0x02030000, 0x20040201, 3, "1-0:16.7.0"),
        ("active_power_a", 0x02030100, 0x20040202, 3, "1-0:36.7.0"),
        ("reactive_power_b", 0x02040200, 0x20050203, 3, "1-0:171.7.0"),
        ("apparent_power", 0x02050000, 0x20060201, 3, "1-0:9.7.0"),
        ("power_factor", 0x02060000, 0x200A0201, 3, "1-0:13.7.0"),
        ("power_factor_c", 0x02060300, 0x200A0204, 3, "1-0:73.7.0"),
        ("angle_a", 0x02070100, 0x20030201, 3, "1-0:81.7.4"),
        ("frequency", 0x02800002, 0x200F0200, 3, "1-0:14.7.0"),
        ("demand_active_import_max", 0x01010000, 0x10100201, 4, "1-0:1.6.0"),
        ("demand_active_import", 0x02800004, 0x20170200, 5, "1-0:1.4.0"),
        ("date_time", 0x0400010C, 0x40000200, 8, "0-0:1.0.0"),
        ("meter_number", 0x04000402, 0x40020200, 1, "0-0:96.1.0"),
        ("active_constant", 0x04000409, 0x41090200, 3, "1-0:0.3.0"),
    ],
)
def test_well_known_rows(name, di, oad, class_id, obis):
    """The rows that people read first, pinned in all dialects and found from each."""
    q = quantity(name)
    logical_name = Obis.parse(obis)
    assert (q.di, q.oad, q.class_id, q.obis) == (di, oad, class_id, logical_name)
    assert by_di(di) is by_oad(oad) is by_obis(class_id, logical_name, 2) is q


@pytest.mark.parametrize("name", ["address", "asset_number", "rated_voltage", "rated_current", "reactive_constant",
                                  "rate_count", "manufacturer", "firmware_version", "date", "time"])  # fmt: skip
def test_identity_rows_exist(name):
    """Identity and parameters have rows too."""
    assert name in QUANTITIES


def test_unknown_names():
    """A wrong name is the caller's mistake and says what was meant; unknown numbers give None."""
    with pytest.raises(LocalProtocolError, match="active_energy_import"):
        quantity("active_energy_inport")
    with pytest.raises(LocalProtocolError):
        quantity("")
    assert by_di(0x09000000) is None
    assert by_oad(0) is None
    assert by_obis(3, b"\x01\x00\x01\x08\x00\xff", 3) is None
    assert by_obis(4, b"\x01\x00\x01\x08\x00\xff", 2) is None


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-799999, max_value=799999))
def test_values_are_truncated_to_the_resolution(value):
    """What a dialect sends is never more than the value and less than one step short of it, whatever its digits."""
    for name in ("active_energy_import", "active_power", "active_constant", "voltage_a"):
        for representation in quantity(name).representations:
            got = representation.from_raw(representation.to_raw(value))
            lost = abs(Fraction(value)) - abs(Fraction(got))  # in fractions: a difference of Decimals is rounded
            assert 0 <= lost < Fraction(10) ** representation.exponent
            assert got == 0 or (got < 0) == (value < 0)


def test_many_digits_do_not_round_up():
    """A value longer than the decimal context is still cut, not rounded."""
    energy = quantity("active_energy_import").dlms
    assert energy.to_raw(Decimal("123456.77" + "9" * 60)) == 12345677
    assert str(energy.from_raw(12345677)) == "123456.77"


@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_no_number_no_integer(value):
    """What is not finite cannot be sent."""
    with pytest.raises(LocalProtocolError):
        quantity("voltage_a").dlt645.to_raw(Decimal(value))


def test_texts_have_no_scaler():
    """Asking a text for its integer is the caller's mistake."""
    with pytest.raises(LocalProtocolError):
        quantity("meter_number").dlt645.from_raw(1)


def test_importing_reads_nothing():
    """The command starts fast: importing the module neither reads the table nor brings in NumPy."""
    code = (
        "import sys, meterwire.quantities as q; from meterwire.quantities import table;"
        "assert 'numpy' not in sys.modules and 'csv' in sys.modules;"
        "assert table._rows.cache_info().currsize == 0; len(q.QUANTITIES);"
        "assert table._rows.cache_info().currsize == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
