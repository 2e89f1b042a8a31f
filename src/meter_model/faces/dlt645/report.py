"""The active report of the 2014 edition: D5 while an event waits, the status 04001501H, its reset 04001503H.

State Grid supplement of 2014. Which bit of the mode word 04001104H is for which bit of the status is recalled: the
sixteen faults, then the nine of a phase once for all three, then those of the whole meter, then the programmings.
"""

from __future__ import annotations

from typing import Final

from meterwire.meter_model.agenda import Appointment
from meterwire.meter_model.meter import Meter

RESET: Final = 0x04001503
OCTETS: Final = 12
FORGOTTEN_AFTER: Final = 1800
"""Seconds after a read at which the status is reset by itself."""
_AA: Final = b"\xaa"

NAMES: Final[dict[int, tuple[str, ...]]] = {
    0: ("relay_malfunction",),
    1: ("esam_error",),
    2: ("card_error",),
    3: ("clock_battery_low",),
    4: ("program_error",),
    5: ("memory_error",),
    7: ("clock_error",),
    8: ("outage_battery_low",),
    9: ("overdraft",),
    10: ("cover_open",),
    11: ("terminal_cover_open",),
    12: ("magnetic_field",),
    13: ("supply_abnormal",),
    14: ("relay_trip",),
    15: ("relay_close",),
    **{
        16 * (number + 1) + bit: (f"{kind}_{phase}",)
        for number, phase in enumerate(("a", "b", "c"))
        for bit, kind in enumerate(
            (
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
        )
    },
    64: ("voltage_reverse_sequence",),
    65: ("current_reverse_sequence",),
    66: ("voltage_unbalance",),
    67: ("current_unbalance",),
    68: ("auxiliary_loss",),
    69: ("power_loss",),
    70: ("demand_over_active_import", "demand_over_active_export"),
    71: ("power_factor_low",),
    72: ("current_severe_unbalance",),
    73: ("total_flow_reversal",),
    74: ("all_voltage_loss",),
    80: ("programming",),
    81: ("meter_clear",),
    82: ("demand_clear",),
    83: ("event_clear",),
    84: ("clock_set",),
    85: ("day_schedule_programming",),
    86: ("season_table_programming",),
    87: ("weekend_programming",),
    88: ("holiday_programming",),
    89: ("active_combination_programming",),
    90: ("reactive_combination_1_programming",),
    91: ("reactive_combination_2_programming",),
    92: ("settlement_day_programming",),
    93: ("rate_price_programming",),
    94: ("step_price_programming",),
    95: ("key_update",),
}
"""By bit of the status, the kinds of events that stand behind it."""


def mode_bit(bit: int) -> int:
    """The bit of the mode word that permits a bit of the status; recalled."""
    if 32 <= bit < 64:
        return 16 + bit % 16  # phases B and C share the bits of phase A
    return bit if bit < 32 else bit - 32


class Report:
    """What waits to be told of one meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._forgetting: Appointment | None = None

    @property
    def waits(self) -> bool:
        """Whether an event waits that the mode word permits."""
        return bool(self._meter.parameters["active_report_mode"]) and bool(self._counts())

    def octets(self) -> bytes:
        """The status: 96 bits, AAH, one count for each bit that is set, AAH; it is reset by itself later."""
        counts = self._counts()
        if counts and self._forgetting is None:
            bits = tuple(counts)
            self._forgetting = self._meter.agenda.at(self._meter.second + FORGOTTEN_AFTER, lambda: self._forget(bits))
        flags = sum(1 << bit for bit in counts)
        return flags.to_bytes(OCTETS, "little") + _AA + bytes(min(n, 0xFF) for n in counts.values()) + _AA

    def reset(self, keep: bytes) -> None:
        """Forget the events whose bit is 0."""
        kept = int.from_bytes(keep, "little")
        self._forget(tuple(bit for bit in NAMES if not kept >> bit & 1))

    def _counts(self) -> dict[int, int]:
        mode = self._meter.parameters["active_report_mode"]
        found: dict[int, int] = {}
        for bit, names in sorted(NAMES.items()):
            if mode >> mode_bit(bit) & 1:
                waiting = self._meter.reports.waiting(names)
                if waiting:
                    found[bit] = sum(waiting.values())
        return found

    def _forget(self, bits: tuple[int, ...]) -> None:
        if self._forgetting is not None:
            self._forgetting.cancel()
            self._forgetting = None
        for bit in bits:
            self._meter.reports.told(NAMES[bit])
