"""The flagship: at a frozen clock every quantity reads the same through each dialect that names it."""

import datetime as dt
import os
import subprocess
import sys
from decimal import ROUND_DOWN, Decimal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meterwire.meter_model.clock import parse_clock
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.faces.dlt645.face import Face645
from meterwire.meter_model.faces.dlt645.parameters import places
from meterwire.meter_model.faces.dlt645.values import unpacked
from meterwire.meter_model.faces.dlt69845.attributes import read, rows
from meterwire.meter_model.faces.dlt69845.face import Face69845
from meterwire.meter_model.faces.dlt69845.holds import held_of
from meterwire.meter_model.faces.dlt69845.types import type_of
from meterwire.meter_model.load import Constant, Household, Industrial
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.parameters import parameters
from meterwire.protocols.dlms.client import MeterDlms
from meterwire.protocols.dlt645.client import Meter645
from meterwire.protocols.dlt645.identifiers import decode
from meterwire.protocols.dlt69845.client import Meter69845
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.quantities import QUANTITIES
from meterwire.transports.memory import ResponderLine

ROWS = list(QUANTITIES.values())
NAMED = {
    "dlt645": [row for row in ROWS if row.di is not None],
    "dlt69845": [row for row in ROWS if row.oad is not None],
    "dlms": [row for row in ROWS if row.obis is not None],
}
SHARED = [row for row in ROWS if sum(row in rows for rows in NAMED.values()) >= 2]
EXAMPLES = 6 if os.environ.get("METERWIRE_CODEC") == "construct" else 20

FLOWS = ["active_import", "active_export", "reactive_q1", "reactive_q2", "reactive_q3", "reactive_q4"]
loads = st.one_of(
    st.builds(
        Constant,
        active=st.lists(st.floats(-13_000, 13_000), min_size=3, max_size=3).map(tuple),
        reactive=st.lists(st.floats(-8_000, 8_000), min_size=3, max_size=3).map(tuple),
    ),
    st.builds(Household, peak=st.floats(0, 12_000), photovoltaic=st.floats(0, 12_000)),
    st.builds(Industrial),
)
near_the_end = st.decimals("999999", "1000000", places=6, allow_nan=False)
readings = st.dictionaries(
    st.sampled_from(FLOWS),
    st.one_of(
        near_the_end, st.decimals(0, 1_000_000, places=6), st.lists(near_the_end, min_size=4, max_size=4).map(tuple)
    ),
    max_size=6,
)


CHANGED = {
    "season_count": 3,
    "day_schedule_count": 2,
    "holiday_count": 2,
    "season_table_1": ((1, 1, 1), (4, 1, 2), (10, 1, 1)),
    "day_schedule_1_2": ((0, 2), (495, 1), (1320, 3)),
    "holiday_2": (dt.date(2026, 10, 1), 2),
    "rate_price_1_3": Decimal("0.6123"),
    "rate_price_2_4": Decimal("0.2001"),
    "schedule_switch_time": dt.datetime(2026, 7, 1, 2, 30),
    "settlement_day_2": (15, 12),
    "working_days": 0b0111110,
    "reactive_combination_2": 0b01101001,
    "transformer_loss_7": Decimal("1.234"),
    "alarm_amount_2": Decimal("12.34"),
    "trip_current_limit": Decimal("7.5"),
}
"""Parameters that are not as a new meter has them."""


def clients(meter):
    return {
        "dlt645": Meter645(ResponderLine(Face645(meter).connect())),
        "dlt69845": Meter69845(ResponderLine(Face69845(meter).connect())),
        "dlms": MeterDlms(ResponderLine(FaceDlms(meter).connect())),
    }


def coarse(value, row):
    if isinstance(value, Decimal) and row.coarsest is not None:
        return value.quantize(Decimal(1).scaleb(row.coarsest), ROUND_DOWN) + 0
    return value


