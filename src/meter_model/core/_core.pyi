# ruff: noqa: PYI021  the module's own docstrings are one line each; this is where a reader looks
"""The C metering core (csrc/): checks every buffer at its door and keeps no state but the choice of instruction set.

Buffers are C-contiguous, aligned and in native byte order; arrays that are written overlap no other argument.
A wrong type or item format raises TypeError, a wrong size, layout or value ValueError; after an error nothing has
changed. This is an inner module: `registers` turns arguments into such buffers and raises what its own pages say.
The interpreter lock is released while a large block is worked on.
"""

from typing import Any, TypeAlias

from numpy.typing import NDArray
from typing_extensions import Buffer

_Buffer: TypeAlias = Buffer | NDArray[Any]  # to the checker no array is a Buffer before Python 3.12

MAX_STEPS: int
"""Steps in one block: 2048 increments below 2**51 cannot overflow an accumulator by themselves."""

isa: str
"""The instruction set in use: "base", "v3" (AVX2) or "v4" (AVX-512); every one gives the same bits."""

isas: tuple[str, ...]
"""Those this machine and build can use, in rising order; the last is taken at import."""

def use_isa(name: str, /) -> None:
    """Use another of `isas`, for the whole interpreter; meant for tests."""

def integrate(
    p: _Buffer,
    q: _Buffer,
    active_factor: _Buffer,
    reactive_factor: _Buffer,
    starting_active: _Buffer,
    starting_reactive: _Buffer,
    phases: _Buffer | None,
    totals: _Buffer,
    first: int = 0,
    last: int | None = None,
    check: bool = False,
    /,
) -> None:
    """Add a block of steps to the accumulators of the meters from first up to, not including, last.

    Args:
        p: active power, W, float64 or float32, [steps][3][meters]; [steps][meters] when `phases` is None.
        q: reactive power, var, likewise.
        active_factor: increments of 2**-32 pulse per W and step, float64 [meters].
        reactive_factor: the same per var.
        starting_active: W per phase below which a power counts as zero, float64 [meters].
        starting_reactive: var per phase, likewise.
        phases: accumulators int64 [6][3][meters], or None for meters with a single element.
        totals: accumulators int64 [6][meters].
        first: first meter of the range.
        last: end of the range; None is the number of meters.
        check: look whether all increments are in range and add nothing.

    Raises:
        ValueError: a power is not finite, or gives 2**51 or more increments in one step.
        OverflowError: an accumulator would pass 2**63; drain and call again.
    """

def drain(accumulators: _Buffer, pulses: _Buffer, /) -> None:
    """Add the whole pulses of int64 accumulators to as many int64 registers and leave the fractions, 0 to 2**32 - 1.

    Raises:
        OverflowError: a register would pass 2**63 pulses.
    """

def drain_banks(accumulators: _Buffer, bank: _Buffer, pulses: _Buffer, /) -> None:
    """Drain accumulators [6][meters] into pulses [banks][6][meters], each meter into the bank uint8 bank[meter].

    Raises:
        ValueError: a bank number is not below the number of banks.
        OverflowError: a register would pass 2**63 pulses.
    """
