"""Tables of stored rows as files: CSV for everybody, Parquet with types where pyarrow is installed."""

from __future__ import annotations

import csv
import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from meterwire.cli.output import text_of
from meterwire.errors import LocalProtocolError
from meterwire.protocols.dlt645.profile_rows import ProfileRow

STDOUT: Final = "-"
TIME: Final = "time"
_DIGITS: Final = 18


class Table(msgspec.Struct, frozen=True):
    """Rows under one heading; None where a row has no such value."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def table_of(rows: Sequence[ProfileRow]) -> Table:
    """The table that rows make: their times, and every column that one of them has, in the order they came."""
    columns = list(dict.fromkeys(field.column for row in rows for field in row.fields))
    if len({len(row.fields) for row in rows}) > 1:  # the fullest row has the best order, others add what it lacks
        fullest = max(rows, key=lambda row: len(row.fields))
        columns = list(dict.fromkeys([*(field.column for field in fullest.fields), *columns]))
    lines = []
    for row in rows:
        found = {field.column: field.value for field in row.fields}
        lines.append((row.time, *(found.get(column) for column in columns)))
    return Table((TIME, *columns), tuple(lines))


Write = Callable[[Table], None]


@contextmanager
def destination(name: str) -> Iterator[Write]:
    """What writes a table to stdout (-) or to a file, which appears when it is complete.

    Raises:
        LocalProtocolError: the file cannot be written, or it is to be Parquet and pyarrow is not installed.
    """
    if name == STDOUT:
        yield lambda table: write_csv(table, sys.stdout)
        return
    path = Path(name)
    write = _parquet_writer() if path.suffix.lower() == ".parquet" else _write_csv_file
    part = path.with_name(f"{path.name}.part")
    try:
        part.touch()  # an hour of reading shall not end with a file that cannot be made
    except OSError as error:
        raise LocalProtocolError(f"{name} cannot be written: {error}") from error
    try:
        yield lambda table: _complete(write, table, part, path)
    finally:
        part.unlink(missing_ok=True)


def write_csv(table: Table, file: IO[str]) -> None:
    """The heading and a line for each row; no value is an empty field."""
    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(table.columns)
    lines.writerows([_text(value) for value in row] for row in table.rows)


def _text(value: Any) -> str:
    """Lists, as unknown shapes leave them, are joined by spaces."""
    if isinstance(value, (list, tuple)):
        return " ".join(map(_text, value))
    return text_of(value) or ""


def _complete(write: Callable[[Table, Path], None], table: Table, part: Path, path: Path) -> None:
    try:
        write(table, part)
        part.replace(path)
    except OSError as error:
        raise LocalProtocolError(f"{path} cannot be written: {error}") from error


def _write_csv_file(table: Table, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        write_csv(table, file)


def _parquet_writer() -> Callable[[Table, Path], None]:
    try:
        arrow = importlib.import_module("pyarrow")
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise LocalProtocolError(
            "Parquet needs pyarrow: pip install 'meterwire[columns]', or give a name that ends in .csv"
        ) from error

    def write(table: Table, path: Path) -> None:
        columns = zip(*table.rows, strict=True) if table.rows else ([] for _ in table.columns)
        arrays = [_array(arrow, list(values)) for values in columns]
        parquet.write_table(arrow.table(arrays, names=list(table.columns)), path)

    return write


def _array(arrow: Any, values: list[Any]) -> Any:
    """Values of one type: decimals of the column's scale, times as they are, anything else, and what is mixed, as text.

    All decimals have the same precision, so that the files of many readings can be put together.
    """
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, Decimal) for value in present):
        scale = max(-int(value.as_tuple().exponent) for value in present)
        return arrow.array(values, arrow.decimal128(_DIGITS, max(scale, 0)))
    if present and all(isinstance(value, datetime) for value in present):
        return arrow.array(values)
    return arrow.array([None if value is None else _text(value) for value in values], arrow.string())
