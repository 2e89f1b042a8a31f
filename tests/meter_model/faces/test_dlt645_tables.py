"""Records of tables that were programmed, and of the classes whose records are read item by item."""

import datetime as dt
from decimal import Decimal

import pytest

from meterwire.errors import MalformedError
from meterwire.meter_model.circuit import PhaseOverride
from meterwire.protocols.dlt645.client import Credentials, Meter645
from meterwire.protocols.dlt645.identifiers import decode, identifier
from meterwire.protocols.dlt645.interpret import interpret
from meterwire.protocols.dlt645.names import item as item_of
from meterwire.transports.memory import connected

from .dialect645 import ADDRESS, NO_DATA, NOON, di, new_face, refused

WHO = Credentials("444444", 4, "12345678")
TIME = f"{NOON:%y-%m-%d %H:%M:%S}"


def client(face) -> Meter645:
    return Meter645(connected(face.connect()), ADDRESS, credentials=WHO)


def values(face, item: str):
    return decode(int(item, 16), client(face).read_data(int(item, 16)))


@pytest.mark.parametrize(
    ("item", "new", "record", "place"),
    [
        ("04000802", 3, "033007", 0),
        ("04000601", 1, "033009", 0),
        ("04000602", 1, "03300A", 0),
        ("04000603", 1, "03300B", 0),
        ("04000B01", "05 12", "03300C", 0),
        ("04000B02", "06 13", "03300C", 1),
    ],
)
def test_a_record_has_what_was_there_before(item, new, record, place):
    """As the client read it before it wrote; the second record has what the first write left."""
    face = new_face()
    meter = client(face)
    old = values(face, item)
    assert values(face, f"{record}00") == Decimal(0)
    meter.write(item, new)
    assert old != values(face, item)
    time, operator, *before = values(face, f"{record}01")
    assert (time, operator) == (TIME, "12345678")
    assert before[place] == old
    assert values(face, f"{record}00") == Decimal(1)
    face.meter.clock.step(86_400)
    left = values(face, item)
    meter.write(item, old)
    assert values(face, f"{record}01")[2 + place] == left
    assert values(face, f"{record}02")[2 + place] == old


def test_day_schedules_of_both_sets_before_they_were_programmed():
    """Sixteen tables of fourteen slots, those beyond the last repeat it; the long record comes in follow-up frames."""
    face = new_face()
    client(face).write("04000202", 3)
    old = [tuple(values(face, f"0401{number:04X}")) for number in (1, 2)]
    other = tuple(values(face, "04020003"))
    client(face).write("04010001", [[1, "00:00"], [2, "06:30"]])
    time, operator, slots = values(face, "03300501")
    assert (time, operator) == (TIME, "12345678")
    assert len(slots) == 224
    slots = [tuple(slot) for slot in slots]
    assert slots[: len(old[0])] == [tuple(slot) for slot in old[0]]
    assert slots[14 : 14 + len(old[1])] == [tuple(slot) for slot in old[1]]
    assert slots[10 * 14 : 10 * 14 + len(other)] == [tuple(slot) for slot in other]
    face.meter.clock.step(86_400)
    client(face).write("04020003", [[3, "00:00"]])
    assert [tuple(slot) for slot in values(face, "03300501")[2]][:14] == [
        (Decimal(1), "00:00"),
        *[(Decimal(2), "06:30")] * 13,
    ]


def test_seasons_and_holidays_before_they_were_programmed():
    """Two tables of fourteen zones; 254 holidays, those that were none as zeros."""
    face = new_face()
    meter = client(face)
    meter.write("04000202", 3)
    meter.write("04010000", [[2, "02-03"]])
    assert tuple(values(face, "03300601")[2][0]) == (Decimal(1), "01-01")
    meter.write("04000205", 2)
    meter.write("04030001", [1, "26-05-01"])
    meter.write("04030002", [2, "26-10-01"])
    holidays = values(face, "03300801")[2]
    assert len(holidays) == 254
    assert {tuple(holiday) for holiday in holidays} == {(Decimal(0), "00-00-00")}
    face.meter.clock.step(86_400)
    meter.write("04030002", [1, "26-10-02"])
    first, second, third = values(face, "03300801")[2][:3]
    assert tuple(first) == (Decimal(1), "26-05-01")
    assert tuple(second) == (Decimal(2), "26-10-01")
    assert tuple(third) == (Decimal(0), "00-00-00")


