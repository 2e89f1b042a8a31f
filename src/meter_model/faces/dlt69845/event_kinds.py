"""Which event objects of DL/T 698.45 stand for which kinds of events: a table, `events.csv`.

A row names the kinds of an object. One of class 24 has a table for each of three kinds, mostly phases (attributes 7 to
9), and one for all (attribute 6): the kind in `total`, else all records of the three by their time. That the four
tables of 300B are the quadrants is recalled. `limits` are the members of the configuration, each a limit of the meter
model with its integer type and power of ten; `-` is a delay that the model does not have.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from meterwire.protocols.dlt69845.objects import object_of

PHASED: Final = 24
TYPES: Final[Mapping[str, tuple[int, int, int]]] = {
    "u8": (17, 0, 0xFF),
    "u16": (18, 0, 0xFFFF),
    "u32": (6, 0, 0xFFFF_FFFF),
    "i16": (16, -0x8000, 0x7FFF),
    "i32": (5, -0x8000_0000, 0x7FFF_FFFF),
}
"""Tag and bounds."""


class LimitMember(msgspec.Struct, frozen=True):
    """A member of the configuration of an event object.

    Attributes:
        name: of the limit, empty for none.
        tag: of its Data.
        low: smallest number; likewise `high`.
        exponent: power of ten that the number counts, in the unit of the limit.
    """

    name: str
    tag: int
    low: int
    high: int
    exponent: int


class EventObject(msgspec.Struct, frozen=True):
    """An event object.

    Attributes:
        kinds: of the meter model, in the order of its tables.
        total: the kind of its table for all, empty where that has the records of the others.
        limits: members of its configuration.
        phased: whether it is of class 24.
    """

    oi: int
    kinds: tuple[str, ...]
    total: str
    limits: tuple[LimitMember, ...]
    phased: bool

    @property
    def all_kinds(self) -> tuple[str, ...]:
        """Its kinds, that for all among them."""
        return (self.total, *self.kinds) if self.total else self.kinds

    def table(self, attribute: int) -> tuple[str, ...]:
        """The kinds whose records a record table has; empty where the attribute is none."""
        if not self.phased:
            return self.kinds if attribute == 2 else ()
        if attribute == 6:
            return (self.total,) if self.total else self.kinds
        return self.kinds[attribute - 7 : attribute - 6] if attribute > 6 else ()

    @property
    def tables(self) -> tuple[tuple[str, ...], ...]:
        """The kinds of each record table, in order."""
        return tuple(map(self.table, range(6, 10))) if self.phased else (self.kinds,)


@cache
def event_objects() -> Mapping[int, EventObject]:
    """The event objects by OI."""
    text = files(__package__).joinpath("events.csv").read_text("utf-8")
    return {one.oi: one for one in map(_object, csv.DictReader(text.splitlines()))}


@cache
def objects_of_kind() -> Mapping[str, int]:
    """The OI by kind of the meter model."""
    return {kind: one.oi for one in event_objects().values() for kind in one.all_kinds}


def _object(row: Mapping[str, str]) -> EventObject:
    oi = int(row["oi"], 16)
    known = object_of(oi)
    phased = known is not None and known.class_id == PHASED
    return EventObject(oi, tuple(row["kinds"].split()), row["total"], tuple(map(_limit, row["limits"].split())), phased)


def _limit(text: str) -> LimitMember:
    name, kind, exponent = text.split(":")
    return LimitMember("" if name == "-" else name, *TYPES[kind], int(exponent))
