"""What follows from the state of the account: warnings, trips, overdraft, and reconnection when the customer has paid.

Limits are looked at on whole minutes: at the first one by which the next limit could have been reached, whatever the
load does, and whenever something has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, Protocol

from meterwire.meter_model.agenda import Appointment
from meterwire.meter_model.load import MAX_APPARENT
from meterwire.meter_model.relay import Position, RelayRefused, Restore, Waiting

if TYPE_CHECKING:
    from meterwire.meter_model.meter import Meter

_MOST_KILOWATTS: Final = Fraction(3 * MAX_APPARENT) / 1000


class Level(StrEnum):
    """How the account stands."""

    FINE = "fine"
    ALARM_1 = "alarm-1"
    ALARM_2 = "alarm-2"
    EXHAUSTED = "exhausted"


class Account(Protocol):
    """The account that is minded."""

    @property
    def keeps_account(self) -> bool:
        """Whether the meter itself charges."""

    @property
    def present_balance(self) -> Fraction:
        """What is left at the second up to which the meter is registered."""

    @property
    def dearest(self) -> Fraction:
        """The most that one kWh takes off the account."""


class CreditControl:
    """Minds one account.

    Args:
        meter: whose relay it orders.
        account: what is minded.

    Attributes:
        level: how the account stood at the last look.
    """

    def __init__(self, meter: Meter, account: Account) -> None:
        self._meter, self._account = meter, account
        self.level = Level.FINE
        self._overdrawn = self._tripped = self._refused = False
        self._look: Appointment | None = None

    def stir(self) -> None:
        """Something changes at the meter: whoever had no reason to look at the account may have one."""
        if self._look is None and self._account.keeps_account:
            self._look = self._meter.agenda.at((self._meter.second // 60 + 1) * 60, self._looked)

    def judge(self) -> None:
        """Do what the balance asks for, and find out when to look again."""
        if self._look is not None:
            self._look.cancel()
            self._look = None
        if not self._account.keeps_account:
            return
        balance = self._account.present_balance
        self._mind_overdraft(balance)
        level = self._level_of(balance)
        was, self.level = self.level, level
        if level != was:
            self._act(was, balance)
        elif self._refused:
            self._trip()
        elif self._tripped:
            self._reconnect(balance)
        self._look_again(balance)

    def state(self) -> dict[str, Any]:
        """Everything, as builtins."""
        return {
            "overdrawn": self._overdrawn,
            "tripped": self._tripped,
            "refused": self._refused,
            "level": str(self.level),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over."""
        self._overdrawn, self.level = state["overdrawn"], Level(state["level"])
        self._tripped, self._refused = state["tripped"], state["refused"]

    # ------------------------------------------------------------ how it is done

    def _looked(self) -> None:
        self._look = None
        self.judge()

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
        if (self.level is not Level.FINE) != relay.alarm:
            relay.warn(self.level is not Level.FINE)
        if order.index(self.level) > order.index(was):
            self._trip()
        elif self._tripped:
            self._reconnect(balance)

    def _trip(self) -> None:
        """Order the trip of a level; while power is guarded it is refused, and ordered again when that has ended."""
        relay = self._meter.relay
        try:
            if self.level is Level.EXHAUSTED:
                relay.trip()
            elif self.level is Level.ALARM_2 and relay.position is Position.CLOSED:
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
        if self.level is Level.EXHAUSTED or balance <= self._limit("reconnection_amount"):
            return
        if self.level is Level.ALARM_2 and (relay.restores or relay.waiting is not Waiting.NOTHING):
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
        dearest = self._account.dearest
        if not margins or not dearest:
            return
        safe = int(min(margins) * 3600 / (_MOST_KILOWATTS * dearest))
        second = self._meter.second
        due = max(second // 60 + 1, (second + safe) // 60) * 60
        self._look = self._meter.agenda.at(due, self._looked)

    def _limit(self, name: str) -> Fraction:
        return Fraction(self._meter.parameters[name])
