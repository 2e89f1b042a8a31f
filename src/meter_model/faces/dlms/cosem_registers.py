"""Data and registers: classes 1, 3, 4 and 5 (IEC 62056-6-2, 4.3.1 to 4.3.4), and which of their values can be set."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from meterwire.meter_model.faces.dlms.cosem_model import Attribute, CosemClass, CosemObject, Denied, Level, Method, View
from meterwire.meter_model.faces.dlms.cosem_values import (
    NAME,
    data_of,
    fixed,
    given,
    row_of,
    scaler_unit_data,
    set_parameter,
    time_data,
)
from meterwire.meter_model.values import Demand
from meterwire.protocols.dlms.data import INTEGER_TAGS, NULL, Tag
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities import QUANTITIES

_MINUTE: Final = dt.timedelta(minutes=1)
_LONGEST_WINDOW: Final = 60


def _value(found: CosemObject, view: View) -> Variant:
    meter = view.meter
    meter.advance()
    shown: Variant | None = meter.shown.get(found.instance)
    if shown is None:
        row, declared = row_of(found)
        shown = meter.shown[found.instance] = data_of(meter.read(row), declared)
    return shown


def _scaler_unit(found: CosemObject, view: View) -> Variant:
    del view
    return scaler_unit_data(row_of(found)[1])


def _captured(found: CosemObject, view: View) -> Variant:
    value = view.meter.read(row_of(found)[0])
    return time_data(value.time if isinstance(value, Demand) else None)


# ---------------------------------------------------------------- values that are parameters


def _of_text(data: Variant) -> str:
    octets = given(data, Tag.OCTET_STRING, Tag.VISIBLE_STRING)
    text = octets if isinstance(octets, str) else octets.decode("ascii", "replace")
    return str(text)


def _of_number(data: Variant) -> int:
    return int(given(data, *INTEGER_TAGS))


_READ: Final[dict[str, Callable[[Variant], Any]]] = {"text": _of_text, "number": _of_number}


def _set_value(found: CosemObject, view: View, data: Variant) -> None:
    row, declared = row_of(found)
    if row.kind == "number" and data.tag != _tag_of(declared.data_type):
        raise Denied(DataAccessResult.TYPE_UNMATCHED)
    set_parameter(view, row.name, _READ[str(row.kind)](data), found.named(2))


def _tag_of(data_type: str) -> int:
    return int(Tag[data_type.upper().replace("-", "_")])


# ---------------------------------------------------------------- demand register


def _minutes(view: View, name: str) -> int:
    value = view.meter.read(QUANTITIES[name])
    return int(value) if isinstance(value, Fraction) else 0


def _window_end(found: CosemObject, view: View) -> Variant:
    """End of the window whose average is shown: a whole step of the sliding window."""
    del found
    now = view.meter.clock.now()
    step = max(_minutes(view, "demand_sliding_time"), 1)
    return time_data(now.replace(second=0, microsecond=0) - (now.minute % step) * _MINUTE)


def _period(found: CosemObject, view: View) -> Variant:
    del found
    return Variant(Tag.DOUBLE_LONG_UNSIGNED, 60 * _minutes(view, "demand_sliding_time"))


def _periods(found: CosemObject, view: View) -> Variant:
    del found
    slide = max(_minutes(view, "demand_sliding_time"), 1)
    return Variant(Tag.LONG_UNSIGNED, _minutes(view, "demand_period") // slide)


def _set_period(found: CosemObject, view: View, data: Variant) -> None:
    seconds = given(data, Tag.DOUBLE_LONG_UNSIGNED)
    periods = _minutes(view, "demand_period") // max(_minutes(view, "demand_sliding_time"), 1)
    if seconds % 60:
        raise Denied(DataAccessResult.OTHER_REASON)
    _set_window(found, view, seconds // 60, periods, 8)


def _set_periods(found: CosemObject, view: View, data: Variant) -> None:
    _set_window(found, view, _minutes(view, "demand_sliding_time"), given(data, Tag.LONG_UNSIGNED), 9)


def _set_window(found: CosemObject, view: View, slide: int, periods: int, attribute: int) -> None:
    """Both numbers together, or neither: a step that does not divide its window must never hold."""
    if not (slide >= 1 and periods >= 1 and slide * periods <= _LONGEST_WINDOW):
        raise Denied(DataAccessResult.OTHER_REASON)
    item = found.named(attribute)
    if slide != _minutes(view, "demand_sliding_time"):
        if slide * periods > _minutes(view, "demand_period"):
            set_parameter(view, "demand_period", slide * periods, item)
        set_parameter(view, "demand_sliding_time", slide, item)
    if slide * periods != _minutes(view, "demand_period"):
        set_parameter(view, "demand_period", slide * periods, item)


DATA: Final = CosemClass(1, 0, {1: NAME, 2: Attribute(_value)})
SETTABLE_DATA: Final = CosemClass(1, 0, {1: NAME, 2: Attribute(_value, _set_value)})
IDENTIFYING_DATA: Final = CosemClass(1, 0, {1: NAME, 2: Attribute(_value, _set_value, write=Level.MANAGEMENT)})
REGISTER: Final = CosemClass(3, 0, {1: NAME, 2: Attribute(_value), 3: Attribute(_scaler_unit)}, {1: Method()})
EXTENDED_REGISTER: Final = CosemClass(
    4,
    0,
    {
        1: NAME,
        2: Attribute(_value),
        3: Attribute(_scaler_unit),
        4: Attribute(fixed(NULL)),
        5: Attribute(_captured),
    },
    {1: Method()},
)
DEMAND_REGISTER: Final = CosemClass(
    5,
    0,
    {
        1: NAME,
        2: Attribute(_value),
        3: Attribute(_value),
        4: Attribute(_scaler_unit),
        5: Attribute(fixed(NULL)),
        6: Attribute(_window_end),
        7: Attribute(_window_end),
        8: Attribute(_period, _set_period),
        9: Attribute(_periods, _set_periods),
    },
    {1: Method(), 2: Method()},
)
"""The model averages over whole windows only, so that current and last average are the window that ended last; its
registers are billed by, and no method of DLMS/COSEM resets one of them."""

SETTABLE: Final = {
    "asset_number": SETTABLE_DATA,
    "meter_number": IDENTIFYING_DATA,
    "current_transformer_ratio": SETTABLE_DATA,
    "voltage_transformer_ratio": SETTABLE_DATA,
}
"""Quantities that are parameters of the same name, and the class of their objects."""
