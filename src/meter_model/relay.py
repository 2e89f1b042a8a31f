"""The relay that connects the customer: orders, delays, automatic restoration, guard and alarm, on the meter's clock.

Rules of the State Grid supplement of 2014 to DL/T 645-2007 (control), which the other dialects' relays share: while
power is guarded no trip is obeyed; a newer trip, closing or guard ends a running restoration; a trip waits for the trip
delay, and then, where a current limit is set, until the current is not above it, a day at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final, Protocol

from meterwire.meter_model.agenda import Agenda, Appointment

LONGEST_WAIT: Final = 86_400
"""Seconds that a trip waits for the current to fall."""
_LOOKS_EACH: Final = 60


class Position(StrEnum):
    """Where the relay is."""

    CLOSED = "closed"
    PERMITTED = "permitted"
    """Open; the customer may close it with the button."""
    OPEN = "open"


class Waiting(StrEnum):
    """What a trip that has been ordered waits for."""

    NOTHING = ""
    DELAY = "delay"
    CURRENT = "current"


class Restore(StrEnum):
    """What is to follow a trip by itself."""

    NEVER = ""
    CLOSE = "close"
    PERMIT = "permit"


class Reason(StrEnum):
    """Why an order is not obeyed."""

    GUARDED = "power is guarded"
    RESTORATION_GUARDED = "power is guarded: no trip, and nothing to restore"
    NO_TIME = "the time of the automatic restoration is 0"
    ALREADY_OPEN = "the relay is open already: nothing to restore"


class RelayRefused(Exception):  # noqa: N818  an answer of the model, which each face turns into its dialect's refusal
    """The relay does not obey."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(str(reason))


class Supply(Protocol):
    """What the relay needs of its meter."""

    @property
    def second(self) -> int:
        """The meter's time, whole seconds."""

    @property
    def powered(self) -> bool:
        """Whether the meter has power, which the relay's drive needs."""

    def switch(self, *, closed: bool) -> None:
        """Connect the customer, or do not, and record it."""

    def largest_current(self) -> Fraction:
        """The largest of the phase currents, A."""

    def note_event(self, name: str) -> None:
        """Record what has happened."""

    def setting(self, name: str) -> Fraction:
        """A parameter that is a number."""


