"""The parameters of the meter under their data identifiers (class 04): read and written by one table.

`parameters.csv`: `[02-07]` stands for every octet of that range, `<1>` for its number in the parameter's name,
counted from 1; `count` is the parameter that says how many of them the meter uses, `over` the bit of the error word
for more than it has.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from typing import Any, Final

import msgspec

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.meter_model.faces.dlt645.answers import denied, no_data, other_error
from meterwire.meter_model.faces.dlt645.values import packed, unpacked
from meterwire.meter_model.meter import Meter
from meterwire.meter_model.parameters import Author, parameters
from meterwire.protocols.dlt645.identifiers import decode, encode, identifier

_RANGE: Final = re.compile(r"\[(..)-(..)\]")
_ENTRIES: Final = {"seasons": "season_count", "slots": "day_slot_count"}


class Place(msgspec.Struct, frozen=True):
    """Where a data identifier leads.

    Attributes:
        number: of several parameters, else 0.
    """

    parameter: str
    number: int
    count: str
    over: str


@cache
def places() -> dict[int, Place]:
    """By data identifier."""
    from importlib.resources import files  # noqa: PLC0415  needed only once the table is read

    found: dict[int, Place] = {}
    text = files(__package__).joinpath("parameters.csv").read_text("utf-8")
    for row in csv.DictReader(text.splitlines()):
        several = _RANGE.search(row["di"])
        if several is None:
            found[int(row["di"], 16)] = Place(row["parameter"], 0, row["count"], row["over"])
            continue
        first, last = int(several[1], 16), int(several[2], 16)
        for number, octet in enumerate(range(first, last + 1), 1):
            di = int(_RANGE.sub(f"{octet:02X}", row["di"]), 16)
            name = row["parameter"].replace("<1>", str(number))
            found[di] = Place(name, number, row["count"], row["over"])
    return found


class ParameterItems:
    """The parameters of one meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def octets(self, di: int) -> bytes | None:
        """The data of a parameter, None where the meter does not have it."""
        place = places().get(di)
        if place is None or self._is_beyond(place):
            return None
        held, kind = self._meter.parameters, parameters()[place.parameter].kind
        entries = int(held[_ENTRIES[kind]]) if kind in _ENTRIES else 0
        return encode(di, packed(kind, held[place.parameter], entries))

    def write(self, di: int, octets: bytes, by: Author) -> None:
        """Write a parameter; raises Denied with the bit that says why not."""
        place = places().get(di)
        if place is None:
            raise no_data()
        if self._is_beyond(place):
            raise denied(**{place.over: 1}) if place.over else no_data()
        kind = parameters()[place.parameter].kind
        try:
            value = unpacked(kind, _decoded(di, octets))
            if self._is_too_much(place, kind, value):
                raise denied(**{place.over: 1})
            self._refuse_unknown_rate(kind, value)
            self._meter.parameters.set(place.parameter, value, by)
        except (LocalProtocolError, MalformedError) as error:
            raise other_error() from error

    def _is_beyond(self, place: Place) -> bool:
        """Whether it is the fifth of four."""
        return bool(place.count) and place.number > self._meter.parameters[place.count]

    def _is_too_much(self, place: Place, kind: str, value: Any) -> bool:
        if not place.over:
            return False
        held = self._meter.parameters
        if kind in _ENTRIES:
            return bool(len(value) > held[_ENTRIES[kind]])
        if place.parameter == "rate_count":
            return bool(value > self._meter.profile.tariff.rates)
        return not place.count and value > parameters()[place.parameter].high

    def _refuse_unknown_rate(self, kind: str, value: Any) -> None:
        held = self._meter.parameters
        if kind == "slots" and any(rate > held["rate_count"] for _, rate in value):
            raise denied(too_many_rates=1)
        if kind == "seasons" and any(plan > held["day_schedule_count"] for _, _, plan in value):
            raise denied(too_many_day_slots=1)


def _decoded(di: int, octets: bytes) -> Any:
    found = identifier(di)
    if found is not None and found.octets is not None and len(octets) != found.octets:
        raise MalformedError(f"{found.octets} octets, not {len(octets)}")
    return decode(di, octets)
