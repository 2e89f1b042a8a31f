"""When the ledger of a meter has to stop and let something be stored: freezes and load profile, in one order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meterwire.meter_model.columns import needs_everything
from meterwire.meter_model.sample import DemandSample, Sample
from meterwire.meter_model.tariff import NO_MORE

if TYPE_CHECKING:
    from meterwire.meter_model.demand import MaximumDemand
    from meterwire.meter_model.energy import Energies
    from meterwire.meter_model.freezes import Freezes
    from meterwire.meter_model.ledger import Ledger
    from meterwire.meter_model.load import Rows
    from meterwire.meter_model.load_profile import LoadProfile
    from meterwire.meter_model.meter import Meter


class Sampling:
    """What a ledger stops for.

    Args:
        meter: whose.
        freezes: its freezes.
        load_profile: its load profile.

    Attributes:
        next: the minute at which something is to be stored.
        next_full: the minute at which something is to be stored that needs the maxima of the demand.
    """

    def __init__(self, meter: Meter, freezes: Freezes, load_profile: LoadProfile) -> None:
        self._meter, self._freezes, self._load_profile = meter, freezes, load_profile
        self._full: set[str] = set()
        self._full_classes: set[int] = set()
        self.next = self.next_full = NO_MORE

    def plan(self, minute: int) -> None:
        """Find all moments later than a minute: the clock or a parameter has been set."""
        freezes, load_profile = self._freezes, self._load_profile
        self._full = {kind for kind in freezes.series if needs_everything(freezes.columns(kind))}
        self._full_classes = {number for number in load_profile.series if load_profile.needs_everything(number)}
        for series in (*freezes.series.values(), *load_profile.series.values()):
            series.plan(minute)
        self._refresh()

    def pass_over(self, minute: int) -> None:
        """The meter will have power up to that minute: what nobody can ever see is not stored."""
        for series in (*self._freezes.series.values(), *self._load_profile.series.values()):
            series.skip(minute)
        self._refresh()

    def take(self, ledger: Ledger, minute: int, rows: Rows | None) -> None:
        """That minute has come.

        Args:
            ledger: registered up to there.
            minute: since 1970 local.
            rows: the minute that begins; None without power.
        """
        freezes, load_profile = self._freezes, self._load_profile
        kinds = [kind for kind, series in freezes.series.items() if series.next <= minute]
        classes = [number for number, series in load_profile.series.items() if series.next <= minute]
        everything = minute >= self.next_full
        sample = sample_of(self._meter, ledger.demand, ledger.energies, minute * 60, rows, everything=everything)
        for kind in kinds:
            freezes.take(kind, sample, powered=rows is not None)
            freezes.series[kind].plan(minute)
        for number in classes:
            if rows is not None:
                load_profile.take(number, sample)
            load_profile.series[number].plan(minute)
        self._refresh()

    def _refresh(self) -> None:
        freezes, load_profile = self._freezes.series, self._load_profile.series
        self.next = min((one.next for one in (*freezes.values(), *load_profile.values())), default=NO_MORE)
        full = [freezes[kind].next for kind in self._full]
        full += [load_profile[number].next for number in self._full_classes]
        self.next_full = min(full, default=NO_MORE)


def sample_of(
    meter: Meter, demand: MaximumDemand, energies: Energies, second: int, rows: Rows | None, *, everything: bool
) -> Sample:
    """Copy the state of a meter at a second: all of it, or the totals and what flows."""
    present, last_minute = demand.at(second // 60)
    return Sample(
        meter,
        second,
        energies.copy() if everything else energies.totals(),
        DemandSample(demand.settings, present, last_minute, demand.maxima.copy() if everything else None),
        rows,
    )
