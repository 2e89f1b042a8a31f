"""The single data items of annex A: numbers, stamps, texts, digits, flags; `formats` puts them together.

Octets are as they stand on the line once the 33H is taken off: low octet first (DL/T 645-2007, 5.2).
"""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.protocols.wire.texts import readable

if TYPE_CHECKING:
    from collections.abc import Callable

Value: TypeAlias = "Decimal | int | str | bytes | tuple[Value, ...] | list[Value] | None"
"""What a data item can be."""


class Format(Protocol):
    """A reader and a writer of one data item; octets as they stand on the line once the 33H is taken off."""

    @property
    def size(self) -> int | None:
        """Octets of the item; None where the octets that are there decide."""

    def decode(self, octets: bytes, at: int = 0) -> Value:
        """The value of exactly these octets, which begin at offset `at`; raises MalformedError."""

    def encode(self, value: Any) -> bytes:
        """The octets of a value; raises LocalProtocolError when it does not fit."""


def _blank(octets: bytes) -> bool:
    return octets.count(0xFF) == len(octets) > 0


def _exactly(octets: bytes, size: int, at: int) -> None:
    if len(octets) != size:
        raise MalformedError(f"{size} octets, not {len(octets)}", offset=at)


_LONGEST: Final = 64
"""Digits of a number that are looked at: far more than any format has."""
_EXACT: Final = Context(prec=_LONGEST, traps=[Inexact, InvalidOperation])


class Number:
    """A decimal number in BCD; a signed one keeps its sign in the top bit of the highest octet (annex A, notes)."""

    def __init__(self, digits: int, decimals: int, signed: bool) -> None:
        self.size = digits // 2
        self._digits = digits
        self._decimals = decimals
        self._scale = 10**decimals
        self._signed = signed

    def decode(self, octets: bytes, at: int = 0) -> Decimal | None:
        """The number with all decimals of the format, None when all nibbles are F."""
        _exactly(octets, self.size, at)
        text = octets[::-1].hex()
        minus = ""
        if self._signed and text[0] > "7":
            if _blank(octets):
                return None
            minus, text = "-", f"{int(text[0], 16) - 8}{text[1:]}"
        if not text.isdecimal():
            if _blank(octets):
                return None
            raise MalformedError(f"BCD digits, not {octets.hex().upper()}", offset=at)
        return Decimal(f"{minus}{text}E-{self._decimals}")

    def encode(self, value: Any) -> bytes:
        """The BCD octets of a Decimal, an int or the text of one; None gives all nibbles F."""
        if value is None:
            return b"\xff" * self.size
        sign, raw = self._scaled(value)
        text = f"{raw:0{self._digits}d}"
        if len(text) > self._digits or (sign and not self._signed) or (self._signed and text[0] > "7"):
            raise LocalProtocolError(f"{value} does not fit {self}")
        octets = bytes.fromhex(text)[::-1]
        return octets[:-1] + bytes((octets[-1] | 0x80,)) if sign else octets

    def _scaled(self, value: Any) -> tuple[bool, int]:
        if isinstance(value, (bool, float)):
            raise LocalProtocolError(f"{value!r} is not a decimal number")
        try:
            number = _EXACT.create_decimal(value)
        except Inexact as error:
            raise LocalProtocolError(f"not a number of up to {_LONGEST} digits") from error
        except (InvalidOperation, TypeError, ValueError) as error:
            raise LocalProtocolError(f"{value!r} is not a decimal number") from error
        if number.is_zero():
            return number.is_signed(), 0
        if not number.is_finite() or abs(number.adjusted()) > _LONGEST:
            raise LocalProtocolError(f"not a finite number of up to {_LONGEST} digits")
        units, parts = number.as_integer_ratio()
        whole, rest = divmod(abs(units) * self._scale, parts)
        if rest:
            raise LocalProtocolError(f"{value} has more decimals than {self}")
        return units < 0, whole

    def __str__(self) -> str:
        kind = "signed" if self._signed else "unsigned"
        return f"{self._digits} {kind} digits, {self._decimals} of them decimals"


