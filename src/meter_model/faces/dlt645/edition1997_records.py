"""What happened to the meter, and its state, as the edition of 1997 has it: B21x, B31x to B34x, C020, C021."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from meterwire.meter_model.meter import Meter

_LATEST: Final = {0xB210: "programming", 0xB211: "demand_clear"}
_COUNTS: Final = {0xB212: "programming", 0xB213: "demand_clear"}
_FAILURES: Final = 0xB3
_WORDS: Final[Mapping[int, Mapping[str, int]]] = {
    0xC020: {
        "demand_by_interval": 1,
        "clock_battery_low": 2,
        "outage_battery_low": 2,
        "active_reverse": 4,
        "reactive_reverse": 5,
    },
    0xC021: {
        f"{kind}_{phase}": first + bit
        for kind, first in (("phase_failure", 0), ("voltage_loss", 0), ("over_voltage", 4))
        for bit, phase in enumerate("abc")
    },
}
"""Bits of the status words; all but the battery and those of the phases are recalled."""
_NO_TIME: Final = "00-00 00:00"
_MOST: Final = 9999
_MOST_MINUTES: Final = 999_999


class Records1997:
    """The counts, times and states of one meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def read(self, di: int) -> Any:
        """The value of an item as its format has it, None where the meter has no such item."""
        events = self._meter.events
        if di in _LATEST:
            record = events.record(_LATEST[di])
            return _NO_TIME if record is None else f"{record.start:%m-%d %H:%M}"
        if di in _COUNTS:
            return Decimal(min(events.count(_COUNTS[di]), _MOST))
        if di in _WORDS:
            bits = self._meter.status.bits()
            return sum({1 << place for name, place in _WORDS[di].items() if name in bits})
        return self._failure(di) if di >> 8 == _FAILURES else None

    def _failure(self, di: int) -> Any:
        """Phase failures: how often, how long, the latest begin and end; of all phases together the sum (recalled)."""
        what, phase = di >> 4 & 0xF, di & 0xF
        named = [f"phase_failure_{name}" for at, name in enumerate("abc", 1) if phase in (0, at)]
        kinds = [kind for kind in named if kind in self._meter.events.kinds]
        summed = _SUMS.get(what)
        return summed(self._meter, kinds) if summed is not None and kinds and phase <= len("abc") else None


def _latest(meter: Meter, kinds: list[str], moment: str) -> str:
    records = [one for one in map(meter.events.record, kinds) if one is not None]
    times = [time for time in (getattr(one, moment) for one in records) if time is not None]
    return f"{max(times):%m-%d %H:%M}" if times else _NO_TIME


_SUMS: Final[Mapping[int, Callable[[Meter, list[str]], Any]]] = {
    1: lambda meter, kinds: Decimal(min(sum(map(meter.events.count, kinds)), _MOST)),
    2: lambda meter, kinds: Decimal(min(sum(meter.events.total(kind) // 60 for kind in kinds), _MOST_MINUTES)),
    3: lambda meter, kinds: _latest(meter, kinds, "start"),
    4: lambda meter, kinds: _latest(meter, kinds, "end"),
}
