"""Who may associate with the meter, and what is agreed: AARQ to AARE (DLMS UA 1000-2, 9.4.2 to 9.4.4)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec

from meterwire.errors import MalformedError, SecurityError
from meterwire.meter_model.faces.dlms.cosem_handshake import (
    Guard,
    Pending,
    challenge_of,
    ciphering,
    keys_of,
    pending,
    titled,
)
from meterwire.protocols.dlms.acse import (
    AUTHENTICATION_REQUIRED,
    Aare,
    Aarq,
    ApplicationContext,
    AuthenticationMechanism,
    AuthenticationValue,
    Diagnostic,
    Rlre,
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
    ReleaseResponseReason,
)
from meterwire.protocols.dlms.security.ciphering import Ciphering
from meterwire.protocols.dlms.security.gcm import AUTHENTICATED, ENCRYPTED
from meterwire.protocols.dlms.security.mechanisms import HIGH
from meterwire.protocols.dlms.security.protection import PLAIN, Protection
from meterwire.protocols.dlms.security.settings import TITLED
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
LEAST_CIPHERED_PDU: Final = 128
"""The same with ciphering, whose titles, tag and key need room."""
_CONFORMANCE: Final = {
    ApplicationContext.LOGICAL_NAMES: SERVER_CONFORMANCE,
    ApplicationContext.SHORT_NAMES: SHORT_NAME_CONFORMANCE,
    ApplicationContext.LOGICAL_NAMES_CIPHERED: SERVER_CONFORMANCE,
    ApplicationContext.SHORT_NAMES_CIPHERED: SHORT_NAME_CONFORMANCE,
}
_CIPHERED: Final = frozenset({ApplicationContext.LOGICAL_NAMES_CIPHERED, ApplicationContext.SHORT_NAMES_CIPHERED})
_SHORT_NAMES: Final = frozenset({ApplicationContext.SHORT_NAMES, ApplicationContext.SHORT_NAMES_CIPHERED})
_ASSOCIATED: Final = 2
_INITIATE: Final = 1
_INITIATE_CLASS: Final = 6

User = AcseServiceUserDiagnostic


class Policy(msgspec.Struct, frozen=True):
    """How one client may associate.

    Attributes:
        mechanism: of authentication.
        secret: password, or shared secret of mechanisms 2, 3, 4 and 6.
        requires: the least protection of its APDUs: AUTHENTICATED, ENCRYPTED; 0 lets it do without ciphering, too.
    """

    mechanism: AuthenticationMechanism
    secret: bytes = b""
    requires: int = 0


MECHANISMS: Final = {
    1: AuthenticationMechanism.HIGH_GMAC,
    16: AuthenticationMechanism.NONE,
    17: AuthenticationMechanism.LOW,
    18: AuthenticationMechanism.HIGH,
    19: AuthenticationMechanism.HIGH_MD5,
    20: AuthenticationMechanism.HIGH_SHA1,
    22: AuthenticationMechanism.HIGH_SHA256,
    23: AuthenticationMechanism.HIGH_ECDSA,
}
"""The clients of every emulated meter."""
_OF_KEYS: Final = frozenset({AuthenticationMechanism.HIGH_GMAC, AuthenticationMechanism.HIGH_ECDSA})


def policies(secrets: Mapping[int, str]) -> dict[int, Policy]:
    """How each client may associate; a client that needs a secret and has none cannot."""
    return {
        client: Policy(
            mechanism,
            secrets.get(client, "").encode(),
            AUTHENTICATED | ENCRYPTED if mechanism in _OF_KEYS else 0,
        )
        for client, mechanism in MECHANISMS.items()
        if mechanism is AuthenticationMechanism.NONE or mechanism in _OF_KEYS or client in secrets
    }


class Association(msgspec.Struct, frozen=True):
    """What was agreed with one client."""

    client: int
    server: int
    mechanism: AuthenticationMechanism
    conformance: Conformance
    max_pdu: int
    """Longest APDU the client takes, octets, with its protection."""
    context: ApplicationContext = ApplicationContext.LOGICAL_NAMES
    protection: Protection = PLAIN
    pending: Pending | None = None
    """What the client must still prove before anything is served."""
    secured: Aare | None = None
    """Parts of the AARE that come of the security: title, mechanism, challenge."""

    @property
    def short_names(self) -> bool:
        """Whether objects are addressed by short names."""
        return self.context in _SHORT_NAMES

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


def associate(
    aarq: Aarq, client: int, server: int, allowed: Mapping[int, Policy], guard: Guard | None = None
) -> Association:
    """What is agreed with a client; raises `Rejected`. Without a guard there is no ciphering and no challenge."""
    if aarq.protocol_version is not None and not _version_1(aarq.protocol_version):
        raise Rejected(AcseServiceProviderDiagnostic.NO_COMMON_ACSE_VERSION)
    context = context_of(aarq.context)
    if context is None or context not in _CONFORMANCE or (guard is None and context in _CIPHERED):
        raise Rejected(User.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED)
    policy = allowed.get(client)
    if policy is None or (guard is None and policy.mechanism in HIGH):
        raise Rejected(User.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED)
    _check_mechanism(aarq, policy)
    needed = policy.requires
    if guard is not None and policy.mechanism is not AuthenticationMechanism.NONE:
        needed |= guard.security.required
    if needed and context not in _CIPHERED:
        raise Rejected(User.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED)
    _authenticate(aarq, policy, client, guard)
    association, request = _secured(aarq, client, server, policy, context, guard)
    if request.dlms_version < DLMS_VERSION:
        raise Rejected(User.NO_REASON_GIVEN, InitiateError.DLMS_VERSION_TOO_LOW)
    agreed = common(request.conformance, _CONFORMANCE[context])
    if not (agreed.get or agreed.read):
        raise Rejected(User.NO_REASON_GIVEN, InitiateError.INCOMPATIBLE_CONFORMANCE)
    if 0 < request.max_pdu < (LEAST_CIPHERED_PDU if context in _CIPHERED else LEAST_PDU):
        raise Rejected(User.NO_REASON_GIVEN, InitiateError.PDU_SIZE_TOO_SHORT)
    return msgspec.structs.replace(association, conformance=agreed, max_pdu=request.max_pdu or LARGEST_PDU)


def _secured(
    aarq: Aarq, client: int, server: int, policy: Policy, context: ApplicationContext, guard: Guard | None
) -> tuple[Association, InitiateRequest]:
    """The association with its protection and what is still to be proved, and the initiate request."""
    blank = Association(client, server, policy.mechanism, Conformance(), 0, context)
    if guard is None:
        return blank, _initiate(aarq.user_information)
    if aarq.called_title and aarq.called_title != guard.title:
        raise Rejected(User.CALLED_AP_TITLE_NOT_RECOGNISED)
    ciphered, mechanism = context in _CIPHERED, policy.mechanism
    if not titled(guard, client, mechanism, aarq, ciphered=ciphered):
        raise Rejected(User.CALLING_AP_TITLE_NOT_RECOGNISED)
    title = aarq.calling_title or b""
    try:
        protection: Protection = PLAIN
        keys = keys_of(guard, client, mechanism, aarq)
        if ciphered:
            made, received = ciphering(guard, keys, title, policy.requires)
            request = _initiate(made.unprotect_initiate(aarq.user_information or b""))
            guard.security.keep(title, received)
            if request.dedicated_key is not None:
                made.dedicate(request.dedicated_key)
            protection = made
        else:
            request = _initiate(aarq.user_information)
        waiting = pending(guard, client, mechanism, policy.secret, aarq, keys)
    except SecurityError:
        raise Rejected(User.AUTHENTICATION_FAILURE) from None
    told = Aare(
        responding_title=guard.title if ciphered or mechanism in TITLED else None,
        responding_qualifier=_certificate(guard) if mechanism is AuthenticationMechanism.HIGH_ECDSA else None,
        mechanism=mechanism_name(mechanism) if waiting else None,
        responder_requirements=AUTHENTICATION_REQUIRED if waiting else None,
        authentication=AuthenticationValue(characters=waiting.challenge) if waiting else None,
    )
    return msgspec.structs.replace(blank, protection=protection, pending=waiting, secured=told), request


def _certificate(guard: Guard) -> bytes | None:
    return guard.security.own_certificate(guard.title) or None


def _version_1(bits: bytes) -> bool:
    """Bit string: unused bits, then the versions; the first bit is version 1."""
    return len(bits) == 2 and bits[1] & 0x80 != 0


def _check_mechanism(aarq: Aarq, policy: Policy) -> None:
    asked = AuthenticationMechanism.NONE if aarq.mechanism is None else mechanism_of(aarq.mechanism)
    if asked is not policy.mechanism:
        missing = aarq.mechanism is None
        raise Rejected(
            User.AUTHENTICATION_MECHANISM_NAME_REQUIRED
            if missing
            else User.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED
        )


def _authenticate(aarq: Aarq, policy: Policy, client: int, guard: Guard | None) -> None:
    if policy.mechanism is AuthenticationMechanism.NONE:
        return
    if guard is not None and guard.security.locked(client):
        raise Rejected(User.AUTHENTICATION_FAILURE)
    if policy.mechanism is AuthenticationMechanism.LOW:
        _check_password(challenge_of(aarq), policy, client, guard)


def _check_password(given: bytes, policy: Policy, client: int, guard: Guard | None) -> None:
    right = hmac.compare_digest(given, policy.secret)
    if guard is not None:
        (guard.security.proved if right else guard.security.failed)(client)
    if not right:
        raise Rejected(User.AUTHENTICATION_FAILURE)


def _initiate(octets: bytes | None) -> InitiateRequest:
    try:
        inner = codec(APDU).parse(octets or b"").value
    except MalformedError:
        inner = None
    if not isinstance(inner, InitiateRequest):
        raise Rejected(User.NO_REASON_GIVEN)
    return inner


def accepted(association: Association) -> Aare:
    """The AARE that grants an association, or with high-level security grants it as soon as the client has proved."""
    vaa_name = SN_REFERENCING if association.short_names else LN_REFERENCING
    response = InitiateResponse(None, DLMS_VERSION, association.conformance, SERVER_PDU, vaa_name)
    octets = codec(APDU).build(Variant(ApduTag.INITIATE_RESPONSE, response))
    if isinstance(association.protection, Ciphering):
        octets = association.protection.protect_initiate(octets)
    aare: Aare = msgspec.structs.replace(
        cast("Any", association.secured or Aare()),
        context=context_name(association.context),
        result=AssociationResult.ACCEPTED,
        diagnostic=Diagnostic(user=User.AUTHENTICATION_REQUIRED if association.pending else User.NULL),
        user_information=octets,
    )
    return aare


def released(association: Association, information: bytes | None) -> Rlre | None:
    """The RLRE that ends an association; None if the request is protected less than the association."""
    protection = association.protection
    if not isinstance(protection, Ciphering):
        return Rlre(reason=ReleaseResponseReason.NORMAL)
    try:
        protection.unprotect_initiate(information or b"")
    except SecurityError:
        return None
    response = InitiateResponse(None, DLMS_VERSION, association.conformance, SERVER_PDU, LN_REFERENCING)
    octets = protection.protect_initiate(codec(APDU).build(Variant(ApduTag.INITIATE_RESPONSE, response)))
    return Rlre(reason=ReleaseResponseReason.NORMAL, user_information=octets)


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
