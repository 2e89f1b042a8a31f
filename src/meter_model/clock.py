"""The meter's clock: virtual, so that it can run, freeze, step, jump and run at N times the speed.

It reads no clock of the computer: whoever makes it gives a base, a function that returns seconds which only grow (such
as `time.monotonic`), and the instant to start from. `step` lets time pass, so that energy accumulates; `jump` sets the
clock, as a time setting does, and the meter registers nothing for the difference.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from fractions import Fraction
from typing import Final

from meterwire.errors import LocalProtocolError

ZONE: Final = dt.timezone(dt.timedelta(hours=8))
"""Local time of the default meter; COSEM counts this as deviation -480."""

DEFAULT_START: Final = dt.datetime(2026, 1, 1)  # noqa: DTZ001  local time of whatever meter
EARLIEST: Final = dt.datetime(2000, 1, 1)  # noqa: DTZ001  two digits of a year, as DL/T 645 sends them, end here ...
LATEST: Final = dt.datetime(2099, 12, 31, 23, 59, 59)  # noqa: DTZ001  ... and here
FASTEST: Final = 1_000_000
_NEARLY: Final = 0.999
"""How much of what is left of a second it is remembered for."""
_MOST_DRIFT: Final = Fraction(1, 100)
_EPOCH: Final = dt.datetime(1970, 1, 1)  # noqa: DTZ001
_ZERO: Final = dt.timedelta(0)
_MICROSECOND: Final = dt.timedelta(microseconds=1)

Base = Callable[[], float]
"""Seconds that only grow; only differences mean something."""


def local_seconds(time: dt.datetime) -> int:
    """Whole seconds of a naive local time since 1970-01-01T00:00 of the same local time."""
    return (time - _EPOCH) // dt.timedelta(seconds=1)


def local_time(seconds: int) -> dt.datetime:
    """The naive local time of so many seconds since 1970-01-01T00:00 local."""
    return _EPOCH + dt.timedelta(seconds=seconds)


class VirtualClock:
    """A clock in the meter's local time.

    Args:
        start: what it shows first; a naive time is the meter's local time.
        rate: seconds of the meter per second of the base.
        frozen: whether it stands still.
        base: seconds that only grow; needed as soon as the clock is to run.
        zone: the meter's local time, without daylight saving.
    """

    def __init__(
        self,
        start: dt.datetime = DEFAULT_START,
        *,
        rate: float | Fraction = 1,
        frozen: bool = False,
        base: Base | None = None,
        zone: dt.timezone = ZONE,
    ) -> None:
        self.zone = zone
        self._base: Base = _no_base if base is None else base
        self._drift = Fraction(0)
        self._held, self._held_from, self._held_until = 0, 0.0, 0.0
        self._set_rate(_speed(rate))
        self._frozen = frozen
        self._watchers: list[tuple[Callable[[], None], Callable[[], None]]] = []
        self._anchor = self._micro_of(start)
        self._since = 0.0 if frozen else self._base()

    def now(self) -> dt.datetime:
        """The time it shows, aware, to the microsecond."""
        return (_EPOCH + dt.timedelta(microseconds=self._micro())).replace(tzinfo=self.zone)

    def seconds(self) -> int:
        """Whole seconds of local time since 1970-01-01T00:00 local."""
        if self._frozen:
            return self._anchor // 1_000_000
        now = self._base()
        return self._held if self._held_from <= now < self._held_until else self._hold(now)

    @property
    def frozen(self) -> bool:
        """Whether it stands still."""
        return self._frozen

    @property
    def rate(self) -> Fraction:
        """Seconds of the meter per second of the base while it runs."""
        return self._rate

    @property
    def drift(self) -> Fraction:
        """How many parts per million it is fast; negative where it is slow."""
        return self._drift * 1_000_000

    def set_drift(self, ppm: float | Fraction) -> None:
        """Run fast or slow from now on, by at most 10,000 ppm, as a real crystal does; raises LocalProtocolError."""
        try:
            drift = Fraction(ppm) / 1_000_000
        except (OverflowError, ValueError) as error:
            raise LocalProtocolError(f"a clock cannot drift by {ppm} ppm") from error
        if abs(drift) > _MOST_DRIFT:
            raise LocalProtocolError(f"a clock drifts by at most {_MOST_DRIFT * 1_000_000} ppm")
        self._move(self._micro())
        self._drift = drift
        self._set_rate(self._rate)

    def freeze(self) -> None:
        """Stand still."""
        self._anchor, self._frozen = self._micro(), True

    def run(self, rate: float | Fraction | None = None) -> None:
        """Run on from the time it shows, at the rate it had or at another one."""
        since = self._base()
        speed = self._rate if rate is None else _speed(rate)
        self._anchor, self._since, self._frozen = self._micro(), since, False
        self._set_rate(speed)

    def step(self, seconds: float | Fraction) -> None:
        """Let so many true seconds pass at once; it advances by them and its drift, and energy accumulates."""
        try:
            micro = int(Fraction(seconds) * (1 + self._drift) * 1_000_000)
        except (OverflowError, ValueError) as error:
            raise LocalProtocolError(f"a clock cannot step by {seconds} seconds") from error
        if micro < 0:
            raise LocalProtocolError("a clock steps forwards; to set it back, let it jump")
        self._move(self._micro() + micro)

    def jump(self, to: dt.datetime) -> None:
        """Set the clock; nothing is registered for the difference."""
        target = self._micro_of(to)
        for before, _ in self._watchers:
            before()
        self._move(target)
        for _, after in self._watchers:
            after()

    def state(self) -> int:
        """The time it shows, microseconds since 1970-01-01T00:00 local."""
        return self._micro()

    def restore(self, micro: int) -> None:
        """Show a saved time and go on from it; nobody is told. Raises LocalProtocolError."""
        self._move(micro)

    def watch(self, before: Callable[[], None], after: Callable[[], None]) -> None:
        """Be told when the clock is set: while it still shows the old time, and when it shows the new one."""
        self._watchers.append((before, after))

    def _hold(self, now: float) -> int:
        """The second at this time of the base; remembered, with a time up to which it is known to last.

        Everybody who reads a meter asks for its second first, and the exact arithmetic costs more than the reading.
        """
        micro = self._micro_at(now)
        second, ticks, per = micro // 1_000_000, *self._ticks
        until = now + (1_000_000 - micro % 1_000_000) * per / ticks * _NEARLY
        lasts = self._micro_at(until) // 1_000_000 == second  # time never goes back, so neither does it in between
        self._held, self._held_from, self._held_until = second, now, until if lasts else now
        return second

    def _micro(self) -> int:
        return self._anchor if self._frozen else self._micro_at(self._base())

    def _micro_at(self, base: float) -> int:
        passed, parts = (base - self._since).as_integer_ratio()
        ticks, per = self._ticks
        micro = self._anchor + passed * ticks // (parts * per)
        if self._anchor <= micro <= _LAST:
            return micro
        return self._anchor if micro < self._anchor else _LAST

    def _set_rate(self, rate: Fraction) -> None:
        """Note the rate, and how many microseconds of the meter there are in how many seconds of the base."""
        true = rate * (1 + self._drift)
        self._rate, self._ticks = rate, (true.numerator * 1_000_000, true.denominator)
        self._held_until = self._held_from

    def _move(self, micro: int) -> None:
        if not _FIRST <= micro <= _LAST:
            raise LocalProtocolError(f"a meter's clock shows {EARLIEST:%Y} to {LATEST:%Y}")
        since = self._since if self._frozen else self._base()
        self._anchor, self._since = micro, since
        self._held_until = self._held_from

    def _micro_of(self, time: dt.datetime) -> int:
        offset = _ZERO if time.tzinfo is None else self.zone.utcoffset(None) - (time.utcoffset() or _ZERO)
        micro = (time.replace(tzinfo=None) - _EPOCH + offset) // _MICROSECOND
        if not _FIRST <= micro <= _LAST:
            raise LocalProtocolError(f"a meter's clock shows {EARLIEST:%Y} to {LATEST:%Y}, not {time.isoformat()}")
        return micro


_FIRST: Final = (EARLIEST - _EPOCH) // _MICROSECOND
_LAST: Final = (LATEST - _EPOCH) // _MICROSECOND


def _no_base() -> float:
    raise LocalProtocolError("this clock has nothing to run on: it was made without a base")


def parse_clock(
    text: str,
    *,
    base: Base | None = None,
    wall: Callable[[], float] | None = None,
    zone: dt.timezone = ZONE,
) -> VirtualClock:
    """The clock that a text describes: `real`, `frozen` or `xN`, each with `:ISO` behind it to start from that time.

    Args:
        text: such as `real`, `frozen:2026-01-01T00:00:00`, `x60`, `x0.5:2026-03-01`.
        base: seconds that only grow, such as `time.monotonic`.
        wall: seconds since 1970 UTC, such as `time.time`, for a clock that is to start now.
        zone: the meter's local time; a naive time in the text is in it.

    Raises:
        LocalProtocolError: none of these.
    """
    mode, _, iso = text.partition(":")
    frozen = mode == "frozen"
    rate = _rate_of(mode, text)
    if iso:
        start = parse_time(iso)
    elif wall is not None:
        start = dt.datetime.fromtimestamp(wall(), zone)
    else:
        raise LocalProtocolError(f"clock {text!r} needs a time to start from, such as {mode}:2026-01-01T00:00:00")
    return VirtualClock(start, rate=rate, frozen=frozen, base=base, zone=zone)


def parse_time(iso: str) -> dt.datetime:
    """A time in ISO 8601; raises LocalProtocolError."""
    try:
        return dt.datetime.fromisoformat(iso)
    except ValueError as error:
        raise LocalProtocolError(f"{iso!r} is no time such as 2026-01-01T00:00:00") from error


def _rate_of(mode: str, text: str) -> Fraction:
    if mode in {"real", "frozen"}:
        return Fraction(1)
    if mode.startswith("x"):
        try:
            return _speed(Fraction(mode[1:]))
        except (ValueError, ZeroDivisionError):
            pass
    raise LocalProtocolError(f"clock {text!r} is none of real, frozen:ISO, xN")


def _speed(rate: float | Fraction) -> Fraction:
    try:
        speed = Fraction(rate)
    except (OverflowError, ValueError) as error:
        raise LocalProtocolError(f"a clock cannot run at {rate}") from error
    if not 0 < speed <= FASTEST:
        raise LocalProtocolError(f"a clock runs at more than 0 and at most {FASTEST} times, not {rate}")
    return speed
