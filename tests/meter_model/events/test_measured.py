"""Events that a meter recognises from its terminals, against an oracle that walks every second in fractions."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from meterwire.meter_model import Constant, Meter, VirtualClock
from meterwire.meter_model.circuit import PhaseOverride
from meterwire.quantities import QUANTITIES

START = dt.datetime(2026, 1, 5, 12, 0, 30)
NOMINAL, BASIC, MOST = Fraction(220), Fraction(5), Fraction(60)
STEP_ERROR = Fraction(1, 2**32) * Fraction(51, 100) / 400

# ---------------------------------------------------------------- the oracle: it knows nothing of meterwire

Phases = list[tuple[Fraction, Fraction]]
"""Voltage and active power of each phase; there is no reactive power here."""


def currents(phases: Phases) -> list[Fraction]:
    return [abs(power) / voltage if voltage else Fraction(0) for voltage, power in phases]


def unbalance(values: list[Fraction]) -> Fraction:
    return (max(values) - min(values)) / max(values) * 100 if max(values) else Fraction(0)


def conditions(phases: Phases) -> dict[str, tuple[bool, bool]]:
    """For each kind whether what begins it holds, and whether what ends it does; thresholds by recollection."""
    amperes = currents(phases)
    found: dict[str, tuple[bool, bool]] = {}
    for at, name in enumerate("abc"):
        voltage, power = phases[at]
        current, others = amperes[at], max(amperes[:at] + amperes[at + 1 :])
        low, flowing = voltage < NOMINAL * 78 / 100, current > BASIC * 5 / 1000
        found[f"voltage_loss_{name}"] = (low and flowing, voltage >= NOMINAL * 85 / 100 or not flowing)
        for kind, on in (
            ("under_voltage", low),
            ("over_voltage", voltage > NOMINAL * 12 / 10),
            ("phase_failure", voltage < NOMINAL * 6 / 10 and current < BASIC * 5 / 1000),
            ("current_loss", voltage > NOMINAL * 7 / 10 and current < BASIC * 5 / 1000 and others > BASIC * 5 / 100),
            ("over_current", current > MOST * 12 / 10),
            ("current_cut", voltage > NOMINAL * 6 / 10 and current < BASIC * 5 / 1000),
            ("flow_reversal", -power > NOMINAL * BASIC * 5 / 1000),
            ("overload", abs(power) > NOMINAL * MOST * 12 / 10),
        ):
            found[f"{kind}_{name}"] = (on, not on)
    loud = max(amperes) > BASIC * 5 / 100
    for kind, on in (
        ("all_voltage_loss", all(voltage < NOMINAL * 78 / 100 for voltage, _ in phases) and loud),
        ("voltage_unbalance", unbalance([voltage for voltage, _ in phases]) > 30),
        ("current_unbalance", unbalance(amperes) > 30 and loud),
        ("current_severe_unbalance", unbalance(amperes) > 90 and loud),
        ("total_flow_reversal", -sum(power for _, power in phases) > NOMINAL * BASIC * 5 / 1000),
    ):
        found[kind] = (on, not on)
    return found


class Walk:
    """One kind of event, second by second; delays are 60 s both ways."""

    def __init__(self) -> None:
        self.events: list[list[int | None]] = []
        self.held = 0

    @property
    def active(self) -> bool:
        return bool(self.events) and self.events[-1][1] is None

    def ripen(self, second: int) -> bool:
        if self.held < 60:
            return False
        if self.active:
            self.events[-1][1] = second
        else:
            self.events.append([second, None])
        self.held = 0
        return True

    def hold(self, on: bool, off: bool) -> None:
        self.held = self.held + 1 if (off if self.active else on) else 0


def oracle(script: list[tuple[int, Phases]]) -> dict[str, list[list[int | None]]]:
    walks = {kind: Walk() for kind in conditions(script[0][1])}
    second = 0
    for seconds, phases in script:
        truths = conditions(phases)
        for _ in range(seconds):
            for kind, walk in walks.items():
                walk.ripen(second)
                walk.hold(*truths[kind])
            second += 1
    for walk in walks.values():
        walk.ripen(second)
    return {kind: walk.events for kind, walk in walks.items()}


# ---------------------------------------------------------------- the meter

voltages = st.sampled_from([Fraction(x) for x in (220, 220, 200, 180, 160, 100, 270)])
powers = st.sampled_from([Fraction(x) for x in (1000, 1000, 500, 4, 0, -900, 17000)])
scripts = st.lists(
    st.tuples(st.integers(1, 150), st.lists(st.tuples(voltages, powers), min_size=3, max_size=3)),
    min_size=1,
    max_size=8,
)


def fresh() -> Meter:
    meter = Meter(clock=VirtualClock(START, frozen=True), load=Constant(1000, 0))
    meter.override_phase("a", PhaseOverride(reactive=0.0))
    return meter


def act(meter: Meter, phases: Phases) -> None:
    for name, (voltage, power) in zip("abc", phases, strict=True):
        meter.override_phase(name, PhaseOverride(float(voltage), float(power), 0.0))


def seen(meter: Meter, kind: str) -> list[list[int | None]]:
    """Start and end of each event that is kept, in seconds after the start, the first first."""
    zone = meter.clock.zone
    moments = [[record.start, record.end] for record in reversed(meter.events.records(kind))]
    begin = START.replace(tzinfo=zone)
    return [[None if one is None else int((one - begin).total_seconds()) for one in pair] for pair in moments]


@settings(max_examples=30, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(scripts, st.data())
def test_every_event_is_where_the_oracle_has_it(script, data) -> None:
    """Protects every measured kind: starts, ends, counts and durations to the second, however often one reads."""
    meter = fresh()
    for seconds, phases in script:
        act(meter, phases)
        rest = seconds
        while rest:
            part = data.draw(st.integers(1, rest))
            meter.clock.step(part)
            rest -= part
            meter.advance()
    elapsed = sum(seconds for seconds, _ in script)
    for kind, events in oracle(script).items():
        assert seen(meter, kind) == events, kind
        assert meter.events.count(kind) == len(events)
        assert meter.events.active(kind) is bool(events and events[-1][1] is None)
        assert meter.events.total(kind) == sum((elapsed if end is None else end) - start for start, end in events)


def test_a_record_keeps_the_moment_and_what_grew() -> None:
    """Protects the columns: electricity at the start, registers at both ends, growth and ampere-hours between."""
    meter = fresh()
    act(meter, [(Fraction(100), Fraction(1000)), (Fraction(220), Fraction(1000)), (Fraction(220), Fraction(1000))])
    meter.clock.step(60 + 3600)
    act(meter, [(Fraction(220), Fraction(1000))] * 3)
    meter.clock.step(61)
    record = meter.events.record("voltage_loss_a")
    assert (record.number, record.kind, record.source) == (1, "voltage_loss_a", "")
    assert (record.end - record.start).total_seconds() == 3660
    assert record.before["voltage_a"] == 100
    assert record.before["current_a"] == 10
    assert record.before["active_power_b"] == 1
    assert record.before["power_factor_c"] == 1
    for scope, kilowatts in (("", 3), ("_phase_a", 1), ("_phase_b", 1)):
        name = f"active_energy_import{scope}"
        grown = record.during[name]
        assert grown == record.after[name] - record.before[name]
        assert abs(grown - Fraction(kilowatts * 3660, 3600)) <= 70 * STEP_ERROR
    kept = Fraction(3600 * 10, 3600) + Fraction(1000, 220) * 60 / 3600
    assert abs(record.during["charge_a"] - kept) < Fraction(1, 10**4)
    assert record.during["charge_total"] == sum(record.during[f"charge_{phase}"] for phase in "abc")
    assert all(name in QUANTITIES for name in record.before)


def test_the_highest_unbalance_is_kept() -> None:
    """Protects the peak: what was highest while the event went on, over blocks of time and interventions."""
    meter = fresh()
    for volts in (140, 100, 120):
        act(meter, [(Fraction(200), Fraction(100)), (Fraction(200), Fraction(100)), (Fraction(volts), Fraction(100))])
        meter.clock.step(600)
        meter.advance()
    act(meter, [(Fraction(200), Fraction(100))] * 3)
    meter.clock.step(60)
    record = meter.events.record("voltage_unbalance")
    assert record.during["peak"] == 50


def test_ten_records_are_kept_and_all_are_counted() -> None:
    """Protects ring and counters, whether time comes in small steps or in one."""
    meters = [fresh() for _ in range(2)]
    for number in range(13):
        for meter in meters:
            act(meter, [(Fraction(150), Fraction(100))] + [(Fraction(220), Fraction(100))] * 2)
            meter.clock.step(100 + number)
            act(meter, [(Fraction(220), Fraction(100))] * 3)
            meter.clock.step(100)
        meters[1].advance()
    for meter in meters:
        assert meter.events.count("under_voltage_a") == 13
        assert [record.number for record in meter.events.records("under_voltage_a")] == list(range(13, 3, -1))
        assert meter.events.total("under_voltage_a") == sum(100 + number for number in range(13))
        assert meter.events.record("under_voltage_a", 11) is None
    assert meters[0].events.records("under_voltage_a") == meters[1].events.records("under_voltage_a")


class Flapping:
    """A load whose voltage of phase A is low in every other pair of minutes."""

    def rows(self, site, first, count):
        rows = Constant(1000, 0).rows(site, first, count)
        rows.voltage[[minute for minute in range(count) if (first + minute) // 2 % 2], 0] = 150_000.0
        return rows


def test_many_events_in_one_step_leave_what_many_steps_leave() -> None:
    """Protects the shortcut: events that the ring would forget are counted without being written down."""
    whole, parts = (Meter(clock=VirtualClock(START, frozen=True), load=Flapping()) for _ in range(2))
    whole.clock.step(86_400)
    for _ in range(24):
        parts.clock.step(3600)
        parts.advance()
    for kind in ("under_voltage_a", "voltage_loss_a"):
        assert whole.events.count(kind) == parts.events.count(kind) == 86_400 // 240
        assert whole.events.total(kind) == parts.events.total(kind)
        assert whole.events.records(kind) == parts.events.records(kind)
    assert whole.reports.state() == parts.reports.state()


def test_a_demand_above_its_limit() -> None:
    """Protects the demand's own events: they begin and end with windows, and keep the highest of them."""
    meter = fresh()
    meter.events.set_limit("demand_limit_active_import", Fraction(5000))
    meter.clock.step(1800 - 30)
    meter.set_load(Constant(3000, 0))
    act(meter, [(Fraction(220), Fraction(3000))] * 3)
    meter.clock.step(1200)
    act(meter, [(Fraction(220), Fraction(100))] * 3)
    meter.clock.step(3600)
    record = meter.events.record("demand_over_active_import")
    # three minutes of 3 kW and then 9 kW: the window is 3 + 6 n / 15 kW after n minutes, above 5 kW from n = 6 on
    half_past = START.replace(hour=12, minute=30, second=0, tzinfo=meter.clock.zone)
    assert record.start == half_past + dt.timedelta(minutes=6)
    assert record.during["demand"].value == 9
    assert record.during["demand"].time == half_past + dt.timedelta(minutes=15)
    # 9 - 8.7 n / 15 kW n minutes after 12:50: at most 5 kW from n = 7 on
    assert record.end == half_past + dt.timedelta(minutes=27)
    assert meter.events.count("demand_over_active_import") == 1
    assert meter.events.total("demand_over_active_import") == 21 * 60
