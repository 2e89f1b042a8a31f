"""What conditions of events look at: the circuit's minutes, and what somebody does to the meter's case.

Signals of a phase: `voltage`, `current` (its size), `others_current` (the largest of the other phases), `power` (its
size), `export` (power that flows back). Of all phases: `lowest_` and `highest_voltage`, `lowest_` and
`highest_current`, `voltage_unbalance` and `current_unbalance` (highest less lowest, in per cent of the highest),
`export_total`, `power_factor`. All others are truths or numbers of `Inputs` and `Circuit`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from meterwire.meter_model.circuit import apparent
from meterwire.meter_model.events.kinds import Condition
from meterwire.meter_model.load import PHASES, Floats, Rows

MILLI: Final = frozenset({"V", "A", "W", "var"})
"""Units of limits that signals carry as thousandths."""


class Signals:
    """The signals of some slots.

    Args:
        rows: the circuit in each slot, None without power.
        phases: how many there are.
        constants: signals that are the same in all slots.
    """

    def __init__(self, rows: Rows | None, phases: int, constants: Mapping[str, Any]) -> None:
        self._rows, self._phases = rows, phases
        self._known: dict[tuple[str, str], Any] = {(name, ""): value for name, value in constants.items()}

    def holds(self, condition: Condition, phase: str, limits: Mapping[str, float]) -> Any:
        """Whether a condition holds, as one truth or one for each slot."""
        found: Any = False
        for alternative in condition:
            every: Any = True
            for term in alternative:
                every = every & term.holds(self.signal(term.signal, phase), limits)
            found = found | every
        return found

    def signal(self, name: str, phase: str = "") -> Any:
        """A signal by name; of a phase in mV, mA, mW, of all in these or in per cent."""
        value = self._known.get((name, ""))
        if value is None:
            value = self._known.get((name, phase))
        if value is None:
            computed = _OF_PHASE.get(name)
            if computed is not None:
                value = computed(self, PHASES.index(phase))
                self._known[name, phase] = value
            else:
                value = self._known[name, ""] = _OF_ALL[name](self)
        return value

    @property
    def voltages(self) -> Floats:
        """mV, [slots][phases]."""
        return np.asarray(self._there.voltage[:, : self._phases])

    @property
    def powers(self) -> Floats:
        """mW, [slots][phases]."""
        return np.asarray(self._there.active[:, : self._phases])

    @property
    def currents(self) -> Floats:
        """mA, [slots][phases], never negative."""
        found = self._known.get(("currents", ""))
        if found is None:
            volts = self.voltages
            sizes = apparent(self.powers, self._there.reactive[:, : self._phases])
            found = np.divide(sizes * 1000.0, volts, out=np.zeros_like(sizes), where=volts > 0)
            self._known["currents", ""] = found
        return np.asarray(found)

    @property
    def _there(self) -> Rows:
        if self._rows is None:
            raise ValueError("a meter without power measures nothing")
        return self._rows

    def total_power_factor(self) -> Floats:
        """The size of P / S of the totals; 1 where nothing flows."""
        active = self.powers.sum(axis=1)
        size = apparent(active, self._there.reactive[:, : self._phases].sum(axis=1))
        return np.asarray(np.divide(np.abs(active), size, out=np.ones_like(active), where=size > 0))


def _unbalance(values: Floats) -> Floats:
    high = values.max(axis=1)
    return np.asarray(np.divide((high - values.min(axis=1)) * 100.0, high, out=np.zeros_like(high), where=high > 0))


_OF_PHASE: Final[Mapping[str, Callable[[Signals, int], Any]]] = {
    "voltage": lambda signals, phase: signals.voltages[:, phase],
    "current": lambda signals, phase: signals.currents[:, phase],
    "others_current": lambda signals, phase: np.delete(signals.currents, phase, axis=1).max(axis=1, initial=0.0),
    "power": lambda signals, phase: np.abs(signals.powers[:, phase]),
    "export": lambda signals, phase: -signals.powers[:, phase],
}
_OF_ALL: Final[Mapping[str, Callable[[Signals], Any]]] = {
    "lowest_voltage": lambda signals: signals.voltages.min(axis=1),
    "highest_voltage": lambda signals: signals.voltages.max(axis=1),
    "lowest_current": lambda signals: signals.currents.min(axis=1),
    "highest_current": lambda signals: signals.currents.max(axis=1),
    "voltage_unbalance": lambda signals: _unbalance(signals.voltages),
    "current_unbalance": lambda signals: _unbalance(signals.currents),
    "export_total": lambda signals: -signals.powers.sum(axis=1),
    "power_factor": lambda signals: signals.total_power_factor(),
}
