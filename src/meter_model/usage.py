"""The energy that is paid for: how much since the prices last changed, and since the period of the steps began."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from meterwire.meter_model.pattern import Pattern
from meterwire.meter_model.plain import plain, revived
from meterwire.meter_model.tariff import day_of_year

if TYPE_CHECKING:
    from meterwire.meter_model.energy import CombinationWords, Energies

_ZERO = Fraction(0)


class Usage:
    """What one register has counted.

    Args:
        register: `active_import` or `active_combined`.

    Attributes:
        before_change: kWh of the period before the prices last changed.
    """

    def __init__(self, register: str) -> None:
        self._register = register
        self._weights: dict[str, int] = {}
        self._from: tuple[Fraction, ...] = ()
        self.before_change = _ZERO

    def count_from(self, energies: Energies, words: CombinationWords) -> None:
        """Count from the readings of now, and with the combination that is now in force."""
        self._weights = words.combined.get(self._register, {self._register: 1})
        self._from = self._readings(energies)

    def since_change(self, energies: Energies) -> list[Fraction]:
        """Energy in kWh since the prices changed, by rate from 1 on."""
        begun = (*self._from, *[_ZERO] * (energies.rates - len(self._from)))
        return [now - then for now, then in zip(self._readings(energies), begun, strict=True)]

    def of_period(self, energies: Energies) -> Fraction:
        """Energy in kWh since the period began."""
        return self.before_change + sum(self.since_change(energies), _ZERO)

    def book(self, energies: Energies) -> None:
        """Everything so far belongs to what was used before."""
        self.before_change = self.of_period(energies)
        self._from = self._readings(energies)

    def begin_period(self) -> None:
        """A new period; what was used has been booked."""
        self.before_change = _ZERO

    def cleared(self) -> None:
        """The registers begin at zero; what was used has been booked."""
        self._from = ()

    def state(self) -> dict[str, Any]:
        """Everything, as builtins."""
        return {
            "before": plain(self.before_change),
            "from": [plain(one) for one in self._from],
            "weights": dict(self._weights),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a saved state over."""
        self.before_change = revived(state["before"])
        self._from = tuple(map(revived, state["from"]))
        self._weights = dict(state["weights"])

    def _readings(self, energies: Energies) -> tuple[Fraction, ...]:
        return tuple(
            sum(
                (weight * energies.reading(flow, "total", rate) for flow, weight in self._weights.items() if weight),
                _ZERO,
            )
            for rate in range(1, energies.rates + 1)
        )


def year_start(text: str) -> Pattern:
    """The moment of the year at 00:00 on MM-DD; raises ValueError."""
    month, day = day_of_year(text)
    return Pattern(month, day, 0, 0)
