"""The link frame: who speaks to whom, one APDU or a piece of one, two checks."""

from enum import IntEnum
from typing import Final

from meterwire.protocols.wire.checks import UP33, crc_x25
from meterwire.protocols.wire.declare import bits, field, hidden, message, part
from meterwire.protocols.wire.nodes import REST, U8, U16L, ByEdition, Check, Const, Masked, Octets, Ref, Size

EDITIONS: Final = (2017, 2021)
EDITION: Final = 2021
"""The edition read where none is asked for: the later one knows everything of the earlier."""


class Function(IntEnum):
    """Function code of the control field; 0, 2 and 4 to 7 are reserved."""

    LINK = 1
    """Link management: LINK-Request and LINK-Response."""
    USER = 3
    """User data: every other APDU, or a piece of one."""


class AddressKind(IntEnum):
    """Type of a server address."""

    SINGLE = 0
    WILDCARD = 1
    """Nibbles AH match any digit; the meter that matches answers."""
    GROUP = 2
    """Never answered."""
    BROADCAST = 3
    """Never answered."""


class FragmentKind(IntEnum):
    """Which piece of an APDU a fragment is."""

    FIRST = 0
    LAST = 1
    ACKNOWLEDGE = 2
    """Carries no piece; its number is that of the piece received last."""
    MIDDLE = 3


@bits(U16L)
class FrameLength:
    """Length field (L)."""

    reserved: int = part(1, "D15: reserved", default=0)
    unit: int = part(1, "D14: 0 octets, 1 kilo-octets (2021; reserved in 2017)", default=0)
    size: int = part(14, "D13 to D0: octets between the start and the end octet", default=0)


@bits(U8)
class LinkControl:
    """Control field (C)."""

    direction: int = part(1, "D7 (DIR): 0 sent by the client, 1 by the server", default=0)
    started_by_client: int = part(1, "D6 (PRM): 1 in an exchange that the client began", default=0)
    fragment: int = part(1, "D5: 1 where the user data are a piece of an APDU, or acknowledge one", default=0)
    reserved: int = part(1, "D4: reserved", default=0)
    scrambled: int = part(1, "D3 (SC): 1 where 33H was added to every octet of the user data", default=0)
    function: int = part(3, "D2 to D0: function code", names=Function, default=Function.USER)


@bits(U8)
class Flag17:
    """Flag octet of the server address (SA) in the edition of 2017."""

    kind: int = part(2, "D7 to D6: type of address", names=AddressKind)
    logic: int = part(2, "D5 to D4: logical address 0 to 3")
    size: int = part(4, "D3 to D0: octets of the address, less one")


@bits(U8)
class Flag21:
    """Flag octet of the server address (SA) in the revision of 2021."""

    kind: int = part(2, "D7 to D6: type of address", names=AddressKind)
    extended: int = part(1, "D5: 1 where the first octet of the address is a logical address 2 to 255")
    logic: int = part(1, "D4: logical address 0 or 1 where it is not extended")
    size: int = part(4, "D3 to D0: octets of the address, less one")


@message(cite="DL/T 698.45-2017, 6")
class Link:
    """The link frame. Integers of this layer are sent low octet first, those of the APDU high octet first.

    Both checks are CRC-16/X-25 over what was sent, so over scrambled octets; the second one covers the first.
    Up to four FEH octets may wake the receiver on a serial line.
    """

    start = hidden(Const(b"\x68"), "start")
    length: FrameLength = field(Size(FrameLength, "length", "fcs"), "length (L), of all octets between 68H and 16H")
    control: LinkControl = field(LinkControl, "control (C)")
    flag: Flag17 | Flag21 = field(ByEdition({2017: Flag17, 2021: Flag21}), "server address (SA), flag octet")
    server: bytes = field(Octets(Ref("flag.size", plus=1)), "server address (SA), low octet first")
    client: int = field(U8, "client address (CA); 0 where it does not matter")
    hcs = hidden(Check(U16L, crc_x25, "length"), "header check (HCS)")
    user: bytes = field(Masked(UP33, Octets(REST), when=Ref("control.scrambled")), "user data: an APDU or a fragment")
    fcs = hidden(Check(U16L, crc_x25, "length"), "frame check (FCS)")
    end = hidden(Const(b"\x16"), "end")


@bits(U16L)
class FragmentWord:
    """The word in front of a piece of an APDU."""

    kind: int = part(2, "D15 to D14: which piece this is", names=FragmentKind)
    reserved: int = part(2, "D13 to D12: reserved", default=0)
    number: int = part(12, "D11 to D0: number of the piece, from 0", default=0)


@message(cite="DL/T 698.45-2017, 6, fragmented transfer")
class Fragment:
    """User data of a frame whose control field says that it is a fragment."""

    word: FragmentWord = field(FragmentWord, "fragment word")
    piece: bytes = field(Octets(REST), "piece of the APDU; none in an acknowledgement")
