"""What the dissector needs of this dialect: the layers inside fields, and what values mean."""

from __future__ import annotations

from typing import Any, Final

from meterwire.errors import MalformedError
from meterwire.protocols.axdr.plain import pretty
from meterwire.protocols.dlt69845.acquisition import SHAPES
from meterwire.protocols.dlt69845.address import Address, address_in
from meterwire.protocols.dlt69845.apdu import Apdu, Service
from meterwire.protocols.dlt69845.data import DATA_NAMES
from meterwire.protocols.dlt69845.dates import Date, DateTime, DateTimeS, Interval, Time
from meterwire.protocols.dlt69845.descriptors import Oad, Omd, Road, ScalerUnit
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.items import Item, reading
from meterwire.protocols.dlt69845.link import EDITION, AddressKind, Flag17, Fragment, Link
from meterwire.protocols.dlt69845.objects import describe_oad, describe_omd
from meterwire.protocols.dlt69845.refusals import words
from meterwire.protocols.dlt69845.services.action import ActionItem
from meterwire.protocols.dlt69845.services.common import ResultNormal, ResultRecord
from meterwire.protocols.dlt69845.services.get import GetRequestSimplified, GetResponseSimplified
from meterwire.protocols.dlt69845.services.report import ReceiptSimplified, ReportSimplified
from meterwire.protocols.dlt69845.services.security import PlainContent
from meterwire.protocols.dlt69845.shapes import Shape
from meterwire.protocols.dlt69845.stored_rows import table_of
from meterwire.protocols.wire.codec import Codec, codec
from meterwire.protocols.wire.declare import info
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities import by_oad
from meterwire.quantities.reading import METER_ZONE

_MOST_TEXT: Final = 200
"""Longest meaning of a value, in characters."""
_MOST_ELEMENTS: Final = 16
"""Elements of a list that are still told; longer ones speak through their own lines."""
_ARRAY: Final = 1
_SETS: Final = {0: "none", 1: "all", 2: "of user types", 3: "at", 4: "numbered"}
"""Sets of meters (MS) in words."""
_UNCERTAIN: Final = "left as octets: how it is packed is not known for certain"
_SIMPLIFIED: Final = (GetRequestSimplified, GetResponseSimplified, ReportSimplified, ReceiptSimplified)
_CHOICES: Final = frozenset({"result", "proof", "mechanism", "meters", "rows", "follow_report"})
"""Fields that hold one of several layouts under a number of their own, which is no tag of Data."""


def opener(message: Any, field_name: str, octets: bytes) -> Codec[Any] | None:
    """The layer inside a field: user data hold a fragment or an APDU, protected plain content holds an APDU."""
    del octets
    if isinstance(message, Link) and field_name == "user":
        edition = 2017 if isinstance(message.flag, Flag17) else EDITION
        return codec(Fragment if message.control.fragment else Apdu, edition)
    if isinstance(message, PlainContent) and field_name == "apdu":
        return codec(Apdu, EDITION)
    return None


def annotator(message: Any, field_name: str, value: Any) -> str | None:
    """What a value means: names of objects with unit and scaler, numbers scaled, reasons, dates, addresses."""
    if isinstance(value, bytes) and field_name == "server":
        return _server(message, value)
    if isinstance(message, ResultNormal) and field_name == "result" and isinstance(value, Variant):
        return _result(message)
    if isinstance(message, ResultRecord) and isinstance(value, tuple) and field_name.startswith("["):
        return _row(message, value)
    if isinstance(message, ActionItem) and field_name == "parameters":
        return _parameters(message)
    if isinstance(value, Variant) and field_name in _CHOICES:
        return None
    if isinstance(message, Apdu) and field_name == "body" and isinstance(value, bytes):
        return _left_alone(message)
    if isinstance(message, _SIMPLIFIED) and field_name == "content":
        return _UNCERTAIN
    text = _data(value) if isinstance(value, Variant) else meaning(value)
    return None if text is None else text[:_MOST_TEXT]


def _left_alone(message: Apdu) -> str:
    """Why the content of a service is shown as octets."""
    return _UNCERTAIN if isinstance(message.service, Service) else "left as octets: no such service is known"


