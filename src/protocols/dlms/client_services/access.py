"""ACCESS: gets, sets and actions in one request (DLMS UA 1000-2, 9.3.9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from meterwire.errors import LocalProtocolError, MeterwireError, Refused, SequenceError
from meterwire.protocols.dialogue import IGNORED, Steps
from meterwire.protocols.dlms.apdu import ApduTag
from meterwire.protocols.dlms.client_services.common import descriptor, method
from meterwire.protocols.dlms.data import NULL
from meterwire.protocols.dlms.items import Target
from meterwire.protocols.dlms.xdlms import access
from meterwire.protocols.dlms.xdlms.common import SelectiveAccess
from meterwire.protocols.dlms.xdlms.notify import LongInvoke
from meterwire.protocols.wire.nodes import Variant

if TYPE_CHECKING:
    from meterwire.protocols.dlms.session import Session

_SUCCESS: Final = 0


class Read(msgspec.Struct, frozen=True):
    """An attribute to be read, or a part of it."""

    target: Target
    selection: SelectiveAccess | None = None


class Write(msgspec.Struct, frozen=True):
    """An attribute to be set."""

    target: Target
    value: Variant
    selection: SelectiveAccess | None = None


class Invoke(msgspec.Struct, frozen=True):
    """A method to be invoked."""

    target: Target
    parameters: Variant = NULL


Order = Read | Write | Invoke


def ask(session: Session, orders: Sequence[Order], *, break_on_error: bool = False) -> Steps[list[Any]]:
    """Do several things in one request; the Data of each, or why not, in order.

    Args:
        session: with the association.
        orders: what is to be done.
        break_on_error: nothing that stands behind the first that fails is done.

    Raises:
        LocalProtocolError: the meter did not agree to ACCESS.
        OutcomeUnknown: the answer was lost, and not all of it was reading.
    """
    if not session.agreed_on("access"):
        raise LocalProtocolError("the meter knows no ACCESS")
    reads = all(isinstance(order, Read) for order in orders)
    invoke = LongInvoke(service_class=1, processing=int(break_on_error), number=session.next_long_invoke())
    request = access.AccessRequest(invoke, b"", tuple(map(_specification, orders)), tuple(map(_value, orders)))

    def accept(apdu: Variant) -> Any:
        answer = apdu.value
        return (
            answer if isinstance(answer, access.AccessResponse) and answer.invoke.number == invoke.number else IGNORED
        )

    asked = Variant(ApduTag.ACCESS_REQUEST, request)
    answer = yield from session.exchange(asked, accept, repeatable=reads)
    if not len(orders) == len(answer.values) == len(answer.results):
        raise SequenceError(f"{len(answer.results)} results came for {len(orders)} orders")
    pairs = zip(answer.values, answer.results, strict=True)
    return [value if result.value == _SUCCESS else Refused(result.value) for value, result in pairs]


def _specification(order: Order) -> access.AccessSpecification:
    if isinstance(order, Invoke):
        return access.AccessAction(method(order.target))
    if isinstance(order, Read):
        if order.selection is None:
            return access.AccessGet(descriptor(order.target))
        return access.AccessSelectedGet(descriptor(order.target), order.selection)
    if order.selection is None:
        return access.AccessSet(descriptor(order.target))
    return access.AccessSelectedSet(descriptor(order.target), order.selection)


def _value(order: Order) -> Variant:
    if isinstance(order, Write):
        return order.value
    return order.parameters if isinstance(order, Invoke) else NULL


Done = Variant | MeterwireError
