"""What the meter shows of itself through DLMS/COSEM: objects by logical name, their classes, and values as Data.

An interface class is a table: its version, and for each attribute the function that gives it (IEC 62056-6-2). The rows
of the table of quantities become its instances.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, Final, Protocol

import msgspec

from meterwire.meter_model.values import Demand, NotServed, Value, truncated
from meterwire.protocols.dlms.data import NULL, TAG_NAMES, Tag, array, fits, octet_string, structure
from meterwire.protocols.dlms.date_time import CosemDateTime
from meterwire.protocols.dlms.enums import DataAccessResult
from meterwire.protocols.dlms.units import Unit
from meterwire.protocols.wire.nodes import Variant
from meterwire.quantities import QUANTITIES, Quantity, Representation

_TAGS: Final = {name: tag for tag, name in TAG_NAMES.items()}
_UNITS: Final = {unit.symbol: int(unit) for unit in Unit}
_INTERNAL_CRYSTAL: Final = 1
_MINUTE: Final = dt.timedelta(minutes=1)


class Meter(Protocol):
    """What the face needs of a meter."""

    @property
    def identity(self) -> Any:
        """Has `logical_device`, its number, `logical_device_name` and `secrets`."""

    @property
    def clock(self) -> Any:
        """Has `now()`, an aware time."""

    def read(self, quantity: Quantity) -> Value:
        """The value now; raises `NotServed`."""


class Denied(Exception):  # noqa: N818  becomes a data access result before it leaves the face
    """An attribute cannot be had; `result` says why."""

    def __init__(self, result: DataAccessResult) -> None:
        super().__init__(result.name)
        self.result = result


class CosemObject(msgspec.Struct, frozen=True):
    """One instance. `row` is the quantity that its value is, None for an object of DLMS/COSEM's own."""

    kind: CosemClass
    instance: bytes
    row: Quantity | None = None

    def read(self, attribute: int, view: View) -> Variant:
        """An attribute as Data; raises `Denied`."""
        give = self.kind.attributes.get(attribute)
        if give is None:
            raise Denied(DataAccessResult.READ_WRITE_DENIED)
        try:
            return give(self, view)
        except NotServed:
            raise Denied(DataAccessResult.OBJECT_UNDEFINED) from None


class View(Protocol):
    """What an attribute may depend on: the meter, and the association that it is read through."""

    meter: Meter

    def objects(self) -> Iterable[CosemObject]:
        """The objects that can be seen."""

    def agreed(self, attribute: int) -> Variant:
        """What was agreed on, as an attribute of the association object."""


Give = Callable[[CosemObject, View], Variant]


class CosemClass(msgspec.Struct, frozen=True):
    """One interface class as the meter implements it. A hidden attribute is listed and cannot be read."""

    class_id: int
    version: int
    attributes: Mapping[int, Give]
    methods: int = 0
    hidden: tuple[int, ...] = ()


# ---------------------------------------------------------------- values


def _row(found: CosemObject) -> tuple[Quantity, Representation]:
    if found.row is None or found.row.dlms is None:
        raise Denied(DataAccessResult.OBJECT_UNAVAILABLE)
    return found.row, found.row.dlms


def _integer(value: Fraction, declared: Representation) -> Variant:
    """The integer that the declared resolution leaves of a value."""
    raw = truncated(value, declared.exponent or 0)
    tag = _TAGS[declared.data_type]
    if not fits(tag, raw):
        raise Denied(DataAccessResult.OTHER_REASON)
    return Variant(tag, raw)


def _value(found: CosemObject, view: View) -> Variant:
    row, declared = _row(found)
    value = view.meter.read(row)
    if isinstance(value, Fraction):
        return _integer(value, declared)
    if isinstance(value, Demand):
        return _integer(value.value, declared)
    if isinstance(value, str):
        return octet_string(value.encode())
    return octet_string(_moment(value))


def _moment(value: dt.datetime | dt.date | dt.time) -> bytes:
    if isinstance(value, dt.datetime):
        return CosemDateTime.of_datetime(value).octets
    if isinstance(value, dt.date):
        return CosemDateTime.of_datetime(dt.datetime.combine(value, dt.time())).date_octets
    return CosemDateTime.of_datetime(dt.datetime.combine(dt.date.min, value)).time_octets


def _scaler_unit(found: CosemObject, view: View) -> Variant:
    del view
    _, declared = _row(found)
    unit = _UNITS.get(declared.unit, int(Unit.COUNT))
    return structure(Variant(Tag.INTEGER, declared.scaler or 0), Variant(Tag.ENUM, unit))


def _captured(found: CosemObject, view: View) -> Variant:
    row, _ = _row(found)
    value = view.meter.read(row)
    when = value.time if isinstance(value, Demand) else None
    return octet_string((CosemDateTime() if when is None else CosemDateTime.of_datetime(when)).octets)


def _logical_name(found: CosemObject, view: View) -> Variant:
    del view
    return octet_string(found.instance)


def _fixed(value: Variant) -> Give:
    return lambda _found, _view: value


# ---------------------------------------------------------------- demand register


def _minutes(view: View, name: str) -> int:
    value = view.meter.read(QUANTITIES[name])
    return int(value) if isinstance(value, Fraction) else 0


def _window_end(found: CosemObject, view: View) -> Variant:
    """End of the window whose average is shown: a whole step of the sliding window."""
    del found
    now = view.meter.clock.now()
    step = max(_minutes(view, "demand_sliding_time"), 1)
    end = now.replace(second=0, microsecond=0) - (now.minute % step) * _MINUTE
    return octet_string(CosemDateTime.of_datetime(end).octets)