def _data(value: Variant) -> str | None:
    """Type and value of Data that is no list; what has a text of its own needs no type."""
    if isinstance(value.value, tuple):
        return None
    return meaning(value.value) or (pretty(value, DATA_NAMES) if info(value.value) is None else None)


def meaning(value: Any) -> str | None:
    """A value of a type that has a text of its own, None for others."""
    if isinstance(value, Oad):
        return describe_oad(value.packed)
    if isinstance(value, Omd):
        return describe_omd(value.oi << 16 | value.method << 8 | value.mode)
    if isinstance(value, Dar):
        return words(value)
    if isinstance(value, (Road, ScalerUnit, Interval, Date, Time, DateTime, DateTimeS)):
        return str(value)
    return None


def _server(message: Any, octets: bytes) -> str | None:
    """The address of a link frame, or a target server address with its flag octet, high octet first."""
    if isinstance(message, Link):
        kind = AddressKind(message.flag.kind)
        return f"{kind.name.lower()} {address_in(message).digits}"
    if not octets:
        return "no address"
    return str(Address(octets[1:].hex().upper(), AddressKind(octets[0] >> 6), octets[0] >> 4 & 3))


def _result(message: ResultNormal) -> str | None:
    """One attribute as the client would give it: the number with its unit, or why there is none."""
    data = message.result.value
    if message.result.tag == 0:
        return meaning(data)
    if not isinstance(data, Variant) or (isinstance(data.value, tuple) and len(data.value) > _MOST_ELEMENTS):
        return None
    found = reading(Item(str(message.oad), message.oad, by_oad(message.oad.packed)), message)
    text = _told(found.value)
    if found.unit:
        text += f" {found.unit}"
    if found.time:
        text += f" at {found.time:%Y-%m-%d %H:%M:%S}"
    return (text or pretty(data, DATA_NAMES))[:_MOST_TEXT]


def _parameters(item: ActionItem) -> str | None:
    """What a concentrator is told, member by member, where it is a shape."""
    shape, data = SHAPES.get((item.omd.oi, item.omd.method)), item.parameters
    if shape is None:
        return (_data(data) or "")[:_MOST_TEXT] or None
    try:
        told = [_members(shape.of(one)) for one in (data.value if data.tag == _ARRAY else (data,))]
    except MalformedError:
        return None
    return "; ".join(told)[:_MOST_TEXT] or None


def _members(value: Any) -> str:
    """Members by name, structures in brackets; addresses as digits, numbers with a name by it."""
    if isinstance(value, Shape):
        return ", ".join(f"{name} {_member(getattr(value, name), name)}" for name in value.__struct_fields__)
    return _member(value)


def _member(value: Any, name: str = "") -> str:
    if name == "meters" and isinstance(value, Variant):
        return f"{_SETS.get(value.tag, f'of set {value.tag}')} {_member(value.value) if value.value else ''}".rstrip()
    if isinstance(value, Shape):
        return f"({_members(value)})"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_member, value[:_MOST_ELEMENTS]))}]"
    if isinstance(value, Variant):
        return pretty(value, DATA_NAMES)
    return value.hex().upper() if isinstance(value, bytes) else str(value)


def _row(message: ResultRecord, row: tuple[Any, ...]) -> str | None:
    """One row of a record table as a client would give it: each column by name, with its unit."""
    if len(row) != len(message.columns) or not all(isinstance(cell, Variant) for cell in row):
        return None
    found = table_of(ResultRecord(message.oad, message.width, message.columns, Variant(1, (row,))), METER_ZONE)
    parts = []
    for heading, values in zip(found.headings, found.columns, strict=True):
        parts.append(f"{heading.name} {_told(values[0])} {heading.unit}".rstrip())
        if sum(map(len, parts)) > _MOST_TEXT:
            break
    return ", ".join(parts)[:_MOST_TEXT]


def _told(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_told(element) for element in value[:_MOST_ELEMENTS])
    if value is None:
        return "no value"
    return f"{value:%Y-%m-%d %H:%M:%S}" if hasattr(value, "hour") and hasattr(value, "year") else str(value)