PARTS: Final = re.compile("YY|MM|DD|WW|hh|mm|ss")
_SEPARATOR: Final = {"MM": "-", "DD": "-", "WW": ".", "hh": " ", "mm": ":", "ss": ":"}
_OF_DATE: Final = {"YY": lambda d: d.year % 100, "MM": lambda d: d.month, "DD": lambda d: d.day}
_OF_WEEK: Final = {"WW": lambda d: d.isoweekday() % 7}
_OF_TIME: Final = {"hh": lambda d: d.hour, "mm": lambda d: d.minute, "ss": lambda d: d.second}


class Stamp:
    """A date or time as the text of its digits, such as ``26-08-15.06 10:18:13``: weekday 0 is Sunday.

    No calendar is assumed: 99 and FF, which mean "any" and "none", stay as they are.
    """

    def __init__(self, parts: list[str]) -> None:
        self.size = len(parts)
        self._parts = parts

    def decode(self, octets: bytes, at: int = 0) -> str | None:
        """The text, its parts in the order of the format; None when all nibbles are F."""
        _exactly(octets, self.size, at)
        if _blank(octets):
            return None
        text = ""
        for part, octet in zip(self._parts, reversed(octets), strict=True):
            digits = f"{octet:02X}"
            if not digits.isdecimal() and octet != 0xFF:
                raise MalformedError(f"BCD digits of a time, not {octets.hex().upper()}", offset=at)
            text += (_SEPARATOR[part] if text else "") + digits
        return text

    def encode(self, value: Any) -> bytes:
        """The octets of such a text (separators do not matter) or of a date, time or datetime that has the parts."""
        if value is None:
            return b"\xff" * self.size
        digits = self._digits(value)
        octets = re.findall("[0-9]{2}|FF", digits)
        if len(octets) != self.size or len(digits) != 2 * self.size:
            raise LocalProtocolError(f"{value!r} is not a time written {''.join(self._parts)}")
        return bytes(int(octet, 16) for octet in reversed(octets))

    def _digits(self, value: Any) -> str:
        if isinstance(value, str):
            return value.translate(_NO_SEPARATORS).upper()
        known: dict[str, Callable[[Any], int]] = {}
        if isinstance(value, date):
            known |= _OF_DATE | _OF_WEEK
        if isinstance(value, (datetime, time)):
            known |= _OF_TIME
        if not all(part in known for part in self._parts):
            raise LocalProtocolError(f"{value!r} does not say {''.join(self._parts)}")
        return "".join(f"{known[part](value):02d}" for part in self._parts)


_NO_SEPARATORS: Final = str.maketrans("", "", "-: .T/")


def moment(stamp: str | None) -> datetime | None:
    """The meter's local time that a decoded stamp with date, hour and minute names; None for wildcards and nonsense."""
    found = re.fullmatch(r"(\d\d)-(\d\d)-(\d\d)(?:\.\d\d)? (\d\d):(\d\d)(?::(\d\d))?", stamp or "")
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        return datetime(2000 + year, month, day, hour, minute, second)  # noqa: DTZ001  the meter's own time: it has no zone
    except ValueError:
        return None


_CHINESE: Final = re.compile("[\x20-\x7e\u4e00-\u9fff]+")


class Text:
    """Characters, sent last one first and padded with NUL behind the text (seen: 00 00 56 30 32 32 is ``220V``)."""

    def __init__(self, size: int) -> None:
        self.size = size

    def decode(self, octets: bytes, at: int = 0) -> str | None:
        """The text without its padding, Chinese too; others beyond ASCII stay as Latin-1; None when all are FF."""
        _exactly(octets, self.size, at)
        if _blank(octets):
            return None
        text = octets[::-1].strip(b"\0")
        return readable(text) or text.decode("latin-1")

    def encode(self, value: Any) -> bytes:
        """The octets of a text that is not longer than the item."""
        if value is None:
            return b"\xff" * self.size
        octets = None
        if isinstance(value, str):
            octets = value.encode("gb18030") if _CHINESE.fullmatch(value) else value.encode("latin-1", "ignore")
        if octets is None or len(octets) < len(value) or len(octets) > self.size:
            raise LocalProtocolError(f"{value!r} is not a text of up to {self.size} octets")
        return octets.ljust(self.size, b"\0")[::-1]


