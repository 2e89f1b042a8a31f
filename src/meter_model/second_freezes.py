"""When freezes by the second are due: at whole multiples of so many seconds, however much time passes at once.

Each such freeze stops the ledger, and only the last ones are kept: where time has jumped, or runs fast, those that
nobody could ever read are counted and left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from meterwire.meter_model.agenda import Appointment
    from meterwire.meter_model.meter import Meter

LONGEST: Final = 3600
"""Seconds between two freezes at most."""


class EverySeconds:
    """The appointments of one meter for these freezes.

    Args:
        meter: whose; nothing is stored while it has no power, which only changes where it is up to date.
        keep: how many of the last matter.
        store: is called for each; is told how many before it were left out.

    Attributes:
        period: seconds, 0 for no freezes.
    """

    def __init__(self, meter: Meter, keep: int, store: Callable[[int], None]) -> None:
        self._meter, self._keep, self._store = meter, keep, store
        self.period = 0
        self._left_out = 0
        self._due: Appointment | None = None

    def plan(self) -> None:
        """Make the appointment anew: the period, or the clock, has been set."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        self._left_out = 0
        if self.period:
            self._appoint(self._meter.second)

    def _appoint(self, second: int) -> None:
        due = (second // self.period + 1) * self.period
        behind = (self._meter.clock.seconds() - due) // self.period + 1 - self._keep
        self._left_out = max(0, behind)
        self._due = self._meter.agenda.at(due + self._left_out * self.period, self._happen)

    def _happen(self) -> None:
        second = self._meter.second
        if self._meter.powered:
            self._store(self._left_out)
        self._appoint(second)
