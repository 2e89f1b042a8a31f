"""An area of meters behind a lossy power-line network: everybody is read, as fast as loss and retries allow.

METERWIRE_NODES sets the number of meters: 40 in `make test`, 500 in `make area`.
"""

import datetime as dt
import math
import os
from decimal import Decimal
from functools import cache

import pytest

from meterwire.emulate_area import EmulatedArea
from meterwire.errors import MeterwireError
from meterwire.meter_model.area import Area, Meters
from meterwire.protocols.dialogue import Patience
from meterwire.protocols.dlt645.client import Meter645
from meterwire.protocols.dlt69845.client import Meter69845
from meterwire.protocols.gdw376_2.client import Module3762
from meterwire.protocols.gdw376_2.codes import MeterProtocol
from meterwire.protocols.gdw376_2.reports import Outage
from meterwire.protocols.wire.codec import codec
from meterwire.transports.memory import ResponderLine

NODES = int(os.environ.get("METERWIRE_NODES", "40"))
COLLECTED = 200 if NODES >= 500 else 8
LOSS, TRIES = 0.1, 2
NETWORK = {"levels": 8, "near": 0.25, "loss": LOSS, "tries": TRIES, "beacon_seconds": 2.0}
VOLTAGE = "voltages, currents, frequency, voltage phase A"
ONCE = Patience(tries=1, timeout=95.0)
KINDS = {"dlt645": MeterProtocol.DLT645_2007, "dlt69845": MeterProtocol.DLT69845}


@cache
def over_midnight(protocol):
    """An area whose meters have frozen the registers of one midnight."""
    area = Area.of([Meters(protocol=protocol, count=NODES)], seed=11, network=NETWORK)
    emulated = EmulatedArea(area, clock="frozen:2026-01-01T23:59:00")
    for place in area.places:
        emulated.meter(place.address).clock.step(120)
    return emulated


def frozen_by_645(address):
    """The dialogue that reads the last daily freeze of the energy by DL/T 645: one frame each way."""
    reading = yield from Meter645.read.steps(Meter645(None, address=address, patience=ONCE), "05060101")
    return [Decimal(value) for value in reading.value]


def frozen_by_698(address):
    """The same by DL/T 698.45: the newest row of the record table of daily freezes."""
    client = Meter69845(None, address=address, patience=ONCE)
    table = yield from Meter69845.records.steps(client, "50040200", columns=["00100200"], last=1)
    return [column[0] for column in table.columns]


DIALOGUES = {"dlt645": frozen_by_645, "dlt69845": frozen_by_698}


def collected(emulated, protocol, seed):
    """Read everybody, round by round; gives the rounds, what was read, and the attempts that failed by level."""
    module = type(emulated.module)(
        emulated.module.meters, emulated.module.settings, emulated.module.network.settings, seed=seed
    )
    line = ResponderLine(module.connect())
    client = Module3762(line)
    while not all(node.joined for node in module.network.nodes.values()):
        client.listen(60.0)
    values, rounds, failures, attempts = {}, [], 0, []
    left = list(module.archive)
    while left:
        assert len(rounds) < 500, "the area is never read"
        attempts += [module.network.nodes[address].level for address in left]
        jobs = {client.tunnel(address, KINDS[protocol], "concurrent"): DIALOGUES[protocol](address) for address in left}
        for address, outcome in client.gather(jobs).items():
            if isinstance(outcome, MeterwireError):
                failures += 1
                continue
            assert address not in values, f"{address} was read twice"
            values[address] = outcome
        left = [address for address in left if address not in values]
        rounds.append(len(values))
    levels = [module.network.nodes[address].level for address in module.archive]
    return values, rounds, failures, attempts, levels, line.now()


def success(level):
    """That a request reaches its meter and the answer comes back: every hop there and back within its tries."""
    return (1 - LOSS**TRIES) ** (2 * level)


def expected_rounds(levels, share):
    """After how many rounds so many of the meters are read, on the average."""
    if share < 1:
        rounds = 0
        while sum(1 - (1 - success(level)) ** rounds for level in levels) < share * len(levels):
            rounds += 1
        return rounds
    return sum(1 - all_read(levels, rounds) for rounds in range(1000))


def all_read(levels, rounds):
    """That everybody is read after so many rounds."""
    return math.prod(1 - (1 - success(level)) ** rounds for level in levels)


