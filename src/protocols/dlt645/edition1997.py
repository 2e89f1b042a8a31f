"""The edition of 1997, for dissection: other function codes, identifiers of two octets, the same frame.

What is here is read in public programs and captured frames, not in the standard's text; clauses are therefore not
given.
"""

from __future__ import annotations

from typing import Any, Final

from meterwire.errors import MalformedError
from meterwire.protocols.dlt645.frame import Control, Frame
from meterwire.protocols.dlt645.identifiers import identifiers_for
from meterwire.protocols.dlt645.messages import Address, BaudRate, Password
from meterwire.protocols.dlt645.telling import identifier_text, value_text
from meterwire.protocols.wire.declare import bits, field, message, part
from meterwire.protocols.wire.nodes import REST, U8, U16L, Octets

FUNCTIONS: Final = frozenset({0x01, 0x02, 0x03, 0x04, 0x0A, 0x0C, 0x0F, 0x10})
"""Read, read follow-up, read again, write, write address, change baud, change password, clear demand.

03H is a security command since 2007; there its data begin with an identifier of four octets and an operator code.
"""
_WITH_IDENTIFIER: Final = frozenset({0x01, 0x02, 0x03, 0x04})
_READ_AGAIN: Final = 0x03
_WRITE: Final = 0x04
_LONGEST_READ_AGAIN: Final = 7


@message(cite="DL/T 645-1997 (read data, write data)")
class Item1997:
    """An identifier, and where it is answered or written the data."""

    identifier: int = field(U16L, "data identifier (DI0, DI1)")
    data: bytes = field(Octets(REST), "data of the item", default=b"")


@message(cite="DL/T 645-1997 (write data; recalled)")
class Write1997:
    """04H: write one item; there is no operator code."""

    identifier: int = field(U16L, "data identifier (DI0, DI1)")
    password: Password = field(Password, "level and password (PA, P0 to P2)")
    data: bytes = field(Octets(REST), "data of the item")


@message(cite="DL/T 645-1997 (change password; recalled)")
class ChangePassword1997:
    """0FH: a new password for the same or a lower level."""

    old: Password = field(Password, "old level and password (PAo, P0o to P2o)")
    new: Password = field(Password, "new level and password (PAn, P0n to P2n)")


@message(cite="DL/T 645-1997 (clear demand; recalled)")
class ClearDemand1997:
    """10H: clear the maximum demands."""

    password: Password = field(Password, "level and password (PA, P0 to P2)")


@bits(U8)
class ErrorWord1997:
    """Error word (ERR); recalled."""

    reserved_high: int = part(1, "bit 7: reserved")
    too_many_rates: int = part(1, "bit 6: more rates than the meter has")
    too_many_day_slots: int = part(1, "bit 5: more slots of the day than the meter has")
    too_many_year_zones: int = part(1, "bit 4: more zones of the year than the meter has")
    reserved_low: int = part(1, "bit 3: reserved")
    password_wrong: int = part(1, "bit 2: password wrong")
    identifier_wrong: int = part(1, "bit 1: identifier wrong")
    illegal_data: int = part(1, "bit 0: illegal data")


@message(cite="DL/T 645-1997 (abnormal answers; recalled)")
class Error1997:
    """The abnormal answer."""

    word: ErrorWord1997 = field(ErrorWord1997, "error word (ERR)")


_REQUESTS: Final = {
    _WRITE: Write1997,
    0x0A: Address,
    0x0C: BaudRate,
    0x0F: ChangePassword1997,
    0x10: ClearDemand1997,
}
_ANSWERS: Final = {0x0C: BaudRate, 0x0F: Password}


def is_of_1997(frame: Frame) -> bool:
    """Whether function code and length say that a frame is of the older edition; 08H is of both."""
    function = int(frame.control.function)
    if function == _READ_AGAIN:
        return len(frame.data) <= _LONGEST_READ_AGAIN and not frame.control.abnormal
    return function in FUNCTIONS


def payload_of_1997(control: Control, size: int) -> Any:
    """The message in a data field of `size` octets, None where nothing is known about it."""
    if control.abnormal:
        return Error1997 if size == 1 else None
    if int(control.function) in _WITH_IDENTIFIER and not (control.direction == 0 and control.function == _WRITE):
        return Item1997 if size >= 2 else None
    if not size:
        return None
    return (_ANSWERS if control.direction else _REQUESTS).get(int(control.function))


def describe_1997(di: int) -> tuple[str, str, str] | None:
    """Name, unit and format of an identifier, None for one that no table has."""
    found = identifiers_for("1997").identifier(di)
    return None if found is None else (found.name, found.unit, found.format)


def identifier_text_1997(di: int) -> str:
    """An identifier as people know it: `9010 forward active energy, total (kWh)`."""
    return identifier_text(di, identifiers_for("1997"))


def data_text_1997(di: int, octets: bytes) -> str | None:
    """What the data of an item say: `1426.79 kWh`; None where they are not of a known format."""
    edition = identifiers_for("1997")
    found = edition.identifier(di)
    if found is None or not octets:
        return None
    try:
        value = edition.decode(di, octets)
    except MalformedError as error:
        return f"not as known: {error.expected}"
    return value_text(found, value)
