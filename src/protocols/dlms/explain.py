"""What the dissector needs of DLMS/COSEM: the layers inside fields, and what values mean to people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, Final

from meterwire.errors import MalformedError
from meterwire.protocols.axdr.plain import pretty
from meterwire.protocols.dlms.acse import Aare, Aarq, Rlre, Rlrq, context_of, mechanism_of
from meterwire.protocols.dlms.apdu import APDU
from meterwire.protocols.dlms.ciphering import GeneralBlockTransfer, GeneralSigning, Protected, sender_of
from meterwire.protocols.dlms.cosem.classes import attribute_name, class_name
from meterwire.protocols.dlms.data import DATA, TAG_NAMES, Tag
from meterwire.protocols.dlms.date_time import CosemDateTime
from meterwire.protocols.dlms.enums import ActionResult, DataAccessResult
from meterwire.protocols.dlms.interpret import scaler_unit
from meterwire.protocols.dlms.llc import Llc
from meterwire.protocols.dlms.obis import Obis
from meterwire.protocols.dlms.service_errors import class_name as class_of_errors
from meterwire.protocols.dlms.service_errors import error_name, service_name
from meterwire.protocols.dlms.wrapper import Wrapper
from meterwire.protocols.dlms.xdlms.common import DATA_CHOSEN, AttributeDescriptor, MethodDescriptor, ResultBlock
from meterwire.protocols.dlms.xdlms.exceptions import ExceptionResponse
from meterwire.protocols.dlms.xdlms.initiate import ConfirmedServiceError
from meterwire.protocols.dlms.xdlms.notify import DataNotification
from meterwire.protocols.dlms.xdlms.pushed import PushedList
from meterwire.protocols.dlms.xdlms.short_names import (
    READ_DATA,
    READ_ERROR,
    READ_NEXT,
    WRITE_ERROR,
    WRITE_NEXT,
    ReadResponse,
    WriteResponse,
)
from meterwire.protocols.wire.codec import Codec, codec
from meterwire.protocols.wire.declare import bits_info
from meterwire.protocols.wire.dissect import Layer
from meterwire.protocols.wire.nodes import Variant

_MOST_TEXT: Final = 200
_TAG_OCTETS: Final = 12
"""Authentication tag behind a protected APDU."""
_PORTS: Final = {0: "no station", 1: "management", 16: "public client", 127: "all stations"}


def opener(message: Any, field_name: str, octets: bytes) -> Codec[Any] | Layer | None:
    """What is inside a field: an APDU, an initiate APDU, the Data of a notification; nothing that is ciphered."""
    if isinstance(message, (Wrapper, Llc)) and field_name == "apdu":
        return codec(APDU)
    if isinstance(message, (Aarq, Aare, Rlrq, Rlre)) and field_name == "user_information":
        return codec(APDU)
    if isinstance(message, DataNotification) and field_name == "body":
        return _body(octets)
    if isinstance(message, Protected) and field_name == "content":
        return _unciphered(message, octets)
    if isinstance(message, GeneralSigning) and field_name == "content":
        return codec(APDU)
    whole = isinstance(message, GeneralBlockTransfer) and message.block == 1 and message.control.last
    return codec(APDU) if whole and field_name == "data" else None


def _body(octets: bytes) -> Codec[Any]:
    """Data, or what some meters push that is none."""
    listed = isinstance(codec(DATA).attempt(octets), MalformedError)
    listed = listed and not isinstance(codec(PushedList).attempt(octets), MalformedError)
    return codec(PushedList) if listed else codec(DATA)


def _unciphered(message: Protected, octets: bytes) -> Layer | None:
    """An APDU that is authenticated and not encrypted can be read as it stands."""
    if message.control.encrypted or message.control.compressed:
        return None
    end = len(octets) - _TAG_OCTETS if message.control.authenticated else len(octets)
    return Layer(codec(APDU), octets[:end], 0, "not encrypted") if end > 0 else None


def annotator(message: Any, field_name: str, value: Any) -> str | None:
    """What a value means: names of objects, classes and attributes, results, scalers and units, dates, titles."""
    text = _of_message(message, field_name, value)
    if text is None and isinstance(value, Variant):
        text = _of_data(value)
    return text[:_MOST_TEXT] if text else None


def _of_message(message: Any, name: str, value: Any) -> str | None:
    if isinstance(message, (AttributeDescriptor, MethodDescriptor)):
        return _descriptor(message, name)
    if isinstance(message, Wrapper) and name in ("source", "destination"):
        return _PORTS.get(value)
    if name == "context" and isinstance(message, (Aarq, Aare)):
        return _words(context_of(value))
    if name == "mechanism" and isinstance(message, (Aarq, Aare)):
        return _words(mechanism_of(value))
    if bits_info(value) is not None and name in ("conformance", "control"):
        return _set_parts(value)
    if isinstance(message, ConfirmedServiceError):
        return _of_service_error(message, name)
    if isinstance(message, ResultBlock) and name == "content":
        return None if value.tag == DATA_CHOSEN else _words(value.value)
    if isinstance(value, Variant) and type(message) in _ANSWERS:
        return _ANSWERS[type(message)](value)
    if isinstance(message, DataNotification) and name == "date_time":
        return _date_time(value.value) if value.value else "no date-time"
    if name.endswith("title") and isinstance(value, bytes):
        return title_text(value)
    return None


def _of_service_error(message: ConfirmedServiceError, name: str) -> str | None:
    if name == "service":
        return service_name(message.service)
    if name == "error_class":
        return class_of_errors(message.error_class)
    return error_name(message.error_class, message.error) if name == "error" else None


def _exception(value: Variant) -> str:
    """A service error, and with it the counter that would have been taken."""
    told = _words(value.tag) or f"error {value.tag}"
    return told if value.value is None else f"{told}, at least {value.value} expected"


def _read(value: Variant) -> str | None:
    """One result of a READ."""
    if value.tag == READ_ERROR:
        return _words(value.value) or f"error {value.value}"
    if value.tag == READ_NEXT:
        return f"block {value.value} came"
    return _of_data(value.value) if value.tag == READ_DATA else None


def _written(value: Variant) -> str:
    """One result of a WRITE."""
    if value.tag == WRITE_ERROR:
        return _words(value.value) or f"error {value.value}"
    return f"block {value.value} came" if value.tag == WRITE_NEXT else "success"


_ANSWERS: Final[Mapping[type, Callable[[Variant], str | None]]] = {
    ExceptionResponse: _exception,
    ReadResponse: _read,
    WriteResponse: _written,
}
"""Answers whose choices are no Data, though their tags look like it."""


def _descriptor(message: AttributeDescriptor | MethodDescriptor, name: str) -> str | None:
    if name == "class_id":
        return class_name(message.class_id)
    if name == "instance":
        return _logical_name(message.instance)
    if name == "attribute" and isinstance(message, AttributeDescriptor):
        return attribute_name(message.class_id, message.attribute)
    return None


def _logical_name(octets: bytes) -> str:
    code = Obis(octets)
    return f"{code} {code.name}".strip()


def title_text(octets: bytes) -> str | None:
    """A system title: three letters of the manufacturer and five octets of its own numbers."""
    octets = sender_of(octets)
    letters = octets[:3]
    if len(octets) != 8 or not letters.isalpha():
        return None
    return f"{letters.decode('ascii', 'replace')} {octets[3:].hex().upper()}"


def _words(value: Any) -> str | None:
    name = getattr(value, "name", None)
    return name.lower().replace("_", " ") if isinstance(name, str) else None


def _set_parts(value: Any) -> str:
    """The parts of a bit field that are not 0."""
    parts = [(p.name.replace("_", " "), int(getattr(value, p.name)), p.bits) for p in value.__bits__.parts]
    return ", ".join(name if bits == 1 else f"{name} {number}" for name, number, bits in parts if number) or "nothing"


def _of_data(value: Variant) -> str | None:
    """Data as people read it; lists speak through their own lines, but for scaler and unit."""
    if isinstance(value.value, Variant):  # the choice between Data and a result
        return _of_data(value.value)
    if isinstance(value.tag, IntEnum):  # a choice whose tags have names of their own
        return _words(value.tag)
    if isinstance(value.value, (DataAccessResult, ActionResult)):
        return _words(value.value)
    if isinstance(value.value, tuple):
        return _scaler(value)
    if value.tag == Tag.OCTET_STRING and isinstance(value.value, bytes):
        return _octets(value.value)
    if value.tag in (Tag.DATE_TIME, Tag.DATE, Tag.TIME) and isinstance(value.value, bytes):
        return _date_time(value.value)
    return pretty(value, TAG_NAMES) if value.tag in TAG_NAMES and _is_leaf(value.value) else _words(value.tag)


def _is_leaf(value: Any) -> bool:
    return value is None or isinstance(value, (int, float, str, bytes))


def _scaler(value: Variant) -> str | None:
    kinds = tuple(getattr(member, "tag", None) for member in value.value)
    if value.tag != Tag.STRUCTURE or kinds != (Tag.INTEGER, Tag.ENUM):
        return None
    try:
        found = scaler_unit(value)
    except MalformedError:
        return None
    return f"10^{found.scaler} {found.unit}".strip()


def _octets(octets: bytes) -> str:
    """An octet string: what it must be if it is a logical name, a date-time or text, in digits if it is none."""
    digits = f"octet-string {octets.hex().upper() or '(empty)'}"
    if len(octets) == 6 and Obis(octets).name:
        return f"{digits} {_logical_name(octets)}"
    if len(octets) == 12 and _plausible(octets):
        return f"{digits} {_date_time(octets)}"
    if octets and all(0x20 <= octet < 0x7F for octet in octets):
        return f"{digits} {octets.decode('ascii')!r}"
    return digits


def _plausible(octets: bytes) -> bool:
    found = CosemDateTime.of_octets(octets)
    return 1990 <= found.year < 2100 and found.month <= 12 and found.day <= 31 and found.hour <= 23


def _date_time(octets: bytes) -> str | None:
    try:
        return str(CosemDateTime.of_octets(octets))
    except MalformedError:
        return None
