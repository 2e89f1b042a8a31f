"""What people see of HDLC: addresses, control fields, negotiated parameters, and why a frame was rejected."""

from __future__ import annotations

from typing import Any, Final

from meterwire.errors import MalformedError
from meterwire.protocols.hdlc.control import Kind, control
from meterwire.protocols.hdlc.frame import Frame, address_parts, control_name
from meterwire.protocols.hdlc.parameters import Parameter, ParameterGroup
from meterwire.protocols.hdlc.reject import FrameReject, reason_in_words
from meterwire.protocols.wire.codec import Codec, codec

PARAMETERS: Final = {
    5: "longest information field, sent",
    6: "longest information field, received",
    7: "window, sent",
    8: "window, received",
}
"""Parameters of SNRM and UA by their identifier."""


def opener(message: Any, name: str, octets: bytes) -> Codec[Any] | None:
    """The parameters in SNRM and UA, the reasons in FRMR; what messages hold is not HDLC's affair."""
    if not isinstance(message, Frame) or name != "information":
        return None
    said = control(message.control)
    if said is None:
        return None
    layout: Any = {Kind.SNRM: ParameterGroup, Kind.UA: ParameterGroup, Kind.FRMR: FrameReject}.get(said.kind)
    if layout is None or isinstance(codec(layout).attempt(octets), MalformedError):
        return None
    return codec(layout)


def annotator(message: Any, name: str, value: Any) -> str | None:
    """What the value of a field means."""
    if isinstance(message, Frame):
        return _of_frame(name, value)
    if isinstance(message, Parameter):
        if name == "identifier":
            return PARAMETERS.get(value)
        return str(int.from_bytes(value, "big")) if name == "value" else None
    if isinstance(message, FrameReject) and name == "control":
        return control_name(value)
    if isinstance(message, FrameReject) and name == "reasons":
        return reason_in_words(int(value))
    return None


def _of_frame(name: str, value: Any) -> str | None:
    if name == "control":
        return control_name(value)
    if name not in ("destination", "source"):
        return None
    upper, lower = address_parts(value)
    return str(upper) if lower is None else f"logical {upper}, physical {lower}"
