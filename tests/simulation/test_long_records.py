"""A long answer over a bad line: a hundred kilobytes of load profile in blocks, frames lost, doubled and late."""

from __future__ import annotations

import datetime as dt

import pytest

from meterwire.meter_model import Meter, VirtualClock
from meterwire.meter_model.faces.dlt69845.face import Face69845
from meterwire.protocols.dialogue import Patience
from meterwire.protocols.dlt69845.client import Meter69845
from meterwire.transports.fault import Fault, Rates
from meterwire.transports.filtering import wrap
from meterwire.transports.memory import ResponderLine

START = dt.datetime(2026, 1, 1)
COLUMNS = ("20210200", "20000200", "20010200", "20040200", "20050200", "200A0200")
RATES = Rates(drop=0.1, duplicate=0.1, overtake=0.05, seconds=0.3)


@pytest.fixture(scope="module")
def meter():
    meter = Meter(clock=VirtualClock(START, frozen=True), seed=1)
    meter.clock.step(12 * 86_400)
    meter.advance()
    return meter


def read(meter, *filters):
    line = wrap(ResponderLine(Face69845(meter).connect()), *filters)
    client = Meter69845(line, address=meter.identity.address, patience=Patience(timeout=1.0, tries=10))
    return client.records("5002", COLUMNS)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_row_arrives_once_and_unchanged(meter, seed):
    """What comes over the bad line is what comes over a good one, and that is what the meter has stored."""
    fault = Fault(seed, RATES, RATES)
    found = read(meter, fault)
    assert found == read(meter)
    stored = meter.load_profile.rows(1)
    assert len(found.rows) == len(stored) == 12 * 96
    columns = list(zip(*found.rows, strict=True))
    assert list(columns[0]) == [row.time for row in stored]
    for place, phase in enumerate("abc", 1):
        assert [int(one * 10) for one in columns[place]] == [int(row.values[f"voltage_{phase}"] * 10) for row in stored]
    assert min(fault.injected[name] for name in ("sent drop", "received drop", "sent duplicate")) > 5
