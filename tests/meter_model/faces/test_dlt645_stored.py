"""What the meter has stored, as DL/T 645 lays it out: event records and totals, freezes, status words."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest

from meterwire.errors import Refused
from meterwire.meter_model.circuit import PhaseOverride
from meterwire.meter_model.faces.dlt645.freezes import KINDS
from meterwire.meter_model.faces.dlt645.kinds import kinds_of
from meterwire.meter_model.faces.dlt645.status import WORDS
from meterwire.meter_model.inputs import Inputs
from meterwire.meter_model.values import Demand
from meterwire.protocols.dlt645.client import Credentials, Meter645
from meterwire.protocols.dlt645.identifiers import decode, identifier
from meterwire.transports.memory import connected

from .dialect645 import ADDRESS, NO_DATA, NOON, di, new_face, refused, writing

WHO = Credentials("444444", 4, "12345678")


def client(face) -> Meter645:
    return Meter645(connected(face.connect()), ADDRESS, credentials=WHO)


def values(face, item: str):
    return decode(int(item, 16), client(face).read_data(int(item, 16)))


def cut(value: Fraction, decimals: int) -> Decimal:
    return Decimal(int(value * 10**decimals)).scaleb(-decimals)


def test_a_programming_record_has_time_operator_and_what_was_written():
    """The record that a writing client finds afterwards."""
    face = new_face()
    assert values(face, "03300000") == Decimal(0)
    client(face).write("04001401", 5)
    client(face).write("04000104", 3)
    assert values(face, "03300000") == Decimal(1), "one session"
    time, operator, *items = values(face, "03300001")
    assert (time, operator) == (f"{NOON:%y-%m-%d %H:%M:%S}", "12345678")
    assert [item for item in items if item != "00000000"] == ["04001401", "04000104"]


def test_an_under_voltage_has_its_columns_at_start_and_end():
    """Stored when it began and ended; totals beside it."""
    face = new_face()
    meter = face.meter
    meter.override_phase("b", PhaseOverride(voltage=150.0))
    meter.clock.step(600)
    meter.override_phase("b", None)
    meter.clock.step(600)
    meter.advance()
    record = meter.events.record("under_voltage_b")
    assert record.end is not None
    found = values(face, "03020201")
    names = [column.name for column in identifier(0x03020201).columns]
    shown = dict(zip(names, found, strict=True))
    assert shown["start"] == f"{record.start:%y-%m-%d %H:%M:%S}"
    assert shown["end"] == f"{record.end:%y-%m-%d %H:%M:%S}"
    growth = record.during["active_energy_import"]
    assert shown["forward active energy during"] == cut(growth, 2) > 0
    assert values(face, "03020000")[1] == (Decimal(1), Decimal(meter.events.total("under_voltage_b") // 60))
    assert values(face, "03020000")[0] == (Decimal(0), Decimal(0))


def test_covers_relay_and_power_have_their_records():
    """Start and end, energies before and after."""
    face = new_face()
    meter = face.meter
    meter.change_inputs(Inputs(cover_open=True))
    meter.clock.step(300)
    meter.change_inputs(Inputs())
    meter.powered = False
    meter.clock.step(300)
    meter.powered = True
    meter.clock.step(60)
    meter.advance()
    start, end, *energies = values(face, "03300D01")
    assert (start, end) == (f"{NOON:%y-%m-%d %H:%M:%S}", f"{NOON + dt.timedelta(minutes=5):%y-%m-%d %H:%M:%S}")
    assert energies[6] > energies[0] > 0
    assert values(face, "03110000") == Decimal(1)
    assert values(face, "03110001")[0] == end
    assert values(face, "03300D02")[0] == "00-00-00 00:00:00"


def test_clearings_and_the_clock_have_theirs():
    """With the operator and what was there before."""
    face = new_face()
    meter = client(face)
    demand = face.meter.read("demand_active_import_max")
    meter.clear_demand()
    found = values(face, "03300201")
    assert found[:3] == (f"{NOON:%y-%m-%d %H:%M:%S}", "12345678", cut(demand.value, 4))
    assert found[3] == f"{demand.time:%y-%m-%d %H:%M}"
    meter.write("04000102", "12:10:00")
    assert values(face, "03300401") == ("12345678", f"{NOON:%y-%m-%d %H:%M:%S}", "26-03-04 12:10:00")
    energy = face.meter.read("active_energy_import")
    meter.clear_meter(Credentials("222222", 2, "12345678"))
    assert values(face, "03300101")[2] == cut(energy, 2)
    assert values(face, "03300201")[0] == "00-00-00 00:00:00"


def test_every_event_item_of_a_known_kind_has_its_declared_length():
    """Records that are, records that are not yet, and totals; nothing raises, nothing is cut."""
    face = new_face()
    client(face).write("04001401", 5)
    served = 0
    for group in range(0x0301, 0x0331):
        for di1 in range(0x0F):
            for number in (0, 1, 2, 10):
                item = group << 16 | di1 << 8 | number
                found, octets = identifier(item), face.octets(item)
                if octets is not None:
                    assert found.octets in (None, len(octets)), f"{item:08X}"
                    decode(item, octets)
                    served += 1
    assert served > 190
    assert refused(face, 0x11, di("0330000B")) == NO_DATA
    assert kinds_of(0x033000FF) == ("programming",)


@pytest.mark.parametrize("di2", [0x00, 0x01, 0x06])
def test_a_freeze_shows_what_the_meter_read_at_that_moment(di2):
    """Each column, and the block of all of them."""
    face = new_face()
    meter = face.meter
    energies = client(face).read("0001FF00").value
    kind = KINDS[di2]
    assert refused(face, 0x11, di(f"05{di2:02X}0101")) == NO_DATA
    meter.freezes.trigger(kind)
    row = meter.freezes.row(kind, 1)
    meter.clock.step(86_400 // 4)
    assert values(face, f"05{di2:02X}0001") == f"{row.time:%y-%m-%d %H:%M}"
    assert values(face, f"05{di2:02X}0101") == energies
    first = values(face, f"05{di2:02X}0901")[0]
    peak = row.values["demand_active_import_max"]
    assert isinstance(peak, Demand)
    assert first == (cut(peak.value, 4), f"{peak.time:%y-%m-%d %H:%M}")
    assert len(values(face, f"05{di2:02X}1001")) == 8
    block = values(face, f"05{di2:02X}FF01")
    assert block[1] == energies
    assert len(block) == 12


def test_the_order_to_freeze_is_obeyed_and_read():
    """16H, and the instant freeze that it left."""
    face = new_face()
    client(face).freeze()
    assert values(face, "05010001") == f"{NOON:%y-%m-%d %H:%M}"
    client(face).freeze("99991215")
    face.meter.clock.step(3_600)
    assert values(face, "05000001") == "26-03-04 12:15"
    with pytest.raises(Refused):
        client(face).read("05010002")


def test_each_bit_of_the_status_words_has_its_place():
    """From the named states of the meter, and nothing else."""
    face = new_face(programming=False)
    named = [name for word in WORDS for name in word]
    assert len(named) == len(set(named)) > 50
    for number, word in enumerate(WORDS):
        for name, place in word.items():
            face.meter.status = Only(name)
            assert int.from_bytes(face.octets(0x04000501 + number), "little") == 1 << place, name
    face.meter.status = Only()
    assert face.octets(0x040005FF) == bytes(14)


def test_the_sets_of_tables_in_force_are_told():
    """Day schedules, seasons, prices, steps: bits 0, 5, 10 and 11 of word 3."""
    face = new_face(programming=False)
    for name, bit in (("schedule", 0), ("season", 5), ("price", 10), ("step", 11)):
        face.meter.tariff.sets[name] = 1
        assert int.from_bytes(face.octets(0x04000503), "little") == 1 << bit
        face.meter.tariff.sets[name] = 0


class Only:
    def __init__(self, *names: str) -> None:
        self.names = set(names)

    def bits(self) -> set[str]:
        return self.names


def test_the_status_words_follow_the_meter():
    """Relay, programming switch, reversed power, lost voltage."""
    face = new_face(programming=False)
    meter = face.meter
    assert int.from_bytes(face.octets(0x04000503), "little") == 0
    meter.access.programming = True
    meter.relay.trip()
    assert int.from_bytes(face.octets(0x04000503), "little") & 0b11000 == 0b11000
    meter.relay.close()
    meter.override_phase("a", PhaseOverride(voltage=150.0, active=-3000.0))
    meter.clock.step(300)
    meter.advance()
    assert int.from_bytes(face.octets(0x04000502), "little") & 1
    assert int.from_bytes(face.octets(0x04000504), "little") & 0b10
    assert refused(face, 0x11, di("04000508")) == NO_DATA
    assert writing("04000501", "0000")
    assert refused(face, 0x14, writing("04000501", "0000")) == "04"


def test_registers_of_every_rate_and_settlement():
    """What the table of quantities does not name is served all the same: rates at settlements sum up to their total."""
    face = new_face()
    face.meter.clock.step(40 * 86_400)
    face.meter.advance()
    kept = face.meter.settlement(1).readings
    for rate in range(1, 5):
        wanted = kept.reading("active_import", "total", rate)
        assert values(face, f"0001{rate:02X}01") == Decimal(int(wanted * 100)).scaleb(-2)
    block = values(face, "0001FF01")
    assert list(block) == [values(face, f"0001{rate:02X}01") for rate in range(5)]
    assert values(face, "01010201")[0] <= values(face, "01010001")[0]
    assert len(values(face, "0101FF01")) == 5
    assert [face.octets(item) for item in (0x00010501, 0x0001010D, 0x00150100)] == [None] * 3