def _period(found: CosemObject, view: View) -> Variant:
    del found
    return Variant(Tag.DOUBLE_LONG_UNSIGNED, 60 * _minutes(view, "demand_sliding_time"))


def _periods(found: CosemObject, view: View) -> Variant:
    del found
    slide = max(_minutes(view, "demand_sliding_time"), 1)
    return Variant(Tag.LONG_UNSIGNED, _minutes(view, "demand_period") // slide)


# ---------------------------------------------------------------- clock


def _now(found: CosemObject, view: View) -> Variant:
    del found
    return octet_string(CosemDateTime.of_datetime(view.meter.clock.now()).octets)


def _time_zone(found: CosemObject, view: View) -> Variant:
    del found
    return Variant(Tag.LONG, CosemDateTime.of_datetime(view.meter.clock.now()).deviation)


# ---------------------------------------------------------------- association, logical devices


def _object_list(found: CosemObject, view: View) -> Variant:
    del found
    return array(_listed(one) for one in view.objects())


def _listed(one: CosemObject) -> Variant:
    kind = one.kind
    modes = dict.fromkeys(kind.attributes, 1) | dict.fromkeys(kind.hidden, 0)
    attributes = array(
        structure(Variant(Tag.INTEGER, number), Variant(Tag.ENUM, mode), NULL) for number, mode in sorted(modes.items())
    )
    methods = array(
        structure(Variant(Tag.INTEGER, number), Variant(Tag.BOOLEAN, False)) for number in range(1, kind.methods + 1)
    )
    return structure(
        Variant(Tag.LONG_UNSIGNED, kind.class_id),
        Variant(Tag.UNSIGNED, kind.version),
        octet_string(one.instance),
        structure(attributes, methods),
    )


def _agreed(attribute: int) -> Give:
    return lambda _found, view: view.agreed(attribute)


def _device_name(found: CosemObject, view: View) -> Variant:
    del found
    return octet_string(view.meter.identity.logical_device_name)


def _devices(found: CosemObject, view: View) -> Variant:
    del found
    identity = view.meter.identity
    device = Variant(Tag.LONG_UNSIGNED, identity.logical_device)
    return array([structure(device, octet_string(identity.logical_device_name))])


# ---------------------------------------------------------------- the classes (IEC 62056-6-2, 4.3 to 4.5)

_NO_DATE_TIME: Final = octet_string(CosemDateTime().octets)

DATA: Final = CosemClass(1, 0, {1: _logical_name, 2: _value})
REGISTER: Final = CosemClass(3, 0, {1: _logical_name, 2: _value, 3: _scaler_unit}, methods=1)
EXTENDED_REGISTER: Final = CosemClass(
    4, 0, {1: _logical_name, 2: _value, 3: _scaler_unit, 4: _fixed(NULL), 5: _captured}, methods=1
)
DEMAND_REGISTER: Final = CosemClass(
    5,
    0,
    {
        1: _logical_name,
        2: _value,
        3: _value,
        4: _scaler_unit,
        5: _fixed(NULL),
        6: _window_end,
        7: _window_end,
        8: _period,
        9: _periods,
    },
    methods=2,
)
"""The model averages over whole windows only, so that current and last average are the window that ended last."""
CLOCK: Final = CosemClass(
    8,
    0,
    {
        1: _logical_name,
        2: _now,
        3: _time_zone,
        4: _fixed(Variant(Tag.UNSIGNED, 0)),
        5: _fixed(_NO_DATE_TIME),
        6: _fixed(_NO_DATE_TIME),
        7: _fixed(Variant(Tag.INTEGER, 0)),
        8: _fixed(Variant(Tag.BOOLEAN, False)),
        9: _fixed(Variant(Tag.ENUM, _INTERNAL_CRYSTAL)),
    },
    methods=6,
)
ASSOCIATION_LN: Final = CosemClass(
    15,
    0,
    {1: _logical_name, 2: _object_list, **{number: _agreed(number) for number in (3, 4, 5, 6, 8)}},
    methods=4,
    hidden=(7,),
)
SAP_ASSIGNMENT: Final = CosemClass(17, 0, {1: _logical_name, 2: _devices}, methods=1)
_DEVICE_NAME: Final = CosemClass(1, 0, {1: _logical_name, 2: _device_name})

CLASSES: Final = {kind.class_id: kind for kind in (DATA, REGISTER, EXTENDED_REGISTER, DEMAND_REGISTER, CLOCK)}
"""The classes that rows of the table of quantities are instances of."""

OWN: Final = (
    CosemObject(ASSOCIATION_LN, bytes((0, 0, 40, 0, 0, 255))),
    CosemObject(SAP_ASSIGNMENT, bytes((0, 0, 41, 0, 0, 255))),
    CosemObject(_DEVICE_NAME, bytes((0, 0, 42, 0, 0, 255))),
)
"""Current association, SAP assignment and logical device name: every management logical device has them."""


def catalogue(meter: Meter) -> dict[bytes, CosemObject]:
    """The objects of a meter by logical name: its own, and a row of the table each where the meter serves it."""
    found = {one.instance: one for one in OWN}
    for row in QUANTITIES.values():
        if row.obis is None or row.class_id not in CLASSES or not _served(meter, row):
            continue
        found.setdefault(row.obis, CosemObject(CLASSES[row.class_id], row.obis, row))
    return found


def _served(meter: Meter, row: Quantity) -> bool:
    try:
        meter.read(row)
    except NotServed:
        return False
    return True
