"""What energy costs: a price for each rate, and on top of it steps by what has been used since the period began.

The price in force is the rate's price plus the step's (State Grid specifications of cost-control meters, recalled).
With n steps there are n thresholds and n + 1 step prices: the first holds up to the first threshold, the last above all
of them. Everything is exact: prices are multiples of 0.0001 yuan, energies fractions of a pulse.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import msgspec

from meterwire.meter_model.parameters import Parameters

MOST_STEPS: Final = 99


def refuse_amount(name: str, value: Decimal, decimals: int) -> None:
    """Raise ValueError for a negative or too large amount, or one of too many decimals."""
    if not (value.is_finite() and 0 <= value < 10 ** (8 - decimals) and value == round(value, decimals)):
        raise ValueError(f"{name}: 0 or more, less than {10 ** (8 - decimals)}, at most {decimals} decimals")


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step: above so many kWh since the period began, `price` is added, yuan/kWh."""

    above: Decimal
    price: Decimal

    def __post_init__(self) -> None:
        refuse_amount("above", self.above, 2)
        refuse_amount("price", self.price, 4)


class PriceSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One set of prices; what is not given costs nothing.

    Attributes:
        rates: yuan/kWh of each rate.
        steps: the first is above 0.
    """

    rates: tuple[Decimal, ...] = ()
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        for price in self.rates:
            refuse_amount("rates", price, 4)
        above = [step.above for step in self.steps]
        if above and (above[0] != 0 or above != sorted(set(above))):
            raise ValueError("steps: the first above 0, each above more than the one before")
        if len(self.rates) > 63 or len(self.steps) > MOST_STEPS + 1:
            raise ValueError(f"at most 63 rates and {MOST_STEPS + 1} steps")


class PriceSettings(PriceSet, frozen=True, forbid_unknown_fields=True):
    """Both sets of prices of a type of meter.

    Attributes:
        second: the other set; the switch-over times are parameters.
    """

    second: PriceSet = PriceSet()

    def parameters(self) -> dict[str, Any]:
        """The parameters that say the same."""
        sets = (self, self.second)
        most = max(len(one.steps) for one in sets)
        given: dict[str, Any] = {"step_count": max(0, most - 1)}
        for number, one in enumerate(sets, 1):
            given |= {f"rate_price_{number}_{rate}": price for rate, price in enumerate(one.rates, 1)}
            steps = [*one.steps, *one.steps[-1:] * (most - len(one.steps))]
            given |= {f"step_price_{number}_{at}": step.price for at, step in enumerate(steps, 1)}
            given |= {f"step_threshold_{number}_{at}": step.above for at, step in enumerate(steps[1:], 1)}
        return given


class PriceTable(msgspec.Struct, frozen=True):
    """The prices in force.

    Attributes:
        rates: yuan/kWh by rate, from 1 on.
        thresholds: kWh, ascending.
        steps: yuan/kWh, one more than thresholds.
    """

    rates: tuple[Fraction, ...]
    thresholds: tuple[Fraction, ...]
    steps: tuple[Fraction, ...]

    @staticmethod
    def of(parameters: Parameters, rate_set: int = 0, step_set: int = 0) -> PriceTable:
        """What the parameters say; a threshold below the one before it is as high as that."""
        count = int(parameters["step_count"])
        thresholds: list[Fraction] = []
        for number in range(1, count + 1):
            value = Fraction(parameters[f"step_threshold_{step_set + 1}_{number}"])
            thresholds.append(max(value, thresholds[-1] if thresholds else value))
        steps = range(1, count + 2) if count else ()
        return PriceTable(
            tuple(
                Fraction(parameters[f"rate_price_{rate_set + 1}_{rate}"])
                for rate in range(1, int(parameters["rate_count"]) + 1)
            ),
            tuple(thresholds),
            tuple(Fraction(parameters[f"step_price_{step_set + 1}_{number}"]) for number in steps) or (Fraction(0),),
        )

    @property
    def highest(self) -> Fraction:
        """The most that a kWh can cost."""
        return max(self.rates, default=Fraction(0)) + max(self.steps)

    def rate(self, rate: int) -> Fraction:
        """The price of a rate; 0 for one that has none."""
        return self.rates[rate - 1] if 1 <= rate <= len(self.rates) else Fraction(0)

    def step_number(self, usage: Fraction) -> int:
        """The step that the next kWh belongs to, from 1 on."""
        return 1 + sum(usage >= threshold for threshold in self.thresholds)

    def step(self, usage: Fraction) -> Fraction:
        """What the step adds to the price of the next kWh."""
        return self.steps[self.step_number(usage) - 1]

    def steps_cost(self, usage: Fraction) -> Fraction:
        """What the steps have added, in all, since the period began."""
        edges = (Fraction(0), *self.thresholds)
        total = self.steps[0] * min(usage, Fraction(0))
        for at, price in enumerate(self.steps):
            upper = min(usage, self.thresholds[at]) if at < len(self.thresholds) else usage
            total += price * max(Fraction(0), upper - edges[at])
        return total
