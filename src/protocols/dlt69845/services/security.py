"""SECURITY: an APDU inside another one, plain or enciphered, and its proof. No tail stands outside."""

from meterwire.protocols.dlt69845.data import OCTET_STRING, IdentifiedMac, SecurityIdentifier
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.services.common import DAR
from meterwire.protocols.wire.declare import field, message
from meterwire.protocols.wire.nodes import U8, Choice, Maybe, Variant


@message(cite="DL/T 698.45-2017, SECURITY-Request: RN_MAC")
class RandomMac:
    """RN_MAC: a random number and a message authentication code."""

    random: bytes = field(OCTET_STRING, "random number (RN)")
    mac: bytes = field(OCTET_STRING, "message authentication code (MAC)")


@message(cite="DL/T 698.45-2017, SECURITY-Request: plain text")
class PlainContent:
    """A complete APDU as it is."""

    apdu: bytes = field(OCTET_STRING, "APDU")


@message(cite="DL/T 698.45-2017, SECURITY-Request: cipher text")
class CipherContent:
    """A complete APDU, enciphered."""

    cipher: bytes = field(OCTET_STRING, "enciphered APDU")


@message(cite="DL/T 698.45-2017, SECURITY-Response: DAR")
class RefusedContent:
    """No APDU, but why not."""

    result: Dar | int = field(DAR, "why not (DAR)")


@message(cite="DL/T 698.45-2017, SECURITY-Request")
class SecurityRequest:
    """An APDU of the client, protected."""

    content: PlainContent | CipherContent = field(Choice(U8, {0: PlainContent, 1: CipherContent}), "protected APDU")
    proof: Variant = field(
        Choice(U8, {0: IdentifiedMac, 1: OCTET_STRING, 2: RandomMac, 3: SecurityIdentifier}, into=Variant),
        "0: SID_MAC; 1: random number (RN); 2: RN_MAC; 3: SID",
    )


@message(cite="DL/T 698.45-2017, SECURITY-Response")
class SecurityResponse:
    """An APDU of the server, protected."""

    content: PlainContent | CipherContent | RefusedContent = field(
        Choice(U8, {0: PlainContent, 1: CipherContent, 2: RefusedContent}), "protected APDU, or why there is none"
    )
    proof: Variant | None = field(
        Maybe(Choice(U8, {0: OCTET_STRING}, into=Variant)), "0: message authentication code (MAC)", default=None
    )
