"""The table of the edition of 1997: published frames, all identifiers, blocks, quantities."""

import json
from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.errors import LocalProtocolError, MalformedError, MeterwireError
from meterwire.protocols.dlt645.cells import cells
from meterwire.protocols.dlt645.identifiers import EDITIONS, identifier, identifiers_for
from meterwire.protocols.dlt645.words import word
from meterwire.quantities import QUANTITIES

OLD = identifiers_for("1997")
ROWS = list({id(row): row for rows in OLD.table.rows.values() for row in rows}.values())
VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "dlt645_and_376_2.json").read_text("utf-8"))
READ = [v for v in VECTORS if v["protocol"] == "dlt645-1997" and "value" in v["expect"]]


@pytest.mark.parametrize("vector", READ, ids=lambda v: v["name"])
def test_published_frames(vector):
    """Values that others have published, digit for digit, and the same octets again."""
    octets = bytes.fromhex(vector["hex"]).lstrip(b"\xfe")
    data = bytes((octet - 0x33) & 0xFF for octet in octets[10:-2])
    di = int.from_bytes(data[:2], "little")
    assert str(OLD.decode(di, data[2:])) == vector["expect"]["value"]
    assert OLD.identifier(di).unit == vector["expect"]["unit"]
    assert OLD.encode(di, OLD.decode(di, data[2:])) == data[2:]


def test_enough_vectors_are_walked():
    """The walk above is not empty."""
    assert len(READ) >= 5


def test_every_identifier_is_found_named_and_round_trips():
    """Protects the whole table: two names, a format of the declared length, zeros and F out and in, no row twice."""
    seen = set()
    for row in ROWS:
        for first, second in product(*row.ranges):
            di = first << 8 | second
            assert di not in seen, f"{di:04X} stands twice"
            seen.add(di)
            found = OLD.identifier(di)
            assert found.name
            assert found.name_zh
            assert not set("<>#") & set(found.name + found.name_zh + found.quantity)
            assert found.table in {"C", "R"}
            assert not found.word or word(found.word)
            if found.octets is not None:
                assert found.codec.size == found.octets, f"{di:04X}"
                zeros = bytes(found.octets)
                assert OLD.encode(di, OLD.decode(di, zeros)) == zeros
                nothing = b"\xff" * found.octets
                assert OLD.encode(di, OLD.decode(di, nothing)) == nothing
    assert len(seen) > 1400


@pytest.mark.parametrize(
    ("di", "name", "name_zh", "unit"),
    [
        (0x9010, "forward active energy, total", "(当前)正向有功总电能", "kWh"),
        (0x9023, "reverse active energy, rate 3", "(当前)反向有功费率3电能", "kWh"),
        (0x955E, "quadrant II reactive energy, rate 14, last month", "(上月)二象限无功费率14电能", "kvarh"),
        (0xA810, "forward active maximum demand, total, month before last", "(上上月)正向有功总最大需量", "kW"),
        (0xB141, "quadrant IV reactive maximum demand time, rate 1", "(当前)四象限无功费率1最大需量发生时间", ""),
        (0xB322, "phase failure accumulated time, phase B", "B相断相时间累计值", "min"),
        (0xC33A, "day schedule 1, slot 10: rate, start", "第1日时段表第10时段起始时间及费率号", ""),
    ],
)
def test_names(di, name, name_zh, unit):
    """A name says month, rate and phase of an identifier."""
    found = OLD.identifier(di)
    assert (found.name, found.name_zh, found.unit) == (name, name_zh, unit)


@pytest.mark.parametrize(
    ("di", "octets", "value"),
    [
        (0xB621, "3412", Decimal("12.34")),
        (0xB630, "563412", Decimal("12.3456")),
        (0xB650, "0010", Decimal("1.000")),
        (0xB010, "10081508", "08-15 08:10"),
        (0xC010, "06150826", "26-08-15.06"),
        (0xC021, "12", 0x12),
        (0xC32F, "010101020107", [(Decimal(1), "01-01"), (Decimal(2), "07-01")]),
        (0xB61F, "200222021902", [Decimal(220), Decimal(222), Decimal(219)]),
        (0xB63F, "563412" * 4, (Decimal("12.3456"),) * 4),
        (0xE812, "AABB", b"\xaa\xbb"),
        (0xD013, "AABB", b"\xaa\xbb"),
    ],
)
def test_known_octets(di, octets, value):
    """Formats of each kind, both ways; what no table has stays raw."""
    assert OLD.decode(di, bytes.fromhex(octets)) == value
    assert OLD.encode(di, value).hex().upper() == octets


def test_a_block_may_be_closed():
    """Meters that close a block of rates by AAH are read as those that do not."""
    octets = bytes.fromhex("78563412" * 3)
    assert OLD.decode(0x901F, octets + b"\xaa") == OLD.decode(0x901F, octets) == [Decimal("123456.78")] * 3
    with pytest.raises(MalformedError):
        OLD.decode(0x9010, octets[:4] + b"\xaa")


def test_members_of_blocks():
    """The low digit F stands for all items that there are."""
    assert OLD.members(0x901F) == tuple(range(0x9010, 0x901F))
    assert OLD.members(0xB61F) == (0xB611, 0xB612, 0xB613)
    assert OLD.members(0xC01F) == (0xC010, 0xC011)
    assert OLD.members(0x9010) == ()
    assert [cell.name for cell in cells(OLD.identifier(0x901F), [1, 2])] == ["total", "rate 1"]


def test_quantities_have_identifiers():
    """A neutral name leads to the identifier, and back; units agree but for the prefix that both tables write alike."""
    known = {name: OLD.of_quantity(name) for name in QUANTITIES if OLD.of_quantity(name) is not None}
    assert known["active_energy_import"] == 0x9010
    assert known["active_energy_import_rate_4"] == 0x9014
    assert known["reactive_energy_q4_settlement_1"] == 0x9540
    assert known["voltage_c"] == 0xB613
    assert len(known) > 80
    for name, di in known.items():
        assert OLD.identifier(di).quantity == name
        assert OLD.identifier(di).unit == QUANTITIES[name].unit, name
    assert OLD.of_quantity("temperature" if "temperature" in QUANTITIES else "internal_temperature") is None
    with pytest.raises(LocalProtocolError):
        OLD.of_quantity("no such quantity")


def test_quantities_in_the_table_exist():
    """A misspelled name in the table would never be found."""
    names = {row.identifier(bytes(octets)).quantity for row in ROWS for octets in product(*row.ranges)} - {""}
    assert names <= set(QUANTITIES)


def test_editions():
    """Both editions have the same face."""
    assert {edition.edition: edition.octets for edition in EDITIONS.values()} == {"1997": 2, "2007": 4}
    new = identifiers_for("2007")
    assert new.identifier(0x00010000) == identifier(0x00010000)
    assert new.of_quantity("voltage_a") == 0x02010100
    with pytest.raises(LocalProtocolError):
        identifiers_for("2014")


@given(st.integers(-1, 0x10000), st.binary(max_size=12))
def test_any_identifier_is_looked_up(di, octets):
    """No identifier and no data raise anything but this library's errors, and what is read can be written."""
    try:
        value = OLD.decode(di, octets)
    except MeterwireError:
        return
    assert OLD.decode(di, OLD.encode(di, value)) == value
