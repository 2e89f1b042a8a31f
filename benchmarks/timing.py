"""Medians of works that take turns, so that a slow moment of a shared machine meets all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

Work = Callable[[], Any]

SAMPLE = 0.004
"""Seconds that one sample of a short work should take: long beside the clock, short beside a turn of the scheduler."""


def medians(rounds: int, *works: Work, repeat: int = 1) -> list[float]:
    """Seconds of each work on the wall clock, each done so many times a round."""
    return _in_turn(rounds, works, [repeat] * len(works), time.perf_counter)


def cpu_medians(rounds: int, *works: Work) -> list[float]:
    """Seconds of this thread's CPU time of each work; short works are repeated until a sample is long enough."""
    return _in_turn(rounds, works, [_repeats(work) for work in works], time.thread_time)


def _in_turn(rounds: int, works: tuple[Work, ...], repeats: list[int], clock: Callable[[], float]) -> list[float]:
    for work in works:
        work()
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, repeat, taken in zip(works, repeats, times, strict=True):
            turns = range(repeat)
            start = clock()
            for _ in turns:
                work()
            taken.append((clock() - start) / repeat)
    return [statistics.median(taken) for taken in times]


def _repeats(work: Work) -> int:
    work()
    repeat, taken = 1, 0.0
    while taken < SAMPLE:
        start = time.thread_time()
        for _ in range(repeat):
            work()
        taken = time.thread_time() - start
        repeat *= 2
    return max(1, round(repeat / 2 * SAMPLE / taken))