@pytest.fixture(scope="module")
def troubled():
    """Phase B was low, unbalanced with that, and its voltage was lost later; the relay opened and closed."""
    face = new_face()
    meter = face.meter
    for voltage in (150.0, 20.0):
        meter.override_phase("b", PhaseOverride(voltage=voltage))
        meter.clock.step(900)
        meter.override_phase("b", None)
        meter.clock.step(900)
    meter.relay.trip()
    meter.clock.step(600)
    meter.relay.close()
    meter.clock.step(600)
    meter.advance()
    return face


@pytest.mark.parametrize(
    ("single", "record"),
    [("1102", "030202"), ("1002", "030102"), ("1600", "030900")],
)
def test_single_items_agree_with_the_whole_record(troubled, single, record):
    """What class 03 shows in one record; energies at the end are those at the start and the growth between."""
    found = identifier(int(f"{record}01", 16))
    whole = dict(zip((column.name for column in found.columns), values(troubled, f"{record}01"), strict=True))
    assert whole["start"].startswith("26-03-04")
    columns, compared = {}, 0
    for number in range(1, 0x36):
        one = identifier(int(f"{single}{number:02X}01", 16))
        if one is not None:
            columns[one.name.rpartition(": ")[2]] = values(troubled, f"{single}{number:02X}01")
    for name, value in whole.items():
        if name in columns:
            assert columns[name] == value, name
            compared += 1
    assert compared >= 3
    grown = columns["forward active energy at end"] - columns["forward active energy at start"]
    assert abs(grown - whole["forward active energy during"]) <= Decimal("0.01")
    assert grown > 0


def test_the_rate_of_an_unbalance_is_told(troubled):
    """The highest while it lasted."""
    record = troubled.meter.events.record("voltage_unbalance")
    rate = values(troubled, "03090001")[2]
    assert rate == Decimal(int(record.during["peak"] * 100)) / 100 > 30


def test_the_relay_has_records_of_classes_of_its_own(troubled):
    """When, and the energies then; a trip is one event and has no minutes."""
    trip = troubled.meter.events.record("relay_trip")
    assert values(troubled, "1D000001") == values(troubled, "1E000001") == Decimal(1)
    assert values(troubled, "1D000101") == f"{trip.start:%y-%m-%d %H:%M:%S}"
    energy = trip.before["active_energy_import"]
    assert values(troubled, "1D000301") == Decimal(int(energy * 100)) / 100 > 0
    assert values(troubled, "1D000102") == "00-00-00 00:00:00"
    for missing in ("1D000901", "1D00010B", "1D000002", "1D010101", "21000001"):
        assert refused(troubled, 0x11, di(missing)) == NO_DATA


def test_counts_and_minutes_of_a_phase_and_of_all(troubled):
    """The same as class 03 counts; all phases together are their sum, the latest moment is that of any phase."""
    events = troubled.meter.events
    assert events.count("voltage_loss_b") > 0
    pairs = values(troubled, "03010000")
    for number, (count, minutes) in enumerate(pairs, 1):
        assert values(troubled, f"10{number:02X}0001") == count
        assert values(troubled, f"10{number:02X}0002") == minutes
    assert values(troubled, "10000001") == sum(count for count, _ in pairs)
    assert values(troubled, "10000002") == sum(minutes for _, minutes in pairs)
    record = events.record("voltage_loss_b")
    assert values(troubled, "10000101") == f"{record.start:%y-%m-%d %H:%M:%S}"
    assert values(troubled, "10000201") == f"{record.end:%y-%m-%d %H:%M:%S}"
    assert values(new_face(), "10000101") == "00-00-00 00:00:00"


