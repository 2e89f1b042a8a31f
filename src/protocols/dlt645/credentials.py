"""What a client shows when it wants to change a meter: a password with its level, or a secure element's vouching."""

from __future__ import annotations

import re
from typing import Final, Protocol

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt645.messages import Password

WRITING: Final = 4
"""Level that writes items and clears demands; 2 also clears meter and events (DL/T 645-2007, 7)."""
ENCIPHERED: Final = 0x98
PLAIN_WITH_MAC: Final = 0x99


class Credentials(msgspec.Struct, frozen=True):
    """A password and who gives it.

    Attributes:
        password: six digits, P2 first.
        level: 0, the highest, to 9.
        operator: code of the person, up to eight digits, which the meter keeps in its records.
    """

    password: str
    level: int = WRITING
    operator: str = "00000000"

    def __post_init__(self) -> None:
        if not re.fullmatch("[0-9]{6}", self.password) or not 0 <= self.level <= 9:
            raise LocalProtocolError("a password has six digits, and its level is 0 to 9")
        if not re.fullmatch("[0-9]{8}", self.operator):
            raise LocalProtocolError(f"an operator code has eight digits, not {self.operator!r}")

    def __repr__(self) -> str:
        return f"Credentials(level={self.level}, operator={self.operator!r})"

    @property
    def shown(self) -> Password:
        """As it is sent."""
        return Password(self.level, self.password)


class Vouching(Protocol):
    """The head-end's half of a secure element: whatever computes cryptograms and MACs with the meter's keys."""

    @property
    def factor(self) -> bytes:
        """Diversification factor of the meter, 8 octets."""

    def cryptogram(self, random1: bytes) -> bytes:
        """What proves the key, 8 octets, for a random number of 8."""

    def opened(self, random2: bytes) -> None:
        """The meter has accepted, and given this number of 4 octets."""

    def protect(self, plain: bytes, head: bytes = b"") -> bytes:
        """Cipher text, and the MAC over `head` and it."""

    def code(self, message: bytes) -> bytes:
        """The MAC over a message."""
