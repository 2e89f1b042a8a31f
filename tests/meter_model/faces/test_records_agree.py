"""Freezes and event records say the same through DL/T 645 and DL/T 698.45, whatever has happened to the meter."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from meterwire.meter_model import Meter, VirtualClock
from meterwire.meter_model.faces.dlt645.face import Face645
from meterwire.meter_model.faces.dlt645.kinds import kinds_of
from meterwire.meter_model.faces.dlt69845.event_kinds import event_objects
from meterwire.meter_model.faces.dlt69845.record_objects import table_of
from meterwire.meter_model.faces.dlt69845.records import reading_of
from meterwire.meter_model.inputs import Inputs
from meterwire.protocols.dlt645.client import Meter645
from meterwire.protocols.dlt645.identifiers import identifier
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.services.get import GetRecord
from meterwire.protocols.wire.nodes import Variant
from meterwire.transports.memory import ResponderLine

START = dt.datetime(2026, 1, 30, 22, 10)
FREEZES = {0x00: None, 0x01: "5000", 0x02: "5008", 0x03: "5009", 0x04: "5003", 0x05: "500A", 0x06: "5004", 0x07: "500B"}
"""By DI2 of class 05; timed freezes have no object."""
ENERGY_COLUMNS = {1: "00100200", 2: "00200200", 3: "00300200", 4: "00400200", 5: "00500200", 6: "00600200"}
ENERGY_COLUMNS |= {7: "00700200", 8: "00800200"}
DEMAND_COLUMNS = {9: "10100200", 10: "10200200"}
ENERGIES = ["forward active", "reverse active", "combined reactive 1", "combined reactive 2"]
ENERGIES += [f"quadrant {number} reactive" for number in ("I", "II", "III", "IV")]
QUANTITIES = {
    "voltage": ("2000", 1),
    "current": ("2001", 3),
    "active power": ("2004", 4),
    "reactive power": ("2005", 4),
    "power factor": ("200A", 3),
}
"""OI, and decimals that both have, in the unit of DL/T 645."""
FEATURE = {"before": 1, "at start": 1, "after": 4, "at end": 4}
COLUMN = re.compile(r"(?:phase (?P<phase>[ABC]) )?(?P<what>.+?) (?P<moment>before|after|at start|at end)")

ACTIONS = st.lists(
    st.sampled_from(
        ["wait", "day", "cut a", "restore a", "cut b", "restore b", "cover", "magnet", "trip", "close", "freeze"]
        + ["dark", "light", "clear demand", "clock", "prices"]
    ),
    min_size=4,
    max_size=14,
)


def happen(meter, action):
    what, _, which = action.partition(" ")
    if what == "wait":
        meter.clock.step(400)
    elif what == "day":
        meter.clock.step(86_400)
    elif what in {"cut", "restore"}:
        getattr(meter, f"{what}_phase")(which) if which in "abc" else None
    elif what == "cover":
        meter.change_inputs(Inputs(cover_open=not meter.inputs.cover_open))
    elif what == "magnet":
        meter.change_inputs(Inputs(magnetic_field=not meter.inputs.magnetic_field))
    elif what in {"trip", "close"}:
        meter.connect_customer(what == "close")
    elif what == "freeze":
        meter.freezes.freeze()
    elif what in {"dark", "light"}:
        meter.powered = what == "light"
    elif action == "clear demand":
        meter.clear_demand()
    elif what == "clock":
        meter.set_clock(meter.now() + dt.timedelta(hours=3))
    else:
        meter.parameters.set("rate_price_1_1", Decimal("0.5"))
    meter.clock.step(150)
    meter.advance()


def rows_of(meter, oad, *columns):
    """The rows of a table, the latest first."""
    found = reading_of(table_of(meter, Oad.of(oad)), GetRecord(Oad.of(oad), Variant(0, None), columns), b"")
    return [found.row(at) for at in reversed(range(len(found.entries)))]


def plain(data):
    """Data as numbers and local times."""
    if data.tag in {1, 2}:
        return [plain(one) for one in data.value]
    return data.value.datetime() if data.tag == 28 else data.value


def local(value):
    if isinstance(value, str) and not value.startswith("00-00"):
        return dt.datetime.strptime(value, "%y-%m-%d %H:%M:%S")
    return value.replace(tzinfo=None) if isinstance(value, dt.datetime) else None


@settings(max_examples=6, deadline=None)
@given(ACTIONS, st.integers(0, 9))
def test_freezes_and_events_agree(actions, seed):
    """Every row of every freeze, and start, end and snapshots of every event, digit by digit."""
    meter = Meter(clock=VirtualClock(START, frozen=True), seed=seed)
    for action in ["day", "freeze", "cover", *actions]:
        happen(meter, action)
    meter.powered = True
    client = Meter645(ResponderLine(Face645(meter).connect()), address=meter.identity.address)
    compared = compare_freezes(meter, client) + compare_events(meter, client)
    assert compared > 20


def compare_freezes(meter, client):
    compared = 0
    for di2, oi in FREEZES.items():
        if oi is None:
            continue
        columns = [Oad.of(one) for one in ("20210200", *ENERGY_COLUMNS.values(), *DEMAND_COLUMNS.values())]
        for number, row in enumerate(rows_of(meter, f"{oi}0200", *columns)[:2], 1):
            time, *cells = map(plain, row)
            assert local(client.read(f"05{di2:02X}00{number:02X}").value) == time.replace(second=0)
            for (di1, _), cell in zip({**ENERGY_COLUMNS, **DEMAND_COLUMNS}.items(), cells, strict=True):
                (found,) = client.read_many([f"05{di2:02X}{di1:02X}{number:02X}"])
                values = found.value if isinstance(found.value, list) else [found.value]
                if cell is None:
                    assert found.error is not None
                elif di1 in ENERGY_COLUMNS:
                    assert [int(value * 100) for value in values] == cell
                else:
                    assert [[int(value * 10_000), local(when)] for value, when in values] == [
                        [value, None if when is None else when.replace(second=0)] for value, when in cell
                    ]
                compared += 1
    return compared


def identifiers_of_kinds():
    found = {}
    for group in range(0x100):
        for part in range(0x20):
            di = 0x03000000 | group << 16 | part << 8 | 1
            kinds = kinds_of(di | 0xFF)
            row = identifier(di)
            if len(kinds) == 1 and row is not None and row.columns:
                found.setdefault(kinds[0], di)
    return found


IDENTIFIERS = identifiers_of_kinds()


def compare_events(meter, client):
    compared = 0
    for thing in event_objects().values():
        for attribute in range(6, 10) if thing.phased else (2,):
            kinds = [kind for kind in thing.table(attribute) if kind in meter.events.kinds]
            if len(kinds) == 1 and kinds[0] in IDENTIFIERS:
                compared += compare_event(meter, client, f"{thing.oi:04X}{attribute:02X}00", kinds[0])
    return compared


def compare_event(meter, client, oad, kind):
    di = IDENTIFIERS[kind]
    names = [column.name for column in identifier(di).columns]
    columns = [column_of(name) for name in names]
    compared = 0
    for number, row in enumerate(rows_of(meter, oad, *(one[0] for one in columns if one)), 1):
        values = client.read(f"{di & ~0xFF | number:08X}").value
        values = values if isinstance(values, list) else [values]
        cells = iter(row)
        for name, column, value in zip(names, columns, values, strict=False):
            if column is None:
                continue
            cell = plain(next(cells))
            if name in {"start", "end", "time"}:
                assert local(value) == cell, (kind, name)
            elif cell is None:
                assert not value, (kind, name)  # zeros, or an empty place, for what was not stored
            else:
                assert int(value * 10 ** column[1]) == cell, (kind, name)
            compared += 1
    return compared


def column_of(name):
    """The OAD of a column of DL/T 645, and decimals that both have."""
    if name in {"start", "time"}:
        return Oad.of("201E0200"), 0
    if name == "end":
        return Oad.of("20200200"), 0
    found = COLUMN.fullmatch(name)
    if found is None:
        return None
    phase = " ABC".index(found["phase"] or " ")
    what, feature = found["what"], FEATURE[found["moment"]]
    if what in QUANTITIES and phase:
        oi, decimals = QUANTITIES[what]
        return Oad(int(oi, 16), feature << 5 | 2, phase + (oi in {"2004", "2005", "200A"})), decimals
    for at, energy in enumerate(ENERGIES):
        if what == f"{energy} energy":
            oi = (0x0010, 0x0020, 0x0030, 0x0040, 0x0050, 0x0060, 0x0070, 0x0080)[at]
            return Oad(oi + phase, feature << 5 | 2, 1), 2
    return None
