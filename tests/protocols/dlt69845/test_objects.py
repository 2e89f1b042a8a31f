"""The tables of objects, attributes, methods, access results and units of DL/T 698.45."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.protocols.dlt69845.enums import Dar, Unit698
from meterwire.protocols.dlt69845.objects import (
    attribute_of,
    class_name,
    describe_oad,
    describe_omd,
    method_of,
    object_of,
    objects,
    scaler_unit,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "dlt69845.json").read_text("utf-8"))


def oads_of(value, key=""):
    """Every OAD that a vector's expectation names."""
    if isinstance(value, str):
        if key in {"oad", "oads", "rcsd"} and len(value) == 8:
            yield int(value, 16)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from oads_of(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from oads_of(inner, key)


def test_table_is_whole():
    """All 698 objects are there once, each with names, a known class and a mark."""
    rows = objects()
    assert len(rows) == len({row.oi for row in rows}) == 698
    assert [row.oi for row in rows] == sorted(row.oi for row in rows)
    for row in rows:
        assert row.name
        assert class_name(row.class_id), f"{row.oi:04X}"
        assert row.mark in {"standard", "2021", "seen", "unverified"}
        assert (row.scale is None) <= (row.unit in {"", "min"})


def test_units_are_units_of_the_standard():
    """Every unit in the table is one a Scaler_Unit can carry, but for pulse constants, which have none."""
    symbols = {unit.symbol for unit in Unit698}
    assert {row.unit for row in objects()} - symbols <= {"imp/kWh", "imp/kvarh"}


@pytest.mark.parametrize(
    ("oad", "words"),
    [
        (
            0x00100201,
            "00100201 forward (import) active energy, attribute 2 (total and rates), element 1 (total), kWh 10^-2",
        ),
        (
            0x00100403,
            "00100403 forward (import) active energy, attribute 4 (high-precision total and rates), element 3 (rate 2), kWh 10^-4",
        ),
        (0x20000203, "20000203 voltage, attribute 2 (values by phase), element 3 (phase C), V 10^-1"),
        (0x20040202, "20040202 active power, attribute 2 (total and values by phase), element 2 (phase A), W 10^-1"),
        (0x20040209, "20040209 active power, attribute 2 (total and values by phase), element 9, W 10^-1"),
        (0x20010400, "20010400 current, attribute 4 (neutral current), A 10^-3"),
        (0x200A0201, "200A0201 power factor, attribute 2 (total and values by phase), element 1 (total), 10^-3"),
        (0x40000200, "40000200 date and time, attribute 2 (date and time)"),
        (0x43000300, "43000300 electric device, attribute 3 (version information)"),
        (0x50040200, "50040200 day freeze, attribute 2 (record table)"),
        (0x30110203, "30110203 meter power down, attribute 2 (record table), element 3 (3. last record)"),
        (
            0x1010A201,
            "1010A201 max demand forward active, attribute 2 (total and rates with time), feature 5, element 1 (total), kW 10^-4",
        ),
        (0x00100000, "00100000 forward (import) active energy, attribute 0 (all attributes)"),
        (0xFFFF0200, "FFFF0200 unknown object, attribute 2"),
    ],
)
def test_oads_in_words(oad, words):
    """An OAD is told as object, attribute, element, unit and scale."""
    assert describe_oad(oad) == words


@pytest.mark.parametrize(
    ("omd", "words"),
    [
        (0x80008100, "80008100 remote control (trip/close), method 129 (trip)"),
        (0x80008200, "80008200 remote control (trip/close), method 130 (close)"),
        (0x43000100, "43000100 electric device, method 1 (reset)"),
        (0x43000300, "43000300 electric device, method 3 (initialise data)"),
        (0x40007F00, "40007F00 date and time, method 127 (broadcast time)"),
        (0x12347F00, "12347F00 unknown object, method 127"),
    ],
)
def test_omds_in_words(omd, words):
    """An OMD is told as object and method."""
    assert describe_omd(omd) == words


@pytest.mark.parametrize(
    ("oad", "declared"),
    [
        (0x00100200, (-2, "kWh")),
        (0x00100401, (-4, "kWh")),
        (0x00100300, None),
        (0x10100201, (-4, "kW")),
        (0x20000201, (-1, "V")),
        (0x20010201, (-3, "A")),
        (0x20010500, (-3, "A")),
        (0x20040201, (-1, "W")),
        (0x200F0200, (-2, "Hz")),
        (0x200D0402, (-2, "%")),
        (0x41090200, (0, "imp/kWh")),
        (0x40000200, None),
        (0xFFFF0200, None),
    ],
)
def test_declared_scaler_and_unit(oad, declared):
    """Integers have a declared power of ten and unit, other values none."""
    assert scaler_unit(oad) == declared


def test_members_of_an_object_come_before_those_of_its_class():
    """2001 adds the neutral current to its class, 8000 its own methods; what all classes share is always there."""
    assert attribute_of(0x20010400).name == "neutral current"
    assert attribute_of(0x20000400) is None
    assert method_of(0x80008100).name == "trip"
    assert method_of(0x41128100) is None
    assert attribute_of(0x20000100).name == "logical name"
    assert attribute_of(0x00106201).number == 2


def test_captured_objects_are_known():
    """Every OAD in the captured frames has a name here, but for the makers' own space FFFx."""
    oads = {oad for vector in VECTORS for oad in oads_of(vector["expect"])}
    assert len(oads) > 20
    assert {f"{oad:08X}"[:3] for oad in oads if object_of(oad >> 16) is None} <= {"FFF"}


def test_access_results_are_the_standards():
    """The numbers 0 to 36 and 255, no gap, no name twice."""
    assert sorted(Dar) == [*range(37), 255]
    assert Dar(6) is Dar.OBJECT_UNAVAILABLE
    assert len({dar.name for dar in Dar}) == 38


def test_units_have_symbols():
    """Numbers 1 to 56 and 255; from 28 on they differ from COSEM's, so the telling ones are pinned."""
    assert sorted(Unit698) == [*range(1, 57), 255]
    assert [Unit698(n).symbol for n in (27, 28, 33, 35, 36, 38, 47, 51, 54)] == [
        "W", "kW", "kWh", "kvarh", "A", "V", "Hz", "%", "CNY/kWh",
    ]  # fmt: skip
    assert len({unit.symbol for unit in Unit698}) == 57


@given(st.integers(0, 0xFFFFFFFF))
def test_anything_can_be_described(oad):
    """No 32 bits, whatever a peer sends, make the words fail."""
    assert describe_oad(oad).startswith(f"{oad:08X} ")
    assert describe_omd(oad).startswith(f"{oad:08X} ")


@pytest.mark.parametrize(
    ("oad", "said"),
    [
        (0x33020206, "programming record unit, attribute 2 (value), element 6 (attributes written)"),
        (0x33080206, "element 6 (highest demand), 10^-4"),
        (0x330C0206, "element 6 (methods that cleared)"),
        (0x20290201, "element 1 (total), Ah 10^-2"),
        (0x20290203, "element 3 (phase B), Ah 10^-2"),
        (0x200D0205, "element 5 (harmonic 5), % 10^-2"),
    ],
)
def test_elements_of_special_records_are_named(oad, said):
    """What stands behind the standard columns of an event, and elements of arrays, in words."""
    assert said in describe_oad(oad)
