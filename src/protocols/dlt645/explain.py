"""For dissection: which message lies inside a field, and what the values mean to people."""

from __future__ import annotations

from typing import Any, Final

from meterwire.errors import MalformedError
from meterwire.protocols.dlt645.frame import BROADCAST, WILDCARD, Control, Frame, Function
from meterwire.protocols.dlt645.identifiers import decode, identifier
from meterwire.protocols.dlt645.messages import (
    BroadcastTime,
    ControlAnswer,
    ControlError,
    ControlRequest,
    Error,
    FollowUpAnswer,
    Freeze,
    ReadAnswer,
    RelayCommand,
    SecurityError,
    SecurityRequest,
    WriteRequest,
)
from meterwire.protocols.dlt645.payload import payload_of
from meterwire.protocols.dlt645.refusal import set_bits
from meterwire.protocols.dlt645.report import REPORT, events
from meterwire.protocols.dlt645.telling import identifier_text, security_text, value_text
from meterwire.protocols.wire.codec import Codec, codec

__all__ = ["annotator", "data_text", "identifier_text", "opener"]

_ENCIPHERED: Final = 0x98
_FUNCTIONS_OF_1997: Final = {
    0x01: "read",
    0x02: "read follow-up",
    0x03: "read again",
    0x04: "write",
    0x0A: "write address",
    0x0C: "change baud",
    0x0F: "change password",
    0x10: "clear demand",
}


def opener(message: Any, name: str, octets: bytes) -> Codec[Any] | None:
    """The codec of what is inside a field, None where nothing is."""
    if isinstance(message, Frame) and name == "data":
        payload = payload_of(message.control, len(octets))
        return codec(payload) if payload else None
    if isinstance(message, ControlRequest) and name == "command" and message.password.level != _ENCIPHERED:
        return codec(RelayCommand)
    return None


def annotator(message: Any, name: str, value: Any) -> str | None:
    """What a field's value means: the name and unit of an identifier, the number in the data, the time."""
    if name in ("identifier", "events") and isinstance(value, int):
        return identifier_text(value)
    if name == "data" and isinstance(message, (ReadAnswer, WriteRequest, SecurityRequest)):
        protected = security_text(message.identifier, value, answer=isinstance(message, ReadAnswer))
        return protected or (None if isinstance(message, SecurityRequest) else data_text(message.identifier, value))
    if name == "data" and isinstance(message, FollowUpAnswer):
        return data_text(REPORT, value) if message.identifier == REPORT else f"part {message.sequence} behind the first"
    if isinstance(message, Frame):
        return _frame_text(name, value)
    if isinstance(message, (Error, SecurityError, ControlError, ControlAnswer)):
        return ", ".join(set_bits(value)).replace("_", " ") or None
    if isinstance(message, (BroadcastTime, RelayCommand)) and name in ("time", "valid_until"):
        return f"20{value[:2]}-{value[2:4]}-{value[4:6]} {value[6:8]}:{value[8:10]}:{value[10:]}"
    if isinstance(message, Freeze):
        return f"month {value[:2]}, day {value[2:4]}, {value[4:6]}:{value[6:]}; 99 is every one".replace(
            " 99,", " any,"
        )
    return None


def data_text(di: int, octets: bytes) -> str:
    """What the data of an item say: `123456.78 kWh`."""
    if not octets:
        return "no such record"
    found = identifier(di)
    if found is None:
        return "of an identifier that no table has"
    try:
        value = decode(di, octets)
    except MalformedError as error:
        return f"{len(octets)} octets, a part of the item or not as declared: {error.expected}"
    return _report_text(value) if di == REPORT else value_text(found, value)


def _report_text(value: Any) -> str:
    flags, counts = value
    names = [name.replace("_", " ") for name in events(flags)]
    if len(names) != len(counts):
        return ", ".join(names)
    return ", ".join(f"{name} {count} times" for name, count in zip(names, counts, strict=True)) or "nothing"


def _frame_text(name: str, value: Any) -> str | None:
    if name == "address":
        return _address_text(value)
    return _control_text(value) if name == "control" else None


def _address_text(address: str) -> str | None:
    if address == WILDCARD:
        return "any meter"
    if address == BROADCAST:
        return "all meters"
    return "any meter with these last digits" if "A" in address else None


def _control_text(control: Control) -> str:
    function = control.function
    if isinstance(function, Function):
        name = function.name.lower().replace("_", " ")
    else:
        old = _FUNCTIONS_OF_1997.get(function)
        name = f"{old} (edition of 1997)" if old else f"function {function:02X}H"
    if not control.direction:
        return f"{name}: request"
    return f"{name}: " + ("refused" if control.abnormal else "answer") + (", more follows" if control.follow_up else "")
