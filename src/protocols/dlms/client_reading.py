"""Reading: the association, attributes, and items with their units, digits and times (DLMS UA 1000-2, 9.3 and 9.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any, Final, Generic, TypeVar

import msgspec

from meterwire.errors import MalformedError, MeterwireError, Refused
from meterwire.protocols.dialogue import AsyncLine, Line, Patience, Steps, procedure
from meterwire.protocols.dlms.association import Association
from meterwire.protocols.dlms.carrier import Carrier, WrapperCarrier
from meterwire.protocols.dlms.client_services import short_names
from meterwire.protocols.dlms.client_services.common import Outcome
from meterwire.protocols.dlms.client_services.get import fetch, get
from meterwire.protocols.dlms.data import elements, integer, number
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.dlms.interpret import (
    CAPTURE_TIME,
    SCALED,
    SCALER_ATTRIBUTE,
    ScalerUnit,
    moment,
    normalised,
    scaler_unit,
    value_of,
)
from meterwire.protocols.dlms.items import Item, Target, item
from meterwire.protocols.dlms.security.settings import Security, of_secret
from meterwire.protocols.dlms.session import Session
from meterwire.protocols.dlms.wrapper import LARGEST_APDU, MANAGEMENT_DEVICE, PUBLIC_CLIENT
from meterwire.protocols.dlms.xdlms.common import SelectiveAccess
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities.reading import METER_ZONE, Reading, ReadingError

L = TypeVar("L", Line, AsyncLine)

ASSOCIATION_LN: Final = 15
CURRENT_ASSOCIATION: Final = bytes((0, 0, 40, 0, 0, 255))
OBJECT_LIST: Final = Target(ASSOCIATION_LN, CURRENT_ASSOCIATION, 2)

ANSWER_LIMIT: Final = 1 << 24
"""Most octets of one answer in blocks, unless told otherwise."""


class CosemObject(msgspec.Struct, frozen=True):
    """One object of the association view."""

    class_id: int
    version: int
    instance: bytes


class ReadingProcedures(Generic[L]):
    """What reads. The association is opened when it is first needed.

    Args:
        line: to the meter; a stream such as TCP.
        address: wPort of the server: 1 is the management logical device.
        client: wPort of the client: 16 is the public client.
        secret: password of low-level security; none for the public client.
        patience: tries and time-out.
        max_pdu: longest APDU that this client takes, in octets.
        zone: of the meter's clock, where the meter does not say its deviation.
        answer_limit: most octets of one answer in blocks.
        carrier: the link, where it is not the wrapper; `address` and `client` are those of the carrier then.
        security: mechanism, keys and ciphering; instead of `secret`.
        public: the link as public client, where it is not the wrapper; asked for an invocation counter nobody knows.
    """

    line: L

    def __init__(
        self,
        line: L,
        address: int = MANAGEMENT_DEVICE,
        *,
        client: int = PUBLIC_CLIENT,
        secret: bytes = b"",
        patience: Patience | None = None,
        max_pdu: int = LARGEST_APDU,
        zone: tzinfo = METER_ZONE,
        answer_limit: int = ANSWER_LIMIT,
        carrier: Carrier | None = None,
        security: Security | None = None,
        public: Carrier | None = None,
    ) -> None:
        self.line = line
        self.zone = zone
        if carrier is None:
            public = public or WrapperCarrier(PUBLIC_CLIENT, address)
        carrier = carrier or WrapperCarrier(client, address)
        peer = f"DLMS server {carrier.server} (client {carrier.client})"
        patience = patience or Patience(peer=peer, hint="check address, client and port")
        security = security or of_secret(secret)
        self._session = Session(carrier, security, patience, max_pdu, answer_limit, public)
        self._scalers: dict[tuple[int, bytes], ScalerUnit] = {}
        self._classes: dict[bytes, int] | None = None

    @property
    def association(self) -> Association | None:
        """What was agreed on, None while there is no association."""
        return self._session.association

    @procedure
    def associate(self) -> Steps[Association]:
        """Open the association: AARQ and AARE.

        Raises:
            Refused: the meter says no; the code is its diagnostic.
            SecurityError: it answers with another context or mechanism.
        """
        return (yield from self._session.associate())

    @procedure
    def release(self) -> Steps[None]:
        """Close the association: RLRQ and RLRE. Without one nothing is sent."""
        yield from self._session.release()

    @procedure
    def get(
        self, class_id: int, instance: bytes, attribute: int, selection: SelectiveAccess | None = None
    ) -> Steps[Variant]:
        """The Data of one attribute, blocks put together.

        Raises:
            Refused: the code is a `DataAccessResult`, or a service error.
        """
        yield from self._session.ready()
        return data_of((yield from get(self._session, Target(class_id, instance, attribute), selection)))

    @procedure
    def objects(self) -> Steps[list[CosemObject]]:
        """The objects that the association lets us see (Association LN, object_list)."""
        return (yield from self._objects())

    def notifications(self) -> list[Any]:
        """What the meter sent unasked while answers were waited for, the oldest first; it is given once."""
        found = list(self._session.notifications)
        self._session.notifications.clear()
        return found

    @procedure
    def read(self, item: str) -> Steps[Reading]:
        """Read one item: the name of a quantity, or a logical name such as `1-0:1.8.0` or `3/1-0:1.8.0/2`.

        Raises:
            LocalProtocolError: the text names nothing that DLMS/COSEM has.
            Refused: the meter answered no; the code is a `DataAccessResult`, a service error or a diagnostic.
            MalformedError: the data are not what the item must be.
            NoAnswer: nothing usable came.
        """
        asked, found = yield from self._found([item])
        return self._reading(asked[0], found)

    @procedure
    def read_many(self, items: Sequence[str]) -> Steps[list[Reading]]:
        """Read items, several in one request where the meter can; one that fails is given back with its error.

        Raises:
            LocalProtocolError: a text names nothing that DLMS/COSEM has; nothing has been sent then.
            Refused: the meter does not associate.
            NoAnswer: nothing usable came.
        """
        asked, found = yield from self._found(items)
        return [self._outcome(one, found) for one in asked]

    # ------------------------------------------------------------ reading

    def _objects(self) -> Steps[list[CosemObject]]:
        made = yield from self._session.ready()
        if made.short_names:
            named = yield from short_names.object_list(self._session)
            return [CosemObject(one.class_id, one.version, one.instance) for one in named]
        listed = elements(data_of((yield from get(self._session, OBJECT_LIST)))) or ()
        return [found for entry in listed if (found := _object(entry)) is not None]

    def _found(self, items: Sequence[str]) -> Steps[tuple[list[Item], dict[Target, Outcome]]]:
        """The items, and what the meter answered for all they need."""
        asked = [item(text) for text in items]
        if any(one.class_id is None for one in asked):
            asked = yield from self._with_classes(asked)
        found = yield from fetch(self._session, [target for one in asked for target in self._targets(one)])
        self._keep_scalers(found)
        return asked, found

    def _with_classes(self, asked: list[Item]) -> Steps[list[Item]]:
        """The class of an object that the table of quantities does not know, from the meter's own list."""
        if self._classes is None:
            self._classes = {one.instance: one.class_id for one in (yield from self._objects())}
        return [
            msgspec.structs.replace(one, class_id=self._classes.get(one.instance)) if one.class_id is None else one
            for one in asked
        ]

    def _targets(self, one: Item) -> list[Target]:
        if one.class_id is None:
            return []
        wanted = [one.attribute]
        if one.attribute in SCALED.get(one.class_id, ()) and (one.class_id, one.instance) not in self._scalers:
            wanted.append(SCALER_ATTRIBUTE[one.class_id])
        if one.attribute == 2 and one.class_id in CAPTURE_TIME:
            wanted.append(CAPTURE_TIME[one.class_id])
        return [Target(one.class_id, one.instance, attribute) for attribute in wanted]

    def _keep_scalers(self, found: dict[Target, Outcome]) -> None:
        for target, outcome in found.items():
            if SCALER_ATTRIBUTE.get(target.class_id) == target.attribute and isinstance(outcome, Variant):
                try:
                    self._scalers[target.class_id, target.instance] = scaler_unit(outcome)
                except MalformedError:
                    continue  # the reading that needs it will say so

    def _outcome(self, one: Item, found: dict[Target, Outcome]) -> Reading:
        named = one.quantity.name if one.quantity else None
        try:
            return self._reading(one, found)
        except Refused as refused:
            return Reading(one.text, named, error=ReadingError(int(refused.code), refused.text))
        except MalformedError as error:
            return Reading(one.text, named, error=ReadingError("malformed", str(error)))

    def _reading(self, one: Item, found: dict[Target, Outcome]) -> Reading:
        value, unit = self._value(one, found)
        named = one.quantity.name if one.quantity else None
        return Reading(one.text, named, value, unit or None, self._time(one, found))

    def _value(self, one: Item, found: dict[Target, Outcome]) -> tuple[Any, str | None]:
        if one.class_id is None:
            raise Refused(DataAccessResult.OBJECT_UNDEFINED, "the meter lists no such object")
        data = data_of(found[Target(one.class_id, one.instance, one.attribute)])
        wanted = one.quantity.unit if one.quantity else None
        raw = number(data)
        if raw is None or one.attribute not in SCALED.get(one.class_id, ()):
            return value_of(data, one, self.zone), wanted
        declared = self._scalers.get((one.class_id, one.instance))
        if declared is None:
            declared = scaler_unit(data_of(found[Target(one.class_id, one.instance, SCALER_ATTRIBUTE[one.class_id])]))
        return normalised(raw, declared, wanted)

    def _time(self, one: Item, found: dict[Target, Outcome]) -> Any:
        if one.class_id is None or one.attribute != 2:
            return None
        at = CAPTURE_TIME.get(one.class_id)
        outcome = found.get(Target(one.class_id, one.instance, at)) if at else None
        return moment(outcome, self.zone) if isinstance(outcome, Variant) else None


def data_of(outcome: Outcome) -> Variant:
    """The Data of an outcome; raises the error that it is."""
    if isinstance(outcome, MeterwireError):
        raise outcome
    return outcome


def _object(entry: Any) -> CosemObject | None:
    members = elements(entry) or ()
    if len(members) < 3:
        return None
    class_id, version = integer(members[0]), integer(members[1])
    instance = members[2].value if isinstance(members[2], Variant) else None
    if class_id is None or version is None or not isinstance(instance, bytes) or len(instance) != 6:
        return None
    return CosemObject(class_id, version, instance)
