"""Values of the meter as Data, and Data that a client gives as values: types and ranges are checked here."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any, Final

from meterwire.errors import LocalProtocolError, MalformedError
from meterwire.meter_model.faces.dlms.cosem_model import Attribute, CosemObject, Denied, Give, View
from meterwire.meter_model.values import Demand, Value, truncated
from meterwire.protocols.dlms.data import NULL, TAG_NAMES, Tag, fits, octet_string, structure
from meterwire.protocols.dlms.date_time import CosemDateTime
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.dlms.units import Unit
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities import Quantity, Representation

TAGS: Final = {name: tag for tag, name in TAG_NAMES.items()}
UNITS: Final = {unit.symbol: int(unit) for unit in Unit}
NO_DATE_TIME: Final = octet_string(CosemDateTime().octets)


def row_of(found: CosemObject) -> tuple[Quantity, Representation]:
    """The quantity of an object and how DLMS/COSEM has it; raises `Denied`."""
    if found.row is None or found.row.dlms is None:
        raise Denied(DataAccessResult.OBJECT_UNAVAILABLE)
    return found.row, found.row.dlms


def integer_of(value: Fraction, declared: Representation) -> Variant:
    """The integer that the declared resolution leaves of a value; raises `Denied` where its type cannot carry it."""
    raw = truncated(value, declared.exponent or 0)
    tag = TAGS[declared.data_type]
    if not fits(tag, raw):
        raise Denied(DataAccessResult.OTHER_REASON)
    return Variant(tag, raw)


def data_of(value: Value, declared: Representation) -> Variant:
    """A value of the meter as Data; raises `Denied`."""
    if isinstance(value, Fraction):
        return integer_of(value, declared)
    if isinstance(value, Demand):
        return integer_of(value.value, declared)
    if isinstance(value, str):
        return octet_string(value.encode())
    return octet_string(moment_octets(value))


def moment_octets(value: dt.datetime | dt.date | dt.time) -> bytes:
    """The octets of a time, a date or a time of day."""
    if isinstance(value, dt.datetime):
        return CosemDateTime.of_datetime(value).octets
    if isinstance(value, dt.date):
        return CosemDateTime.of_datetime(dt.datetime.combine(value, dt.time())).date_octets
    return CosemDateTime.of_datetime(dt.datetime.combine(dt.date.min, value)).time_octets


def time_data(when: dt.datetime | None) -> Variant:
    """A time as the octets of a date-time; without one nothing in it is specified."""
    return NO_DATE_TIME if when is None else octet_string(CosemDateTime.of_datetime(when).octets)


def scaler_unit_data(declared: Representation) -> Variant:
    """The attribute scaler_unit."""
    unit = UNITS.get(declared.unit, int(Unit.COUNT))
    return structure(Variant(Tag.INTEGER, declared.scaler or 0), Variant(Tag.ENUM, unit))


def logical_name(found: CosemObject, view: View) -> Variant:
    """Attribute 1 of every class."""
    del view
    return octet_string(found.instance)


NAME: Final = Attribute(logical_name)


def fixed(value: Variant) -> Give:
    """An attribute that never changes."""
    return lambda _found, _view: value


# ---------------------------------------------------------------- what a client gives


def given(data: Variant, *tags: int) -> Any:
    """The value of Data that must be of one of these types; raises `Denied`."""
    if data.tag not in tags:
        raise Denied(DataAccessResult.TYPE_UNMATCHED)
    return data.value


def given_members(data: Variant, *tags: tuple[int, ...]) -> list[Variant]:
    """The members of a structure of these types; raises `Denied`."""
    members = given(data, Tag.STRUCTURE)
    if len(members) != len(tags):
        raise Denied(DataAccessResult.TYPE_UNMATCHED)
    for member, types in zip(members, tags, strict=True):
        given(member, *types)
    return list(members)


def given_time(data: Variant, zone: dt.tzinfo) -> dt.datetime:
    """A whole date and time; raises `Denied`."""
    octets = given(data, Tag.OCTET_STRING, Tag.DATE_TIME)
    if len(octets) != 12:
        raise Denied(DataAccessResult.TYPE_UNMATCHED)
    try:
        return CosemDateTime.of_octets(octets).calendar(zone)
    except MalformedError:
        raise Denied(DataAccessResult.OTHER_REASON) from None


def set_parameter(view: View, name: str, value: Any, item: str) -> None:
    """Set a parameter of the meter, with a record of who did it; raises `Denied`."""
    parameters = getattr(view.meter, "parameters", None)
    if parameters is None:
        raise Denied(DataAccessResult.READ_WRITE_DENIED)
    try:
        parameters.set(name, value, view.author(item))
    except LocalProtocolError:
        raise Denied(DataAccessResult.OTHER_REASON) from None


ABSENT: Final = NULL
"""What stands in a profile where the meter had no value."""
