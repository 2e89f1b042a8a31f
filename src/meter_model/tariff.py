"""Tariff schedules: which rate is in force in each minute of the meter's local time."""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec

from meterwire.meter_model.clock import local_seconds, local_time

DAY: Final = 1440


class Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the day: from `start` (HH:MM) on, `rate` (1 to 63) is in force."""

    start: str
    rate: int

    def __post_init__(self) -> None:
        minute_of_day(self.start)
        if not 1 <= self.rate <= 63:
            raise ValueError("rate: 1 to 63")


class TariffSchedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One schedule for every day; the last slot of a day goes on until the first of the next.

    Attributes:
        rates: how many rate registers the meter has.
        slots: in the order of the day, at most 14 (DL/T 645-2007).
    """

    rates: int
    slots: tuple[Slot, ...]

    def __post_init__(self) -> None:
        starts = [minute_of_day(slot.start) for slot in self.slots]
        if not 1 <= len(starts) <= 14:
            raise ValueError("slots: 1 to 14")
        if starts != sorted(set(starts)):
            raise ValueError("slots: each must start later than the one before")
        if not max(slot.rate for slot in self.slots) <= self.rates <= 63:
            raise ValueError("rates: at least the highest rate of the slots, at most 63")


class DayPlan:
    """A schedule made ready for use: the rate of each minute since 1970 local, and the switches."""

    def __init__(self, schedule: TariffSchedule) -> None:
        self._starts = [minute_of_day(slot.start) for slot in schedule.slots]
        self._rates = [schedule.slots[-1].rate] * DAY
        for start, slot in zip(self._starts, schedule.slots, strict=True):
            self._rates[start:] = [slot.rate] * (DAY - start)

    def rate_at(self, minute: int) -> int:
        """The rate in force in that minute."""
        return self._rates[minute % DAY]

    def next_switch(self, minute: int) -> int:
        """The first minute after this one at which a slot starts, whatever its rate."""
        day, inside = divmod(minute, DAY)
        later = (start for start in self._starts if start > inside)
        return day * DAY + next(later, DAY + self._starts[0])

    def since(self, minute: int) -> int:
        """The minute since which the rate in force has been in force, at most a day back."""
        rate, first = self.rate_at(minute), minute
        while first > minute - DAY and self.rate_at(first - 1) == rate:
            first -= 1
        return first


class SettlementDay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The billing moment of a month: day (1 to 28) and hour."""

    day: int = 1
    hour: int = 0

    def __post_init__(self) -> None:
        if not (1 <= self.day <= 28 and 0 <= self.hour <= 23):
            raise ValueError("day: 1 to 28; hour: 0 to 23")

    def after(self, minute: int) -> int:
        """The first settlement later than that minute since 1970 local."""
        here = local_time(minute * 60)
        there = self._of(here.year, here.month)
        return there if there > minute else self._of(here.year + here.month // 12, here.month % 12 + 1)

    def before(self, minute: int) -> int:
        """The last settlement earlier than that minute."""
        here = local_time(minute * 60)
        there = self._of(here.year, here.month)
        return there if there < minute else self._of(here.year - (here.month == 1), (here.month - 2) % 12 + 1)

    def _of(self, year: int, month: int) -> int:
        return local_seconds(dt.datetime(year, month, self.day, self.hour)) // 60  # noqa: DTZ001  local time


def minute_of_day(text: str) -> int:
    """Minutes after midnight of HH:MM; raises ValueError."""
    hour, colon, minute = text.partition(":")
    if not (colon and len(hour) == len(minute) == 2 and (hour + minute).isascii() and (hour + minute).isdigit()):
        raise ValueError(f"{text!r} is no time of day such as 08:00")
    if int(hour) > 23 or int(minute) > 59:
        raise ValueError(f"{text!r} is no time of day such as 08:00")
    return int(hour) * 60 + int(minute)
