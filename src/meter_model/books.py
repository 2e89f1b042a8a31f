"""The books of a meter: what it does with its registers at set times, as its parameters say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from meterwire.meter_model.credit import Credit
from meterwire.meter_model.demand import DemandSettings
from meterwire.meter_model.freezes import Freezes
from meterwire.meter_model.load_profile import LoadProfile
from meterwire.meter_model.sampling import Sampling
from meterwire.meter_model.tariff import BillingDays
from meterwire.meter_model.tariff_control import TariffControl
from meterwire.meter_model.voltage_quality import LIMITS, VoltageQuality

if TYPE_CHECKING:
    from meterwire.meter_model.meter import Meter
    from meterwire.meter_model.parameters import Change, Parameters
    from meterwire.meter_model.tariff_plan import TariffPlan

_SETTLEMENTS: Final = ("settlement_day_1", "settlement_day_2", "settlement_day_3")
_PRICES: Final = ("rate_price_", "step_price_", "step_threshold_", "step_count", "rate_count", "active_combination")
_CREDIT: Final = ("alarm_amount_", "overdraft_limit", "reconnection_amount", "settlement_day_1")
_SAMPLING: Final = ("freeze_mode", "hourly_freeze", "daily_freeze", "load_profile", "rate_count")
_DEMAND: Final = ("demand_period", "demand_sliding_time")


class Books:
    """The books of one meter.

    Args:
        meter: whose; everything but this exists already.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.tariff = TariffControl(meter.parameters, meter.agenda, self)
        self.freezes = Freezes(meter, meter.profile.freezes)
        self.load_profile = LoadProfile(meter, meter.profile.load_profile)
        self.sampling = Sampling(meter, self.freezes, self.load_profile)
        self.credit = Credit(meter, meter.profile.credit)
        self.voltage_quality = VoltageQuality(meter)
        meter.status.provide(self.tariff.status)
        meter.parameters.watch(self._changed)

    def begin(self) -> None:
        """The meter is complete."""
        self.tariff.begin()
        self._meter.plan_samples()
        self.credit.begin()

    def restore_plans(self) -> None:
        """Parameters have been taken over from a saved state: plan by them; registers are restored afterwards."""
        self._meter.settle_on(billing_days(self._meter.parameters))
        self._meter.measure_demand(demand_settings(self._meter.parameters))

    def clock_set(self) -> None:
        """The clock shows another time: what belongs to moments of the calendar is planned anew."""
        self.tariff.plan()
        self._meter.plan_samples()
        self.freezes.plan()
        self.credit.plan()
        self.voltage_quality.clock_set()

    def stir(self) -> None:
        """Something changes at the meter."""
        self.credit.stir()

    def clear(self) -> None:
        """The meter is being cleared."""
        self.freezes.clear()
        self.load_profile.clear()
        self.voltage_quality.clear()
        self.credit.registers_cleared()

    # ------------------------------------------------------------ what the tariff does to the meter

    @property
    def second(self) -> int:
        """The meter's time."""
        return self._meter.second

    def before_switch(self, name: str) -> None:
        """The other set of `name` is about to take over."""
        if f"{name}_switch" in self.freezes.kinds:
            self.freezes.trigger(f"{name}_switch")

    def after_switch(self, name: str) -> None:
        """It has taken over."""
        self._meter.note_event(f"{name}-switched")
        if name in {"price", "step"}:
            self.credit.prices_changed()

    def retariff(self, plan: TariffPlan) -> None:
        """Register under another plan."""
        self._meter.retariff(plan)

    # ------------------------------------------------------------ parameters

    def _changed(self, change: Change) -> None:
        self.tariff.changed(change.name)
        if change.name in _SETTLEMENTS:
            self._meter.settle_on(billing_days(self._meter.parameters))
        elif change.name in _DEMAND:
            self._meter.measure_demand(demand_settings(self._meter.parameters))
        elif change.name in LIMITS:
            self.voltage_quality.limits_changed()
        elif change.name == "load_profile_start":
            self.load_profile.begin_again()
        elif change.name.startswith("freeze_mode"):
            self.freezes.mode_written(change.name)
        if change.name.startswith(_PRICES):
            self.credit.prices_changed()
        elif change.name.startswith(_CREDIT):
            self.credit.plan()
        if change.name.startswith(_SAMPLING):
            self._meter.plan_samples()


def billing_days(parameters: Parameters) -> BillingDays:
    """The settlement days that the parameters name."""
    return BillingDays(*(parameters[name] for name in _SETTLEMENTS if parameters[name] is not None))


def demand_settings(parameters: Parameters) -> DemandSettings:
    """The demand window that the parameters name; a sliding time that does not divide it means one block."""
    period, slide = (int(parameters[name]) for name in _DEMAND)
    return DemandSettings(period, slide if period % slide == 0 else period)
