"""Values in words: which item a number is, what a bit means, and that nothing is left out."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterwire.protocols.dlt645.cells import Cell, cells
from meterwire.protocols.dlt645.explain import annotator, data_text
from meterwire.protocols.dlt645.identifiers import decode, identifier
from meterwire.protocols.dlt645.messages import ReadAnswer, SecurityRequest
from meterwire.protocols.dlt645.telling import security_text
from meterwire.protocols.dlt645.words import told, word, words

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "dlt645_and_376_2.json").read_text("utf-8"))


def shown(di, digits):
    """The cells of octets written as digits."""
    octets = bytes.fromhex(digits.replace(" ", ""))
    return cells(identifier(di), decode(di, octets))


def test_an_event_record_has_named_columns_with_units():
    """The record of a voltage loss: times, energies with the sign of combined ones, the phases' values, charges."""
    digits = (
        "001008150826 301008150826 01000000 02000000 03000080 04000000"
        + "".join("01000000 02000000 03000080 04000000 0022 000580 563492 563412 7789" for _ in "ABC")
        + "05000000" * 4
    )
    found = {cell.name: (cell.value, cell.unit) for cell in shown(0x03010203, digits)}
    assert found["start"] == ("26-08-15 08:10:00", "")
    assert found["forward active energy during"] == (Decimal("0.01"), "kWh")
    assert found["combined reactive 1 energy during"] == (Decimal("-0.03"), "kvarh")
    assert found["phase B current at start"] == (Decimal("-0.500"), "A")
    assert found["phase C active power at start"] == (Decimal("-12.3456"), "kW")
    assert found["phase C power factor at start"] == (Decimal("-0.977"), "")
    assert found["phase C charge during"] == (Decimal("0.05"), "Ah")
    assert len(found) == 37


def test_an_energy_record_keeps_unsigned_energies_unsigned():
    """The top bit of a forward energy is a digit, that of a combined reactive energy a sign."""
    digits = "001008150826" * 2 + "00000080" * 16
    values = [cell.value for cell in shown(0x03070001, digits)][2:6]
    assert values == [Decimal(800000), Decimal(800000), Decimal("-0.00"), Decimal("-0.00")]


def test_chinese_names_tell_the_event():
    """The standard's own table copies the names of one event to another; ours are those of the event."""
    (cell,) = [one for one in shown(0x03020101, "00" * 131) if one.name == "phase A voltage at start"]
    assert cell.name_zh == "欠压时刻A相电压"


def test_holidays_and_slots_are_numbered():
    """A list within a record is as many cells."""
    digits = "001008150826 78563412" + "01260101" * 254
    found = shown(0x03300801, digits)
    assert (found[1].name, found[1].value) == ("operator", "12345678")
    assert found[255].name == "holiday 254 before: schedule, date"
    assert found[255].value == (Decimal(1), "01-01-26")


def test_a_freeze_is_taken_apart():
    """Items of a whole freeze are closed by AAH; those that the meter does not keep are empty."""
    digits = "0000150826AA" + "78563412" * 3 + "AA" * 8 + "5634121008150826AA" + "AA" + "563492" * 8 + "AA"
    found = {cell.name: cell.value for cell in shown(0x0506FF01, digits)}
    assert found["forward active energy, total"] == Decimal("123456.78")
    assert found["forward active energy, rate 2"] == Decimal("123456.78")
    assert found["quadrant I reactive energy"] is None
    assert found["forward active maximum demand, total"] == (Decimal("12.3456"), "26-08-15 08:10")
    assert found["powers, reactive power phase C"] == Decimal("-12.3456")


@pytest.mark.parametrize("digits", ["0000150826AA", "0000150826AA78563412", "0000150826AA78563412AAAA"])
def test_a_freeze_may_end_early(digits):
    """A meter with fewer items, and one that does not close the last, are read."""
    value = decode(0x0500FF01, bytes.fromhex(digits))
    assert value[0] == "26-08-15 00:00"
    assert len(value) == 12


@pytest.mark.parametrize("digits", ["000015082678563412", "0000150826AA785634", "AA" * 13])
def test_a_freeze_of_another_form_is_given_raw(digits):
    """The standard's text does not say the form: octets that do not have it are shown as they are."""
    octets = bytes.fromhex(digits)
    assert decode(0x0500FF01, octets) == octets
    assert data_text(0x0500FF01, octets) == octets.hex(" ").upper()


