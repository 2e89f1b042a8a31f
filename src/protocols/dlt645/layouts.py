"""What the items of a record are called: the columns of records, blocks and lists, with their formats and units.

The table is `layouts.csv`: one row for each item of a layout, in wire order. `count` repeats a row, n without an end; #
is then the number of the item, and ~ in a Chinese name the event that a layout is used for. `word` names the flags of
an item (`words`), `inner` the layout of an item that is a list itself. Where all rows have a format, the layout is a
record of its own; the bar in front of a format stands for the octet AAH that closes the item before it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Final

import msgspec

__all__ = ["Column", "layout", "spread"]

_ENDLESS: Final = 0xFF
"""More items than any list in a frame can have names for; those behind them go without."""


class Column(msgspec.Struct, frozen=True):
    """One item of a record or list.

    Attributes:
        format: in the notation of `formats`; empty where the record's format says it.
        unit: of a number; several are joined by a semicolon where the item is a pair.
        word: name of the flags that the item holds.
        inner: layout of the items of an item that is a list.
        count: how often it stands there; 0 for any number of times.
    """

    name: str
    name_zh: str
    format: str = ""
    unit: str = ""
    word: str = ""
    inner: str = ""
    count: int = 1

    def numbered(self, number: int) -> Column:
        """The column of the item with that number, counted from 1."""
        if "#" not in self.name + self.name_zh:
            return self
        name, name_zh = (text.replace("#", str(number)) for text in (self.name, self.name_zh))
        return Column(name, name_zh, self.format, self.unit, self.word, self.inner, self.count)


@cache
def _layouts() -> dict[str, tuple[Column, ...]]:
    from importlib.resources import files  # noqa: PLC0415  costly, and needed only once the table is read

    found: dict[str, list[Column]] = {}
    for row in csv.DictReader(files(__package__).joinpath("layouts.csv").read_text("utf-8").splitlines()):
        count = 0 if row["count"] == "n" else int(row["count"] or 1)
        column = Column(row["name"], row["name_zh"], row["format"], row["unit"], row["word"], row["inner"], count)
        found.setdefault(row["layout"], []).append(column)
    return {name: tuple(columns) for name, columns in found.items()}


_REFERENCE: Final = re.compile(r"([a-z_0-9]*)(?:\((.*)\))?")


@lru_cache(maxsize=256)
def layout(reference: str) -> tuple[Column, ...]:
    """The columns of a layout, which may have the Chinese name of its event behind it in brackets; empty for none."""
    found = _REFERENCE.fullmatch(reference)
    if not found:
        return ()
    event = found[2] or ""
    return tuple(
        msgspec.structs.replace(column, name_zh=column.name_zh.replace("~", event))
        for column in _layouts().get(found[1], ())
    )


def format_of_layout(columns: tuple[Column, ...]) -> str:
    """The format of the record that the columns make, empty where they do not say it."""
    if not columns or not all(column.format for column in columns):
        return ""
    parts = [column.format + (f"*{column.count}" if column.count > 1 else "") for column in columns]
    return ";".join(parts).replace(";|", "|")


def spread(columns: tuple[Column, ...]) -> Iterator[Column]:
    """The columns one by one, repeated ones numbered from 1."""
    for column in columns:
        if column.count == 1:
            yield column
        else:
            yield from (column.numbered(number) for number in range(1, (column.count or _ENDLESS) + 1))
