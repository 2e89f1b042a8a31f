"""Addresses: twelve digits, some of which may be wildcards."""

from __future__ import annotations

import re
from typing import Final

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt645.frame import ADDRESS_DIGITS

_FORM: Final = re.compile(r"A*[0-9]*")


def full_address(text: str) -> str:
    """The twelve digits of an address as people give it: zeros stand in front of a shorter one.

    A short form (DL/T 645-2007, 5.2, address field) is written with its wildcards, such as `AAAAAAAA0161`.

    Raises:
        LocalProtocolError: it has other characters, a wildcard behind a digit, or too many digits.
    """
    digits = text.strip().upper()
    if not digits or len(digits) > ADDRESS_DIGITS or not _FORM.fullmatch(digits):
        raise LocalProtocolError(f"{text!r} is no meter address: up to 12 digits, A in front for any digit")
    return digits.rjust(ADDRESS_DIGITS, "0")


def covers(asked: str, carried: str) -> bool:
    """Whether an address, which may hold wildcards, means the one that a frame carries or a meter has.

    Both have twelve digits. A wildcard echoed as it was sent is covered too, which meters of 1997 do.
    """
    return asked == carried or all(a in ("A", c) for a, c in zip(asked, carried, strict=True))
