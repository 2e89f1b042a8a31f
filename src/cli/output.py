"""How readings are shown: one JSON array for programs, aligned lines for people."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from meterwire.quantities.reading import Reading

_PAIR = 2


def text_of(value: Any) -> str | None:
    """A value as text that keeps its digits, a list in brackets; None where there is none."""
    if isinstance(value, list):
        return f"[{', '.join('-' if part is None else str(text_of(part)) for part in value)}]"
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    return value.hex().upper() if isinstance(value, bytes) else str(value)


def rows(reading: Reading, read_at: dt.datetime) -> list[dict[str, Any]]:
    """One object for a reading; a block gives one for each element."""
    if isinstance(reading.value, list) and reading.value:
        return [
            _row(reading, f"{reading.item}[{place}]", *_timed(value, reading.time), read_at)
            for place, value in enumerate(reading.value)
        ]
    return [_row(reading, reading.item, reading.value, reading.time, read_at)]


def _timed(value: Any, time: dt.datetime | None) -> tuple[Any, dt.datetime | None]:
    """A value with its own time, such as a maximum demand among others, apart."""
    if isinstance(value, list) and len(value) == _PAIR and isinstance(value[1], dt.datetime):
        return value[0], value[1]
    return value, time


def _row(reading: Reading, item: str, value: Any, time: dt.datetime | None, read_at: dt.datetime) -> dict[str, Any]:
    row: dict[str, Any] = {
        "item": item,
        "quantity": reading.quantity,
        "value": text_of(value),
        "unit": reading.unit,
        "time": text_of(time),
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


def print_table(found: list[dict[str, Any]]) -> None:
    """A table with its columns aligned; a topology is indented by level."""
    if not found:
        print("nothing")
        return
    table = [list(found[0]), *([_cell(name, row) for name in row] for row in found)]
    widths = [max(len(row[place]) for row in table) for place in range(len(table[0]))]
    for row in table:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _cell(name: str, row: dict[str, Any]) -> str:
    value = row[name]
    text = {True: "yes", False: "no", None: "-"}.get(value, str(value)) if not isinstance(value, int) else str(value)
    if isinstance(value, bool):
        text = "yes" if value else "no"
    return "  " * row["level"] + text if name == "address" and "level" in row else text
