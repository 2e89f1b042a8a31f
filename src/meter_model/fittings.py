"""What a meter has beside its registers: parameters, locks, a relay, a secure element; and how they act on it."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import msgspec

from meterwire.meter_model.access import Access
from meterwire.meter_model.dlms_push import DlmsPush
from meterwire.meter_model.dlms_security import DlmsSecurity
from meterwire.meter_model.energy import CombinationWords
from meterwire.meter_model.esam import EsamDouble
from meterwire.meter_model.esam69845 import Esam69845Double
from meterwire.meter_model.parameters import Change, Parameters, Setting, parameters
from meterwire.meter_model.programming import Programming
from meterwire.meter_model.relay import Relay
from meterwire.meter_model.tariff import tariff_parameters

if TYPE_CHECKING:
    from meterwire.meter_model.identity import Identity
    from meterwire.meter_model.meter import Meter
    from meterwire.meter_model.profiles import Profile

_IDENTITY: Final = {
    "address": "address",
    "meter_number": "number",
    "asset_number": "asset_number",
    "customer_number": "customer_number",
}
"""Parameters that are names of the meter, and where its identity keeps them."""
_COMBINATION: Final = {
    "active_combination": "active",
    "reactive_combination_1": "reactive_1",
    "reactive_combination_2": "reactive_2",
}
_NUMBERS: Final = (
    "harmonic_order",
    "pulse_width",
    "current_transformer_ratio",
    "voltage_transformer_ratio",
)


def fresh_parameters(profile: Profile, identity: Identity) -> Parameters:
    """The parameters of a new meter: those of its type and name, and the table's defaults."""
    given: dict[str, Setting] = {name: getattr(profile.numbers, name) for name in _NUMBERS}
    given |= {name: getattr(identity, where) for name, where in _IDENTITY.items()}
    given |= {name: getattr(profile.combination, where) for name, where in _COMBINATION.items()}
    given |= {"demand_period": profile.demand.period, "demand_sliding_time": profile.demand.slide}
    given |= {f"settlement_day_{number}": one for number, one in enumerate(profile.settlement.days.moments, 1)}
    given |= tariff_parameters(profile.tariff) | profile.prices.parameters() | profile.credit.parameters()
    return Parameters(given)


class Fittings:
    """The fittings of one meter.

    Args:
        meter: that they are in; its clock, agenda, identity and profile exist already.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        secrets = meter.identity.secrets
        passwords = {int(level): digits for level, digits in secrets.dlt645_passwords.items()}
        self.parameters = fresh_parameters(meter.profile, meter.identity)
        self.access = Access(passwords, meter.clock.seconds, secrets.dlt69845_password)
        self.esam = EsamDouble(secrets.master_key[:16], meter.identity.number, meter.clock.seconds)
        self.esam69845 = Esam69845Double(secrets.master_key[:16], lambda: meter.identity.address, meter.clock.seconds)
        self.dlms_security = DlmsSecurity(meter.identity, meter.clock.seconds)
        self.dlms_push = DlmsPush()
        self.programming = Programming(meter.now, meter.note_event)
        self.relay = Relay(_Supply(meter), meter.agenda)
        self.parameters.watch(self._changed)

    def parameters_restored(self) -> None:
        """Parameters have been taken over from a saved state: the meter follows them without a record."""
        meter, values = self._meter, self.parameters
        names: Any = {where: values[name] for name, where in _IDENTITY.items()}
        words: Any = {where: values[name] for name, where in _COMBINATION.items()}
        meter.identity = msgspec.structs.replace(meter.identity, **names)
        combination = msgspec.structs.replace(meter.profile.combination, **words)
        meter.profile = msgspec.structs.replace(meter.profile, combination=combination)

    def clock_set(self, by: int) -> None:
        """The clock has been set by so many seconds: what lasts goes on lasting as long as before."""
        self.access.clock_set(by)
        self.esam.clock_set(by)
        self.esam69845.clock_set(by)
        self.dlms_security.clock_set(by)

    def _changed(self, change: Change) -> None:
        """Record a change while the meter still works as before, then let it work as it shall."""
        meter = self._meter
        if change.by is not None:
            self.programming.note(change.by)
        else:
            meter.note_event("programming")
        if change.name in _IDENTITY:
            changed: Any = {_IDENTITY[change.name]: change.new}
            meter.identity = msgspec.structs.replace(meter.identity, **changed)
        elif change.name in _COMBINATION:
            words: CombinationWords = msgspec.structs.replace(
                meter.profile.combination, **{_COMBINATION[change.name]: change.new}
            )
            meter.recombine(words)


class _Supply:
    """The meter as its relay sees it."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    @property
    def second(self) -> int:
        return self._meter.second

    @property
    def powered(self) -> bool:
        return self._meter.powered

    def switch(self, *, closed: bool) -> None:
        self._meter.connect_customer(closed)

    def largest_current(self) -> Fraction:
        instant = self._meter.instant
        return max(abs(instant.current(number)) for number in range(len(self._meter.circuit.phases)))

    def note_event(self, name: str) -> None:
        self._meter.note_event(name)

    def setting(self, name: str) -> Fraction:
        return Fraction(self._meter.parameters[name])


def number(meter: Meter, name: str) -> Fraction | None:
    """A parameter that is a number, None where no parameter of that kind is called so."""
    row = parameters().get(name)
    return Fraction(meter.parameters[name]) if row is not None and row.kind == "number" else None
