"""Cost control: what the customer has paid, and what the energy has cost; `credit_control` says what follows.

`local` meters keep the account themselves, in money or in energy: they warn at the first alarm amount, trip at the
second until the customer presses the button, go into overdraft below zero and trip for good at its limit. `remote`
meters leave the account to the head-end and obey its orders to the relay. The rules are those of the State Grid's
cost-control meters, recalled; an alarm amount of 0 is none.

The account is a closed form of the registers since the last change of prices: no step is rounded, and reading it at any
second changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from meterwire.meter_model.agenda import Appointment
from meterwire.meter_model.credit_control import CreditControl, Level
from meterwire.meter_model.plain import plain, revived
from meterwire.meter_model.prices import PriceTable, refuse_amount
from meterwire.meter_model.tariff import NO_MORE, BillingDays
from meterwire.meter_model.usage import Usage, year_start

if TYPE_CHECKING:
    from meterwire.meter_model.meter import Meter

KEPT: Final = 10


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
        self._records: deque[Purchase] = deque(maxlen=KEPT)
        self._balance = Fraction(settings.balance)
        self._charged = Fraction(0)
        self._period: Appointment | None = None
        self.usage = Usage(settings.register)
        self._control = CreditControl(meter, self)
        meter.status.provide(self._status)

    # ------------------------------------------------------------ reading

    @property
    def keeps_account(self) -> bool:
        """Whether the meter itself charges."""
        return self.settings.kind in {"money", "energy"}

    @property
    def balance(self) -> Fraction:
        """What is left now, exact, yuan or kWh; negative in overdraft."""
        self._meter.advance()
        return self.present_balance

    @property
    def present_balance(self) -> Fraction:
        """As `balance`, at the second up to which the meter is registered."""
        return self._balance - self._spent()[0]

    @property
    def dearest(self) -> Fraction:
        """The most that one kWh takes off the account."""
        return self._table.highest if self.settings.kind == "money" else Fraction(1)

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
        return self._control.level

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
        self._meter.events.begin("purchase", before=msgspec.structs.asdict(record))
        self._control.judge()
        return record

    def initialise(self, balance: Decimal | Fraction | int) -> None:
        """Begin the account anew with a balance, as when a wallet is initialised; raises PurchaseRefused."""
        if not self.keeps_account:
            raise PurchaseRefused(Refusal.NO_ACCOUNT)
        self._settle()
        self._balance = self.cumulative = Fraction(balance)
        self.count = 0
        self._records.clear()
        self._control.judge()

    def prices_changed(self) -> None:
        """Prices, or what the account is made of, have just changed: what was used before costs what it did."""
        self._settle()
        self._anchor()
        self._control.judge()

    def registers_cleared(self) -> None:
        """The registers are about to begin at zero."""
        self._settle()
        self.usage.cleared()

    def registers_change(self, change: Callable[[], None]) -> None:
        """Have registers changed: what was used before costs what it did, and counting goes on from the new ones."""
        self._settle()
        change()
        self._anchor()

    def stir(self) -> None:
        """Something changes at the meter: there may be a reason to look at the account."""
        self._control.stir()

    def plan(self) -> None:
        """Make appointments anew, as after a setting of the clock."""
        if self._period is not None:
            self._period.cancel()
        ends = self._period_end(self._meter.second // 60)
        self._period = self._meter.agenda.at(ends * 60, self._period_over) if ends != NO_MORE else None
        self._control.judge()

    def state(self) -> dict[str, Any]:
        """Everything, as builtins."""
        self._settle()
        return {
            "count": self.count,
            "cumulative": plain(self.cumulative),
            "balance": plain(self._balance),
            "charged": plain(self._charged),
            "records": [[plain(part) for part in msgspec.structs.astuple(record)] for record in self._records],
            "usage": self.usage.state(),
            **self._control.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over; the registers have been restored before."""
        self.count, self.cumulative = state["count"], revived(state["cumulative"])
        self._balance, self._charged = revived(state["balance"]), revived(state["charged"])
        self._control.restore(state)
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
        self._meter.freezes.happen("step_settlement")
        self.usage.begin_period()
        self._period = None
        self.plan()

    def _status(self) -> Iterable[str]:
        if self.keeps_account:
            yield f"prepaid_{self.settings.kind}"
