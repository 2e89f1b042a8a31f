"""Functions 19H to 1BH: clearing the demand, the meter, the events (DL/T 645-2007, 7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from meterwire.errors import SecurityError
from meterwire.meter_model.access import CLEARING, WRITING
from meterwire.meter_model.faces.dlt645.access import authorise, is_protected, unprotected
from meterwire.meter_model.faces.dlt645.answers import Served, no_data, other_error, unauthorised
from meterwire.meter_model.faces.dlt645.kinds import ALL_EVENTS, kinds_of
from meterwire.meter_model.parameters import Author
from meterwire.protocols.dlt645.frame import Function
from meterwire.protocols.dlt645.messages import ClearEvents, ClearRequest
from meterwire.protocols.wire.codec import codec

if TYPE_CHECKING:
    from meterwire.meter_model.faces.dlt645.face import Face645

_PLAIN: Final = 8
"""Octets of a request to clear without a MAC; one with protection carries the operator's eight digits again."""


class Clearing:
    """The clearing functions."""

    def __init__(self, face: Face645) -> None:
        self._meter = face.meter
        self.functions: Mapping[int, Callable[[bytes], Served]] = {
            Function.CLEAR_DEMAND: self._demand,
            Function.CLEAR_METER: self._all,
            Function.CLEAR_EVENTS: self._events,
        }

    def _demand(self, request: bytes) -> Served:
        asked = self._authorised(request, WRITING)
        self._meter.programming.note(Author(asked.operator, "demand"), "demand-cleared")
        self._meter.clear_demand()
        return Served(changed=True)

    def _all(self, request: bytes) -> Served:
        asked = self._authorised(request, CLEARING)
        self._meter.programming.note(Author(asked.operator, "meter"), "meter-cleared")
        self._meter.clear()
        return Served(changed=True)

    def _events(self, request: bytes) -> Served:
        asked = codec(ClearEvents).parse(request)
        authorise(self._meter, asked.password, CLEARING)
        kinds = None
        if asked.events != ALL_EVENTS:
            kinds = [kind for kind in kinds_of(asked.events) if kind in self._meter.events.kinds]
            if not kinds:
                raise no_data()
        self._meter.programming.note(Author(asked.operator, f"{asked.events:08X}"), "events-cleared")
        self._meter.clear_events(kinds)
        return Served(changed=True)

    def _authorised(self, request: bytes, needed: int) -> Any:
        asked = codec(ClearRequest).parse(request[:_PLAIN])
        rest = request[_PLAIN:]
        if is_protected(asked.password):
            try:
                unprotected(self._meter, asked.password, request[4:_PLAIN], rest)
            except SecurityError as error:
                raise unauthorised() from error
        elif rest:
            raise other_error()
        else:
            authorise(self._meter, asked.password, needed)
        return asked
