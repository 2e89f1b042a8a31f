"""Feeds targets with mutated seeds and holds them to the limits of errors, time and memory."""

from __future__ import annotations

import importlib
import pkgutil
import random
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

LARGEST = 1 << 16
SECONDS = 0.050
"""CPU seconds that refusing or accepting an input of up to 64 KiB may take."""
MEMORY_EVERY = 997
"""Every how many inputs memory is traced; tracing is slow."""
TRIES = 5
REFERENCE_STEPS, REFERENCE_SECONDS = 300_000, 0.012
"""A plain loop, and what it takes on a quiet core of the machine that the limits were set for."""


def memory_limit(octets: int) -> int:
    """Octets of memory an input of so many octets may cost."""
    return 10 * octets + (1 << 20)


def targets() -> list[ModuleType]:
    """Every module of this folder that is a target."""
    folder = Path(__file__).parent
    modules = [
        importlib.import_module(f"fuzz.{found.name}")
        for found in pkgutil.iter_modules([str(folder)])
        if found.name not in {"runner", "coverage_guided", "framing", "vectors", "__main__"}
    ]
    return [module for module in modules if hasattr(module, "target")]


@dataclass
class Report:
    """What became of the inputs of one target."""

    name: str
    inputs: int = 0
    octets: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    memory: float = 0.0
    bounded: bool = True
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        rate = self.inputs / self.seconds if self.seconds else 0
        return (
            f"{self.name}: {len(self.findings)} findings in {self.inputs} inputs ({self.octets / 1e6:.1f} MB, "
            f"{rate:.0f}/s), slowest {self.slowest * 1e3:.1f} ms, memory at most {self.memory:.2f} of its limit"
        )


def mutants(seeds: list[bytes], seed: int) -> Iterator[bytes]:
    """Inputs without end: seeds changed a little, a lot, cut, spliced, repeated and blown up."""
    chance = random.Random(seed)
    while True:
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
            _change(data, seeds, chance)
        yield bytes(data[:LARGEST])


INTERESTING = (0, 1, 2, 0x13, 0x16, 0x55, 0x68, 0x7E, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xA0, 0xAA, 0xFE, 0xFF)


def _change(data: bytearray, seeds: list[bytes], chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    how = chance.randrange(9)
    if how == 0 and data:
        data[at % len(data)] ^= 1 << chance.randrange(8)
    elif how == 1 and data:
        data[at % len(data)] = chance.choice(INTERESTING)
    elif how == 2 and data:
        data[at % len(data)] = chance.randrange(256)
    elif how == 3:
        data[at:at] = bytes(chance.choice(INTERESTING) for _ in range(chance.randrange(1, 6)))
    elif how == 4:
        del data[at : at + chance.choice((1, 1, 2, 8, 64))]
    elif how == 5:
        del data[at:]
    elif how == 6:
        other = chance.choice(seeds)
        data[at:] = other[chance.randrange(len(other) + 1) :]
    elif how == 7:
        piece = data[at : at + chance.randrange(1, 12)]
        data[at:at] = piece * chance.choice((1, 2, 8, 200 if chance.randrange(50) == 0 else 3))
    else:
        data[at:at] = chance.randbytes(chance.choice((1, 2, 4, 4000 if chance.randrange(200) == 0 else 8)))


def extremes(seeds: list[bytes], most: int = 8) -> Iterator[bytes]:
    """Inputs of 64 KiB that are meant to cost the most, from so many of the seeds."""
    for seed in seeds[:most]:
        yield (seed * (LARGEST // max(len(seed), 1) + 1))[:LARGEST]
        head = seed[: max(1, len(seed) // 2)]
        for octet in (0x00, 0x01, 0x02, 0x68, 0x7E, 0x84, 0xFE, 0xFF):
            yield (head + bytes((octet,)) * LARGEST)[:LARGEST]
    for pair in (b"\x01\x01", b"\x02\x01", b"\x02\x00", b"\x13\x02", b"\x01\x82\xff\xff", b"\x68\x04"):
        yield (pair * LARGEST)[:LARGEST]


def run(
    module: ModuleType,
    inputs: int,
    seed: int = 0,
    seconds: float | None = None,
    *,
    extreme_seeds: int = 8,
    bounded: bool = True,
) -> Report:
    """Feed one target so many inputs, or for so many seconds if that is sooner; `bounded` holds time and memory too."""
    report = Report(module.NAME, bounded=bounded)
    begun = time.perf_counter()
    for data in extremes(module.SEEDS, extreme_seeds):
        _one(module, data, report, memory=True)
    for number, data in enumerate(mutants(module.SEEDS, seed)):
        if number >= inputs or (seconds is not None and time.perf_counter() - begun > seconds):
            break
        _one(module, data, report, memory=number % MEMORY_EVERY == 0)
        if len(report.findings) >= 10:
            break
    report.seconds = time.perf_counter() - begun
    return report


def _one(module: ModuleType, data: bytes, report: Report, *, memory: bool) -> None:
    report.inputs += 1
    report.octets += len(data)
    try:
        spent = _cpu(module, data)
        if (
            spent > SECONDS and report.bounded
        ):  # the machine may have been busy with something else: the best of a few tries counts
            spent = min(_cpu(module, data) / _slowness() for _ in range(TRIES))
        report.slowest = max(report.slowest, spent)
        if spent > SECONDS and report.bounded:
            report.findings.append(f"{spent * 1e3:.0f} ms for {_shown(data)}")
        if memory and report.bounded:
            _measure_memory(module, data, report)
    except Exception as error:  # noqa: BLE001  any exception that leaves a target is a finding
        report.findings.append(f"{type(error).__name__}: {error} for {_shown(data)}")


def _cpu(module: ModuleType, data: bytes) -> float:
    begun = time.thread_time()
    module.target(data)
    return time.thread_time() - begun


def _slowness() -> float:
    """How much slower than on a quiet machine a fixed piece of work is now; never less than 1.

    Neighbours slow a shared core down; this is measured beside each suspect input, so that they are not blamed on it.
    """
    begun, total = time.thread_time(), 0
    for number in range(REFERENCE_STEPS):
        total += number & 3
    return max(1.0, (time.thread_time() - begun) / REFERENCE_SECONDS)


def _measure_memory(module: ModuleType, data: bytes, report: Report) -> None:
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        module.target(data)
        used = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    report.memory = max(report.memory, used / memory_limit(len(data)))
    if used > memory_limit(len(data)):
        report.findings.append(f"{used} octets of memory for {_shown(data)}")


def _shown(data: bytes) -> str:
    text = data[:400].hex()
    return f"{len(data)} octets {text}{'...' if len(data) > 400 else ''}"
