"""What the meter sends of its own accord: pushes, at an interval or when asked, and events as they happen.

Whoever has an association that agreed to it is told of events through it; where there is none, they go to whom pushes
go. What goes without an association is protected as the security policy demands of answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Final, cast

import msgspec

from meterwire.errors import MalformedError, SecurityError
from meterwire.meter_model.dlms_push import CONFIRMED, DlmsPush, Pushed
from meterwire.meter_model.faces.dlms.client import ClientDlms
from meterwire.meter_model.faces.dlms.cosem_model import Denied, whole
from meterwire.meter_model.faces.dlms.cosem_profiles import ended_code, event_sources
from meterwire.meter_model.faces.dlms.face import FaceDlms
from meterwire.meter_model.faces.dlms.notify import Notifications
from meterwire.meter_model.faces.dlms.windows import allows
from meterwire.protocols.dlms.apdu import APDU
from meterwire.protocols.dlms.cosem.method_offsets import attribute_name
from meterwire.protocols.dlms.data import NULL, Tag, elements, structure
from meterwire.protocols.dlms.date_time import CosemDateTime
from meterwire.protocols.dlms.xdlms.common import AttributeDescriptor
from meterwire.protocols.dlms.xdlms.notify import DataNotificationConfirm
from meterwire.protocols.wire.codec import codec
from meterwire.protocols.wire.nodes import Variant

POLL: Final = 1.0
"""Seconds between two looks at what has happened."""
_PROFILE, _BUFFER, _VALUE = 7, 2, 2
_MANAGEMENT: Final = 1


class Manner(msgspec.Struct, frozen=True):
    """How an endpoint pushes.

    Attributes:
        every: seconds between two pushes; 0 for when asked alone.
        short_names: whether events are told in INFORMATION REPORT to those that have no association.
    """

    every: float = 0.0
    short_names: bool = False


class Pusher:
    """What one connection sends unasked.

    Args:
        face: of the meter.
        manner: how.
        associated: gives the clients of the connection.
    """

    def __init__(self, face: FaceDlms, manner: Manner, associated: Callable[[], Iterable[ClientDlms]]) -> None:
        self._face, self._manner, self._associated = face, manner, associated
        self._meter = cast("Any", face.meter)
        self._push: DlmsPush = self._meter.dlms_push
        self._notes = Notifications()
        self._events = _Events(face.meter)
        self._asked = self._push.asked
        self._looked = self._again = -math.inf
        self._due = math.inf if not manner.every else -math.inf
        self._tries = 0

    def next(self) -> float:
        """When to call `run`."""
        return self._looked + POLL if self._looked > -math.inf else 0.0

    def run(self, now: float) -> list[bytes]:
        """The APDUs that go to whom pushes go, now."""
        self._looked = now
        for kind, code, time in self._events.new():
            self._tell(kind, code, time)
        if self._push.asked != self._asked or now >= self._due:
            self._asked = self._push.asked
            self._due = now + self._manner.every if self._manner.every else math.inf
            self._begin(now)
        elif self._notes.unconfirmed and now >= self._again:
            self._repeat(now)
        return [octets for apdu in self._notes.take() for octets in self._protected(apdu)]

    def confirm(self, octets: bytes) -> None:
        """Somebody says that a push has arrived."""
        try:
            found = codec(APDU).parse(octets).value
        except MalformedError:
            return
        if isinstance(found, DataNotificationConfirm) and found.invoke.number in self._notes.unconfirmed:
            self._notes.confirm(found.invoke.number)
            self._push.confirmed = self._time()

    # ------------------------------------------------------------ pushes

    def _begin(self, now: float) -> None:
        settings = self._push.settings
        if not allows(settings.windows, self._meter.clock.now()):
            return
        values = [self._value(one) for one in settings.objects]
        self._notes.push(structure(*values), self._time(), confirmed=settings.method == CONFIRMED)
        self._tries, self._again = settings.retries, now + settings.delay

    def _repeat(self, now: float) -> None:
        if self._tries <= 0:
            self._notes.give_up()
            return
        self._tries -= 1
        self._again = now + self._push.settings.delay
        self._notes.repeat()

    def _value(self, one: Pushed) -> Variant:
        """What the management client would read; null-data for what is not there."""
        view = ClientDlms(self._face, _MANAGEMENT, self._meter.identity.logical_device)
        found = self._face.objects.get(one.instance)
        if found is None or found.kind.class_id != one.class_id:
            return NULL
        try:
            data = whole(found.read(one.attribute, view))
        except Denied:
            return NULL
        if not one.index:
            return data
        members = elements(data) or ()
        if (one.class_id, one.attribute) == (_PROFILE, _BUFFER):
            return Variant(Tag.ARRAY, members[-one.index :])
        return members[one.index - 1] if one.index <= len(members) else NULL

    def _time(self) -> bytes:
        return CosemDateTime.of_datetime(self._meter.clock.now()).octets

    def _protected(self, apdu: bytes) -> list[bytes]:
        guard = self._face.guard
        try:
            return [apdu if guard is None else guard.security.unasked(guard.title, apdu)]
        except SecurityError:
            return []

    # ------------------------------------------------------------ events

    def _tell(self, instance: bytes, code: int, time: bytes) -> None:
        value, told = Variant(Tag.LONG_UNSIGNED, code), False
        for client in self._associated():
            if client.agreed_on("event_notification"):
                client.notifications.event(AttributeDescriptor(1, instance, _VALUE), value, time)
                told = True
            elif client.agreed_on("information_report"):
                client.notifications.report(self._name(instance), value)
                told = True
        if told:
            return
        if self._manner.short_names:
            self._notes.report(self._name(instance), value)
        else:
            self._notes.event(AttributeDescriptor(1, instance, _VALUE), value, time)

    def _name(self, instance: bytes) -> int:
        return attribute_name(self._face.short_names.base(instance), _VALUE)


class _Events:
    """The events of a meter that have not been looked at yet: those that were there in the beginning have been."""

    def __init__(self, meter: Any) -> None:
        self._events = getattr(meter, "events", None)
        sources = event_sources(meter) if self._events is not None else []
        self._codes = {kind: (source.code_instance, code) for source in sources for kind, code in source.codes}
        self._seen = self._standing()

    def _standing(self) -> dict[str, tuple[int, bool]]:
        found: dict[str, tuple[int, bool]] = {} if self._events is None else self._events.standing()
        return found

    def new(self) -> list[tuple[bytes, int, bytes]]:
        """Logical name of the code's object, the code, and when, for every beginning and end since the last look."""
        seen, self._seen = self._seen, self._standing()
        moved = [kind for kind, now in self._seen.items() if now != seen.get(kind) and kind in self._codes]
        found = [one for kind in moved for one in self._told(kind, seen[kind], self._seen[kind])]
        return sorted(found, key=lambda one: one[2])

    def _told(self, kind: str, before: tuple[int, bool], now: tuple[int, bool]) -> list[tuple[bytes, int, bytes]]:
        record = None if self._events is None else self._events.record(kind)
        if record is None:
            return []
        (instance, code), again = self._codes[kind], now[0] > before[0]
        told = [(instance, code, _octets(record.start))] if again else []
        if record.end is not None and (again or before[1] > now[1]):
            told.append((instance, ended_code(code), _octets(record.end)))
        return told


def _octets(when: Any) -> bytes:
    return CosemDateTime.of_datetime(when).octets