@pytest.mark.parametrize("protocol", ["dlt645", "dlt69845"])
def test_everybody_is_read(protocol, capsys):
    """Protects collection of an area: complete, no value wrong, none twice, in the rounds that theory gives."""
    emulated = over_midnight(protocol)
    values, rounds, failures, attempts, levels, seconds = collected(emulated, protocol, seed=3)
    assert len(values) == NODES
    for address, found in values.items():
        row = emulated.meter(address).freezes.row("daily", 1)
        assert found == [truncated(row.values[name]) for name in energies(len(found))]
    assert min(levels) == 1
    assert max(levels) >= 3
    mean = sum(1 - success(level) for level in attempts)
    spread = math.sqrt(sum(success(level) * (1 - success(level)) for level in attempts))
    assert abs(failures - mean) <= 5 * spread + 1
    most, every = next(k + 1 for k, read in enumerate(rounds) if read >= 0.999 * NODES), len(rounds)
    assert all_read(levels, every) > 1e-4
    assert all_read(levels, every - 1) < 1 - 1e-4
    with capsys.disabled():
        print(
            f"\n{NODES} meters by {protocol}, levels 1 to {max(levels)}, {LOSS:.0%} lost on each hop, {TRIES} tries: "
            f"99.9 % in {most} rounds (theory {expected_rounds(levels, 0.999)}), all in {every} "
            f"(theory {expected_rounds(levels, 1):.1f}), {failures} of {len(attempts)} attempts failed "
            f"(theory {mean:.0f} +- {spread:.0f}), {seconds:.0f} s of the network's time"
        )


def energies(count):
    """Names of total and rates."""
    return ["active_energy_import", *(f"active_energy_import_rate_{rate}" for rate in range(1, count))]


def truncated(value):
    """To hundredths of a kWh."""
    return Decimal(math.trunc(value * 100)) / 100


def test_the_same_seed_gives_the_same_run():
    """Protects repeatable tests: every round, every failure and the network's time are those of the seed."""
    emulated = over_midnight("dlt645")
    first, again, other = (collected(emulated, "dlt645", seed) for seed in (5, 5, 6))
    assert first == again
    assert first[1:] != other[1:]


def test_a_storm_of_outages_is_told_once_and_in_order():
    """Protects the concentrator: an area that loses its power is reported once each way, in bounded memory."""
    area = Area.of([Meters(count=NODES)], seed=4, network=NETWORK | {"loss": 0.0, "last_gasp": 1.0})
    emulated = EmulatedArea(area, clock="frozen:2026-01-01T00:00:00")
    line = ResponderLine(emulated.module.connect())
    client = Module3762(line)
    while not all(node.joined for node in emulated.module.network.nodes.values()):
        client.listen(60.0)
    everybody = [place.address for place in area.places]
    told = []
    for on in (False, True, False, True):
        emulated.module.power(everybody, on=on)
        found = client.listen(600.0)
        outages = [codec(Outage).parse(one.value.content) for one in found if one.key == (0x06, 5)]
        assert {one.change for one in outages} == {2 if on else 1}
        told.append([address for one in outages for address in one.addresses])
        assert sorted(told[-1]) == everybody
    assert told[0] == told[2] == everybody
    assert emulated.module.reports.dropped == 0


@pytest.mark.parametrize(("minutes", "points", "every"), [(15, 96, 8), (1, 60, 30)], ids=["day", "hour"])
def test_collection_survives_an_outage(minutes, points, every):
    """Protects collection over time: a day of quarters and an hour of minutes fetched in bulk, none missing or wrong.

    Half of the nodes lose the network for a while; what was not read then is read afterwards.
    """
    area = Area.of([Meters(count=COLLECTED)], seed=9, network={"levels": 3, "loss": 0.02})
    emulated = EmulatedArea(area, clock="frozen:2026-01-01T00:00:00")
    line = ResponderLine(emulated.module.connect())
    client = Module3762(line)
    client.listen(240.0)
    everybody = [place.address for place in area.places]
    for address in everybody:
        emulated.meter(address).parameters.set("load_profile_interval_1", minutes)
    times = [dt.datetime(2026, 1, 1) + dt.timedelta(minutes=minutes * point) for point in range(1, points + 1)]
    curve = {address: {} for address in everybody}
    for point in range(1, points + 1):
        for address in everybody:
            emulated.meter(address).clock.step(60 * minutes)
        if point in {points * 2 // 5, points * 3 // 5}:
            emulated.module.power(everybody[::2], on=point == points * 3 // 5)
            client.listen(60.0)
        if point % every == 0:
            jobs = {
                client.tunnel(address, KINDS["dlt645"], "concurrent"): missing(address, times[:point], curve[address])
                for address in everybody
            }
            client.gather(jobs)
    for address in everybody:
        assert set(times) <= set(curve[address]), f"{address} has gaps"
        kept = {row.time.replace(tzinfo=None): row.values for row in emulated.meter(address).load_profile.rows(1)}
        for time in times:
            read = {field.name: field.value for field in curve[address][time].fields}
            assert read[VOLTAGE] == Decimal(math.trunc(kept[time]["voltage_a"] * 10)) / 10


def missing(address, times, have):
    """Read what is not there yet, from the first gap on."""
    client = Meter645(None, address=address, patience=ONCE)
    gap = next((time for time in times if time not in have), None)
    if gap is None:
        return
    found = yield from Meter645.read_records.steps(client, "load-1", gap, times[-1], None)
    for row in found.rows:
        have[row.time.replace(tzinfo=None)] = row
