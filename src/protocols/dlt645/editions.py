"""What differs between the editions of 1997 and 2007 beside the layouts: function codes, identifiers, error words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from typing import Any, Final

import msgspec

from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt645 import names_1997 as old
from meterwire.protocols.dlt645.edition1997 import payload_of_1997
from meterwire.protocols.dlt645.frame import Function
from meterwire.protocols.dlt645.identifiers import encode
from meterwire.protocols.dlt645.interpret import interpret
from meterwire.protocols.dlt645.names import Item, item
from meterwire.protocols.dlt645.payload import payload_of
from meterwire.quantities.reading import Reading


class Edition(msgspec.Struct, frozen=True):
    """One edition of the standard.

    Attributes:
        read: function code; likewise the others.
        digits: hex digits of a data identifier.
        item: what a text names.
        interpret: octets to a reading.
        encode: a value to octets.
        payload_of: the message in a data field.
    """

    year: int
    read: int
    follow_up: int
    write: int
    write_address: int
    change_baud: int
    change_password: int
    clear_demand: int
    digits: int
    item: Callable[[str], Item]
    interpret: Callable[[Item, bytes, tzinfo], Reading]
    encode: Callable[[int, Any], bytes]
    payload_of: Callable[[Any, int], Any]


EDITION_2007: Final = Edition(
    2007,
    Function.READ,
    Function.READ_FOLLOW_UP,
    Function.WRITE,
    Function.WRITE_ADDRESS,
    Function.CHANGE_BAUD,
    Function.CHANGE_PASSWORD,
    Function.CLEAR_DEMAND,
    8,
    item,
    interpret,
    encode,
    payload_of,
)
EDITION_1997: Final = Edition(
    1997, 0x01, 0x02, 0x04, 0x0A, 0x0C, 0x0F, 0x10, 4, old.item, old.interpret, old.encode, payload_of_1997
)


def edition_of(year: int | str) -> Edition:
    """An edition by its year; raises LocalProtocolError."""
    for edition in (EDITION_2007, EDITION_1997):
        if str(year) == str(edition.year):
            return edition
    raise LocalProtocolError(f"there is no edition {year} of DL/T 645: 2007, 1997 or auto")
