"""What the dissector needs of this protocol: the layers inside the data field, and the names of functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from meterwire.protocols.gdw376_2.forwarding import (
    ConcurrentAnswer,
    ConcurrentRequest,
    Confirm,
    Deny,
    Forward,
    MonitorAnswer,
    MonitorRequest,
    ReadReport,
)
from meterwire.protocols.gdw376_2.frame import Control, Frame, fn
from meterwire.protocols.wire.codec import Codec, codec

FUNCTIONS: Final[Mapping[int, str]] = {
    0x00: "confirm or deny",
    0x01: "initialise",
    0x02: "forward data",
    0x03: "query data",
    0x04: "test the link",
    0x05: "control",
    0x06: "active report",
    0x10: "query routes",
    0x11: "set routes",
    0x12: "control routes",
    0x13: "forward data by route",
    0x14: "route data",
    0x15: "transfer a file",
    0xF0: "internal debugging",
    0xF1: "read meters concurrently",
}
"""Application functions by AFN."""

_NAMES: Final[Mapping[tuple[int, int], str]] = {
    (0x00, 1): "confirm",
    (0x00, 2): "deny",
    (0x01, 1): "hardware",
    (0x01, 2): "archive",
    (0x01, 3): "communication data",
    (0x02, 1): "forward a frame",
    (0x03, 1): "vendor and version",
    (0x03, 2): "noise",
    (0x03, 3): "nodes heard",
    (0x03, 4): "primary address",
    (0x03, 5): "state and rates",
    (0x03, 6): "interference",
    (0x03, 7): "monitoring time-out",
    (0x03, 8): "radio parameters",
    (0x03, 9): "delay of a broadcast",
    (0x03, 10): "running mode",
    (0x03, 11): "index of functions",
    (0x03, 12): "identifier of the module",
    (0x03, 16): "frequency band",
    (0x03, 100): "field strength threshold",
    (0x04, 1): "send test",
    (0x04, 2): "roll call",
    (0x04, 3): "local communication test",
    (0x05, 1): "primary address",
    (0x05, 2): "event report",
    (0x05, 3): "broadcast",
    (0x05, 4): "monitoring time-out",
    (0x05, 5): "radio parameters",
    (0x05, 6): "area identification",
    (0x05, 16): "frequency band",
    (0x05, 100): "field strength threshold",
    (0x05, 101): "time",
    (0x05, 200): "report of refused nodes",
    (0x06, 1): "nodes",
    (0x06, 2): "data read",
    (0x06, 3): "change of state",
    (0x06, 4): "nodes and device types",
    (0x06, 5): "event",
    (0x10, 1): "number of nodes",
    (0x10, 2): "nodes",
    (0x10, 3): "relays of a node",
    (0x10, 4): "state of the route",
    (0x10, 5): "nodes not read",
    (0x10, 6): "nodes registered",
    (0x10, 7): "identifiers of modules",
    (0x10, 9): "size of the network",
    (0x10, 21): "topology",
    (0x10, 31): "phases",
    (0x10, 40): "production identifier",
    (0x10, 111): "networks",
    (0x10, 112): "chips",
    (0x11, 1): "add nodes",
    (0x11, 2): "delete nodes",
    (0x11, 3): "fixed path",
    (0x11, 4): "working mode",
    (0x11, 5): "start registration",
    (0x11, 6): "stop registration",
    (0x12, 1): "restart",
    (0x12, 2): "pause",
    (0x12, 3): "resume",
    (0x13, 1): "read a meter",
    (0x14, 1): "data to read",
    (0x14, 2): "time",
    (0x14, 3): "correction of delay",
    (0x15, 1): "file",
    (0xF1, 1): "read a meter",
}
"""Functions of an AFN by the number of Fn."""

_BOTH: Final[Mapping[tuple[int, int], Any]] = {
    (0x00, 1): Confirm,
    (0x00, 2): Deny,
    (0x02, 1): Forward,
    (0x06, 2): ReadReport,
}
_DOWN: Final[Mapping[tuple[int, int], Any]] = {
    (0x03, 9): Forward,
    (0x13, 1): MonitorRequest,
    (0xF1, 1): ConcurrentRequest,
}
_UP: Final[Mapping[tuple[int, int], Any]] = {
    (0x03, 9): MonitorAnswer,
    (0x13, 1): MonitorAnswer,
    (0xF1, 1): ConcurrentAnswer,
}


def data_layout(frame: Frame) -> Any:
    """The message in the data field; None where it is left as octets."""
    number = fn(frame.dt1, frame.dt2)
    if number is None:
        return None
    key = frame.function, number
    return _BOTH.get(key) or (_UP if frame.control.direction else _DOWN).get(key)


def opener(message: Any, name: str, octets: bytes) -> Codec[Any] | None:
    """The layer inside the data field; what is forwarded belongs to another protocol."""
    del octets
    if isinstance(message, Frame) and name == "data":
        layout = data_layout(message)
        return codec(layout) if layout else None
    return None


def annotator(message: Any, name: str, value: Any) -> str | None:
    """The names of application function, Fn and direction."""
    if not isinstance(message, Frame):
        return None
    if name == "function":
        return FUNCTIONS.get(value, "unknown")
    if name == "dt2":
        return _function_text(message.function, fn(message.dt1, value))
    return _control_text(value) if name == "control" else None


def _function_text(function: int, number: int | None) -> str:
    if number is None:
        return "names not exactly one Fn"
    name = _NAMES.get((function, number))
    return f"F{number}: {name}" if name else f"F{number}"


def _control_text(control: Control) -> str:
    sender = "module" if control.direction else "concentrator"
    role = "begins" if control.initiator else "answers"
    return f"the {sender} {role}"
