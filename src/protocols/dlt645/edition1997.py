"""The edition of 1997, for dissection: other function codes, identifiers of two octets, the same frame.

What is here is read in public programs and captured frames, not in the standard's text; clauses are therefore not
given. Meters of this edition are read, not emulated.
"""

from __future__ import annotations

from typing import Any, Final

from meterwire.errors import MalformedError
from meterwire.protocols.dlt645.formats import format_of
from meterwire.protocols.dlt645.frame import Control, Frame
from meterwire.protocols.wire.declare import bits, field, message, part
from meterwire.protocols.wire.nodes import REST, U8, U16L, Octets

FUNCTIONS: Final = frozenset({0x01, 0x02, 0x03, 0x04, 0x0A, 0x0C, 0x0F, 0x10})
"""Read, read follow-up, read again, write, write address, change baud, change password, clear demand.

03H is a security command since 2007; there its data begin with an identifier of four octets and an operator code.
"""
_WITH_IDENTIFIER: Final = frozenset({0x01, 0x02, 0x03, 0x04})
_READ_AGAIN: Final = 0x03
_LONGEST_READ_AGAIN: Final = 7


@message(cite="DL/T 645-1997 (read data, write data)")
class Item1997:
    """An identifier, and where it is answered or written the data."""

    identifier: int = field(U16L, "data identifier (DI0, DI1)")
    data: bytes = field(Octets(REST), "data of the item", default=b"")


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
    return Item1997 if int(control.function) in _WITH_IDENTIFIER and size >= 2 else None


_MONTHS: Final = {0x90: "", 0x94: ", last month", 0x98: ", month before last"}
_ENERGIES: Final = {0x01: "forward active energy", 0x02: "reverse active energy"}
_REACTIVE: Final = {0x01: "forward reactive energy", 0x02: "reverse reactive energy"}
_OTHERS: Final = {
    0xB611: ("voltage, phase A", "V", "XXXX"),
    0xB612: ("voltage, phase B", "V", "XXXX"),
    0xB613: ("voltage, phase C", "V", "XXXX"),
    0xB621: ("current, phase A", "A", "XX.XX"),
    0xB622: ("current, phase B", "A", "XX.XX"),
    0xB623: ("current, phase C", "A", "XX.XX"),
    0xB630: ("active power", "kW", "XX.XXXX"),
    0xB631: ("active power, phase A", "kW", "XX.XXXX"),
    0xB632: ("active power, phase B", "kW", "XX.XXXX"),
    0xB633: ("active power, phase C", "kW", "XX.XXXX"),
    0xB640: ("reactive power", "kvar", "XX.XX"),
    0xB641: ("reactive power, phase A", "kvar", "XX.XX"),
    0xB642: ("reactive power, phase B", "kvar", "XX.XX"),
    0xB643: ("reactive power, phase C", "kvar", "XX.XX"),
    0xB650: ("power factor", "", "X.XXX"),
    0xB651: ("power factor, phase A", "", "X.XXX"),
    0xB652: ("power factor, phase B", "", "X.XXX"),
    0xB653: ("power factor, phase C", "", "X.XXX"),
    0xC010: ("date and day of the week", "", "YYMMDDWW"),
    0xC011: ("time", "", "hhmmss"),
    0xC030: ("active meter constant", "imp/kWh", "XXXXXX"),
    0xC031: ("reactive meter constant", "imp/kvarh", "XXXXXX"),
    0xC032: ("meter number", "", "DIGITS12"),
    0xC034: ("device number", "", "DIGITS12"),
}


def describe_1997(di: int) -> tuple[str, str, str] | None:
    """Name, unit and format of an identifier, None for one that is not known here."""
    month = _MONTHS.get(di >> 8 & 0xFE)
    if month is None:
        return _OTHERS.get(di)
    reactive, kind, rate = di >> 8 & 1, di >> 4 & 0xF, di & 0xF
    name = (_REACTIVE if reactive else _ENERGIES).get(kind)
    if name is None:
        return None
    rates = {0: ", total", 0xF: ", block"}.get(rate, f", rate {rate}")
    return name + rates + month, "kvarh" if reactive else "kWh", "XXXXXX.XX" + ("*n" if rate == 0xF else "")


def identifier_text_1997(di: int) -> str:
    """An identifier as people know it: `9010 forward active energy, total (kWh)`."""
    found = describe_1997(di)
    if found is None:
        return f"{di:04X} (in no table)"
    return f"{di:04X} {found[0]}" + (f" ({found[1]})" if found[1] else "")


def data_text_1997(di: int, octets: bytes) -> str | None:
    """What the data of an item say: `1426.79 kWh`; None where they are not of a known format."""
    found = describe_1997(di)
    if found is None or not octets:
        return None
    try:
        value = format_of(found[2]).decode(octets)
    except MalformedError as error:
        return f"not as known: {error.expected}"
    told = "; ".join(map(str, value)) if isinstance(value, list) else "no value" if value is None else str(value)
    return f"{told} {found[1]}".rstrip()
