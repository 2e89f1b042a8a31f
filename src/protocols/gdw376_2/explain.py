"""What the dissector needs of this protocol: the layers inside the data field, and the names of functions."""

from __future__ import annotations

from typing import Any

from meterwire.protocols.gdw376_2.codes import EventKind, ReportingDevice
from meterwire.protocols.gdw376_2.frame import Control, Frame, fn
from meterwire.protocols.gdw376_2.functions import APPLICATIONS, function, layout
from meterwire.protocols.gdw376_2.reports import CollectorOutage, Event, Outage, RefusedNodes
from meterwire.protocols.wire.codec import Codec, codec


def data_layout(frame: Frame) -> Any:
    """The message in the data field; None where it is left as octets, or where there is none."""
    return layout(frame.function, fn(frame.dt1, frame.dt2), up=bool(frame.control.direction))


def event_layout(event: Event) -> Any:
    """The message in the content of an event; None for a frame of the meter and for what is not known."""
    if event.kind == EventKind.OUTAGE:
        return CollectorOutage if event.device == ReportingDevice.COLLECTOR else Outage
    return RefusedNodes if event.kind == EventKind.REFUSED_NODES else None


def opener(message: Any, name: str, octets: bytes) -> Codec[Any] | None:
    """The layer inside the data field; what is forwarded belongs to another protocol."""
    del octets
    inside = None
    if isinstance(message, Frame) and name == "data":
        inside = data_layout(message)
    elif isinstance(message, Event) and name == "content":
        inside = event_layout(message)
    return codec(inside) if inside else None


def annotator(message: Any, name: str, value: Any) -> str | None:
    """The names of application function, Fn and direction."""
    if not isinstance(message, Frame):
        return None
    if name == "function":
        return APPLICATIONS.get(value, "unknown")
    if name == "dt2":
        return _function_text(message.function, fn(message.dt1, value))
    return _control_text(value) if name == "control" else None


def _function_text(afn: int, number: int | None) -> str:
    if number is None:
        return "names not exactly one Fn"
    row = function(afn, number)
    return f"F{number}: {row.name}" if row else f"F{number}"


def _control_text(control: Control) -> str:
    sender = "module" if control.direction else "concentrator"
    role = "begins" if control.initiator else "answers"
    return f"the {sender} {role}"
