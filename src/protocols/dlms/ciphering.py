"""Ciphered APDUs: title, security control and counter are read, the protected content stays closed.

DLMS UA 1000-2, 9.2.4.8 (ciphered APDUs) and 9.5.
"""

from typing import Final

from meterwire.protocols.dlms.xdlms.common import OCTETS
from meterwire.protocols.wire.declare import bits, field, message, part
from meterwire.protocols.wire.nodes import AXDR_LENGTH, REST, U8, U16, U32, Choice, Maybe, Octets, Record, Sized


@bits(U8)
class SecurityControl:
    """Security control octet (DLMS UA 1000-2, 9.2.4.8.1)."""

    compressed: int = part(1, "compression: 1 compressed", default=0)
    broadcast: int = part(1, "key set: 0 unicast, 1 broadcast", default=0)
    encrypted: int = part(1, "E: 1 encrypted", default=0)
    authenticated: int = part(1, "A: 1 authenticated", default=0)
    suite: int = part(4, "security suite: 0, 1 or 2", default=0)


@message(cite="DLMS UA 1000-2, 9.2.4.8.1")
class Protected:
    """A protected APDU. With authentication the last 12 octets are the tag."""

    control: SecurityControl = field(SecurityControl, "security control")
    counter: int = field(U32, "invocation counter")
    content: bytes = field(Octets(REST), "ciphertext or plaintext, and authentication tag")


PROTECTED: Final = Sized(AXDR_LENGTH, Record(Protected))
"""A service-specific ciphered APDU behind its tag (global or dedicated)."""


def sender_of(title: bytes) -> bytes:
    """The eight octets of a system title; some meters say their number once more in front of them (seen in pushes)."""
    return title[1:] if len(title) == 9 and title[0] == 8 else title


@message(cite="DLMS UA 1000-2, 9.5, General-Glo-Ciphering, General-Ded-Ciphering")
class GeneralCiphered:
    """Any APDU, protected with a global or dedicated key, with the title of its sender."""

    title: bytes = field(OCTETS, "system title")
    content: Protected = field(PROTECTED, "ciphered content")


@message(cite="DLMS UA 1000-2, 9.5, IdentifiedKey")
class IdentifiedKey:
    """The key is one both sides have."""

    key: int = field(U8, "key id: 0 global unicast encryption key, 1 global broadcast encryption key")


@message(cite="DLMS UA 1000-2, 9.5, WrappedKey")
class WrappedKey:
    """The key comes wrapped."""

    wrapping: int = field(U8, "key encryption key id: 0 master key")
    key: bytes = field(OCTETS, "wrapped key")


@message(cite="DLMS UA 1000-2, 9.5, AgreedKey")
class AgreedKey:
    """The key is agreed upon by elliptic curve Diffie-Hellman."""

    parameters: bytes = field(OCTETS, "key parameters: 01H one-pass, 02H static unified model")
    data: bytes = field(OCTETS, "key ciphered data: the ephemeral public key and its signature")


@message(cite="DLMS UA 1000-2, 9.5, General-Ciphering")
class GeneralCiphering:
    """Any APDU, protected with a key that is named, wrapped or agreed upon here."""

    transaction: bytes = field(OCTETS, "transaction id")
    originator: bytes = field(OCTETS, "originator system title")
    recipient: bytes = field(OCTETS, "recipient system title")
    date_time: bytes = field(OCTETS, "date-time")
    other: bytes = field(OCTETS, "other information")
    key: IdentifiedKey | WrappedKey | AgreedKey | None = field(
        Maybe(Choice(U8, {0: IdentifiedKey, 1: WrappedKey, 2: AgreedKey})), "key info"
    )
    content: Protected = field(PROTECTED, "ciphered content")


@message(cite="DLMS UA 1000-2, 9.5, General-Signing")
class GeneralSigning:
    """Any APDU with a digital signature."""

    transaction: bytes = field(OCTETS, "transaction id")
    originator: bytes = field(OCTETS, "originator system title")
    recipient: bytes = field(OCTETS, "recipient system title")
    date_time: bytes = field(OCTETS, "date-time")
    other: bytes = field(OCTETS, "other information")
    content: bytes = field(OCTETS, "content")
    signature: bytes = field(OCTETS, "signature")


@bits(U8)
class BlockControl:
    """Block control octet of general block transfer."""

    last: int = part(1, "1 last block", default=0)
    streaming: int = part(1, "1 streaming", default=0)
    window: int = part(6, "window: blocks that may be sent before an acknowledgement", default=0)


@message(cite="DLMS UA 1000-2, 9.5, General-Block-Transfer")
class GeneralBlockTransfer:
    """One block of any APDU."""

    control: BlockControl = field(BlockControl, "block control")
    block: int = field(U16, "block number")
    acknowledged: int = field(U16, "block number acknowledged")
    data: bytes = field(OCTETS, "block data")