def test_the_table_is_wide_enough():
    """Protects the promise: at least 120 quantities, 100 with DI and OAD, 80 with all three names."""
    assert len(ROWS) >= 120
    assert sum(row.di is not None and row.oad is not None for row in ROWS) >= 100
    assert sum(None not in (row.di, row.oad, row.obis) for row in ROWS) >= 80


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(loads, st.integers(0, 2**31), readings, st.integers(0, 40 * 86_400))
def test_every_quantity_reads_the_same(load, seed, given_readings, seconds):
    """Protects trust in a number: one meter, whatever its load, its seed, its past and the time, tells one truth.

    Compared at the coarsest resolution that a dialect declares, cut and never rounded; overflow included.
    """
    meter = Meter(clock=parse_clock("frozen:2026-01-01T00:00:00"), load=load, seed=seed, given=given_readings)
    meter.clock.step(seconds)
    found = {}
    for dialect, client in clients(meter).items():
        wanted = [row.name for row in SHARED if row in NAMED[dialect]]
        found[dialect] = {reading.item: reading for reading in client.read_many(wanted)}
    for row in SHARED:
        several = {dialect: readings[row.name] for dialect, readings in found.items() if row.name in readings}
        assert len(several) >= 2
        assert all(reading.error is None for reading in several.values()), (row.name, several)
        assert len({coarse(reading.value, row) for reading in several.values()}) == 1, (row.name, several)
        assert len({reading.unit for reading in several.values()}) == 1, (row.name, several)
        times = {reading.time for reading in several.values() if reading.time is not None}
        assert len(times) <= 1, (row.name, several)


def test_every_named_quantity_can_be_read():
    """Protects the table from rows that no face serves."""
    meter = Meter(clock=parse_clock("frozen:2026-01-01T12:34:56"))
    for dialect, client in clients(meter).items():
        for reading in client.read_many([row.name for row in NAMED[dialect]]):
            assert reading.error is None, (dialect, reading)
            assert reading.value is not None, (dialect, reading)


def test_parameters_and_states_are_the_same_through_both_chinese_dialects():
    """Protects what is no quantity: tables, limits, words and status words, whichever dialect wrote them last."""
    meter = Meter(clock=parse_clock("frozen:2026-01-01T12:34:56"))
    face = Face645(meter)
    meter.relay.trip()
    for name, value in CHANGED.items():
        meter.parameters.set(name, value)
    compared = set()
    for row in (row for own in rows().values() for row in own.values()):
        if row.access != "w" or row.holds.startswith("@") or not row.is_there(meter):
            continue
        sent = read(meter, Oad(row.oi, row.number, 0))
        for name, value in held_of(row.holds).changes(meter, type_of(row.type).value(sent)).items():
            for di, place in places().items():
                octets = face.parameters.octets(di) if place.parameter == name else None
                if octets is not None:
                    assert unpacked(parameters()[name].kind, decode(di, octets)) == value, name
                    compared.add(name)
    assert len(compared) > 60, sorted(compared)
    assert set(CHANGED) <= compared | {"rate_price_2_4"}
    words = read(meter, Oad(0x2014, 2, 0)).value
    for number, word in enumerate(words):
        octets = face.octets(0x04000501 + number)
        assert "".join(f"{octet:08b}"[::-1] for octet in octets) == word.value, number
    assert sum(word.value.count("1") for word in words) >= 2


@pytest.mark.skipif(os.environ.get("METERWIRE_CODEC") == "construct", reason="is the construct run itself")
def test_the_same_on_construct():
    """Protects the reference engine: the whole stack runs on it and tells the same truth."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", __file__],
        env=os.environ | {"METERWIRE_CODEC": "construct"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_readings_print_as_structs():
    """Protects that a reading can be logged and compared: it is a plain value."""
    meter = Meter(clock=parse_clock("frozen:2026-01-01T12:34:56"))
    first, second = (clients(meter)["dlt645"].read("voltage_a") for _ in range(2))
    assert first == second
    assert msgspec.structs.asdict(first)["unit"] == "V"
