"""The frame: who is meant, what is asked, and the data field, which is masked and summed."""

from __future__ import annotations

from enum import IntEnum
from functools import cache
from typing import Final

from meterwire.protocols.wire.checks import UP33, sum8
from meterwire.protocols.wire.declare import bits, field, hidden, message, part
from meterwire.protocols.wire.nodes import REST, U8, Bcd, Check, Const, Masked, Octets, Size

ADDRESS_DIGITS: Final = 12
WILDCARD: Final = "A" * ADDRESS_DIGITS
"""Any meter: for a line that has only one. AAH octets on the high side of an address match any digits there."""
BROADCAST: Final = "9" * ADDRESS_DIGITS
"""All meters; none answers."""

WAKE_UP: Final = b"\xfe"
"""A master sends four of these before a frame; meters send none to four, and receivers take any number."""
PREAMBLE: Final = 4 * WAKE_UP

READ_LIMIT: Final = 200
"""Longest data field of an answer to a read, in octets (DL/T 645-2007, 5.2, L)."""
OVERHEAD: Final = 12
"""Octets of a frame beside its data field."""


class Function(IntEnum):
    """Function code, D4 to D0 of the control code.

    03H, 1CH and 1DH come from later filings; the plain text of 2007 ends at 1BH.
    """

    RESERVED = 0x00
    SECURITY = 0x03
    """Security authentication through the meter's secure element."""
    BROADCAST_TIME = 0x08
    READ = 0x11
    READ_FOLLOW_UP = 0x12
    READ_ADDRESS = 0x13
    WRITE = 0x14
    WRITE_ADDRESS = 0x15
    FREEZE = 0x16
    CHANGE_BAUD = 0x17
    CHANGE_PASSWORD = 0x18
    CLEAR_DEMAND = 0x19
    CLEAR_METER = 0x1A
    CLEAR_EVENTS = 0x1B
    CONTROL = 0x1C
    """Trip, close, alarm, keep power."""
    TERMINAL_OUTPUT = 0x1D
    """What the multi-function output terminal carries."""


@bits(U8)
class Control:
    """Control code (C)."""

    direction: int = part(1, "D7: 0 sent by the master, 1 by the meter")
    abnormal: int = part(1, "D6: 1 where the meter could not do it")
    follow_up: int = part(1, "D5: 1 where more data follow; since 2014 also where an active report waits")
    function: int = part(5, "D4 to D0: function code", names=Function)


@cache
def asking(function: int) -> Control:
    """The control code of a request."""
    return Control(direction=0, abnormal=0, follow_up=0, function=function)


@cache
def answering(function: int, *, abnormal: bool = False, follow_up: bool = False) -> Control:
    """The control code of an answer."""
    return Control(direction=1, abnormal=int(abnormal), follow_up=int(follow_up), function=function)


@message(cite="DL/T 645-2007, 5.2")
class Frame:
    """The frame of both editions, 1997 and 2007; any number of FEH octets may stand in front of it.

    The sum is taken over the octets as they are sent. A meter that receives a wrong sum stays silent. Addresses with
    other hexadecimal digits than A are in no standard, and on lines: modules and test benches have them.
    """

    start = hidden(Const(b"\x68"), "frame start")
    address: str = field(Bcd(6, also="ABCDEF"), "address field (A0 to A5): 12 digits, A is any digit")
    again = hidden(Const(b"\x68"), "frame start")
    control: Control = field(Control, "control code (C)")
    length = hidden(Size(U8, "data"), "length of the data field (L)")
    data: bytes = field(Masked(UP33, Octets(REST)), "data field (DATA), 33H added to each octet", default=b"")
    checksum = hidden(Check(U8, sum8, "start"), "check sum (CS)")
    end = hidden(Const(b"\x16"), "end character")
