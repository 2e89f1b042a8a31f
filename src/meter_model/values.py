"""What a reading of the meter can be, and the answer for what it does not have."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import TypeAlias

import msgspec


class Demand(msgspec.Struct, frozen=True):
    """A maximum demand.

    Attributes:
        value: in the unit of the quantity, exact.
        time: the end of the demand period in which it was reached; None while there has been none.
    """

    value: Fraction
    time: dt.datetime | None


Value: TypeAlias = Fraction | Demand | dt.datetime | dt.date | dt.time | str
"""Every number is a Fraction in the unit of its quantity; clock values are the meter's time."""


def truncated(value: Fraction, exponent: int) -> int:
    """How many whole units of 10**exponent a value has: cut towards zero, as every face shows it, never rounded."""
    units, parts = value.numerator, value.denominator
    if exponent < 0:
        units *= 10**-exponent
    else:
        parts *= 10**exponent
    return units // parts if units >= 0 else -(-units // parts)


class NotServed(LookupError):  # noqa: N818  an answer of the model, which each face turns into its dialect's refusal
    """This meter does not have the quantity: its profile or device file lacks it."""
