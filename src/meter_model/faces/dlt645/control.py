"""Function 1CH: trip, close, alarm, keep power (State Grid supplement of 2014 to DL/T 645-2007, control)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from meterwire.errors import MalformedError, SecurityError
from meterwire.meter_model.access import WRITING
from meterwire.meter_model.faces.dlt645.access import ENCIPHERED, is_protected, unprotected
from meterwire.meter_model.faces.dlt645.answers import Denied, Served, other_error, unauthorised
from meterwire.meter_model.relay import Position, Reason, Relay, RelayRefused, Restore, Waiting
from meterwire.protocols.dlt645.frame import Function
from meterwire.protocols.dlt645.messages import (
    ControlAnswer,
    ControlError,
    ControlRequest,
    RelayCommand,
    RelayErrorWord,
    RelayOrder,
    RelayStatus,
)
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.declare import bits_info

if TYPE_CHECKING:
    from meterwire.meter_model.faces.dlt645.face import Face645

PERIOD: Final = 300
"""Seconds of one period of the automatic restoration (N2)."""
_LENGTH: Final = 8
_WITH_STATUS: Final = "01"
_ORDERS: Final[Mapping[int, Callable[[Relay, int], None]]] = {
    RelayOrder.TRIP: lambda relay, _: relay.trip(),
    RelayOrder.PERMIT_CLOSE: lambda relay, _: relay.permit(),
    RelayOrder.CLOSE: lambda relay, _: relay.close(),
    RelayOrder.TRIP_THEN_CLOSE: lambda relay, seconds: relay.trip(Restore.CLOSE, seconds),
    RelayOrder.TRIP_THEN_PERMIT_CLOSE: lambda relay, seconds: relay.trip(Restore.PERMIT, seconds),
    RelayOrder.ALARM: lambda relay, _: relay.warn(True),
    RelayOrder.END_ALARM: lambda relay, _: relay.warn(False),
    RelayOrder.KEEP_POWER: lambda relay, _: relay.guard(True),
    RelayOrder.END_KEEP_POWER: lambda relay, _: relay.guard(False),
}
_REASONS: Final = {
    Reason.GUARDED: "trip_guarded",
    Reason.RESTORATION_GUARDED: "restoration_guarded",
    Reason.NO_TIME: "no_period",
    Reason.ALREADY_OPEN: "already_tripped",
}


class Controlling:
    """The control function."""

    def __init__(self, face: Face645) -> None:
        self._meter = face.meter
        self.functions: Mapping[int, Callable[[bytes], Served]] = {Function.CONTROL: self._control}

    def _control(self, request: bytes) -> Served:
        asked = codec(ControlRequest).parse(request)
        status = asked.password.level == ENCIPHERED and asked.password.digits.startswith(_WITH_STATUS)
        command = self._command(asked, request[4:8], status)
        order = _ORDERS.get(command.order)
        if order is None:
            raise _refusal(status, "password_wrong_or_unauthorised", other_error())  # "and all other errors"
        if not self._holds(command.valid_until):
            raise _refusal(status, "expired", other_error())
        relay = self._meter.relay
        before, relay.ordered_by = relay.ordered_by, asked.operator  # whose name the record of the relay gets
        try:
            order(relay, PERIOD * command.periods)
        except RelayRefused as refused:
            relay.ordered_by = before
            raise _refusal(status, _REASONS[refused.reason], other_error()) from refused
        data = codec(ControlAnswer).build(ControlAnswer(told(relay))) if status else b""
        return Served(data, changed=True)

    def _command(self, asked: Any, operator: bytes, status: bool) -> Any:
        """The command in the clear, once it is known that it may be given."""
        octets = asked.command
        if is_protected(asked.password):
            try:
                octets = unprotected(self._meter, asked.password, operator, octets)
            except SecurityError as error:
                bit = "check_failed" if self._meter.esam.open else "authentication_expired"
                raise _refusal(status, bit, unauthorised()) from error
            if asked.password.level == ENCIPHERED and len(octets) == _LENGTH:
                octets = octets[:2] + octets[:1:-1]  # the year comes first inside (R3 to R8)
        elif not self._meter.access.check(asked.password.level, asked.password.digits, WRITING, switch=False):
            raise unauthorised()
        command = codec(RelayCommand).attempt(octets)
        if isinstance(command, MalformedError):
            raise _refusal(status, "password_wrong_or_unauthorised", other_error())
        return command

    def _holds(self, until: str) -> bool:
        """Whether a command is still valid; a time that is none, such as all zeros, is not."""
        now = self._meter.now()
        try:
            moment = dt.datetime.strptime(f"20{until}", "%Y%m%d%H%M%S").replace(tzinfo=now.tzinfo)
        except ValueError:
            return False
        return now <= moment


def told(relay: Relay) -> Any:
    """The status word of a relay."""
    at_rest = relay.waiting is Waiting.NOTHING
    return _word(
        RelayStatus,
        closed=relay.position is Position.CLOSED and at_rest,
        close_permitted=relay.position is Position.PERMITTED,
        tripped=relay.position is Position.OPEN and not relay.restores,
        waits=relay.waiting is Waiting.DELAY,
        restores=relay.restores,
        waits_for_current=relay.waiting is Waiting.CURRENT,
        keep_power=relay.guarded,
        keep_power_ended=relay.ended == "guard",
        alarm=relay.alarm,
        alarm_ended=relay.ended == "alarm",
    )


def _refusal(status: bool, bit: str, plain: Denied) -> Denied:
    """Two octets where the enciphered command asked for the status, else the error word."""
    return Denied(codec(ControlError).build(ControlError(_word(RelayErrorWord, **{bit: True})))) if status else plain


def _word(declared: Any, **bits: bool) -> Any:
    info = bits_info(declared)
    names = [part.name for part in info.parts] if info else []
    return declared(**{name: int(bits.get(name, False)) for name in names})
