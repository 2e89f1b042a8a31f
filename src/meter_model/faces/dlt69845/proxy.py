"""PROXY of a concentrator: it reads, writes and runs on the meters behind it, or passes octets through a port.

A meter that is not in the archive, whose port is not there, that speaks nothing known or does not answer in time has
the DAR for each thing that was asked of it. The answer leaves when the meters would have been asked: `Context.delay`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from meterwire.errors import MalformedError, MeterwireError, NoAnswer, OutcomeUnknown, Refused
from meterwire.meter_model.concentrator.concentrator import Concentrator
from meterwire.meter_model.concentrator.driver_dlt69845 import digits_of
from meterwire.meter_model.concentrator.ports import Job
from meterwire.meter_model.faces.dlt69845.context import Context, Handler, echo
from meterwire.meter_model.faces.dlt69845.rights import authorise, refuse_without_power
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.protocols.dlt645.frame import Frame as Frame645
from meterwire.protocols.dlt69845.acquisition import Archived
from meterwire.protocols.dlt69845.apdu import Service
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.link import EDITION, Link
from meterwire.protocols.dlt69845.services import proxied, proxy
from meterwire.protocols.dlt69845.services.action import ActionResult, ActionThenGetResult
from meterwire.protocols.dlt69845.services.common import ResultNormal, ResultRecord
from meterwire.protocols.dlt69845.services.connect import ErrorKind, ServerErrorResponse
from meterwire.protocols.dlt69845.services.set import SetResult, SetThenGetResult
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

_NO_TIME_SAID: Final = 0
_MOST_SERVERS: Final = 255


class _Many(msgspec.Struct, frozen=True):
    """One of the services that ask several meters for several things each.

    Attributes:
        method: of the driver.
        things: what is asked of one meter.
        refused: the result of a thing that was not done.
        one, all: make the answers.
        changes: whether it changes meters, so that the client must have proven who he is.
    """

    method: str
    things: Callable[[Any], Sequence[Any]]
    refused: Callable[[Any, Dar], Any]
    one: Callable[[bytes, Any], Any]
    all: Callable[[Any, Any], Any]
    changes: bool = True


def _not_read(oad: Oad, dar: Dar) -> ResultNormal:
    return ResultNormal(oad, Variant(0, dar))


_MANY: Final[Mapping[type, _Many]] = {
    proxy.ProxyGetRequestList: _Many(
        "attributes",
        lambda one: one.oads,
        _not_read,
        proxied.ProxiedGet,
        proxied.ProxyGetResponseList,
        changes=False,
    ),
    proxy.ProxySetRequestList: _Many(
        "set",
        lambda one: one.items,
        lambda item, dar: SetResult(item.oad, dar),
        proxied.ProxiedSet,
        proxied.ProxySetResponseList,
    ),
    proxy.ProxySetThenGetRequestList: _Many(
        "set_then_get",
        lambda one: one.items,
        lambda item, dar: SetThenGetResult(SetResult(item.item.oad, dar), _not_read(item.get, dar)),
        proxied.ProxiedSetThenGet,
        proxied.ProxySetThenGetResponseList,
    ),
    proxy.ProxyActionRequestList: _Many(
        "act",
        lambda one: one.items,
        lambda item, dar: ActionResult(item.omd, dar),
        proxied.ProxiedAction,
        proxied.ProxyActionResponseList,
    ),
    proxy.ProxyActionThenGetRequestList: _Many(
        "act_then_get",
        lambda one: one.items,
        lambda item, dar: ActionThenGetResult(ActionResult(item.item.omd, dar), _not_read(item.get, dar)),
        proxied.ProxiedActionThenGet,
        proxied.ProxyActionThenGetResponseList,
    ),
}


class _Clock:
    """How much of the time that all meters are given is left."""

    def __init__(self, timeout: int) -> None:
        self.left = float(timeout) if timeout != _NO_TIME_SAID else float("inf")
        self.spent = 0.0

    def spend(self, seconds: float) -> bool:
        """Whether that was in time."""
        self.spent += seconds
        self.left -= seconds
        return self.left >= 0


def _several(context: Context, request: Any) -> Any:
    own = _own(context)
    if own is None:
        return _unsupported(request)
    service, clock = _MANY[type(request)], _Clock(request.timeout)
    denied = _may(context) if service.changes else None
    answers, room = [], context.apdu_size - _COST
    for server in request.servers[:_MOST_SERVERS]:
        things = service.things(server)
        found = denied or _of_one(own, service, server.server, server.timeout, things, clock)
        one = _answer(service, server, found)
        octets = len(context.codec(type(one)).build(one))
        if octets > room:  # there is no next block of a PROXY
            one = _answer(service, server, Dar.DATA_BLOCK_UNAVAILABLE)
            octets = len(context.codec(type(one)).build(one))
        room -= octets
        answers.append(one)
    context.delay = clock.spent
    return proxied.ProxyResponse(service.all(echo(request.piid), tuple(answers)))


def _answer(service: _Many, server: Any, found: Any) -> Any:
    """What one meter gave, or why it gave nothing of what was asked."""
    things = service.things(server)
    results = tuple(service.refused(thing, found) for thing in things) if isinstance(found, Dar) else found
    return service.one(server.server, results)


def _of_one(own: Concentrator, service: _Many, address: bytes, timeout: int, things: Any, clock: _Clock) -> Any:
    """The results of one meter, or the DAR for all that is asked of it."""
    return _run(
        own,
        address,
        timeout,
        clock,
        lambda driver, meter, patience: getattr(driver, service.method)(meter, things, patience),
    )


def _run(
    own: Concentrator, address: bytes, timeout: int, clock: _Clock, say: Callable[[Any, Archived, Any], Any]
) -> Any:
    meter = own.archive.at(address)
    driver, port = (own.driver(meter), own.port(meter)) if meter is not None else (None, None)
    if meter is None or driver is None or port is None:
        return Dar.OBJECT_UNAVAILABLE
    if clock.left <= 0:
        return Dar.REQUEST_TIMEOUT
    patience = (
        port.patience
        if timeout == _NO_TIME_SAID
        else msgspec.structs.replace(port.patience, tries=1, timeout=float(timeout))
    )
    job = Job(digits_of(meter.basic.address), meter.basic.protocol, say(driver, meter, patience))
    (outcome,) = port.run([job])
    in_time = clock.spend(outcome.seconds)
    if isinstance(outcome.value, MeterwireError):
        return _dar_of(outcome.value)
    return outcome.value if in_time else Dar.REQUEST_TIMEOUT


def _dar_of(error: MeterwireError) -> Dar:
    """Why a meter gave nothing."""
    if isinstance(error, Refused) and isinstance(error.code, Dar):
        return error.code
    return Dar.REQUEST_TIMEOUT if isinstance(error, NoAnswer | OutcomeUnknown) else Dar.OTHER


def _record(context: Context, request: proxy.ProxyGetRequestRecord) -> Any:
    """PROXY 2: rows of a record table."""
    own = _own(context)
    if own is None:
        return _unsupported(request)
    clock, asked = _Clock(request.timeout), request.record
    found = _run(
        own, request.server, _NO_TIME_SAID, clock, lambda driver, meter, patience: driver.record(meter, asked, patience)
    )
    context.delay = clock.spent
    record = _refused_record(asked, found) if isinstance(found, Dar) else found
    if len(context.codec(ResultRecord).build(record)) > context.apdu_size - _COST:
        record = _refused_record(asked, Dar.DATA_BLOCK_UNAVAILABLE)
    return proxied.ProxyResponse(proxied.ProxyGetResponseRecord(echo(request.piid), request.server, record))


_COST: Final = 64
"""Octets of the answer beside the record, at most."""


def _refused_record(asked: Any, dar: Dar) -> ResultRecord:
    return ResultRecord(asked.oad, len(asked.columns), asked.columns, Variant(0, dar))


def _transparent(context: Context, request: proxy.ProxyTransparent) -> Any:
    """PROXY 7: octets through a port; what they do nobody knows, so that the client must have proven who he is."""
    own = _own(context)
    if own is None:
        return _unsupported(request)
    result, port = Variant(0, Dar.OBJECT_UNAVAILABLE), own.port_at(request.port)
    denied = _may(context) if not _only_reads(request.octets) else None
    if denied is not None:
        result = Variant(0, denied)
    elif port is not None:
        heard, context.delay = port.pass_on(request.octets, float(request.timeout))
        result = Variant(1, heard) if heard else Variant(0, Dar.REQUEST_TIMEOUT)
    return proxied.ProxyResponse(proxied.ProxyTransparentResponse(echo(request.piid), request.port, result))


def _only_reads(octets: bytes) -> bool:
    """Whether octets are a frame that changes nothing: a read of DL/T 645, of either edition, or a plain GET."""
    frame = octets.lstrip(b"\xfe")
    try:
        return codec(Frame645).parse(frame).control.function in _READS
    except MalformedError:
        pass
    try:
        return codec(Link, EDITION).parse(frame).user[:1] == bytes([Service.GET_REQUEST])
    except MalformedError:
        return False


_READS: Final = frozenset({0x01, 0x02, 0x11, 0x12, 0x13})


def _inner(context: Context, request: proxy.ProxyInner) -> Any:
    """PROXY 8 (2021): a concentrator has no logical devices of its own."""
    if _own(context) is None:
        return _unsupported(request)
    results = tuple(
        proxied.InnerResult(command.device, Variant(0, Dar.OBJECT_UNDEFINED)) for command in request.commands
    )
    return proxied.ProxyResponse(proxied.ProxyInnerResponse(echo(request.piid), results))


def _own(context: Context) -> Concentrator | None:
    found: Concentrator | None = getattr(context.meter, "concentrator", None)
    return found


def _may(context: Context) -> Dar | None:
    try:
        refuse_without_power(context)
        authorise(context)
    except Denied as denied:
        return denied.dar
    return None


def _unsupported(request: Any) -> ServerErrorResponse:
    return ServerErrorResponse(echo(request.piid), ErrorKind.UNSUPPORTED)


SERVICES: Final[Mapping[type, Handler]] = {
    **dict.fromkeys(_MANY, _several),
    proxy.ProxyGetRequestRecord: _record,
    proxy.ProxyTransparent: _transparent,
    proxy.ProxyInner: _inner,
}
