"""Which message stands in the data field: decided by direction, outcome and function, for control answers by length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from meterwire.protocols.dlt645.frame import Control, Function
from meterwire.protocols.dlt645.messages import (
    Address,
    BaudRate,
    BroadcastTime,
    ChangePassword,
    ClearEvents,
    ClearRequest,
    ControlAnswer,
    ControlError,
    ControlRequest,
    Error,
    FollowUpAnswer,
    FollowUpRequest,
    Freeze,
    Password,
    ReadAnswer,
    ReadRequest,
    SecurityError,
    SecurityRequest,
    TerminalOutput,
    WriteRequest,
)

REQUESTS: Final[Mapping[int, Any]] = {
    Function.SECURITY: SecurityRequest,
    Function.BROADCAST_TIME: BroadcastTime,
    Function.READ: ReadRequest,
    Function.READ_FOLLOW_UP: FollowUpRequest,
    Function.READ_ADDRESS: None,
    Function.WRITE: WriteRequest,
    Function.WRITE_ADDRESS: Address,
    Function.FREEZE: Freeze,
    Function.CHANGE_BAUD: BaudRate,
    Function.CHANGE_PASSWORD: ChangePassword,
    Function.CLEAR_DEMAND: ClearRequest,
    Function.CLEAR_METER: ClearRequest,
    Function.CLEAR_EVENTS: ClearEvents,
    Function.CONTROL: ControlRequest,
    Function.TERMINAL_OUTPUT: TerminalOutput,
}
"""The message of a request; None where its data field is empty."""

ANSWERS: Final[Mapping[int, Any]] = {
    Function.SECURITY: ReadAnswer,
    Function.READ: ReadAnswer,
    Function.READ_FOLLOW_UP: FollowUpAnswer,
    Function.READ_ADDRESS: Address,
    Function.WRITE: None,
    Function.WRITE_ADDRESS: None,
    Function.FREEZE: None,
    Function.CHANGE_BAUD: BaudRate,
    Function.CHANGE_PASSWORD: Password,
    Function.CLEAR_DEMAND: None,
    Function.CLEAR_METER: None,
    Function.CLEAR_EVENTS: None,
    Function.CONTROL: None,
    Function.TERMINAL_OUTPUT: TerminalOutput,
}
"""The message of a normal answer; None where its data field is empty."""


def payload_of(control: Control, size: int) -> Any:
    """The message in a data field of `size` octets; None where there is none, or nothing is known about it.

    Functions of 1997 have other codes and are not looked into.
    """
    function = control.function
    if function not in REQUESTS or not size:
        return None
    if not control.direction:
        return REQUESTS[function]
    if control.abnormal:
        if size == 1:
            return Error
        return {Function.CONTROL: ControlError, Function.SECURITY: SecurityError}.get(Function(function), Error)
    return ControlAnswer if function == Function.CONTROL else ANSWERS.get(function)
