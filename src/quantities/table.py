"""The rows of the table and the ways to find one."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Final

import msgspec

from meterwire.errors import LocalProtocolError


class Kind(StrEnum):
    """What sort of thing a quantity is, which decides how its value is found."""

    ENERGY = "energy"
    """An energy register: register, phase or rate, settlement."""
    MAX_DEMAND = "max_demand"
    """The highest demand of a billing period and the time it was reached."""
    DEMAND = "demand"
    """The present average over the demand period."""
    POWER = "power"
    VOLTAGE = "voltage"
    CURRENT = "current"
    POWER_FACTOR = "power_factor"
    ANGLE = "angle"
    """Degrees: register `voltage_current` within a phase, register `voltage` against phase A."""
    FREQUENCY = "frequency"
    DISTORTION = "distortion"
    """Total harmonic distortion of the register `voltage` or `current`, in per cent."""
    DATE = "date"
    TIME = "time"
    DATE_TIME = "date_time"
    TEXT = "text"
    """A string of the meter's identity; `register` is its key."""
    NUMBER = "number"
    """A plain number of the meter's state or parameters; `register` is its key."""


class Representation(msgspec.Struct, frozen=True):
    """How one dialect declares the value of a quantity.

    Attributes:
        data_type: the dialect's own name of the type; empty for DL/T 645, whose formats stand in its identifier table.
        unit: the declared unit, such as Wh where the row says kWh.
        scaler: power of ten that the raw integer counts in `unit`; None where the value is not a number.
        exponent: power of ten that the raw integer counts in the unit of the row: the declared resolution.
    """

    data_type: str
    unit: str
    scaler: int | None
    exponent: int | None

    def to_raw(self, value: Decimal) -> int:
        """The integer that the dialect sends for a value in the row's unit: truncated towards zero, never rounded."""
        sign, digits, exponent = value.as_tuple()
        if not isinstance(exponent, int):
            raise LocalProtocolError(f"{value} is not a number that a dialect can carry")
        return int(Decimal((sign, digits, exponent - self._resolution())))  # exact: no context rounds it

    def from_raw(self, raw: int) -> Decimal:
        """The value in the unit of the row for an integer that the dialect sent; keeps the digits it declared."""
        resolution = self._resolution()
        return Decimal(f"{raw}E{resolution}") if resolution < 0 else Decimal(raw * 10**resolution)

    def _resolution(self) -> int:
        if self.exponent is None:
            raise LocalProtocolError("a quantity that is not a number has no scaler")
        return self.exponent


class Quantity(msgspec.Struct, frozen=True):
    """One row: a quantity, what it means and what each dialect calls it.

    Attributes:
        register: what is measured, such as `active_import`; for texts and numbers the key of the value.
        phase: `total`, `a`, `b`, `c`, `n` (neutral), or empty where phases mean nothing.
        rate: tariff rate 1.., 0 for the total over all rates.
        settlement: 0 now, 1 the last settlement day.
        unit: unit of a read by name; empty for texts and pure numbers.
        decimals: digits after the point of a read by name; None where the value is not a number.
        di: data identifier of DL/T 645-2007, 32 bits, DI3 highest.
        oad: object attribute descriptor of DL/T 698.45, 32 bits: OI, attribute, index.
        class_id: COSEM interface class of the object; with `obis` (6 octets) and `attribute` one value.
        note: doubts and differences worth knowing, with their confidence.
    """

    name: str
    kind: Kind
    register: str
    phase: str
    rate: int
    settlement: int
    unit: str
    decimals: int | None
    di: int | None
    oad: int | None
    class_id: int | None
    obis: bytes | None
    attribute: int | None
    dlt645: Representation | None
    dlt69845: Representation | None
    dlms: Representation | None
    note: str

    @property
    def representations(self) -> tuple[Representation, ...]:
        """What the dialects that name this quantity declare of it."""
        return tuple(r for r in (self.dlt645, self.dlt69845, self.dlms) if r is not None)

    @property
    def coarsest(self) -> int | None:
        """Power of ten, in the unit of the row, to which every dialect that names the quantity must agree."""
        exponents = [r.exponent for r in self.representations if r.exponent is not None]
        return max(exponents, default=None)


