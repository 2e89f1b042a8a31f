"""Who may do what: passwords, and levels 98H and 99H, whose data the secure element has protected."""

from __future__ import annotations

from typing import Final

from meterwire.errors import SecurityError
from meterwire.meter_model.esam import MAC
from meterwire.meter_model.faces.dlt645.answers import unauthorised
from meterwire.meter_model.meter import Meter
from meterwire.protocols.dlt645.messages import Password

ENCIPHERED: Final = 0x98
"""Level of data that are enciphered and have a MAC."""
PLAIN_WITH_MAC: Final = 0x99
OPERATOR: Final = "00000000"
"""Of functions that carry no operator code."""


def authorise(meter: Meter, password: Password, needed: int, *, switch: bool = True) -> None:
    """Raise the refusal with bit 2 unless a password of this level grants what is wanted."""
    if not meter.access.check(password.level, password.digits, needed, switch=switch):
        raise unauthorised()


def is_protected(password: Password) -> bool:
    """Whether the secure element vouches for a command, not the password."""
    return password.level in (ENCIPHERED, PLAIN_WITH_MAC)


def unprotected(meter: Meter, password: Password, head: bytes, data: bytes) -> bytes:
    """The plain data behind level 98H or 99H.

    Args:
        meter: whose secure element checks them.
        password: with the level.
        head: what the MAC covers in front of the data: data identifier, if there is one, and operator, as sent.
        data: as sent, the MAC behind them.

    Raises:
        SecurityError: no session holds, or the MAC or the cipher text is wrong.
    """
    if len(data) < MAC:
        raise SecurityError("there is no room for a MAC")
    body = data[:-MAC]
    meter.esam.verify(head + body, data[-MAC:])
    return meter.esam.decipher(body) if body and password.level == ENCIPHERED else body
