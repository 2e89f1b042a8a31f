"""A day in the life of a master station: one concentrator, many meters of both dialects, every quarter of an hour.

METERWIRE_STATION sets the number of meters: 16 in `make test`, 200 in `make station`. All clocks run at 60 times the
speed of the line to the concentrator.
"""

import datetime as dt
import os
from decimal import Decimal

from meterwire.emulate_concentrator import EmulatedConcentrator
from meterwire.errors import MeterwireError
from meterwire.meter_model.area import Area, Meters
from meterwire.meter_model.faces.dlt69845.face import Face69845
from meterwire.protocols.dialogue import Patience
from meterwire.protocols.dlt69845 import acquisition as a
from meterwire.protocols.dlt69845.client import Meter69845
from meterwire.protocols.dlt69845.selecting import every, meters_at, stored
from meterwire.transports.memory import ResponderLine

METERS = int(os.environ.get("METERWIRE_STATION", "16"))
SPEED = 60
DAY = dt.datetime(2026, 3, 1)
QUARTER, HOUR, MINUTE = dt.timedelta(minutes=15), dt.timedelta(hours=1), dt.timedelta(minutes=1)
COLUMNS = ["202A0200", "60420200", "50020200(00100201,20000200)"]


class Station:
    """The master, its concentrator, and the time of them all."""

    def __init__(self):
        half = METERS // 2
        area = Area.of(
            [
                Meters(profile="single-phase", protocol="dlt69845", first="000000000001", count=half),
                Meters(profile="single-phase", protocol="dlt645", first="000000005001", count=METERS - half),
            ],
            seed=7,
        )
        self.area = area
        base = {"line": None}
        self.made = EmulatedConcentrator(
            area,
            clock=f"x{SPEED}:{DAY - HOUR:%Y-%m-%dT%H:%M:%S}",
            base=lambda: base["line"].now() if base["line"] is not None else 0.0,
            wall=lambda: 0.0,
        )
        self.own = self.made.concentrator
        line = base["line"] = ResponderLine(Face69845(self.made.meter).connect())
        self.line = line
        self.master = Meter69845(line, address="000000008001", patience=Patience(tries=2, timeout=30.0))
        self.rows = {}

    def live_until(self, moment):
        """Let the day go on, minute by minute."""
        while self.own.now() < moment:
            self.line.pause(self.line.now() + MINUTE.total_seconds() / SPEED)
            self.own.run()

    def enter(self):
        """What an installer sends: archive, scheme and task."""
        self.master.connect("00000000")
        kinds = {"dlt645": a.MeterProtocol.DLT645_2007, "dlt69845": a.MeterProtocol.DLT69845}
        self.master.enter(
            *(a.archived(n, place.address, kinds[place.protocol]) for n, place in enumerate(self.area.places, 1)),
            a.scheme(1, COLUMNS[2:], a.Collected.BY_INTERVAL, every(15), storage=a.StorageTime.FREEZE, depth=200),
            a.task(1, 1, every(15), DAY, delay=every(1)),
        )

    def fetch(self, start, end, *addresses):
        """Rows stored from a start, included, to an end, excluded, by meter and time; none may come twice."""
        meters = meters_at(*addresses) if addresses else None
        which = stored(start, end, meters=meters) if meters else stored(start, end)
        table = self.master.records(a.RECORDS, columns=COLUMNS, rows=which)
        assert table.error is None
        for meter, when, *values in table.rows:
            place = meter[2:], when.replace(tzinfo=None)
            found = tuple(values[:2])  # energy and first voltage: a table is as wide as its widest meter
            assert self.rows.setdefault(place, found) == found, f"{place} has two values"

    def missing(self, until):
        """What has not come yet, of all meters."""
        moments = [DAY + QUARTER * at for at in range(1, (until - DAY) // QUARTER + 1)]
        return [
            (place.address, moment)
            for place in self.area.places
            for moment in moments
            if (place.address, moment) not in self.rows
        ]


def test_a_day_of_quarters_is_complete_after_outages():
    """Protects collection as a whole: after a cut branch, a dead concentrator and lost connections nothing is missing."""
    station = Station()
    station.enter()
    meters = station.own._ports["F2010201"]._meters
    for hour in range(1, 25):
        now = DAY + HOUR * hour
        if hour == 6:  # a branch with a quarter of the meters is cut for two hours
            branch = {address: meters.pop(address) for address in list(meters)[: METERS // 4]}
        if hour == 8:
            meters.update(branch)
        if hour == 14:  # the concentrator is without power for an hour and a half
            station.made.meter.powered = False
        if hour == 15:
            station.live_until(now + HOUR / 2)
            station.made.meter.powered = True
            station.master.connect("00000000")
        station.live_until(now + 10 * MINUTE)
        if station.made.meter.powered:
            station.fetch(now - HOUR, now)
    incomplete = len(station.missing(DAY + 24 * HOUR - QUARTER))
    assert incomplete > 0, "the outages have left no gap to fill"
    station.live_until(DAY + 25 * HOUR)
    for address in sorted({address for address, _ in station.missing(DAY + 24 * HOUR)}):
        try:
            station.fetch(DAY, DAY + 24 * HOUR + MINUTE, address)
        except MeterwireError as error:  # pragma: no cover  said by name where it happens
            raise AssertionError(f"{address}: {error}") from error
    assert station.missing(DAY + 24 * HOUR) == []
    assert len(station.rows) == METERS * 97
    check_values(station)
    (told,) = station.master.monitoring()
    assert (told.meters, told.succeeded) == (METERS, METERS)


def check_values(station):
    """Every row is what the meter itself has stored."""
    for place in station.area.places:
        meter = station.made.area.meter(place.address)
        energies = {row.time.replace(tzinfo=None): row.values for row in meter.load_profile.rows(4)}
        voltages = {row.time.replace(tzinfo=None): row.values for row in meter.load_profile.rows(1)}
        for at in range(1, 97):
            moment = DAY + QUARTER * at
            energy, voltage = station.rows[place.address, moment]
            assert energy == Decimal(int(energies[moment]["active_energy_import"] * 100)) / 100
            assert voltage == Decimal(int(voltages[moment]["voltage_a"] * 10)) / 10
