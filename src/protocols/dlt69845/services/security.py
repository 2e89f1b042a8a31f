"""SECURITY: an APDU inside another one, plain or enciphered, and its proof. No tail stands outside."""

from meterwire.protocols.dlt69845.data import OCTET_STRING, IdentifiedMac, SecurityIdentifier
from meterwire.protocols.dlt69845.services.common import DAR
from meterwire.protocols.wire.declare import field, message
from meterwire.protocols.wire.nodes import U8, Choice, Maybe, Variant


@message(cite="DL/T 698.45-2017, SECURITY-Request: RN_MAC")
class RandomMac:
    """RN_MAC: a random number and a message authentication code."""

    random: bytes = field(OCTET_STRING, "random number (RN)")
    mac: bytes = field(OCTET_STRING, "message authentication code (MAC)")


@message(cite="DL/T 698.45-2017, SECURITY-Request")
class SecurityRequest:
    """An APDU of the client, protected."""

    content: Variant = field(
        Choice(U8, {0: OCTET_STRING, 1: OCTET_STRING}, into=Variant), "0: a plain APDU; 1: an enciphered one"
    )
    proof: Variant = field(
        Choice(U8, {0: IdentifiedMac, 1: OCTET_STRING, 2: RandomMac, 3: SecurityIdentifier}, into=Variant),
        "0: SID_MAC; 1: random number (RN); 2: RN_MAC; 3: SID",
    )


@message(cite="DL/T 698.45-2017, SECURITY-Response")
class SecurityResponse:
    """An APDU of the server, protected."""

    content: Variant = field(
        Choice(U8, {0: OCTET_STRING, 1: OCTET_STRING, 2: DAR}, into=Variant),
        "0: a plain APDU; 1: an enciphered one; 2: why not (DAR)",
    )
    proof: Variant | None = field(
        Maybe(Choice(U8, {0: OCTET_STRING}, into=Variant)), "0: message authentication code (MAC)", default=None
    )