class Relay:
    """The relay of one meter.

    Args:
        supply: the meter that it is in.
        agenda: of that meter.

    Attributes:
        position: where it is.
        guarded: whether power is to be kept.
        alarm: whether the customer is warned.
        ordered_by: who gave the last order, as the dialect names him; empty where nobody is known.
        ended: `guard` or `alarm` where the last order released it, for the dialects that tell so.
    """

    def __init__(self, supply: Supply, agenda: Agenda) -> None:
        self._supply, self._agenda = supply, agenda
        self.position = Position.CLOSED
        self.guarded = False
        self.alarm = False
        self.ended = ""
        self.ordered_by = ""
        self.waiting = Waiting.NOTHING
        self.restore_to = Restore.NEVER
        self._restore_after = 0
        self._give_up = 0
        self._trip: Appointment | None = None
        self._restoration: Appointment | None = None

    def trip(self, restore_to: Restore = Restore.NEVER, after: int = 0, delay: int | None = None) -> None:
        """Open, after the trip delay.

        Args:
            restore_to: what is to happen by itself afterwards.
            after: seconds from the opening until then.
            delay: seconds until the opening, where the order says so; else the parameter does.

        Raises:
            RelayRefused: power is guarded, or the restoration cannot be.
        """
        restores = restore_to is not Restore.NEVER
        if restores and not after:
            raise RelayRefused(Reason.NO_TIME)
        if self.guarded:
            raise RelayRefused(Reason.RESTORATION_GUARDED if restores else Reason.GUARDED)
        if restores and self.position is not Position.CLOSED and not self.restores:
            raise RelayRefused(Reason.ALREADY_OPEN)
        self._supersede()
        self.restore_to, self._restore_after = restore_to, after
        if delay is None:
            delay = int(self._supply.setting("trip_delay") * 60)
        if self.position is Position.CLOSED and delay:
            self.waiting = Waiting.DELAY
            self._trip = self._agenda.at(self._supply.second + delay, self._delay_over)
        else:
            self._delay_over()

    def permit(self) -> None:
        """Let the customer close with the button; a closed relay stays closed."""
        self._supersede()
        if self.position is Position.OPEN:
            self._move(Position.PERMITTED)

    def close(self) -> None:
        """Close at once."""
        self._supersede()
        if self.position is not Position.CLOSED:
            self._move(Position.CLOSED)

    def press_button(self) -> bool:
        """The customer presses; say whether that closed the relay."""
        if self.position is not Position.PERMITTED or not self._supply.powered:
            return False
        self.ordered_by = ""
        self._move(Position.CLOSED)
        return True

    def guard(self, on: bool) -> None:
        """Keep power, whatever is ordered; an open relay closes. Or no longer do so."""
        self.ended = "" if on else "guard"
        if on:
            self._supersede()
            if self.position is not Position.CLOSED:
                self._move(Position.CLOSED)
        if on != self.guarded:
            self.guarded = on
            self._supply.note_event("guard-on" if on else "guard-off")

    def warn(self, on: bool) -> None:
        """Warn the customer, or no longer do so."""
        self.ended = "" if on else "alarm"
        if on != self.alarm:
            self.alarm = on
            self._supply.note_event("alarm-on" if on else "alarm-off")

    @property
    def restores(self) -> bool:
        """Whether it is open and will be restored by itself."""
        return self._restoration is not None

    def state(self) -> dict[str, Any]:
        """Everything, as builtins; moments are seconds of the meter's local time."""
        return {
            "position": str(self.position),
            "guarded": self.guarded,
            "alarm": self.alarm,
            "waiting": str(self.waiting),
            "restore_to": str(self.restore_to),
            "ordered_by": self.ordered_by,
            "restore_after": self._restore_after,
            "give_up": self._give_up,
            "trip_at": self._trip.second if self._trip else None,
            "restore_at": self._restoration.second if self._restoration else None,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over; nothing is recorded."""
        self._supersede()
        self.position, self.waiting = Position(state["position"]), Waiting(state["waiting"])
        self.guarded, self.alarm = state["guarded"], state["alarm"]
        self.restore_to, self._restore_after = Restore(state["restore_to"]), state["restore_after"]
        self._give_up, self.ordered_by = state["give_up"], state["ordered_by"]
        if state["trip_at"] is not None:
            looks = self._look if self.waiting is Waiting.CURRENT else self._delay_over
            self._trip = self._agenda.at(state["trip_at"], looks)
        if state["restore_at"] is not None:
            self._restoration = self._agenda.at(state["restore_at"], self._restored)
        self._supply.switch(closed=self.position is Position.CLOSED)

    def _supersede(self) -> None:
        for appointment in (self._trip, self._restoration):
            if appointment is not None:
                appointment.cancel()
        self._trip = self._restoration = None
        self.waiting, self.restore_to, self.ended = Waiting.NOTHING, Restore.NEVER, ""

    def _delay_over(self) -> None:
        self._give_up = self._supply.second + min(int(self._supply.setting("trip_wait") * 60), LONGEST_WAIT)
        self._look()

    def _look(self) -> None:
        """Open where the current lets it, or look again in a minute."""
        limit = self._supply.setting("trip_current_limit")
        late = self._supply.second >= self._give_up
        too_high = bool(limit) and not late and self._supply.largest_current() > limit
        if too_high or not self._supply.powered:
            self.waiting = Waiting.CURRENT
            self._trip = self._agenda.at(self._supply.second + _LOOKS_EACH, self._look)
            return
        self._trip, self.waiting = None, Waiting.NOTHING
        if self.position is not Position.OPEN:
            self._move(Position.OPEN)
        if self.restore_to is not Restore.NEVER:
            self._restoration = self._agenda.at(self._supply.second + self._restore_after, self._restored)

    def _restored(self) -> None:
        if not self._supply.powered:
            self._restoration = self._agenda.at(self._supply.second + _LOOKS_EACH, self._restored)
            return
        target = Position.CLOSED if self.restore_to is Restore.CLOSE else Position.PERMITTED
        self._restoration, self.restore_to = None, Restore.NEVER
        self._move(target)

    def _move(self, to: Position) -> None:
        was, self.position = self.position, to
        closed = to is Position.CLOSED
        if closed != (was is Position.CLOSED):
            self._supply.switch(closed=closed)
