"""The active report of the 2014 edition: events that a meter wants to tell of, in an item that arrives unasked."""

from __future__ import annotations

from typing import Final

REPORT: Final = 0x04001501
"""Data identifier of the status. It may come as the last follow-up of any item."""

_PHASE: Final = (
    "voltage_loss",
    "undervoltage",
    "overvoltage",
    "current_loss",
    "overcurrent",
    "overload",
    "power_reversal",
    "phase_failure",
    "current_cut",
)

EVENTS: Final[dict[int, str]] = {
    0: "relay_malfunction",
    1: "esam_error",
    2: "internal_card_error",
    3: "clock_battery_low",
    4: "program_error",
    5: "memory_error",
    7: "clock_error",
    8: "outage_battery_low",
    9: "overdraft",
    10: "cover_opened",
    11: "terminal_cover_opened",
    12: "magnetic_field",
    13: "power_abnormal",
    14: "trip_success",
    15: "close_success",
    **{16 + bit: f"phase_a_{name}" for bit, name in enumerate(_PHASE)},
    **{32 + bit: f"phase_b_{name}" for bit, name in enumerate(_PHASE)},
    **{48 + bit: f"phase_c_{name}" for bit, name in enumerate(_PHASE)},
    64: "voltage_reverse_sequence",
    65: "current_reverse_sequence",
    66: "voltage_unbalance",
    67: "current_unbalance",
    68: "auxiliary_supply_loss",
    69: "power_down",
    70: "demand_over_limit",
    71: "power_factor_low",
    72: "current_severe_unbalance",
    73: "flow_reversal",
    74: "all_phases_lost",
    80: "programming",
    81: "meter_clear",
    82: "demand_clear",
    83: "event_clear",
    84: "time_set",
    85: "day_schedule_programmed",
    86: "season_programmed",
    87: "weekend_programmed",
    88: "holiday_programmed",
    89: "active_combination_programmed",
    90: "reactive_combination_1_programmed",
    91: "reactive_combination_2_programmed",
    92: "settlement_day_programmed",
    93: "rate_table_programmed",
    94: "step_table_programmed",
    95: "key_updated",
}
"""Names of the bits of the status (State Grid supplement of 2014); bits 25 to 31 and the like are not assigned."""


def events(flags: int) -> list[str]:
    """The names of the bits that are set, lowest first; an unassigned one by its number."""
    return [EVENTS.get(bit, f"bit_{bit}") for bit in range(flags.bit_length()) if flags >> bit & 1]
