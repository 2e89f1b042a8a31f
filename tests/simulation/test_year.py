"""A year of a meter with everything on, at many times real time, held against an independent ledger for equality.

METERWIRE_DAYS says how many days pass (`make year`: 400); by default a few weeks around the switch-over of all sets.
"""

from __future__ import annotations

import datetime as dt
import os
import random
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest

from meterwire.meter_model import Constant, Demand, Meter, VirtualClock
from meterwire.meter_model.columns import column
from meterwire.meter_model.profiles import Profile, profile_table

from . import oracle

DAYS = int(os.environ.get("METERWIRE_DAYS", "36"))
START = dt.datetime(2026, 1, 1)
EPOCH = dt.datetime(1970, 1, 1)
HALF = START + dt.timedelta(days=DAYS // 2, minutes=617)
NEXT = HALF + dt.timedelta(days=3, minutes=4)
RATES = 12
SPEED = 1 << 16


def tariff() -> dict:
    """Eight day schedules of up to fourteen slots in each set, seasons over New Year, weekends, holidays."""
    chance = random.Random(7)

    def schedule() -> list[tuple[int, int]]:
        starts = [0, *sorted(chance.sample(range(1, 1440), chance.randint(1, 13)))]
        return [(start, chance.randint(1, RATES)) for start in starts]

    return {
        "rates": RATES,
        "sets": [
            {
                "days": {number: schedule() for number in range(1, 9)},
                "seasons": [(1, 9, 1), (2, 1, 2), (4, 12, 3), (7, 1, 4), (10, 8, 1), (12, 5, 5)],
            },
            {"days": {number: schedule() for number in range(1, 9)}, "seasons": [(1, 20, 5), (3, 3, 6), (8, 15, 1)]},
        ],
        "weekend": ({"sat", "sun"}, 6),
        "holidays": {dt.date(2026, 1, 1): 7, dt.date(2026, 2, 17): 8, dt.date(2026, 10, 3): 7},
        "season_switch": HALF,
        "day_switch": NEXT,
    }


PRICES = {
    "rates": [
        {rate: 3000 + 517 * rate for rate in range(1, RATES + 1)},
        {rate: 9000 - 431 * rate for rate in range(1, RATES + 1)},
    ],
    "steps": [[(0, 0), (240, 500), (400, 3000)], [(0, 100), (1000, 700), (3000, 1234)]],
    "price_switch": HALF + dt.timedelta(hours=1),
    "step_switch": NEXT + dt.timedelta(hours=2),
}
BOOKS = {
    "demand": (15, 5),
    "settlements": [(1, 0), (11, 9), (21, 23)],
    "prices": PRICES,
    "load_profile": (START, 15),
    "voltage_limits": (242_000, 198_000),
    "freezes": {
        "hourly": (lambda now: now.minute == 0, 0),
        "daily": (lambda now: (now.hour, now.minute) == (0, 5), 7),
        "monthly": (lambda now: (now.day, now.hour, now.minute) == (1, 0, 0), 12),
        "timed": (lambda now: (now.day, now.hour, now.minute) == (28, 13, 59), 0),
        "fourth": (lambda now: now.minute % 4 == 0, 0),
    },
}


def profile() -> Profile:
    """The three-phase meter with all that."""
    tables = tariff()
    rest, weekend = tables["weekend"]
    sets = [
        {
            "days": {str(day): [{"start": f"{m // 60:02}:{m % 60:02}", "rate": r} for m, r in slots]},
            "seasons": [],
        }
        for one in tables["sets"]
        for day, slots in list(one["days"].items())[:1]
    ]
    for one, made in zip(tables["sets"], sets, strict=True):
        for day, slots in one["days"].items():
            made["days"][str(day)] = [{"start": f"{m // 60:02}:{m % 60:02}", "rate": r} for m, r in slots]
        made["seasons"] = [{"start": f"{month:02}-{day:02}", "day": number} for month, day, number in one["seasons"]]
    table = profile_table("three-phase")
    table["tariff"] = {
        "rates": RATES,
        **sets[0],
        "second": sets[1],
        "weekend": {"days": sorted(rest), "day": weekend},
        "holidays": [{"date": date.isoformat(), "day": day} for date, day in tables["holidays"].items()],
        "season_switch": HALF,
        "day_switch": NEXT,
    }
    table["demand"] = {"period": 15, "slide": 5}
    table["settlement"] = {"day": 1, "hour": 0, "more": [{"day": 11, "hour": 9}, {"day": 21, "hour": 23}]}
    table["freezes"] = {
        "fourth": {"depth": 300, "every": 4, "columns": ["active_energy_import", "reactive_energy_q2"]},
        "hourly": {"depth": 1000, "columns": ["active_import", "quadrants", "demand_import"]},
        "monthly": {"depth": 5, "columns": ["active_import", "demand_import"], "at": "**-01 00:00", "backfill": 12},
    }
    table["load_profile"] = {"capacity": 3000}
    table["prices"] = {**price_set(0), "second": price_set(1)}
    return msgspec.convert(table, Profile)


def price_set(number: int) -> dict:
    rates, steps = PRICES["rates"][number], PRICES["steps"][number]
    return {
        "rates": [str(Decimal(rates[rate]).scaleb(-4)) for rate in range(1, RATES + 1)],
        "steps": [{"above": str(above), "price": str(Decimal(price).scaleb(-4))} for above, price in steps],
    }


class Pair:
    """A meter and its ledger, to which the same happens."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.seconds = 0
        clock = VirtualClock(START, rate=SPEED, base=lambda: self.seconds / SPEED)
        self.meter = Meter(profile(), clock=clock)
        self.meter.parameters.set("daily_freeze_time", 5)
        self.meter.parameters.set("price_switch_time", PRICES["price_switch"])
        self.meter.parameters.set("step_switch_time", PRICES["step_switch"])
        self.meter.parameters.set("voltage_upper_limit", 242)
        self.meter.parameters.set("voltage_lower_limit", 198)
        self.meter.freezes.appoint(None, 28, 13, 59)
        self.meter.clear()
        self.ledger = oracle.Ledger(START, tariff(), BOOKS)
        self.losses = 0
        self.begun: list[dt.datetime] = []
        self.cuts: list[dt.datetime] = []
        self.change_load()

    def pass_time(self, seconds: int) -> None:
        self.seconds += seconds
        self.ledger.pass_time(seconds)

    def change_load(self) -> None:
        """1125 W and var are whole 2**-32 pulses in every second at 400 imp/kWh."""
        draw = self.chance.randint
        active = tuple(1125 * draw(-2, 9) for _ in range(3))
        reactive = tuple(1125 * draw(-4, 6) for _ in range(3))
        volts = tuple(self.chance.choice((190, 198, 220, 230, 242, 243.5)) for _ in range(3))
        self.meter.set_load(Constant(active, reactive, volts))
        self.ledger.load = active, reactive
        self.ledger.voltages = tuple(round(1000 * one) for one in volts)

    def power(self, on: bool) -> None:
        self.losses += not on
        self.meter.powered = on
        (self.cuts if on else self.begun).append(self.ledger.now())
        self.ledger.power(on)

    def cut(self, seconds: int = 0) -> None:
        """Without power for a minute, or for days."""
        self.power(False)
        self.pass_time(seconds or self.chance.choice((47, 60, 4000, 90_000, 900_000)))
        self.power(True)

    def trip(self) -> None:
        self.meter.relay.trip()
        self.ledger.connected = False
        self.pass_time(self.chance.randint(1, 20_000))
        self.meter.relay.close()
        self.ledger.connected = True

    def live(self, days: int) -> None:
        while self.seconds < days * 86_400:
            self.pass_time(self.chance.choice((self.chance.randint(1, 40_000), 60 * self.chance.randint(1, 900))))
            self.chance.choices(
                (self.change_load, self.cut, self.trip, self.compare_registers), weights=(70, 6, 6, 18)
            )[0]()

    # ------------------------------------------------------------ comparisons

    def compare_registers(self) -> None:
        read, ledger = self.meter.read, self.ledger
        self.meter.advance()
        for name, wanted in energies(ledger.energy).items():
            assert self.meter.energies.reading(*name) == wanted, (ledger.now(), name)
        for at, phase in enumerate("abc"):
            assert read(f"active_energy_import_phase_{phase}") == oracle.kilowatt_hours(ledger.phases[at])
        assert maxima_of({name: read(column(name)) for name in MAXIMA}) == wanted_maxima(ledger, ledger.windows.maxima)
        assert self.meter.credit.charged == ledger.money()
        assert self.meter.credit.period_usage == oracle.kilowatt_hours(ledger.used)
        assert self.meter.rate_in_force == oracle.rate_of(ledger.tariff, ledger.now())
        assert read("active_power") == Fraction(sum(ledger.flowing()[0]), 1000)
        assert (self.meter.power_losses, self.meter.dark_seconds) == (self.losses, ledger.dark)


MAXIMA = [
    f"demand_active_{flow}_max" + (f"_rate_{rate}" if rate else "")
    for flow in ("import", "export")
    for rate in range(RATES + 1)
]


def energies(found: dict) -> dict:
    """Everything that the ledger knows by (register, scope, rate)."""
    wanted = {(flow, "total", rate): oracle.kilowatt_hours(joules) for (flow, rate), joules in found.items()}
    for flow in oracle.FLOWS:
        wanted[flow, "total", 0] = sum((wanted[flow, "total", rate] for rate in range(1, RATES + 1)), Fraction(0))
    return wanted


def maxima_of(values: dict) -> dict:
    """Values and naive times by name."""
    return {
        name: (value.value, value.time and value.time.replace(tzinfo=None))
        for name, value in values.items()
        if isinstance(value, Demand)
    }


def wanted_maxima(ledger: oracle.Ledger, maxima: dict) -> dict:
    return {name: wanted_maximum(ledger, maxima, name) for name in MAXIMA}


def wanted_maximum(ledger: oracle.Ledger, maxima: dict, name: str) -> tuple:
    row = column(name)
    joules, end = maxima.get((int(row.register == "active_export"), row.rate), (0, None))
    time = None if end is None else ledger.start + dt.timedelta(minutes=end)
    return oracle.demand(joules, 15), time


@pytest.fixture(scope="module")
def pair() -> Pair:
    lived = Pair(seed=20260101)
    lived.pass_time(10 * 86_400 + 8 * 3600 + 59 * 60 + 21)  # within the minute that a settlement ends
    lived.change_load()
    lived.live(DAYS // 3)
    lived.cut(800_000)
    lived.live(DAYS)
    lived.compare_registers()
    return lived


def test_registers_demand_and_money(pair: Pair) -> None:
    """To the last fraction, at many moments of the year and at its end; a year of tariffs is exact, not to 0.01 yuan."""
    pair.compare_registers()
    assert pair.meter.credit.charged > 100
    assert pair.meter.tariff.sets == {"season": 1, "schedule": 1, "price": 1, "step": 1}
    assert pair.losses >= 2


def test_power_cuts_are_recorded(pair: Pair) -> None:
    """Each outage that lasts longer than its delay, at its seconds."""
    delay = dt.timedelta(seconds=int(pair.meter.events.limits["power_loss_delay"]))
    outages = [(begin, end) for begin, end in zip(pair.begun, pair.cuts, strict=True) if end - begin >= delay]
    records = pair.meter.events.records("power_loss")
    found = [(one.start.replace(tzinfo=None), one.end and one.end.replace(tzinfo=None)) for one in records]
    assert found == outages[::-1][:10]
    assert pair.meter.events.count("power_loss") == len(outages)


def test_settlements(pair: Pair) -> None:
    """Three moments a month; the last twelve, with their maxima."""
    assert len(pair.ledger.settlements) >= 3
    for number, (time, found, maxima) in enumerate(pair.ledger.settlements, 1):
        kept = pair.meter.settlement(number)
        assert EPOCH + dt.timedelta(minutes=kept.minute) == time
        for name, wanted in energies(found).items():
            assert kept.readings.reading(*name) == wanted
        rows = [msgspec.structs.replace(column(name), settlement=number) for name in MAXIMA]
        read = {row.name: pair.meter.read(row) for row in rows}
        assert maxima_of(read) == wanted_maxima(pair.ledger, maxima), number


def value_of(name: str, row: tuple, ledger: oracle.Ledger) -> object:
    """A column of a freeze from the ledger's row."""
    _, found, maxima, (active, reactive) = row
    quantity = column(name)
    if name in MAXIMA:
        return wanted_maximum(ledger, maxima, name)
    if quantity.kind == "power":
        watts = active if quantity.register == "active" else reactive
        return Fraction(sum(watts) if quantity.phase in {"", "total"} else watts["abc".index(quantity.phase)], 1000)
    parts = {"reactive_combined_1": oracle.QUADRANTS[:2], "reactive_combined_2": oracle.QUADRANTS[2:]}
    rates = [quantity.rate] if quantity.rate else range(1, RATES + 1)
    flows = parts.get(quantity.register, (quantity.register,))
    return oracle.kilowatt_hours(sum(found[flow, rate] for flow in flows for rate in rates))


@pytest.mark.parametrize("kind", list(BOOKS["freezes"]))
def test_freezes(pair: Pair, kind: str) -> None:
    """Every row of every kind, every column, with outages of minutes and of days among them."""
    rows, wanted = pair.meter.freezes.rows(kind), pair.ledger.all_rows(kind)
    assert pair.meter.freezes.count(kind) == len(wanted)
    depth = pair.meter.freezes.series[kind].depth
    assert len(rows) == min(depth, len(wanted))
    for row, right in zip(rows, wanted[-depth:], strict=True):
        assert row.time.replace(tzinfo=None) == right[0]
        assert list(row.values) == list(row.columns)
        for name, value in row.values.items():
            found = maxima_of({name: value})[name] if isinstance(value, Demand) else value
            assert found == value_of(name, right, pair.ledger), (right[0], name)


def test_switch_overs_leave_a_freeze(pair: Pair) -> None:
    """One each, at its moment."""
    moments = (HALF, NEXT, PRICES["price_switch"], PRICES["step_switch"])
    for kind, moment in zip(("season", "schedule", "price", "step"), moments, strict=True):
        assert pair.meter.freezes.row(f"{kind}_switch").time.replace(tzinfo=None) == moment
        assert pair.meter.freezes.count(f"{kind}_switch") == 1


def test_load_profile(pair: Pair) -> None:
    """Powers, energies, quadrants and demand of the last thousands of quarters of an hour; gaps where power was off."""
    profile, wanted = pair.meter.load_profile, pair.ledger.profile[-3000:]
    rows = {number: profile.rows(number) for number in (2, 4, 5, 6)}
    assert {len(found) for found in rows.values()} == {len(wanted)}
    for at, (time, totals, (active, reactive), present) in enumerate(wanted):
        assert {found[at].time.replace(tzinfo=None) for found in rows.values()} == {time}
        kilo = [Fraction(watts, 1000) for part in (active, reactive) for watts in (sum(part), *part)]
        assert list(rows[2][at].values.values()) == kilo
        known = [oracle.kilowatt_hours(totals[flow]) for flow in oracle.FLOWS]
        combined = [known[2] + known[3], known[4] + known[5]]
        assert list(rows[4][at].values.values()) == [*known[:2], *combined]
        assert list(rows[5][at].values.values()) == known[2:]
        assert list(rows[6][at].values.values()) == [
            oracle.demand(present[0], 15),
            oracle.demand(present[2], 15),
        ]


def test_voltage_qualification(pair: Pair) -> None:
    """This month and those before it, all phases together and each: seconds, and extremes with their minutes."""
    here = pair.ledger.now()
    compared = 0
    for back in range(13):
        ahead = here.year * 12 + here.month - 1 - back
        wanted = pair.ledger.quality.get((ahead // 12, ahead % 12 + 1), {})
        for at, phase in ((None, ""), (0, "a"), (1, "b"), (2, "c")):
            found = pair.meter.voltage_quality.tally(phase, back)
            if at not in wanted:
                assert (found.monitored, found.highest) == (0, None)
                continue
            assert [found.monitored, found.above, found.below] == wanted[at][:3], (back, phase)
            extremes = [(one.voltage, one.time) for one in (found.highest, found.lowest)]
            assert extremes == wanted[at][3:], (back, phase)
            compared += found.above > 0 < found.below
    assert compared >= 4
