"""The meter of 1997: its functions, its identifiers, its client, and each edition deaf to the other."""

import datetime as dt
from decimal import Decimal

import pytest

from meterwire.errors import LocalProtocolError, NoAnswer, OutcomeUnknown, Refused
from meterwire.meter_model import Constant
from meterwire.meter_model.faces.dlt645.face import Face645
from meterwire.protocols.dlt645.client import Credentials, Meter645
from meterwire.protocols.dlt645.frame import BROADCAST, WILDCARD
from meterwire.protocols.dlt645.identifiers import identifiers_for
from meterwire.quantities import QUANTITIES
from meterwire.transports.memory import connected

from .dialect645 import ADDRESS, LOW, NO_DATA, NOON, OTHER, UNAUTHORISED, WRONG, asked, done, new_face, refused, sent

OF = identifiers_for("1997")
WHO = Credentials("444444", 4)


def old_face(**more) -> Face645:
    return Face645(new_face(**more).meter, edition=1997)


def client(face: Face645, edition=1997, address: str = ADDRESS) -> Meter645:
    return Meter645(connected(face.connect()), address, edition=edition, credentials=WHO)


def di(text: str) -> bytes:
    return bytes.fromhex(text)[::-1]


def test_every_quantity_of_the_edition_reads_as_in_2007_to_the_coarser_digits():
    """One physics: what both editions have is the same number, cut to the digits of 1997."""
    face = old_face()
    old, new = client(face), Meter645(connected(Face645(face.meter).connect()))
    compared = 0
    for name, row in QUANTITIES.items():
        if OF.of_quantity(name) is None or row.di is None:
            continue
        try:
            here = old.read(name)
        except Refused:
            with pytest.raises(Refused):
                new.read(name)
            continue
        there = new.read(name)
        if isinstance(there.value, Decimal):
            exponent = here.value.as_tuple().exponent
            assert here.value == there.value.quantize(Decimal(1).scaleb(exponent), "ROUND_DOWN"), name
        else:
            assert here.value == there.value, name
        compared += 1
    assert compared > 60


def test_blocks_have_the_meters_rates():
    """Total and four; times of demands beside them."""
    face = old_face()
    block = client(face).read("901F").value
    assert len(block) == 5
    assert block[0] == client(face).read("active_energy_import").value
    demand = face.meter.read("demand_active_import_max")
    assert client(face).read("B010").value == f"{demand.time:%m-%d %H:%M}"


def test_long_items_come_in_parts_without_numbers_and_a_part_again():
    """02H brings the next, 03H the last one again."""
    face = Face645(new_face().meter, edition=1997, limit=10)
    connection = face.connect()
    one = type("One", (), {"connect": lambda _: connection})()
    first, second, again = (asked(one, function, di("901F")) for function in (1, 2, 3))
    assert (first.control.follow_up, second.control.follow_up) == (1, 1)
    assert second.data == again.data != first.data
    assert len(client(face).read("901F").value) == 5
    assert refused(face, 2, di("901F")) == NO_DATA
    assert refused(face, 3, di("901F")) == NO_DATA


def test_writing_through_the_client():
    """Parameters, the clock, the address, passwords, the demand: each with its record."""
    face = old_face()
    meter = client(face)
    meter.write("C112", 3)
    assert face.meter.parameters["demand_sliding_time"] == 3
    meter.write_text("C117", "15 12")
    assert face.meter.parameters["settlement_day_1"] == (15, 12)
    meter.write("C011", "10:00:15")
    meter.write("C010", "26-03-05.04")
    assert face.meter.now().replace(tzinfo=None) == dt.datetime(2026, 3, 5, 10, 0, 15)
    assert face.meter.events.count("clock_set") == 2
    meter.change_password(4, "111111")
    meter.clear_demand()
    assert face.meter.events.count("demand_clear") == 1
    meter.set_address("202603040017")
    assert face.address == meter.address == "202603040017"
    assert [one.item for one in face.meter.programming.last(7)] == [
        "C034",
        "demand",
        "C212",
        "C010",
        "C011",
        "C117",
        "C112",
    ]
    meter.change_baud(4800)
    assert face.meter.parameters["baud_port_1"] == 4800