@pytest.mark.parametrize(
    ("di", "digits", "text"),
    [
        (0x04000504, "4200", "under voltage, power reversal"),
        (0x04000503, "1200", "supply: auxiliary, relay: open"),
        (0x04000503, "0680", "supply: 3, bit 15"),
        (0x04000503, "0000", "nothing set"),
        (0x04000501, "0200", "demand method: interval"),
        (0x04000601, "05", "add forward active, add reverse active"),
        (0x04000602, "11", "add quadrant I, add quadrant III"),
        (0x04000703, "08", "2400 bit/s"),
        (
            0x04000801,
            "7E",
            "Monday: work, Tuesday: work, Wednesday: work, Thursday: work, Friday: work, Saturday: work",
        ),
        (0x04000901, "09", "voltages, currents, frequency, energies"),
        (0x04000904, "83", "forward active energy, reverse active energy, variables"),
        (0x04001503, "FFFBFFFFFFFFFFFFFFFFFFFF", "resets cover opened"),
        (
            0x0101FF00,
            "5634121008150826" * 2,
            "total: 12.3456 kW at 2026-08-15 08:10; rate 1: 12.3456 kW at 2026-08-15 08:10",
        ),
        (0x03050000, "030000120000", "count: 3 times; accumulated time: 12 min"),
        (
            0x03300901,
            "00100815082612345678 05",
            "time: 2026-08-15 08:10:00; operator: 78563412; combination word before: add forward active, add reverse active",
        ),
        (0x04030001, "01260101", "day schedule: 1; date: 2001-01-26"),
        (0x10020A01, "0022", "220.0 V"),
        (
            0x1D00FF01,
            "001008150826 12345678",
            "trip record 1: time: 2026-08-15 08:10:00; trip record 1: operator: 78563412",
        ),
    ],
)
def test_values_in_words(di, digits, text):
    """What a dissection says of flags, pairs, records and blocks that are cut to what came."""
    assert data_text(di, bytes.fromhex(digits)) == text


def test_status_words_say_which_word_it_is():
    """The block of all seven words."""
    text = data_text(0x040005FF, bytes.fromhex("0000 0000 0000 4200 0000 0000 0000"))
    assert "status word 4 (phase A): under voltage, power reversal" in text
    assert identifier(0x04000504).name == "status word 4 (phase A)"


def test_security_layouts_have_the_lengths_of_meters():
    """Requests and answers of 03H by their parts; another length says nothing."""
    request = bytes(range(24))
    said = annotator(SecurityRequest(0x070000FF, "00000000", request), "data", request)
    assert said.startswith("cipher text 1 0706050403020100; random number 1 0F0E")
    answer = bytes(range(12))
    assert annotator(ReadAnswer(0x070000FF, answer), "data", answer).startswith("random number 2 03020100; serial")
    assert security_text(0x070000FF, bytes(23), answer=False) is None
    assert security_text(0x00010000, bytes(4), answer=False) is None
    for di, size in ((0x070001FF, 14), (0x070101FF, 30), (0x070102FF, 30), (0x070201FF, 48), (0x078001FF, 16)):
        assert security_text(di, bytes(size - 8), answer=False), f"{di:08X}"


def test_fields_of_a_word_do_not_overlap():
    """Every bit of a word has one meaning, and fields lie within 96 bits."""
    for name, flags in words().items():
        bits = [bit for flag in flags for bit in range(flag.bit, flag.bit + flag.width)]
        assert len(bits) == len(set(bits)), name
        assert max(bits) < 96
        assert all(len(flag.values) <= 1 << flag.width for flag in flags)
    assert word("none") == ()


@given(st.sampled_from(sorted(words())), st.integers(0, (1 << 96) - 1))
def test_no_bit_is_left_out(name, value):
    """Every set bit appears in the text, by its name, its choice or its number."""
    if name == "report_reset":
        return
    covered = {bit for flag in word(name) for bit in range(flag.bit, flag.bit + flag.width)}
    fields = sum(bool(flag.of(value)) for flag in word(name))
    strays = sum(value >> bit & 1 for bit in range(96) if bit not in covered)
    assert len(told(name, value)) == fields + strays


@given(
    st.sampled_from([0x03010101, 0x0101FF00, 0x0500FF01, 0x061001FF, 0x06000002, 0x040005FF]),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple),
        max_leaves=8,
    ),
)
def test_values_of_another_shape_make_cells_too(di, value):
    """Whatever is handed over is shown, nothing is raised."""
    for cell in cells(identifier(di), value):
        assert isinstance(cell, Cell)
        assert isinstance(cell.flags, list)


def test_known_report_vectors_are_told():
    """The active report names its events with their counts."""
    assert data_text(0x04001501, bytes.fromhex("004004000000000000000000AA0101AA")) == (
        "trip success 1 times, phase a overvoltage 1 times"
    )
