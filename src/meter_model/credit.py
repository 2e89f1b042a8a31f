"""Cost control: what the customer has paid, what the energy has cost, and what follows when the credit runs out.

`local` meters keep the account themselves, in money or in energy: they warn at the first alarm amount, trip at the
second until the customer presses the button, go into overdraft below zero and trip for good at its limit. `remote`
meters leave the account to the head-end and obey its orders to the relay. The rules are those of the State Grid's
cost-control meters, recalled; an alarm amount of 0 is none.

The account is a closed form of the registers since the last change of prices: no step is rounded, and reading it at any
second changes nothing. Limits are looked at on whole minutes.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from meterwire.meter_model.agenda import Appointment
from meterwire.meter_model.load import MAX_APPARENT
from meterwire.meter_model.plain import plain, revived
from meterwire.meter_model.prices import PriceTable, refuse_amount
from meterwire.meter_model.relay import Position, RelayRefused, Restore, Waiting
from meterwire.meter_model.tariff import NO_MORE, BillingDays
from meterwire.meter_model.usage import Usage, year_start

if TYPE_CHECKING:
    from meterwire.meter_model.meter import Meter

KEPT: Final = 10
_MOST_KILOWATTS: Final = Fraction(3 * MAX_APPARENT) / 1000


class CreditSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cost control of a type of meter.

    Attributes:
        kind: who keeps the account: nobody, the head-end, or the meter in yuan or in kWh.
        balance: at the start, yuan or kWh.
        register: the energy that is paid for.
        steps: the period after which the steps begin anew: a month ends at the first settlement day.
        year: `MM-DD` of the moment, 00:00, at which a year of steps begins.
        alarm_1: amount at which the meter warns; likewise the others: see the parameters of that name.
    """

    kind: Literal["none", "remote", "money", "energy"] = "none"
    balance: Decimal = Decimal(0)
    register: Literal["active_import", "active_combined"] = "active_import"
    steps: Literal["month", "year"] = "month"
    year: str = "01-01"
    alarm_1: Decimal | None = None
    alarm_2: Decimal | None = None
    overdraft: Decimal | None = None
    hoarding: Decimal | None = None
    reconnection: Decimal | None = None

    def __post_init__(self) -> None:
        year_start(self.year)
        for name, value in {"balance": self.balance, **self.parameters()}.items():
            refuse_amount(name, value, 2)

    def parameters(self) -> dict[str, Any]:
        """The parameters that say the same."""
        named = {
            "alarm_amount_1": self.alarm_1,
            "alarm_amount_2": self.alarm_2,
            "overdraft_limit": self.overdraft,
            "hoarding_limit": self.hoarding,
            "reconnection_amount": self.reconnection,
        }
        return {name: value for name, value in named.items() if value is not None}


class Level(StrEnum):
    """How the account stands."""

    FINE = "fine"
    ALARM_1 = "alarm-1"
    ALARM_2 = "alarm-2"
    EXHAUSTED = "exhausted"


class Refusal(StrEnum):
    """Why nothing is bought."""

    NO_ACCOUNT = "this meter keeps no account"
    REPEATED = "this purchase has been made already"
    COUNT = "purchases have gone missing: the count is not the next one"
    HOARDING = "more would be held than is allowed"
    AMOUNT = "an amount above 0 is needed"


