"""Which kinds of events stand behind the identifiers of class 03 (DL/T 645-2007, table A.4) and of 10H to 20H."""

from __future__ import annotations

from typing import Final

ALL_EVENTS: Final = 0xFFFFFFFF

_OF_PHASES: Final = {
    0x01: "voltage_loss",
    0x02: "under_voltage",
    0x03: "over_voltage",
    0x04: "phase_failure",
    0x0B: "current_loss",
    0x0C: "over_current",
    0x0D: "current_cut",
    0x0E: "flow_reversal",
    0x0F: "overload",
}
"""By DI2; DI1 is 00 for all phases together, 01 to 03 for A to C."""
_SINGLE: Final = {
    0x05: "all_voltage_loss",
    0x06: "auxiliary_loss",
    0x07: "voltage_reverse_sequence",
    0x08: "current_reverse_sequence",
    0x09: "voltage_unbalance",
    0x0A: "current_unbalance",
    0x11: "power_loss",
    0x35: "magnetic_field",
    0x36: "relay_malfunction",
    0x37: "supply_abnormal",
}
_DEMAND_LIMITS: Final = 0x12
_DEMANDS: Final = {
    1: "demand_over_active_import",
    2: "demand_over_active_export",
    3: "demand_over_reactive_q1",
    4: "demand_over_reactive_q2",
    5: "demand_over_reactive_q3",
    6: "demand_over_reactive_q4",
}
_PROGRAMMED: Final = 0x30
_OPERATIONS: Final = {
    0x00: "programming",
    0x01: "meter_clear",
    0x02: "demand_clear",
    0x03: "event_clear",
    0x04: "clock_set",
    0x05: "day_schedule_programming",
    0x06: "season_table_programming",
    0x07: "weekend_programming",
    0x08: "holiday_programming",
    0x09: "active_combination_programming",
    0x0A: "reactive_combination_1_programming",
    0x0B: "reactive_combination_2_programming",
    0x0C: "settlement_day_programming",
    0x0D: "cover_open",
    0x0E: "terminal_cover_open",
    0x0F: "rate_price_programming",
    0x10: "step_price_programming",
    0x12: "key_update",
    0x13: "card_error",
}
_SINGLE_ITEMS: Final = {
    **{0x10 + at: name for at, name in enumerate(list(_OF_PHASES.values())[:4])},
    **{0x18 + at: name for at, name in enumerate(list(_OF_PHASES.values())[4:])},
    0x14: "voltage_reverse_sequence",
    0x15: "current_reverse_sequence",
    0x16: "voltage_unbalance",
    0x17: "current_unbalance",
    0x1D: "relay_trip",
    0x1E: "relay_close",
    0x1F: "power_factor_low",
    0x20: "current_severe_unbalance",
}
"""By DI3; DI2 is 01 to 03 for phases A to C, 00 where there are none, and for all phases together."""
_IN_PHASES: Final = frozenset((*range(0x10, 0x14), *range(0x18, 0x1D)))


def kinds_of(di: int) -> tuple[str, ...]:
    """The kinds that an identifier of events names whose DI0 is FFH; DI1 FFH names all of a group. Empty for none."""
    di3, di2, di1, di0 = di.to_bytes(4, "big")
    if di3 != 0x03 or di0 != 0xFF:
        return ()
    return _of_group(di2, di1)


def _of_group(di2: int, di1: int) -> tuple[str, ...]:
    every = di1 in (0x00, 0xFF)
    if di2 in _OF_PHASES:
        return tuple(f"{_OF_PHASES[di2]}_{phase}" for number, phase in enumerate("abc", 1) if every or di1 == number)
    if di2 in _SINGLE:
        return (_SINGLE[di2],) if every else ()
    if di2 == _DEMAND_LIMITS:
        return tuple(name for number, name in _DEMANDS.items() if every or di1 == number)
    return tuple(name for number, name in _OPERATIONS.items() if di2 == _PROGRAMMED and di1 in (number, 0xFF))


def kinds_of_single(di: int) -> tuple[str, ...]:
    """The kinds behind an identifier of classes 10H to 20H, whose items are read one by one; empty for none."""
    di3, di2, _, _ = di.to_bytes(4, "big")
    name = _SINGLE_ITEMS.get(di3, "")
    if di3 not in _IN_PHASES:
        return (name,) if name and not di2 else ()
    return tuple(f"{name}_{phase}" for number, phase in enumerate("abc", 1) if di2 in (0, number))
