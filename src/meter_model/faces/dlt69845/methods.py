"""The methods of the DL/T 698.45 face by object and number: clearing, clock, relay, guard, alarm, ports.

Those of objects with records are `dlt69845_record_objects.py`. Parameters of 8000 to 8002, F201, F202 and F207 are laid
out as recalled; members behind those that are known are taken and not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from meterwire.meter_model.access import Verdict
from meterwire.meter_model.clock import local_seconds
from meterwire.meter_model.demand import FLOWS
from meterwire.meter_model.faces.dlt69845 import record_objects as records
from meterwire.meter_model.faces.dlt69845.attributes import is_served
from meterwire.meter_model.faces.dlt69845.context import Context
from meterwire.meter_model.faces.dlt69845.esam import METHODS as ESAM
from meterwire.meter_model.faces.dlt69845.objects import registers_of
from meterwire.meter_model.faces.dlt69845.rights import author, authorise, refuse_without_power
from meterwire.meter_model.faces.dlt69845.state import FOLLOWED
from meterwire.meter_model.faces.dlt69845.types import Denied, type_of
from meterwire.meter_model.faces.dlt69845.writers import set_clock, store
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.parameters import Author
from meterwire.meter_model.relay import Reason, Relay, RelayRefused, Restore
from meterwire.protocols.dlt69845.descriptors import Oad, Omd
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.objects import method_of, object_of
from meterwire.protocols.wire.nodes import Variant

Method = Callable[[Context, Variant, Author], None]

RELAYS: Final = ("F2050200", "F2050201")
"""The one relay of the meter, as output device or as its first element."""
_RESET, _ENERGY, _DEMAND = 1, 1, 2
_NOTHING: Final = frozenset({0, 15})
"""Tags of a parameter that says nothing: NULL, and the integer 0 that resets carry."""
_BROADCAST_TIME: Final = (0x4000, 127)
_FOR_ALL: Final = frozenset({_BROADCAST_TIME, (0x2015, 127)})
"""What needs no proof of who asks: the time from a broadcast, and that a hint has been understood."""
_CLOSE_AT_ONCE: Final = 1


def act(context: Context, omd: Omd, parameter: Variant) -> Variant | None:
    """Run a method and give what it answers, None for nothing; raises `Denied`, and then nothing has happened."""
    refuse_without_power(context)
    if (omd.oi, omd.method) not in _FOR_ALL:
        authorise(context)
    if not is_served(omd.oi, context.meter):
        raise Denied(Dar.OBJECT_UNDEFINED)
    if omd.mode:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
    by = author(context, omd)
    if records.keeps_records(omd.oi, context.meter):
        return records.act(context.meter, omd.oi, omd.method, parameter, by)
    method = METHODS.get((omd.oi, omd.method))
    if method is not None:
        method(context, parameter, by)
    elif omd.method == _RESET and _class_of(omd.oi) == _DEMAND:
        _clear_one_demand(context.meter, omd.oi, parameter, by)
    elif omd.method == _RESET and _class_of(omd.oi) == _ENERGY:
        _clear_one_energy(context.meter, omd.oi, parameter, by)
    else:
        raise Denied(Dar.OBJECT_UNAVAILABLE if _is_declared(omd) else Dar.OBJECT_CLASS_INCONSISTENT)
    return None


def _class_of(oi: int) -> int:
    row = object_of(oi)
    return row.class_id if row is not None else 0


def _is_declared(omd: Omd) -> bool:
    return method_of(omd.oi << 16 | omd.method << 8) is not None


def _nothing(parameter: Variant) -> None:
    if parameter.tag not in _NOTHING:
        raise Denied(Dar.TYPE_UNMATCHED)


# ------------------------------------------------------------ clearing


def _clearing(kind: str, clear: Callable[[Meter], None]) -> Method:
    def run(context: Context, parameter: Variant, by: Author) -> None:
        _nothing(parameter)
        context.meter.programming.note(by, kind)
        clear(context.meter)

    return run


def _clear_one_demand(meter: Meter, oi: int, parameter: Variant, by: Author) -> None:
    """The maxima of one register; its record is that of a cleared demand."""
    _nothing(parameter)
    places = registers_of(oi)
    meter.programming.note(by, "demand-cleared")
    for register, scope in places:
        meter.demand.clear_one(register, scope)


def _clear_one_energy(meter: Meter, oi: int, parameter: Variant, by: Author) -> None:
    """One register and its rates; its record is that of a cleared meter. A combined one is made of others."""
    _nothing(parameter)
    places = registers_of(oi)
    if any(register not in FLOWS for register, _ in places):
        raise Denied(Dar.READ_WRITE_DENIED)
    meter.programming.note(by, "meter-cleared")
    for register, scope in places:
        meter.clear_energy(register, scope)


def _restart(context: Context, parameter: Variant, by: Author) -> None:
    """The device begins anew: nobody is connected any more; what it has registered stays."""
    del by
    _nothing(parameter)
    context.meter.note_event("restart")
    context.forget()


def _confirm(context: Context, parameter: Variant, by: Author) -> None:
    """Events of these bits of the follow-report status word are known now (number and form recalled)."""
    del by
    bits = type_of("bit-string(32)").value(parameter)
    for bit, names in FOLLOWED.items():
        if bits >> bit & 1:
            context.meter.reports.told(names)


# ------------------------------------------------------------ clock


def _broadcast_time(context: Context, parameter: Variant, by: Author) -> None:
    """Once a day, by at most five minutes, whoever sends it; the rule of DL/T 645 (its use here is recalled)."""
    value = type_of("date_time_s").value(parameter)
    if value is None:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
    verdict = context.meter.access.permit_broadcast(local_seconds(value))
    if verdict is Verdict.TOO_FAR:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
    if verdict is Verdict.AGAIN:
        raise Denied(Dar.TEMPORARY_FAILURE)
    set_clock(context.meter, value, by, recorded=False)


# ------------------------------------------------------------ relay


def _order(context: Context, by: Author, *orders: Callable[[Relay], None]) -> None:
    """Give orders to the relay in this client's name."""
    relay = context.meter.relay
    before, relay.ordered_by = relay.ordered_by, by.operator
    try:
        for order in orders:
            order(relay)
    except RelayRefused as refused:
        relay.ordered_by = before
        out_of_range = refused.reason is Reason.NO_TIME
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED if out_of_range else Dar.TEMPORARY_FAILURE) from refused


