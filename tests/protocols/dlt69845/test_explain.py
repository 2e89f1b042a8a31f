"""What dissection says of a frame: layers, names with unit and scaler, values, reasons, dates, addresses."""

import json
from pathlib import Path

import pytest

from meterwire.protocols.dlt69845.apdu import Apdu
from meterwire.protocols.dlt69845.explain import annotator, opener
from meterwire.protocols.dlt69845.link import Link
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.dissect import dissect, render

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "dlt69845.json").read_text("utf-8"))
BY_NAME = {v["name"]: v for v in VECTORS}


def items(octets, layout=Link):
    return [item for _, item in dissect(codec(layout, 2021), octets, opener, annotator).root.walk()]


def texts(octets, layout=Link):
    return [item.text for item in items(octets, layout) if item.text]


def frame(name):
    return bytes.fromhex(BY_NAME[name]["hex"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("GET-Request-1#17", "00100200 forward (import) active energy, attribute 2 (total and rates), kWh 10^-2"),
        ("GET-Request-1#2", "wildcard AAAAAAAAAAAA"),
        ("GET-Response-1#13", "2016-09-11 18:30:21"),
        ("GET-Response-1#2", "000000000322"),
        ("ACTION-Response-1#1", "object undefined: the meter does not know this object"),
        ("ACTION-Request-1#9", "broadcast AA"),
        ("PROXY-Request-1#1", "222222222222"),
        ("annex H.3.2 get list response", "241.3, 241.3, 241.3 V"),
        ("annex H.3.2 get list response", "1.000, 1.000, 1.000 A"),
        ("GET-Response-3#1", "double-long-unsigned 123456"),
        ("GET-Response-3#2", "active_energy_import 1230.00 kWh, voltage_a 240.5 V, current_a 4.980 A"),
        ("ACTION-Request-1#5", "MS 3 {05000000000001, 05000000000002, 05000000000003}"),
    ],
)
def test_meanings(name, said):
    """People see names, scaled values, reasons and dates beside the octets."""
    layout = Apdu if BY_NAME[name]["kind"] == "apdu" else Link
    assert said in texts(frame(name), layout)


def test_layers_keep_the_positions_of_the_wire():
    """A scrambled frame and an APDU inside a protected one are opened, each once, with absolute spans."""
    scrambled = items(frame("GET-Request-1#10"))
    oad = next(item for item in scrambled if item.name == "oad")
    assert (oad.start, oad.end) == (17, 21)
    protected = items(frame("SECURITY-Response-plain-GET-Response#2"))
    inner = [item for item in protected if item.name == "dlt69845.Apdu"]
    assert [(item.start, item.end) for item in inner] == [(14, 80), (17, 73)]


def test_fragments_are_not_taken_for_apdus():
    """The user data of a fragment begin with its word."""
    names = [item.name for item in items(frame("fragment-end#1"))]
    assert "dlt69845.Fragment" in names
    assert "dlt69845.Apdu" not in names


@pytest.mark.parametrize("vector", VECTORS, ids=[v["name"] for v in VECTORS])
def test_every_vector_is_shown(vector):
    """Whatever the octets are, there is a tree, and only the negative ones have an error in it."""
    layout = Apdu if vector["kind"] == "apdu" else Link
    found = dissect(codec(layout, 2021), bytes.fromhex(vector["hex"]), opener, annotator)
    assert bool(found.error) == (vector["kind"] == "negative")
    assert len(render(found)) > 5


def test_a_bad_check_is_shown_at_its_place():
    """A frame whose only fault is its check is shown whole, with that span in error."""
    found = items(frame("negative: bad FCS"))
    wrong = [item.name for item in found if item.error and not item.children]
    assert wrong == ["fcs"]
    assert "000000000322" in " ".join(texts(frame("negative: bad FCS")))


ROAD = "8503 01 60120300 02 00 202A0200 01 {table} 0101 550705000000000001 {cell} 0000"
EVENTS = "30000600 03 20220200 201E0200 20200200"
ENERGIES = "50040200 02 00100201 00200201"
ENERGY = "50040200 01 00100200"
BEGUN, ENDED = "1C07E70A13173200", "1C07E70A13173700"
ROWS = [
    (EVENTS, f"0203 0600000002 {BEGUN} {ENDED}", "event record number 2, event start time 2023-10-19 23:50:00"),
    (EVENTS, f"0103 0600000002 {BEGUN} {ENDED}", "event record number 2, event start time 2023-10-19 23:50:00"),
    (EVENTS, f"0101 0203 0600000002 {BEGUN} {ENDED}", "event record number 2, event start time 2023-10-19 23:50:00"),
    (EVENTS, f"0102 0203 0600000002 {BEGUN} {ENDED} 0203 0600000003 {ENDED} 00", "event record number, element 2 3"),
    (EVENTS, "00", "event record number no value"),
    (ENERGIES, "0202 06000004D2 060000162E", "active_energy_import 12.34 kWh, active_energy_export 56.78 kWh"),
    (ENERGIES, "0102 06000004D2 060000162E", "active_energy_import 12.34 kWh, active_energy_export 56.78 kWh"),
    (
        ENERGY,
        "0101 0102 06000004D2 060000162E",
        "active_energy_import 12.34 kWh, active_energy_import_rate_1 56.78 kWh",
    ),
    (ENERGY, "0102 06000004D2 060000162E", "active_energy_import 12.34 kWh, active_energy_import_rate_1 56.78 kWh"),
]


@pytest.mark.parametrize(("table", "cell", "said"), ROWS)
def test_columns_of_another_table(table, cell, said):
    """Protects rows of acquisitions: however a concentrator wraps the attributes of a related table, each is found.

    The forms are those of answers of real terminals and of their makers' tests, with other values.
    """
    found = texts(bytes.fromhex(ROAD.format(table=table, cell=cell)), Apdu)
    assert any(text.startswith("target server address 05000000000001, ") and said in text for text in found), found


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        ("4501010010020000", "left as octets: how it is packed is not known for certain"),
        ("C501010100", "left as octets: how it is packed is not known for certain"),
        ("0517010102030400", "left as octets: how it is packed is not known for certain"),
        ("851701010203040000", "left as octets: how it is packed is not known for certain"),
        ("880601010203040000", "left as octets: how it is packed is not known for certain"),
        ("7F0102", "left as octets: no such service is known"),
    ],
)
def test_what_is_left_as_octets_says_why(octets, said):
    """COMPACT and simplified records of 2021, and services that nobody knows."""
    assert said in texts(bytes.fromhex(octets), Apdu)
