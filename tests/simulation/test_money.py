"""Prepaid meters: what is left, when the meter warns, trips and lets the customer close again, minute by minute."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest

from meterwire.meter_model import Constant, Meter, VirtualClock
from meterwire.meter_model.credit import Level, PurchaseRefused, Refusal
from meterwire.meter_model.profiles import Profile, profile_table
from meterwire.meter_model.relay import Position, Waiting
from meterwire.meter_model.saved import parts_of, restore

START = dt.datetime(2026, 3, 30, 22, 17)
WATTS = 13_500
"""Whole 2**-32 pulses in every second at 400 imp/kWh."""


def prepaid(kind: str = "money", **settings: object) -> Meter:
    """One rate by day and one by night, three steps a month, an account."""
    table = profile_table("three-phase")
    table["tariff"] = {"rates": 2, "slots": [{"start": "06:00", "rate": 1}, {"start": "22:00", "rate": 2}]}
    table["prices"] = {
        "rates": ["0.5583", "0.3583"],
        "steps": [{"above": 0, "price": 0}, {"above": 50, "price": "0.05"}, {"above": 160, "price": "0.3001"}],
    }
    account = {"balance": "120.00", "alarm_1": 100, "alarm_2": "50.5", "overdraft": 20, "reconnection": 5}
    table["credit"] = {"kind": kind, **account, **settings}
    meter = Meter(msgspec.convert(table, Profile), clock=VirtualClock(START, frozen=True))
    meter.clear()
    meter.set_load(Constant((WATTS, 0, 0), 0, 230))
    return meter


class Account:
    """The same account, kept per minute in fractions."""

    def __init__(self, kind: str = "money") -> None:
        self.kind, self.time, self.used, self.balance = kind, START, Fraction(0), Fraction(120)

    def minute(self, watts: int) -> None:
        energy = Fraction(watts, 60_000)
        price = Fraction("0.5583") if 6 <= self.time.hour < 22 else Fraction("0.3583")
        cost = price * energy
        for above, below, extra in ((50, 160, Fraction("0.05")), (160, None, Fraction("0.3001"))):
            upper = self.used + energy if below is None else min(self.used + energy, Fraction(below))
            cost += extra * max(Fraction(0), upper - max(self.used, Fraction(above)))
        self.balance -= cost if self.kind == "money" else energy
        self.used += energy
        self.time += dt.timedelta(minutes=1)
        if (self.time.day, self.time.hour, self.time.minute) == (1, 0, 0):
            self.used = Fraction(0)

    def until(self, limit: Fraction, watts: int = WATTS) -> dt.datetime:
        """The first whole minute at which no more than that is left."""
        while self.balance > limit:
            self.minute(watts)
        return self.time

    def wait(self, minutes: int, watts: int) -> None:
        for _ in range(minutes):
            self.minute(watts)


def happened(meter: Meter, name: str) -> list[dt.datetime]:
    meter.advance()
    return [event.time.replace(tzinfo=None) for event in meter.events.last(1000) if event.name == name][::-1]


def go_to(meter: Meter, time: dt.datetime) -> None:
    meter.clock.step((time - meter.clock.now().replace(tzinfo=None)).total_seconds())
    meter.advance()


@pytest.mark.parametrize("watts", [WATTS, 77_625, 4500])
@pytest.mark.parametrize("kind", ["money", "energy"])
def test_an_account_from_the_first_warning_to_the_last_trip(kind: str, watts: int) -> None:
    """Warn at 100, trip at 50.50 until the button is pressed, overdraft below 0, trip for good at 20 of it, buy, close."""
    meter, account = prepaid(kind), Account(kind)
    meter.set_load(Constant(watts / 3, 0, 230))
    warned = account.until(Fraction(100), watts)
    tripped = account.until(Fraction("50.5"), watts)
    assert warned < tripped
    go_to(meter, tripped)
    assert (happened(meter, "alarm-on"), happened(meter, "relay-opened")) == ([warned], [tripped])
    assert (meter.credit.balance, meter.credit.level) == (account.balance, Level.ALARM_2)
    account.wait(90, 0)
    go_to(meter, account.time)
    assert meter.relay.position is Position.PERMITTED
    assert meter.relay.press_button()
    assert account.until(Fraction(0), watts) == account.time
    overdrawn = account.time if account.balance < 0 else None
    if overdrawn is None:
        account.minute(watts)
        overdrawn = account.time
    exhausted = account.until(Fraction(-20), watts)
    go_to(meter, exhausted + dt.timedelta(hours=30))
    assert happened(meter, "overdraft") == [overdrawn]
    assert happened(meter, "relay-opened") == [tripped, exhausted]
    assert (meter.credit.balance, meter.credit.level) == (account.balance, Level.EXHAUSTED)
    assert (meter.credit.remaining, meter.credit.overdraft) == (0, -account.balance)
    assert not meter.relay.press_button()
    meter.credit.purchase(22)
    assert meter.relay.position is Position.OPEN
    assert meter.credit.balance < 5
    meter.credit.purchase(Decimal("20.00"))
    assert (meter.relay.position, meter.credit.level) == (Position.PERMITTED, Level.ALARM_2)
    meter.credit.purchase(Decimal("180.00"))
    assert (meter.relay.alarm, meter.credit.level) == (False, Level.FINE)
    assert happened(meter, "overdraft-over")
    assert meter.relay.press_button()
    records = [(one.count, one.amount, one.before, one.after, one.cumulative) for one in meter.credit.purchases()]
    after = account.balance + 22
    assert records == [
        (3, 180, after + 20, after + 200, 342),
        (2, 20, after, after + 20, 162),
        (1, 22, account.balance, after, 142),
    ]


def test_every_minute_of_a_month_of_steps() -> None:
    """The steps begin anew with the settlement; reading in between changes nothing."""
    meter, account = prepaid(alarm_1=0, alarm_2=0, overdraft=9000), Account()
    for _ in range(40):
        account.wait(97, WATTS)
        go_to(meter, account.time)
        assert (meter.credit.balance, meter.credit.period_usage) == (account.balance, account.used)
        before = meter.credit.balance
        meter.clock.step(29)
        assert meter.credit.balance < before
        meter.clock.step(31)
        account.minute(WATTS)
    assert account.time.month == 4
    assert meter.credit.step == 3
    assert meter.credit.price == meter.credit.rate_price + Fraction("0.3001")


def test_new_prices_cost_from_their_moment_on() -> None:
    """What was used before keeps its price, also when only one of many prices is written."""
    meter = prepaid(balance=900)
    meter.clock.step(3600)
    first = meter.credit.charged
    meter.parameters.set("rate_price_1_2", Decimal("9.0"))
    assert meter.credit.charged == first == Fraction("13.5") * Fraction("0.3583")
    meter.clock.step(3600)
    assert meter.credit.charged == first + Fraction("13.5") * 9
    meter.clear()
    assert meter.credit.charged == first + Fraction("13.5") * 9
    meter.clock.step(3600)
    assert meter.credit.charged == first + 27 * 9


def test_purchases_that_are_refused_change_nothing() -> None:
    """Once each, in order, and not more than may be held."""
    meter = prepaid(hoarding=500)
    assert meter.credit.purchase(100, 1).count == 1
    for amount, count, refusal in (
        (100, 1, Refusal.REPEATED),
        (100, 3, Refusal.COUNT),
        (400, 2, Refusal.HOARDING),
        (0, 2, Refusal.AMOUNT),
        (-5, None, Refusal.AMOUNT),
    ):
        with pytest.raises(PurchaseRefused, match=refusal):
            meter.credit.purchase(amount, count)
    assert (meter.credit.balance, meter.credit.count, len(meter.credit.purchases())) == (220, 1, 1)
    with pytest.raises(PurchaseRefused, match=Refusal.NO_ACCOUNT):
        Meter().credit.purchase(1)


def test_a_guarded_supply_is_not_cut() -> None:
    """The account runs on; the meter warns all the same."""
    meter = prepaid()
    meter.relay.guard(on=True)
    meter.clock.step(30 * 3600)
    assert meter.credit.level is Level.EXHAUSTED
    assert meter.relay.position is Position.CLOSED
    assert meter.relay.alarm
    assert meter.credit.overdraft > 20
    meter.relay.guard(on=False)
    meter.clock.step(120)
    meter.advance()
    assert meter.relay.position is Position.OPEN


def test_a_trip_that_still_waits_is_taken_back_by_a_purchase() -> None:
    """Whoever pays within the delay is not cut off."""
    meter = prepaid()
    meter.parameters.set("trip_delay", Decimal(30))
    meter.relay.guard(on=False)
    while meter.relay.waiting is Waiting.NOTHING:
        meter.clock.step(600)
        meter.advance()
    assert meter.relay.position is Position.CLOSED
    meter.credit.purchase(100)
    meter.clock.step(3600)
    meter.advance()
    assert meter.relay.position is Position.CLOSED


def test_the_head_ends_account_is_not_kept_here() -> None:
    """`remote`: the meter charges nothing and trips only when it is told to."""
    meter = prepaid("remote")
    meter.clock.step(30 * 86_400)
    assert meter.credit.balance == 120
    assert meter.relay.position is Position.CLOSED
    assert meter.credit.charged > 3000


def test_an_account_survives_a_power_cut_and_a_copy() -> None:
    """Nothing is charged in the dark; a saved account goes on as the one that was saved."""
    meter = prepaid()
    meter.clock.step(4000)
    meter.powered = False
    before = meter.credit.balance
    meter.clock.step(86_400)
    meter.powered = True
    assert meter.credit.balance == before
    twin = prepaid()
    states = {name: give() for name, give in parts_of(meter).items()}
    restore(twin, msgspec.msgpack.decode(msgspec.msgpack.encode(states)))
    for one in (meter, twin):
        one.clock.step(20 * 3600)
    assert twin.credit.balance == meter.credit.balance < before
    assert twin.relay.position is meter.relay.position is Position.PERMITTED
    assert twin.credit.state() == meter.credit.state()


def test_steps_of_a_year_and_combined_energy() -> None:
    """The year of the steps begins on its day alone; energy given back counts where the combined register says so."""
    meter = prepaid(steps="year", year="04-02", register="active_combined", balance=9000, alarm_1=0, alarm_2=0)
    meter.set_load(Constant((-4500, 0, 0), 0, 230))
    meter.clock.jump(dt.datetime(2026, 3, 31, 23, 0))
    meter.clock.step(3600)
    assert meter.credit.period_usage == Fraction("4.5")
    meter.clock.step(86_399)
    assert meter.credit.period_usage > Fraction("4.5") * 24, "a settlement is no end of the year"
    meter.clock.step(3601)
    assert meter.credit.period_usage == Fraction("4.5")
    meter.parameters.set("active_combination", 0b1001)
    assert meter.credit.period_usage == Fraction("4.5")
    meter.clock.step(3600)
    assert meter.credit.period_usage == 0
