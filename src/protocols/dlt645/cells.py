"""A decoded value as a table has it: one cell for each item, with its names and unit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from meterwire.protocols.dlt645.formats import LoadRecords
from meterwire.protocols.dlt645.layouts import Column, layout, spread
from meterwire.protocols.dlt645.table import Identifier
from meterwire.protocols.dlt645.words import told

__all__ = ["Cell", "cells"]


class Cell(msgspec.Struct, frozen=True):
    """One item of a value.

    Attributes:
        name: of the item within its record or list; that of the identifier where the value is a single item.
        value: of the item; a tuple where it is a pair, such as a maximum demand and its time.
        unit: of the value; that of a pair is joined by a semicolon.
        word: name of the flags that the value holds.
    """

    name: str
    name_zh: str
    value: Any
    unit: str = ""
    word: str = ""

    @property
    def flags(self) -> list[str]:
        """What the bits of a word say; empty where the value is not one."""
        return told(self.word, self.value) if self.word and isinstance(self.value, int) else []


def cells(found: Identifier, value: Any) -> list[Cell]:
    """The cells of a value that the identifier's data were decoded to, in wire order.

    Values of another shape than the identifier's make one cell.
    """
    if isinstance(found.codec, LoadRecords) and isinstance(value, list):
        return [cell for number, record in enumerate(value, 1) for cell in _of_record(found, number, record)]
    if not found.columns or not isinstance(value, (list, tuple)):
        return [Cell(found.name, found.name_zh, value, found.unit, found.word)]
    return list(_of_items(found.columns, value, found.unit))


def _of_record(found: Identifier, number: int, record: Any) -> Iterator[Cell]:
    if not isinstance(record, (list, tuple)):
        yield Cell(f"record {number}", f"第{number}条", record)
        return
    for cell in _of_items(found.columns, record, ""):
        if cell.value is not None:
            yield msgspec.structs.replace(
                cell, name=f"record {number}, {cell.name}", name_zh=f"第{number}条{cell.name_zh}"
            )


def _of_items(columns: tuple[Column, ...], values: Any, unit: str) -> Iterator[Cell]:
    for column, value in _paired(columns, values):
        if column.inner and isinstance(value, (list, tuple)):
            yield from _of_inner(column, value, column.unit or unit)
        else:
            yield Cell(column.name, column.name_zh, value, column.unit or _unit(unit, value), column.word)


def _paired(columns: tuple[Column, ...], values: Any) -> Iterator[tuple[Column, Any]]:
    """Each item with its column; a list in the place of a column that repeats is that many items."""
    left = spread(columns)
    for value in values:
        column = next(left, _NAMELESS)
        if isinstance(value, list) and column.count != 1:
            for index, one in enumerate(value):
                yield (next(left, _NAMELESS) if index else column), one
        else:
            yield column, value


_NAMELESS: Final = Column("", "")


def _of_inner(column: Column, values: Any, unit: str) -> Iterator[Cell]:
    for cell in _of_items(layout(column.inner), values, unit):
        name, name_zh = f"{column.name}, {cell.name}", f"{column.name_zh}{cell.name_zh}"
        yield msgspec.structs.replace(cell, name=name, name_zh=name_zh)


def _unit(unit: str, value: Any) -> str:
    """A unit of the whole identifier is that of its numbers, not of the time of the first."""
    return "" if isinstance(value, str) else unit
