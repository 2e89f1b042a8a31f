"""Meters that speak DL/T 645: attributes and freezes of DL/T 698.45 are found under the data identifiers of the other.

The table of quantities says which identifier stands for which attribute; the value goes back through the very function
that encodes the present one. Writing and control have no such table: a concentrator passes them on as frames (PROXY 7).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from meterwire.errors import LocalProtocolError, Refused
from meterwire.meter_model.concentrator.driver import Last, Rows, Span
from meterwire.meter_model.concentrator.driver_dlt69845 import digits_of
from meterwire.meter_model.faces.dlt645.freezes import KINDS as FREEZES_645
from meterwire.meter_model.faces.dlt645.freezes import stored_names
from meterwire.meter_model.faces.dlt69845.freezes import KINDS, MINUTE
from meterwire.meter_model.faces.dlt69845.objects import quantity_attribute
from meterwire.meter_model.faces.dlt69845.stored import NULL, Stored, quantities_of, stored
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.meter_model.load_profile import CLASSES
from meterwire.meter_model.values import Demand
from meterwire.protocols.dialogue import Patience, Steps
from meterwire.protocols.dlt645.client import Meter645
from meterwire.protocols.dlt69845.acquisition import Archived, MeterProtocol
from meterwire.protocols.dlt69845.dates import DateTimeS
from meterwire.protocols.dlt69845.descriptors import Oad, Road
from meterwire.protocols.dlt69845.enums import Dar
from meterwire.protocols.dlt69845.services.action import (
    ActionItem,
    ActionResult,
    ActionThenGetItem,
    ActionThenGetResult,
)
from meterwire.protocols.dlt69845.services.common import ResultNormal, ResultRecord
from meterwire.protocols.dlt69845.services.get import GetRecord
from meterwire.protocols.dlt69845.services.set import SetItem, SetResult, SetThenGetItem, SetThenGetResult
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities import Quantity, by_oad
from meterwire.quantities.reading import Reading

_FREEZE_CLASS: Final = 0x05
_TIME: Final = 0x00
_BLOCK: Final = 0xFF00
_DEEPEST: Final = 62
"""How far back freezes are looked for, rows."""
_VALUES: Final = 1
_DI2: Final = {kind: number for number, kind in FREEZES_645.items()}
_FREEZE_ROWS, _FREEZE_TIME = Oad(0x2023, 2, 0), Oad(0x2021, 2, 0)


class Driver645:
    """See `Driver`."""

    def attributes(self, meter: Archived, oads: Sequence[Oad], patience: Patience) -> Steps[tuple[ResultNormal, ...]]:
        """Read attributes one by one: the block of all elements at once where there is one."""
        client, found = _client(meter, patience), []
        for oad in oads:
            data = yield from _attribute(client, oad)
            found.append(ResultNormal(oad, data))
        return tuple(found)

    def rows(self, meter: Archived, road: Road, which: Span | Last, patience: Patience) -> Steps[Rows]:
        """Read freezes from the last one back, or load records from a time on."""
        client = _client(meter, patience)
        if road.oad.oi == MINUTE:
            return (yield from _minutes(client, road, which))
        di2 = _DI2.get(KINDS.get(road.oad.oi, ""))
        if di2 is None:
            raise Refused(Dar.OBJECT_UNDEFINED)
        return (yield from _freezes(client, di2, road, which))

    def record(self, meter: Archived, asked: GetRecord, patience: Patience) -> Steps[ResultRecord]:
        """Read freezes by number or by time; any other selection is refused."""
        columns = tuple(one for one in asked.columns if isinstance(one, Oad))
        which = _which(asked.rows)
        if which is None or not columns or len(columns) != len(asked.columns):
            return ResultRecord(asked.oad, len(asked.columns), asked.columns, Variant(0, Dar.SCOPE_OF_ACCESS_VIOLATED))
        related = tuple(one for one in columns if one not in {_FREEZE_TIME, _FREEZE_ROWS})
        try:
            rows = yield from self.rows(meter, Road(asked.oad, related), which, patience)
        except Refused as error:
            dar = error.code if isinstance(error.code, Dar) else Dar.OTHER
            return ResultRecord(asked.oad, len(columns), columns, Variant(0, dar))
        cells = tuple(tuple(_in_row(columns, related, when, row)) for when, row in rows)
        return ResultRecord(asked.oad, len(columns), columns, Variant(1, cells))

    def set(self, meter: Archived, items: Sequence[SetItem], patience: Patience) -> Steps[tuple[SetResult, ...]]:
        """Refused: nothing says how."""
        del meter, patience
        yield from ()  # a dialogue in which nothing is said
        return tuple(SetResult(item.oad, Dar.READ_WRITE_DENIED) for item in items)

    def set_then_get(
        self, meter: Archived, items: Sequence[SetThenGetItem], patience: Patience
    ) -> Steps[tuple[SetThenGetResult, ...]]:
        """Refused, and read."""
        found = yield from self.attributes(meter, [item.get for item in items], patience)
        refused = (SetResult(item.item.oad, Dar.READ_WRITE_DENIED) for item in items)
        return tuple(SetThenGetResult(one, read) for one, read in zip(refused, found, strict=True))

    def act(self, meter: Archived, items: Sequence[ActionItem], patience: Patience) -> Steps[tuple[ActionResult, ...]]:
        """Refused: nothing says how."""
        del meter, patience
        yield from ()  # see above
        return tuple(ActionResult(item.omd, Dar.READ_WRITE_DENIED) for item in items)

    def act_then_get(
        self, meter: Archived, items: Sequence[ActionThenGetItem], patience: Patience
    ) -> Steps[tuple[ActionThenGetResult, ...]]:
        """Refused, and read."""
        found = yield from self.attributes(meter, [item.get for item in items], patience)
        refused = (ActionResult(item.item.omd, Dar.READ_WRITE_DENIED) for item in items)
        return tuple(ActionThenGetResult(one, read) for one, read in zip(refused, found, strict=True))


def _client(meter: Archived, patience: Patience) -> Any:
    edition = 1997 if meter.basic.protocol == MeterProtocol.DLT645_1997 else 2007
    address = digits_of(meter.basic.address)
    return Meter645(None, address, patience=patience, edition=edition)  # type: ignore[arg-type]


def _read(client: Any, di: int) -> Steps[Reading]:
    """One item; what is refused has its error in place of a value."""
    (reading,) = yield from Meter645.read_many.steps(client, [f"{di:08X}"])
    return reading


# ---------------------------------------------------------------- attributes


def _attribute(client: Any, oad: Oad) -> Steps[Variant]:
    """The result of one attribute: 1 and Data, or 0 and the DAR."""
    rows = _rows_of(oad)
    if not rows:
        return Variant(0, Dar.OBJECT_UNDEFINED)
    block = _block_of(rows)
    if block is not None:
        reading = yield from _read(client, block)
        if isinstance(reading.value, list):
            ordered = sorted(rows, key=lambda row: row.di or 0)
            values = {row.name: _value(one) for row, one in zip(ordered, reading.value, strict=False)}
            return _result(values, oad)
    values = {}
    for row in rows:
        reading = yield from _read(client, row.di or 0)
        if reading.error is None and reading.value is not None:
            pair = [reading.value, reading.time] if reading.time is not None else reading.value
            values[row.name] = _value(pair)
    return _result(values, oad)


def _rows_of(oad: Oad) -> list[Quantity]:
    """The quantities of an attribute, or of one element of it, that DL/T 645 has."""
    several = quantities_of(oad)
    found = [several[oad.index]] if oad.index in several else [several[at] for at in sorted(several) if not oad.index]
    alone = by_oad(oad.packed)
    if not found and alone is not None:
        found = [alone]
    return [row for row in found if row.di is not None]


def _block_of(rows: Sequence[Quantity]) -> int | None:
    """The identifier of the block with all of them, None where they have none in common."""
    blocks = {row.di & 0xFFFF_00FF | _BLOCK for row in rows if row.di is not None}
    return blocks.pop() if len(blocks) == 1 and len(rows) > 1 else None


def _value(read: Any) -> Any:
    """What a client has read as the meter model has it."""
    if isinstance(read, list):
        number, when = read
        return Demand(Fraction(number), when if isinstance(when, dt.datetime) else None)
    return Fraction(read) if isinstance(read, Decimal) else read


def _result(values: Mapping[str, Any], oad: Oad) -> Variant:
    try:
        data = quantity_attribute(Stored(values), oad)
    except (Denied, LocalProtocolError):
        data = None
    return Variant(0, Dar.OBJECT_UNAVAILABLE) if data is None else Variant(_VALUES, data)


# ---------------------------------------------------------------- rows


def _freezes(client: Any, di2: int, road: Road, which: Span | Last) -> Steps[Rows]:
    """Freezes from the last one back, until they are older than wanted."""
    found = []
    first = which.number if isinstance(which, Last) else 1
    for number in range(first, _DEEPEST + 1):
        base = _FREEZE_CLASS << 24 | di2 << 16 | number
        reading = yield from _read(client, base | _TIME << 8)
        if not isinstance(reading.value, dt.datetime):
            break
        when = reading.value.replace(tzinfo=None)
        if isinstance(which, Span) and when < which.start:
            break
        if isinstance(which, Last) or when <= which.end:
            values = yield from _frozen(client, base, road)
            found.append((when, tuple(stored(Stored(values), oad) for oad in road.related)))
        if isinstance(which, Last):
            break
    return found[::-1]


def _frozen(client: Any, base: int, road: Road) -> Steps[dict[str, Any]]:
    """The values of one freeze by the names of their quantities: those columns that hold what is wanted."""
    wanted = {row.name for oad in road.related for row in quantities_of(oad).values()}
    values: dict[str, Any] = {}
    for column, names in stored_names().items():
        if wanted.isdisjoint(names):
            continue
        reading = yield from _read(client, base | column << 8)
        if isinstance(reading.value, list):
            values |= {name: _value(one) for name, one in zip(names, reading.value, strict=False)}
    return values


def _minutes(client: Any, road: Road, which: Span | Last) -> Steps[Rows]:
    """Load records of those classes that hold what is wanted, joined by their times."""
    wanted = {row.name for oad in road.related for row in quantities_of(oad).values()}
    joined: dict[dt.datetime, dict[str, Any]] = {}
    for number, names in CLASSES.items():
        if wanted.isdisjoint(names):
            continue
        found = yield from _class_records(client, number, which)
        for when, values in found:
            joined.setdefault(when, {}).update(zip(names, map(_value, values), strict=False))
    return [
        (when, tuple(stored(Stored(values), oad) for oad in road.related)) for when, values in sorted(joined.items())
    ]


def _class_records(client: Any, number: int, which: Span | Last) -> Steps[list[tuple[dt.datetime, list[Any]]]]:
    if isinstance(which, Last):
        raise Refused(Dar.SCOPE_OF_ACCESS_VIOLATED)
    profile = yield from Meter645.read_records.steps(client, f"load-{number}", which.start, which.end)
    if profile.error is not None:
        raise profile.error
    return [(row.time.replace(tzinfo=None), list(_numbers(row))) for row in profile.rows if row.time is not None]


def _numbers(row: Any) -> Iterator[Any]:
    """The values of a load record, without the word that says whether it is valid."""
    return (field.value for field in row.fields if isinstance(field.value, Decimal))


def _which(rows: Variant) -> Span | Last | None:
    """The selection, as far as freezes of DL/T 645 can follow it: by number, or by time."""
    if rows.tag == 9:
        return Last(rows.value)
    if rows.tag == 10 and rows.value.count == 1:
        return Last()
    if rows.tag == 2 and rows.value.column == _FREEZE_TIME:
        start, end = (one.value for one in (rows.value.start, rows.value.end))
        begin = start.datetime() if isinstance(start, DateTimeS) else None
        until = end.datetime() if isinstance(end, DateTimeS) else None
        if begin is not None and until is not None:
            return Span(begin, until - dt.timedelta(seconds=1))
    return None


def _in_row(columns: Sequence[Oad], related: Sequence[Oad], when: dt.datetime, row: Sequence[Variant]) -> Iterator[Any]:
    cells = dict(zip(related, row, strict=True))
    for column in columns:
        yield Variant(28, DateTimeS.of(when)) if column == _FREEZE_TIME else cells.get(column, NULL)
