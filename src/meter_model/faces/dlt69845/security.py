"""SECURITY of the DL/T 698.45 face: protection is taken off a request, put on its answer, and what lacks it is refused.

Where a client has proven himself by cipher or signature, nothing but a protected request is served on his connection:
else whoever is on the line could ask in his name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from meterwire.errors import SecurityError
from meterwire.meter_model.access import Authority
from meterwire.meter_model.faces.dlt69845.context import Context
from meterwire.protocols.dlt69845.apdu import Apdu, Service
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.security import Shield, shield_of
from meterwire.protocols.dlt69845.services.connect import Mechanism
from meterwire.protocols.dlt69845.services.security import RefusedContent, SecurityRequest, SecurityResponse

SECURED: Final = (Mechanism.SYMMETRY, Mechanism.SIGNATURE)
_READ: Final = bytes([Service.GET_REQUEST])
"""What may be asked for with a random number alone, which does not prove who asks."""
_ALONE: Final = (Service.CONNECT_REQUEST, Service.SECURITY_REQUEST, Service.LINK_RESPONSE)
"""What is never inside a protected request."""


def lacks_protection(context: Context, user: bytes) -> bool:
    """Whether a request that is not protected must not be served on this connection."""
    return context.mechanism in SECURED and user[:1] != bytes([Service.CONNECT_REQUEST])


def refusal(dar: Dar) -> SecurityResponse:
    """Why nothing was done."""
    return SecurityResponse(RefusedContent(dar))


def unasked(context: Context, body: Any) -> bytes:
    """The APDU of what nobody has asked for, protected where the connection is."""
    apdu: bytes = context.codec(Apdu).build(Apdu.of(body))
    if context.mechanism not in SECURED:
        return apdu
    found: bytes = context.codec(Apdu).build(Apdu.of(context.element.volunteer(apdu)))
    return found


def protected(context: Context, user: bytes, answer: Callable[[Context, bytes], Any]) -> SecurityResponse | None:
    """The answer to a SECURITY request; None where the APDU inside wants none.

    Args:
        context: of the client.
        user: octets of the SECURITY APDU, which is well formed or raises MalformedError.
        answer: gives the body of the answer to the APDU inside.
    """
    request: SecurityRequest = context.codec(Apdu).parse(user).body
    try:
        shield = shield_of(request)
        apdu = context.element.unprotect(request, shield)
    except SecurityError:
        return refusal(Dar.SECURITY_AUTHENTICATION_FAILED)
    if not shield.vouches and apdu[:1] != _READ:
        return refusal(Dar.SECURITY_MISMATCH)
    if apdu[:1] and apdu[0] in _ALONE:
        return refusal(Dar.SECURITY_MISMATCH)
    body = _answer(context, apdu, shield, answer)
    if body is None:
        return None
    response: SecurityResponse = context.element.protect(context.codec(Apdu).build(Apdu.of(body)))
    if context.connected is None:
        context.element.close()
    return response


def _answer(context: Context, apdu: bytes, shield: Shield, answer: Callable[[Context, bytes], Any]) -> Any:
    """Served under the authority that this one request has proven."""
    before = context.authority
    vouched = shield.vouches and context.element.is_open
    context.authority = Authority.SECURED if vouched else Authority.PUBLIC
    try:
        return answer(context, apdu)
    finally:
        alone = context.connected is None or context.mechanism in SECURED
        context.authority = Authority.PUBLIC if alone else before


__all__ = ["lacks_protection", "protected", "refusal", "unasked"]
