"""The status words 1 to 7 (DL/T 645-2007, annex C): the named bits of the meter in their places."""

from __future__ import annotations

from typing import Final

from meterwire.meter_model.meter import Meter

BLOCK: Final = 0x040005FF
_FIRST: Final = 0x04000501
_PHASE: Final = (
    "voltage_loss",
    "under_voltage",
    "over_voltage",
    "current_loss",
    "over_current",
    "overload",
    "flow_reversal",
    "phase_failure",
    "current_cut",
)
WORDS: Final[tuple[dict[str, int], ...]] = (
    {
        "demand_by_interval": 1,
        "clock_battery_low": 2,
        "outage_battery_low": 3,
        "active_reverse": 4,
        "reactive_reverse": 5,
    },
    {
        **{f"active_reverse_{phase}": bit for bit, phase in enumerate("abc")},
        **{f"reactive_reverse_{phase}": 4 + bit for bit, phase in enumerate("abc")},
    },
    {
        "second_schedule_set": 0,
        "supply_auxiliary": 1,
        "supply_battery": 2,
        "programming_permitted": 3,
        "relay_open": 4,
        "second_season_set": 5,
        "relay_commanded_open": 6,
        "pre_trip_alarm": 7,
        "prepaid_energy": 8,
        "prepaid_money": 9,
        "second_price_set": 10,
        "second_step_set": 11,
    },
    *({f"{kind}_{phase}": bit for bit, kind in enumerate(_PHASE)} for phase in "abc"),
    {
        "voltage_reverse_sequence": 0,
        "current_reverse_sequence": 1,
        "voltage_unbalance": 2,
        "current_unbalance": 3,
        "auxiliary_loss": 4,
        "power_loss": 5,
        "demand_over_active_import": 6,
        "demand_over_active_export": 6,
        "power_factor_low": 7,
    },
)
"""For each word the bit of a named state; bits 5 and above of word 3 are recalled."""


class StatusItems:
    """The status words of one meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def octets(self, di: int) -> bytes | None:
        """A word, or all of them; None for other identifiers."""
        if di == BLOCK:
            return b"".join(self._word(number) for number in range(len(WORDS)))
        return self._word(di - _FIRST) if 0 <= di - _FIRST < len(WORDS) else None

    def _word(self, number: int) -> bytes:
        bits, places = self._meter.status.bits(), WORDS[number]
        return sum({1 << place for name, place in places.items() if name in bits}).to_bytes(2, "little")
