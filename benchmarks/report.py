"""The rows as Markdown, for people and for `docs/benchmarks.md`."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.rows import BY_HAND, Row, quantity, times

HEAD = ("what", "ours", "peer", "the peer's", "ratio", "goal", "reached")

INTRODUCTION = """\
# Benchmarks

Written by `make bench`. What counts is the ratio: ours and each peer were measured in turn in the same run, as
medians, on a machine that may have been busy. A ratio above 1 says how many times better meterwire is than the peer,
below 1 that the peer is better. Times of codecs are CPU time of the measuring thread with the garbage collector on.
Nothing here is asserted by a test."""

NOT_YET = """\
## Not measured here

The goals for waveform sums, harmonics and accuracy have no row yet: these parts are not built. That hostile input is
refused in bounded time and memory, with documented errors alone, is held by tests (`make test`, `make fuzz`), not by a
stop-watch."""


def table(rows: Iterable[Row]) -> str:
    """A Markdown table, its columns aligned so that it reads as plain text too."""
    lines = [HEAD, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    shown = [
        "| " + " | ".join(text.ljust(wide) for text, wide in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    shown.insert(1, "|" + "|".join("-" * (wide + 2) for wide in widths) + "|")
    return "\n".join(shown)


def _cells(row: Row) -> tuple[str, ...]:
    ours, theirs = quantity(row.ours, row.unit), quantity(row.theirs, row.unit)
    return row.what, ours, row.peer, theirs, times(row.ratio), row.aim, row.verdict


def section(title: str, about: str, rows: list[Row]) -> str:
    """A heading, what is measured, the table, and the notes of its rows."""
    notes = [f"- {row.note}" for row in rows if row.note]
    return "\n\n".join([f"## {title}", about, table(rows), *(["\n".join(notes)] if notes else [])])


def missed(rows: Iterable[Row]) -> str:
    """Which goals are not reached and by how much, each once."""
    given = list(rows)
    found = {row.what: row for row in reversed(given) if row.reached is False}
    if not found:
        return "## Not reached\n\nEvery goal that has a row here is reached."
    by_hand = {row.what: row for row in reversed(given) if row.peer.startswith(BY_HAND)}
    lines = [f"- {row.what}: {_shortfall(row, by_hand.get(row.what))}" for row in reversed(found.values())]
    return "## Not reached\n\n" + "\n".join(lines)


def _shortfall(row: Row, by_hand: Row | None) -> str:
    if row.goal_is_ratio:
        return f"{times(row.ratio)} of {row.peer}, the goal is {times(row.goal or 0)}."
    also = f"; {BY_HAND} {quantity(by_hand.theirs, by_hand.unit)} in the same run" if by_hand else ""
    return f"{quantity(row.ours, row.unit)}, the goal is {row.aim} ({row.verdict.removeprefix('no: ')}){also}."