_UNIT_SHIFT: Final = {
    ("Wh", "kWh"): -3,
    ("varh", "kvarh"): -3,
    ("VAh", "kVAh"): -3,
    ("W", "kW"): -3,
    ("var", "kvar"): -3,
    ("VA", "kVA"): -3,
    ("1/Wh", "imp/kWh"): 3,
    ("1/varh", "imp/kvarh"): 3,
}
"""Powers of ten from a declared unit to the unit of a row; equal units need none."""


def _representation(row: dict[str, str], data_type: str, unit: str, scaler: int | None) -> Representation:
    exponent = None
    if row["decimals"]:
        scaler = scaler or 0
        exponent = scaler + (0 if unit == row["unit"] else _UNIT_SHIFT[unit, row["unit"]])
    return Representation(data_type, unit, scaler, exponent)


def _number(text: str, base: int = 10) -> int | None:
    return int(text, base) if text else None


def _logical_name(text: str) -> bytes | None:
    digits = text.translate(str.maketrans("-:.*", "    ")).split()
    return bytes(map(int, digits)) if digits else None


def _dlt645(row: dict[str, str]) -> Representation | None:
    decimals = _number(row["di_decimals"])
    return _representation(row, "", row["di_unit"], -decimals if decimals else decimals) if row["di"] else None


def _dlt69845(row: dict[str, str]) -> Representation | None:
    return _representation(row, row["oad_type"], row["oad_unit"], _number(row["oad_scaler"])) if row["oad"] else None


def _dlms(row: dict[str, str]) -> Representation | None:
    return (
        _representation(row, row["obis_type"], row["obis_unit"], _number(row["obis_scaler"])) if row["obis"] else None
    )


def _quantity(row: dict[str, str]) -> Quantity:
    return Quantity(
        name=row["name"],
        kind=Kind(row["kind"]),
        register=row["register"],
        phase=row["phase"],
        rate=int(row["rate"]),
        settlement=int(row["settlement"]),
        unit=row["unit"],
        decimals=_number(row["decimals"]),
        di=_number(row["di"], 16),
        oad=_number(row["oad"], 16),
        class_id=_number(row["class_id"]),
        obis=_logical_name(row["obis"]),
        attribute=_number(row["attribute"]),
        dlt645=_dlt645(row),
        dlt69845=_dlt69845(row),
        dlms=_dlms(row),
        note=row["note"],
    )


@cache
def _rows() -> dict[str, Quantity]:
    from importlib.resources import files  # noqa: PLC0415  costly, and needed only once the table is read

    text = files(__package__).joinpath("quantities.csv").read_text("utf-8")
    return {row["name"]: _quantity(row) for row in csv.DictReader(text.splitlines())}


class _Table(Mapping[str, Quantity]):
    """The rows in the order of the file, read from it on first use."""

    def __getitem__(self, name: str) -> Quantity:
        return _rows()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_rows())

    def __len__(self) -> int:
        return len(_rows())


QUANTITIES: Final[Mapping[str, Quantity]] = _Table()
"""Every quantity by its name, in the order of the table."""


def quantity(name: str) -> Quantity:
    """The row of that name; raises LocalProtocolError with the nearest names when there is none."""
    found = _rows().get(name)
    if found is None:
        from difflib import get_close_matches  # noqa: PLC0415  only for a mistake

        near = get_close_matches(name, _rows(), n=3)
        raise LocalProtocolError(f"no quantity is called {name!r}" + (f"; near: {', '.join(near)}" if near else ""))
    return found


@cache
def _by_di() -> dict[int, Quantity]:
    return {q.di: q for q in _rows().values() if q.di is not None}


@cache
def _by_oad() -> dict[int, Quantity]:
    return {q.oad: q for q in _rows().values() if q.oad is not None}


@cache
def _by_obis() -> dict[tuple[int | None, bytes, int | None], Quantity]:
    return {(q.class_id, q.obis, q.attribute): q for q in _rows().values() if q.obis is not None}


def by_di(di: int) -> Quantity | None:
    """The quantity that DL/T 645 keeps under a data identifier (32 bits, DI3 highest)."""
    return _by_di().get(di)


def by_oad(oad: int) -> Quantity | None:
    """The quantity that DL/T 698.45 keeps under an object attribute descriptor (32 bits)."""
    return _by_oad().get(oad)


def by_obis(class_id: int, obis: bytes, attribute: int) -> Quantity | None:
    """The quantity that COSEM keeps in an attribute of the object with this class and logical name (6 octets)."""
    return _by_obis().get((class_id, bytes(obis), attribute))
