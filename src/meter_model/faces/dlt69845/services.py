"""From an APDU of a client to the body of the answer: one table of handlers, and refusals for what no row handles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from meterwire.errors import MalformedError
from meterwire.meter_model.faces.dlt69845 import action as dlt69845_action
from meterwire.meter_model.faces.dlt69845 import association as dlt69845_association
from meterwire.meter_model.faces.dlt69845 import get as dlt69845_get
from meterwire.meter_model.faces.dlt69845 import proxy as dlt69845_proxy
from meterwire.meter_model.faces.dlt69845 import record_services as dlt69845_record_services
from meterwire.meter_model.faces.dlt69845 import set as dlt69845_set
from meterwire.meter_model.faces.dlt69845.context import Context, Handler
from meterwire.meter_model.faces.dlt69845.security import lacks_protection, protected, refusal
from meterwire.meter_model.faces.dlt69845.time_tag import expired, late
from meterwire.protocols.dlt69845.apdu import Apdu, Service
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.services.common import PiidAcd
from meterwire.protocols.dlt69845.services.connect import ErrorKind, ServerErrorResponse

SERVICES: Final[Mapping[type, Handler]] = {
    **dlt69845_association.SERVICES,
    **dlt69845_get.SERVICES,
    **dlt69845_record_services.SERVICES,
    **dlt69845_set.SERVICES,
    **dlt69845_action.SERVICES,
    **dlt69845_proxy.SERVICES,
}
"""Who answers a request; of a service that has several requests the one inside is looked up."""

_UNANSWERED: Final = frozenset({Service.LINK_RESPONSE, Service.REPORT_RESPONSE, Service.CLIENT_ERROR_RESPONSE})
"""What answers the server, so that an answer to it would never end."""


_PROTECTED: Final = bytes([Service.SECURITY_REQUEST])


def respond(context: Context, user: bytes) -> bytes | None:
    """The APDU that answers an APDU, None for none."""
    body = _body(context, user)
    return None if body is None else context.answers.build(Apdu.of(body))


def _body(context: Context, user: bytes) -> Any:
    if user.startswith(_PROTECTED):
        try:
            return protected(context, user, answer)
        except MalformedError:
            return ServerErrorResponse(piid_in(user), ErrorKind.UNPARSEABLE)
    if lacks_protection(context, user):
        return None if user[:1] and user[0] in _UNANSWERED else refusal(Dar.SECURITY_MISMATCH)
    return answer(context, user)


def answer(context: Context, user: bytes) -> Any:
    """The body of the answer to an APDU that is not protected, or whose protection has been taken off."""
    if user[:1] and user[0] in _UNANSWERED:
        if user[0] == Service.REPORT_RESPONSE and context.reporter is not None:
            context.reporter.received(user)
        return None
    if context.reporter is not None:
        context.reporter.asked(user)
    try:
        body = context.requests.parse(user).body
    except MalformedError:
        return ServerErrorResponse(piid_in(user), ErrorKind.UNPARSEABLE)
    asked = getattr(body, "request", body)
    if expired(context, body):
        return late(body, piid_in(user))
    serve = SERVICES.get(type(asked))
    if serve is None:
        return ServerErrorResponse(piid_in(user), ErrorKind.UNSUPPORTED)
    found = serve(context, asked)
    return found if context.reporter is None else context.reporter.dressed(found)


def piid_in(user: bytes) -> PiidAcd:
    """The PIID of an APDU that cannot be read: behind the service, and behind its choice where it has one."""
    place = 1 if user[:1] in (b"\x02", b"\x03") else 2
    octet = user[place] if len(user) > place else 0
    return PiidAcd(priority=octet >> 7, access=0, number=octet & 0x3F)


__all__ = ["SERVICES", "Context", "Handler", "answer", "piid_in", "respond"]
