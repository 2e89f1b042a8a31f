"""One line of the report, and how its figures are shown."""

from __future__ import annotations

import msgspec

BY_HAND = "by hand"
"""The peer that is what somebody writes for one frame alone."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement beside one peer.

    Attributes:
        what: was done.
        ours: our figure, in `unit`.
        peer: what it is compared with.
        theirs: the peer's figure, in `unit`.
        unit: of both; in one that begins with a rate (`/s`) more is better, in every other one less.
        goal: the figure to reach, None where there is none; `goal_is_ratio` says of what.
        note: what else must be known to read the row.
    """

    what: str
    ours: float
    peer: str
    theirs: float
    unit: str
    goal: float | None = None
    goal_is_ratio: bool = False
    note: str = ""

    @property
    def more_is_better(self) -> bool:
        """Whether the figures are rates."""
        return self.unit.endswith("/s")

    @property
    def ratio(self) -> float:
        """How many times better than the peer we are; below 1 the peer is better."""
        return self.ours / self.theirs if self.more_is_better else self.theirs / self.ours

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached, None where there is none."""
        if self.goal is None:
            return None
        if self.goal_is_ratio:
            return self.ratio >= self.goal
        return self.ours >= self.goal if self.more_is_better else self.ours <= self.goal

    @property
    def aim(self) -> str:
        """The goal in words."""
        if self.goal is None:
            return "-"
        if self.goal_is_ratio:
            return f">= {times(self.goal)}"
        return f"{'>=' if self.more_is_better else '<='} {quantity(self.goal, self.unit)}"

    @property
    def verdict(self) -> str:
        """Whether the goal is reached, and if not by how much it is missed."""
        if self.reached is None or self.goal is None:
            return "-"
        if self.reached:
            return "yes"
        if self.goal_is_ratio:
            return f"no: {self.ratio / self.goal:.0%} of it"
        over = self.goal / self.ours if self.more_is_better else self.ours / self.goal
        return f"no: {over:.2f} times off"


def number(value: float) -> str:
    """Three figures, no more: a busy machine does not give a fourth."""
    if value >= 100:
        return f"{round(value, 3 - len(str(int(value)))):,.0f}"
    return f"{value:.3g}"


def quantity(value: float, unit: str) -> str:
    """A figure with its unit; seconds with the prefix that fits."""
    if unit != "s":
        return f"{number(value)} {unit}"
    for scale, name in ((1, "s"), (1e-3, "ms")):
        if value >= scale:
            return f"{number(value / scale)} {name}"
    return f"{number(value / 1e-6)} us"


def times(ratio: float) -> str:
    """A ratio as a factor."""
    return f"x{ratio:.2f}" if ratio < 9.95 else f"x{ratio:,.0f}"
