"""One opener and annotator for everything: each dialect explains itself, what lies between them is explained here.

HDLC and M-Bus carry APDUs of DLMS/COSEM; concentrators and proxies forward whole frames of other protocols; ciphered
content is opened for those who have the keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from meterwire.protocols.dlms import explain as dlms
from meterwire.protocols.dlms.apdu import APDU
from meterwire.protocols.dlms.ciphering import Protected
from meterwire.protocols.dlms.llc import Llc
from meterwire.protocols.dlt645 import explain as dlt645
from meterwire.protocols.dlt645.edition1997 import (
    Error1997,
    Item1997,
    data_text_1997,
    identifier_text_1997,
    is_of_1997,
    payload_of_1997,
)
from meterwire.protocols.dlt645.frame import Frame as Frame645
from meterwire.protocols.dlt645.refusal import set_bits
from meterwire.protocols.dlt69845 import explain as dlt69845
from meterwire.protocols.gdw376_2 import explain as gdw376_2
from meterwire.protocols.hdlc import explain as hdlc
from meterwire.protocols.hdlc.frame import Frame as HdlcFrame
from meterwire.protocols.mbus.frame import LongFrame
from meterwire.protocols.recognise.bare import is_apdu, is_tag
from meterwire.protocols.recognise.ciphered import Ciphers
from meterwire.protocols.recognise.framed import despite_checks, frames_in
from meterwire.protocols.recognise.keys import TitleKeys
from meterwire.protocols.recognise.kinds import DLT645, DLT69845, GDW376_2
from meterwire.protocols.wire.codec import Codec, codec
from meterwire.protocols.wire.declare import info
from meterwire.protocols.wire.dissect import Annotator, Layer, Opener
from meterwire.protocols.wire.nodes import Variant

_DIALECTS: Final[dict[str, tuple[Opener, Annotator]]] = {
    "dlt645": (dlt645.opener, dlt645.annotator),
    "dlt69845": (dlt69845.opener, dlt69845.annotator),
    "dlms": (dlms.opener, dlms.annotator),
    "gdw376_2": (gdw376_2.opener, gdw376_2.annotator),
    "hdlc": (hdlc.opener, hdlc.annotator),
}
_TUNNELLED: Final = (DLT645, DLT69845, GDW376_2)
"""What concentrators and proxies pass on."""
_SHORTEST: Final = 12
"""Octets of the shortest frame that is passed on."""
_HEADS: Final = (b"\xe6\xe6\x00", b"\xe6\xe7\x00")
_UNNUMBERED_INFORMATION: Final = 0x03
_POLL: Final = 0x10


class Explanation:
    """Opens the layers inside a message and says what its values mean; remembers titles that were announced.

    Args:
        keys: for ciphered content.
    """

    def __init__(self, keys: Sequence[TitleKeys] = ()) -> None:
        self._ciphers = Ciphers(keys) if keys else None
        self._language = "dlms"

    def opener(self, message: Any, name: str, octets: bytes) -> Codec[Any] | Layer | Sequence[Layer] | None:
        """What is inside a field, None where nothing is, or nothing that can be opened."""
        if isinstance(message, Protected) and name == "content" and self._ciphers and message.control.encrypted:
            return self._ciphers.opened(message)
        if isinstance(message, Frame645) and is_of_1997(message):
            layout = payload_of_1997(message.control, len(octets)) if name == "data" else None
            return codec(layout) if layout else None
        return _of_carrier(message, name, octets) or _of_dialect(message, name, octets) or tunnelled(octets)

    def annotator(self, message: Any, name: str, value: Any) -> str | None:
        """What the value of a field means."""
        if self._ciphers:
            note = self._ciphers.notice(message, name, value)
            if note:
                return note
        elif isinstance(message, Protected) and name == "content" and message.control.encrypted:
            return "ciphered: keys are needed to look inside"
        if isinstance(message, (Item1997, Error1997)):
            return _of_1997(message, name, value)
        if isinstance(message, Variant):
            self._language = name.partition(".")[0] if "." in name else self._language
        found = _DIALECTS.get(_prefix(message) or self._language)
        return found[1](message, name, value) if found else None


def _prefix(message: Any) -> str:
    declared = info(message)
    return declared.name.partition(".")[0] if declared else ""


def _of_dialect(message: Any, name: str, octets: bytes) -> Codec[Any] | Layer | Sequence[Layer] | None:
    found = _DIALECTS.get(_prefix(message))
    return found[0](message, name, octets) if found else None


def _of_carrier(message: Any, name: str, octets: bytes) -> Codec[Any] | None:
    """The APDU in an HDLC or M-Bus frame that holds all of it."""
    if isinstance(message, HdlcFrame) and name == "information":
        numbered = not message.control & 1
        unnumbered = message.control & ~_POLL == _UNNUMBERED_INFORMATION
        if message.format.segmented or not (numbered or unnumbered):
            return None
        if octets.startswith(_HEADS):
            return codec(Llc) if len(octets) > 3 else None
        return codec(APDU) if unnumbered and is_apdu(octets) else None  # a push may have LLC octets only once
    if isinstance(message, LongFrame) and name == "data":
        whole = bool(message.information.last) and not message.information.sequence
        return codec(APDU) if whole and is_tag(octets[0]) else None
    return None


def tunnelled(octets: bytes) -> list[Layer] | None:
    """Frames that are passed on inside a field, if they and their wake-up octets are all that is in it."""
    if len(octets) < _SHORTEST or octets[-1] != 0x16 or octets.lstrip(b"\xfe")[:1] != b"\x68":
        return None
    layers, at = [], 0
    for begin, end, found in frames_in(octets, _TUNNELLED):
        if octets[at:begin].strip(b"\xfe"):
            return None
        woken = f", {begin - at} wake-up octets in front" if begin > at else ""
        layers.append(Layer(found.codec, octets[begin:end], begin, f"{found.title}{woken}"))
        at = end
    if layers:
        if len(layers) > 1:
            layers = [Layer(one.codec, one.octets, one.start, f"{len(layers)} frames") for one in layers]
        return layers if at == len(octets) else None
    return _despite_checks(octets)


def _despite_checks(octets: bytes) -> list[Layer] | None:
    start = len(octets) - len(octets.lstrip(b"\xfe"))
    for kind in _TUNNELLED:
        begin, length = kind.codec.scanner(octets, start, len(octets), True, len(octets))
        if begin == start and start + length == len(octets):
            found = despite_checks(kind, octets[start:])
            if found is not None:
                return [Layer(found.codec, octets[start:], start, found.title)]
    return None


def _of_1997(message: Any, name: str, value: Any) -> str | None:
    if isinstance(message, Error1997):
        return ", ".join(set_bits(value)).replace("_", " ") or None
    if name == "identifier":
        return identifier_text_1997(value)
    return data_text_1997(message.identifier, value)
