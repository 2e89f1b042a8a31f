"""How readings are shown: one JSON array for programs, aligned lines for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from meterwire.quantities.reading import Reading


def text_of(value: Any) -> str | None:
    """A value as text that keeps its digits; None where there is none."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return value.hex().upper() if isinstance(value, bytes) else str(value)


def rows(reading: Reading, read_at: datetime) -> list[dict[str, Any]]:
    """One object for a reading; a block gives one for each element."""
    if isinstance(reading.value, list):
        return [_row(reading, f"{reading.item}[{place}]", value, read_at) for place, value in enumerate(reading.value)]
    return [_row(reading, reading.item, reading.value, read_at)]


def _row(reading: Reading, item: str, value: Any, read_at: datetime) -> dict[str, Any]:
    row: dict[str, Any] = {
        "item": item,
        "quantity": reading.quantity,
        "value": text_of(value),
        "unit": reading.unit,
        "time": text_of(reading.time),
        "read_at": read_at.isoformat(timespec="milliseconds"),
    }
    if reading.error is not None:
        row["error"] = {"code": _code(reading.error.code), "text": reading.error.text}
    return row


def _code(code: Any) -> int | str:
    return int(code) if isinstance(code, int) else str(code)


def print_json(objects: Iterable[Any]) -> None:
    """One JSON array on stdout, and nothing else."""
    json.dump(list(objects), sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")


def print_rows(found: Iterable[dict[str, Any]]) -> None:
    """Aligned lines for people; errors among them, and of several meters each under its address."""
    found = list(found)
    width = max((len(row["item"]) for row in found), default=0)
    address = None
    for row in found:
        if row.get("address") != address:
            address = row["address"]
            print(f"{address}:")
        error = row.get("error")
        if error:
            print(f"{row['item']:<{width}}  error {error['code']}: {error['text']}")
            continue
        unit, when = row["unit"] or "", f"  at {row['time']}" if row["time"] else ""
        value = "no value" if row["value"] is None else row["value"]
        print(f"{row['item']:<{width}}  {value} {unit}{when}".rstrip())
