"""Changing: SET, ACTION, ACCESS and WRITE; nothing of it is ever sent twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from meterwire.errors import LocalProtocolError, MeterwireError, Refused
from meterwire.protocols.dialogue import Steps, procedure
from meterwire.protocols.dlms.client_reading import L, ReadingProcedures, data_of
from meterwire.protocols.dlms.client_services import access, action, short_names
from meterwire.protocols.dlms.client_services import set as set_
from meterwire.protocols.dlms.client_services.access import Order
from meterwire.protocols.dlms.client_services.get import get
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.dlms.interpret import SCALED, SCALER_ATTRIBUTE, scaler_unit, shift_between
from meterwire.protocols.dlms.items import Target, item, method_item
from meterwire.protocols.dlms.typed import data_like, parameter_of
from meterwire.protocols.dlms.xdlms.common import SelectiveAccess
from meterwire.protocols.wire.nodes import Variant


class ChangingProcedures(ReadingProcedures[L]):
    """What changes the meter. A lost answer ends as `OutcomeUnknown`: read back before trying again."""

    @procedure
    def set(
        self, class_id: int, instance: bytes, attribute: int, value: Variant, selection: SelectiveAccess | None = None
    ) -> Steps[None]:
        """Set one attribute to Data, in blocks where they are long.

        Raises:
            Refused: the code is a `DataAccessResult`, or a service error.
            OutcomeUnknown: the answer was lost.
        """
        yield from self._session.ready()
        yield from set_.set_one(self._session, Target(class_id, instance, attribute), value, selection)

    @procedure
    def set_many(self, items: Sequence[tuple[Target, Variant]]) -> Steps[list[DataAccessResult | int]]:
        """Set several attributes in one request (SET with list); what came of each.

        Raises:
            LocalProtocolError: the meter did not agree to lists.
            OutcomeUnknown: the answer was lost.
        """
        yield from self._session.ready()
        return (yield from set_.set_list(self._session, items))

    @procedure
    def act(self, class_id: int, instance: bytes, method: int, parameters: Variant | None = None) -> Steps[Any]:
        """Invoke a method; gives the Data that it returns, None for none.

        Raises:
            Refused: the code is an `ActionResult`, or a service error.
            OutcomeUnknown: the answer was lost.
        """
        yield from self._session.ready()
        return (yield from action.act(self._session, Target(class_id, instance, method), parameters))

    @procedure
    def act_many(self, items: Sequence[tuple[Target, Variant]]) -> Steps[list[Variant | MeterwireError | None]]:
        """Invoke several methods in one request (ACTION with list); what each returned, or why it failed.

        Raises:
            LocalProtocolError: the meter did not agree to lists.
            OutcomeUnknown: the answer was lost.
        """
        yield from self._session.ready()
        return (yield from action.act_list(self._session, items))

    @procedure
    def access(self, orders: Sequence[Order], *, break_on_error: bool = False) -> Steps[list[Any]]:
        """Gets, sets and actions in one request (ACCESS); the Data of each, or the error.

        Raises:
            LocalProtocolError: the meter did not agree to ACCESS.
            OutcomeUnknown: the answer was lost, and something was to be changed.
        """
        yield from self._session.ready()
        return (yield from access.ask(self._session, orders, break_on_error=break_on_error))

    @procedure
    def write_unconfirmed(self, class_id: int, instance: bytes, attribute: int, value: Variant) -> Steps[None]:
        """Set an attribute without an answer (UNCONFIRMED WRITE, short names); whether it was set nobody says.

        Raises:
            LocalProtocolError: the association is one with logical names.
        """
        made = yield from self._session.ready()
        if not made.short_names or not self._session.agreed_on("unconfirmed_write"):
            raise LocalProtocolError("UNCONFIRMED WRITE is a service of short names, and the meter must agree to it")
        target = Target(class_id, instance, attribute)
        apdu = yield from short_names.write_unconfirmed(self._session, target, value)
        yield from self._session.tell(apdu)

    # ------------------------------------------------------------ for people

    @procedure
    def write(self, text: str, value: str | Decimal | datetime) -> Steps[None]:
        """Set an item to a value, in the type and scale that the meter has there now.

        Args:
            text: as for `read`: `asset_number`, `1-0:0.4.2`, `8/0-0:1.0.0/2`.
            value: a number in the unit of the item, a text (hex digits behind `0x`), or a time.

        Raises:
            LocalProtocolError: the value cannot be of the type that is there; nothing has been set.
            Refused: the code is a `DataAccessResult`.
            OutcomeUnknown: the answer was lost.
        """
        asked = item(text)
        yield from self._session.ready()
        if asked.class_id is None:
            (asked,) = yield from self._with_classes([asked])
        if asked.class_id is None:
            raise Refused(DataAccessResult.OBJECT_UNDEFINED, "the meter lists no such object")
        target = Target(asked.class_id, asked.instance, asked.attribute)
        present = data_of((yield from get(self._session, target)))
        shift = 0
        if asked.attribute in SCALED.get(asked.class_id, ()):
            scaler = Target(asked.class_id, asked.instance, SCALER_ATTRIBUTE[asked.class_id])
            declared = scaler_unit(data_of((yield from get(self._session, scaler))))
            between = shift_between(declared.unit, asked.quantity.unit if asked.quantity else None)
            shift = declared.scaler + (between or 0)
        data = data_like(present, value, shift, self.zone)
        yield from set_.set_one(self._session, target, data)

    @procedure
    def invoke(self, text: str, value: str | None = None) -> Steps[Any]:
        """Invoke a method by its name: `7/1-0:99.1.4/2` is method 2 of that profile.

        Args:
            text: class, logical name and number of the method.
            value: its parameter; a whole number is sent as an integer, none as integer 0.

        Raises:
            LocalProtocolError: the text names no method, or the value is none that can be sent.
            Refused: the code is an `ActionResult`.
            OutcomeUnknown: the answer was lost.
        """
        target = method_item(text)
        parameters = parameter_of(value)
        yield from self._session.ready()
        return (yield from action.act(self._session, target, parameters))
