"""Server addresses as people write them, and as the link frame carries them."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt69845.link import AddressKind, Flag17, Flag21, Link

_DIGITS = frozenset("0123456789A")
_ANSWERED = (AddressKind.SINGLE, AddressKind.WILDCARD)


class Address(msgspec.Struct, frozen=True):
    """A server address (SA); DL/T 698.45-2017, 6.

    Attributes:
        digits: 1 to 32 decimal digits, highest first; A stands for any digit.
        kind: single, wildcard, group or broadcast.
        logic: logical address within the device, 0 to 3 in the edition of 2017, 0 to 255 in that of 2021.
    """

    digits: str
    kind: AddressKind = AddressKind.SINGLE
    logic: int = 0

    def __str__(self) -> str:
        prefix = "" if self.kind in (AddressKind.SINGLE, AddressKind.WILDCARD) else f"{self.kind.name.lower()} "
        return f"{prefix}{self.digits}" + (f"/{self.logic}" if self.logic else "")

    @property
    def is_answered(self) -> bool:
        """Whether a meter that is meant answers: neither groups nor broadcasts are answered."""
        return self.kind in _ANSWERED

    def matches(self, digits: str) -> bool:
        """Whether a meter of this number is meant; an A stands for any digit, and a broadcast means everybody."""
        if self.digits == digits or self.kind == AddressKind.BROADCAST:
            return True
        width = max(len(self.digits), len(digits))
        pairs = zip(self.digits.rjust(width, "0"), digits.rjust(width, "0"), strict=True)
        return all(mine in ("A", theirs) for mine, theirs in pairs)

    def octets(self) -> bytes:
        """The address octets as sent, low octet first; an odd number of digits is filled with FH behind the last."""
        text = self.digits + "F" * (len(self.digits) % 2)
        if not 1 <= len(self.digits) <= 32 or not _DIGITS.issuperset(self.digits):
            raise LocalProtocolError(f"{self.digits!r} is no address: 1 to 32 decimal digits, A for any digit")
        return bytes.fromhex(text)[::-1]

    def wire(self, edition: int) -> tuple[Flag17 | Flag21, bytes]:
        """Flag octet and address octets for a frame of this edition; raises LocalProtocolError if they do not fit."""
        octets = self.octets()
        if edition >= 2021 and self.logic > 1:
            octets = bytes([self.logic & 0xFF]) + octets
            flag: Flag17 | Flag21 = Flag21(kind=self.kind, extended=1, logic=0, size=len(octets) - 1 & 15)
        elif edition >= 2021:
            flag = Flag21(kind=self.kind, extended=0, logic=self.logic, size=len(octets) - 1)
        else:
            flag = Flag17(kind=self.kind, logic=self.logic & 3, size=len(octets) - 1)
        if len(octets) > 16 or not 0 <= self.logic <= (255 if edition >= 2021 else 3):
            raise LocalProtocolError(f"logical address {self.logic} does not fit beside {self.digits}")
        return flag, octets


ANY = Address("A" * 12, AddressKind.WILDCARD)
"""Whoever is there: the wildcard that every meter answers with its true address (flag octet 45H)."""

BROADCAST = Address("AA", AddressKind.BROADCAST)
"""Everybody, and nobody answers (flag octet C0H)."""


def address(text: str) -> Address:
    """An address from text: digits, A for any digit, `group` or `broadcast` in front, `/N` for a logical address.

    Raises LocalProtocolError where the text is none.
    """
    words = text.strip().upper().partition("/")[0].split()
    logic = text.partition("/")[2].strip() or "0"
    kind = AddressKind.SINGLE
    if words and words[0] in ("GROUP", "BROADCAST"):
        kind = AddressKind[words.pop(0)]
        words = words or ["AA"]
    elif words and "A" in words[0]:
        kind = AddressKind.WILDCARD
    if len(words) != 1 or not logic.isdecimal() or int(logic) > 255:
        raise LocalProtocolError(f"{text!r} is no address: write digits such as 000000000161, or AAAAAAAAAAAA for any")
    made = Address(words[0], kind, int(logic))
    made.octets()
    return made


def address_in(frame: Link) -> Address:
    """The server address of a frame. Nibbles B to E, which no address has, are kept as they are."""
    return _address(frame.flag, frame.server)


@lru_cache(maxsize=1024, typed=True)
def _address(flag: Flag17 | Flag21, octets: bytes) -> Address:
    logic = int(flag.logic)
    if isinstance(flag, Flag21) and flag.extended:
        # Whether the extended logical address is the first octet sent, or of the printed number, is not certain.
        logic, octets = octets[0], octets[1:]
    text = octets[::-1].hex().upper()
    return Address(text.removesuffix("F"), AddressKind(flag.kind), logic)


def address_text(octets: bytes) -> str:
    """The address inside the APDU, where it is sent high octet first (4001 attribute 2, TSA without its flag)."""
    return octets.hex().upper().rstrip("F")