def _relay(order: Callable[[Relay], None]) -> Method:
    def run(context: Context, parameter: Variant, by: Author) -> None:
        del parameter  # NULL, or what the alarm is to be like
        context.meter.advance()
        _order(context, by, order)

    return run


def _orders(parameter: Variant, members: tuple[str, ...]) -> list[Any]:
    """The one order for the one relay, in a list as the standard has it; more members than are known are left."""
    if parameter.tag != 1:
        raise Denied(Dar.TYPE_UNMATCHED)
    if len(parameter.value) != 1:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
    order = parameter.value[0]
    if order.tag != 2 or len(order.value) < len(members):
        raise Denied(Dar.TYPE_UNMATCHED)
    found = [type_of(member).value(part) for member, part in zip(members, order.value, strict=False)]
    if found[0] not in RELAYS:
        raise Denied(Dar.OBJECT_UNAVAILABLE)
    return found


def _trip(context: Context, parameter: Variant, by: Author) -> None:
    """Relay, minutes until then, minutes of the interruption (0 is no end), whether it closes by itself then."""
    _, delay, minutes, by_itself = _orders(parameter, ("OAD", "unsigned", "long-unsigned", "bool"))
    restore = Restore.NEVER if not minutes else Restore.CLOSE if by_itself else Restore.PERMIT
    context.meter.advance()
    _order(context, by, lambda relay: relay.trip(restore, 60 * minutes, 60 * delay if delay else None))


def _close(context: Context, parameter: Variant, by: Author) -> None:
    """Relay, and 0 to let the customer close it or 1 to close it."""
    _, command = _orders(parameter, ("OAD", "enum"))
    if command > _CLOSE_AT_ONCE:
        raise Denied(Dar.SCOPE_OF_ACCESS_VIOLATED)
    context.meter.advance()
    _order(context, by, Relay.close if command == _CLOSE_AT_ONCE else Relay.permit)


# ------------------------------------------------------------ ports


def _configure(oi: int, members: tuple[str, ...], names: tuple[str, ...]) -> Method:
    """A port, and what it is to be; the first behind the port is a parameter."""

    def run(context: Context, parameter: Variant, by: Author) -> None:
        if parameter.tag != 2 or len(parameter.value) < len(members):
            raise Denied(Dar.TYPE_UNMATCHED)
        found = [type_of(member).value(part) for member, part in zip(members, parameter.value, strict=False)]
        port = Oad.of(found[0])
        if (port.oi, port.attribute) != (oi, 2) or not 1 <= port.index <= len(names):
            raise Denied(Dar.OBJECT_UNAVAILABLE)
        store(context.meter, {names[port.index - 1]: found[1]}, by)

    return run


_BAUDS: Final = ("baud_port_1", "baud_port_2"), ("baud_infrared_modulated", "baud_infrared_contact")

METHODS: Final[Mapping[tuple[int, int], Method]] = {
    **ESAM,
    _BROADCAST_TIME: _broadcast_time,
    (0x2015, 127): _confirm,
    (0x4300, 1): _restart,
    (0x4300, 3): _clearing("meter-cleared", Meter.clear),
    (0x4300, 5): _clearing("events-cleared", Meter.clear_events),
    (0x4300, 6): _clearing("demand-cleared", Meter.clear_demand),
    (0x8000, 127): _relay(lambda relay: relay.warn(True)),
    (0x8000, 128): _relay(lambda relay: relay.warn(False)),
    (0x8000, 129): _trip,
    (0x8000, 130): _close,
    (0x8001, 127): _relay(lambda relay: relay.guard(True)),
    (0x8001, 128): _relay(lambda relay: relay.guard(False)),
    (0x8002, 127): _relay(lambda relay: relay.warn(True)),
    (0x8002, 128): _relay(lambda relay: relay.warn(False)),
    (0xF201, 127): _configure(0xF201, ("OAD", "COMDCB"), _BAUDS[0]),
    (0xF202, 127): _configure(0xF202, ("OAD", "COMDCB"), _BAUDS[1]),
    (0xF207, 127): _configure(0xF207, ("OAD", "enum"), ("output_signal",)),
}
"""By OI and number; those of whole classes are in `act`."""