class Digits:
    """Digits that are a name: an address, a number, an operator code, a data identifier (hence also A to F)."""

    def __init__(self, digits: int) -> None:
        self.size = digits // 2

    def decode(self, octets: bytes, at: int = 0) -> str | None:
        """All digits, leading zeros too; None when all are F."""
        _exactly(octets, self.size, at)
        return None if _blank(octets) else octets[::-1].hex().upper()

    def encode(self, value: Any) -> bytes:
        """The octets of up to so many digits, filled with zeros on the high side."""
        if value is None:
            return b"\xff" * self.size
        if not isinstance(value, str) or not re.fullmatch(f"[0-9A-Fa-f]{{1,{2 * self.size}}}", value):
            raise LocalProtocolError(f"{value!r} is not up to {2 * self.size} digits")
        return bytes.fromhex(value.zfill(2 * self.size))[::-1]


class Bits:
    """Flags: bit 0 is the lowest bit of the first octet."""

    def __init__(self, size: int) -> None:
        self.size = size

    def decode(self, octets: bytes, at: int = 0) -> int:
        """All flags as one integer."""
        _exactly(octets, self.size, at)
        return int.from_bytes(octets, "little")

    def encode(self, value: Any) -> bytes:
        """The octets of an integer whose bits all have a place."""
        if isinstance(value, bool) or not isinstance(value, int) or value < 0 or value.bit_length() > 8 * self.size:
            raise LocalProtocolError(f"{value!r} is not {8 * self.size} bits")
        return value.to_bytes(self.size, "little")


class Screen:
    """What a screen shows: a data identifier, in meters since 2009 with the number of an item within it.

    The text is `00010000`, or `00010000.01` with such a number.
    """

    size: int | None = None

    def decode(self, octets: bytes, at: int = 0) -> str | None:
        """The text, None when all octets are FF."""
        if len(octets) not in (4, 5):
            raise MalformedError(f"4 or 5 octets, not {len(octets)}", offset=at)
        if _blank(octets):
            return None
        identifier = octets[3::-1].hex().upper()
        return identifier if len(octets) == 4 else f"{identifier}.{octets[4]:02X}"

    def encode(self, value: Any) -> bytes:
        """The octets of such a text."""
        if value is None:
            return b"\xff" * 4
        found = re.fullmatch(r"([0-9A-Fa-f]{8})(?:\.([0-9A-Fa-f]{2}))?", value) if isinstance(value, str) else None
        if not found:
            raise LocalProtocolError(f"{value!r} is not a data identifier, with or without the number of an item")
        return bytes.fromhex(found[1])[::-1] + bytes.fromhex(found[2] or "")


class Raw:
    """Octets that no format describes."""

    size: int | None = None

    def decode(self, octets: bytes, at: int = 0) -> bytes:  # noqa: ARG002  same signature as the others
        """The octets."""
        return bytes(octets)

    def encode(self, value: Any) -> bytes:
        """The octets."""
        if not isinstance(value, (bytes, bytearray)):
            raise LocalProtocolError(f"{value!r} is not octets")
        return bytes(value)


class Constant:
    """An octet that separates items and carries nothing."""

    size: int | None = 1

    def __init__(self, octet: int) -> None:
        self._octets = bytes([octet])

    def decode(self, octets: bytes, at: int = 0) -> None:
        """Nothing, once the octet was found."""
        if octets != self._octets:
            raise MalformedError(f"the octet {self._octets.hex().upper()}", offset=at)

    def encode(self, value: Any) -> bytes:  # noqa: ARG002  same signature as the others
        """The octet."""
        return self._octets
