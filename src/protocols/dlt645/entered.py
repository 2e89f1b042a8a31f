"""Values as people enter them to be written: by the format of the item."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt645.identifiers import identifiers_for

_HEX: Final = "hex:"
_NUMBER: Final = re.compile(r"\(?[-+]?[XN]+")


def entered(di: int, text: str, edition: int = 2007) -> Any:
    """The value that a text stands for.

    Numbers, times (`26-05-01 02:30`), digits and texts are written as they are; flags as a number, also `0x05`; a
    record or table as JSON, such as `[[4, "00:00"], [2, "08:00"]]`; `hex:` in front gives the octets as they are sent.

    Raises:
        LocalProtocolError: it stands for none.
    """
    stripped = text.strip()
    if stripped.lower().startswith(_HEX):
        return _octets(stripped[len(_HEX) :])
    known = identifiers_for(str(edition)).identifier(di)
    if known is None:
        raise LocalProtocolError(f"no table has {di:X}: give its octets as {_HEX}0102")
    if stripped.startswith(("[", "{")):
        return _structure(stripped)
    if known.format.startswith("BITS"):
        return _flags(stripped)
    return _leaf(stripped) if _NUMBER.match(known.format) else stripped


def _octets(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise LocalProtocolError(f"{text!r} is not hexadecimal digits") from error


def _structure(text: str) -> Any:
    try:
        found = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except (ValueError, RecursionError) as error:
        raise LocalProtocolError(f'{text!r} is not JSON such as [[4, "00:00"], [2, "08:00"]]') from error
    return found


def _flags(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError as error:
        raise LocalProtocolError(f"{text!r} is not a number of flags such as 0x05") from error


def _leaf(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise LocalProtocolError(f"{text!r} is not a number") from error
