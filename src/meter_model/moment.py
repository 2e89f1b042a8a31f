"""The meter at one second that need not be its clock's now: what a record of an event keeps of its moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from meterwire.meter_model.circuit import Instant
from meterwire.meter_model.clock import local_time
from meterwire.meter_model.values import NotServed, Value
from meterwire.quantities import QUANTITIES

if TYPE_CHECKING:
    from meterwire.meter_model.energy import Energies
    from meterwire.meter_model.meter import Meter


class Moment:
    """One second of a meter, less than a minute after the last grid point of its ledger.

    Args:
        meter: whose.
        second: which, seconds since 1970 local.
        minute: the minute whose electrical state is meant; by default the one that begins with or before the second.
    """

    def __init__(self, meter: Meter, second: int, minute: int | None = None) -> None:
        self._meter = meter
        self.second = second
        self._minute = second // 60 if minute is None else minute
        self._energies: Energies | None = None
        self._instant: Instant | None = None

    @property
    def energies(self) -> Energies:
        """The energy registers."""
        if self._energies is None:
            self._energies = self._meter.energies_at(self.second)
        return self._energies

    @property
    def instant(self) -> Instant:
        """The electrical state."""
        if self._instant is None:
            self._instant = self._meter.circuit.at(self._minute)
        return self._instant

    @property
    def time(self) -> datetime:
        """The second as the meter shows it, aware."""
        return local_time(self.second).replace(tzinfo=self._meter.clock.zone)

    def read(self, names: Iterable[str]) -> dict[str, Value]:
        """Quantities by name; those that the meter does not have are left out."""
        found: dict[str, Value] = {}
        for name in names:
            try:
                found[name] = self._meter.read_at(self, QUANTITIES[name])
            except NotServed:
                continue
        return found
