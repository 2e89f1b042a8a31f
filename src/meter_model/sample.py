"""The state of a meter at one moment, copied, so that quantities of that moment can be read at any time after it."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from meterwire.meter_model.circuit import Instant
from meterwire.meter_model.clock import local_time
from meterwire.meter_model.load import Rows

if TYPE_CHECKING:
    from meterwire.meter_model.demand import Counts, DemandSettings, Maxima
    from meterwire.meter_model.energy import Energies, Totals
    from meterwire.meter_model.ledger import Settlement
    from meterwire.meter_model.meter import Meter
    from meterwire.meter_model.values import Value
    from meterwire.quantities import Quantity


class DemandSample:
    """The demand at one moment.

    Attributes:
        present: mJ in the window that ended last, [scope][demand].
        last_minute: mJ of the last minute, [scope][flow].
        maxima: of the running period; none where only present values were wanted.
    """

    def __init__(self, settings: DemandSettings, present: Counts, last_minute: Counts, maxima: Maxima | None) -> None:
        self.settings, self.present, self.last_minute = settings, present, last_minute
        self._maxima = maxima

    @property
    def maxima(self) -> Maxima:
        """The maxima; raises KeyError where they were not kept."""
        if self._maxima is None:
            raise KeyError("maxima")
        return self._maxima


class Sample:
    """One moment of a meter; whatever is not copied here belongs to its type, its name or its parameters.

    Args:
        meter: whose.
        second: seconds since 1970 local.
        energies: the registers, all of them or the totals.
        demand: the demand.
        rows: one minute of the circuit; None without power.
    """

    def __init__(
        self, meter: Meter, second: int, energies: Energies | Totals, demand: DemandSample, rows: Rows | None
    ) -> None:
        self._meter, self.second = meter, second
        self.energies, self.demand = energies, demand
        self.profile = meter.profile
        self.rate_count = meter.rate_count
        self.dark_seconds = meter.dark_seconds
        self._rows = rows or _NOTHING
        self._reversed = meter.circuit.voltage_reversed
        self._instant: Instant | None = None

    @property
    def instant(self) -> Instant:
        """The electrical state."""
        if self._instant is None:
            self._instant = Instant(self._meter.circuit, self.second // 60, self._rows, turned_round=self._reversed)
        return self._instant

    @property
    def temperature(self) -> Fraction:
        """Inside the case."""
        return self._meter.temperature_at(self.second)

    @property
    def instant_time(self) -> datetime:
        """The time, aware."""
        return local_time(self.second).replace(tzinfo=self._meter.clock.zone)

    def settlement(self, number: int) -> Settlement:
        """Settlements have a memory of their own; raises IndexError."""
        raise IndexError(number)

    def read(self, quantity: Quantity) -> Value:
        """The value at that moment; raises NotServed."""
        return self._meter.read_from(cast("Meter", self), quantity)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._meter, name)


_NOTHING = Rows(np.zeros((1, 3)), np.zeros((1, 3)), np.zeros((1, 3)), np.zeros(1))
