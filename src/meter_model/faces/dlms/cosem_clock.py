"""The clock: class 8 (IEC 62056-6-2, 4.5.1). The meter's zone is fixed and has no daylight saving."""

from __future__ import annotations

import datetime as dt
from typing import Final

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.faces.dlms.cosem_model import Attribute, CosemClass, CosemObject, Denied, Method, View
from meterwire.meter_model.faces.dlms.cosem_values import NAME, NO_DATE_TIME, fixed, given, given_members, given_time
from meterwire.protocols.dlms.data import INTEGER_TAGS, Tag, octet_string
from meterwire.protocols.dlms.date_time import CosemDateTime
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities import QUANTITIES

_INTERNAL_CRYSTAL: Final = 1
_LARGEST_SHIFT: Final = 900
_QUARTER: Final = 15 * 60
_TIMES: Final = (Tag.OCTET_STRING, Tag.DATE_TIME)


def _now(found: CosemObject, view: View) -> Variant:
    del found
    return octet_string(CosemDateTime.of_datetime(view.meter.clock.now()).octets)


def _time_zone(found: CosemObject, view: View) -> Variant:
    del found
    return Variant(Tag.LONG, CosemDateTime.of_datetime(view.meter.clock.now()).deviation)


def _set_time(found: CosemObject, view: View, data: Variant) -> None:
    _set(found, view, given_time(data, view.meter.clock.zone), 2)


def _set(found: CosemObject, view: View, to: dt.datetime, member: int) -> None:
    """Set the clock, with a record of who did it; raises `Denied`, and then the clock shows what it did."""
    setting = getattr(view.meter, "set_clock", None)
    if setting is None:
        raise Denied(DataAccessResult.READ_WRITE_DENIED)
    local = to.astimezone(view.meter.clock.zone)
    if not 2000 <= local.year < 2100:
        raise Denied(DataAccessResult.OTHER_REASON)
    try:
        view.meter.programming.note(view.author(found.named(member)), "clock-set")
        setting(local)
    except LocalProtocolError:
        raise Denied(DataAccessResult.OTHER_REASON) from None


def _adjust(found: CosemObject, view: View, seconds: int, method: int) -> None:
    """To the nearest multiple of so many seconds of the day."""
    now = view.meter.clock.now()
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    steps = round((now - day).total_seconds() / seconds)
    _set(found, view, day + dt.timedelta(seconds=steps * seconds), method)


def _to_quarter(found: CosemObject, view: View, data: Variant) -> None:
    given(data, Tag.INTEGER, Tag.NULL_DATA)
    _adjust(found, view, _QUARTER, 1)


def _to_period(found: CosemObject, view: View, data: Variant) -> None:
    given(data, Tag.INTEGER, Tag.NULL_DATA)
    _adjust(found, view, 60 * int(view.meter.read(QUANTITIES["demand_period"])), 2)


def _to_minute(found: CosemObject, view: View, data: Variant) -> None:
    given(data, Tag.INTEGER, Tag.NULL_DATA)
    _adjust(found, view, 60, 3)


def _to_preset(found: CosemObject, view: View, data: Variant) -> None:
    given(data, Tag.INTEGER, Tag.NULL_DATA)
    preset = view.device.preset_time
    if preset is None or not preset[1] <= view.meter.clock.now() <= preset[2]:
        raise Denied(DataAccessResult.OTHER_REASON)
    view.device.preset_time = None
    _set(found, view, preset[0], 4)


def _preset(found: CosemObject, view: View, data: Variant) -> None:
    del found
    zone = view.meter.clock.zone
    time, begin, end = (given_time(one, zone) for one in given_members(data, _TIMES, _TIMES, _TIMES))
    if end < begin:
        raise Denied(DataAccessResult.OTHER_REASON)
    view.device.preset_time = (time, begin, end)


def _shift(found: CosemObject, view: View, data: Variant) -> None:
    by = given(data, *INTEGER_TAGS)
    if not -_LARGEST_SHIFT <= by <= _LARGEST_SHIFT:
        raise Denied(DataAccessResult.OTHER_REASON)
    _set(found, view, view.meter.clock.now() + dt.timedelta(seconds=by), 6)


CLOCK: Final = CosemClass(
    8,
    0,
    {
        1: NAME,
        2: Attribute(_now, _set_time),
        3: Attribute(_time_zone),
        4: Attribute(fixed(Variant(Tag.UNSIGNED, 0))),
        5: Attribute(fixed(NO_DATE_TIME)),
        6: Attribute(fixed(NO_DATE_TIME)),
        7: Attribute(fixed(Variant(Tag.INTEGER, 0))),
        8: Attribute(fixed(Variant(Tag.BOOLEAN, False))),
        9: Attribute(fixed(Variant(Tag.ENUM, _INTERNAL_CRYSTAL))),
    },
    {
        1: Method(_to_quarter),
        2: Method(_to_period),
        3: Method(_to_minute),
        4: Method(_to_preset),
        5: Method(_preset),
        6: Method(_shift),
    },
)
