"""What a client proposes in an AARQ, and what it makes of the AARE (DLMS UA 1000-2, 9.4.2 to 9.4.4)."""

from __future__ import annotations

from typing import Final

import msgspec

from meterwire.errors import MeterwireError, Refused, RemoteProtocolError, SecurityError
from meterwire.protocols.dlms.acse import (
    AUTHENTICATION_REQUIRED,
    Aare,
    Aarq,
    ApplicationContext,
    AuthenticationMechanism,
    AuthenticationValue,
    context_name,
    context_of,
    mechanism_name,
    mechanism_of,
)
from meterwire.protocols.dlms.apdu import APDU, ApduTag
from meterwire.protocols.dlms.enums import AssociationResult
from meterwire.protocols.dlms.security.protection import PLAIN, Protection
from meterwire.protocols.dlms.service_errors import INITIATE, error_name
from meterwire.protocols.dlms.xdlms.initiate import (
    DLMS_VERSION,
    ConfirmedServiceError,
    Conformance,
    InitiateRequest,
    InitiateResponse,
    common,
)
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

CLIENT_CONFORMANCE: Final = Conformance(
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
"""What this client can do with logical names."""
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
"""What this client can do with short names."""
_SHORT_NAMES: Final = frozenset({ApplicationContext.SHORT_NAMES, ApplicationContext.SHORT_NAMES_CIPHERED})


class Association(msgspec.Struct, frozen=True):
    """What both sides agreed on."""

    conformance: Conformance
    max_pdu: int
    mechanism: AuthenticationMechanism
    context: ApplicationContext = ApplicationContext.LOGICAL_NAMES
    protection: Protection = PLAIN

    @property
    def short_names(self) -> bool:
        """Whether objects are addressed by short names."""
        return self.context in _SHORT_NAMES


def offered(context: ApplicationContext) -> Conformance:
    """What this client can do in a context."""
    return SHORT_NAME_CONFORMANCE if context in _SHORT_NAMES else CLIENT_CONFORMANCE


def request(
    mechanism: AuthenticationMechanism,
    secret: bytes,
    max_pdu: int,
    context: ApplicationContext = ApplicationContext.LOGICAL_NAMES,
    conformance: Conformance | None = None,
) -> bytes:
    """The AARQ without ciphering."""
    initiate = InitiateRequest(None, None, None, DLMS_VERSION, conformance or offered(context), max_pdu)
    secured = mechanism is not AuthenticationMechanism.NONE
    aarq = Aarq(
        context=context_name(context),
        sender_requirements=AUTHENTICATION_REQUIRED if secured else None,
        mechanism=mechanism_name(mechanism) if secured else None,
        authentication=AuthenticationValue(characters=secret) if secured else None,
        user_information=codec(APDU).build(Variant(ApduTag.INITIATE_REQUEST, initiate)),
    )
    return codec(APDU).build(Variant(ApduTag.AARQ, aarq))


def agreed(
    aare: Aare,
    mechanism: AuthenticationMechanism,
    context: ApplicationContext = ApplicationContext.LOGICAL_NAMES,
    conformance: Conformance | None = None,
) -> Association:
    """What an AARE grants.

    Raises:
        Refused: the server does not associate; the code is its diagnostic.
        SecurityError: it answers with another context or mechanism than was asked for.
        RemoteProtocolError: the AARE does not say what it must.
    """
    if aare.result != AssociationResult.ACCEPTED:
        raise refusal(aare)
    if context_of(aare.context) is not context:
        raise SecurityError("the meter answers with another application context than was asked for")
    if aare.mechanism is not None and mechanism_of(aare.mechanism) is not mechanism:
        raise SecurityError("the meter answers with another authentication mechanism than was asked for")
    granted = initiated(aare)
    if isinstance(granted, ConfirmedServiceError):
        raise _initiate_refused(granted)
    if granted.dlms_version < DLMS_VERSION:
        raise RemoteProtocolError(f"the meter speaks DLMS version {granted.dlms_version}, not {DLMS_VERSION}")
    found = common(granted.conformance, conformance or offered(context))
    return Association(found, granted.max_pdu, mechanism, context)


def initiated(aare: Aare) -> InitiateResponse | ConfirmedServiceError:
    """The initiate APDU inside the user information; raises RemoteProtocolError when there is none."""
    inner = codec(APDU).parse(aare.user_information or b"")
    if not isinstance(inner.value, (InitiateResponse, ConfirmedServiceError)):
        raise RemoteProtocolError("the AARE holds no initiate response")
    return inner.value


def refusal(aare: Aare) -> MeterwireError:
    """Why an AARE refuses, as an error with its diagnostic in words."""
    if aare.result is None:
        return RemoteProtocolError("the AARE has no result")
    diagnostic = aare.diagnostic
    code = None if diagnostic is None else diagnostic.user if diagnostic.user is not None else diagnostic.provider
    said = "" if code is None else getattr(code, "name", str(code)).lower().replace("_", " ")
    try:
        inner = initiated(aare) if aare.user_information else None
    except RemoteProtocolError:
        inner = None
    if isinstance(inner, ConfirmedServiceError):
        said += f" ({error_name(INITIATE, inner.error)})"
    return Refused(code if code is not None else aare.result, f"association rejected: {said or 'no reason given'}")


def _initiate_refused(error: ConfirmedServiceError) -> Refused:
    return Refused(error.error, f"initiate failed: {error_name(INITIATE, error.error)}")
