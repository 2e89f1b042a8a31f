"""Meters that speak DL/T 698.45: what is asked is handed through."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from meterwire.errors import Refused
from meterwire.meter_model.concentrator.driver import Last, Rows, Span
from meterwire.protocols.dialogue import Patience, Steps
from meterwire.protocols.dlt69845.acquisition import Archived
from meterwire.protocols.dlt69845.address import Address, address_text
from meterwire.protocols.dlt69845.client import Meter69845
from meterwire.protocols.dlt69845.client_records import EVENT_START, FREEZE_TIME
from meterwire.protocols.dlt69845.client_writes import WriteProcedures
from meterwire.protocols.dlt69845.dates import DateTimeS
from meterwire.protocols.dlt69845.descriptors import Oad, Road
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.objects import object_of
from meterwire.protocols.dlt69845.refusals import words
from meterwire.protocols.dlt69845.selecting import between, nth_last
from meterwire.protocols.dlt69845.services.action import ActionItem, ActionThenGetItem
from meterwire.protocols.dlt69845.services.common import ResultNormal, ResultRecord
from meterwire.protocols.dlt69845.services.get import GetRecord
from meterwire.protocols.dlt69845.services.set import SetItem, SetThenGetItem

_EVENT_CLASSES: Final = frozenset({7, 24})
_REFUSED: Final = 0
_SECOND: Final = dt.timedelta(seconds=1)
_NONE: Final = frozenset({Dar.OBJECT_UNAVAILABLE, Dar.OBJECT_UNDEFINED})


class Driver69845:
    """See `Driver`. Writes and methods go with the password of the archive, where that is one."""

    def attributes(self, meter: Archived, oads: Sequence[Oad], patience: Patience) -> Steps[tuple[ResultNormal, ...]]:
        """Read attributes."""
        return (yield from Meter69845.get.steps(_client(meter, patience), oads))

    def rows(self, meter: Archived, road: Road, which: Span | Last, patience: Patience) -> Steps[Rows]:
        """Read rows of a record table by time, or one of the last."""
        time = _time_of(road.oad.oi)
        wanted = nth_last(which.number) if isinstance(which, Last) else _within(time, which)
        record = yield from self.record(meter, GetRecord(road.oad, wanted, (time, *road.related)), patience)
        if record.result.tag == _REFUSED:
            if record.result.value in _NONE:
                return []
            raise Refused(record.result.value, words(record.result.value))
        rows = [(_naive(row[0].value), tuple(row[1:])) for row in record.result.value]
        return [(when, cells) for when, cells in rows if when is not None]

    def record(self, meter: Archived, asked: GetRecord, patience: Patience) -> Steps[ResultRecord]:
        """Read a record table as it was asked for."""
        (found,) = yield from Meter69845.get_records.steps(_client(meter, patience), [asked])
        return found

    def set(self, meter: Archived, items: Sequence[SetItem], patience: Patience) -> Steps[Any]:
        """Write attributes."""
        client = yield from _connected(meter, patience)
        return (yield from WriteProcedures.set.steps(client, items))

    def set_then_get(self, meter: Archived, items: Sequence[SetThenGetItem], patience: Patience) -> Steps[Any]:
        """Write attributes and read others."""
        client = yield from _connected(meter, patience)
        return (yield from WriteProcedures.set_then_get.steps(client, items))

    def act(self, meter: Archived, items: Sequence[ActionItem], patience: Patience) -> Steps[Any]:
        """Run methods."""
        client = yield from _connected(meter, patience)
        return (yield from WriteProcedures.action.steps(client, items))

    def act_then_get(self, meter: Archived, items: Sequence[ActionThenGetItem], patience: Patience) -> Steps[Any]:
        """Run methods and read attributes."""
        client = yield from _connected(meter, patience)
        return (yield from WriteProcedures.action_then_get.steps(client, items))


def _client(meter: Archived, patience: Patience) -> Any:
    return Meter69845(None, address=Address(digits_of(meter.basic.address)), patience=patience)


def _connected(meter: Archived, patience: Patience) -> Steps[Any]:
    client = _client(meter, patience)
    password = meter.basic.password.strip(b"\x00")
    if password and all(0x20 <= octet < 0x7F for octet in password):
        with suppress(Refused):  # the meter refuses what follows, with its own reason
            yield from Meter69845.connect.steps(client, password.decode())
    return client


def digits_of(address: bytes) -> str:
    """The digits of a TSA."""
    return address_text(address[1:])


def _time_of(oi: int) -> Oad:
    row = object_of(oi)
    return EVENT_START if row is not None and row.class_id in _EVENT_CLASSES else FREEZE_TIME


def _within(time: Oad, span: Span) -> Any:
    return between(time, span.start, span.end + _SECOND)


def _naive(value: Any) -> Any:
    return value.datetime() if isinstance(value, DateTimeS) else None
