"""Seeded random numbers as a function of an index, so that any moment can be asked for, in any order.

The mixing function is SplitMix64 (Steele, Lea, Flood, 2014). Only integer operations and one exact scaling are used:
the numbers are the same on every machine and for every way of cutting an index range into pieces.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_MASK: Final = (1 << 64) - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15
_FIRST: Final = 0xBF58476D1CE4E5B9
_SECOND: Final = 0x94D049BB133111EB


def uniform(seed: int, stream: int, index: NDArray[np.int64]) -> NDArray[np.float64]:
    """Numbers in [0, 1) for the indices of a stream; streams and seeds are independent of each other."""
    key = np.uint64(_mixed(_mixed(seed & _MASK) + stream & _MASK))
    mixed = (index.astype(np.uint64) + np.uint64(1)) * np.uint64(_GOLDEN) + key
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(_FIRST)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(_SECOND)
    mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


def uniform_at(seed: int, stream: int, index: int) -> float:
    """One such number."""
    return float(uniform(seed, stream, np.array([index], np.int64))[0])


def drift(seed: int, stream: int, minute: NDArray[np.int64], period: int) -> NDArray[np.float64]:
    """Noise in [0, 1) that wanders from one value to the next within `period` minutes."""
    whole = minute // period
    share = (minute - whole * period) / period
    here = uniform(seed, stream, whole)
    return here + (uniform(seed, stream, whole + 1) - here) * share


def _mixed(value: int) -> int:
    value = (value + _GOLDEN) & _MASK
    value = ((value ^ (value >> 30)) * _FIRST) & _MASK
    value = ((value ^ (value >> 27)) * _SECOND) & _MASK
    return value ^ (value >> 31)
