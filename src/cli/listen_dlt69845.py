"""`meterwire listen` for DL/T 698.45: what a meter reports unasked, acknowledged and shown as it comes."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from meterwire.cli.output import text_of
from meterwire.cli.session import session_filters
from meterwire.connect import connect
from meterwire.errors import Disconnected
from meterwire.protocols.dlt69845.client_reports import Report
from meterwire.protocols.dlt69845.objects import describe_oad
from meterwire.protocols.dlt69845.stored_rows import RecordTable
from meterwire.quantities.reading import Reading

_GLANCE: Final = 0.5
"""Seconds between two looks at whether it is time to end."""
_ADDRESS: Final = "address"


def listen(url: str, count: int | None, seconds: float | None, *, record: Path | None, json: bool) -> int:
    """Show reports until so many have come, so long has passed, or the line ends; 1 if none came."""
    filtered = session_filters(url, trace=False, record=record, name="listen")
    with filtered as filters, connect(url, filters=filters) as meter:
        meter.read(_ADDRESS)  # a meter reports to whoever has asked it something
        told = _attend(meter, count, seconds, json=json)
    print(f"{told} reports", file=sys.stderr)
    return 0 if told else 1


def _attend(meter: Any, count: int | None, seconds: float | None, *, json: bool) -> int:
    told, end = 0, float("inf") if seconds is None else meter.line.now() + seconds
    while meter.line.now() < end and (count is None or told < count):
        try:
            found = meter.listen(min(_GLANCE, end - meter.line.now()), 1)
        except Disconnected:
            break
        for one in found:
            told += 1
            _show(one, json=json)
    return told


def tell(meter: Any) -> None:
    """Show on stderr what a meter has told unasked while something else was asked."""
    while meter.ear.reports:
        for line in _lines(meter.ear.reports.popleft()):
            print(line, file=sys.stderr)


def _show(one: Report, *, json: bool) -> None:
    for line in [json_module.dumps(_as_object(one), ensure_ascii=False)] if json else _lines(one):
        print(line, flush=True)


def _lines(one: Report) -> Iterator[str]:
    yield f"{_kind(one)} from {one.address.digits}{f' at {text_of(one.sent)}' if one.sent else ''}"
    for reading in one.readings:
        yield f"  {reading.item}  {_value(reading)}  {reading.quantity or ''}".rstrip()
    for table in one.tables:
        yield f"  {describe_oad(table.oad.packed)}"
        for name, value in (pair for row in _rows(table) for pair in row.items()):
            yield f"    {name:<48}{'-' if value is None else value}"
    for octets in one.frames:
        yield f"  {one.port}  {octets.hex(' ').upper()}"


def _value(reading: Reading) -> str:
    if reading.error is not None:
        return reading.error.text
    parts = reading.value if isinstance(reading.value, list) else [reading.value]
    return f"{', '.join(text_of(part) or '-' for part in parts)} {reading.unit or ''}".rstrip()


def _kind(one: Report) -> str:
    return "end of the connection" if one.released else "report in passing" if one.in_passing else "report"


def _rows(table: RecordTable) -> list[dict[str, Any]]:
    return [
        {heading.column: text_of(column[at]) for heading, column in zip(table.headings, table.columns, strict=True)}
        for at in range(len(table))
    ]


def _plain(value: Any) -> Any:
    return [_plain(part) for part in value] if isinstance(value, list) else text_of(value)


def _as_object(one: Report) -> dict[str, Any]:
    readings = [
        {"item": each.item, "quantity": each.quantity, "value": _plain(each.value), "unit": each.unit}
        for each in one.readings
    ]
    return {
        "kind": _kind(one),
        "address": one.address.digits,
        "sent": text_of(one.sent),
        "readings": readings,
        "tables": [{"table": str(table.oad), "rows": _rows(table)} for table in one.tables],
        "port": None if one.port is None else str(one.port),
        "frames": [octets.hex().upper() for octets in one.frames],
    }
