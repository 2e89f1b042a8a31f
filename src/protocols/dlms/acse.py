"""Association: AARQ, AARE, RLRQ and RLRE in BER (DLMS UA 1000-2, 9.4.2 and 9.5; ISO/IEC 8650-1).

Each element is read where the standard puts it; out of order, twice or unknown, it is an error. The user information
is an inner layer: an initiate APDU, plain or ciphered.
"""

from enum import IntEnum
from typing import Final

from meterwire.protocols.dlms.enums import (
    AcseServiceProviderDiagnostic,
    AcseServiceUserDiagnostic,
    AssociationResult,
    ReleaseRequestReason,
    ReleaseResponseReason,
)
from meterwire.protocols.wire.declare import field, message
from meterwire.protocols.wire.nodes import REST, U8, Enum, Octets, Tagged

_REST = Octets(REST)


class ApplicationContext(IntEnum):
    """Last arc of an application context name (DLMS UA 1000-2, 9.4.2.2.2)."""

    LOGICAL_NAMES = 1
    SHORT_NAMES = 2
    LOGICAL_NAMES_CIPHERED = 3
    SHORT_NAMES_CIPHERED = 4


class AuthenticationMechanism(IntEnum):
    """Last arc of an authentication mechanism name (DLMS UA 1000-2, 9.4.2.2.3)."""

    NONE = 0
    LOW = 1
    HIGH = 2
    """High-level security with an algorithm of the manufacturer."""
    HIGH_MD5 = 3
    HIGH_SHA1 = 4
    HIGH_GMAC = 5
    HIGH_SHA256 = 6
    HIGH_ECDSA = 7


@message(cite="ISO/IEC 8650-1, Authentication-value (DLMS UA 1000-2, 9.5)")
class AuthenticationValue:
    """A password, a challenge or an answer to one; the standard's client sends a character string."""

    characters: bytes | None = field(Tagged(0x80, _REST), "charstring", default=None)
    bits: bytes | None = field(Tagged(0x81, _REST), "bitstring", default=None)


@message(cite="ISO/IEC 8650-1, AARQ-apdu (DLMS UA 1000-2, 9.4.2.2)")
class Aarq:
    """Asks for an association."""

    protocol_version: bytes | None = field(Tagged(0x80, _REST), "protocol version, bit string", default=None)
    context: bytes | None = field(Tagged(0xA1, Tagged(0x06, _REST)), "application context name", default=None)
    called_title: bytes | None = field(Tagged(0xA2, Tagged(0x04, _REST)), "called AP title", default=None)
    called_qualifier: bytes | None = field(Tagged(0xA3, Tagged(0x04, _REST)), "called AE qualifier", default=None)
    called_ap_invocation: bytes | None = field(
        Tagged(0xA4, Tagged(0x02, _REST)), "called AP invocation id", default=None
    )
    called_ae_invocation: bytes | None = field(
        Tagged(0xA5, Tagged(0x02, _REST)), "called AE invocation id", default=None
    )
    calling_title: bytes | None = field(
        Tagged(0xA6, Tagged(0x04, _REST)), "calling AP title: system title", default=None
    )
    calling_qualifier: bytes | None = field(
        Tagged(0xA7, Tagged(0x04, _REST)), "calling AE qualifier: certificate", default=None
    )
    calling_ap_invocation: bytes | None = field(
        Tagged(0xA8, Tagged(0x02, _REST)), "calling AP invocation id", default=None
    )
    calling_ae_invocation: bytes | None = field(
        Tagged(0xA9, Tagged(0x02, _REST)), "calling AE invocation id: user id", default=None
    )
    sender_requirements: bytes | None = field(
        Tagged(0x8A, _REST), "sender ACSE requirements, bit string: 0780H authentication", default=None
    )
    mechanism: bytes | None = field(Tagged(0x8B, _REST), "authentication mechanism name", default=None)
    authentication: AuthenticationValue | None = field(
        Tagged(0xAC, AuthenticationValue), "calling authentication value", default=None
    )
    implementation: bytes | None = field(Tagged(0x9D, _REST), "implementation information", default=None)
    user_information: bytes | None = field(Tagged(0xBE, Tagged(0x04, _REST)), "user information", default=None)