@pytest.mark.parametrize(
    ("function", "data", "error"),
    [
        (0x01, di("9099"), NO_DATA),
        (0x01, di("9010") + b"\x00", OTHER),
        (0x01, b"\x10", OTHER),
        (0x04, di("C112") + WRONG + b"\x03", UNAUTHORISED),
        (0x04, di("C112") + LOW + b"\x99", OTHER),
        (0x04, di("C112") + LOW + b"\x03\x00", OTHER),
        (0x04, di("C011") + LOW + b"\x00\x61\x10", OTHER),
        (0x04, di("9010") + LOW + bytes(4), NO_DATA),
        (0x04, di("C112"), OTHER),
        (0x0C, b"\x03", OTHER),
        (0x0F, WRONG + LOW, UNAUTHORISED),
        (0x0F, LOW + b"\x02" + LOW[1:], UNAUTHORISED),
        (0x0F, LOW + b"\x0a" + LOW[1:], OTHER),
        (0x10, WRONG, UNAUTHORISED),
    ],
)
def test_what_cannot_be_done_is_refused(function, data, error):
    """One octet of error, and no change."""
    face = old_face()
    before = face.meter.parameters.state()
    assert refused(face, function, data) == error
    assert face.meter.parameters.state() == before
    assert face.meter.programming.count == 0


@pytest.mark.parametrize("function", [0x11, 0x13, 0x14, 0x1C])
def test_functions_that_came_later_are_met_with_silence(function):
    """A meter of 1997 does not know them."""
    assert sent(old_face(), function, bytes.fromhex("00000100")) == []


@pytest.mark.parametrize("function", [1, 2, 3, 4, 0x0A, 0x0C, 0x0F, 0x10, 0x16])
def test_a_broadcast_is_not_answered(function):
    """As in 2007."""
    face = old_face()
    assert sent(face, function, di("C112") + LOW + b"\x03", BROADCAST) == []
    assert face.meter.programming.count == 0


def test_the_broadcast_time_is_obeyed():
    """08H is of both editions."""
    face = old_face()
    client(face).set_time(NOON + dt.timedelta(minutes=1))
    assert face.meter.now().replace(tzinfo=None) == NOON + dt.timedelta(minutes=1)


def test_an_address_is_not_written_without_the_switch():
    """Silence, as in 2007."""
    face = old_face(programming=False)
    assert sent(face, 0x0A, bytes.fromhex("170004032620"), WILDCARD) == []
    with pytest.raises(OutcomeUnknown):
        client(face).set_address("202603040017")


@pytest.mark.parametrize("address", [ADDRESS, WILDCARD])
@pytest.mark.parametrize("edition", [1997, 2007])
def test_the_client_finds_out(address, edition):
    """A meter that answers to neither question of 2007 is asked as one of 1997."""
    face = Face645(new_face().meter, edition=edition)
    meter = client(face, "auto", address)
    assert meter.edition is None
    assert meter.read("voltage_a").value > 200
    assert meter.edition == edition


def test_finding_out_on_a_dead_line_ends_as_no_answer():
    """And the next call asks again."""
    meter = client(old_face(), "auto", "000000000999")
    for _ in range(2):
        with pytest.raises(NoAnswer):
            meter.read("voltage_a")
        assert meter.edition is None


def test_what_the_edition_does_not_have_is_told_before_anything_is_sent():
    """No clearing of the meter, no relay; identifiers of eight digits are of 2007."""
    meter = client(old_face())
    for call in (meter.clear_meter, meter.clear_events, meter.freeze, lambda: meter.read("00010000")):
        with pytest.raises(LocalProtocolError):
            call()
    with pytest.raises(LocalProtocolError):
        Face645(new_face().meter, edition=2014)
    assert done(old_face(), 1, di("9010"))[:2] == di("9010")


