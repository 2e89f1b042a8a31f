"""Who may associate with the meter, and what is agreed: AARQ to AARE (DLMS UA 1000-2, 9.4.2 to 9.4.4)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final

import msgspec

from meterwire.errors import MalformedError
from meterwire.protocols.dlms.acse import (
    Aare,
    Aarq,
    ApplicationContext,
    AuthenticationMechanism,
    Diagnostic,
    context_name,
    context_of,
    mechanism_name,
    mechanism_of,
)
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.data import Tag, octet_string, structure
from meterwire.protocols.dlms.enums import (
    AcseServiceProviderDiagnostic,
    AcseServiceUserDiagnostic,
    AssociationResult,
    InitiateError,
)
from meterwire.protocols.dlms.security.protection import PLAIN, Protection
from meterwire.protocols.dlms.xdlms.initiate import (
    DLMS_VERSION,
    LN_REFERENCING,
    SN_REFERENCING,
    ConfirmedServiceError,
    Conformance,
    InitiateRequest,
    InitiateResponse,
    common,
)
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

SERVER_CONFORMANCE: Final = Conformance(
    general_block_transfer=1,
    priority_management=1,
    block_transfer_with_get=1,
    block_transfer_with_set=1,
    block_transfer_with_action=1,
    multiple_references=1,
    data_notification=1,
    access=1,
    get=1,
    set=1,
    selective_access=1,
    event_notification=1,
    action=1,
)
"""What the meter can do with logical names."""
SHORT_NAME_CONFORMANCE: Final = Conformance(
    general_block_transfer=1,
    read=1,
    write=1,
    unconfirmed_write=1,
    block_transfer_with_get=1,
    block_transfer_with_set=1,
    multiple_references=1,
    information_report=1,
    data_notification=1,
    parameterized_access=1,
)
"""What the meter can do with short names."""
SERVER_PDU: Final = 1024
"""Longest APDU the meter takes, octets."""
LEAST_PDU: Final = 12
"""A client must take at least this many octets (DLMS UA 1000-2, 9.4.6.2); 0 stands for no limit."""
LARGEST_PDU: Final = 0xFFFF
_CONFORMANCE: Final = {
    ApplicationContext.LOGICAL_NAMES: SERVER_CONFORMANCE,
    ApplicationContext.SHORT_NAMES: SHORT_NAME_CONFORMANCE,
}
_ASSOCIATED: Final = 2
_INITIATE: Final = 1
_INITIATE_CLASS: Final = 6

User = AcseServiceUserDiagnostic


class Policy(msgspec.Struct, frozen=True):
    """How one client may associate: with which mechanism, and the secret of low-level security."""

    mechanism: AuthenticationMechanism
    secret: bytes = b""


MECHANISMS: Final = {16: AuthenticationMechanism.NONE, 17: AuthenticationMechanism.LOW}
"""The clients of every emulated meter; those whose mechanisms need ciphering are to come, and are refused."""


def policies(secrets: Mapping[int, str]) -> dict[int, Policy]:
    """How each client may associate; a client that needs a secret and has none cannot."""
    return {
        client: Policy(mechanism, secrets.get(client, "").encode())
        for client, mechanism in MECHANISMS.items()
        if mechanism is AuthenticationMechanism.NONE or client in secrets
    }


class Association(msgspec.Struct, frozen=True):
    """What was agreed with one client."""

    client: int
    server: int
    mechanism: AuthenticationMechanism
    conformance: Conformance
    max_pdu: int
    """Longest APDU the client takes, octets."""
    context: ApplicationContext = ApplicationContext.LOGICAL_NAMES
    protection: Protection = PLAIN

    @property
    def short_names(self) -> bool:
        """Whether objects are addressed by short names."""
        return self.context is ApplicationContext.SHORT_NAMES

    def attribute(self, number: int) -> Variant:
        """An attribute of the association object (class 15)."""
        if number == 3:
            return structure(Variant(Tag.INTEGER, self.client), Variant(Tag.LONG_UNSIGNED, self.server))
        if number == 4:
            return octet_string(context_name(self.context))
        if number == 5:
            return structure(
                Variant(Tag.BIT_STRING, f"{int(self.conformance):024b}"),  # type: ignore[call-overload]
                Variant(Tag.LONG_UNSIGNED, SERVER_PDU),
                Variant(Tag.LONG_UNSIGNED, self.max_pdu),
                Variant(Tag.UNSIGNED, DLMS_VERSION),
                Variant(Tag.INTEGER, 0),
                octet_string(b""),
            )
        if number == 6:
            return octet_string(mechanism_name(self.mechanism))
        return Variant(Tag.ENUM, _ASSOCIATED)


class Rejected(Exception):  # noqa: N818  becomes an AARE before it leaves the face
    """The association is refused with this diagnostic; an initiate error goes with it where there is one."""

    def __init__(self, diagnostic: User | AcseServiceProviderDiagnostic, initiate: InitiateError | None = None) -> None:
        super().__init__(diagnostic.name)
        self.diagnostic, self.initiate = diagnostic, initiate


def associate(aarq: Aarq, client: int, server: int, allowed: Mapping[int, Policy]) -> Association:
    """What is agreed with a client; raises `Rejected`."""
    if aarq.protocol_version is not None and not _version_1(aarq.protocol_version):
        raise Rejected(AcseServiceProviderDiagnostic.NO_COMMON_ACSE_VERSION)
    context = context_of(aarq.context)
    if context is None or context not in _CONFORMANCE:
        raise Rejected(User.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED)
    policy = allowed.get(client)
    if policy is None:
        raise Rejected(User.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED)
    _authenticate(aarq, policy)
    request = _initiate(aarq)
    if request.dlms_version < DLMS_VERSION:
        raise Rejected(User.NO_REASON_GIVEN, InitiateError.DLMS_VERSION_TOO_LOW)
    agreed = common(request.conformance, _CONFORMANCE[context])
    if not (agreed.get or agreed.read):
        raise Rejected(User.NO_REASON_GIVEN, InitiateError.INCOMPATIBLE_CONFORMANCE)
    if 0 < request.max_pdu < LEAST_PDU:
        raise Rejected(User.NO_REASON_GIVEN, InitiateError.PDU_SIZE_TOO_SHORT)
    return Association(client, server, policy.mechanism, agreed, request.max_pdu or LARGEST_PDU, context)


def _version_1(bits: bytes) -> bool:
    """Bit string: unused bits, then the versions; the first bit is version 1."""
    return len(bits) == 2 and bits[1] & 0x80 != 0


def _authenticate(aarq: Aarq, policy: Policy) -> None:
    asked = AuthenticationMechanism.NONE if aarq.mechanism is None else mechanism_of(aarq.mechanism)
    if asked is not policy.mechanism:
        missing = aarq.mechanism is None
        raise Rejected(
            User.AUTHENTICATION_MECHANISM_NAME_REQUIRED
            if missing
            else User.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED
        )
    if policy.mechanism is AuthenticationMechanism.NONE:
        return
    given = aarq.authentication.characters if aarq.authentication else None
    if not hmac.compare_digest(given or b"", policy.secret):
        raise Rejected(User.AUTHENTICATION_FAILURE)


def _initiate(aarq: Aarq) -> InitiateRequest:
    try:
        inner = codec(APDU).parse(aarq.user_information or b"").value
    except MalformedError:
        inner = None
    if not isinstance(inner, InitiateRequest):
        raise Rejected(User.NO_REASON_GIVEN)
    return inner


def accepted(association: Association) -> Aare:
    """The AARE that grants an association."""
    vaa_name = SN_REFERENCING if association.short_names else LN_REFERENCING
    response = InitiateResponse(None, DLMS_VERSION, association.conformance, SERVER_PDU, vaa_name)
    return Aare(
        context=context_name(association.context),
        result=AssociationResult.ACCEPTED,
        diagnostic=Diagnostic(user=User.NULL),
        user_information=codec(APDU).build(Variant(ApduTag.INITIATE_RESPONSE, response)),
    )


def refused(rejected: Rejected) -> Aare:
    """The AARE that refuses one."""
    by_provider = isinstance(rejected.diagnostic, AcseServiceProviderDiagnostic)
    error = None
    if rejected.initiate is not None:
        inner = ConfirmedServiceError(_INITIATE, _INITIATE_CLASS, rejected.initiate)
        error = codec(APDU).build(Variant(ApduTag.CONFIRMED_SERVICE_ERROR, inner))
    return Aare(
        context=context_name(ApplicationContext.LOGICAL_NAMES),
        result=AssociationResult.REJECTED_PERMANENT,
        diagnostic=Diagnostic(provider=rejected.diagnostic) if by_provider else Diagnostic(user=rejected.diagnostic),
        user_information=error,
    )