@message(cite="ISO/IEC 8650-1, Associate-source-diagnostic (DLMS UA 1000-2, 9.5)")
class Diagnostic:
    """Why, said by the user (the COSEM application) or by the provider of the ACSE service."""

    user: int | None = field(
        Tagged(0xA1, Tagged(0x02, Enum(U8, AcseServiceUserDiagnostic))), "ACSE service user", default=None
    )
    provider: int | None = field(
        Tagged(0xA2, Tagged(0x02, Enum(U8, AcseServiceProviderDiagnostic))), "ACSE service provider", default=None
    )


@message(cite="ISO/IEC 8650-1, AARE-apdu (DLMS UA 1000-2, 9.4.2.3)")
class Aare:
    """Accepts or refuses an association."""

    protocol_version: bytes | None = field(Tagged(0x80, _REST), "protocol version, bit string", default=None)
    context: bytes | None = field(Tagged(0xA1, Tagged(0x06, _REST)), "application context name", default=None)
    result: int | None = field(Tagged(0xA2, Tagged(0x02, Enum(U8, AssociationResult))), "result", default=None)
    diagnostic: Diagnostic | None = field(Tagged(0xA3, Diagnostic), "result source diagnostic", default=None)
    responding_title: bytes | None = field(
        Tagged(0xA4, Tagged(0x04, _REST)), "responding AP title: system title", default=None
    )
    responding_qualifier: bytes | None = field(
        Tagged(0xA5, Tagged(0x04, _REST)), "responding AE qualifier: certificate", default=None
    )
    responding_ap_invocation: bytes | None = field(
        Tagged(0xA6, Tagged(0x02, _REST)), "responding AP invocation id", default=None
    )
    responding_ae_invocation: bytes | None = field(
        Tagged(0xA7, Tagged(0x02, _REST)), "responding AE invocation id: user id", default=None
    )
    responder_requirements: bytes | None = field(
        Tagged(0x88, _REST), "responder ACSE requirements, bit string: 0780H authentication", default=None
    )
    mechanism: bytes | None = field(Tagged(0x89, _REST), "authentication mechanism name", default=None)
    authentication: AuthenticationValue | None = field(
        Tagged(0xAA, AuthenticationValue), "responding authentication value", default=None
    )
    implementation: bytes | None = field(Tagged(0x9D, _REST), "implementation information", default=None)
    user_information: bytes | None = field(Tagged(0xBE, Tagged(0x04, _REST)), "user information", default=None)


@message(cite="ISO/IEC 8650-1, RLRQ-apdu (DLMS UA 1000-2, 9.4.2.4)")
class Rlrq:
    """Asks for the end of the association."""

    reason: int | None = field(Tagged(0x80, Enum(U8, ReleaseRequestReason)), "reason", default=None)
    user_information: bytes | None = field(Tagged(0xBE, Tagged(0x04, _REST)), "user information", default=None)


@message(cite="ISO/IEC 8650-1, RLRE-apdu (DLMS UA 1000-2, 9.4.2.4)")
class Rlre:
    """The association has ended."""

    reason: int | None = field(Tagged(0x80, Enum(U8, ReleaseResponseReason)), "reason", default=None)
    user_information: bytes | None = field(Tagged(0xBE, Tagged(0x04, _REST)), "user information", default=None)


AUTHENTICATION_REQUIRED: Final = b"\x07\x80"
"""The functional unit bit string that says an authentication follows."""

_DLMS_UA: Final = bytes.fromhex("6085740508")
"""Object identifier joint-iso-ccitt(2) country(16) 756 identified-organization(5) DLMS-UA(8)."""


def context_name(context: int) -> bytes:
    """The object identifier of an application context."""
    return _DLMS_UA + bytes((1, context))


def mechanism_name(mechanism: int) -> bytes:
    """The object identifier of an authentication mechanism."""
    return _DLMS_UA + bytes((2, mechanism))


def context_of(name: bytes | None) -> ApplicationContext | None:
    """The application context that an object identifier names, None for any other."""
    number = _last_arc(name, 1)
    return ApplicationContext(number) if number in set(ApplicationContext) else None


def mechanism_of(name: bytes | None) -> AuthenticationMechanism | None:
    """The authentication mechanism that an object identifier names, None for any other."""
    number = _last_arc(name, 2)
    return AuthenticationMechanism(number) if number in set(AuthenticationMechanism) else None


def _last_arc(name: bytes | None, family: int) -> int | None:
    prefix = _DLMS_UA + bytes((family,))
    return name[-1] if name is not None and len(name) == len(prefix) + 1 and name.startswith(prefix) else None