class PurchaseRefused(Exception):  # noqa: N818  an answer of the model, which each face turns into its dialect's refusal
    """The account does not take the amount."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(str(refusal))


class Purchase(msgspec.Struct, frozen=True):
    """One purchase.

    Attributes:
        count: of purchases, with this one.
        before: what was left before it; negative in overdraft. Likewise after.
        cumulative: all that has been bought, with this one.
    """

    time: dt.datetime
    count: int
    amount: Fraction
    before: Fraction
    after: Fraction
    cumulative: Fraction


class Credit:
    """The account of one meter.

    Args:
        meter: whose; everything that the account needs of it exists already.
        settings: who keeps the account.

    Attributes:
        count: purchases so far.
        cumulative: all that has been bought.
    """

    def __init__(self, meter: Meter, settings: CreditSettings) -> None:
        self._meter, self.settings = meter, settings
        self.count = 0
        self.cumulative = Fraction(settings.balance)
        self._level = Level.FINE
        self._records: deque[Purchase] = deque(maxlen=KEPT)
        self._balance = Fraction(settings.balance)
        self._charged = Fraction(0)
        self._overdrawn = False
        self._tripped = self._refused = False
        self._look: Appointment | None = None
        self._period: Appointment | None = None
        self.usage = Usage(settings.register)

    # ------------------------------------------------------------ reading

    @property
    def keeps_account(self) -> bool:
        """Whether the meter itself charges."""
        return self.settings.kind in {"money", "energy"}

    @property
    def balance(self) -> Fraction:
        """What is left now, exact, yuan or kWh; negative in overdraft."""
        self._meter.advance()
        return self._balance - self._spent()[0]

    @property
    def remaining(self) -> Fraction:
        """What is left, not below 0."""
        return max(self.balance, Fraction(0))

    @property
    def overdraft(self) -> Fraction:
        """What is owed, not below 0."""
        return max(-self.balance, Fraction(0))

    @property
    def charged(self) -> Fraction:
        """What all energy has cost since the meter was first met, yuan, whoever keeps the account."""
        self._meter.advance()
        return self._charged + self._spent()[1]

    @property
    def period_usage(self) -> Fraction:
        """Energy in kWh since the present period of the steps began."""
        self._meter.advance()
        return self.usage.of_period(self._meter.energies)

    @property
    def price(self) -> Fraction:
        """What the next kWh costs, yuan."""
        return self.rate_price + self.step_price

    @property
    def rate_price(self) -> Fraction:
        """The part of the price that the rate makes."""
        self._meter.advance()
        return self._table.rate(self._meter.rate_in_force)

    @property
    def step_price(self) -> Fraction:
        """The part of the price that the step makes."""
        return self._table.step(self.period_usage)

    @property
    def step(self) -> int:
        """The step in force, from 1 on."""
        return self._table.step_number(self.period_usage)

    def purchases(self) -> list[Purchase]:
        """The last ten, the latest first."""
        return list(self._records)[::-1]

    @property
    def level(self) -> Level:
        """How the account stood at the last look."""
        self._meter.advance()
        return self._level

    # ------------------------------------------------------------ what happens to it

    def begin(self) -> None:
        """The meter is complete."""
        self._anchor()
        self.plan()

    def purchase(self, amount: Decimal | Fraction | int, count: int | None = None) -> Purchase:
        """Take an amount in; yuan or kWh.

        Args:
            amount: more than 0.
            count: the number of this purchase, where the order carries one: the next, or it is refused.

        Raises:
            PurchaseRefused: and nothing has changed.
        """
        bought = Fraction(amount)
        before = self.balance
        refusal = self._refusal(bought, before, count)
        if refusal is not None:
            raise PurchaseRefused(refusal)
        self._meter.note_event("purchase")
        self._balance += bought
        self.count, self.cumulative = self.count + 1, self.cumulative + bought
        time = self._meter.instant_time
        record = Purchase(time, self.count, bought, before, before + bought, self.cumulative)
        self._records.append(record)
        self._judge()
        return record

    def initialise(self, balance: Decimal | Fraction | int) -> None:
        """Begin the account anew with a balance, as when a wallet is initialised; raises PurchaseRefused."""
        if not self.keeps_account:
            raise PurchaseRefused(Refusal.NO_ACCOUNT)
        self._settle()
        self._balance = self.cumulative = Fraction(balance)
        self.count = 0
        self._records.clear()
        self._judge()

    def prices_changed(self) -> None:
        """Prices, or what the account is made of, have just changed: what was used before costs what it did."""
        self._settle()
        self._anchor()
        self._judge()

    def registers_cleared(self) -> None:
        """The registers are about to begin at zero."""
        self._settle()
        self.usage.cleared()

    def stir(self) -> None:
        """Something changes at the meter: whoever had no reason to look at the account may have one."""
        if self._look is None and self.keeps_account:
            self._look = self._meter.agenda.at((self._meter.second // 60 + 1) * 60, self._looked)

    def plan(self) -> None:
        """Make appointments anew, as after a setting of the clock."""
        if self._period is not None:
            self._period.cancel()
        ends = self._period_end(self._meter.second // 60)
        self._period = self._meter.agenda.at(ends * 60, self._period_over) if ends != NO_MORE else None
        self._judge()

    def state(self) -> dict[str, Any]:
        """Everything, as builtins."""
        self._settle()
        return {
            "count": self.count,
            "cumulative": plain(self.cumulative),
            "balance": plain(self._balance),
            "charged": plain(self._charged),
            "overdrawn": self._overdrawn,
            "tripped": self._tripped,
            "refused": self._refused,
            "level": str(self._level),
            "records": [[plain(part) for part in msgspec.structs.astuple(record)] for record in self._records],
            "usage": self.usage.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over; the registers have been restored before."""
        self.count, self.cumulative = state["count"], revived(state["cumulative"])
        self._balance, self._charged = revived(state["balance"]), revived(state["charged"])
        self._overdrawn, self._level = state["overdrawn"], Level(state["level"])
        self._tripped, self._refused = state["tripped"], state["refused"]
        self._records.clear()
        self._records.extend(Purchase(*map(revived, record)) for record in state["records"])
        self.usage.restore(state["usage"])
        self._table = self._prices()
        self.plan()

    # ------------------------------------------------------------ the account

    def _spent(self) -> tuple[Fraction, Fraction]:
        """What has been taken off the account, and what it cost, since the last change."""
        by_rate = self.usage.since_change(self._meter.energies)
        used = sum(by_rate, Fraction(0))
        table, before = self._table, self.usage.before_change
        cost = sum((table.rate(rate) * part for rate, part in enumerate(by_rate, 1)), Fraction(0))
        cost += table.steps_cost(before + used) - table.steps_cost(before)
        kind = self.settings.kind
        return (cost if kind == "money" else used if kind == "energy" else Fraction(0)), cost

    def _settle(self) -> None:
        """Book what has been used so far."""
        self._meter.advance()
        taken, cost = self._spent()
        self._balance -= taken
        self._charged += cost
        self.usage.book(self._meter.energies)

    def _anchor(self) -> None:
        """Count with the prices and the registers that are now in force."""
        self._table = self._prices()
        self.usage.count_from(self._meter.energies, self._meter.profile.combination)

    def _prices(self) -> PriceTable:
        sets = self._meter.tariff.sets
        return PriceTable.of(self._meter.parameters, sets["price"], sets["step"])

    def _refusal(self, amount: Fraction, before: Fraction, count: int | None) -> Refusal | None:
        if not self.keeps_account:
            return Refusal.NO_ACCOUNT
        if amount <= 0:
            return Refusal.AMOUNT
        if count is not None and count != self.count + 1:
            return Refusal.REPEATED if count == self.count else Refusal.COUNT
        if before + amount > self._limit("hoarding_limit"):
            return Refusal.HOARDING
        return None

    def _limit(self, name: str) -> Fraction:
        return Fraction(self._meter.parameters[name])

    def _period_end(self, minute: int) -> int:
        if self.settings.steps == "year":
            return year_start(self.settings.year).next_after(minute)
        first = self._meter.parameters["settlement_day_1"]
        return NO_MORE if first is None else BillingDays(first).after(minute)

    def _period_over(self) -> None:
        self._settle()
        self.usage.begin_period()
        self._period = None
        self.plan()

    # ------------------------------------------------------------ what follows from it

    def _looked(self) -> None:
        self._look = None
        self._judge()

    def _judge(self) -> None:
        """Do what the balance asks for, and find out when to look again."""
        if self._look is not None:
            self._look.cancel()
            self._look = None
        if not self.keeps_account:
            return
        balance = self._balance - self._spent()[0]
        self._mind_overdraft(balance)
        level = self._level_of(balance)
        was, self._level = self._level, level
        if level != was:
            self._act(was, balance)
        elif self._refused:
            self._trip()
        elif self._tripped:
            self._reconnect(balance)
        self._look_again(balance)

    def _level_of(self, balance: Fraction) -> Level:
        if balance <= -self._limit("overdraft_limit"):
            return Level.EXHAUSTED
        for name, level in (("alarm_amount_2", Level.ALARM_2), ("alarm_amount_1", Level.ALARM_1)):
            limit = self._limit(name)
            if limit and balance <= limit:
                return level
        return Level.FINE

    def _act(self, was: Level, balance: Fraction) -> None:
        relay, order = self._meter.relay, list(Level)
        if (self._level is not Level.FINE) != relay.alarm:
            relay.warn(self._level is not Level.FINE)
        if order.index(self._level) > order.index(was):
            self._trip()
        elif self._tripped:
            self._reconnect(balance)

    def _trip(self) -> None:
        """Order the trip of a level; while power is guarded it is refused, and ordered again when that has ended."""
        relay = self._meter.relay
        try:
            if self._level is Level.EXHAUSTED:
                relay.trip()
            elif self._level is Level.ALARM_2 and relay.position is Position.CLOSED:
                relay.trip(Restore.PERMIT, 60)
            else:
                return
        except RelayRefused:
            self._refused = True
            return
        self._tripped, self._refused = True, False

    def _reconnect(self, balance: Fraction) -> None:
        """Take a trip back that the account had ordered, whether it has been obeyed already or not."""
        relay = self._meter.relay
        if self._level is Level.EXHAUSTED or balance <= self._limit("reconnection_amount"):
            return
        if self._level is Level.ALARM_2 and (relay.restores or relay.waiting is not Waiting.NOTHING):
            return  # the trip of the second alarm is under way, and ends by itself
        self._tripped = self._refused = False
        if relay.position is Position.OPEN or relay.waiting is not Waiting.NOTHING:
            relay.permit()

    def _mind_overdraft(self, balance: Fraction) -> None:
        if (balance < 0) != self._overdrawn:
            self._overdrawn = balance < 0
            self._meter.note_event("overdraft" if self._overdrawn else "overdraft-over")

    def _look_again(self, balance: Fraction) -> None:
        """Look at the first whole minute by which the next limit could have been reached."""
        if self._look is not None:
            self._look.cancel()
            self._look = None
        if not (self._meter.powered and self._meter.circuit.connected):
            return
        limits = [-self._limit("overdraft_limit"), Fraction(0)]
        limits += [limit for name in ("alarm_amount_1", "alarm_amount_2") if (limit := self._limit(name))]
        margins = [balance - limit for limit in limits if balance >= limit]
        dearest = self._table.highest if self.settings.kind == "money" else Fraction(1)
        if not margins or not dearest:
            return
        safe = int(min(margins) * 3600 / (_MOST_KILOWATTS * dearest))
        second = self._meter.second
        due = max(second // 60 + 1, (second + safe) // 60) * 60
        self._look = self._meter.agenda.at(due, self._looked)