def test_every_single_item_has_its_declared_length(troubled):
    """Each column of each kind is known, whether there is a record or not."""
    served = 0
    for head in (group << 16 for group in range(0x1000, 0x2001)):
        if identifier(head | 0x0101) is None and identifier(head | 1) is None:
            continue
        for column in range(0x36):
            for number in (1, 2, 10):
                item = head | column << 8 | number
                found = identifier(item)
                if found is not None:
                    octets = troubled.octets(item)
                    assert octets is not None, f"{item:08X}"
                    assert len(octets) == found.octets
                    served += 1
    assert served > 4_000


def test_the_demands_over_their_limits_are_counted_together():
    """Six counts in one item, each with records of its own."""
    face = new_face()
    limit = face.meter.events.limits["demand_limit_active_import"]
    assert values(face, "03120000") == [Decimal(0)] * 6
    face.meter.events.set_limit("demand_limit_active_import", limit / 1000)
    face.meter.clock.step(3_600)
    face.meter.advance()
    count = face.meter.events.count("demand_over_active_import")
    assert count > 0
    assert values(face, "03120000") == [Decimal(count), *[Decimal(0)] * 5]
    assert values(face, "03120101")[0].startswith("26-03-04 12:")


def test_prices_keys_and_cards_are_counted(troubled):
    """Their records have layouts that are recalled: zeros before the first, as everywhere."""
    for item in ("03300F", "033010", "033012", "033013", "033600", "033700"):
        assert values(troubled, f"{item}00") == Decimal(0)
        assert troubled.octets(int(f"{item}01", 16)) == bytes(identifier(int(f"{item}01", 16)).octets)
    assert values(troubled, "03350001")[0] == "00-00-00 00:00:00"


def test_records_of_prices_and_steps_have_what_was_there_before():
    """Both sets of both tables, as they stood before the first of the writes that one record holds."""
    face = new_face()
    meter = client(face)
    meter.write("04000207", 2)
    meter.write("04050101", Decimal("0.5583"))
    face.meter.clock.step(86_400)
    meter.write("04050101", Decimal("0.6"))
    meter.write("04050202", Decimal("0.9"))
    _, operator, *prices = values(face, "03300F01")
    assert operator == "12345678"
    assert prices == [Decimal("0.5583"), *[Decimal(0)] * 7]
    assert values(face, "03300F00") == Decimal(2)
    meter.write("04060001", Decimal("230.00"))
    face.meter.clock.step(86_400)
    meter.write("04060101", Decimal("0.05"))
    assert list(values(face, "03301001")[2:]) == [Decimal(230), *[Decimal(0)] * 25]
    assert list(values(face, "03301002")[2:]) == [Decimal(0)] * 26


@pytest.mark.parametrize(
    ("item", "notes"), [("033013", "card-error"), ("033600", "relay-malfunction"), ("033700", "supply-abnormal")]
)
def test_records_of_faults(item, notes):
    """When they began and ended; that of the relay with the energies of both moments. Zeros before the first."""
    face = new_face()
    size = identifier(int(f"{item}01", 16)).octets
    assert client(face).read_data(int(f"{item}01", 16)) == bytes(size)
    face.meter.note_event(notes)
    before = face.meter.read("active_energy_import")
    face.meter.clock.step(86_400)
    face.meter.note_event(f"{notes}-over")
    found = values(face, f"{item}01")
    assert found[0] == TIME
    assert found[1] == f"{NOON + dt.timedelta(days=1):%y-%m-%d %H:%M:%S}"
    if item == "033600":
        after = face.meter.read("active_energy_import")
        assert [int(found[2] * 100), int(found[4] * 100)] == [int(before * 100), int(after * 100)]


def test_a_recalled_layout_that_does_not_fit_is_shown_raw():
    """A meter in the field may know better than the table; a layout of the standard's tables is still an error."""
    assert interpret(item_of("03301201"), bytes(11)).value == "00" * 11
    with pytest.raises(MalformedError):
        interpret(item_of("03300901"), bytes(12))
