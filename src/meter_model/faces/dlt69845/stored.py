"""What stands in a row of a record table, as Data: stored quantities under the OADs that would read them now.

A stored value is encoded by the very function that encodes a present one, so that a frozen register and a read one
differ in nothing but their moment. Associated columns are the names of quantities; here they become OADs, and back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from meterwire.errors import LocalProtocolError
from meterwire.meter_model.faces.dlt69845.objects import Readable, quantity_attribute
from meterwire.meter_model.faces.dlt69845.types import Denied
from meterwire.meter_model.values import NotServed, Value
from meterwire.protocols.dlt69845.dates import DateTimeS
from meterwire.protocols.dlt69845.descriptors import Oad
from meterwire.protocols.dlt69845.objects import object_of
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities import QUANTITIES, Kind, Quantity

NULL: Final = Variant(0, None)
_ENERGY, _PRECISE = 1, 4
_UNSTORED: Final = frozenset({Kind.TEXT, Kind.DATE, Kind.TIME})


class Stored:
    """Values by name of the quantity, readable as if they were a meter."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def read(self, quantity: Quantity) -> Value:
        """A stored value; raises `NotServed` for what was not stored. Rows are exact: precise registers too."""
        try:
            value: Value = self._values[quantity.name.replace("_precise", "")]
        except KeyError:
            raise NotServed(quantity.name) from None
        return value


@cache
def _quantities() -> Mapping[tuple[int, int], Mapping[int, Quantity]]:
    """Quantities that can be stored, by OI and attribute, then by index."""
    found: dict[tuple[int, int], dict[int, Quantity]] = {}
    for row in QUANTITIES.values():
        if row.oad is not None and row.kind not in _UNSTORED and "_precise" not in row.name:
            oad = Oad.of(row.oad)
            found.setdefault((oad.oi, oad.attribute), {})[oad.index] = row
    return found


def quantities_of(oad: Oad) -> Mapping[int, Quantity]:
    """The quantities of an attribute by index, its feature left aside; empty where nothing of it can be stored."""
    number = oad.number
    row = object_of(oad.oi)
    if number == _PRECISE and row is not None and row.class_id == _ENERGY:
        number = 2
    return _quantities().get((oad.oi, number), {})


def stored(values: Readable, oad: Oad) -> Variant:
    """The value of a column, NULL where it is not in the row."""
    if not quantities_of(oad):
        return NULL
    try:
        return quantity_attribute(values, Oad(oad.oi, oad.number, oad.index)) or NULL
    except Denied:
        return NULL


def time_data(when: Any) -> Variant:
    """A time as date_time_s, NULL for none."""
    return NULL if when is None else Variant(28, DateTimeS.of(when))


def names_of(meter: Readable, oad: Oad) -> tuple[str, ...]:
    """The quantities that an associated attribute stands for, as far as the meter has them."""
    rows = quantities_of(oad)
    wanted = [rows[oad.index]] if oad.index in rows else [] if oad.index else [rows[at] for at in sorted(rows)]
    return tuple(row.name for row in wanted if _has(meter, row))


def _has(meter: Readable, row: Quantity) -> bool:
    try:
        meter.read(row)
    except (NotServed, LocalProtocolError):
        return False
    return True


def oads_of(meter: Readable, names: Iterable[str], feature: int = 0) -> tuple[Oad, ...]:
    """The attributes that quantities belong to: whole where all the meter has of it are named, else by element.

    Args:
        meter: whose columns they are.
        names: of quantities; those that have no OAD are left out.
        feature: of the attributes, as snapshots of events have it.
    """
    ordered: dict[tuple[int, int], dict[int, str]] = {}
    for name in names:
        row = QUANTITIES.get(name)
        if row is not None and row.oad is not None and row.kind not in _UNSTORED:
            oad = Oad.of(row.oad)
            ordered.setdefault((oad.oi, oad.attribute), {})[oad.index] = name
    found: list[Oad] = []
    for (oi, number), members in ordered.items():
        whole = Oad(oi, number, 0)
        if 0 not in members and len(members) > 1 and set(names_of(meter, whole)) <= set(members.values()):
            found.append(Oad(oi, feature << 5 | number, 0))
        else:
            found += [Oad(oi, feature << 5 | number, index) for index in sorted(members)]
    return tuple(found)
