"""The answer to a request that the server cannot even begin to serve (DLMS UA 1000-2, 9.4.2.5 and 9.5)."""

from meterwire.protocols.dlms.enums import ServiceError, StateError
from meterwire.protocols.wire.declare import field, message
from meterwire.protocols.wire.nodes import NOTHING, U8, U32, Choice, Enum, Variant


@message(cite="DLMS UA 1000-2, 9.5, ExceptionResponse")
class ExceptionResponse:
    """The request was not served. With error 6 the invocation counter that the server expects stands behind it."""

    state_error: int = field(Enum(U8, StateError), "state error")
    service_error: Variant = field(
        Choice(Enum(U8, ServiceError), {6: U32}, into=Variant, default=NOTHING), "service error"
    )