def test_zones_slots_and_holidays_are_written_entry_by_entry():
    """The tables in force, as 2007 reads them; entries beyond the last repeat it."""
    face = old_face()
    meter, held = client(face), face.meter.parameters
    for item, value in (("C310", 3), ("C311", 2), ("C312", 4), ("C314", 2)):
        meter.write(item, value)
    held.set("day_schedule_1_1", ((0, 1),))
    meter.write("C333", (Decimal(2), "17:30"))
    meter.write("C332", (Decimal(3), "08:00"))
    assert held["day_schedule_1_1"] == ((0, 1), (480, 3), (1050, 2))
    assert [meter.read(f"C33{entry}").value for entry in (1, 2, 3, 4)] == [
        [Decimal(1), "00:00"],
        [Decimal(3), "08:00"],
        [Decimal(2), "17:30"],
        [Decimal(2), "17:30"],
    ]
    meter.write("C322", (Decimal(2), "07-01"))
    assert held["season_table_1"][-1] == (7, 1, 2)
    meter.write("C411", (Decimal(2), "10-01"))
    meter.write("C412", (Decimal(1), "01-01"))
    assert (held["holiday_1"], held["holiday_2"]) == ((dt.date(2026, 10, 1), 2), (dt.date(2027, 1, 1), 1))
    assert meter.read("C412").value == [Decimal(1), "01-01"]
    meter.write("C411", (Decimal(0), "00-00"))
    assert held["holiday_1"] is None
    assert meter.read("C411").value == [Decimal(0), "00-00"]
    assert face.meter.events.count("day_schedule_programming") >= 1
    for item, value, bits in (
        ("C335", (Decimal(1), "08:00"), 0x02),
        ("C351", (Decimal(1), "08:00"), 0x02),
        ("C332", (Decimal(9), "08:00"), 0x40),
        ("C322", (Decimal(5), "07-01"), 0x20),
        ("C411", (Decimal(1), "02-30"), 0x01),
        ("C413", (Decimal(1), "02-03"), 0x02),
    ):
        with pytest.raises(Refused) as refusal:
            meter.write(item, value)
        assert refusal.value.code == bits, item


def test_rates_and_settlements_of_every_register():
    """9411H is the first rate at the last settlement, 98xx of the one before, Bxxx the times of maxima."""
    face = old_face()
    face.meter.clock.step(70 * 86_400)
    meter, new = client(face), Meter645(connected(Face645(face.meter).connect()))
    for old, item in (("9411", "00010101"), ("9810", "00010002"), ("9124", "00040400"), ("A412", "01010201")):
        value = new.read(item).value
        digits = meter.read(old).value
        assert digits == (value.quantize(digits, "ROUND_DOWN") if isinstance(value, Decimal) else value), old
    block = meter.read("941F").value
    assert len(block) == 5
    assert block[2] == meter.read("9412").value
    maximum = face.meter.settlement(1)
    assert maximum is not None
    time = new.read("01010001").time
    assert meter.read("B410").value == f"{time:%m-%d %H:%M}"
    assert refused(face, 1, di("9415")) == NO_DATA


def test_counts_times_and_states():
    """Programmings, clearings, phase failures, and both status words."""
    face = old_face()
    meter = client(face)
    assert [meter.read(item).value for item in ("B210", "B212", "B310", "B340")] == ["00-00 00:00", 0, 0, "00-00 00:00"]
    meter.write("C113", 7)
    assert [meter.read(item).value for item in ("B210", "B212")] == [f"{NOON:%m-%d %H:%M}", 1]
    face.meter.cut_phase("b")
    face.meter.clock.step(600)
    assert [meter.read(item).value for item in ("B310", "B312", "B311")] == [1, 1, 0]
    assert meter.read("B322").value == Decimal(9)
    assert meter.read("B332").value.startswith("03-04 12:0")
    assert int(meter.read("C021").value) == 0b10
    face.meter.turn_current("a", True)
    face.meter.set_load(Constant(1000, 0, 220))
    assert meter.read("B634").value == Decimal("39.60")
    meter.write("B634", Decimal("20.5"))
    assert face.meter.parameters["active_power_limit_import"] == Decimal("20.5")
