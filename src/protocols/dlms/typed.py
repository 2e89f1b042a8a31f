"""Values of people as Data: of the type that the meter has there, or of the plainest one."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.dlms.data import DATA, INTEGER_TAGS, Tag, fits, octet_string
from meterwire.protocols.dlms.date_time import CosemDateTime
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

_DATE_TIME: Final = 12
_BYTE_TAGS: Final = frozenset({Tag.ENUM, Tag.BCD})
_HEX: Final = "0x"


def data_like(present: Variant, value: Any, shift: int, zone: dt.tzinfo) -> Variant:
    """A value in the type of what is there now.

    Args:
        present: what the attribute holds.
        value: a number, a text, a time, or `data:` and encoded Data in hexadecimal digits.
        shift: power of ten in which a number counts there.
        zone: of a time that has none.

    Raises:
        LocalProtocolError: it cannot be of that type.
    """
    tag = present.tag
    if isinstance(value, str) and value.startswith("data:"):
        return _encoded(value.removeprefix("data:"))
    if tag in INTEGER_TAGS:
        return Variant(tag, _integer(value, shift, tag))
    if tag == Tag.BOOLEAN:
        return Variant(tag, _boolean(value))
    if tag in (Tag.OCTET_STRING, Tag.DATE_TIME) and len(present.value) == _DATE_TIME and _time(value) is not None:
        return Variant(tag, _moment(value, zone))
    if tag == Tag.OCTET_STRING:
        return Variant(tag, _octets(value))
    if tag in (Tag.VISIBLE_STRING, Tag.UTF8_STRING):
        return Variant(tag, str(value))
    raise LocalProtocolError(f"a value of type {Tag(tag).name.lower()} is written as data:HEX")


def parameter_of(value: str | None) -> Variant:
    """The parameter of a method: integer 0 for none, else a number, a text, `0x...` or `data:...`."""
    if value is None:
        return Variant(Tag.INTEGER, 0)
    if value.startswith("data:"):
        return _encoded(value.removeprefix("data:"))
    try:
        number = int(value)
    except ValueError:
        return octet_string(_octets(value))
    for tag in (Tag.INTEGER, Tag.LONG, Tag.DOUBLE_LONG):
        if fits(tag, number):
            return Variant(tag, number)
    raise LocalProtocolError(f"{value} is too large")


def _encoded(text: str) -> Variant:
    try:
        found: Variant = codec(DATA).parse(bytes.fromhex(text))
    except (ValueError, MalformedError) as error:
        raise LocalProtocolError(f"{text!r} is no Data in hexadecimal digits: {error}") from None
    return found


def _integer(value: Any, shift: int, tag: int) -> int:
    try:
        number = Decimal(str(value)).scaleb(-shift)
    except InvalidOperation:
        raise LocalProtocolError(f"a number is needed, not {value!r}") from None
    if not number.is_finite() or number != number.to_integral_value() or abs(number) > 1 << 64:
        raise LocalProtocolError(f"{value}: the meter counts in steps of 1E{shift}")
    raw = int(number)
    if not (0 <= raw <= 0xFF if tag in _BYTE_TAGS else fits(tag, raw)):
        raise LocalProtocolError(f"{value} does not fit into the type that the meter has there")
    return raw


def _boolean(value: Any) -> bool:
    known = {"0": False, "false": False, "no": False, "off": False, "1": True, "true": True, "yes": True, "on": True}
    if str(value).lower() not in known:
        raise LocalProtocolError(f"{value!r} is neither true nor false")
    return known[str(value).lower()]


def _time(value: Any) -> dt.datetime | None:
    if isinstance(value, dt.datetime):
        return value
    try:
        return dt.datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return None


def _moment(value: Any, zone: dt.tzinfo) -> bytes:
    when = _time(value)
    if when is None:
        raise LocalProtocolError(f"{value!r} is no time such as 2026-01-31T00:00")
    return CosemDateTime.of_datetime(when if when.tzinfo is not None else when.replace(tzinfo=zone)).octets


def _octets(value: Any) -> bytes:
    text = str(value)
    try:
        return bytes.fromhex(text[2:]) if text.startswith(_HEX) else text.encode("ascii")
    except ValueError:
        raise LocalProtocolError(f"{text!r}: hexadecimal digits behind 0x, or ASCII") from None
