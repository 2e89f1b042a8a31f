"""What a tariff is made of, as people write it down: slots of a day, seasons, weekends, holidays, two sets of each."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Final

import msgspec

from meterwire.meter_model.clock import local_seconds, local_time
from meterwire.meter_model.tariff_plan import DaySlots, SeasonRows, TariffPlan, TariffTables

WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
"""In the order of the bits of the weekend word of DL/T 645-2007 (annex C): a bit that is 1 is a working day."""
NO_MORE: Final = 1 << 60
"""A minute that never comes."""
DaySchedule = Annotated[int, msgspec.Meta(ge=1, le=8)]


class Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the day: from `start` (HH:MM) on, `rate` (1 to 63) is in force."""

    start: str
    rate: int

    def __post_init__(self) -> None:
        minute_of_day(self.start)
        if not 1 <= self.rate <= 63:
            raise ValueError("rate: 1 to 63")


class Season(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the year: from `start` (MM-DD) on, the day schedule `day` is in force."""

    start: str
    day: DaySchedule

    def __post_init__(self) -> None:
        day_of_year(self.start)


class Holiday(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One date with a day schedule of its own."""

    date: dt.date
    day: DaySchedule


class Weekend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The days of the week that are not working days, and their day schedule."""

    days: tuple[str, ...]
    day: DaySchedule

    def __post_init__(self) -> None:
        if not set(self.days) <= set(WEEKDAYS):
            raise ValueError(f"days: of {', '.join(WEEKDAYS)}")


class TariffSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One set of tables.

    Attributes:
        days: the slots of each day schedule, by its number.
        seasons: at most 14; empty means the first day schedule all the year.
    """

    days: dict[str, tuple[Slot, ...]] = {}
    seasons: tuple[Season, ...] = ()

    def __post_init__(self) -> None:
        for number, slots in self.days.items():
            if number not in {str(known) for known in range(1, 9)}:
                raise ValueError("days: numbered 1 to 8")
            _refuse_disorder(slots)
        if len(self.seasons) > 14:
            raise ValueError("seasons: at most 14")

    def day_slots(self) -> dict[int, DaySlots]:
        """Minutes and rates by number of the day schedule."""
        return {int(number): _plain(slots) for number, slots in self.days.items()}

    def season_rows(self) -> SeasonRows:
        """Month, day and day schedule."""
        return tuple((*day_of_year(season.start), season.day) for season in self.seasons) or ((1, 1, 1),)


class TariffSchedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tariff of a meter; the last slot of a day goes on until the first of the next.

    Attributes:
        rates: how many rate registers the meter has.
        slots: in the order of the day, at most 14 (DL/T 645-2007); short for the first day schedule.
        days: further day schedules, by number.
        seasons: parts of the year; without them the first day schedule is always in force.
        holidays: at most 254; they go before weekends, and these before seasons.
        second: the other set; what it does not say is as in the first.
        season_switch: when the seasons of the other set take over, local time.
        day_switch: when the day schedules of the other set take over.
    """

    rates: int
    slots: tuple[Slot, ...] = ()
    days: dict[str, tuple[Slot, ...]] = {}
    seasons: tuple[Season, ...] = ()
    weekend: Weekend | None = None
    holidays: tuple[Holiday, ...] = ()
    second: TariffSet = TariffSet()
    season_switch: dt.datetime | None = None
    day_switch: dt.datetime | None = None

    def __post_init__(self) -> None:
        if self.slots:
            _refuse_disorder(self.slots)
        elif not self.days:
            raise ValueError("slots: 1 to 14")
        highest = [slot.rate for one in self.sets for slots in one.days.values() for slot in slots]
        if not max(highest) <= self.rates <= 63:
            raise ValueError("rates: at least the highest rate of the slots, at most 63")
        if len(self.holidays) > 254:
            raise ValueError("holidays: at most 254")
        for name, moment in (("season_switch", self.season_switch), ("day_switch", self.day_switch)):
            if moment is not None and moment.tzinfo is not None:
                raise ValueError(f"{name}: local time, without a zone")

    @property
    def sets(self) -> tuple[TariffSet, TariffSet]:
        """Both sets, complete."""
        days = {**({"1": self.slots} if self.slots else {}), **self.days}
        first = TariffSet(days, self.seasons)
        return first, TariffSet({**days, **self.second.days}, self.second.seasons or self.seasons)

    @property
    def working_days(self) -> int:
        """The weekend word: bit 0 Sunday to bit 6 Saturday, 1 is a working day."""
        rest = self.weekend.days if self.weekend else ()
        return sum(1 << bit for bit, day in enumerate(WEEKDAYS) if day not in rest)

    def tables(self) -> TariffTables:
        """Ready for use."""
        first, second = self.sets
        return TariffTables(
            rates=self.rates,
            seasons=(first.season_rows(), second.season_rows()),
            days=(first.day_slots(), second.day_slots()),
            working_days=self.working_days,
            weekend=self.weekend.day if self.weekend else 0,
            holidays={holiday.date: holiday.day for holiday in self.holidays},
        )


def plan_of(schedule: TariffSchedule) -> TariffPlan:
    """The first set of a tariff."""
    return TariffPlan(schedule.tables())


class BillingDays:
    """The moments of a month at which a billing period ends.

    Args:
        moments: (day, hour) of each; none means that no period ever ends.
    """

    def __init__(self, *moments: tuple[int, int]) -> None:
        self.moments = moments

    def after(self, minute: int) -> int:
        """The first settlement later than that minute since 1970 local, `NO_MORE` where there is none."""
        return min((found for found in self._around(minute) if found > minute), default=NO_MORE)

    def before(self, minute: int) -> int:
        """The last settlement earlier than that minute."""
        return max(found for found in self._around(minute) if found < minute)

    def _around(self, minute: int) -> list[int]:
        here = local_time(minute * 60)
        months = [(here.year * 12 + here.month - 1 + shift) for shift in (-1, 0, 1)]
        return [_minute_of(month, day, hour) for month in months for day, hour in self.moments]


def _minute_of(month: int, day: int, hour: int) -> int:
    return local_seconds(dt.datetime(month // 12, month % 12 + 1, day, hour)) // 60  # noqa: DTZ001  local time


class SettlementMoment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A billing moment of a month: day (1 to 28) and hour."""

    day: int = 1
    hour: int = 0

    def __post_init__(self) -> None:
        if not (1 <= self.day <= 28 and 0 <= self.hour <= 23):
            raise ValueError("day: 1 to 28; hour: 0 to 23")


class SettlementDay(SettlementMoment, frozen=True, forbid_unknown_fields=True):
    """The billing moments of a month: the first, and up to two more."""

    more: tuple[SettlementMoment, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.more) > 2:
            raise ValueError("more: at most two")

    @property
    def days(self) -> BillingDays:
        """All of them."""
        return BillingDays(*((one.day, one.hour) for one in (self, *self.more)))

    def after(self, minute: int) -> int:
        """The first settlement later than that minute since 1970 local."""
        return self.days.after(minute)

    def before(self, minute: int) -> int:
        """The last settlement earlier than that minute."""
        return self.days.before(minute)


def minute_of_day(text: str) -> int:
    """Minutes after midnight of HH:MM; raises ValueError."""
    hour, colon, minute = text.partition(":")
    if not (colon and len(hour) == len(minute) == 2 and (hour + minute).isascii() and (hour + minute).isdigit()):
        raise ValueError(f"{text!r} is no time of day such as 08:00")
    if int(hour) > 23 or int(minute) > 59:
        raise ValueError(f"{text!r} is no time of day such as 08:00")
    return int(hour) * 60 + int(minute)


def day_of_year(text: str) -> tuple[int, int]:
    """Month and day of MM-DD; raises ValueError."""
    if len(text) == 5 and text[2] == "-" and text.isascii() and (text[:2] + text[3:]).isdigit():
        try:
            date = dt.date(2000, int(text[:2]), int(text[3:]))
        except ValueError:
            pass
        else:
            return date.month, date.day
    raise ValueError(f"{text!r} is no day of the year such as 07-01")


def tariff_parameters(schedule: TariffSchedule) -> dict[str, Any]:
    """The parameters that say the same as a tariff."""
    given: dict[str, Any] = {
        "rate_count": schedule.rates,
        "season_count": max(len(one.season_rows()) for one in schedule.sets),
        "day_schedule_count": max(int(number) for one in schedule.sets for number in one.days),
        "day_slot_count": max(len(slots) for one in schedule.sets for slots in one.days.values()),
        "holiday_count": len(schedule.holidays),
        "working_days": schedule.working_days,
        "weekend_schedule": schedule.weekend.day if schedule.weekend else 0,
        "season_switch_time": schedule.season_switch,
        "schedule_switch_time": schedule.day_switch,
    }
    given |= {f"holiday_{number}": (one.date, one.day) for number, one in enumerate(schedule.holidays, 1)}
    for number, one in enumerate(schedule.sets, 1):
        given[f"season_table_{number}"] = one.season_rows()
        slots = one.day_slots()
        typical = slots[min(slots)]
        given |= {f"day_schedule_{number}_{day}": slots.get(day, typical) for day in range(1, 9)}
    return given


def _plain(slots: tuple[Slot, ...]) -> DaySlots:
    return tuple((minute_of_day(slot.start), slot.rate) for slot in slots)


def _refuse_disorder(slots: tuple[Slot, ...]) -> None:
    starts = [minute_of_day(slot.start) for slot in slots]
    if not 1 <= len(starts) <= 14:
        raise ValueError("slots: 1 to 14")
    if starts != sorted(set(starts)):
        raise ValueError("slots: each must start later than the one before")
